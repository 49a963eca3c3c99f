"""A request is sent seven times, as the rules say, and nobody answers."""

from captures.maker import Capture, main
from captures.stun import BINDING, REQUEST, Path, message


def build() -> Capture:
    path = Path()
    for at in (0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5):
        path.client(at, message(BINDING, REQUEST, 1, fingerprint=True))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
