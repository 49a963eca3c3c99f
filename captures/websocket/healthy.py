"""WebSockets of which nothing is wrong."""

import zlib

from captures.maker import Capture, main
from captures.websocket import BINARY, PING, PONG, TEXT, Socket, frame


def healthy_echo() -> Capture:
    """Text and bytes there and back, a ping, and the closing handshake."""
    socket = Socket()
    socket.open()
    for turn, (opcode, data) in enumerate(((TEXT, b"hello"), (BINARY, bytes(range(200))), (TEXT, "grüße".encode()))):
        socket.frame(0, 0.1 + turn / 10, opcode, data)
        socket.frame(1, 0.12 + turn / 10, opcode, data)
    socket.frame(1, 0.5, PING, b"still there?")
    socket.frame(0, 0.52, PONG, b"still there?")
    socket.close(0.6)
    return socket.capture


def healthy_fragments() -> Capture:
    """A text in three frames, cut within a character, with a ping between them."""
    socket = Socket()
    socket.open()
    data = "ein schöner Tag".encode()
    socket.frame(0, 0.1, TEXT, data[:8], fin=False)
    socket.frame(0, 0.11, 0, data[8:10], fin=False)
    socket.frame(1, 0.12, PING)
    socket.frame(0, 0.14, PONG)
    socket.frame(0, 0.15, 0, data[10:])
    socket.frame(1, 0.2, TEXT, b"")
    socket.close(0.3, None)
    return socket.capture


def healthy_deflate() -> Capture:
    """permessage-deflate: what the second message repeats of the first costs nothing."""
    socket = Socket()
    offer = "permessage-deflate; client_max_window_bits"
    socket.open({"Sec-WebSocket-Extensions": offer}, {"Sec-WebSocket-Extensions": "permessage-deflate"})
    packers = [zlib.compressobj(wbits=-15) for _ in range(2)]
    for turn in range(2):
        for side, packer in enumerate(packers):
            text = f'{{"kind":"greeting","from":"{"client" if side == 0 else "server"}","turn":{turn}}}'.encode()
            data = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
            socket.frame(side, 0.1 + turn / 10 + side / 50, TEXT, data.removesuffix(b"\0\0\xff\xff"), rsv=4)
    socket.close(0.4)
    return socket.capture


def healthy_subprotocol() -> Capture:
    """One of two subprotocols that were offered is taken: GraphQL over WebSocket."""
    socket = Socket()
    socket.open(
        {"Sec-WebSocket-Protocol": "graphql-transport-ws, graphql-ws"},
        {"Sec-WebSocket-Protocol": "graphql-transport-ws"},
    )
    socket.frame(0, 0.1, TEXT, b'{"type":"connection_init"}')
    socket.frame(1, 0.12, TEXT, b'{"type":"connection_ack"}')
    socket.close(0.4)
    return socket.capture


def healthy_started_late() -> Capture:
    """The capture begins within the connection, and within a frame of the server."""
    socket = Socket()
    socket.open()
    socket.send(1, 0.1, frame(BINARY, bytes(300))[:200])
    began = len(socket.capture.frames)
    socket.send(1, 0.11, frame(BINARY, bytes(300))[200:])
    for turn, text in enumerate((b"amber", b"birch", b"cedar")):
        socket.frame(0, 0.2 + turn / 10, TEXT, text)
        socket.frame(1, 0.22 + turn / 10, TEXT, text[::-1])
    socket.close(0.6)
    del socket.capture.frames[:began]
    return socket.capture


CASES = {
    "healthy_started_late": healthy_started_late,
    "healthy_echo": healthy_echo,
    "healthy_fragments": healthy_fragments,
    "healthy_deflate": healthy_deflate,
    "healthy_subprotocol": healthy_subprotocol,
}

if __name__ == "__main__":
    main(__file__, CASES)
