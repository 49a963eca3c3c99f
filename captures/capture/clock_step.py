"""The clock is set back by two seconds in the middle."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(-1.97, "PA", text(1200))
    talk.client(-1.96998)
    talk.close(-1.9)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
