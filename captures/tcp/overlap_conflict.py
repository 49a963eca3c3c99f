"""A segment is sent again with other bytes, as an injected one would be."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk()
    talk.open()
    talk.client(0.03, "PA", b"GET /one HTTP/1.1\r\nHost: example.org\r\n\r\n")
    talk.client(0.031, "PA", b"GET /two HTTP/1.1\r\nHost: example.org\r\n\r\n", seq=1)
    talk.server(0.06, "PA", b"HTTP/1.1 204 No Content\r\n\r\n")
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
