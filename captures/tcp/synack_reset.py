"""A port scan: SYN, SYN-ACK, RST."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", window=1024, options=(("MSS", 1460),))
    talk.server(0.02, "SA", window=65160, options=(("MSS", 1460),))
    talk.client(0.02005, "R", window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
