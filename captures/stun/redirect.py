"""The server sends the client to another one."""

from captures.maker import Capture, main
from captures.stun import ALLOCATE, Path, address, allocate, refused


def build() -> Capture:
    path = Path()
    path.client(0, allocate(1, signed=False))
    path.server(0.02, refused(ALLOCATE, 1, 300, "Try Alternate", address(0x8023, "198.51.100.30", 3478)))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
