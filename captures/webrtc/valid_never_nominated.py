"""Checks succeed both ways for ten seconds, and A, which is controlling, never nominates."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    for number in range(5):
        call.check(0.2 + 2 * number, 0)
        call.check(0.3 + 2 * number, 1)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
