"""Data channels in SCTP in UDP, which needs no keys: one that is well, and what can be wrong with others."""

from captures.datachannel import (
    BINARY,
    BINARY_EMPTY,
    BINARY_PARTIAL,
    DCEP,
    STRING,
    STRING_EMPTY,
    STRING_PARTIAL,
    Channels,
    opens,
)
from captures.maker import Capture, main, text
from captures.sctp import ABORT, BEGINNING, ENDING, cause, chunk


def healthy() -> Capture:
    """Each side opens a channel; strings, bytes, empty ones, and a message of three parts."""
    made = Channels()
    made.open(0.1, 0, 0, "chat")
    made.send(0.2, 0, 0, STRING, "Grüße".encode())
    made.send(0.3, 1, 0, STRING, b"hello")
    made.send(0.4, 0, 0, STRING_EMPTY, b"\0")
    made.open(0.5, 1, 1, "files", kind=0x82, limit=500, priority=512)
    made.send(0.6, 1, 1, BINARY, bytes(range(40)))
    made.send(0.7, 0, 1, BINARY_EMPTY, b"\0")
    made.send(0.8, 1, 1, BINARY, text(1100), flags=BEGINNING)
    made.send(0.801, 1, 1, BINARY, text(1100), flags=0)
    made.send(0.802, 1, 1, BINARY, text(300), flags=ENDING)
    made.ends.send(2.0, 0, chunk(ABORT, cause(12, b"Close called")))
    made.ends.capture.sort()
    return made.ends.capture


def open_unacked() -> Capture:
    """An OPEN without an answer, and messages that nobody hears."""
    made = Channels()
    made.open(0.1, 0, 0, "chat", acked=False)
    for number in range(4):
        made.send(1.0 + number, 0, 0, STRING, b"is anybody there?")
    return made.ends.capture


def parity_conflict() -> Capture:
    """Both sides open even streams."""
    made = Channels()
    made.open(0.1, 0, 0, "mine")
    made.open(0.2, 1, 2, "yours")
    return made.ends.capture


def malformed() -> Capture:
    """An OPEN whose label is said to be longer than the message."""
    made = Channels()
    made.send(0.1, 0, 0, DCEP, opens("chat", sizes=(40, 0)))
    return made.ends.capture


def none_but_data() -> Capture:
    """The applications agreed on stream 40 (negotiated: true)."""
    made = Channels()
    made.send(0.1, 0, 40, STRING, b"no need to ask")
    made.send(0.2, 1, 40, STRING, b"as agreed")
    return made.ends.capture


def deprecated_ppid() -> Capture:
    """Messages in parts that have identifiers 54 and 52, the last one 51 and 53."""
    made = Channels()
    made.open(0.1, 0, 0, "chat")
    made.send(0.2, 0, 0, STRING_PARTIAL, b"one and ")
    made.send(0.201, 0, 0, STRING, b"the other half")
    made.send(0.3, 1, 0, BINARY_PARTIAL, bytes(8))
    made.send(0.301, 1, 0, BINARY_PARTIAL, b"\1" * 8)
    made.send(0.302, 1, 0, BINARY, b"\2" * 8)
    made.ends.capture.sort()
    return made.ends.capture


def closed_by_reset() -> Capture:
    """A channel is closed, its stream used for another."""
    made = Channels()
    made.open(0.1, 0, 0, "chat")
    made.send(0.2, 0, 0, STRING, b"bye")
    made.close(0.3, 0, 0)
    made.open(0.5, 0, 0, "chat again")
    made.send(0.6, 1, 0, STRING, b"hello once more")
    return made.ends.capture


CASES = {
    "healthy": healthy,
    "open_unacked": open_unacked,
    "parity_conflict": parity_conflict,
    "malformed": malformed,
    "none_but_data": none_but_data,
    "deprecated_ppid": deprecated_ppid,
    "closed_by_reset": closed_by_reset,
}

if __name__ == "__main__":
    main(__file__, CASES)
