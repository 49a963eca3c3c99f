"""The credentials are wrong."""

from captures.maker import Capture, main
from captures.stun import Path, allocate, challenge


def build() -> Capture:
    path = Path()
    path.client(0.0, allocate(1, signed=False))
    path.server(0.02, challenge(1))
    path.client(0.021, allocate(2))
    path.server(0.041, challenge(2))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
