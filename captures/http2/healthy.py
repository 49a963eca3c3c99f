"""HTTP/2 as it should be: by prior knowledge, by upgrade from HTTP/1.1, and with a WebSocket inside."""

from base64 import urlsafe_b64encode

from captures.handshakes import Wire
from captures.http2 import (
    ACKED,
    DATA,
    END_STREAM,
    HOST,
    PADDED,
    PREFACE,
    Side,
    Talk,
    data,
    frame,
    goaway,
    ping,
    settings,
    window_update,
)
from captures.maker import Capture, main, text

WEBSOCKET_KEY = b"\x37\xfa\x21\x3d"


def prior_knowledge() -> Capture:
    """Three requests at once, a larger body, a ping, an orderly end."""
    talk = Talk()
    wire, one, other = talk.wire, talk.one, talk.other
    wire.client(one.get(1, "/") + one.get(3, "/style.css") + one.get(5, "/form", method="POST", end=False))
    wire.client(frame(DATA, PADDED | END_STREAM, 5, b"\4name=ann\0\0\0\0"))
    wire.server(other.answer(3, 200, ("content-type", "text/css")) + data(3, text(300), end=True))
    wire.more(other.answer(1, 200, ("content-type", "text/html; charset=utf-8"), ("content-length", "5000")))
    wire.more(data(1, text(5000), end=True))
    wire.client(window_update(0, 5300))
    wire.more(other.answer(5, 303, ("location", "/thanks"), end=True))
    wire.client(ping())
    wire.server(ping(ack=True))
    wire.client(one.get(7, "/thanks"))
    wire.server(other.answer(7, 200, ("content-type", "text/html")) + data(7, b"<p>Thank you.", end=True))
    wire.client(goaway(0))
    return talk.close()


def upgrade() -> Capture:
    """The first request asks for h2c, and is answered on stream 1."""
    wire, one, other = Wire(server_port=80), Side(), Side()
    ours = settings((3, 100), (4, 65535))
    lines = (
        "GET / HTTP/1.1",
        f"Host: {HOST}",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        f"HTTP2-Settings: {urlsafe_b64encode(ours[9:]).decode().rstrip('=')}",
    )
    wire.client("\r\n".join((*lines, "", "")).encode())
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    wire.server(switch + settings((3, 100)))
    wire.more(other.answer(1, 200, ("content-type", "text/plain")) + data(1, b"hello\n", end=True))
    wire.client(PREFACE + ours + ACKED)
    wire.client(one.get(3, "/next"))
    wire.server(ACKED + other.answer(3, 404, ("content-type", "text/plain")) + data(3, b"no\n", end=True))
    wire.client(goaway(0))
    return wire.close()


def masked(opcode: int, payload: bytes) -> bytes:
    mixed = bytes(byte ^ WEBSOCKET_KEY[at % 4] for at, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + WEBSOCKET_KEY + mixed


def unmasked(opcode: int, payload: bytes) -> bytes:
    return bytes((0x80 | opcode, len(payload))) + payload


def extended_connect() -> Capture:
    """A WebSocket on stream 3, beside a request on stream 1 (RFC 8441)."""
    talk = Talk(theirs=((3, 100), (8, 1)))
    wire, one, other = talk.wire, talk.one, talk.other
    wire.client(one.get(1, "/"))
    wire.server(other.answer(1, 200, ("content-type", "text/html")) + data(1, b"<p>", end=True))
    wire.client(one.connect(3, "/chat"))
    wire.server(other.answer(3, 200))
    wire.client(data(3, masked(1, b"hello")))
    wire.server(data(3, unmasked(1, b"hello, ann")))
    wire.client(data(3, masked(8, b"\x03\xe8bye")))
    wire.server(data(3, unmasked(8, b"\x03\xe8bye"), end=True))
    wire.client(data(3, b"", end=True))
    wire.client(goaway(0))
    return talk.close()


CASES = {
    "healthy_prior_knowledge": prior_knowledge,
    "healthy_upgrade": upgrade,
    "healthy_extended_connect": extended_connect,
}

if __name__ == "__main__":
    main(__file__, CASES)
