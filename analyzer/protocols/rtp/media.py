"""Streams of RTP in words: from what was counted to notes, facts and verdicts (RFC 3550 §5, §6.4.1, §A)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Note, Place, Side, Span
from analyzer.protocols.rtp import names
from analyzer.protocols.rtp.names import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import MediaStream, Outputs, Value

SECOND_NS: Final = 1_000_000_000
#: What a clock is taken for one of the usual ones: 3 % off, measured over two seconds at least.
CLOCK_NS: Final = 2 * SECOND_NS
CLOCK_SHARE: Final = 0.03
#: Enough to speak of loss: packets that should have come, and the share of them that did not.
LOSS_PACKETS: Final = 100
LOSS_SHARE: Final = 0.05
#: So many missing in a row are an interruption.
GAP_PACKETS: Final = 50
#: Media in one direction is no accident after so long.
ONE_WAY_NS: Final = 5 * SECOND_NS
ONE_WAY_PACKETS: Final = 50
VIDEO_CLOCK: Final = 90000
ONE_BYTE: Final = 0xBEDE
SIDE_NAMES: Final = ("initiator", "responder")


def main_type(stream: MediaStream) -> int:
    """The payload type of most packets."""
    best = max(stream.types, key=lambda one: one.packets)
    return best.payload_type


def clock_rate(stream: MediaStream) -> tuple[int, bool]:
    """The clock of the timestamps in Hz, and whether that was measured; 0 where it is not known."""
    static = names.STATIC.get(main_type(stream))
    if static is not None:
        return static[1], False
    if stream.stamps_ns < CLOCK_NS or stream.stamps <= 0:
        return 0, False
    measured = stream.stamps * SECOND_NS / stream.stamps_ns
    for rate, _ in stream.jitters[:4]:
        if abs(measured - rate) <= CLOCK_SHARE * rate:
            return rate, True
    return 0, False


def jitter_ns(stream: MediaStream, rate: int) -> int | None:
    for clock, jitter in stream.jitters:
        if clock == rate:
            return jitter
    return None


def place(frame: int, at: int, size: int, time_ns: int) -> Place:
    return Place((Span(frame, at, at + size),), time_ns)


def hints(streams: Sequence[MediaStream]) -> dict[tuple[int, int], str]:
    """By sender and SSRC: what a stream probably is beside others, from numbers alone."""
    found: dict[tuple[int, int], str] = {}
    for one in streams:
        kind = main_type(one)
        if kind < names.DYNAMIC_START:
            continue
        if one.ssrc == 0:
            found[one.sender, one.ssrc] = "probing of the path (SSRC 0)"
            continue
        for other in streams:
            if other is one or other.sender != one.sender or other.ssrc == 0:
                continue
            theirs = main_type(other)
            if kind == theirs + 1 and one.packets < other.packets and clock_rate(other)[0] == VIDEO_CLOCK:
                found[one.sender, one.ssrc] = f"probably packets of {hexed(other.ssrc)} sent again (RTX, RFC 4588)"
            elif kind == theirs and clock_rate(one)[0] == clock_rate(other)[0] == VIDEO_CLOCK:
                found[one.sender, one.ssrc] = "probably one of several sizes of a picture (simulcast)"
    return found


def fields_of(stream: MediaStream, hint: str) -> dict[str, Value]:
    rate, measured = clock_rate(stream)
    jitter = jitter_ns(stream, rate) if rate else None
    span_ns = stream.last_ns - stream.first_ns
    fields: dict[str, Value] = {
        "ssrc": stream.ssrc,
        "payload_type": names.payload_type_of(main_type(stream)),
        "packets": stream.packets,
        "lost": stream.lost,
        "jitter": None if jitter is None else round(jitter * rate / SECOND_NS, 1),
        "jitter_ns": jitter,
        "reordered": stream.late,
        "duplicates": stream.copies,
        "bytes": stream.bytes,
        "bitrate": stream.bytes * 8 * SECOND_NS // span_ns if span_ns >= SECOND_NS else None,
        "clock_rate": rate or None,
        "first_ns": stream.first_ns,
        "last_ns": stream.last_ns,
        "first_sequence_number": stream.first_seq,
        "last_sequence_number": stream.last_seq,
        "longest_silence_ns": stream.silence_ns,
        "markers": stream.markers,
    }
    if measured:
        fields["clock_rate_measured"] = True
    if len(stream.types) > 1:
        fields["payload_types"] = [{"payload_type": one.payload_type, "packets": one.packets} for one in stream.types]
    if stream.lost_run:
        fields["most_lost_in_a_row"] = stream.lost_run
    if stream.restarts:
        fields["restarts"] = stream.restarts
    if stream.padded:
        fields["padded_packets"] = stream.padded
    if stream.sources:
        fields["contributing_sources"] = stream.sources
    if stream.extension is not None:
        fields["extension_profile"] = f"0x{stream.extension:04x}"
        if stream.extension_ids:
            fields["extension_ids"] = list(stream.extension_ids)
    if hint:
        fields["hint"] = hint
    return fields


def clocks(stream: MediaStream) -> dict[str, int]:
    """Jitter in ns for each clock rate that it was measured for: who knows the rate from SDP picks the right one."""
    return {str(rate): jitter for rate, jitter in stream.jitters}


def fact(flow: int, stream: MediaStream, hint: str) -> dict[str, Value]:
    """The stream for those who join flows to sessions."""
    found: dict[str, Value] = {"flow": flow, "sender": SIDE_NAMES[stream.sender]}
    found.update(fields_of(stream, hint))
    found["first_frame"], found["last_frame"] = stream.first_frame, stream.last_frame
    found["jitter_ns_by_clock_rate"] = clocks(stream)
    found.setdefault(
        "payload_types", [{"payload_type": one.payload_type, "packets": one.packets} for one in stream.types]
    )
    return found


def text_of(stream: MediaStream, fields: dict[str, Value], hint: str) -> str:
    """One line: what it is, how much of it, how well it came."""
    kind = main_type(stream)
    name = names.codec(kind)
    said = [f"SSRC {hexed(stream.ssrc)}, payload type {kind}{f' ({name})' if name else ''}: {stream.packets:,} packets"]
    span_ns = stream.last_ns - stream.first_ns
    if span_ns >= SECOND_NS:
        said[0] += f" in {span_ns / SECOND_NS:,.1f} s"
        said.append(f"{fields['bitrate'] / 1000:,.0f} kbit/s")
    expected = stream.lost + stream.packets - stream.copies
    said.append(f"{stream.lost:,} lost ({stream.lost * 100 / expected:.1f} %)" if stream.lost else "none lost")
    if stream.late:
        said.append(f"{stream.late:,} out of order")
    if stream.copies:
        said.append(f"{stream.copies:,} twice")
    jitter = fields["jitter_ns"]
    if jitter is not None and stream.packets > 1:
        said.append(f"jitter {jitter / 1e6:.1f} ms")
    if hint:
        said.append(hint)
    return ", ".join(said)


def notes(stream: MediaStream, hint: str) -> Outputs:
    """The line of a stream, and one for each further payload type in it."""
    fields = fields_of(stream, hint)
    sender = Side(stream.sender)
    at = place(stream.first_frame, stream.first_at, stream.first_bytes, stream.first_ns)
    yield Note("rtp.stream", text_of(stream, fields, hint), at, fields, sender=sender)
    main = main_type(stream)
    for one in stream.types:
        if one.payload_type == main:
            continue
        name = names.codec(one.payload_type)
        text = f"SSRC {hexed(stream.ssrc)}, payload type {one.payload_type}{f' ({name})' if name else ''}: "
        text += f"{one.packets:,} packet{'' if one.packets == 1 else 's'} of the {stream.packets:,}"
        more: dict[str, Value] = {
            "ssrc": stream.ssrc,
            "payload_type": names.payload_type_of(one.payload_type),
            "packets": one.packets,
        }
        yield Note("rtp.payload-type", text, place(one.frame, one.at, one.bytes, one.time_ns), more, sender=sender)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def judge(streams: Sequence[MediaStream]) -> Outputs:
    for stream in streams:
        expected = stream.lost + stream.packets - stream.copies
        first = place(stream.first_frame, stream.first_at, stream.first_bytes, stream.first_ns)
        who = f"{SIDE_NAMES[stream.sender]}'s stream {hexed(stream.ssrc)}"
        if expected >= LOSS_PACKETS and stream.lost >= LOSS_SHARE * expected and stream.ssrc:
            share = stream.lost * 100 / expected
            text = f"{stream.lost:,} of {expected:,} packets of the {who} are missing ({share:.1f} %)"
            yield Finding("rtp.loss", text, first)
        if stream.lost_run >= GAP_PACKETS and stream.ssrc:
            text = f"{stream.lost_run:,} packets of the {who} are missing in a row, before frame {stream.lost_frame}"
            yield Finding("rtp.gap", text, Place((Span(stream.lost_frame, 0, 0),), stream.first_ns))
    ours = {stream.ssrc: stream for stream in streams if not stream.sender and stream.ssrc}
    for stream in streams:
        other = ours.get(stream.ssrc)
        if stream.sender and other is not None:
            evidence = [place(one.first_frame, one.first_at, one.first_bytes, one.first_ns) for one in (other, stream)]
            text = f"both sides send with SSRC {hexed(stream.ssrc)}: {other.packets:,} and {stream.packets:,} packets"
            yield Finding("rtp.ssrc-collision", text, evidence)


def one_sided(streams: Sequence[MediaStream]) -> MediaStream | None:
    """The largest stream where one side alone sends, for long enough to tell; else None."""
    senders = {stream.sender for stream in streams}
    if len(senders) != 1:
        return None
    largest = max(streams, key=lambda stream: stream.packets)
    long = largest.last_ns - largest.first_ns >= ONE_WAY_NS and largest.packets >= ONE_WAY_PACKETS
    return largest if long else None
