"""A client keeps its allocation and forgets its permission, which ends after five minutes."""

from captures.maker import Capture, main
from captures.stun import (
    CREATE_PERMISSION,
    DATA,
    INDICATION,
    KEY,
    REFRESH,
    REQUEST,
    SEND,
    SUCCESS,
    Path,
    answered,
    check,
    login,
    message,
    peer,
    uint,
)


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(0.05, message(CREATE_PERMISSION, REQUEST, 3, peer(), *login(), key=KEY))
    path.server(0.07, message(CREATE_PERMISSION, SUCCESS, 3, key=KEY))
    for number, at_s in enumerate(range(1, 300, 25)):
        path.client(at_s, message(SEND, INDICATION, 100 + number, peer(), (0x0013, check(200 + number, nominate=True))))
        path.server(at_s + 0.04, message(DATA, INDICATION, 300 + number, peer(), (0x0013, answered(200 + number))))
    path.server(1.1, message(DATA, INDICATION, 5, peer(), (0x0013, check(6, "c3d4:a1b2", controlling=False))))
    path.client(1.11, message(SEND, INDICATION, 6, peer(), (0x0013, answered(6))))
    path.client(290, message(REFRESH, REQUEST, 4, uint(0x000D, 600), *login(), key=KEY))
    path.server(290.02, message(REFRESH, SUCCESS, 4, uint(0x000D, 600), key=KEY))
    for number, at_s in enumerate((320, 320.5, 321.5, 323.5)):
        path.client(at_s, message(SEND, INDICATION, 400 + number, peer(), (0x0013, check(500))))
    path.capture.sort()
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
