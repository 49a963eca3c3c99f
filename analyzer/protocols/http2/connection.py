"""What belongs to a whole connection of HTTP/2: settings, windows, resets, pings, its end (RFC 9113 §5.2, §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import About, Finding, Note, Outcome, Pass, Phase, Piece, Reader, Side, Value
from analyzer.protocols.http2 import names
from analyzer.protocols.http2.fields import Fields, text_of
from analyzer.protocols.http2.frames import ACK, FIRST_MAX_FRAME, MAX_STREAM
from analyzer.protocols.http2.names import (
    CANCEL,
    ENABLE_CONNECT_PROTOCOL,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    NO_ERROR,
    error_meaning,
    error_name,
    in_words,
)
from analyzer.protocols.http2.streams import FIRST_WINDOW, MAX_STREAMS, Block, Stream, Window

if TYPE_CHECKING:
    from analyzer.core import Outputs

MAX_GOAWAYS: Final = 8  # for which the open streams are looked through
MAX_PINGS: Final = 64  # that wait for their answer
STALL_NS: Final = 1_000_000_000
MAX_DEBUG_BYTES: Final = 200
MAX_TOLD: Final = 64  # settings of one frame
LISTED: Final = 8


class Connection(core.Dissector):
    """What both sides agreed on, and what has become of it."""

    def __init__(self) -> None:
        self.client: Side | None = None
        self.started = [False, False]  # the preface, or the first frame, was seen
        self.late = [False, False]  # what was before the first frame is not known
        self.lost = [False, False]  # where frames begin is not known
        self.fields: tuple[Fields, ...] = (Fields(), Fields())  # by sender
        self.blocks: list[Block | None] = [None, None]
        self.open_streams: dict[int, Stream] = {}
        self.kept_bytes = 0  # of bodies that a room inside may want
        self.windows: tuple[Window, ...] = (Window(), Window())  # of the connection, by sender
        self.first_window = [FIRST_WINDOW, FIRST_WINDOW]  # of new streams, by sender
        self.largest = [0, 0]  # what a frame of this sender may have; 0: not known
        self.pings: dict[bytes, int] = {}
        self.connects: bool | None = None  # whether the server allows extended CONNECT
        self.first_asked: core.Place | None = None
        self.answered = False
        self.requests = 0
        self.leads = 0  # that another room tells of
        self.goaways = 0
        self.upgraded = False  # the first request came by HTTP/1.1
        self.told: set[str] = set()

    def _is_client(self, sender: Side) -> bool:
        return sender is (Side.INITIATOR if self.client is None else self.client)

    def _who(self, sender: Side) -> str:
        return "client" if self._is_client(sender) else "server"

    def _stream(self, number: int) -> Stream:
        stream = self.open_streams.get(number)
        if stream is None:
            if len(self.open_streams) >= MAX_STREAMS:
                del self.open_streams[next(iter(self.open_streams))]
            stream = self.open_streams[number] = Stream()
        return stream

    def _close_tunnel(self, stream: Stream, number: int, at: Piece) -> Outputs:
        if stream.tunnel is not None and stream.lead is not None:
            yield Pass(stream.lead.label, at.cut(len(at)), key=number, context=stream.tunnel, over=True)

    # --- frames of the connection ---

    def _on_settings(self, sender: Side, unit: Piece, reader: Reader, flags: int) -> Outputs:
        if flags & ACK:
            return
        told: dict[str, Value] = {}
        other = sender.other
        if not self.late[sender]:
            self.largest[other] = max(self.largest[other], FIRST_MAX_FRAME)
        for _ in reader.each("setting"):
            number, value = reader.uint("identifier", 2), reader.uint("value", 4)
            name = names.SETTING_NAMES[number][0] if number in names.SETTING_NAMES else f"setting_{number}"
            if len(told) < MAX_TOLD:
                told[name] = value
            if number == INITIAL_WINDOW_SIZE:
                self.first_window[other] = value
            elif number == MAX_FRAME_SIZE:
                self.largest[other] = max(self.largest[other], value)
            elif number == ENABLE_CONNECT_PROTOCOL and not self._is_client(sender):
                self.connects = bool(value)
        if not self._is_client(sender) and self.connects is None and not self.late[sender]:
            self.connects = False
        text = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in told.items())
        yield Note("http2.settings", text or "nothing but the defaults", unit, {"settings": told})

    def _on_reset(self, sender: Side, unit: Piece, reader: Reader, number: int) -> Outputs:
        code = reader.uint("error_code", 4)
        place = unit.place
        fields: dict[str, Value] = {"stream_id": number, "error_code": {"value": code, "name": error_name(code)}}
        note = Note("http2.rst-stream", f"stream {number}: {error_name(code)}", place, fields)
        note.remark = error_meaning(code)
        yield note
        stream = self.open_streams.pop(number, None)
        if stream is not None:
            if stream.tunnel is not None:
                stream.tunnel.ended = (
                    f"the {self._who(sender)} reset the stream of {stream.target[:80]} by {error_name(code)}"
                )
            yield from self._close_tunnel(stream, number, unit)
            yield from self._waiting(stream, number, unit.time_ns, "the stream was reset")
        if code not in (NO_ERROR, CANCEL) and f"reset {code}" not in self.told:
            self.told.add(f"reset {code}")
            what = "" if stream is None else stream.what
            places = [place] if stream is None or stream.asked is None else [stream.asked, place]
            text = f"The {self._who(sender)} reset stream {number}{what} with {in_words(code)}."
            yield Finding("http2.stream-reset", text, places)

    def _on_ping(self, sender: Side, unit: Piece, reader: Reader, flags: int) -> Outputs:
        data = reader.raw("opaque_data", 8)
        key = bytes([sender.other if flags & ACK else sender]) + data
        if not flags & ACK:
            if len(self.pings) >= MAX_PINGS:
                del self.pings[next(iter(self.pings))]
            self.pings[key] = unit.time_ns
            yield Note("http2.ping", "asks", unit, {"opaque_data": data.hex()})
            return
        asked = self.pings.pop(key, None)
        trip = None if asked is None else unit.time_ns - asked
        text = "answers" if trip is None else f"answers after {trip / 1e6:.3g} ms"
        yield Note("http2.ping", text, unit, {"opaque_data": data.hex(), "ack": True, "round_trip_ns": trip})

    def _on_goaway(self, sender: Side, unit: Piece, reader: Reader) -> Outputs:
        last, code = reader.uint("last_stream_id", 4) & MAX_STREAM, reader.uint("error_code", 4)
        debug = text_of(reader.rest("additional_debug_data")[:MAX_DEBUG_BYTES])
        place = unit.place
        fields: dict[str, Value] = {"last_stream_id": last, "error_code": {"value": code, "name": error_name(code)}}
        said = [error_name(code)]
        if debug:
            fields["debug_data"] = debug
            said[0] += f": {debug!r}"
        # Streams that the other side opened, and this one will not work on.  §6.8
        client = self._is_client(sender)
        self.goaways += 1
        refused: list[int] = []
        if self.goaways <= MAX_GOAWAYS:
            refused = [number for number in self.open_streams if number > last and bool(number & 1) is not client]
        if last == MAX_STREAM:
            said.append("a warning: new streams no more, those on their way are still taken")
        elif not client:
            said.append(f"streams up to {last} may have been worked on" if last else "no stream was worked on")
        if refused:
            some = ", ".join(str(number) for number in refused[:LISTED])
            some = f"{some} and {len(refused) - LISTED} more" if len(refused) > LISTED else some
            said.append(f"open ones that were not: {some}")
        note = Note("http2.goaway", ", ".join(said), place, fields)
        note.remark = error_meaning(code)
        yield note
        if code != NO_ERROR and "goaway" not in self.told:
            self.told.add("goaway")
            text = f"The {self._who(sender)} gave up the connection with {in_words(code)}."
            if debug:
                text += f" It says: {debug!r}."
            if refused:
                text += f" Not worked on, of the open streams: {some}."
            yield Finding("http2.goaway-error", text, place)

    # --- windows ---

    def _on_window(self, sender: Side, unit: Piece, reader: Reader, number: int) -> None:
        more = reader.uint("window_size_increment", 4) & MAX_STREAM
        other = sender.other
        if not number:
            self.windows[other].give(more, FIRST_WINDOW, unit)
        elif number in self.open_streams:
            self.open_streams[number].windows[other].give(more, self.first_window[other], unit)

    def _waited(
        self, sender: Side, window: Window, what: str, since: core.Spot | None = None, now: int = 0, over: str = ""
    ) -> Outputs:
        """Tell that `sender` had to wait long; `since` where it still does, `now` when it is `over`."""
        left_ns = 0 if since is None else now - since.time_ns
        if window.waited_ns + left_ns < STALL_NS or "stall" in self.told or not all(self.started):
            return
        if any(self.late) or any(self.lost):
            return  # the windows are not known
        self.told.add("stall")
        who, other = self._who(sender), self._who(sender.other)
        begin = f"The {who} had used up the window of {what}"
        if since is not None and left_ns >= window.waited_ns:
            text = f"{begin}, and no WINDOW_UPDATE of the {other} came in the {left_ns / 1e9:.3g} s until {over}."
            yield Finding("http2.flow-control-stall", text, since)
        else:
            times = f", {window.waits} times in all" if window.waits > 1 else ""
            text = f"{begin} and waited {window.waited_ns / 1e9:.3g} s for WINDOW_UPDATE of the {other}{times}."
            yield Finding("http2.flow-control-stall", text, window.places or ())

    def _waiting(self, stream: Stream, number: int, now: int, over: str) -> Outputs:
        """The stream is over while one side may still have wanted to send."""
        for sender in core.SIDES:
            window = stream.windows[sender]
            since = None if stream.ended[sender] else window.shut_since(self.first_window[sender])
            yield from self._waited(sender, window, f"stream {number}{stream.what}", since, now, over)

    def on_end(self, last: Piece) -> Outputs:
        now = max(self.end_ns, last.time_ns)
        for number, stream in self.open_streams.items():
            yield from self._waiting(stream, number, now, "the end")
        for sender in core.SIDES:
            window = self.windows[sender]
            busy = any(not stream.ended[sender] for stream in self.open_streams.values())
            since = window.shut_since(FIRST_WINDOW) if busy else None
            yield from self._waited(sender, window, "the whole connection", since, now, "the end")
        if self.requests:
            facts: dict[str, Value] = {"requests": self.requests}
            yield About(None, facts)
        if self.first_asked is not None and not self.answered:
            yield Phase("http", self.first_asked.time_ns, last.time_ns, Outcome.UNANSWERED)
