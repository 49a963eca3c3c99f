"""SCTP packets, in DTLS, on IP or in UDP: chunks, the four-way handshake, messages put together (RFC 9260, RFC 8261).

Whole messages go inwards by their payload protocol identifier; SCTP knows nothing of data channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from analyzer import core
from analyzer.core import Finding, Malformed, Note, Outcome, Pass, Phase, Piece, Reader, Side, Value
from analyzer.protocols.sctp import chunks, names, verdicts
from analyzer.protocols.sctp.messages import BEGINNING, ENDING, M32, Parts, Seen, whole
from analyzer.protocols.sctp.names import (
    ABORT,
    COOKIE_ACK,
    COOKIE_ECHO,
    DATA,
    ERROR,
    I_DATA,
    INIT,
    INIT_ACK,
    SACK,
    SHUTDOWN_ACK,
    SHUTDOWN_COMPLETE,
)

if TYPE_CHECKING:
    from analyzer.core import Outputs

HEADER_BYTES: Final = 12
MAX_CHUNKS: Final = 400  # of one packet
UNORDERED: Final = 4
#: Chunk types as notes have them, made once.
NAMED: Final[dict[int, dict[str, Value]]] = {
    number: {"value": number, "name": names.chunk_event(number).upper()} for number in range(256)
}
KINDS: Final[dict[int, str]] = {number: f"sctp.{names.chunk_event(number)}" for number in range(256)}


class User:
    """What a message that goes inwards came as: the context of the room that reads it."""

    __slots__ = ("association", "ppid", "sent_on", "stream", "unordered")

    def __init__(self, stream: int, ppid: int, unordered: bool, sent_on: bool, association: bytes = b"") -> None:
        self.stream = stream
        self.ppid = ppid
        self.unordered = unordered
        self.association = association  # what it is known by on all paths; empty where there is but one
        self.sent_on = sent_on  # whether `stream` is an outgoing one that was reset, in place of a message


class Half:
    """One sender's side of an association."""

    __slots__ = ("bytes", "chunks", "closed", "init", "inits", "messages", "parts", "seen", "tag", "zero_window")

    def __init__(self) -> None:
        self.tag: int | None = None  # that its packets have to carry
        self.init: core.Place | None = None  # its first INIT
        self.inits = 0
        self.seen = Seen()
        self.parts = Parts()
        self.chunks = 0
        self.messages = 0
        self.bytes = 0
        self.zero_window = False
        self.closed = False


