"""Two peers check their path from both ends, one of them nominates it, and consent is kept fresh."""

from captures.maker import Capture, main
from captures.stun import BINDING, INDICATION, Path, answered, check, message


def build() -> Capture:
    path = Path()
    path.client(0.00, check(1))
    path.server(0.01, check(2, "c3d4:a1b2", controlling=False))
    path.client(0.0101, answered(2, path.ends[1], path.ports[1]))
    path.server(0.02, answered(1))
    path.client(0.03, check(3, nominate=True))
    path.server(0.05, answered(3))
    for number in range(4, 8):
        path.client(2.5 * number, check(number))
        path.server(2.5 * number + 0.02, answered(number))
    path.client(21, message(BINDING, INDICATION, 8))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
