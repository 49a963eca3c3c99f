"""A has, by its application's wish, only a relayed candidate."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    relayed = ("203.0.113.30", 49_152)
    found = [candidate(*relayed, "relay", related=("0.0.0.0", 0))]
    call.offer(0.1, description(0, candidates=found, default=relayed))
    call.answer(0.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    call.ice(ends=(relayed, (HOSTS[1], PORTS[1])))
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
