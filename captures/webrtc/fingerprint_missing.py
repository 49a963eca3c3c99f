"""B's answer has no a=fingerprint."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, description, own


def build() -> Capture:
    call = Call()
    call.offer(0.1, description(0, candidates=own(0), default=(HOSTS[0], PORTS[0])))
    call.answer(0.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1]), prints=""))
    call.ice()
    call.certified(0.3)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
