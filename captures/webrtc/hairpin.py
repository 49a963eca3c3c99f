"""A and B are behind one NAT, which does not lead packets for its own address back in; their host pair works."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    outside = [("203.0.113.77", 50_000), ("203.0.113.77", 60_000)]
    for side in (0, 1):
        found = [*own(side), candidate(*outside[side], "srflx", related=(HOSTS[side], PORTS[side]))]
        told = description(side, candidates=found, default=outside[side])
        if side:
            call.answer(0.15, told)
        else:
            call.offer(0.1, told)
    for number in range(6):
        call.check(0.2 + number / 2, 0, ends=((HOSTS[0], PORTS[0]), outside[1]), answer=False)
    call.ice(2)
    call.secure(2.1)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
