"""A ClientHello is sent again after 1, 3 and 7 seconds, and nothing comes back."""

from captures.dtls import Peers, client_hello, message
from captures.maker import Capture, main


def build() -> Capture:
    capture = Capture()
    peers = Peers(capture)
    for at in (0, 1, 3, 7):
        peers.send(at, 0, (22, message(1, client_hello())))
    other = Peers(capture, (50_001, 4433))
    other.send(12, 0, (22, message(1, client_hello(name="turn.example.org"))))
    return capture


if __name__ == "__main__":
    main(__file__, build)
