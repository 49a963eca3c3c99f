"""A SYN, sent again after 1, 3 and 7 seconds, and no answer."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    for at in (0, 1.01, 3.03, 7.12):
        talk.client(at, "S", seq=0, window=64240, options=OPTIONS)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
