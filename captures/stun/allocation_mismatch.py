"""There is an allocation of this address and port already."""

from captures.maker import Capture, main
from captures.stun import refused_allocation


def build() -> Capture:
    return refused_allocation(437, "Allocation Mismatch")


if __name__ == "__main__":
    main(__file__, build)
