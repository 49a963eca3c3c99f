"""A gateway in the NAT puts the inner address into MAPPED-ADDRESS."""

from captures.maker import Capture, main
from captures.stun import BINDING, REQUEST, SUCCESS, Path, address, mapped, message


def build() -> Capture:
    path = Path()
    path.client(0, message(BINDING, REQUEST, 1))
    inner = address(0x0001, path.ends[0], path.ports[0])
    path.server(0.03, message(BINDING, SUCCESS, 1, inner, mapped("198.51.100.77", 61_000)))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
