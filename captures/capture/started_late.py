"""The capture begins in the middle of a connection."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open(seen=False)
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "PA", text(1200))
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
