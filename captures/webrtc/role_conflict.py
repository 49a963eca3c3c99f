"""Both ends say that they are controlling; both refuse the other's checks with 487, and neither gives in."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    for number in range(5):
        for side in (0, 1):
            call.check(0.2 + number + side / 10, side, role=0, refused=487)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
