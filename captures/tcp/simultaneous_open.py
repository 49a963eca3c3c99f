"""Both ends connect to each other at once: the SYNs cross."""

from captures.maker import OPTIONS, Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(client_port=25_501, server_port=25_502)
    talk.client(0, "S", window=64240, options=OPTIONS)
    talk.server(0.04, "S", window=64240, options=OPTIONS)
    talk.client(0.04002, "SA", seq=0, ack=1, window=64240, options=OPTIONS)
    talk.server(0.08, "SA", seq=0, ack=1, window=64240, options=OPTIONS)
    talk.client(0.08002)
    talk.server(0.12)
    talk.client(0.2, "PA", text(20))
    talk.server(0.24)
    talk.close(0.3, 0.08)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
