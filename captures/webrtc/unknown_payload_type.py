"""Voice of both; what B sends has a payload type that neither description names."""

from captures.maker import Capture, main
from captures.rtp import rtp
from captures.webrtc import HOSTS, PORTS, Call, description, own


def build() -> Capture:
    call = Call()
    for side, say in ((0, call.offer), (1, call.answer)):
        default = (HOSTS[side], PORTS[side])
        say(0.1 + side / 20, description(side, candidates=own(side), default=default, media="audio"))
    call.ice()
    call.secure()
    ends = (HOSTS[0], PORTS[0]), (HOSTS[1], PORTS[1])
    for index in range(50):
        for side, kind in ((0, 111), (1, 109)):
            packet = rtp(index, 960 * index, 0x5EED + side, kind=kind)
            call.datagram(0.5 + index / 50 + side / 200, ends[side], ends[1 - side], packet)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
