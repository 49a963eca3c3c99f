"""Nothing listens on the port: RST answers the SYN."""

from captures.maker import OPTIONS, Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=8443)
    talk.client(0, "S", window=64240, options=OPTIONS)
    talk.server(0.02, "RA", seq=0, window=0)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
