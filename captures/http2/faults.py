"""What can go wrong on a connection of HTTP/2, and one whose beginning was not captured."""

from captures.handshakes import Wire
from captures.http2 import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    WINDOW_UPDATE,
    Side,
    Talk,
    data,
    frame,
    goaway,
    ping,
    reset,
    window_update,
)
from captures.http2.healthy import masked, unmasked
from captures.maker import Capture, main, text

PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 1, 7, 8, 11


def goaway_error() -> Capture:
    """The server has had enough of the client's pings."""
    talk = Talk()
    wire = talk.wire
    wire.client(talk.one.get(1, "/stock", method="POST", end=False))
    for number in range(4):
        wire.client(ping(b"ping%4d" % number), wait=0.01)
        wire.server(ping(b"ping%4d" % number, ack=True))
    wire.client(talk.one.get(3, "/late"))
    wire.server(goaway(1, ENHANCE_YOUR_CALM, b"too_many_pings"))
    return wire.close(1)


def stream_reset() -> Capture:
    """The server takes no more streams, and the client gives up another one, which is nothing unusual."""
    talk = Talk(theirs=((3, 1),))
    wire = talk.wire
    wire.client(talk.one.get(1, "/slow") + talk.one.get(3, "/other"))
    wire.server(reset(3, REFUSED_STREAM))
    wire.client(reset(1, CANCEL), wait=0.5)
    wire.client(goaway(0))
    return talk.close()


def flow_control_stall() -> Capture:
    """The client reads slowly: the server uses up the window of the stream twice."""
    talk = Talk((4, 4000))
    wire = talk.wire
    wire.client(talk.one.get(1, "/large"))
    wire.server(talk.other.answer(1, 200, ("content-length", "9000")) + data(1, text(4000)))
    wire.client(window_update(1, 4000), wait=0.8)
    wire.server(data(1, text(4000)))
    wire.client(window_update(1, 4000) + window_update(0, 8000), wait=0.9)
    wire.server(data(1, text(1000), end=True))
    wire.client(goaway(0))
    return talk.close()


def flow_control_deadlock() -> Capture:
    """The client gives no new window at all, and goes away after five seconds."""
    talk = Talk((4, 4000))
    wire = talk.wire
    wire.client(talk.one.get(1, "/large"))
    wire.server(talk.other.answer(1, 200, ("content-length", "9000")) + data(1, text(4000)))
    wire.client(reset(1, CANCEL), wait=5.0)
    return talk.close()


def frame_size() -> Capture:
    """A WINDOW_UPDATE of five bytes, and what the server says to that."""
    talk = Talk()
    wire = talk.wire
    wire.client(talk.one.get(1, "/") + frame(WINDOW_UPDATE, 0, 0, bytes(4) + b"\1"))
    wire.server(goaway(0, 6))
    return wire.close(1)


def hpack_bomb() -> Capture:
    """4,000 bytes in the table, and a request that names them again and again."""
    talk = Talk()
    wire = talk.wire
    wire.client(talk.one.get(1, "/", ("x-bomb", "x" * 4000)))
    wire.server(talk.other.answer(1, 200, end=True))
    wire.client(frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x82\x86\x84\x41\x01a" + b"\xbf" * 200))
    wire.client(talk.one.get(5, "/next"))
    wire.server(goaway(1, ENHANCE_YOUR_CALM))
    return wire.close(1)


def continuation_flood() -> Capture:
    """Fields that do not end, in frames that each have next to nothing."""
    talk = Talk()
    wire = talk.wire
    wire.client(frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84"))
    for _ in range(10):
        wire.client(frame(CONTINUATION, 0, 1, b"\0\1a\1b") * 40)
    wire.server(goaway(0, ENHANCE_YOUR_CALM))
    return wire.close(1)


def upgrade_on_h2() -> Capture:
    """A WebSocket is asked for as in HTTP/1.1, and by extended CONNECT though the server has none."""
    talk = Talk()
    wire = talk.wire
    wire.client(talk.one.get(1, "/chat", ("upgrade", "websocket"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")))
    wire.server(reset(1, PROTOCOL_ERROR))
    wire.client(talk.one.connect(3, "/chat"))
    wire.server(reset(3, PROTOCOL_ERROR))
    wire.client(goaway(0))
    return talk.close()


def started_late() -> Capture:
    """The connection was there before the capture: earlier fields are missing, later ones are not."""
    one, other = Side(), Side()
    one.get(1, "/a", ("user-agent", "test/1"))
    other.answer(1, 200, ("server", "test/2"))
    wire = Wire(server_port=8080)
    capture = wire.capture
    capture.frames.clear()
    wire.client(one.get(3, "/a", ("user-agent", "test/1"), method="POST", end=False) + data(3, b"x=1", end=True))
    wire.server(other.answer(3, 200, ("server", "test/2"), ("content-type", "text/plain")) + data(3, b"a\n", end=True))
    wire.client(one.get(5, "/b", ("user-agent", "test/1")) + ping())
    wire.server(ping(ack=True) + other.answer(5, 404, ("content-type", "text/plain")) + data(5, b"b\n", end=True))
    wire.client(one.get(7, "/b", ("user-agent", "test/1")))
    wire.server(other.answer(7, 200, ("content-type", "text/plain")) + data(7, b"b\n", end=True))
    wire.client(goaway(0))
    return wire.close()


def websockets_reset() -> Capture:
    """Two WebSockets on one connection: one closes in order, the client resets the other one's stream."""
    talk = Talk(theirs=((3, 100), (8, 1)))
    wire, one, other = talk.wire, talk.one, talk.other
    wire.client(one.connect(1, "/chat") + one.connect(3, "/news"))
    wire.server(other.answer(1, 200) + other.answer(3, 200))
    wire.client(data(1, masked(1, b"hello")) + data(3, masked(1, b"more")))
    wire.server(data(3, unmasked(1, b"the news")))
    wire.client(reset(3, CANCEL), wait=0.5)
    wire.client(data(1, masked(8, b"\x03\xe8")))
    wire.server(data(1, unmasked(8, b"\x03\xe8"), end=True))
    wire.client(data(1, b"", end=True))
    wire.client(goaway(0))
    return talk.close()


CASES = {
    "websockets_reset": websockets_reset,
    "goaway_error": goaway_error,
    "stream_reset": stream_reset,
    "flow_control_stall": flow_control_stall,
    "flow_control_deadlock": flow_control_deadlock,
    "frame_size": frame_size,
    "hpack_bomb": hpack_bomb,
    "continuation_flood": continuation_flood,
    "upgrade_on_h2": upgrade_on_h2,
    "healthy_started_late": started_late,
}

if __name__ == "__main__":
    main(__file__, CASES)
