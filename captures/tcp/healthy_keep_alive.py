"""An idle connection with keep-alives every minute that are answered: nothing is wrong."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(client_port=50_002)
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "PA", text(100))
    talk.client(0.06002)
    for number in range(1, 4):
        talk.client(60.0 * number, seq=300)
        talk.server(60.0 * number + 0.02)
    talk.close(200)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
