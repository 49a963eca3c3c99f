"""The relay has no port left."""

from captures.maker import Capture, main
from captures.stun import refused_allocation


def build() -> Capture:
    return refused_allocation(508, "Insufficient Capacity")


if __name__ == "__main__":
    main(__file__, build)
