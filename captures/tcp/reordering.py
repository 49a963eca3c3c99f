"""Two pairs of segments overtake each other on the way."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    for number in range(10):
        at = 0.06 + number / 1000
        if number in (3, 7):
            overtaken = talk.server(at, "A", text(1000), seen=False)
            talk.server(at, "A", text(1000))
            talk.again(at + 0.0002, overtaken)
        else:
            talk.server(at, "A", text(1000))
        talk.client(at + 0.0003)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
