"""The relay does not let a private address be reached."""

from captures.maker import Capture, main
from captures.stun import CREATE_PERMISSION, KEY, REQUEST, Path, login, message, peer, refused


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(0.05, message(CREATE_PERMISSION, REQUEST, 3, peer("192.168.1.20"), *login(), key=KEY))
    path.server(0.07, refused(CREATE_PERMISSION, 3, 403, "Forbidden IP"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
