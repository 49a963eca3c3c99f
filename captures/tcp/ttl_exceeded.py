"""A routing loop: a router reports for each SYN that its time to live ran out."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    for at in (0, 1.01, 3.03):
        syn = talk.client(at, "S", seq=0, window=64240, options=OPTIONS)
        talk.icmp(at + 0.04, syn, 11, 0, "203.0.113.1")
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
