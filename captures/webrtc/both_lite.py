"""Two media servers, each ICE-lite: each waits for the other's checks."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, description, own


def build() -> Capture:
    call = Call()
    call.offer(0.1, description(0, candidates=own(0), session=["a=ice-lite"], default=(HOSTS[0], PORTS[0])))
    call.answer(0.15, description(1, candidates=own(1), session=["a=ice-lite"], default=(HOSTS[1], PORTS[1])))
    call.hello(0.2)
    for later in (1, 3, 7):
        call.hello(0.2 + later)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
