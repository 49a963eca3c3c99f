"""A byte of the answer was changed on the way."""

from captures.maker import Capture, main
from captures.stun import BINDING, REQUEST, SUCCESS, Path, mapped, message


def build() -> Capture:
    path = Path()
    path.client(0, message(BINDING, REQUEST, 1, fingerprint=True))
    answer = bytearray(message(BINDING, SUCCESS, 1, mapped("198.51.100.77", 61_000), fingerprint=True))
    answer[28] ^= 0xFF
    path.server(0.03, bytes(answer))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
