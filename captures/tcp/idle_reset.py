"""After ten silent minutes the client's next question is answered by RST."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "PA", text(700))
    talk.client(0.06002)
    talk.client(600, "PA", text(300))
    talk.server(600.02, "R", seq=701, window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
