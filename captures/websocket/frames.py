"""Frames and messages that must not be."""

import zlib

from captures.maker import Capture, main
from captures.websocket import BINARY, CLOSE, PING, TEXT, Fields, Socket, closing, frame


def failed(side: int, data: bytes, code: int = 1002) -> Capture:
    """`side` sends what must not be, and the other one closes for it."""
    socket = Socket()
    socket.open()
    socket.frame(0, 0.1, TEXT, b"first")
    socket.frame(1, 0.12, TEXT, b"second")
    socket.send(side, 0.2, data)
    socket.frame(1 - side, 0.22, CLOSE, closing(code))
    socket.frame(side, 0.24, CLOSE, closing(code))
    socket.end(0.26)
    return socket.capture


def deflate_failed() -> Capture:
    """The second message goes on with the window of the first, and the server was told that it would not."""
    packer = zlib.compressobj(wbits=-15)
    messages = [packer.compress(b"the same text " * 4) + packer.flush(zlib.Z_SYNC_FLUSH) for _ in range(2)]
    agreed: Fields = {"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"}
    socket = Socket()
    socket.open(agreed, agreed)
    for at, data in enumerate(messages):
        socket.frame(0, 0.1 + at / 10, TEXT, data[:-4], rsv=4)
    socket.frame(1, 0.22, CLOSE, closing(1007, "invalid compressed data"))
    socket.frame(0, 0.24, CLOSE, closing(1007))
    socket.end(0.26)
    return socket.capture


CASES = {
    "unmasked_from_client": lambda: failed(0, frame(TEXT, b"not masked")),
    "masked_from_server": lambda: failed(1, frame(TEXT, b"masked", masked=True)),
    "reserved_bits": lambda: failed(0, frame(TEXT, b"what is this", masked=True, rsv=2)),
    "reserved_opcode": lambda: failed(0, frame(3, b"what is this", masked=True)),
    "bad_sequence": lambda: failed(1, frame(BINARY, b"begun", fin=False) + frame(TEXT, b"another")),
    "control_invalid": lambda: failed(0, frame(PING, bytes(126), masked=True)),
    "invalid_utf8": lambda: failed(0, frame(TEXT, b"caf\xe9", masked=True), 1007),
    "deflate_failed": deflate_failed,
}

if __name__ == "__main__":
    main(__file__, CASES)
