"""Only the client's packets: a mirror port that copies one direction."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.client(0, "S", window=64240, options=OPTIONS)
    talk.server(0.02, "SA", seen=False)
    talk.client(0.02002)
    for number in range(5):
        talk.client(0.03 + number / 10, "PA", text(300))
        talk.server(0.06 + number / 10, "PA", text(900), seen=False)
        talk.client(0.06002 + number / 10)
    talk.client(0.7, "FA")
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
