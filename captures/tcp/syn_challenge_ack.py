"""The server still holds an old connection of these ports: a bare ACK answers the SYN, then RST."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", window=64240, options=OPTIONS)
    talk.server(0.02, "A", seq=45_001, ack=-912_345)
    talk.client(0.02002, "R", seq=-912_345, window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
