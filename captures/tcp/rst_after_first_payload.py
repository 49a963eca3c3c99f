"""The connection is made; the client's first bytes are answered by RST."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", bytes.fromhex("0badf00d") + text(120))
    talk.server(0.045, "RA", window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
