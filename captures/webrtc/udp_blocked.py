"""The TURN server is silent over UDP and gives an address over TCP."""

from captures.maker import Capture, Talk, main
from captures.stun import allocate, allocated, challenge
from captures.webrtc import HOSTS, PORTS, Call, candidate, description, own

SERVER = "203.0.113.30"


def build() -> Capture:
    call = Call()
    for number, later in enumerate((0, 0.5, 1.5, 3.5)):
        call.datagram(0.05 + later, (HOSTS[0], PORTS[0]), (SERVER, 3478), allocate(50, signed=False))
        assert number < 4
    talk = Talk(call.capture, client=HOSTS[0], server=SERVER, client_port=42_000, server_port=3478)
    talk.open(0.06)
    talk.client(0.09, "PA", allocate(1, signed=False))
    talk.server(0.11, "PA", challenge(1))
    talk.client(0.12, "PA", allocate(2))
    talk.server(0.14, "PA", allocated(2))
    relayed = ("198.51.100.21", 49_152)
    call.offer(0.2, description(0, candidates=[candidate(*relayed, "relay", related=("0.0.0.0", 0))], default=relayed))
    call.answer(0.25, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    call.ice(0.3, ends=(relayed, (HOSTS[1], PORTS[1])))
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
