"""The server does no TLS; the client goes on in clear, which its settings allow."""

import struct

from captures.maker import Capture, Talk, main

USER = b"user\0reader\0database\0shop\0\0"


def build() -> Capture:
    talk = Talk(server_port=5432)
    talk.open()
    talk.client(0.03, "PA", struct.pack(">II", 8, 80877103))
    talk.server(0.05, "PA", b"N")
    talk.client(0.051, "PA", struct.pack(">II", 8 + len(USER), 3 << 16) + USER)
    talk.server(0.075, "PA", b"R" + struct.pack(">II", 23, 10) + b"SCRAM-SHA-256\0\0")
    talk.client(0.07502)
    talk.close(0.09)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
