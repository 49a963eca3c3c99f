"""The server answers a request by 400."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=80)
    talk.open()
    talk.client(0.03, "PA", b"GET / HTTP/1.1\r\n\r\n")
    talk.server(0.06, "PA", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
