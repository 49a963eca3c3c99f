"""Both sides think that they are controlling, and neither gives way."""

from captures.maker import Capture, main
from captures.stun import BINDING, Path, check, refused


def build() -> Capture:
    path = Path()
    for number in range(0, 6, 2):
        path.client(number, check(number))
        path.server(number + 0.02, refused(BINDING, number, 487, "Role Conflict"))
        path.server(number + 0.5, check(number + 1, "c3d4:a1b2"))
        path.client(number + 0.52, refused(BINDING, number + 1, 487, "Role Conflict"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
