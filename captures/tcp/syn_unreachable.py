"""The server's firewall answers the SYN by ICMP, administratively prohibited."""

from captures.maker import OPTIONS, SERVER, Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    syn = talk.client(0, "S", window=64240, options=OPTIONS)
    talk.icmp(0.02, syn, 3, 13, SERVER)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
