"""What the tests of this folder share: a WebSocket that is open, and frames to play on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analyzer.core import Finding, Note, Side
from analyzer.protocols import http1, http2, tls, websocket
from captures.websocket import ANSWER, REQUEST, Fields, closing, frame, head
from tests.play import Said, play

if TYPE_CHECKING:
    from tests.play import Frame

INI, RES = Side.INITIATOR, Side.RESPONDER
ROOMS: Final = [http1.PROTOCOL, http2.PROTOCOL, websocket.PROTOCOL, tls.PROTOCOL]
DEFLATE: Final[Fields] = {"Sec-WebSocket-Extensions": "permessage-deflate"}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def client(opcode: int, data: bytes = b"", **how: Any) -> tuple[Side, bytes]:
    return INI, frame(opcode, data, masked=True, **how)


def server(opcode: int, data: bytes = b"", **how: Any) -> tuple[Side, bytes]:
    return RES, frame(opcode, data, **how)


def close(side: Side, code: int | None = 1000, reason: str = "") -> tuple[Side, bytes]:
    return side, frame(CLOSE, closing(code, reason), masked=side is INI)


def asking(more: Fields | None = None, target: str = "/chat") -> tuple[Side, bytes]:
    return INI, head(f"GET {target} HTTP/1.1", {"Host": "h", **REQUEST, **(more or {})})


def agreeing(more: Fields | None = None) -> tuple[Side, bytes]:
    return RES, head("HTTP/1.1 101 Switching Protocols", {**ANSWER, **(more or {})})


def opened(
    *frames: Frame, asked: Fields | None = None, answered: Fields | None = None, target: str = "/chat", **how: Any
) -> Said:
    """What is said of these frames on a WebSocket that is open; they are the capture's frames from 3 on."""
    return play(ROOMS, asking(asked, target), agreeing(answered), *frames, over="tcp", **how)


def lines(said: Said) -> list[tuple[str, str]]:
    """Kind (without the room) and text of what was said of the frames."""
    return [(kind.partition(".")[2], text) for kind, text in said.lines[2:]]


def codes(said: Said) -> list[str]:
    return [one.code.partition(".")[2] for one in said.outputs if isinstance(one, Finding)]


def notes(said: Said, kind: str) -> list[Note]:
    return [note for note in said.notes if note.kind == f"websocket.{kind}"]
