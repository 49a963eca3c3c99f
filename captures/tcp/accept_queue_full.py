"""The listen queue is full: the server repeats its SYN-ACK though it was acknowledged and data came."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", text(300), lost=True)
    for at in (1.04, 3.06):
        talk.client(at - 0.3, "PA", text(300), seq=1, lost=True)
        talk.server(at, "SA", seq=0, ack=1, window=65160, options=OPTIONS)
        talk.client(at + 0.00002, seq=301)
    talk.client(3.2, "PA", text(300), seq=1)
    talk.server(3.22, ack=301)
    talk.server(3.3, "PA", text(500))
    talk.client(3.30002)
    talk.close(3.4)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
