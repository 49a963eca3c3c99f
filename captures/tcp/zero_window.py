"""The client stops reading: its window is zero for 1.4 s, and is probed."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    for number in range(4):
        talk.server(0.06 + number / 100, "A", text(1460))
        talk.client(0.06002 + number / 100, window=512 - 150 * number)
    talk.server(0.1, "A", text(1460))
    talk.client(0.10002, window=0)
    for at in (0.4, 0.9):
        talk.server(at, "A", seq=talk.next[1] - 1)
        talk.client(at + 0.00002, window=0)
    talk.client(1.5, window=512)
    talk.server(1.52, "PA", text(1460))
    talk.client(1.52002)
    talk.close(1.6)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
