"""A lossy path: 12 of 100 segments of the server are lost before the capture and sent again."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    at = 0.06
    for number in range(100):
        missing = number % 8 == 3
        talk.server(at, "A", text(120), seen=not missing)
        if missing:
            hole = talk.next[1] - 120
            for later in range(4):
                talk.server(at + 0.001 * (later + 1), "A", text(120))
                talk.client(at + 0.001 * (later + 1) + 0.00002, ack=hole)
            talk.server(at + 0.03, "A", text(120), seq=hole)
            talk.client(at + 0.03002)
            at += 0.04
        else:
            talk.client(at + 0.00002)
            at += 0.001
    talk.close(at + 0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
