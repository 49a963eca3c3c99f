"""The server offers STARTTLS and then refuses it; the client gives up."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=25)
    talk.open()
    talk.server(0.05, "PA", b"220 mx.example.org ESMTP ready\r\n")
    talk.client(0.051, "PA", b"EHLO client.example.net\r\n")
    talk.server(0.071, "PA", b"250-mx.example.org\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n")
    talk.client(0.072, "PA", b"STARTTLS\r\n")
    talk.server(0.092, "PA", b"454 4.7.0 TLS not available due to local problem\r\n")
    talk.client(0.093, "PA", b"QUIT\r\n")
    talk.server(0.113, "PA", b"221 2.0.0 Bye\r\n")
    talk.client(0.11302)
    talk.close(0.12)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
