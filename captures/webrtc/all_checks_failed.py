"""Both ends send checks over IPv4 and IPv6, and nothing comes back."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, HOSTS_6, PORTS, Call


def build() -> Capture:
    call = Call()
    call.agree()
    pairs = [((hosts[0], PORTS[0]), (hosts[1], PORTS[1])) for hosts in (HOSTS, HOSTS_6)]
    for number in range(10):
        for at, ends in enumerate(pairs):
            for side in (0, 1):
                call.check(0.2 + number + at / 10 + side / 20, side, ends=ends, answer=False)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
