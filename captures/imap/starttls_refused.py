"""The server answers STARTTLS by BAD: it does not know the command."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    talk = Talk(server_port=143)
    talk.open()
    talk.server(0.05, "PA", b"* OK [CAPABILITY IMAP4rev1 ID] imap.example.org ready\r\n")
    talk.client(0.051, "PA", b"a1 STARTTLS\r\n")
    talk.server(0.071, "PA", b"a1 BAD Unknown command\r\n")
    talk.client(0.072, "PA", b"a2 LOGOUT\r\n")
    talk.server(0.092, "PA", b"* BYE logging out\r\na2 OK done\r\n")
    talk.client(0.09202)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
