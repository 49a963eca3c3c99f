"""The path works, and then the peer is gone."""

from captures.maker import Capture, main
from captures.stun import Path, answered, check


def build() -> Capture:
    path = Path()
    path.client(0, check(1, nominate=True))
    path.server(0.02, answered(1))
    for number in range(2, 18):
        path.client(2.5 * number, check(number))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
