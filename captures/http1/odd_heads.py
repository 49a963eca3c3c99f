"""Heads that break the rules in ways that real peers do, and are understood all the same."""

from captures.maker import Capture, Talk, main

CHUNKS = b"3\r\nabc\r\n0\r\nTrailer: yes\r\n\r\n"
REQUESTS = (
    b"GET  /odd-spacing   http/1.1\r\nHost : example.org\r\n\r\n",
    b"GET /bare-lf HTTP/1.1\nHost: example.org\nX-Folded: one\n two\n\n",
    b"GET /no-host HTTP/1.1\r\nno colon\r\n\r\n",
    b"POST /two-lengths HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
)


def build() -> Capture:
    talk = Talk(server_port=80)
    talk.open()
    for number, request in enumerate(REQUESTS):
        talk.client(0.1 * number + 0.03, "PA", request)
        talk.server(0.1 * number + 0.06, "PA", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")
    talk.close(0.5)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
