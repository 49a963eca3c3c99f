"""A router has no route for the IPv6 address: ICMPv6 type 1, code 0."""

from captures.maker import CLIENT_6, OPTIONS, SERVER_6, Capture, Talk, main


def build() -> Capture:
    talk = Talk(client=CLIENT_6, server=SERVER_6)
    syn = talk.client(0, "S", window=64240, options=OPTIONS)
    talk.icmp(0.005, syn, 1, 0, "2001:db8::1")
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
