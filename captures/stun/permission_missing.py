"""A candidate of the peer came late, and the client sends to it without asking for a permission."""

from captures.maker import Capture, main
from captures.stun import (
    CREATE_PERMISSION,
    DATA,
    INDICATION,
    KEY,
    PEER,
    REQUEST,
    SEND,
    SUCCESS,
    Path,
    answered,
    check,
    login,
    message,
    peer,
)

LATE = "203.0.113.99"


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(0.05, message(CREATE_PERMISSION, REQUEST, 3, peer(), *login(), key=KEY))
    path.server(0.07, message(CREATE_PERMISSION, SUCCESS, 3, key=KEY))
    path.client(0.08, message(SEND, INDICATION, 4, peer(PEER), (0x0013, check(5, nominate=True))))
    path.server(0.12, message(DATA, INDICATION, 6, peer(PEER), (0x0013, answered(5))))
    for number, at_s in enumerate((1.0, 1.1, 1.3, 1.7)):
        path.client(at_s, message(SEND, INDICATION, 10 + number, peer(LATE), (0x0013, check(20))))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
