"""Two peers check a path over TCP, where each packet has its length before it."""

from captures.maker import Capture, Talk, main
from captures.stun import answered, check


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def build() -> Capture:
    talk = Talk(server_port=50_100)
    talk.open()
    talk.client(0.03, "PA", framed(check(1, nominate=True)))
    talk.server(0.05, "PA", framed(answered(1)))
    talk.client(0.06, "PA", framed(b"\x80\x60 no message of STUN"))
    talk.server(0.08)
    talk.close(0.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
