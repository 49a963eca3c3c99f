"""The relay does not relay TCP."""

from captures.maker import Capture, main
from captures.stun import refused_allocation


def build() -> Capture:
    return refused_allocation(442, "Unsupported Transport Protocol")


if __name__ == "__main__":
    main(__file__, build)
