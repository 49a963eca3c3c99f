"""A handshake after the other fails, each with another fatal alert of the server."""

from captures.dtls import Peers, client_hello, message
from captures.maker import Capture, main

#: Every description that has a verdict of its own, and one that has none.
DESCRIPTIONS = (
    10, 20, 40, 42, 43, 44, 45, 46, 48, 49, 51, 60, 70, 71, 80, 86, 112, 113, 115, 116, 120, 121,
)  # fmt: skip


def build() -> Capture:
    capture = Capture()
    for index, description in enumerate(DESCRIPTIONS):
        peers = Peers(capture, (50_000 + index, 4433))
        hello = client_hello(name="example.org", random=bytes((index,)) * 32)
        peers.send(index, 0, (22, message(1, hello)))
        peers.send(index + 0.02, 1, (21, bytes((2, description))))
    return capture


if __name__ == "__main__":
    main(__file__, build)