class Sctp(core.Dissector):
    """An association."""

    wants_sums: ClassVar[bool] = True

    def __init__(self) -> None:
        self.halves = (Half(), Half())
        self.ports: tuple[int, int] | None = None  # of the first packet's sender, and the other
        self.asked: core.Place | None = None  # the first INIT
        self.answered = False
        self.open_ns = 0
        self.established = False
        self.aborted = False
        self.webrtc = False  # a message of a data channel came
        self.told: set[str] = set()
        self.offered_streams = [0, 0]
        self.zero_offered = [False, False]
        #: By sender, of what is not acknowledged: times a TSN was sent, the TSN, its last place.
        self.worst: list[tuple[int, int, core.Place] | None] = [None, None]

    # --- packets ---

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        reader = Reader(unit)
        source, target = reader.uint("source_port", 2), reader.uint("destination_port", 2)
        tag, checksum = reader.uint("verification_tag", 4), reader.uint("checksum", 4)
        if not source or not target:
            raise Malformed("a port of 0 (RFC 9260 §3.1)")
        if self.ports is None:
            self.ports = (source, target) if sender is Side.INITIATOR else (target, source)
        out: list[core.Output] = []
        whole_packet = True
        first = -1
        for _number in range(MAX_CHUNKS):
            if reader.left < 4:
                break
            kind, flags, size = (
                reader.uint("chunk_type", 1),
                reader.uint("chunk_flags", 1),
                reader.uint("chunk_length", 2),
            )
            if first < 0:
                first = kind
            if size < 4:
                out.append(Note("sctp.malformed", f"a chunk of {size} bytes (RFC 9260 §3.2)", unit))
                break
            body = reader.piece("chunk_value", min(size - 4, reader.left))
            if len(body) < size - 4:
                whole_packet = False
            at = unit.cut(reader.at - len(body) - 4, reader.at)
            try:
                self._on_chunk(sender, kind, flags, body, at, out)
            except Malformed as why:
                out.append(Note("sctp.malformed", f"{names.chunk_event(kind).upper()}: {why}", at))
            padding = min(-size % 4, reader.left)
            if padding:
                reader.raw("padding", padding)
        if whole_packet and first >= 0:
            self._check(sender, unit, tag, checksum, first, out)
        return out

    def _check(self, sender: Side, unit: Piece, tag: int, checksum: int, first: int, out: list[core.Output]) -> None:
        """Checksum and verification tag.  §6.8, §8.5, RFC 9653"""
        if checksum == 0 and self._zero_agreed(sender, first):
            pass
        elif checksum not in (crc32c(bytes(unit)), adler32(bytes(unit))):
            self._tell(
                "sctp.bad-checksum",
                f"The checksum of the packet in frame {unit.place.frames[-1]} is {checksum:08x}; its bytes come to "
                f"{crc32c(bytes(unit)):08x}.",
                unit.place,
                out,
            )
            return
        half = self.halves[sender]
        if first == INIT:
            return
        other = self.halves[sender.other]
        expected = {one.tag for one in (half, other) if one.tag is not None}
        if first not in (ABORT, SHUTDOWN_COMPLETE, INIT_ACK) and len(expected) == 2 and tag not in expected:
            text = f"The packet in frame {unit.place.frames[-1]} has the tag {tag:#010x}, which nobody asked for."
            self._tell("sctp.bad-vtag", text, unit.place, out)

    def _zero_agreed(self, sender: Side, first: int) -> bool:
        """Whether packets of this side may have a checksum of zero, as far as it was seen.  RFC 9653 §5.2"""
        other = self.halves[sender.other]
        return first not in (INIT, COOKIE_ECHO) and (other.tag is None or self.zero_offered[sender.other])

    def _tell(self, code: str, text: str, at: core.Place | list[core.Place], out: list[core.Output]) -> None:
        if code not in self.told:
            self.told.add(code)
            out.append(Finding(code, text, at))

    # --- chunks ---

    def _on_chunk(self, sender: Side, kind: int, flags: int, body: Piece, at: Piece, out: list[core.Output]) -> None:
        fields: dict[str, Value] = {"chunk_type": NAMED[kind], "flags": flags}
        half = self.halves[sender]
        half.chunks += 1
        note = Note(KINDS[kind], "", at, fields, sender=sender)
        out.append(note)
        reader = Reader(body)
        if kind in (DATA, I_DATA):
            self._on_data(sender, half, kind, flags, reader, note, out)
            return
        note.text = chunks.read(kind, reader, fields)
        if kind == INIT:
            self._on_init(sender, half, note, out)
        elif kind == INIT_ACK:
            half.tag = fields["initiate_tag"]
            self.zero_offered[sender] = bool(fields.get("zero_checksum_acceptable"))
            self.offered_streams[sender] = fields["outbound_streams"]
        elif kind == COOKIE_ECHO:
            note.text = f"{fields.pop('value_bytes'):,} bytes given back"
        elif kind == COOKIE_ACK:
            self._established(note, out)
        elif kind == SACK:
            self._on_sack(sender, half, note, out)
        elif kind == ABORT:
            self.aborted = True
            verdicts.abort(self, sender, note, out)
        elif kind == ERROR:
            verdicts.error(self, sender, note, out)
        elif kind in (SHUTDOWN_ACK, SHUTDOWN_COMPLETE):
            half.closed = True
        elif kind == names.RE_CONFIG:
            self._on_reset(sender, note, out)

    def _on_init(self, sender: Side, half: Half, note: Note, out: list[core.Output]) -> None:
        fields, place = note.fields, note.at
        half.inits += 1
        if half.init is None:
            half.init = place
        else:
            fields["retransmission"] = half.tag == fields["initiate_tag"]
        self.zero_offered[sender] = bool(fields.get("zero_checksum_acceptable"))
        self.offered_streams[sender] = fields["outbound_streams"]
        half.tag = fields["initiate_tag"]
        other = self.halves[sender.other].init
        if self.asked is None:
            self.asked = place
        if other is not None and not self.established:
            text = f"INIT in frames {other.frames[-1]} and {place.frames[-1]}, one of each side."
            self._tell("sctp.init-collision", text, [other, place], out)

    def _established(self, note: Note, out: list[core.Output]) -> None:
        if self.established:
            return
        self.established = True
        now = note.time_ns
        self.open_ns = now
        begin = self.asked.time_ns if self.asked is not None else now
        outcome = Outcome.ESTABLISHED if self.asked is not None else Outcome.PARTIAL
        out.append(Phase("sctp", begin, now, outcome, 2 if self.asked is not None else None))

    def _on_sack(self, sender: Side, half: Half, note: Note, out: list[core.Output]) -> None:
        worst = self.worst[sender.other]
        if worst is not None and (note.fields["cumulative_tsn_ack"] - worst[1]) & M32 < 1 << 31:
            self.worst[sender.other] = None
        empty = note.fields["a_rwnd"] == 0
        if empty and not half.zero_window:
            text = f"The SACK in frame {note.frames[-1]} leaves a window of 0 bytes."
            self._tell("sctp.rwnd-zero", text, note.at, out)
        half.zero_window = empty

    def _on_reset(self, sender: Side, note: Note, out: list[core.Output]) -> None:
        """Tell the room inside which of this side's streams are reset.  RFC 8831 §6.7"""
        if not self.webrtc and not self.secure:
            return
        for entry in note.fields["parameters"]:
            if entry["type"]["value"] == 13:
                for stream in entry["streams"]:
                    user = User(stream, 0, False, True, self._known_by())
                    empty = note_piece(note)
                    out.append(Pass("sctp:webrtc", empty, stream=False, sender=sender, context=user))

    # --- data ---

    def _on_data(
        self, sender: Side, half: Half, kind: int, flags: int, reader: Reader, note: Note, out: list[core.Output]
    ) -> None:
        """§3.3.1, RFC 8260 §2.1."""
        fields = note.fields
        tsn = reader.uint("tsn", 4)
        stream = reader.uint("stream_identifier", 2)
        ppid = 0
        if kind == DATA:
            number = reader.uint("stream_sequence_number", 2)
            ppid = reader.uint("payload_protocol_identifier", 4)
            key, index = stream << 33 | (flags & UNORDERED) << 30, tsn
            fields.update(tsn=tsn, stream_identifier=stream, stream_sequence_number=number)
        else:
            reader.uint("reserved", 2)
            number = reader.uint("message_identifier", 4)
            third = reader.uint("ppid_or_fsn", 4)
            key, index = (stream << 33 | (flags & UNORDERED) << 30) << 32 | number, 0
            fields.update(tsn=tsn, stream_identifier=stream, message_identifier=number)
            if flags & BEGINNING:
                ppid = third
            else:
                index = third
                fields["fragment_sequence_number"] = third
        if kind == DATA or flags & BEGINNING:
            fields["ppid"] = {"value": ppid, "name": names.ppid_name(ppid)}
        payload = reader.piece("user_data", reader.left)
        fields["beginning"], fields["ending"] = bool(flags & BEGINNING), bool(flags & ENDING)
        fields["unordered"] = bool(flags & UNORDERED)
        fields["payload_bytes"] = len(payload)
        note.text = f"stream {stream}, {len(payload):,} byte{'' if len(payload) == 1 else 's'}"
        if ppid:
            note.text += f", {names.ppid_name(ppid)}"
        if not flags & (BEGINNING | ENDING) or (flags & (BEGINNING | ENDING)) != BEGINNING | ENDING:
            where = "beginning" if flags & BEGINNING else "end" if flags & ENDING else "part"
            note.text += f" ({where} of a message)"
        if not self.established and self.asked is None and not self.open_ns:
            self.open_ns = note.time_ns
        times = half.seen.add(tsn)
        if times > 1:
            fields["retransmission"] = True
            note.text += f", sent again ({times} times)"
            worst = self.worst[sender]
            if worst is None or times > worst[0]:
                self.worst[sender] = (times, tsn, note.at)
            return
        run = half.parts.add(key, index & M32, payload, flags, ppid)
        if run is not None:
            half.messages += 1
            half.bytes += run.bytes
            user = User(stream, run.ppid, bool(flags & UNORDERED), False, self._known_by())
            self.webrtc = self.webrtc or run.ppid in names.WEBRTC
            label = "sctp:webrtc" if run.ppid in names.WEBRTC else f"sctp:{run.ppid}"
            out.append(Pass(label, whole(run), stream=False, sender=sender, context=user))

    def _known_by(self) -> bytes:
        """What DTLS below is known by, since its datagrams may take one path and then another."""
        given: Any = self.context
        return given if isinstance(given, bytes) else b""

    # --- the end ---

    def on_end(self, last: Piece) -> Outputs:
        return verdicts.at_end(self, last)

    def on_over(self, flow: core.Flow) -> Outputs:
        return verdicts.when_over(self, flow)


