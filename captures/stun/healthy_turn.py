"""A client gets a relayed address, and speaks with its peer by indications, then by a channel."""

from captures.maker import Capture, main
from captures.stun import (
    CHANNEL_BIND,
    CREATE_PERMISSION,
    DATA,
    INDICATION,
    KEY,
    PEER,
    REFRESH,
    REQUEST,
    SEND,
    SUCCESS,
    Path,
    answered,
    channel_data,
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
    path.client(0.08, message(SEND, INDICATION, 4, peer(), (0x0013, check(5, nominate=True))))
    path.server(0.12, message(DATA, INDICATION, 6, peer(), (0x0013, answered(5))))
    path.client(0.13, message(CHANNEL_BIND, REQUEST, 7, (0x000C, b"\x40\x01\0\0"), peer(), *login(), key=KEY))
    path.server(0.15, message(CHANNEL_BIND, SUCCESS, 7, key=KEY))
    path.client(0.16, channel_data(0x4001, check(8)))
    path.server(0.2, channel_data(0x4001, answered(8)))
    path.server(0.21, channel_data(0x4001, check(9, "c3d4:a1b2", controlling=False)))
    path.client(0.22, channel_data(0x4001, answered(9, PEER, 50_000)))
    path.client(300, message(REFRESH, REQUEST, 10, uint(0x000D, 600), *login(), key=KEY))
    path.server(300.02, message(REFRESH, SUCCESS, 10, uint(0x000D, 600), key=KEY))
    path.client(320, message(REFRESH, REQUEST, 11, uint(0x000D, 0), *login(), key=KEY))
    path.server(320.02, message(REFRESH, SUCCESS, 11, uint(0x000D, 0), key=KEY))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
