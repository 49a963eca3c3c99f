"""The client aborts while the server is sending."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "A", text(1460))
    talk.client(0.06002)
    talk.server(0.061, "A", text(1460))
    talk.client(0.0612, "RA")
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
