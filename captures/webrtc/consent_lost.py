"""The call runs, and B is gone in the middle of it."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    call.ice()
    call.secure()
    for number in range(14):
        call.check(1 + 2.5 * number, 0, answer=False)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
