"""A datagram of three fragments, of which the second is missing."""

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from captures.maker import CLIENT, MACS, SERVER, Capture, main, text, udp


def build() -> Capture:
    capture = Capture()
    whole = udp(CLIENT, SERVER, (40_000, 5_000), text(3_000))
    parts = whole[IP].fragment(1_400)
    for number, part in enumerate(parts):
        if number != 1:
            capture.add(number / 1000, Ether(src=MACS[0], dst=MACS[1]) / part)
    capture.add(1, udp(CLIENT, SERVER, (40_000, 5_000), text(20)))
    return capture


if __name__ == "__main__":
    main(__file__, build)
