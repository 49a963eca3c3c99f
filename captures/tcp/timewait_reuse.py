"""A new SYN on the ports of a connection that ended a second ago: a bare ACK answers it."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    first = Talk()
    first.open()
    first.client(0.03, "PA", text(300))
    first.server(0.06, "PA", text(700))
    first.client(0.06002)
    first.server(0.1, "FA")
    first.client(0.10002, "FA")
    first.server(0.12)
    again = Talk(first.capture, isn=(500_000, 2_000_000))
    again.client(1.1, "S", window=64240, options=OPTIONS)
    again.server(1.12, "A", seq=702, ack=500_302)
    again.client(1.12002, "R", seq=500_302, window=0)
    return first.capture


if __name__ == "__main__":
    main(__file__, build)
