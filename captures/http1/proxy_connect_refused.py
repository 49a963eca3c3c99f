"""A proxy answers CONNECT by 403."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=3128)
    talk.open()
    talk.client(0.03, "PA", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
    talk.server(0.06, "PA", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
