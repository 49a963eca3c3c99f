"""The slow path: one frame at a time, for what is too rare for the kernel.

It reads all that the kernel reads, the same way (a test holds them to each other), and what the kernel leaves to it:
fragments, rare links, tunnels.  The row of a frame is its innermost IP packet.  What looks like a tunnel by its port
and turns out to hold no IP packet is an ordinary UDP datagram.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from analyzer.core import Problem
from analyzer.decode.columns import Option, SidePayload, Status
from analyzer.decode.fragments import TOLD, Fragment, Fragments, Key, moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Batch, Limits, Run
    from analyzer.decode.columns import Columns

#: A step of the walk from header to header; it gives the next one, None at the end.
Step: TypeAlias = "Callable[[], Step | None]"


class Ether:
    """EtherTypes."""

    IPV4: Final = 0x0800
    IPV6: Final = 0x86DD
    VLAN: Final = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
    MPLS: Final = frozenset({0x8847, 0x8848})
    PPPOE_SESSION: Final = 0x8864
    BRIDGED: Final = 0x6558  # transparent Ethernet bridging
    PPP: Final = 0x880B
    ERSPAN: Final = 0x88BE  # types I and II
    ERSPAN_III: Final = 0x22EB
    LARGEST_LENGTH: Final = 1500  # at most this it is a length, and LLC follows


class Protocol:
    """IP protocol numbers."""

    HOP_BY_HOP: Final = 0
    ICMP: Final = 1
    IPV4: Final = 4
    TCP: Final = 6
    UDP: Final = 17
    IPV6: Final = 41
    ROUTING: Final = 43
    FRAGMENT: Final = 44
    GRE: Final = 47
    AUTHENTICATION: Final = 51
    ICMPV6: Final = 58
    NO_NEXT: Final = 59
    DESTINATION: Final = 60
    ETHERNET: Final = 97
    SCTP: Final = 132
    MPLS: Final = 137


EXTENSIONS: Final = frozenset({Protocol.HOP_BY_HOP, Protocol.ROUTING, Protocol.FRAGMENT, Protocol.DESTINATION})


class Port:
    """UDP ports of tunnels."""

    L2TP: Final = 1701
    GTP_U: Final = 2152
    TEREDO: Final = 3544
    GRE: Final = 4754
    VXLAN: Final = frozenset({4789, 8472})  # the second is what Linux used at first
    VXLAN_GPE: Final = 4790
    GUE: Final = 6080
    GENEVE: Final = 6081
    MPLS: Final = 6635


AF_INET: Final = 2
#: AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS.
AF_INET6: Final = frozenset({10, 23, 24, 28, 30})
SNAP: Final = bytes.fromhex("aaaa03000000")


@dataclass(slots=True)
class Row:
    """What is written into the columns."""

    status: int = Status.OTHER
    version: int = 0
    transport: int = 0
    ttl: int = 0
    scale: int = 0
    options: int = 0
    flags: int = 0
    ip_id: int = -1
    source_port: int = 0
    target_port: int = 0
    window: int = 0
    mss: int = 0
    payload_bytes: int = 0
    payload_wire: int = 0
    source: int = 0
    target: int = 0
    header_at: int = 0
    payload_at: int = 0
    seq: int = 0
    ack: int = 0
    ts_value: int = -1
    ts_echo: int = -1
    sack_start: int = -1
    sack_stop: int = -1
    side: SidePayload | None = None


#: Columns that are written as the row has them.
PLAIN: Final = tuple(name for name in Row.__slots__ if name not in ("source", "target", "side"))


class SlowPath:
    """Decodes frames one by one; keeps the fragments that wait for others.

    `problems` is what went wrong with the capture (each kind is told at most `TOLD` times), `counts` how often.
    `finish` is called when the capture is over.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.problems: list[Problem] = []
        self.counts: Counter[str] = Counter()
        self.fragments = Fragments(limits, self.problems.append)

    def decode(self, batch: Batch, columns: Columns, row: int) -> None:
        """Write row `row` of the columns."""
        self.counts["frames"] += 1
        found = _Walk(self, batch, row).row_found()
        for name in PLAIN:
            getattr(columns, name)[row] = getattr(found, name)
        low = (1 << 64) - 1
        columns.source_high[row], columns.source_low[row] = found.source >> 64, found.source & low
        columns.target_high[row], columns.target_low[row] = found.target >> 64, found.target & low
        if found.side is not None:
            columns.side[row] = found.side

    def finish(self) -> None:
        self.fragments.finish()

    def too_deep(self, frame: int) -> None:
        self.counts["too-deep"] += 1
        if self.counts["too-deep"] <= TOLD:
            text = f"more than {self.limits.depth} IP packets inside each other: the outer {self.limits.depth} are read"
            self.problems.append(Problem("ip.nested-too-deep", text, frame=frame))


