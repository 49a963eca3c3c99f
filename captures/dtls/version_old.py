"""DTLS 1.0 is negotiated: the server knows nothing newer."""

from captures.dtls import DTLS10, Peers, certificate, client_hello, client_key_exchange, message, server_hello
from captures.dtls import server_key_exchange as key_exchange
from captures.maker import Capture, main, text


def build() -> Capture:
    capture = Capture()
    peers = Peers(capture, version=DTLS10)
    peers.send(0, 0, (22, message(1, client_hello())))
    peers.send(
        0.02, 1,
        (22, message(2, server_hello(DTLS10, 0xC00A), 0)),
        (22, message(11, certificate(), 1)),
        (22, message(12, key_exchange(DTLS10), 2)),
        (22, message(14, b"", 3)),
    )  # fmt: skip
    peers.send(0.021, 0, (22, message(16, client_key_exchange(), 1)), (20, b"\1"))
    peers.send(0.021, 0, (22, text(64)), epoch=1)
    peers.send(0.041, 1, (20, b"\1"))
    peers.send(0.041, 1, (22, text(64)), epoch=1)
    peers.send(0.05, 0, (23, text(100)), epoch=1)
    return capture


if __name__ == "__main__":
    main(__file__, build)
