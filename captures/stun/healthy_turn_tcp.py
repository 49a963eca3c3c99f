"""The same over TCP: messages and ChannelData back to back, the latter padded, and several in one segment."""

from captures.maker import Capture, Talk, main
from captures.stun import (
    CHANNEL_BIND,
    KEY,
    REQUEST,
    SUCCESS,
    allocate,
    allocated,
    answered,
    challenge,
    channel_data,
    check,
    joined,
    login,
    message,
    peer,
)


def build() -> Capture:
    talk = Talk(server_port=3478)
    talk.open()
    talk.client(0.03, "PA", allocate(1, signed=False))
    talk.server(0.05, "PA", challenge(1))
    talk.client(0.06, "PA", allocate(2))
    talk.server(0.08, "PA", allocated(2))
    bind = message(CHANNEL_BIND, REQUEST, 3, (0x000C, b"\x40\x00\0\0"), peer(), *login(), key=KEY)
    talk.client(0.09, "PA", joined([bind, channel_data(0x4000, b"hello", pad=True)]))
    talk.server(0.11, "PA", message(CHANNEL_BIND, SUCCESS, 3, key=KEY))
    both = joined([channel_data(0x4000, check(4), pad=True), channel_data(0x4000, b"odd", pad=True)])
    talk.client(0.12, "PA", both[:50])
    talk.client(0.121, "PA", both[50:])
    talk.server(0.15, "PA", channel_data(0x4000, answered(4), pad=True))
    talk.client(0.16)
    talk.close(0.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
