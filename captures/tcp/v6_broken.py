"""The SYN over IPv6 gets no answer; 300 ms later the client tries IPv4, which works."""

from captures.maker import CLIENT_6, OPTIONS, SERVER_6, Capture, Talk, main, text


def build() -> Capture:
    first = Talk(client=CLIENT_6, server=SERVER_6)
    first.client(0, "S", window=64240, options=OPTIONS)
    talk = Talk(first.capture)
    talk.open(0.3)
    talk.client(0.33, "PA", text(300))
    talk.server(0.36, "PA", text(1200))
    talk.client(0.36002)
    first.client(1.01, "S", seq=0, window=64240, options=OPTIONS)
    talk.close(2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
