"""The peer does not know the user name of the checks."""

from captures.maker import Capture, main
from captures.stun import BINDING, Path, check, refused


def build() -> Capture:
    path = Path()
    for number in range(3):
        path.client(number, check(number))
        path.server(number + 0.02, refused(BINDING, number, 401, "Unauthorized"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
