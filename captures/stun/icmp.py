"""The host is there and nobody listens on the port: each request comes back as an ICMP error."""

from captures.maker import CLIENT, SERVER, Capture, Talk, main, udp
from captures.stun import BINDING, PORTS, REQUEST, message


def build() -> Capture:
    talk = Talk()
    for at_s in (0, 0.5, 1.5):
        request = udp(CLIENT, SERVER, PORTS, message(BINDING, REQUEST, 1, fingerprint=True))
        talk.capture.add(at_s, request)
        talk.icmp(at_s + 0.02, request, 3, 3, SERVER, quote=548)  # RFC 1812 §4.3.2.3
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
