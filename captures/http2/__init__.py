"""Frames of HTTP/2, byte by byte, for the makers of this folder and for tests."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import hpack

from captures.handshakes import Wire

if TYPE_CHECKING:
    from captures.maker import Capture

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
HOST: Final = "shop.example"
ACKED: Final = b"\0\0\0\4\1\0\0\0\0"

Field = tuple[str, str]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", number, value) for number, value in pairs))


def window_update(stream: int, more: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", more))


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last: int, code: int = 0, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def ping(data: bytes = b"12345678", *, ack: bool = False) -> bytes:
    return frame(PING, ACK if ack else 0, 0, data)


def data(stream: int, payload: bytes, *, end: bool = False) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, payload)


class Side:
    """One side of a connection: what it compresses builds on what it sent before."""

    def __init__(self) -> None:
        self.encoder = hpack.Encoder()

    def block(self, *fields: Field) -> bytes:
        return self.encoder.encode(fields)

    def headers(self, stream: int, *fields: Field, end: bool = True) -> bytes:
        return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, self.block(*fields))

    def get(self, stream: int, path: str, *more: Field, method: str = "GET", end: bool = True) -> bytes:
        fields = ((":method", method), (":scheme", "http"), (":authority", HOST), (":path", path), *more)
        return self.headers(stream, *fields, end=end)

    def connect(self, stream: int, path: str, protocol: str = "websocket") -> bytes:
        fields = ((":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":authority", HOST))
        more = (("sec-websocket-version", "13"), ("origin", f"http://{HOST}"))
        return self.headers(stream, *fields, (":path", path), *more, end=False)

    def answer(self, stream: int, status: int, *more: Field, end: bool = False) -> bytes:
        return self.headers(stream, (":status", str(status)), *more, end=end)


class Talk:
    """A connection by prior knowledge: both sides have said their settings."""

    def __init__(self, *ours: tuple[int, int], theirs: tuple[tuple[int, int], ...] = ((3, 100),)) -> None:
        self.wire = Wire(server_port=8080)
        self.one, self.other = Side(), Side()
        self.wire.client(PREFACE + settings(*(ours or ((2, 0), (4, 65535)))))
        self.wire.server(settings(*theirs) + ACKED)
        self.wire.client(ACKED)

    def close(self) -> Capture:
        return self.wire.close()
