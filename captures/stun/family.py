"""The relay has no IPv6 address."""

from captures.maker import Capture, main
from captures.stun import refused_allocation


def build() -> Capture:
    return refused_allocation(440, "Address Family not Supported", (0x0017, b"\2\0\0\0"))


if __name__ == "__main__":
    main(__file__, build)
