"""A refresh comes with the credentials of another user."""

from captures.maker import Capture, main
from captures.stun import KEY, REFRESH, REQUEST, Path, login, message, refused, uint


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(300, message(REFRESH, REQUEST, 3, uint(0x000D, 600), *login(), key=KEY))
    path.server(300.02, refused(REFRESH, 3, 441, "Wrong Credentials"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
