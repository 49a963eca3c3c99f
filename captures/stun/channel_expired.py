"""A client renews its permission and not its channel, whose number means nothing any more after ten minutes."""

from captures.maker import Capture, main
from captures.stun import (
    CHANNEL_BIND,
    CREATE_PERMISSION,
    KEY,
    REFRESH,
    REQUEST,
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

CHANNEL = 0x4001


def build() -> Capture:
    path = Path()
    path.allocate()
    path.client(0.05, message(CHANNEL_BIND, REQUEST, 3, (0x000C, b"\x40\x01\0\0"), peer(), *login(), key=KEY))
    path.server(0.07, message(CHANNEL_BIND, SUCCESS, 3, key=KEY))
    for number, at_s in enumerate(range(1, 600, 60)):
        path.client(at_s, channel_data(CHANNEL, check(100 + number, nominate=True)))
        path.server(at_s + 0.04, channel_data(CHANNEL, answered(100 + number)))
    path.server(1.1, channel_data(CHANNEL, check(6, "c3d4:a1b2", controlling=False)))
    path.client(1.11, channel_data(CHANNEL, answered(6)))
    for number, at_s in enumerate((240, 480)):
        path.client(at_s + 0.5, message(CREATE_PERMISSION, REQUEST, 10 + number, peer(), *login(), key=KEY))
        path.server(at_s + 0.52, message(CREATE_PERMISSION, SUCCESS, 10 + number, key=KEY))
        path.client(at_s + 0.6, message(REFRESH, REQUEST, 20 + number, uint(0x000D, 600), *login(), key=KEY))
        path.server(at_s + 0.62, message(REFRESH, SUCCESS, 20 + number, uint(0x000D, 600), key=KEY))
    for at_s in (630, 630.5, 631.5, 633.5):
        path.client(at_s, channel_data(CHANNEL, check(200)))
    path.capture.sort()
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
