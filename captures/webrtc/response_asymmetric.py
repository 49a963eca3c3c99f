"""A server with two addresses answers a check from the wrong one, again and again."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call(signalling=False)
    for number in range(4):
        call.check(0.2 + number, 1)
        call.check(0.3 + number, 0, answered_from=("198.51.100.21", 60_000))
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
