"""The proxy answers that the target refused the connection."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=1080)
    talk.open()
    talk.client(0.03, "PA", b"\x05\x01\x00")
    talk.server(0.05, "PA", b"\x05\x00")
    talk.client(0.051, "PA", b"\x05\x01\x00\x03\x0bexample.org\x01\xbb")
    talk.server(0.12, "PA", b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
    talk.client(0.12002)
    talk.close(0.13)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
