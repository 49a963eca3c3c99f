"""Two STUN servers see one socket of A with two ports."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, STUN_SERVERS, Call


def build() -> Capture:
    call = Call()
    call.ask(0.05, (HOSTS[0], PORTS[0]), STUN_SERVERS[0], ("192.0.2.99", 61_001))
    call.ask(0.06, (HOSTS[0], PORTS[0]), STUN_SERVERS[1], ("192.0.2.99", 61_002))
    call.agree()
    call.ice()
    call.secure()
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
