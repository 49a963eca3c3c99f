"""A RST of another TTL in the server's name, and the real server goes on."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.05)
    talk.server(0.051, "PA", text(600))
    talk.server(0.052, "R", ttl=250, window=0)
    talk.server(0.053, "PA", text(600))
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
