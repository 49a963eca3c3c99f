"""The STUN server answers after 900 ms; the call waits for it."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, STUN_SERVERS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    outside = ("192.0.2.99", 50_000)
    call.ask(0.1, (HOSTS[0], PORTS[0]), STUN_SERVERS[0], outside, rtt_s=0.9)
    found = [*own(0), candidate(*outside, "srflx", related=(HOSTS[0], PORTS[0]))]
    call.offer(1.1, description(0, candidates=found, default=outside))
    call.answer(1.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    call.ice(1.2)
    call.secure(1.3)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
