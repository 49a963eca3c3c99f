"""Two calls of other ends at the same time, without signalling."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, Call


def build() -> Capture:
    call = Call(signalling=False)
    for number in (0, 1):
        ends = ((HOSTS[0], 50_000 + number), (HOSTS[1], 60_000 + number))
        ufrags = (f"aaa{number}", f"bbb{number}")
        call.check(0.1 + number / 100, 0, ends=ends, ufrags=ufrags)
        call.check(0.2 + number / 100, 1, ends=ends, ufrags=ufrags)
        call.check(0.3 + number / 100, 0, nominate=True, ends=ends, ufrags=ufrags)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
