"""A checks with the password of an older answer; B refuses."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    for number in range(5):
        call.check(0.2 + number, 0, password="passwordOfAnOlderAnswer0123", refused=401)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
