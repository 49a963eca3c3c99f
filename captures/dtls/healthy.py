"""DTLS 1.2 with a cookie; the certificate comes in two fragments in the wrong order, and the last flight once more."""

from captures.dtls import (
    COOKIE,
    Peers,
    certificate,
    client_hello,
    client_key_exchange,
    hello_verify_request,
    message,
    server_hello,
)
from captures.dtls import server_key_exchange as key_exchange
from captures.maker import Capture, main, text


def build() -> Capture:
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello(), 0)))
    peers.send(0.02, 1, (22, message(3, hello_verify_request(), 0)))
    peers.send(0.021, 0, (22, message(1, client_hello(cookie=COOKIE), 1)))
    peers.send(0.041, 1, (22, message(2, server_hello(), 1)))
    peers.send(0.0411, 1, (22, message(11, certificate(), 2, 150)))
    peers.send(0.0412, 1, (22, message(11, certificate(), 2, 0, 150)))
    peers.send(0.0413, 1, (22, message(12, key_exchange(), 3)), (22, message(14, b"", 4)))
    for at in (0.042, 1.042):
        peers.send(at, 0, (22, message(16, client_key_exchange(), 2)), (20, b"\1"))
        peers.send(at, 0, (22, text(48)), epoch=1)
    peers.send(1.062, 1, (20, b"\1"))
    peers.send(1.062, 1, (22, text(48)), epoch=1)
    for at in range(5):
        peers.send(1.1 + at / 100, at % 2, (23, text(100)), epoch=1)
    peers.send(1.2, 0, (21, text(26)), epoch=1)
    return capture


if __name__ == "__main__":
    main(__file__, build)
