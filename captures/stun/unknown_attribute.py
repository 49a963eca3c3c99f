"""The server must understand an attribute, and does not."""

from captures.maker import Capture, main
from captures.stun import BINDING, REQUEST, Path, message, refused


def build() -> Capture:
    path = Path()
    path.client(0, message(BINDING, REQUEST, 1, (0x0003, b"\0\0\0\6")))
    path.server(0.02, refused(BINDING, 1, 420, "Unknown Attribute", (0x000A, b"\0\3")))
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
