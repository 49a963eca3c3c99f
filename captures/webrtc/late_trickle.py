"""B's address is behind a NAT; the candidate that works comes two seconds after the first checks."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    inside = ("10.1.2.3", 60_000)
    call.offer(0.1, description(0, candidates=own(0), default=(HOSTS[0], PORTS[0])))
    call.answer(0.15, description(1))
    call.trickle(0.16, 1, candidate(*inside))
    for number in range(5):
        call.check(0.2 + number / 2, 0, ends=((HOSTS[0], PORTS[0]), inside), answer=False)
    call.trickle(2.3, 1, candidate(HOSTS[1], PORTS[1], "srflx", related=inside))
    call.ice(2.4)
    call.secure(2.5)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
