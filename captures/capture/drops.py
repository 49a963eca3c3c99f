"""The capturing host lost packets: bytes are acknowledged that are not here."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(capture=Capture(dropped=2))
    talk.open()
    talk.client(0.03, "PA", text(300))
    for number in range(8):
        talk.server(0.06 + number / 1000, "A", text(1000), seen=number not in (2, 3))
        talk.client(0.0602 + number / 1000)
    talk.close(0.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
