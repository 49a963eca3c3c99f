"""WebSocket frames: cut, unmasked, put together to messages, inflated; pings, and the closing handshake (RFC 6455 §5).

It runs inside whatever carries it: HTTP/1.1 after a 101, a stream of HTTP/2 or HTTP/3, with or without TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from analyzer import core
from analyzer.core import Body, Exchange, Malformed, Note, Pass, Piece, Resumed, Side, Value, joined
from analyzer.protocols.websocket import deflate, frames, subprotocols, verdicts
from analyzer.protocols.websocket.handshake import extensions
from analyzer.protocols.websocket.names import (
    BINARY,
    CLOSE,
    CONTINUATION,
    OPCODES,
    PING,
    PONG,
    TEXT,
    close_name,
    is_legal,
)
from analyzer.protocols.websocket.state import MAX_FRAMES, MAX_PINGS, MAX_TRIPS, Half, Life, Message

if TYPE_CHECKING:
    from analyzer.core import Outputs

#: A payload beyond this is streamed past; what it says is known from its beginning, unless all is asked for.
HELD_BYTES: Final = 1 << 18
#: Of a message of several frames that is held for those who read messages.
MESSAGE_BYTES: Final = 1 << 20
PREVIEW: Final = 72
PREVIEW_BYTES: Final = 16
MASKED: Final = 0x80
FIN: Final = 0x80
#: Names as notes have them, made once.
NAMED: Final[dict[int, dict[str, Value]]] = {
    number: {"value": number, "name": OPCODES.get(number, f"opcode {number}")} for number in range(16)
}
FIELDS: Final[dict[tuple[int, bool], core.Pattern]] = {
    (opcode, masked): core.Pattern(
        {
            "opcode": NAMED[opcode],
            "fin": True,
            "rsv": 0,
            "masked": masked,
            "payload_bytes": 0,
            "message_bytes": 0,
            "message": "",
            "message_type": "text" if opcode == TEXT else "binary",
        },
        ("payload_bytes", "message_bytes", "message"),
    )
    for opcode in (TEXT, BINARY)
    for masked in (False, True)
}
KINDS: Final[dict[int, str]] = {number: f"websocket.{OPCODES.get(number, 'reserved')}" for number in range(16)}


class WebSocket(core.Dissector):
    """One WebSocket.  `context` is the exchange that opened it, None where it was not captured."""

    wants_sums: ClassVar[bool] = True

    def __init__(self) -> None:
        self.begun = False
        self.exchange: Exchange | None = None
        self.client: Side | None = None  # known from the exchange, else from who masks
        self.halves: tuple[Half, Half] = (Half(None), Half(None))
        self.life = Life()
        self.describe: subprotocols.Describe | None = None
        self.application = ""  # what the messages are, by a name that people know
        self.subprotocol = ""
        self.extended = False  # some extension was agreed on
        self.shown = 1024
        self.held = MESSAGE_BYTES
        self.onward: Pass | None = None  # a message for who reads them: the same again for each
        self.tunnel = False  # binary messages are a stream of their own

    def _begin(self) -> None:
        """What the handshake agreed on."""
        self.begun = True
        limits = core.Limits() if self.shared is None else self.shared.limits
        self.shown = limits.message_bytes
        self.held = max(MESSAGE_BYTES, limits.message_bytes)
        exchange = self.context
        if not isinstance(exchange, Exchange):
            # Whether messages are compressed can't be known; each may be by itself.
            either = (deflate.Inflater(True, limits.inflated_bytes), deflate.Inflater(True, limits.inflated_bytes))
            for inflater in either:
                inflater.miss()
            self.halves = (Half(either[0]), Half(either[1]))
            for half in self.halves:
                half.lost = half.torn = isinstance(exchange, Resumed)
            return
        self.exchange = exchange
        self.client = exchange.client
        agreed = extensions(exchange.response.get("sec-websocket-extensions", ""))
        self.extended = bool(agreed)
        parameters = dict(agreed).get(deflate.NAME)
        of_client, of_server = deflate.agreed(parameters, limits.inflated_bytes)
        both = (Half(of_client), Half(of_server))
        self.halves = both if exchange.client is Side.INITIATOR else (both[1], both[0])
        self.subprotocol = exchange.response.get("sec-websocket-protocol", "").strip().lower()[:80]
        known = subprotocols.describer(exchange)
        if known is not None:
            self.application, self.describe = known
        else:
            self.describe = self._first
        if exchange.answered is not None:
            self.life.opened_ns = exchange.answered.time_ns

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if not self.begun:
            self._begin()
        if len(head) < 2:
            return None
        half = self.halves[sender]
        if half.lost:
            found, goes_on = frames.chain(head)
            if not goes_on:
                half.skipping = True
                return len(head)
            if not found and len(head) < 14:
                return None
        half.skipping = False
        second = head[1]
        length = second & 0x7F
        if length < 126:
            size = 2 if second < MASKED else 6
            return None if len(head) < size else size + length
        size = frames.header_size(head)
        if len(head) < size:
            return None
        length = frames.payload_size(head)
        if length >> 63:
            raise Malformed(f"a payload of {length} bytes: the most significant bit must be 0 (§5.2)")
        return size + length if length <= HELD_BYTES else size

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        half = self.halves[sender]
        if half.skipping:
            return ()
        half.lost = False
        data, start = unit.data, unit.start
        if unit.trace is not None:
            self._trace(unit)
        first, second = data[start], data[start + 1]
        size, length = 2, second & 0x7F
        if length == 126:
            size, length = 4, data[start + 2] << 8 | data[start + 3]
        elif length == 127:
            size, length = 10, frames.payload_size(data[start : start + 10])
        masked = second >= MASKED
        if masked:
            size += 4
        if length > HELD_BYTES:
            half.big = length, unit
            return (Body(length, max(HELD_BYTES, self.shown)),)
        if (
            (first == FIN | TEXT or first == FIN | BINARY)
            and half.message is None
            and half.close_place is None
            and self.client is not None
            and masked == (sender is self.client)
            and (length < 126 if second & 0x7F < 126 else 125 < length <= 0xFFFF)
        ):
            return self._whole(sender, half, unit, first & 15, masked, size, length)
        return self._on_frame(sender, half, unit.cut(0, size), unit.cut(size), length, unit)

    def _trace(self, unit: Piece) -> None:
        """The header by the RFC's names, for the view of bytes."""
        reader = core.Reader(unit)
        reader.uint("fin_rsv_opcode", 1)
        length = reader.uint("mask_payload_len", 1)
        if length & 0x7F > 125:
            reader.uint("extended_payload_length", 2 if length & 0x7F == 126 else 8)
        if length & MASKED:
            reader.raw("masking_key", 4)
        reader.rest("payload_data")

    def on_body(self, sender: Side, body: Piece) -> Outputs:
        half = self.halves[sender]
        big, half.big = half.big, None
        if big is None:
            return ()
        length, header = big
        whole = joined([header, body]) if len(body) else header
        return self._on_frame(sender, half, header, body, length, whole)

    def _on_frame(self, sender: Side, half: Half, header: Piece, payload: Piece, length: int, at: Piece) -> Outputs:
        """A whole frame; of a long one `payload` is the beginning only."""
        data, start = header.data, header.start
        first, second = data[start], data[start + 1]
        opcode, rsv, masked = first & 15, first >> 4 & 7, second >= MASKED
        if masked and length:
            key = bytes(data[header.stop - 4 : header.stop])
            payload = payload.mapped(frames.unmasked(bytes(payload), key))
        out: list[core.Output] = []
        fields: dict[str, Value] = {
            "opcode": NAMED[opcode],
            "fin": first >= FIN,
            "rsv": rsv,
            "masked": masked,
            "payload_bytes": length,
        }
        note = Note(KINDS[opcode], "", at, fields)
        self._count(sender, half, note, length)
        self._judge(sender, half, note, first, masked, bytes(header), out)
        if opcode not in OPCODES:
            note.text = f"opcode {opcode}, {length:,} bytes"
        elif opcode >= CLOSE:
            self._on_control(sender, half, note, opcode, payload, out)
        else:
            self._on_data(sender, half, note, first, payload, length, out)
        if "minimal_length" in fields:
            note.text += ", its length in more bytes than it needs (§5.2)"
        out.insert(0, note)
        return out

    def _whole(
        self, sender: Side, half: Half, unit: Piece, opcode: int, masked: bool, size: int, length: int
    ) -> Outputs:
        """A message in one frame of which nothing is remarkable: by far the most are such."""
        at = unit.start + size
        data = unit.data[at : unit.stop]
        if masked:
            data = frames.unmasked(data, unit.data[at - 4 : at])
        note = Note(KINDS[opcode], "", unit)
        note.pattern = FIELDS[opcode, masked]
        self._count(sender, half, note, length)
        half.messages += 1
        half.bytes += length
        half.last_message = note.where
        half.last_message_bytes = length
        if opcode == TEXT and not data.isascii():
            out: list[core.Output] = []
            note.values = (length, length, "")
            note.text = self._text(data, length, False, note, out)
            if out:
                return (note, *out)
        elif opcode == TEXT:
            text = data.decode("ascii")
            note.values = (length, length, text if length <= self.shown else text[: self.shown])
            note.text = said_text(text, length)
        else:
            note.values = (length, length, (data if length <= self.shown else data[: self.shown]).hex())
            note.text = shown_bytes(data, length)
        if self.describe is not None:
            note.pattern = None if self._describe(data, note) else note.pattern
        if not length:
            return (note,)
        whole = Piece(data, unit.runs, 0, length, unit.base + at, unit.whole)
        inwards = self._inwards(opcode, whole)
        return (note,) if inwards is None else (note, inwards)

    def _count(self, sender: Side, half: Half, note: Note, length: int) -> None:
        life, now, last = self.life, note.time_ns, self.life.last_ns
        half.frames += 1
        half.wire_bytes += length
        if not last:
            life.first_ns = now
            if now < life.opened_ns:
                note.remark = "It was sent before the answer to the upgrade had come (§4.1)."
        elif now - last > life.silence_ns:
            life.silence_ns = now - last
        if now > last:
            life.last_ns = now

    # --- what may not be ---

    def _judge(
        self, sender: Side, half: Half, note: Note, first: int, masked: bool, header: bytes, out: list[core.Output]
    ) -> None:
        """Masks, reserved bits, reserved opcodes, lengths.  §5.1, §5.2, §5.5"""
        if self.client is None:
            self.client = sender if masked else sender.other
        if masked != (sender is self.client):
            half.wrong_mask += 1
            code = "websocket.frame-masked-from-server" if masked else "websocket.frame-unmasked-from-client"
            self._accuse(code, note, verdicts.mask_text(masked), out)
        length, opcode = note.fields["payload_bytes"], first & 15
        if not frames.is_minimal(header, length):
            note.fields["minimal_length"] = False
        if opcode not in OPCODES:
            text = f"A frame has the opcode {opcode}, which is reserved."
            self._accuse("websocket.frame-bad-opcode-or-sequence", note, text, out)
            return
        control = opcode >= CLOSE
        rsv = note.fields["rsv"]
        allowed = frames.RSV1 if half.inflater is not None and not control and opcode != CONTINUATION else 0
        if rsv & ~allowed and (control or not self.extended or half.inflater is not None):
            bits = " and ".join(f"RSV{bit}" for bit in (1, 2, 3) if rsv & ~allowed & 8 >> bit)
            text = f"A {OPCODES[opcode]} frame has {bits} set; "
            text += "the extension agreed on gives that no meaning." if self.extended else "no extension was agreed on."
            self._accuse("websocket.frame-reserved-bits", note, text, out)
        if control and (first < FIN or length > frames.MAX_CONTROL_BYTES):
            what = "is fragmented" if first < FIN else f"has {length:,} bytes; 125 are allowed"
            text = f"A {OPCODES[opcode]} {what}."
            self._accuse("websocket.frame-control-invalid", note, text, out)

    def _accuse(self, code: str, note: Note, text: str, out: list[core.Output]) -> None:
        """Mark the line; the finding is told once."""
        note.verdict = note.verdict or code
        if code not in self.life.told:
            self.life.told.add(code)
            out.append(core.Finding(code, text, note.at))

    # --- control frames ---

    def _on_control(
        self, sender: Side, half: Half, note: Note, opcode: int, payload: Piece, out: list[core.Output]
    ) -> None:
        data = bytes(payload)
        if opcode == CLOSE:
            self._on_close(sender, half, note, data, out)
        elif opcode == PING:
            note.text = shown_bytes(data)
            if len(half.pings) < MAX_PINGS:
                half.pings[data] = (note.time_ns, note.at)
        elif opcode == PONG:
            asked = self.halves[sender.other].pings
            found = asked.pop(data, None)
            note.text = shown_bytes(data)
            if found is not None:
                trip = note.time_ns - found[0]
                for earlier in list(asked):  # §5.5.3: answering the last one is enough
                    if asked[earlier][0] <= found[0]:
                        del asked[earlier]
                note.fields["round_trip_ns"] = trip
                note.text = f"{note.text}, answers the ping after {trip / 1e6:.3g} ms".lstrip(", ")
                if len(self.life.trips) < MAX_TRIPS:
                    self.life.trips.append(trip)

    def _on_close(self, sender: Side, half: Half, note: Note, data: bytes, out: list[core.Output]) -> None:
        fields, place = note.fields, note.at
        code = data[0] << 8 | data[1] if len(data) >= 2 else None
        reason = data[2:].decode("utf-8", "backslashreplace")
        fields["close_code"] = None if code is None else {"value": code, "name": close_name(code)}
        fields["close_reason"] = reason
        answers = self.halves[sender.other].close_place is not None
        again = half.close_place is not None
        if not again:
            half.close_place, half.close_code, half.close_reason = place, code, reason
        if self.life.closed_by is None:
            self.life.closed_by = sender
        said = "without a code (the other side sees 1005)" if code is None else f"{code} {close_name(code)}"
        if reason:
            said += f", {cut(reason)!r}"
        note.text = f"{said}, {'once more' if again else 'agrees' if answers else 'asks to close'}"
        if not is_utf8(data[2:]):
            self._accuse("websocket.message-invalid-utf8", note, "The reason of a close is not UTF-8.", out)
        if len(data) == 1 or (code is not None and not is_legal(code)):
            what = "one byte, which is no code" if code is None else f"the code {code}, which may not be sent"
            self._accuse("websocket.close-illegal-code", note, f"A close has {what}.", out)
        elif code is not None and not answers and not again:
            finding = verdicts.close_code(self, sender, code, reason, place)
            if finding is not None:
                out.append(finding)

    # --- messages ---

    def _on_data(
        self, sender: Side, half: Half, note: Note, first: int, payload: Piece, length: int, out: list[core.Output]
    ) -> None:
        opcode, message = first & 15, half.message
        if opcode == CONTINUATION:
            if message is None:
                note.text = "goes on with a message whose beginning is missing"
                torn, half.torn = half.torn, half.torn and first < FIN
                if self.exchange is not None and not torn and not half.wrong_mask:
                    text = "A continuation goes on with a message that nobody has begun."
                    self._accuse("websocket.frame-bad-opcode-or-sequence", note, text, out)
                return
        else:
            if message is not None:
                text = f"A {OPCODES[opcode]} frame begins a message in the middle of another one."
                self._accuse("websocket.frame-bad-opcode-or-sequence", note, text, out)
            message = half.message = Message(opcode, bool(first >> 4 & frames.RSV1) and half.inflater is not None)
        if half.close_place is not None:
            note.remark = "It comes after this side's Close: the other side ignores it (§5.5.1)."
        final = first >= FIN
        message.frames += 1
        self._add(half, message, payload, length, final, note, out)
        if not final:
            note.text = f"{length:,} bytes of a message"
            return
        half.message = None
        self._complete(sender, half, message, note, out)

    def _add(
        self,
        half: Half,
        message: Message,
        payload: Piece,
        length: int,
        final: bool,
        note: Note,
        out: list[core.Output],
    ) -> None:
        """The next part of a message, inflated where it is compressed."""
        if message.failed:
            return
        inflater = half.inflater
        if message.compressed and inflater is not None:
            if len(payload) < length:
                inflater.miss()
                message.failed = f"a compressed frame of {length:,} bytes is not held"
                return
            try:
                payload = payload.derived(inflater.add(bytes(payload), final))
            except Malformed as why:
                message.failed = str(why)
                if not inflater.excused and "websocket.deflate-failed" not in self.life.told:
                    text = f"A compressed message can't be inflated: {why}."
                    self._accuse("websocket.deflate-failed", note, text, out)
                return
            length = len(payload)
        message.bytes += length
        if message.dropped:
            return
        room = self.held - message.held if message.frames <= MAX_FRAMES else 0
        if len(payload) < length or len(payload) > room:
            message.dropped = True
            payload = payload.cut(0, min(room, len(payload)))
        message.add(payload)

    def _complete(self, sender: Side, half: Half, message: Message, note: Note, out: list[core.Output]) -> None:
        fields = note.fields
        half.messages += 1
        half.last_message = note.where
        if message.failed:
            note.text = f"a message that can't be read: {message.failed}"
            return
        half.bytes += message.bytes
        half.last_message_bytes = message.bytes
        whole = message.whole() or note_piece(note)
        data = bytes(whole)
        several = f" in {message.frames:,} frames" if message.frames > 1 else ""
        compressed = ", compressed" if message.compressed else ""
        fields["message_bytes"] = message.bytes
        if message.opcode == TEXT:
            note.text = self._text(data, message.bytes, message.dropped, note, out)
        else:
            fields["message"] = data[: self.shown].hex()
            note.text = shown_bytes(data, message.bytes)
        if several or compressed:
            note.text = f"{note.text}{several}{compressed}"
        fields["message_type"] = "text" if message.opcode == TEXT else "binary"
        self._describe(data, note)
        if not message.dropped and data:
            inwards = self._inwards(message.opcode, whole)
            if inwards is not None:
                out.append(inwards)

    def _first(self, data: bytes) -> str:
        """Describes the first message only, which may show what all of them are."""
        self.describe = None
        known = subprotocols.by_first_message(data)
        if known is None:
            return ""
        self.application, self.describe = known
        return self.describe(data)

    def _describe(self, data: bytes, note: Note) -> bool:
        """Say what a message is in its subprotocol; whether there was anything to say."""
        what = "" if self.describe is None else self.describe(data)
        if what:
            note.fields["subprotocol_message"] = what
            note.text = f"{what}, {note.text}"
        return bool(what)

    def _text(self, data: bytes, size: int, dropped: bool, note: Note, out: list[core.Output]) -> str:
        """The words on a text message; those that are no UTF-8 are told.  §8.1"""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as why:
            text = data.decode("utf-8", "backslashreplace")
            if not (dropped and why.end >= len(data) - 3):
                wrong = f"A text message is not UTF-8 from byte {why.start:,} on "
                wrong += f"({data[why.start : why.start + 4].hex(' ')})."
                self._accuse("websocket.message-invalid-utf8", note, wrong, out)
        note.fields["message"] = text[: self.shown]
        return said_text(text, size)

    def _inwards(self, opcode: int, whole: Piece) -> Pass | None:
        """A message for whoever reads such messages; a binary one may be part of a stream of its own (a tunnel)."""
        if opcode == BINARY:
            data, start = whole.data, whole.start
            if not self.tunnel and self.halves[0].messages + self.halves[1].messages == 1:
                self.tunnel = data[start] == 0x16
            if self.tunnel:
                return Pass("tunnel", whole)
        onward = self.onward
        if onward is None:
            onward = self.onward = Pass(f"websocket:{self.subprotocol}", whole, stream=False, context=self.exchange)
        onward.piece = whole
        return onward

    # --- gaps and the end ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        if not self.begun:
            self._begin()
        half = self.halves[sender]
        half.lost = half.torn = True
        half.big = None
        half.message = None
        if half.inflater is not None:
            half.inflater.miss()
        return (Note("websocket.gap", f"{size:,} bytes are missing", at, {"bytes": size}),)

    def on_end(self, last: Piece) -> Outputs:
        if not self.begun:
            self._begin()
        return verdicts.at_end(self, last.time_ns)

    def on_over(self, flow: core.Flow) -> Outputs:
        return verdicts.when_over(self, flow)


# --- wording ----------------------------------------------------------------------------------------------------------


def note_piece(note: Note) -> Piece:
    """No bytes, where the note's were: an empty message."""
    return Piece(b"", [], 0, 0, 0, note.at)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def cut(text: str) -> str:
    return text if len(text) <= PREVIEW else f"{text[: PREVIEW - 3]}..."


def said_text(text: str, size: int) -> str:
    """The size, and the first characters."""
    if 1 < size < 1000:
        return f'{size} bytes: "{cut(text)}"'
    return f'{size:,} byte{"" if size == 1 else "s"}: "{cut(text)}"'


def shown_bytes(data: bytes, size: int | None = None) -> str:
    """The size, and the first bytes as hex."""
    total = len(data) if size is None else size
    if not total:
        return "empty"
    more = " ..." if total > PREVIEW_BYTES else ""
    if 1 < total < 1000:
        return f"{total} bytes: {data[:PREVIEW_BYTES].hex(' ')}{more}"
    return f"{total:,} byte{'' if total == 1 else 's'}: {data[:PREVIEW_BYTES].hex(' ')}{more}"
