"""What the makers of this folder share: the opening handshake and the frames of WebSocket, built byte by byte."""

from __future__ import annotations

import struct
from typing import Final

from captures.maker import CLIENT, SERVER, Capture, Talk

Fields = dict[str, str | None]
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK: Final = bytes.fromhex("37fa213d")
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
UPGRADE: Final = {"Upgrade": "websocket", "Connection": "Upgrade"}
REQUEST: Final = {**UPGRADE, "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
ANSWER: Final = {**UPGRADE, "Sec-WebSocket-Accept": ACCEPT}


def head(first: str, fields: Fields) -> bytes:
    """A head of HTTP/1.1; a field whose value is None is left out."""
    lines = [first, *(f"{name}: {value}" for name, value in fields.items() if value is not None), "", ""]
    return "\r\n".join(lines).encode()


def frame(opcode: int, data: bytes = b"", *, masked: bool = False, fin: bool = True, rsv: int = 0) -> bytes:
    """RFC 6455 5.2"""
    size, mask = len(data), 0x80 if masked else 0
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if size < 126:
        start = struct.pack(">BB", first, mask | size)
    elif size < 1 << 16:
        start = struct.pack(">BBH", first, mask | 126, size)
    else:
        start = struct.pack(">BBQ", first, mask | 127, size)
    if not masked:
        return start + data
    return start + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data))


def closing(code: int | None, reason: str = "") -> bytes:
    return b"" if code is None else struct.pack(">H", code) + reason.encode()


class Socket:
    """One WebSocket over TCP in clear; times are seconds since its SYN."""

    def __init__(
        self,
        capture: Capture | None = None,
        *,
        number: int = 0,
        at_s: float = 0.0,
        client: str = CLIENT,
        server: str = SERVER,
    ) -> None:
        self.talk = Talk(capture, client=client, server=server, client_port=50_000 + number, server_port=8080)
        self.capture = self.talk.capture
        self.start = at_s
        self.talk.open(at_s)

    def send(self, side: int, at_s: float, data: bytes) -> None:
        self.talk.send(side, self.start + at_s, "PA", data)

    def ask(self, more: Fields | None = None, *, at_s: float = 0.021, target: str = "/chat") -> None:
        fields = {"Host": "example.org:8080", "Origin": "http://example.org", **REQUEST, **(more or {})}
        self.send(0, at_s, head(f"GET {target} HTTP/1.1", fields))

    def answer(
        self, more: Fields | None = None, *, status: str = "101 Switching Protocols", at_s: float = 0.042
    ) -> None:
        fields = {**ANSWER, **(more or {})} if status.startswith("101") else {"Content-Length": "0", **(more or {})}
        self.send(1, at_s, head(f"HTTP/1.1 {status}", fields))

    def open(self, asked: Fields | None = None, answered: Fields | None = None) -> None:
        self.ask(asked)
        self.answer(answered)

    def frame(self, side: int, at_s: float, opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> None:
        self.send(side, at_s, frame(opcode, data, masked=side == 0, fin=fin, rsv=rsv))

    def close(self, at_s: float, code: int | None = 1000, *, side: int = 0) -> None:
        """The closing handshake, begun by `side`, and the end of TCP."""
        self.frame(side, at_s, CLOSE, closing(code))
        self.frame(1 - side, at_s + 0.02, CLOSE, closing(code))
        self.end(at_s + 0.04)

    def end(self, at_s: float) -> None:
        """TCP ends, the server first (RFC 6455 7.1.1)."""
        self.talk.server(self.start + at_s, "FA")
        self.talk.client(self.start + at_s + 0.0001, "FA")
        self.talk.server(self.start + at_s + 0.02, "A")
