"""A's checks are answered, and B sends none of its own."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call(signalling=False)
    for number in range(6):
        call.check(0.2 + 2 * number, 0)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
