"""Captured at the server: its SYN-ACK is sent four times and never acknowledged."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.client(0, "S", window=64240, options=OPTIONS)
    for at in (0.00002, 1.02, 3.03, 7.05):
        talk.server(at, "SA", seq=0, ack=1, window=65160, options=OPTIONS)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
