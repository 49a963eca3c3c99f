"""Each request reaches another server, which does not know the nonce."""

from captures.maker import Capture, main
from captures.stun import Path, allocate, challenge


def build() -> Capture:
    path = Path()
    path.client(0.0, allocate(1, signed=False))
    path.server(0.02, challenge(1))
    for number in range(2, 6):
        path.client(number, allocate(number))
        path.server(number + 0.02, challenge(number, 438, "Stale Nonce"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
