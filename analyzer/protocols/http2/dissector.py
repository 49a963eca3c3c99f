"""HTTP/2: frames, fields, streams, windows (RFC 9113); what an extended CONNECT opens goes inwards (RFC 8441).

Bodies are passed over, but for those that may signal something (a description of media, say): these go inwards.  What
begins within a connection is told as far as it can be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import About, Body, Finding, Malformed, Note, Outcome, Pass, Phase, Piece, Reader, Side, Value
from analyzer.protocols.http.names import CODINGS, MAX_BODY_BYTES, inward_label, whole_body
from analyzer.protocols.http2.connection import Connection
from analyzer.protocols.http2.fields import (
    MAX_BLOCK_BYTES,
    MAX_FRAMES,
    shown,
)
from analyzer.protocols.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADER_BYTES,
    MAX_STREAM,
    PADDED,
    PREFACE,
    is_header,
    least,
    name_of,
    wrong_size,
)
from analyzer.protocols.http2.names import (
    CONTINUATION,
    DATA,
    GOAWAY,
    HEADERS,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)
from analyzer.protocols.http2.streams import FIRST_WINDOW, Arriving, Block, Stream

if TYPE_CHECKING:
    from analyzer.core import Outputs

#: A DATA frame beyond this is streamed past: nobody inside needs it whole.
HELD_BYTES: Final = 1 << 16
MAX_KEPT_BYTES: Final = 1 << 19  # of bodies that may signal something, on all streams
MAX_FRAME_BYTES: Final = 1 << 20
MAX_TARGET_CHARACTERS: Final = 4096


class Http2(Connection):
    """One connection of HTTP/2: its frames, and the requests and responses in them."""

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if self.lost[sender]:
            return len(head)
        if not self.started[sender] and head[:1] == b"P":
            if not PREFACE.startswith(head[: len(PREFACE)]):
                raise Malformed("the connection does not begin with the preface of HTTP/2 (§3.4)")
            return len(PREFACE) if len(head) >= len(PREFACE) else None
        if len(head) < HEADER_BYTES:
            return None
        if not self.started[sender] and not is_header(head[3], head[4], int.from_bytes(head[5:9], "big")):
            self.lost[sender] = True
            return len(head)
        size = head[0] << 16 | head[1] << 8 | head[2]
        if size > HELD_BYTES and head[3] == DATA:
            return HEADER_BYTES
        if size > MAX_FRAME_BYTES:
            raise Malformed(f"a frame of {size:,} bytes (§4.2)")
        return HEADER_BYTES + size

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        if self.lost[sender]:
            yield from self._on_no_frame(unit)
            return
        if not self.started[sender]:
            self.started[sender] = True
            if unit.data.startswith(b"P", unit.start):
                self.client = sender
                Reader(unit).raw("preface", len(PREFACE))
                yield Note("http2.preface", "HTTP/2", unit)
                yield from self._on_no_frame(unit)
                return
            yield from self._on_first(sender, unit)
            yield from self._on_no_frame(unit)
        reader = Reader(unit)
        size, kind, flags = reader.uint("length", 3), reader.uint("type", 1), reader.uint("flags", 1)
        stream = reader.uint("stream_identifier", 4) & MAX_STREAM
        begun = self.blocks[sender]
        if begun is not None and (kind != CONTINUATION or stream != begun.stream):
            raise Malformed(f"{name_of(kind)} within the fields of stream {begun.stream} (§6.10)")
        padded = flags & PADDED and kind in (DATA, HEADERS, PUSH_PROMISE) and size and reader.left
        wrong = wrong_size(kind, flags, size, reader.peek(1)[0] if padded else 0, self.largest[sender])
        if wrong:
            yield from self._on_wrong_size(sender, unit, kind, stream, wrong)
            if size < least(kind, flags) or kind not in (DATA, HEADERS, PUSH_PROMISE, CONTINUATION):
                if kind in (HEADERS, PUSH_PROMISE):
                    self.fields[sender].lose("a frame of wrong size")
                return
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
            yield from self._on_goaway(sender, unit, reader)
        elif kind == WINDOW_UPDATE:
            self._on_window(sender, unit, reader, stream)

    def _on_first(self, sender: Side, unit: Piece) -> Outputs:
        """The first frame of a side without a preface: where that is no SETTINGS, something came before it (§3.4)."""
        kind, flags = unit.data[unit.start + 3], unit.data[unit.start + 4]
        if kind == SETTINGS and not flags & ACK:
            return
        self.late[sender] = True
        self.fields[sender].begin(late=True)
        if "late" not in self.told:
            self.told.add("late")
            text = "the capture begins within the connection: fields that refer to earlier ones can't be read"
            yield Note("http2.late", text, unit.cut(0, HEADER_BYTES))

    def _on_no_frame(self, unit: Piece) -> Outputs:
        """Tell of a side that does not begin with a frame, once the other one does: else it is no HTTP/2 at all."""
        for side in core.SIDES:
            if self.lost[side] and not self.started[side] and self.started[side.other] and "lost" not in self.told:
                self.told.add("lost")
                text = "what this side sends does not begin with a frame: it is not read"
                yield Note("http2.late", text, unit.cut(0, HEADER_BYTES), sender=side)

    def _on_wrong_size(self, sender: Side, unit: Piece, kind: int, stream: int, wrong: str) -> Outputs:
        where = f" of stream {stream}" if stream else ""
        yield Note("http2.wrong-size", f"{name_of(kind)}{where} {wrong}", unit.cut(0, HEADER_BYTES))
        if "size" not in self.told:
            self.told.add("size")
            text = f"{name_of(kind)}{where}, sent by the {self._who(sender)}, {wrong}."
            yield Finding("http2.frame-size", text, unit.cut(0, HEADER_BYTES))

    # --- what streams carry ---

    def _end(self, sender: Side, number: int, at: Piece) -> Outputs:
        """Note that `sender` has ended the stream; after both, it is forgotten."""
        stream = self.open_streams.get(number)
        if stream is None:
            return
        stream.ended[sender] = True
        if stream.tunnel is not None and not stream.tunnel.ended:
            stream.tunnel.ended = f"the {self._who(sender)} ended the stream of {stream.target[:80]}"
        yield from self._inwards(stream, sender)
        yield from self._waited(sender, stream.windows[sender], f"stream {number}{stream.what}")
        if all(stream.ended):
            del self.open_streams[number]
            yield from self._close_tunnel(stream, number, at)

    def _on_data(self, sender: Side, unit: Piece, reader: Reader, number: int, flags: int, size: int) -> Outputs:
        stream = self.open_streams.get(number)
        self.windows[sender].spend(size, FIRST_WINDOW, unit)
        if stream is not None:
            stream.windows[sender].spend(size, self.first_window[sender], unit)
        if size > HELD_BYTES:
            yield Body(size)
            if stream is not None:
                stream.bodies[sender] = None
        else:
            padding = reader.uint("pad_length", 1) if flags & PADDED else 0
            data = reader.piece("data", max(reader.left - padding, 0))
            if stream is not None and stream.tunnel is not None and stream.lead is not None and len(data):
                yield Pass(stream.lead.label, data, key=number, context=stream.tunnel)
            elif stream is not None:
                self._keep(stream, sender, data)
        if flags & END_STREAM:
            yield from self._end(sender, number, unit)

    def _expect(self, stream: Stream, sender: Side, told: dict[str, str]) -> None:
        """Keep the body that these fields announce, where some room could want it."""
        label, coding = inward_label(told), told.get("content-encoding", "").strip().lower()
        if label and coding in CODINGS:
            stream.bodies[sender] = Arriving(label, coding)

    def _keep(self, stream: Stream, sender: Side, data: Piece) -> None:
        arriving = stream.bodies[sender]
        if arriving is None:
            return
        arriving.bytes += len(data)
        arriving.cost += len(data.data)
        self.kept_bytes += len(data.data)
        if self.kept_bytes > MAX_KEPT_BYTES:  # what was reset meanwhile still counts
            kept = (one for each in self.open_streams.values() for one in each.bodies if one is not None)
            self.kept_bytes = sum(one.cost for one in kept)
        if arriving.bytes > MAX_BODY_BYTES or self.kept_bytes > MAX_KEPT_BYTES:
            self.kept_bytes -= arriving.cost
            stream.bodies[sender] = None
        elif len(data):
            arriving.parts.append(data)

    def _inwards(self, stream: Stream, sender: Side) -> Outputs:
        """A whole body, for the room that reads its kind."""
        arriving, stream.bodies[sender] = stream.bodies[sender], None
        if arriving is None or not arriving.parts:
            return
        self.kept_bytes -= arriving.cost
        body = whole_body(arriving.parts, arriving.coding)
        if body is not None:
            yield Pass(arriving.label, body, stream=False)

    # --- fields ---

    def _on_fields(self, sender: Side, unit: Piece, reader: Reader, kind: int, number: int, flags: int) -> Outputs:
        block = self.blocks[sender]
        if kind == CONTINUATION:
            if block is None:
                if self.late[sender]:
                    self.fields[sender].lose("their beginning is not in the capture")
                    return
                raise Malformed(f"a CONTINUATION of stream {number} without HEADERS (§6.10)")
            if not block.add(reader.rest("field_block_fragment"), unit) and not self.fields[sender].why:
                more = "bytes" if block.size > MAX_BLOCK_BYTES else "frames"
                limit = MAX_BLOCK_BYTES if block.size > MAX_BLOCK_BYTES else MAX_FRAMES
                self.fields[sender].too_large(f"compressed fields of more than {limit:,} {more}")
                yield from self._unread(sender, number, block.place)
        else:
            padding = reader.uint("pad_length", 1) if flags & PADDED else 0
            if kind == HEADERS and flags & HAS_PRIORITY:
                reader.raw("priority", 5)
            if kind == PUSH_PROMISE:
                reader.uint("promised_stream_id", 4)
            data = reader.raw("field_block_fragment", max(reader.left - padding, 0))
            block = self.blocks[sender] = Block(number, kind, flags, data, unit)
        if not flags & END_HEADERS:
            return
        self.blocks[sender] = None
        told = self.fields[sender].read(b"".join(block.data))
        place = block.place
        if told is None:
            if block.data:  # else it was told already
                yield from self._unread(sender, number, place)
        elif block.kind == PUSH_PROMISE:
            yield Note("http2.push-promise", told.get(":path", "?")[:200], place, {"stream_id": number})
        elif ":status" in told:
            yield from self._on_response(sender, number, told, place)
        elif ":method" in told:
            yield from self._on_request(sender, number, told, place)
        elif self.fields[sender].unknown:
            fields: dict[str, Value] = {"stream_id": number, **shown(told)}
            yield Note("http2.headers", "fields that refer to what was not captured", place, fields)
        if block.kind == HEADERS and block.flags & END_STREAM:
            yield from self._end(sender, number, unit)

    def _unread(self, sender: Side, number: int, place: core.Place) -> Outputs:
        """Tell of fields that can't be read: why, the first time."""
        fields, who = self.fields[sender], self._who(sender)
        if f"blind {sender}" in self.told:
            yield Note("http2.headers", "fields that can't be read", place, {"stream_id": number})
            return
        self.told.add(f"blind {sender}")
        text = f"from here on the fields of the {who} can't be read: {fields.why}"
        yield Note("http2.headers", text, place, {"stream_id": number})
        if fields.large:
            text = f"The {who} sent {fields.why} on stream {number}. From there on its fields are not read."
            yield Finding("http2.fields-too-large", text, place)

    def _on_request(self, sender: Side, number: int, told: dict[str, str], place: core.Place) -> Outputs:
        if self.client is None:
            self.client = sender
        stream = self._stream(number)
        method, host = told.get(":method", ""), told.get(":authority", told.get("host", ""))
        known = ":path" in told or method == "CONNECT"  # else it was told before the capture began
        target = told.get(":path", host)
        stream.method, stream.target, stream.asked = method, target[:MAX_TARGET_CHARACTERS] if known else "?", place
        self.requests += 1
        if self.first_asked is None:
            self.first_asked = place
        secure = self.secure or told.get(":scheme") == "https"
        protocol = told.get(":protocol", "")
        if method == "CONNECT" and protocol:
            lines = {**told, "host": host}
            exchange = core.Exchange(method, target, "HTTP/2", lines, place, sender, secure)
            exchange.number = self.leads + 1
            lead = core.Lead(f"protocol:{protocol.lower()[:40]}", exchange)
            yield lead
            if lead.told:
                self.leads += 1
                stream.lead = lead
            if self.connects is False and "connect" not in self.told:
                self.told.add("connect")
                yield Finding(
                    "websocket.upgrade-on-h2",
                    f"Stream {number} asks for {protocol[:40]} by extended CONNECT, which the server's SETTINGS do "
                    "not offer.",
                    place,
                )
        elif ("upgrade" in told or "sec-websocket-key" in told) and "upgrade" not in self.told:
            self.told.add("upgrade")
            what = "Upgrade" if "upgrade" in told else "Sec-WebSocket-Key"
            yield Finding(
                "websocket.upgrade-on-h2",
                f"The request on stream {number} has {what}, which HTTP/2 does not have: a WebSocket needs extended "
                "CONNECT, or HTTP/1.1.",
                place,
            )
        if stream.lead is None:
            self._expect(stream, sender, told)
            fields: dict[str, Value] = {
                "method": method,
                "target": target[:MAX_TARGET_CHARACTERS] if known else None,
                "version": "HTTP/2",
                "host": host or None,
                "stream_id": number,
                **shown(told),
            }
            text = f"{method} {target[:80]}" if known else f"{method}, the path is not known"
            yield Note("http.request", text, place, fields)
            if self.requests == 1 and known and host and not self.upgraded:
                title = f"http{'s' if secure else ''}://{host}{target[:80]}"
                facts: dict[str, Value] = {"method": method, "target": target, "http_version": "HTTP/2", "host": host}
                yield About(title, facts)

    def _on_response(self, sender: Side, number: int, told: dict[str, str], place: core.Place) -> Outputs:
        if self.client is None:
            self.client = sender.other
        status = int(told[":status"]) if told[":status"].isdecimal() and len(told[":status"]) == 3 else 0
        stream = self._stream(number)
        interim = 100 <= status < 200
        lead = None if interim else stream.lead
        if lead is not None:
            exchange = lead.exchange
            exchange.status, exchange.response, exchange.answered = status, told, place
            yield lead
            if 200 <= status < 300:
                stream.tunnel = exchange
        else:
            if not interim:
                self._expect(stream, sender, told)
            fields: dict[str, Value] = {"version": "HTTP/2", "status": status, "stream_id": number, **shown(told)}
            if stream.method:
                fields["request_method"] = stream.method
            said = [told[":status"][:20]]
            if "content-type" in told:
                said.append(told["content-type"].partition(";")[0][:60])
            if told.get("content-length", "").isdecimal():
                said.append(f"{int(told['content-length'][:18]):,} bytes")
            yield Note("http.response", ", ".join(said), place, fields)
        if interim or stream.answered:
            return
        stream.answered = True
        if number == 1 and not stream.method and not any(self.late):
            self.upgraded = self.answered = True  # RFC 7540 §3.2: stream 1 is what was asked for by HTTP/1.1
            self.requests += 1
            yield About(None, {"http_version": "HTTP/2", "status": status})
        elif not self.answered and stream.asked is not None:
            self.answered = True
            if lead is None:
                yield Phase("http", stream.asked.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)
                yield About(None, {"status": status})

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        self.lost[sender] = self.started[sender] = True
        self.fields[sender].lose("bytes are missing before them")
        for stream in self.open_streams.values():
            stream.bodies[sender] = None
        yield Note("http2.gap", f"{size:,} bytes are missing", at, {"bytes": size})
