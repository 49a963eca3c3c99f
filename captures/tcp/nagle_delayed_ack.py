"""Each message is written in two parts: the second waits for the ACK of the first, which is held back for 40 ms."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    at = 0.1
    for _ in range(4):
        talk.client(at, "PA", text(90))
        talk.server(at + 0.06)
        talk.client(at + 0.0601, "PA", text(300))
        talk.server(at + 0.0801, "PA", text(500))
        talk.client(at + 0.0802)
        at += 0.2
    talk.close(1.0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
