"""RTP and RTCP of one path: streams that were counted in columns, reports, and what the keys of DTLS open.

Datagrams are told apart by RFC 7983 and RFC 5761 §4; what is RTP comes here as samples only, and as sums at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from analyzer import core
from analyzer.core import About, Finding, Malformed, Note, Side, Spot
from analyzer.protocols.rtp import media, names, rtcp, srtp
from analyzer.protocols.rtp.names import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Flow, MediaStream, Outputs, Piece, Value

FIXED_BYTES: Final = 12  # RFC 3550 §5.1
MAX_SOURCES: Final = 256  # SSRCs of one path that something is remembered of
MAX_REPORTS: Final = 256  # sender reports that a round trip can be measured from
MAX_LISTED: Final = 64  # streams in the facts of a flow
MAX_FAILED: Final = 8  # packets that are held against all keys before only the known ones are tried
#: SRTCP: at least an index and a tag follow what is in clear.
MIN_SEALED_BYTES: Final = 14
#: Reports that lose so much, one after the other, are told.
BAD_SHARE: Final = 26  # of 256: 10 %
BAD_REPORTS: Final = 2
#: No report of the receiver for so long is told.
SILENT_NS: Final = 10_000_000_000
#: A round trip by reports cannot be longer; else the report names another one.
MAX_ROUND_TRIP_NS: Final = 10_000_000_000
NTP_SECOND: Final = 65536  # of the middle 32 bits (RFC 3550 §4)
MULTICAST: Final = ("224.", "225.", "226.", "227.", "228.", "229.", "23", "ff")
#: Table of what rooms found in one flow: several may work there, behind a relay.
FACTS: Final = "rtp.facts"


class Half:
    """What one side sent."""

    def __init__(self) -> None:
        self.rtcp = 0  # datagrams of RTCP
        self.names: dict[str, str] = {}  # SSRC -> CNAME
        self.left: list[int] = []  # SSRCs that said BYE
        self.counts: dict[str, int] = {}  # packets by event
        self.sealed = 0  # datagrams of SRTCP that stayed closed
        self.sealed_bytes = 0
        self.sealed_types: dict[str, int] = {}
        self.first_sealed: Spot | None = None
        self.checked = 0  # samples of SRTP that proved authentic
        self.failed = 0
        self.first_failed: Spot | None = None
        self.first_checked: Spot | None = None
        self.rollovers: dict[int, int] = {}  # by SSRC, of the last sample
        self.bad: dict[int, int] = {}  # by SSRC: reports of much loss in a row
        self.worst: dict[int, tuple[int, Spot]] = {}
        self.first: Spot | None = None


class Rtp(core.Dissector):
    """One path: between two ends, or to a peer behind a relay."""

    wants_sums: ClassVar[bool] = True

    def __init__(self) -> None:
        self.halves = (Half(), Half())
        self.reports: dict[int, tuple[Side, int]] = {}  # middle of NTP time -> who reported, when
        self.round_trips = 0
        self.round_trip_ns = 0  # the shortest
        self.keys: srtp.Association | None = None
        self.swapped = False  # sides are the other way round than in the flow of the handshake
        self.tries = 0

    # --- units ---

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        data, start = unit.data, unit.start
        if len(unit) < rtcp.HEADER_BYTES or data[start] >> 6 != 2:
            return
        if names.FIRST_PACKET <= data[start + 1] <= names.LAST_PACKET:
            yield from self._on_rtcp(sender, unit)
        elif len(unit) >= FIXED_BYTES:
            self._check_sample(sender, unit)

    def _on_rtcp(self, sender: Side, unit: Piece) -> Outputs:
        half = self.halves[sender]
        half.rtcp += 1
        if half.first is None:
            half.first = Spot(unit)
        sizes = rtcp.sizes(unit.data, unit.start, unit.stop)
        if not sizes:
            opened = self._open(sender, unit)
            if opened is None:
                yield from self._closed(half, unit)
                return
            unit = opened
            sizes = rtcp.sizes(unit.data, unit.start, unit.stop)
            if not sizes:
                raise Malformed("the packets in an SRTCP packet have other lengths than they say (RFC 3550 §6.4)")
        at = 0
        for size in sizes[: rtcp.MAX_PACKETS]:
            packet = rtcp.read(unit.cut(at, at + size))
            at += size
            yield from self._on_packet(sender, half, packet, opened=unit.whole is not None)

    def _closed(self, half: Half, unit: Piece) -> Outputs:
        """SRTCP without keys; or RTCP whose lengths contradict each other."""
        data, start, size = unit.data, unit.start, len(unit)
        words = data[start + 2] << 8 | data[start + 3]
        if 4 * words + rtcp.HEADER_BYTES + MIN_SEALED_BYTES > size:
            raise Malformed(f"an RTCP packet of {4 * words + 4} bytes, {size} are there (RFC 3550 §6.4.1)")
        _, event = names.packet_event(data[start + 1], data[start] & 31)
        half.sealed += 1
        half.sealed_bytes += size
        half.sealed_types[event] = half.sealed_types.get(event, 0) + 1
        if half.first_sealed is None:
            half.first_sealed = Spot(unit)
        return ()

    def _on_packet(self, sender: Side, half: Half, packet: rtcp.Packet, *, opened: bool) -> Outputs:
        half.counts[packet.event] = half.counts.get(packet.event, 0) + 1
        time_ns = packet.piece.time_ns
        if packet.type == names.SENDER_REPORT and packet.ntp:
            if len(self.reports) >= MAX_REPORTS:
                del self.reports[next(iter(self.reports))]
            self.reports[packet.ntp] = (sender, time_ns)
        elif packet.type == names.SOURCE_DESCRIPTION:
            for chunk in packet.fields["chunks"]:
                if "cname" in chunk and len(half.names) < MAX_SOURCES:
                    half.names[hexed(chunk["ssrc"])] = chunk["cname"]
        elif packet.type == names.BYE:
            half.left.extend(packet.fields["ssrcs"][: MAX_SOURCES - len(half.left)])
        for block in packet.blocks:
            self._on_block(sender, half, packet, block, time_ns)
        if opened:
            packet.fields["srtcp"] = True
        yield Note(f"rtcp.{packet.event}", packet.text, packet.piece, packet.fields)

    def _on_block(self, sender: Side, half: Half, packet: rtcp.Packet, block: dict[str, Value], time_ns: int) -> None:
        """What a side received: how long a round trip is from here to it, and how much it loses."""
        known = self.reports.get(block["lsr"])
        if known is not None and known[0] is not sender:
            round_trip_ns = time_ns - known[1] - block["dlsr"] * 1_000_000_000 // NTP_SECOND
            if 0 <= round_trip_ns < MAX_ROUND_TRIP_NS:
                block["round_trip_ns"] = round_trip_ns
                self.round_trip_ns = min(self.round_trip_ns, round_trip_ns) if self.round_trips else round_trip_ns
                self.round_trips += 1
        ssrc, share = block["ssrc"], block["fraction_lost"]
        if share < BAD_SHARE:
            half.bad.pop(ssrc, None)
        elif ssrc in half.bad or len(half.bad) < MAX_SOURCES:
            half.bad[ssrc] = half.bad.get(ssrc, 0) + 1
            if half.bad[ssrc] >= BAD_REPORTS and share > half.worst.get(ssrc, (0, None))[0]:
                half.worst[ssrc] = (share, Spot(packet.piece))

    # --- SRTP ---

    def _associations(self) -> list[srtp.Association]:
        """Keys to try: those that have fitted, else all that are known."""
        if self.keys is not None:
            return [self.keys]
        shared, flow = self.shared, self.flow
        if shared is None or flow is None or self.tries >= MAX_FAILED:
            return []
        found = []
        for agreement in srtp.agreements(shared, flow.id):
            made = srtp.association(agreement)
            if made is not None:
                found.append(made)
        self.tries += 1 if found else 0
        return found

    def _halves(self, one: srtp.Association, sender: Side) -> list[tuple[srtp.Half, bool]]:
        """What may open packets of `sender`, and whether sides are swapped then."""
        if one is self.keys:
            return [(one.halves[1 - sender if self.swapped else sender], self.swapped)]
        return [(one.halves[sender], False), (one.halves[1 - sender], True)]

    def _open(self, sender: Side, unit: Piece) -> Piece | None:
        """The compound in an SRTCP packet; None where no keys fit."""
        data = bytes(unit)
        for one in self._associations():
            for half, swapped in self._halves(one, sender):
                plain = half.open_rtcp(data)
                if plain is not None:
                    self.keys, self.swapped = one, swapped
                    return unit.derived(plain)
        if self.keys is not None:
            self._failed(sender, unit)
        return None

    def _check_sample(self, sender: Side, unit: Piece) -> None:
        """Whether a packet of RTP is authentic: those that come here are the third, the fourth, the eighth, ..."""
        data = bytes(unit)
        size = header_bytes(data)
        associations = self._associations()
        if not size or not associations:
            return
        half = self.halves[sender]
        ssrc = int.from_bytes(data[8:12], "big")
        last = half.rollovers.get(ssrc, 0)
        for one in associations:
            for keys, swapped in self._halves(one, sender):
                for rollovers in range(last, last + srtp.MAX_ROLLOVERS):
                    if keys.check_rtp(data, size, rollovers):
                        self.keys, self.swapped = one, swapped
                        half.checked += 1
                        if half.first_checked is None:
                            half.first_checked = Spot(unit)
                        if ssrc in half.rollovers or len(half.rollovers) < MAX_SOURCES:
                            half.rollovers[ssrc] = rollovers
                        return
        self._failed(sender, unit)

    def _failed(self, sender: Side, unit: Piece) -> None:
        half = self.halves[sender]
        half.failed += 1
        if half.first_failed is None:
            half.first_failed = Spot(unit)

    # --- the end ---

    def on_over(self, flow: Flow) -> Outputs:
        streams = self.streams
        hints = media.hints(streams)
        for stream in streams:
            yield from media.notes(stream, hints.get((stream.sender, stream.ssrc), ""))
        for side in core.SIDES:
            yield from self._sealed(side)
        yield from self._opened()
        yield from media.judge(streams)
        yield from self._judge(flow, streams)
        yield About(None, self._facts(flow, streams, hints))

    def _sealed(self, side: Side) -> Outputs:
        half = self.halves[side]
        if half.first_sealed is None:
            return
        types = ", ".join(f"{count:,} {event}" for event, count in half.sealed_types.items())
        text = f"{half.sealed:,} datagram{'' if half.sealed == 1 else 's'} of SRTCP, closed; they begin with {types}"
        fields: dict[str, Value] = {
            "datagrams": half.sealed,
            "bytes": half.sealed_bytes,
            "first_packets": dict(half.sealed_types),
        }
        yield Note("rtcp.encrypted", text, half.first_sealed.place, fields, sender=side)

    def _opened(self) -> Outputs:
        """What became of the samples that were held against the keys."""
        ours = self.keys is not None
        for side in core.SIDES:
            half = self.halves[side]
            if half.first_checked is not None and self.keys is not None:
                name = self.keys.profile.name
                text = f"{half.checked} of {half.checked + half.failed} packets looked at are authentic, {name}"
                fields: dict[str, Value] = {"profile": name, "authentic": half.checked, "failed": half.failed}
                yield Note("srtp.opened", text, half.first_checked.place, fields, sender=side)
            if half.first_failed is None or half.checked >= half.failed:
                continue
            if not ours and not self._own_agreement():
                continue  # the keys of another flow need not fit
            total = half.checked + half.failed
            text = f"{half.failed} of {total} packets of the {media.SIDE_NAMES[side]} fail their authentication"
            yield Finding("srtp.auth-fail", text, half.first_failed.place)

    def _own_agreement(self) -> bool:
        """Whether the handshake of this very flow agreed on SRTP, and its secrets are known."""
        shared, flow = self.shared, self.flow
        if shared is None or flow is None:
            return False
        found = [one for one in srtp.agreements(shared, flow.id) if one[0] == flow.id]
        return bool(found) and srtp.association(found[0]) is not None

    def _judge(self, flow: Flow, streams: Sequence[MediaStream]) -> Outputs:
        for side in core.SIDES:
            half = self.halves[side]
            for ssrc, (share, where) in list(half.worst.items())[:1]:
                text = f"{hexed(ssrc)}: {share * 100 / 256:.0f} % lost in the worst of its reports"
                yield Finding("rtcp.reported-loss", text, where.place)
        largest = media.one_sided(streams)
        if largest is not None and not flow.responder.address.startswith(MULTICAST):
            silent = self.halves[1 - largest.sender]
            seconds = (largest.last_ns - largest.first_ns) / 1e9
            names_ = media.SIDE_NAMES
            text = f"the {names_[largest.sender]} sent {largest.packets:,} packets in {seconds:,.1f} s, "
            text += f"the {names_[1 - largest.sender]} no media"
            text += ", but reports" if silent.rtcp else " and no reports"
            at = media.place(largest.first_frame, largest.first_at, largest.first_bytes, largest.first_ns)
            shared = self.shared
            agreed = shared is not None and any(one[0] == flow.id for one in srtp.agreements(shared, flow.id))
            yield Finding("rtp.none-after-dtls" if agreed else "rtp.one-way", text, at)
        yield from self._judge_feedback(streams)

    def _judge_feedback(self, streams: Sequence[MediaStream]) -> Outputs:
        """Reports of one side only, on a path that carries both kinds: the other's are missing."""
        for stream in streams:
            sent, back = self.halves[stream.sender], self.halves[1 - stream.sender]
            if sent.rtcp < BAD_REPORTS or sent.first is None or back.rtcp:
                continue
            if stream.last_ns - max(stream.first_ns, sent.first.time_ns) >= SILENT_NS:
                who = media.SIDE_NAMES[1 - stream.sender]
                text = f"{sent.rtcp:,} reports of the sender, none of the {who} in {SILENT_NS // 10**9} s and more"
                yield Finding("rtcp.no-feedback", text, sent.first.place)
                return

    def _facts(self, flow: Flow, streams: Sequence[MediaStream], hints: dict[tuple[int, int], str]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        listed = [media.fact(flow.id, one, hints.get((one.sender, one.ssrc), "")) for one in streams[:MAX_LISTED]]
        shared = self.shared
        if listed and shared is not None:
            key = flow.id.to_bytes(8, "big")
            before = shared.recall(FACTS, key)
            if isinstance(before, list):
                listed = (before + listed)[:MAX_LISTED]
            shared.remember(FACTS, key, listed)
        if listed:
            found["rtp_streams"] = listed
            found["rtp_first_ns"] = min(one["first_ns"] for one in listed)
        counts = [dict(half.counts) for half in self.halves]
        if any(counts):
            found["rtcp_packets"] = counts
        if any(half.names for half in self.halves):
            found["rtcp_cnames"] = [dict(half.names) for half in self.halves]
        if self.round_trips:
            found["rtcp_round_trip_ns"] = self.round_trip_ns
        if self.keys is not None:
            found["srtp_opened"] = self.keys.profile.name
        return found


def header_bytes(data: bytes) -> int:
    """The size of an RTP header with its extension (RFC 3550 §5.3.1); 0 where it does not fit."""
    size = FIXED_BYTES + 4 * (data[0] & 15)
    if data[0] & 16:
        if len(data) < size + 4:
            return 0
        size += 4 + 4 * (data[size + 2] << 8 | data[size + 3])
    return size if size <= len(data) else 0


def probe(head: bytes) -> bool | None:
    """Tell whether a datagram is RTCP: lengths that fit exactly.  Of RTP, and of most SRTCP, only neighbours can tell.

    A report or a feedback whose length is just what its counts ask for, with room for an index and a tag, is SRTCP.
    """
    if len(head) < 8 or head[0] >> 6 != 2 or not names.FIRST_PACKET <= head[1] <= names.LAST_PACKET:
        return None if len(head) >= 8 and head[0] >> 6 == 2 else False
    first = rtcp.HEADER_BYTES + 4 * (head[2] << 8 | head[3])
    fits = rtcp.head_fits(head, 0, first)
    if first + MIN_SEALED_BYTES <= len(head):
        return True if fits else (plain(head) or None)
    return plain(head) or None


def plain(head: bytes) -> bool:
    """Whether a datagram is a compound that fills it exactly, with a first packet that fits its counts."""
    sizes = rtcp.sizes(head, 0, len(head))
    if not sizes:
        return False
    return rtcp.head_fits(head, 0, sizes[0]) or (len(sizes) > 1 and head[1] in names.PACKETS)
