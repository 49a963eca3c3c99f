"""A border controller put its own address into c= and m=, and left the candidates."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, description, own


def build() -> Capture:
    call = Call()
    call.offer(0.1, description(0, candidates=own(0), default=("203.0.113.99", 20_000)))
    call.answer(0.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    call.ice()
    call.secure()
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
