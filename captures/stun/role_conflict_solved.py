"""Both sides think that they are controlling; one of them switches."""

from captures.maker import Capture, main
from captures.stun import BINDING, Path, answered, check, refused


def build() -> Capture:
    path = Path()
    path.client(0, check(1))
    path.server(0.02, refused(BINDING, 1, 487, "Role Conflict"))
    path.client(0.03, check(2, controlling=False))
    path.server(0.05, answered(2))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
