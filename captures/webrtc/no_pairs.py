"""A has IPv6 only and B IPv4 only: there is nothing to check.  A's STUN server shows that UDP is there."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, HOSTS_6, PORTS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    call.ask(0.05, (HOSTS_6[0], PORTS[0]), "2001:db8:2::5", (HOSTS_6[0], PORTS[0]))
    call.offer(0.1, description(0, candidates=[candidate(HOSTS_6[0], PORTS[0])], default=(HOSTS_6[0], PORTS[0])))
    call.answer(0.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    for later in (10, 20):
        call.ask(later, (HOSTS_6[0], PORTS[0]), "2001:db8:2::5", (HOSTS_6[0], PORTS[0]))
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
