"""WebSockets that end otherwise than they should."""

from captures.maker import Capture, main
from captures.websocket import BINARY, CLOSE, PING, TEXT, Socket, closing


def talking(capture: Capture | None = None, **how: float) -> Socket:
    socket = Socket(capture, number=int(how.get("number", 0)), at_s=how.get("at_s", 0.0))
    socket.open()
    socket.frame(0, 0.1, TEXT, b"hello")
    socket.frame(1, 0.12, TEXT, b"hello yourself")
    return socket


def close_abnormal() -> Capture:
    """The server's process ends: a reset, and no Close."""
    socket = talking()
    socket.frame(0, 1, TEXT, b"are you there?")
    socket.talk.server(1.02, "RA")
    return socket.capture


def close_code() -> Capture:
    """The server fails while it works on a message."""
    socket = talking()
    socket.frame(0, 1, TEXT, b'{"divide":[1,0]}')
    socket.frame(1, 1.02, CLOSE, closing(1011, "internal error"))
    socket.frame(0, 1.04, CLOSE, closing(1011))
    socket.end(1.06)
    return socket.capture


def close_illegal_code() -> Capture:
    """A code that only stands for a missing one is sent."""
    socket = talking()
    socket.close(1, 1005)
    return socket.capture


def too_big() -> Capture:
    """The client sends more than the server takes at once."""
    socket = talking()
    socket.frame(0, 1, BINARY, bytes(1300))
    socket.frame(1, 1.02, CLOSE, closing(1009, "message too big"))
    socket.frame(0, 1.04, CLOSE, closing(1009))
    socket.end(1.06)
    return socket.capture


def ping_unanswered() -> Capture:
    """The client is asked whether it is there, and says nothing; the server gives up."""
    socket = talking()
    for turn in range(3):
        socket.frame(1, 10.0 * (turn + 1), PING, bytes((turn,)))
    socket.talk.server(45, "RA")
    return socket.capture


def idle_killed() -> Capture:
    """Three WebSockets end after a minute in which nobody said anything: the time-out of a proxy."""
    capture = Capture()
    for number, last_s in enumerate((0.12, 2.5, 7.3)):
        socket = talking(capture, number=number, at_s=3.0 * number)
        socket.frame(1, last_s + 0.01, TEXT, b"news")
        socket.end(last_s + 60.01)
    capture.sort()
    return capture


CASES = {
    "close_abnormal": close_abnormal,
    "close_code": close_code,
    "close_illegal_code": close_illegal_code,
    "too_big": too_big,
    "ping_unanswered": ping_unanswered,
    "idle_killed": idle_killed,
}

if __name__ == "__main__":
    main(__file__, CASES)
