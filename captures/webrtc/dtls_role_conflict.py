"""The answer says active, so B is the client; A sends a ClientHello all the same, as B does."""

from captures.maker import Capture, main
from captures.webrtc import Call


def build() -> Capture:
    call = Call()
    call.agree()
    call.ice()
    for later in (0, 1, 3, 7):
        call.hello(0.3 + later, 1)
        call.hello(0.35 + later, 0)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
