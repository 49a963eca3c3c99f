"""HTTP/2: frames, fields, streams, windows (RFC 9113); what an extended CONNECT opens goes inwards (RFC 8441).

Bodies are counted and passed over.  Fields are decompressed by the hpack library, within bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analyzer import core
from analyzer.core import About, Body, Finding, Malformed, Note, Outcome, Pass, Phase, Piece, Reader, Side, Value
from analyzer.protocols.http2 import names
from analyzer.protocols.http2.names import (
    CANCEL,
    CONTINUATION,
    DATA,
    ENABLE_CONNECT_PROTOCOL,
    GOAWAY,
    HEADER_TABLE_SIZE,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    NO_ERROR,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    error_name,
)
from analyzer.protocols.http2.streams import FIRST_WINDOW, MAX_STREAMS, Stream, Window

if TYPE_CHECKING:
    from analyzer.core import Outputs

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES: Final = 9
#: A DATA frame beyond this is streamed past where nobody reads what it carries.
HELD_BYTES: Final = 1 << 16
MAX_FRAME_BYTES: Final = 1 << 20
MAX_BLOCK_BYTES: Final = 1 << 18  # of compressed fields, over all CONTINUATIONs
MAX_LIST_BYTES: Final = 1 << 16  # of fields
MAX_TABLE_BYTES: Final = 1 << 16  # of an HPACK decoder
MAX_VALUE_CHARACTERS: Final = 4096
STALL_NS: Final = 1_000_000_000
END_STREAM: Final = 1
ACK: Final = 1
END_HEADERS: Final = 4
PADDED: Final = 8
HAS_PRIORITY: Final = 32
#: Fields that stand in notes, in snake_case.
FIELDS: Final = frozenset(
    {
        *("accept", "content-encoding", "content-length", "content-type", "location", "origin", "referer", "server"),
        *("sec-websocket-extensions", "sec-websocket-protocol", "sec-websocket-version", "user-agent", "via"),
    }
)


class Http2(core.Dissector):
    """One connection of HTTP/2."""

    def __init__(self) -> None:
        self.client: Side | None = None
        self.started = [False, False]  # the preface, or the first frame, was seen
        self.lost = [False, False]
        self.decoders: list[Any] = [None, None]
        self.blind = [False, False]  # fields can't be read any more
        self.block: list[tuple[int, int, bytes, list[Piece]] | None] = [None, None]
        self.open_streams: dict[int, Stream] = {}
        self.windows = (Window(FIRST_WINDOW), Window(FIRST_WINDOW))  # of the connection, by sender
        self.first_window = [FIRST_WINDOW, FIRST_WINDOW]  # of new streams, by sender
        self.pings: dict[bytes, int] = {}
        self.connects: bool | None = None  # whether the server allows extended CONNECT
        self.first_asked: core.Place | None = None
        self.answered = False
        self.requests = 0
        self.told: set[str] = set()

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if self.lost[sender]:
            return len(head)
        if not self.started[sender] and head[:1] == b"P":
            if len(head) < len(PREFACE):
                return None if PREFACE.startswith(head) else self._not_http2(head)
            return len(PREFACE) if head.startswith(PREFACE) else self._not_http2(head)
        if len(head) < HEADER_BYTES:
            return None
        size = head[0] << 16 | head[1] << 8 | head[2]
        if size > HELD_BYTES and head[3] == DATA:
            return HEADER_BYTES
        if size > MAX_FRAME_BYTES:
            raise Malformed(f"a frame of {size:,} bytes (§4.2)")
        return HEADER_BYTES + size

    def _not_http2(self, head: bytes | bytearray) -> int:
        raise Malformed(f"not the preface of HTTP/2: {bytes(head[:16])!r} (§3.4)")

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        if self.lost[sender]:
            return
        if not self.started[sender]:
            self.started[sender] = True
            if unit.data.startswith(b"P", unit.start) and len(unit) == len(PREFACE):
                self.client = sender
                Reader(unit).raw("preface", len(PREFACE))
                yield Note("http2.preface", "HTTP/2", unit)
                return
        reader = Reader(unit)
        size, kind, flags = reader.uint("length", 3), reader.uint("type", 1), reader.uint("flags", 1)
        stream = reader.uint("stream_identifier", 4) & 0x7FFFFFFF
        if self.client is None:
            self._guess_client(sender, kind, stream)
        begun = self.block[sender]
        if begun is not None and (kind != CONTINUATION or stream != begun[0]):
            raise Malformed(f"{names.FRAMES.get(kind, ('a frame',))[0]} within the fields of stream {begun[0]} (§6.10)")
        if kind == DATA:
            yield from self._on_data(sender, unit, reader, stream, flags, size)
        elif kind in (HEADERS, PUSH_PROMISE, CONTINUATION):
            yield from self._on_fields(sender, unit, reader, kind, stream, flags)
        elif kind == SETTINGS:
            yield from self._on_settings(sender, unit, reader, flags)
        elif kind == RST_STREAM:
            yield from self._on_reset(sender, unit, reader, stream)
        elif kind == PING:
            yield from self._on_ping(sender, unit, reader, flags)
        elif kind == GOAWAY:
            yield from self._on_goaway(unit, reader)
        elif kind == WINDOW_UPDATE:
            yield from self._on_window(sender, unit, reader, stream)

    def _guess_client(self, sender: Side, kind: int, stream: int) -> None:
        """Where the preface is missing: streams of odd numbers are opened by the client."""
        if kind == HEADERS and stream & 1 and stream not in self.open_streams:
            self.client = sender
        elif self.context is not None or kind == SETTINGS:
            self.client = None

    def _is_client(self, sender: Side) -> bool:
        return sender is (Side.INITIATOR if self.client is None else self.client)

    # --- streams ---

    def _stream(self, sender: Side, number: int) -> Stream:
        stream = self.open_streams.get(number)
        if stream is None:
            if len(self.open_streams) >= MAX_STREAMS:
                del self.open_streams[next(iter(self.open_streams))]
            client = Side.INITIATOR if self.client is None else self.client
            windows = (Window(self.first_window[0]), Window(self.first_window[1]))
            stream = self.open_streams[number] = Stream(client, windows)
        return stream

    def _end(self, sender: Side, number: int, at: Piece) -> Outputs:
        """Note that `sender` has ended the stream; after both, it is forgotten."""
        stream = self.open_streams.get(number)
        if stream is None:
            return
        stream.ended[sender] = True
        if all(stream.ended):
            del self.open_streams[number]
            if stream.tunnel is not None and stream.lead is not None:
                yield Pass(stream.lead.label, at.cut(len(at)), key=number, context=stream.tunnel, over=True)

    def _on_data(self, sender: Side, unit: Piece, reader: Reader, number: int, flags: int, size: int) -> Outputs:
        now = unit.time_ns
        stream = self.open_streams.get(number)
        self.windows[sender].spend(size, now)
        if size > HELD_BYTES:
            if stream is not None:
                stream.windows[sender].spend(size, now)
                stream.bodies[sender] += size
            yield Body(size)
            if flags & END_STREAM:
                yield from self._end(sender, number, unit)
            return
        padding = reader.uint("pad_length", 1) if flags & PADDED else 0
        data = reader.piece("data", max(reader.left - padding, 0))
        if stream is not None:
            stream.windows[sender].spend(size, now)
            stream.bodies[sender] += len(data)
            if stream.tunnel is not None and stream.lead is not None and len(data):
                yield Pass(stream.lead.label, data, key=number, context=stream.tunnel)
        if flags & END_STREAM:
            yield from self._end(sender, number, unit)

    # --- fields ---

    def _on_fields(self, sender: Side, unit: Piece, reader: Reader, kind: int, number: int, flags: int) -> Outputs:
        begun = self.block[sender]
        if kind == CONTINUATION:
            if begun is None:
                raise Malformed(f"a CONTINUATION of stream {number} without HEADERS (§6.10)")
            number, first, data, pieces = begun
            data += reader.rest("field_block_fragment")
            pieces.append(unit)
            if len(data) > MAX_BLOCK_BYTES or len(pieces) > 256:
                raise Malformed(f"fields of more than {MAX_BLOCK_BYTES:,} bytes, or in more than 256 frames")
        else:
            padding = reader.uint("pad_length", 1) if flags & PADDED else 0
            if kind == HEADERS and flags & HAS_PRIORITY:
                reader.raw("priority", 5)
            if kind == PUSH_PROMISE:
                reader.uint("promised_stream_id", 4)
            data = reader.raw("field_block_fragment", max(reader.left - padding, 0))
            pieces, first = [unit], kind << 8 | flags
        if not flags & END_HEADERS:
            self.block[sender] = (number, first, data, pieces)
            return
        self.block[sender] = None
        place = core.joined(pieces).place if len(pieces) > 1 else unit.place
        told = self._decompressed(sender, data)
        if first >> 8 == PUSH_PROMISE:
            target = told.get(":path", "?") if told is not None else "?"
            yield Note("http2.push-promise", target[:200], place, {"stream_id": number})
            return
        if told is None:
            text = "fields that build on what was not captured"
            yield Note("http2.headers", text, place, {"stream_id": number})
        elif ":status" in told:
            yield from self._on_response(sender, number, told, place)
        elif ":method" in told:
            yield from self._on_request(sender, number, told, place)
        if first & END_STREAM:
            yield from self._end(sender, number, unit)

    def _decompressed(self, sender: Side, data: bytes) -> dict[str, str] | None:
        """The fields by name, repeated ones in one value; None where they can't be read.  RFC 7541"""
        import hpack
        from hpack.exceptions import HPACKError

        if self.blind[sender]:
            return None
        decoder = self.decoders[sender]
        if decoder is None:
            decoder = self.decoders[sender] = hpack.Decoder(max_header_list_size=MAX_LIST_BYTES)
            decoder.max_allowed_table_size = MAX_TABLE_BYTES
        fields: dict[str, str] = {}
        try:
            for name, value in decoder.decode(data, raw=True):
                key = text_of(name)
                told = text_of(value)
                if key in fields:
                    fields[key] = f"{fields[key]}{'; ' if key == 'cookie' else ', '}{told}"
                else:
                    fields[key] = told
        except HPACKError:
            self.blind[sender] = True  # the table is not that of the sender any more
            return None
        return fields

    def _on_request(self, sender: Side, number: int, told: dict[str, str], place: core.Place) -> Outputs:
        if self.client is None:
            self.client = sender
        stream = self._stream(sender, number)
        method, target = told.get(":method", ""), told.get(":path", told.get(":authority", ""))
        stream.method, stream.target, stream.asked = method, target, place
        host = told.get(":authority", told.get("host", ""))
        self.requests += 1
        if self.first_asked is None:
            self.first_asked = place
        secure = self.secure or told.get(":scheme") == "https"
        protocol = told.get(":protocol", "")
        if method == "CONNECT" and protocol:
            lines = {**told, "host": host}
            exchange = core.Exchange(method, target, "HTTP/2", lines, place, sender, secure)
            lead = core.Lead(f"protocol:{protocol.lower()[:40]}", exchange)
            yield lead
            if lead.told:
                stream.lead = lead
            if self.connects is not True and "connect" not in self.told:
                self.told.add("connect")
                if self.connects is False:
                    yield Finding(
                        "websocket.upgrade-on-h2",
                        f"Stream {number} asks for {protocol[:40]} by extended CONNECT, which the server's SETTINGS do "
                        "not offer.",
                        place,
                    )
        elif "upgrade" in told or "sec-websocket-key" in told:
            what = "Upgrade" if "upgrade" in told else "Sec-WebSocket-Key"
            yield Finding(
                "websocket.upgrade-on-h2",
                f"The request on stream {number} has {what}, which HTTP/2 does not have: a WebSocket needs extended "
                "CONNECT, or HTTP/1.1.",
                place,
            )
        if stream.lead is None:
            fields: dict[str, Value] = {
                "method": method,
                "target": target[:MAX_VALUE_CHARACTERS],
                "version": "HTTP/2",
                "host": host or None,
                "stream_id": number,
                **shown(told),
            }
            yield Note("http.request", f"{method} {target[:80]}", place, fields)
            if self.requests == 1:
                title = f"http{'s' if secure else ''}://{host}{target[:80]}"
                facts: dict[str, Value] = {"method": method, "target": target, "http_version": "HTTP/2", "host": host}
                yield About(title, facts)

    def _on_response(self, sender: Side, number: int, told: dict[str, str], place: core.Place) -> Outputs:
        status = int(told[":status"]) if told[":status"].isdecimal() and len(told[":status"]) == 3 else 0
        stream = self._stream(sender, number)
        interim = 100 <= status < 200
        lead = None if interim else stream.lead
        if lead is not None:
            exchange = lead.exchange
            exchange.status, exchange.response, exchange.answered = status, told, place
            yield lead
            if 200 <= status < 300:
                stream.tunnel = exchange
        else:
            fields: dict[str, Value] = {"version": "HTTP/2", "status": status, "stream_id": number, **shown(told)}
            if stream.method:
                fields["request_method"] = stream.method
            said = [str(status)]
            if "content-type" in told:
                said.append(told["content-type"].partition(";")[0][:60])
            if told.get("content-length", "").isdecimal():
                said.append(f"{int(told['content-length'][:18]):,} bytes")
            yield Note("http.response", ", ".join(said), place, fields)
        if interim or stream.answered:
            return
        stream.answered = True
        if not self.answered and stream.asked is not None:
            self.answered = True
            if lead is None:
                yield Phase("http", stream.asked.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)
                yield About(None, {"status": status})

    # --- the others ---

    def _on_settings(self, sender: Side, unit: Piece, reader: Reader, flags: int) -> Outputs:
        if flags & ACK:
            return
        told: dict[str, Value] = {}
        for _ in reader.each("setting"):
            if reader.left < 6:
                break
            number, value = reader.uint("identifier", 2), reader.uint("value", 4)
            name = names.SETTING_NAMES[number][0] if number in names.SETTING_NAMES else f"setting_{number}"
            if len(told) < 64:
                told[name] = value
            if number == HEADER_TABLE_SIZE and self.decoders[sender.other] is not None:
                self.decoders[sender.other].max_allowed_table_size = min(max(value, 4096), MAX_TABLE_BYTES)
            elif number == INITIAL_WINDOW_SIZE:
                change = value - self.first_window[sender.other]
                self.first_window[sender.other] = value
                for stream in self.open_streams.values():
                    stream.windows[sender.other].give(change, unit.time_ns)
            elif number == ENABLE_CONNECT_PROTOCOL and not self._is_client(sender):
                self.connects = bool(value)
        if not self._is_client(sender) and self.connects is None:
            self.connects = False
        text = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in told.items())
        yield Note("http2.settings", text or "nothing but the defaults", unit, {"settings": told})

    def _on_reset(self, sender: Side, unit: Piece, reader: Reader, number: int) -> Outputs:
        code = reader.uint("error_code", 4)
        place = unit.place
        fields: dict[str, Value] = {"stream_id": number, "error_code": {"value": code, "name": error_name(code)}}
        yield Note("http2.rst-stream", f"stream {number}: {error_name(code)}", place, fields)
        stream = self.open_streams.pop(number, None)
        if stream is not None and stream.tunnel is not None and stream.lead is not None:
            yield Pass(stream.lead.label, unit.cut(len(unit)), key=number, context=stream.tunnel, over=True)
        if code not in (NO_ERROR, CANCEL) and f"reset {code}" not in self.told:
            self.told.add(f"reset {code}")
            who = "client" if self._is_client(sender) else "server"
            what = f" ({stream.method} {stream.target[:120]})" if stream is not None and stream.method else ""
            places = [place] if stream is None or stream.asked is None else [stream.asked, place]
            text = f"The {who} reset stream {number}{what} with {error_name(code)}."
            yield Finding("http2.stream-reset", text, places)

    def _on_ping(self, sender: Side, unit: Piece, reader: Reader, flags: int) -> Outputs:
        data = reader.raw("opaque_data", 8)
        key = bytes([sender.other if flags & ACK else sender]) + data
        if not flags & ACK:
            if len(self.pings) < 64:
                self.pings[key] = unit.time_ns
            yield Note("http2.ping", "asks", unit, {"opaque_data": data.hex()})
            return
        asked = self.pings.pop(key, None)
        trip = None if asked is None else unit.time_ns - asked
        text = "answers" if trip is None else f"answers after {trip / 1e6:.3g} ms"
        yield Note("http2.ping", text, unit, {"opaque_data": data.hex(), "ack": True, "round_trip_ns": trip})

    def _on_goaway(self, unit: Piece, reader: Reader) -> Outputs:
        last, code = reader.uint("last_stream_id", 4) & 0x7FFFFFFF, reader.uint("error_code", 4)
        debug = text_of(reader.rest("additional_debug_data")[:200])
        place = unit.place
        fields: dict[str, Value] = {"last_stream_id": last, "error_code": {"value": code, "name": error_name(code)}}
        if debug:
            fields["debug_data"] = debug
        text = f"{error_name(code)}, streams up to {last} were or may be worked on{f': {debug!r}' if debug else ''}"
        yield Note("http2.goaway", text, place, fields)
        if code != NO_ERROR and "goaway" not in self.told:
            self.told.add("goaway")
            yield Finding(
                "http2.goaway-error", f"GOAWAY with {error_name(code)}{f': {debug!r}' if debug else ''}.", place
            )

    def _on_window(self, sender: Side, unit: Piece, reader: Reader, number: int) -> Outputs:
        more = reader.uint("window_size_increment", 4) & 0x7FFFFFFF
        now, other = unit.time_ns, sender.other
        if number:
            stream = self.open_streams.get(number)
            waited = 0 if stream is None else stream.windows[other].give(more, now)
        else:
            waited = self.windows[other].give(more, now)
        if waited >= STALL_NS and "stall" not in self.told:
            self.told.add("stall")
            what = f"stream {number}" if number else "the whole connection"
            who = "client" if self._is_client(sender) else "server"
            text = f"The {who} gave {what} a new window {waited / 1e9:.3g} s after the old one was used up."
            yield Finding("http2.flow-control-stall", text, unit)

    # --- gaps and the end ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        self.lost[sender] = True
        self.blind[sender] = True
        yield Note("http2.gap", f"{size:,} bytes are missing", at, {"bytes": size})

    def on_end(self, last: Piece) -> Outputs:
        if self.requests:
            facts: dict[str, Value] = {"requests": self.requests}
            yield About(None, facts)
        if self.first_asked is not None and not self.answered:
            yield Phase("http", self.first_asked.time_ns, last.time_ns, Outcome.UNANSWERED)


# --- wording and probe ------------------------------------------------------------------------------------------------


def text_of(value: bytes | str) -> str:
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "backslashreplace")


def shown(told: dict[str, str]) -> dict[str, Value]:
    """The fields that stand in notes; what may be a secret is not among them."""
    return {name.replace("-", "_"): told[name][:MAX_VALUE_CHARACTERS] for name in told if name in FIELDS}


def probe(head: bytes) -> bool | None:
    """Tell whether a stream begins with the client's preface or a server's SETTINGS; None asks for more bytes."""
    if head[:1] == b"P":
        if len(head) < len(PREFACE):
            return None if PREFACE.startswith(head) else False
        return head.startswith(PREFACE)
    if len(head) < HEADER_BYTES:
        return None if head[:2] in (b"\0", b"\0\0") else False
    size = head[0] << 16 | head[1] << 8 | head[2]
    return size % 6 == 0 and size <= 600 and head[3] == SETTINGS and head[4:9] == b"\0\0\0\0\0"
