"""The signalling server puts another fingerprint into B's answer; A refuses B's certificate."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, description, fingerprint, own


def build() -> Capture:
    call = Call()
    call.offer(0.1, description(0, candidates=own(0), default=(HOSTS[0], PORTS[0])))
    right = description(1, candidates=own(1), default=(HOSTS[1], PORTS[1]))
    call.answer(0.15, right, passed_on=right.replace(fingerprint(1)[:5], "00:00"))
    call.ice()
    call.certified(0.3)
    call.refuse(0.34, 0)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