class _Walk:
    """The walk through one frame.

    `data` is the batch's buffer, or the payload of a reassembled datagram (`side` is then set).  `at` is where the next
    header starts, `end` where the captured bytes end, `wire` where the bytes end by the lengths of the headers around.
    """

    def __init__(self, slow: SlowPath, batch: Batch, row: int) -> None:
        self.slow = slow
        self.frame = batch.first_frame + row
        self.time_ns = int(batch.time_ns[row])
        self.start = int(batch.start[row])
        self.link = int(batch.link[row])
        self.data: bytes | bytearray = batch.data
        self.side: SidePayload | None = None
        self.at = self.start
        self.end = min(self.start + int(batch.captured[row]), len(batch.data))
        self.wire = max(self.start + int(batch.length[row]), self.end)
        self.claimed = self.wire  # where the packet ends by its IP header alone
        self.depth = 0  # IP headers read
        self.row: Row | None = None

    def row_found(self) -> Row:
        step: Step | None = self.link_layer
        while step is not None:
            step = step()
        return self.row or Row()

    # --- reading

    @property
    def left(self) -> int:
        """Captured bytes from here on."""
        return self.end - self.at

    def uint(self, offset: int, size: int) -> int:
        """The number of `size` bytes at `offset` from here, in network byte order."""
        start = self.at + offset
        return int.from_bytes(self.data[start : start + size], "big")

    def uint_le(self, offset: int, size: int) -> int:
        start = self.at + offset
        return int.from_bytes(self.data[start : start + size], "little")

    def limit(self, stop: int) -> None:
        """The bytes end at `stop` at the latest, by what a header says."""
        self.wire = min(self.wire, stop)
        self.end = min(self.end, self.wire)

    def runs(self, start: int, stop: int) -> list[Run]:
        """Where bytes `start` to `stop` of `data` were captured."""
        if self.side is not None:
            return moved(self.side.runs, start, stop)
        return [(0, self.frame, start - self.start, self.time_ns)]

    # --- endings

    def cut(self) -> Step | None:
        """A header does not fit.  Inside another packet it may as well be no header at all: then that one stands."""
        if self.row is None:
            self.row = Row(Status.CUT)
        return None

    def other(self) -> Step | None:
        """Nothing that we read comes here."""
        return None

    # --- link layers

    def link_layer(self) -> Step | None:
        reader = LINKS.get(self.link)
        return reader(self) if reader is not None else self.other()

    def skip(self, size: int) -> bool:
        """Go on `size` bytes, if they are there."""
        if self.left < size:
            self.cut()
            return False
        self.at += size
        return True

    def ethernet(self) -> Step | None:
        ether = self.uint(12, 2)
        return self.ether(ether) if self.skip(14) else None

    def cooked(self) -> Step | None:
        ether = self.uint(14, 2)
        return self.ether(ether) if self.skip(16) else None

    def cooked_v2(self) -> Step | None:
        ether = self.uint(0, 2)
        return self.ether(ether) if self.skip(20) else None

    def ip_by_version(self) -> Step | None:
        if self.left < 1:
            return self.cut()
        nibble = self.data[self.at] >> 4
        return {4: self.ipv4, 6: self.ipv6}.get(nibble, self.other)

    def loopback(self) -> Step | None:
        """BSD null and loop: the address family, in the byte order of whoever captured it."""
        family = self.uint(0, 4)
        if family > 0xFFFF:
            family = self.uint_le(0, 4)
        if not self.skip(4):
            return None
        return self.by_family(family)

    def by_family(self, family: int) -> Step | None:
        if family == AF_INET:
            return self.ipv4
        return self.ipv6 if family in AF_INET6 else self.other()

    def hdlc(self) -> Step | None:
        """PPP in HDLC-like framing (RFC 1662), or Cisco HDLC on the same link type."""
        return self.cisco_hdlc if self.left and self.data[self.at] in (0x0F, 0x8F) else self.ppp

    def cisco_hdlc(self) -> Step | None:
        ether = self.uint(2, 2)
        return self.ether(ether) if self.skip(4) else None

    def pppd(self) -> Step | None:
        """The direction in place of the HDLC address, the control byte, then PPP."""
        return self.ppp if self.skip(2) else None

    def ppp_with_direction(self) -> Step | None:
        return self.ppp if self.skip(1) else None

    def ppp_over_ethernet(self) -> Step | None:
        return self.ether(Ether.PPPOE_SESSION)

    def ppp(self) -> Step | None:
        """RFC 1661 §2; address and control, and the first byte of the protocol, may be compressed away (§6.5, §6.6)."""
        if self.left >= 4 and self.uint(0, 2) == 0xFF03:
            self.at += 2
        if self.left < 2:
            return self.cut()
        size = 1 if self.data[self.at] & 1 else 2
        protocol = self.uint(0, size)
        self.at += size
        if protocol == 0x0021:
            return self.ipv4
        if protocol == 0x0057:
            return self.ipv6
        return self.mpls if protocol in (0x0281, 0x0283) else self.other()

    def nflog(self) -> Step | None:
        """Linux netfilter log: family, version, resource id, then attributes; one of them is the packet."""
        if self.left < 4:
            return self.cut()
        family = self.data[self.at]
        self.at += 4
        while self.left >= 4:
            # Numbers are in the byte order of the capturing host; types are small, so they tell which.
            little = self.uint_le(2, 2) & 0x7FFF < 256
            size, kind = (self.uint_le(0, 2), self.uint_le(2, 2)) if little else (self.uint(0, 2), self.uint(2, 2))
            if kind & 0x7FFF == 9:  # NFULA_PAYLOAD
                self.limit(self.at + max(size, 4))
                self.at += 4
                return self.by_family(family)
            if size < 4:
                return self.other()
            self.at += (size + 3) & ~3
        return self.cut()

    def radiotap(self) -> Step | None:
        size = self.uint_le(2, 2)
        if self.left < 8 or size < 8:
            return self.cut()
        # A driver may pad the 802.11 header to 32 bits: bit 5 of the flags, which follow a time stamp if there is one.
        present = self.uint_le(4, 4)
        at = 8
        word = present
        while word >> 31 and at + 4 <= self.left:
            word = self.uint_le(at, 4)
            at += 4
        if present & 1:
            at = ((at + 7) & ~7) + 8
        padded = bool(present & 2) and at < min(size, self.left) and bool(self.data[self.at + at] & 0x20)
        return self.wlan_frame(padded) if self.skip(size) else None

    def wlan(self) -> Step | None:
        return self.wlan_frame(padded=False)

    def wlan_frame(self, padded: bool) -> Step | None:
        """IEEE 802.11 §9.2.3: data frames in clear carry LLC."""
        if self.left < 24:
            return self.cut()
        control, flags = self.data[self.at], self.data[self.at + 1]
        if control & 0x0F != 0x08 or control & 0x40 or flags & 0x40:  # no data, no payload, or encrypted
            return self.other()
        size = 30 if flags & 3 == 3 else 24  # a fourth address between access points
        aggregated = False
        if control & 0x80:  # QoS
            aggregated = self.left > size and bool(self.data[self.at + size] & 0x80)
            size += 6 if flags & 0x80 else 2
        if padded:
            size = (size + 3) & ~3
        if aggregated:
            size += 14  # the header of the first of several frames in one
        if not self.skip(size):
            return None
        return self.ether(0)

    def ppi(self) -> Step | None:
        """Per-packet information: a header, then a frame of another link type."""
        size, self.link = self.uint_le(2, 2), self.uint_le(4, 4)
        if self.left < 8 or size < 8:
            return self.cut()
        return self.link_layer if self.skip(size) else None

    # --- between link and network

    def ether(self, ether: int) -> Step | None:
        """What EtherType `ether` (or a length, IEEE 802.3) announces."""
        while True:
            if ether == Ether.IPV4:
                return self.ipv4
            if ether == Ether.IPV6:
                return self.ipv6
            if ether in Ether.VLAN:
                ether = self.uint(2, 2)
                if not self.skip(4):
                    return None
            elif ether in Ether.MPLS:
                return self.mpls
            elif ether == Ether.PPPOE_SESSION:  # RFC 2516 §4
                if self.left < 8:
                    return self.cut()
                if self.uint(0, 2) != 0x1100:
                    return self.other()
                # Some boxes announce the padding of a short frame in the IP header: this length is the true one.
                self.limit(self.at + 6 + self.uint(4, 2))
                self.at += 6
                return self.ppp
            elif ether <= Ether.LARGEST_LENGTH:
                if self.left < 8 or self.data[self.at : self.at + 6] != SNAP:
                    return self.other()
                ether = self.uint(6, 2)
                self.at += 8
            else:
                return self.other()

    def mpls(self) -> Step | None:
        """RFC 3032 §2.1; what follows the stack is told by nobody, so it is guessed (RFC 4928 §3)."""
        bottom = False
        while not bottom:
            if self.left < 4:
                return self.cut()
            bottom = bool(self.data[self.at + 2] & 1)
            self.at += 4
        if self.left < 1:
            return self.cut()
        nibble = self.data[self.at] >> 4
        if nibble == 4:
            return self.ipv4
        if nibble == 6:
            return self.ipv6
        # An Ethernet pseudowire, with a control word (RFC 4448 §4.6) or without.
        if nibble == 0 and self.left >= 18 and self.carries_ip(4):
            self.at += 4
            return self.ethernet
        return self.ethernet if self.left >= 14 and self.carries_ip(0) else self.other()

    def carries_ip(self, offset: int) -> bool:
        """Whether an Ethernet header at `offset` announces what we read."""
        ether = self.uint(offset + 12, 2)
        return ether in (Ether.IPV4, Ether.IPV6, *Ether.VLAN)

    # --- network

    def open_packet(self) -> bool:
        """Whether one more IP header may be read."""
        if self.depth >= self.slow.limits.depth:
            self.slow.too_deep(self.frame)
            return False
        self.depth += 1
        return True

    def settle(self, row: Row, sound: bool) -> bool:
        """`row` is the packet that this frame is about, unless its header is not sound and it lies inside another."""
        if sound or self.row is None:
            row.status = Status.WHOLE if sound else Status.CUT
            self.row = row
            row.side = self.side
        return sound

    def ipv4(self) -> Step | None:
        """RFC 791 §3.1."""
        if not self.open_packet():
            return None
        if self.left < 20:
            return self.cut()
        if self.data[self.at] >> 4 != 4:
            return self.other()
        size, total = (self.data[self.at] & 15) * 4, self.uint(2, 2)
        row = Row(
            version=4,
            ip_id=self.uint(4, 2),
            ttl=self.data[self.at + 8],
            transport=self.data[self.at + 9],
            source=self.uint(12, 4),
            target=self.uint(16, 4),
        )
        # Zero is left by segmentation offload: the packet then fills the frame.
        self.claimed = self.at + total if total else self.wire
        self.limit(self.claimed)
        if not self.settle(row, sound=size >= 20 and (total == 0 or total >= size) and size <= self.left):
            return None
        position = self.uint(6, 2)
        self.at += size
        if position & 0x3FFF:
            key = Key(4, row.source, row.target, row.ip_id, row.transport)
            if not self.reassemble(row, key, (position & 0x1FFF) * 8, bool(position & 0x2000), row.transport):
                return None
        return self.extensions

    def ipv6(self) -> Step | None:
        """RFC 8200 §3."""
        if not self.open_packet():
            return None
        if self.left < 40:
            return self.cut()
        if self.data[self.at] >> 4 != 6:
            return self.other()
        row = Row(
            version=6,
            transport=self.data[self.at + 6],
            ttl=self.data[self.at + 7],
            source=self.uint(8, 16),
            target=self.uint(24, 16),
        )
        total = self.uint(4, 2)
        self.at += 40
        # Zero: a jumbogram (RFC 2675 §2) or offload, unless there is nothing to follow.
        self.claimed = self.at + total if total or row.transport == Protocol.NO_NEXT else self.wire
        self.limit(self.claimed)
        self.settle(row, sound=True)
        return self.extensions

    def extensions(self) -> Step | None:
        """Extension headers (RFC 8200 §4), and the authentication header (RFC 4302 §2) of either version."""
        row = self.packet
        while row.transport == Protocol.AUTHENTICATION or (row.version == 6 and row.transport in EXTENSIONS):
            kind, size = row.transport, 8
            if self.left >= 8 and kind == Protocol.AUTHENTICATION:
                size = (self.data[self.at + 1] + 2) * 4
            elif self.left >= 8 and kind != Protocol.FRAGMENT:
                size = (self.data[self.at + 1] + 1) * 8
            if self.left < size:
                row.status = Status.CUT
                return None
            position, identification = self.uint(2, 2), self.uint(4, 4)
            row.transport = self.data[self.at]
            self.at += size
            if kind == Protocol.FRAGMENT and position & 0xFFF9:  # all but atomic fragments, RFC 6946
                key = Key(6, row.source, row.target, identification, -1)
                if not self.reassemble(row, key, position & 0xFFF8, bool(position & 1), row.transport):
                    return None
        return self.transport

    @property
    def packet(self) -> Row:
        """The row of the IP packet whose header was read last."""
        assert self.row is not None
        return self.row

    def reassemble(self, row: Row, key: Key, offset: int, more: bool, header: int) -> bool:
        """Whether the payload is there to be read on: then `data` is the whole datagram's."""
        row.header_at = row.payload_at = self.at
        row.payload_bytes, row.payload_wire = self.left, self.wire - self.at
        row.status = Status.FRAGMENT
        if self.end < self.claimed:
            # It cannot be put together.  The first one still has the transport header, so it is read as it stands.
            row.status = Status.FRAGMENT if offset else Status.WHOLE
            return not offset
        if not self.left or (more and self.left % 8) or offset + self.left > 65535:
            row.status = Status.CUT
            return False
        fragment = Fragment(
            offset,
            more,
            bytes(self.data[self.at : self.end]),
            self.runs(self.at, self.end),
            header,
            self.frame,
            self.time_ns,
        )
        datagram = self.slow.fragments.add(key, fragment)
        if datagram is None:
            return False
        row.status = Status.WHOLE
        row.transport = datagram.header
        self.data = datagram.data
        self.side = row.side = SidePayload(datagram.data, datagram.runs)
        self.at, self.end, self.wire = 0, len(datagram.data), len(datagram.data)
        return True

    # --- transport

    def transport(self) -> Step | None:
        row = self.packet
        row.header_at = self.at
        self.payload(0)
        reader = TRANSPORTS.get((row.version, row.transport)) or TRANSPORTS.get((0, row.transport))
        return reader(self) if reader is not None else None

    def payload(self, size: int) -> None:
        """The payload follows a header of `size` bytes."""
        row = self.packet
        row.payload_at = min(self.at + size, self.end)
        row.payload_bytes = self.end - row.payload_at
        row.payload_wire = max(self.wire - self.at - size, 0)

    def ports(self, header_bytes: int) -> bool:
        """Read both ports; whether the header of `header_bytes` is there."""
        row = self.packet
        if self.left >= 4:
            row.source_port, row.target_port = self.uint(0, 2), self.uint(2, 2)
        if self.left < header_bytes:
            row.status = Status.CUT
            return False
        return True

    def tcp(self) -> None:
        """RFC 9293 §3.1."""
        row = self.packet
        if not self.ports(20):
            return
        row.seq, row.ack, row.window = self.uint(4, 4), self.uint(8, 4), self.uint(14, 2)
        bits = self.uint(12, 2)
        row.flags = bits & 0x1FF
        size = (bits >> 12) * 4
        if size < 20:
            row.status = Status.CUT
            return
        if self.at + size > self.wire:  # longer than its segment: what is left of the header can still be read
            row.options |= Option.BROKEN
            row.payload_at, row.payload_bytes, row.payload_wire = self.end, 0, 0
            return
        self.payload(size)
        there = self.data[self.at + 20 : min(self.at + size, self.end)]
        self.tcp_options(bytes(there), size - 20)

    def tcp_options(self, options: bytes, wire_bytes: int) -> None:
        """`options` is what the capture has of `wire_bytes` bytes."""
        row = self.packet
        at = 0
        while at < len(options) and options[at] != 0:
            kind = options[at]
            if kind == 1:
                at += 1
                continue
            if at + 1 >= wire_bytes:
                row.options |= Option.BROKEN
                return
            if at + 1 >= len(options):
                return
            size = options[at + 1]
            if size < 2 or at + size > wire_bytes:
                row.options |= Option.BROKEN
                return
            body = options[at + 2 : at + size]
            if len(body) < size - 2:
                return
            self.tcp_option(kind, body)
            at += size

    def tcp_option(self, kind: int, body: bytes) -> None:
        row = self.packet
        numbers = [int.from_bytes(body[at : at + 4], "big") for at in (0, 4)]
        bit = Option.BROKEN
        if kind == 2 and len(body) == 2:
            bit, row.mss = Option.MSS, int.from_bytes(body, "big")
        elif kind == 3 and len(body) == 1:
            bit, row.scale = Option.WINDOW_SCALE, body[0]
        elif kind == 4 and not body:
            bit = Option.SACK_PERMITTED
        elif kind == 5 and body and len(body) % 8 == 0:
            bit, (row.sack_start, row.sack_stop) = Option.SACK, numbers
        elif kind == 8 and len(body) == 8:
            bit, (row.ts_value, row.ts_echo) = Option.TIMESTAMPS, numbers
        elif kind == 34 or (kind == 254 and body[:2] == b"\xf9\x89"):  # RFC 7413 §4.1.1
            bit = Option.FAST_OPEN
        elif kind not in (2, 3, 4, 5, 8):
            bit = 0
        row.options |= bit

    def udp(self) -> Step | None:
        """RFC 768; a length of zero is a jumbogram's (RFC 2675 §4) or left by offload."""
        row = self.packet
        if not self.ports(8):
            return None
        length = self.uint(4, 2)
        if length:
            if length < 8:
                row.status = Status.CUT
                return None
            self.limit(self.at + length)
        self.payload(8)
        self.at += 8
        ports = (row.target_port, row.source_port)
        return next((TUNNELS[port](self) for port in ports if port in TUNNELS), None)

    def sctp(self) -> None:
        """RFC 9260 §3.1."""
        if self.ports(12):
            self.payload(0)

    def icmp(self) -> None:
        """RFC 792, RFC 4443 §2.1: type, code, checksum, then four bytes that depend on them."""
        if self.left < 4:
            self.packet.status = Status.CUT
        else:
            self.payload(8)

    # --- tunnels: from here on a row stands already, and what does not fit leaves it standing

    def gre(self) -> Step | None:
        """RFC 2784, RFC 2890, RFC 2637 (version 1, with PPP), ERSPAN."""
        if self.left < 4:
            return None
        bits, ether = self.uint(0, 2), self.uint(2, 2)
        if bits & 7 > 1 or bits & 0x4000:  # no such version; source routes, which RFC 2784 left out
            return None
        fields = 0xB080 if bits & 7 else 0xB000  # checksum, key, sequence and acknowledgment number
        if not self.skip(4 + 4 * (bits & fields).bit_count()):
            return None
        if ether == Ether.PPP:
            return self.ppp
        if ether == Ether.BRIDGED:
            return self.ethernet
        if ether == Ether.ERSPAN:  # type II has a sequence number and a header, type I neither
            return self.ethernet if not bits & 0x1000 or self.skip(8) else None
        if ether == Ether.ERSPAN_III:
            extra = 8 if self.left >= 12 and self.data[self.at + 11] & 1 else 0
            return self.ethernet if self.skip(12 + extra) else None
        return self.ether(ether)

    def ethernet_in_ip(self) -> Step | None:
        """RFC 3378: a version of 3 and zeros, then an Ethernet frame."""
        return self.ethernet if self.uint(0, 2) == 0x3000 and self.skip(2) else None

    def vxlan(self) -> Step | None:
        """RFC 7348 §5: the flag that the network identifier is there, which it must be."""
        if not self.left or not self.data[self.at] & 0x08:
            return None
        return self.ethernet if self.skip(8) else None

    def vxlan_gpe(self) -> Step | None:
        """VXLAN with the next protocol told (draft-ietf-nvo3-vxlan-gpe §3)."""
        if self.left < 8 or not self.data[self.at] & 0x04:
            return self.vxlan()
        kind = self.data[self.at + 3]
        self.at += 8
        return {1: self.ipv4, 2: self.ipv6, 3: self.ethernet, 5: self.mpls}.get(kind)

    def geneve(self) -> Step | None:
        """RFC 8926 §3.4."""
        if self.left < 8 or self.data[self.at] >> 6:
            return None
        ether = self.uint(2, 2)
        if not self.skip(8 + (self.data[self.at] & 0x3F) * 4):
            return None
        return self.ethernet if ether == Ether.BRIDGED else self.ether(ether)

    def gtp_u(self) -> Step | None:
        """3GPP TS 29.281 §5.1: version 1, GTP and not GTP', a G-PDU."""
        if self.left < 8 or self.data[self.at] & 0xF0 != 0x30 or self.data[self.at + 1] != 255:
            return None
        flags = self.data[self.at]
        self.at += 8
        if flags & 7:  # then all three optional fields are there
            following = self.data[self.at + 3] if self.left >= 4 and flags & 4 else 0
            self.at += 4
            while following and self.left >= 4:
                size = self.data[self.at] * 4
                if not 4 <= size <= self.left:
                    return None
                following = self.data[self.at + size - 1]
                self.at += size
        return self.ip_by_version

    def teredo(self) -> Step | None:
        """RFC 4380 §5.1.1: authentication, then origin indication, either of them optional, then IPv6."""
        if self.left >= 4 and self.uint(0, 2) == 1:
            self.at += 13 + self.data[self.at + 2] + self.data[self.at + 3]
        if self.left >= 8 and self.uint(0, 2) == 0:
            self.at += 8
        # Nothing marks Teredo but its port: the length must fit.
        return self.ipv6 if self.left >= 40 and 40 + self.uint(4, 2) <= self.wire - self.at else None

    def l2tp(self) -> Step | None:
        """RFC 2661 §3.1: a data message has PPP in it."""
        if self.left < 6:
            return None
        bits = self.uint(0, 2)
        if bits & 0x8000 or bits & 0x000F != 2:  # a control message, or another version
            return None
        size = 6 + (2 if bits & 0x4000 else 0) + (4 if bits & 0x0800 else 0)
        if bits & 0x0200:
            if self.left < size + 2:
                return None
            size += 2 + self.uint(size, 2)
        return self.ppp if self.skip(size) else None

    def gue(self) -> Step | None:
        """Generic UDP encapsulation: IP itself (variant 1), or a header that tells the IP protocol (variant 0)."""
        if self.left < 4:
            return None
        first, protocol = self.data[self.at], self.data[self.at + 1]
        if first >> 6 == 1:
            return self.ip_by_version
        if first >> 5 or not self.skip(4 + (first & 0x1F) * 4):
            return None
        return {Protocol.IPV4: self.ipv4, Protocol.IPV6: self.ipv6, Protocol.GRE: self.gre}.get(protocol)


