"""Conversations of HTTP/1.1, HTTP/2 and WebSocket to break: heads, HPACK, frames, compressed messages."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import hpack

from analyzer.core import Side
from captures import http2
from captures.websocket import ANSWER, REQUEST, Fields, frame, head

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

Talk = list[tuple[Side, bytes]]
INI, RES = Side.INITIATOR, Side.RESPONDER
DEFLATE: Fields = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=10"}
METHODS = ("GET", "HEAD", "POST", "CONNECT", "OPTIONS")
STATUSES = (
    "100 Continue",
    "101 Switching Protocols",
    "200 OK",
    "204 No Content",
    "304 Not Modified",
    "407 Login",
    "426 Up",
)
FIELDS = (
    "Content-Length: 5", "Content-Length: 5, 5", "Transfer-Encoding: chunked", "Connection: Upgrade", "Upgrade: h2c",
    "Upgrade: websocket", "Host : h", "Host: h", "X: 1\r\n folded", "junk", "Proxy-Authenticate: Basic", "Via: 1.0 a",
    "Content-Type: application/json", "Content-Encoding: gzip", "Sec-WebSocket-Version: 13", "Expect: 100-continue",
)  # fmt: skip


def made(choice: random.Random) -> Talk:
    """A conversation, most of it sound."""
    makers: tuple[Callable[[random.Random], Talk], ...] = (heads, frames, streams)
    talk = choice.choice(makers)(choice)
    return [(side, broken(data, choice)) for side, data in talk]


def broken(data: bytes, choice: random.Random) -> bytes:
    """`data`, in some cases with a bit, a byte or a range changed."""
    if choice.random() > 0.1 or not data:
        return data
    changed = bytearray(data)
    at = choice.randrange(len(changed))
    kind = choice.randrange(4)
    if kind == 0:
        changed[at] ^= 1 << choice.randrange(8)
    elif kind == 1:
        changed[at] = choice.choice((0, 0x7E, 0x7F, 0x80, 0xFE, 0xFF))
    elif kind == 2:
        del changed[at : at + choice.randrange(1, 9)]
    else:
        changed[at:at] = choice.randbytes(choice.randrange(1, 9))
    return bytes(changed)


def heads(choice: random.Random) -> Talk:
    """Requests and responses of HTTP/1.1, with all sorts of fields and bodies."""
    talk: Talk = []
    for _ in range(choice.randrange(1, 8)):
        fields = choice.sample(FIELDS, choice.randrange(5))
        end = choice.choice(("\r\n", "\r\n", "\n"))
        body = choice.choice((b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", choice.randbytes(20)))
        if choice.random() < 0.5:
            first = f"{choice.choice(METHODS)} /a HTTP/1.{choice.randrange(2)}"
            talk.append((INI, end.join((first, *fields, "", "")).encode() + body))
        else:
            first = f"HTTP/1.1 {choice.choice(STATUSES)}"
            talk.append((RES, end.join((first, *fields, "", "")).encode() + body))
    return talk


def frames(choice: random.Random) -> Talk:
    """A WebSocket with messages, whole, in pieces and compressed, and control frames."""
    more: Fields = DEFLATE if choice.random() < 0.7 else {}
    talk: Talk = [
        (INI, head("GET /chat?EIO=4 HTTP/1.1", {"Host": "h", **REQUEST, **more})),
        (RES, head("HTTP/1.1 101 Switching Protocols", {**ANSWER, **more})),
    ]
    packers = [zlib.compressobj(wbits=-choice.choice((9, 15))) for _ in Side]
    for _ in range(choice.randrange(1, 12)):
        side = choice.choice((INI, RES))
        opcode = choice.choice((1, 1, 2, 2, 0, 8, 9, 10, choice.randrange(16)))
        data = choice.choice(
            (b"", b"2", b'42["a"]', b"\x03\xe8bye", choice.randbytes(choice.randrange(300)), b"ab" * 99)
        )
        rsv = 4 if more and opcode in (1, 2) and choice.random() < 0.6 else 0
        if rsv:
            packer = packers[side]
            data = (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")
        talk.append((side, frame(opcode, data, masked=side is INI, fin=choice.random() < 0.8, rsv=rsv)))
    return talk


def streams(choice: random.Random) -> Talk:
    """HTTP/2: requests and responses, extended CONNECT, windows, resets, fields over several frames."""
    encoders = [hpack.Encoder(), hpack.Encoder()]
    talk: Talk = [(INI, http2.PREFACE + http2.settings((4, 100))), (RES, http2.settings((8, 1), (3, 100)))]
    for number in range(1, 2 * choice.randrange(1, 8), 2):
        connect = choice.random() < 0.5
        asked = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":path", "/a"),
            (":authority", "h"),
            (":scheme", "http"),
        ]
        if not connect:
            asked = [(":method", "GET"), (":path", f"/{choice.randrange(9)}"), ("cookie", "x" * choice.randrange(99))]
        block = encoders[0].encode(asked)
        cut = choice.randrange(len(block) + 1)
        talk.append((INI, http2.frame(1, 0, number, block[:cut]) + http2.frame(9, 4, number, block[cut:])))
        talk.append((RES, http2.frame(1, 4, number, encoders[1].encode([(":status", "200"), ("server", "s")]))))
        for _ in range(choice.randrange(4)):
            side = choice.choice((INI, RES))
            inner = frame(choice.choice((1, 2, 8, 9)), choice.randbytes(9), masked=side is INI)
            talk.append((side, http2.data(number, inner, end=choice.random() < 0.2)))
        more = (http2.reset(number, choice.randrange(16)), http2.goaway(number, choice.randrange(16)), http2.ping())
        if choice.random() < 0.4:
            talk.append((choice.choice((INI, RES)), choice.choice((*more, http2.window_update(number, 9)))))
    return talk
