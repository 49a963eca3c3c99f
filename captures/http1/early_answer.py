"""The server refuses a large body before it has read it, and closes: what still comes is answered by RST."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(server_port=80)
    talk.open()
    talk.client(0.03, "PA", b"POST /upload HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100000\r\n\r\n")
    talk.client(0.031, "PA", text(1400))
    talk.server(0.06, "PA", b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    talk.client(0.061, "PA", text(1400))
    talk.server(0.082, "RA")
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
