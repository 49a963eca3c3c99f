"""The first two SYNs are lost; the third one, after 3 s, is answered."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", window=64240, options=OPTIONS, lost=True)
    talk.client(1.01, "S", seq=0, window=64240, options=OPTIONS, lost=True)
    talk.client(3.03, "S", seq=0, window=64240, options=OPTIONS)
    talk.server(3.05, "SA", window=65160, options=OPTIONS)
    talk.client(3.05002)
    talk.client(3.06, "PA", text(300))
    talk.server(3.09, "PA", text(1200))
    talk.client(3.09002)
    talk.close(3.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