Reads: TypeAlias = "Callable[[_Walk], Step | None]"

#: What reads the link layer, by LINKTYPE number.
LINKS: Final[dict[int, Reads]] = {
    0: _Walk.loopback,
    1: _Walk.ethernet,
    9: _Walk.ppp,
    12: _Walk.ip_by_version,
    14: _Walk.ip_by_version,
    50: _Walk.hdlc,
    51: _Walk.ppp_over_ethernet,
    101: _Walk.ip_by_version,
    104: _Walk.cisco_hdlc,
    105: _Walk.wlan,
    108: _Walk.loopback,
    113: _Walk.cooked,
    127: _Walk.radiotap,
    166: _Walk.pppd,
    192: _Walk.ppi,
    204: _Walk.ppp_with_direction,
    228: _Walk.ipv4,
    229: _Walk.ipv6,
    239: _Walk.nflog,
    276: _Walk.cooked_v2,
}

#: What reads the transport header, by IP version (0: either) and protocol.
TRANSPORTS: Final[dict[tuple[int, int], Reads]] = {
    (0, Protocol.TCP): _Walk.tcp,
    (0, Protocol.UDP): _Walk.udp,
    (0, Protocol.SCTP): _Walk.sctp,
    (4, Protocol.ICMP): _Walk.icmp,
    (6, Protocol.ICMPV6): _Walk.icmp,
    (0, Protocol.IPV4): _Walk.ipv4,
    (0, Protocol.IPV6): _Walk.ipv6,
    (0, Protocol.GRE): _Walk.gre,
    (0, Protocol.ETHERNET): _Walk.ethernet_in_ip,
    (0, Protocol.MPLS): _Walk.mpls,
}

#: What reads the payload of a UDP datagram, by port.
TUNNELS: Final[dict[int, Reads]] = {
    Port.L2TP: _Walk.l2tp,
    Port.GTP_U: _Walk.gtp_u,
    Port.TEREDO: _Walk.teredo,
    Port.GRE: _Walk.gre,
    Port.VXLAN_GPE: _Walk.vxlan_gpe,
    Port.GUE: _Walk.gue,
    Port.GENEVE: _Walk.geneve,
    Port.MPLS: _Walk.mpls,
    **dict.fromkeys(Port.VXLAN, _Walk.vxlan),
}
