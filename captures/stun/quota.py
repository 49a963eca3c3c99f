"""The user has too many allocations."""

from captures.maker import Capture, main
from captures.stun import refused_allocation


def build() -> Capture:
    return refused_allocation(486, "Allocation Quota Reached")


if __name__ == "__main__":
    main(__file__, build)
