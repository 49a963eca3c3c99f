"""A balancer says whose connection it is, and passes on a request."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=80)
    talk.open()
    talk.client(0.03, "PA", b"PROXY TCP4 203.0.113.7 192.0.2.10 40000 80\r\n")
    talk.client(0.0301, "PA", b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    talk.server(0.06, "PA", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n")
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
