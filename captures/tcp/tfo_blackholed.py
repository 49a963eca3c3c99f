"""The SYN with a Fast Open cookie and data is dropped, the plain SYN is answered."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", text(200), window=64240, options=(*OPTIONS, ("TFO", (0x11223344, 0x55667788))), lost=True)
    talk.client(1.02, "S", seq=0, window=64240, options=OPTIONS)
    talk.server(1.04, "SA", ack=1, window=65160, options=OPTIONS)
    talk.client(1.04002, seq=1)
    talk.client(1.04005, "PA", text(200), seq=1)
    talk.server(1.06)
    talk.server(1.08, "PA", text(900))
    talk.client(1.08002)
    talk.close(1.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
