"""The STUN server is silent, so A has only its local address to offer."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, STUN_SERVERS, Call


def build() -> Capture:
    call = Call()
    for later in (0, 0.5, 1.5, 3.5):
        call.ask(0.05 + later, (HOSTS[0], PORTS[0]), STUN_SERVERS[0])
    call.agree()
    call.ice()
    call.secure()
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
