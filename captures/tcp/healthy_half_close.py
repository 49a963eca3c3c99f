"""The client closes its side, the server goes on for a while: nothing is wrong."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(client_port=50_001)
    talk.open()
    talk.client(0.03, "PA", text(30))
    talk.client(0.04, "FA")
    talk.server(0.06)
    for number in range(4):
        talk.server(0.1 + number / 10, "PA", text(500))
        talk.client(0.10002 + number / 10)
    talk.server(0.6, "FA")
    talk.client(0.60002)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
