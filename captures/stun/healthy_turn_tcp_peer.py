"""RFC 6062: the relay opens a TCP connection to a peer, and a second connection of the client is tied to that."""

from captures.maker import Capture, Talk, main
from captures.stun import (
    ALLOCATE,
    CREATE_PERMISSION,
    KEY,
    REQUEST,
    SUCCESS,
    allocated,
    challenge,
    login,
    message,
    peer,
    uint,
)

CONNECT, CONNECTION_BIND = 0x00A, 0x00B
CONNECTION = (0x002A, b"\0\0\x30\x39")
TCP = uint(0x0019, 6 << 24)
PEER = "203.0.113.7"
REQUEST_OF_HTTP = b"GET / HTTP/1.1\r\nHost: peer.example\r\n\r\n"
ANSWER_OF_HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def build() -> Capture:
    control = Talk(server_port=3478)
    control.open()
    control.client(0.03, "PA", message(ALLOCATE, REQUEST, 1, TCP))
    control.server(0.05, "PA", challenge(1))
    control.client(0.06, "PA", message(ALLOCATE, REQUEST, 2, TCP, *login(), key=KEY))
    control.server(0.08, "PA", allocated(2))
    control.client(0.09, "PA", message(CREATE_PERMISSION, REQUEST, 3, peer(PEER, 80), *login(), key=KEY))
    control.server(0.11, "PA", message(CREATE_PERMISSION, SUCCESS, 3, key=KEY))
    control.client(0.12, "PA", message(CONNECT, REQUEST, 4, peer(PEER, 80), *login(), key=KEY))
    control.server(0.17, "PA", message(CONNECT, SUCCESS, 4, CONNECTION, key=KEY))
    data = Talk(control.capture, client_port=50_001, server_port=3478, isn=(3_000_000, 4_000_000))
    data.open(0.18)
    data.client(0.21, "PA", message(CONNECTION_BIND, REQUEST, 5, CONNECTION, *login(), key=KEY))
    data.server(0.23, "PA", message(CONNECTION_BIND, SUCCESS, 5, key=KEY))
    data.client(0.24, "PA", REQUEST_OF_HTTP)
    data.server(0.29, "PA", ANSWER_OF_HTTP)
    data.client(0.3)
    data.close(0.4)
    control.close(0.5)
    return control.capture


if __name__ == "__main__":
    main(__file__, build)
