"""A laptop sleeps for a quarter of an hour, and wants to refresh an allocation that is gone."""

from captures.maker import Capture, main
from captures.stun import KEY, REFRESH, REQUEST, Path, login, message, refused, uint


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(900, message(REFRESH, REQUEST, 3, uint(0x000D, 600), *login(), key=KEY))
    path.server(900.02, refused(REFRESH, 3, 437, "Allocation Mismatch"))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
