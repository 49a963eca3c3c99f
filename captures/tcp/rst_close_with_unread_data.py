"""The client closes, and answers what the server still sends by RST."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "A", text(1460))
    talk.client(0.06002)
    talk.client(0.07, "FA")
    talk.server(0.09, "PA", text(400))
    talk.client(0.09002, "R", seq=302, window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
