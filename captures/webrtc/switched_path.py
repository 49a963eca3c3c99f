"""The direct path dies after three seconds, and A moves the call to the relayed pair that it had kept."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, PORTS, Call, candidate, description, own


def build() -> Capture:
    call = Call()
    relayed = ("203.0.113.30", 49_152)
    found = [*own(0), candidate(*relayed, "relay", related=(HOSTS[0], PORTS[0]))]
    call.offer(0.1, description(0, candidates=found, default=relayed))
    call.answer(0.15, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))
    call.ice()
    call.secure()
    second = (relayed, (HOSTS[1], PORTS[1]))
    call.check(0.5, 0, ends=second)
    call.check(0.55, 1, ends=second)
    for number in range(5):
        call.check(3 + number / 2, 0, answer=False)
    call.check(5.6, 0, nominate=True, ends=second)
    call.data(5.7, 20, ends=second)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
