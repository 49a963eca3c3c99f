"""The SYN-ACK acknowledges an older SYN; the client rejects it with RST."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", window=64240, options=OPTIONS)
    talk.server(0.02, "SA", ack=-776_543, window=65160, options=OPTIONS)
    talk.client(0.02002, "R", seq=-776_543, window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