def note_piece(note: Note) -> Piece:
    """No bytes, where the note's were."""
    return Piece(b"", [], 0, 0, 0, note.at)


def crc32c(packet: bytes) -> int:
    """The checksum that a packet has to have, as it stands in the header.  §6.8, §A"""
    import google_crc32c

    value = google_crc32c.value(packet[:8] + b"\0\0\0\0" + packet[12:])
    return int.from_bytes(int(value).to_bytes(4, "little"), "big")


def adler32(packet: bytes) -> int:
    """The checksum of RFC 2960, which CRC32c replaced (RFC 3309): old captures have it."""
    import zlib

    return zlib.adler32(packet[:8] + b"\0\0\0\0" + packet[12:])


def probe(packet: bytes) -> bool:
    """Tell whether a datagram is SCTP: chunks that fit, a checksum that is right or left out.  RFC 6951, RFC 9653"""
    if not fits(packet):
        return False
    checksum = int.from_bytes(packet[8:12], "big")
    return checksum == crc32c(packet) if checksum else any(packet[4:8])


def fits(packet: bytes) -> bool:
    """Whether a datagram has the shape of a packet of SCTP: chunks, one after the other, to its end."""
    if len(packet) < 16 or len(packet) % 4 or not any(packet[:2]) or not any(packet[2:4]):
        return False
    at = HEADER_BYTES
    for _ in range(MAX_CHUNKS):
        size = packet[at + 2] << 8 | packet[at + 3]
        if packet[at] not in names.CHUNKS or size < 4:
            return False
        at += size + (-size % 4)
        if at >= len(packet):
            return at == len(packet)
    return False
