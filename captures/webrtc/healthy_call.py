"""Offer and answer over a WebSocket, one pair, DTLS with both certificates, data."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    call.ice()
    call.secure()
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
