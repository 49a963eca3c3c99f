"""A client asks a server how it is seen from outside."""

from captures.maker import Capture, main
from captures.stun import BINDING, REQUEST, SUCCESS, Path, address, mapped, message, text


def build() -> Capture:
    path = Path()
    path.client(0, message(BINDING, REQUEST, 1, text(0x8022, "client 1.0"), fingerprint=True))
    mapping = ("198.51.100.77", 61_000)
    path.server(0.03, message(BINDING, SUCCESS, 1, address(0x0001, *mapping), mapped(*mapping), fingerprint=True))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
