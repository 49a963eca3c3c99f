"""Captured on two interfaces: each packet of the client is here twice."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(capture=Capture(interfaces=2))
    talk.again(0.000_004, talk.client(0, "S", window=64240, options=OPTIONS), 1)
    talk.server(0.02, "SA", window=65160, options=OPTIONS)
    talk.again(0.02003, talk.client(0.02002), 1)
    talk.again(0.030004, talk.client(0.03, "PA", text(300)), 1)
    talk.server(0.06, "PA", text(900))
    talk.again(0.06003, talk.client(0.06002), 1)
    talk.close(0.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
