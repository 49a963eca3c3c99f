"""Makes the captures of this folder: a conversation told call by call, written as pcapng with true checksums.

The same calls give the same bytes, always: no clock and no random numbers.  Each CASE.py beside its CASE.pcapng has a
`build()` that returns the conversation, or `CASES` with several by the names of their captures;
`python -m captures.tcp.syn_refused` writes the capture again.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01 00:00:00 UTC
CLIENT: Final = "192.0.2.10"
SERVER: Final = "198.51.100.20"
CLIENT_6: Final = "2001:db8::10"
SERVER_6: Final = "2001:db8:1::20"
#: What an ordinary stack offers in its SYN.
OPTIONS: Final = (("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7))
MACS: Final = ("02:00:00:00:00:01", "02:00:00:00:00:02")


@dataclass
class Frame:
    time_ns: int
    data: bytes
    length: int
    interface: int = 0


@dataclass
class Capture:
    """Frames in the order of the file."""

    frames: list[Frame] = field(default_factory=list)
    dropped: int | None = None  # what the interface statistics say, where they are there
    snap_bytes: int = 262_144
    interfaces: int = 1
    cut_end: int = 0  # bytes that the file lacks at its end
    keys: str = ""  # the key log that belongs to it

    def add(self, at_s: float, packet: Packet | bytes, interface: int = 0) -> None:
        data = bytes(packet)
        time_ns = START_NS + round(at_s * 1_000_000_000)
        self.frames.append(Frame(time_ns, data[: self.snap_bytes], len(data), interface))

    def sort(self) -> None:
        """Put the frames of several conversations in order of time."""
        self.frames.sort(key=lambda frame: frame.time_ns)

    def bytes(self) -> bytes:
        """The capture as pcapng: one section, Ethernet interfaces, times in ns."""
        out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
        for number in range(self.interfaces):
            options = option(2, f"eth{number}".encode()) + option(9, b"\x09") + option(0, b"")
            out.append(block(1, struct.pack("<HHI", 1, 0, self.snap_bytes) + options))
        for frame in self.frames:
            head = (frame.interface, frame.time_ns >> 32, frame.time_ns & 0xFFFFFFFF, len(frame.data), frame.length)
            out.append(block(6, struct.pack("<IIIII", *head) + padded(frame.data)))
        if self.dropped is not None:
            last = self.frames[-1].time_ns
            options = option(5, struct.pack("<Q", self.dropped)) + option(0, b"")
            out.append(block(5, struct.pack("<III", 0, last >> 32, last & 0xFFFFFFFF) + options))
        whole = b"".join(out)
        return whole[: len(whole) - self.cut_end]


def block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + padded(value)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


class Talk:
    """One TCP connection.  Sequence numbers are relative: 0 is the SYN, 1 the first byte of data.

    `client` and `server` send a segment at a time in seconds; `seq` and `ack` are what is next unless given.
    `seen=False` sends it without its being captured, `lost=True` captures it but does not let it arrive.
    """

    def __init__(
        self,
        capture: Capture | None = None,
        *,
        client: str = CLIENT,
        server: str = SERVER,
        client_port: int = 50_000,
        server_port: int = 443,
        isn: Sequence[int] = (1_000_000, 2_000_000),
        ttl: Sequence[int] = (64, 57),
        window: Sequence[int] = (512, 512),
    ) -> None:
        self.capture = Capture() if capture is None else capture
        self.address = (client, server)
        self.port = (client_port, server_port)
        self.isn = isn
        self.ttl = list(ttl)
        self.window = list(window)
        self.next = [0, 0]  # what each side sends next
        self.arrived = [0, 0]  # what the other side has of it
        self.sent = [0, 0]  # packets, for the IP identification

    def client(self, at_s: float, flags: str = "A", data: bytes = b"", **how: Any) -> Packet:
        return self.send(0, at_s, flags, data, **how)

    def server(self, at_s: float, flags: str = "A", data: bytes = b"", **how: Any) -> Packet:
        return self.send(1, at_s, flags, data, **how)

    def send(
        self,
        side: int,
        at_s: float,
        flags: str,
        data: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        window: int | None = None,
        options: Sequence[tuple[str, Any]] = (),
        ttl: int | None = None,
        seen: bool = True,
        lost: bool = False,
        interface: int = 0,
    ) -> Packet:
        begin = self.next[side] if seq is None else seq
        stop = begin + len(data) + ("S" in flags) + ("F" in flags)
        self.next[side] = max(self.next[side], stop)
        acknowledged = self.arrived[1 - side] if ack is None else ack
        if not lost:
            self.arrived[side] = max(self.arrived[side], stop)
        segment = TCP(
            sport=self.port[side],
            dport=self.port[1 - side],
            seq=(self.isn[side] + begin) % (1 << 32),
            ack=(self.isn[1 - side] + acknowledged) % (1 << 32) if "A" in flags else 0,
            flags=flags,
            window=self.window[side] if window is None else window,
            options=list(options),
        )
        packet = self.ip(side, self.ttl[side] if ttl is None else ttl) / segment
        if data:
            packet /= Raw(data)
        if seen:
            self.capture.add(at_s, packet, interface)
        return packet

    def ip(self, side: int, ttl: int) -> Packet:
        self.sent[side] += 1
        ether = Ether(src=MACS[side], dst=MACS[1 - side])
        source, target = self.address[side], self.address[1 - side]
        if ":" in source:
            return ether / IPv6(src=source, dst=target, hlim=ttl)
        return ether / IP(src=source, dst=target, ttl=ttl, id=self.sent[side] + 1000 * side, flags="DF")

    def again(self, at_s: float, packet: Packet, interface: int = 0) -> None:
        """Capture the very same packet once more."""
        self.capture.add(at_s, packet, interface)

    def open(
        self,
        at_s: float = 0.0,
        rtt_s: float = 0.02,
        *,
        offer: Sequence[tuple[str, Any]] = OPTIONS,
        answer: Sequence[tuple[str, Any]] = OPTIONS,
        seen: bool = True,
    ) -> None:
        """The three-way handshake, seen at the client."""
        self.client(at_s, "S", window=64240, options=offer, seen=seen)
        self.server(at_s + rtt_s, "SA", window=65160, options=answer, seen=seen)
        self.client(at_s + rtt_s + 0.000_02, "A", seen=seen)

    def close(self, at_s: float, rtt_s: float = 0.02) -> None:
        """FIN of the client, FIN of the server, the last ACK."""
        self.client(at_s, "FA")
        self.server(at_s + rtt_s, "FA")
        self.client(at_s + rtt_s + 0.000_02, "A")

    def icmp(
        self, at_s: float, quoted: Packet, kind: int, code: int, source: str, *, mtu: int = 0, quote: int = 28
    ) -> None:
        """An ICMP or ICMPv6 error about `quoted`, from `source` to its sender; IPv4 has `quote` bytes of it."""
        ether = Ether(src=MACS[1], dst=MACS[0])
        inner = bytes(quoted)[14:]
        if ":" in source:
            if kind == 2:
                error: Packet = ICMPv6PacketTooBig(mtu=mtu)
            elif kind == 3:
                error = ICMPv6TimeExceeded(code=code)
            else:
                error = ICMPv6DestUnreach(code=code)
            packet = ether / IPv6(src=source, dst=quoted[IPv6].src, hlim=60) / error / Raw(inner[:1232])
        else:
            message = ICMP(type=kind, code=code, nexthopmtu=mtu) if mtu else ICMP(type=kind, code=code)
            packet = ether / IP(src=source, dst=quoted[IP].src, ttl=60, id=7) / message / Raw(inner[:quote])
        self.capture.add(at_s, packet)


def udp(source: str, target: str, ports: tuple[int, int], data: bytes, ttl: int = 64) -> Packet:
    """A UDP datagram in IPv4 or IPv6, with its Ethernet header."""
    ether = Ether(src=MACS[0], dst=MACS[1])
    network = IPv6(src=source, dst=target, hlim=ttl) if ":" in source else IP(src=source, dst=target, ttl=ttl, id=1)
    return ether / network / UDP(sport=ports[0], dport=ports[1]) / Raw(data)


def question(name: str) -> bytes:
    """A DNS query for the IPv4 address of `name`."""
    return struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + asked(name)


def answer(name: str, address: str = "", rcode: int = 0) -> bytes:
    """The response to `question`: an address, or what `rcode` says."""
    head = struct.pack(">HHHHHH", 0x1234, 0x8180 | rcode, 1, 1 if address else 0, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + bytes(map(int, address.split("."))) if address else b""
    return head + asked(name) + record


def asked(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0" + struct.pack(">HH", 1, 1)


def text(size: int) -> bytes:
    """`size` bytes that look like nothing in particular."""
    return (b"amber birch cedar delta ember fjord grove heron " * (size // 48 + 1))[:size]


def main(file: str, build: Callable[[], Capture] | dict[str, Callable[[], Capture]]) -> None:
    """Write the capture of the maker `file` beside it, or several by their names; a key log too where there is one."""
    cases = build if isinstance(build, dict) else {Path(file).stem: build}
    for name, case in cases.items():
        path = Path(file).with_name(f"{name}.pcapng")
        made = case()
        path.write_bytes(made.bytes())
        if made.keys:
            path.with_suffix(".keys").write_text(made.keys)
        print(f"{path.name}: {path.stat().st_size} bytes")
