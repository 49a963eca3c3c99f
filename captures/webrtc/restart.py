"""After two seconds A offers new ice-ufrags; the call goes on over another port."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, candidate, description


def build() -> Capture:
    call = Call()
    call.agree()
    call.ice()
    call.secure()
    names = ("aNew", "bNew")
    ends = ((HOSTS[0], PORTS[0] + 1), (HOSTS[1], PORTS[1] + 1))
    for side in (0, 1):
        told = description(side, candidates=[candidate(*ends[side])], ufrag=names[side], version=3, default=ends[side])
        if side:
            call.answer(2.05, told)
        else:
            call.offer(2, told)
    call.check(2.1, 0, ends=ends, ufrags=names)
    call.check(2.13, 1, ends=ends, ufrags=names)
    call.check(2.16, 0, ends=ends, ufrags=names, nominate=True)
    call.data(2.2, ends=ends)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
