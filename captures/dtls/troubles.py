"""Handshakes of DTLS that are held up, end in nothing, or go on where nobody expects them."""

import struct

from captures.dtls import (
    CERTIFICATE,
    COOKIE,
    MASTER,
    RANDOMS,
    Peers,
    Sealer12,
    Sealer13,
    answer13,
    certificate,
    client_hello,
    client_key_exchange,
    hello13,
    hello_verify_request,
    message,
    secrets13,
    server_hello,
)
from captures.dtls import server_key_exchange as key_exchange
from captures.maker import Capture, main, text

TIMER = (0, 1, 3, 7)  # seconds at which a flight is sent, RFC 6347 4.2.4.1


def flight(peers: Peers, at_s: float, *, srtp: bool = True) -> None:
    """The server's: ServerHello to ServerHelloDone."""
    peers.send(at_s, 1, (22, message(2, server_hello(srtp=srtp), 0)), (22, message(11, certificate(), 1)))
    peers.send(at_s, 1, (22, message(12, key_exchange(), 2)), (22, message(14, b"", 3)))


def last_flight(peers: Peers, at_s: float, side: int = 0) -> None:
    if side == 0:
        peers.send(at_s, 0, (22, message(16, client_key_exchange(), 1)), (20, b"\1"))
    else:
        peers.send(at_s, 1, (20, b"\1"))
    peers.send(at_s, side, (22, text(48)), epoch=1)


def whole(peers: Peers, at_s: float = 0) -> None:
    peers.send(at_s, 0, (22, message(1, client_hello())))
    flight(peers, at_s + 0.02)
    last_flight(peers, at_s + 0.021)
    last_flight(peers, at_s + 0.041, 1)


def first_flight_lost() -> Capture:
    """The ClientHello is answered only when it comes again, a second later."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello())))
    whole(peers, 1)
    peers.send(1.1, 0, (23, text(100)), epoch=1)
    return capture


def hello_verify_loop() -> Capture:
    """Each ClientHello brings the cookie back, and is asked for another one."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello(), 0)))
    for turn in range(4):
        cookie = bytes((turn,)) + COOKIE[1:]
        peers.send(turn + 0.02, 1, (22, message(3, hello_verify_request(cookie), turn)))
        peers.send(turn + 1, 0, (22, message(1, client_hello(cookie=cookie), turn + 1)))
    return capture


def no_srtp_profile() -> Capture:
    """The client offers two profiles of SRTP, and the server takes none."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello())))
    flight(peers, 0.02, srtp=False)
    last_flight(peers, 0.021)
    last_flight(peers, 0.041, 1)
    return capture


def restart_unexpected() -> Capture:
    """Five seconds into a connection that nobody closed, the client begins anew."""
    capture = Capture()
    peers = Peers(capture)
    whole(peers)
    for at in range(4):
        peers.send(0.1 + at / 10, at % 2, (23, text(100)), epoch=1)
    again = Peers(capture)
    again.send(5, 0, (22, message(1, client_hello(random=RANDOMS[0][::-1]))))
    flight(again, 5.02)
    last_flight(again, 5.021)
    last_flight(again, 5.041, 1)
    return capture


def fragment_missing() -> Capture:
    """The second half of the certificate never comes, however often its flight is sent."""
    capture = Capture()
    peers = Peers(capture)
    for at in TIMER:
        peers.send(at, 0, (22, message(1, client_hello())))
        peers.send(at + 0.02, 1, (22, message(2, server_hello(), 0)), (22, message(11, certificate(), 1, 0, 150)))
        peers.send(at + 0.02, 1, (22, message(11, certificate(), 1, 150)), seen=False)
        peers.send(at + 0.02, 1, (22, message(12, key_exchange(), 2)), (22, message(14, b"", 3)))
    return capture


def flight_too_big() -> Capture:
    """A chain of certificates in datagrams of 1,400 bytes: the capture is at the server, the client never has them."""
    capture = Capture()
    peers = Peers(capture)
    one = len(CERTIFICATE).to_bytes(3, "big") + CERTIFICATE
    chain = one + b"".join((1200).to_bytes(3, "big") + text(1200) for _ in range(3))
    chain = len(chain).to_bytes(3, "big") + chain
    for at in TIMER:
        peers.send(at, 0, (22, message(1, client_hello())))
        peers.send(at + 0.001, 1, (22, message(2, server_hello(), 0)))
        for start in range(0, len(chain), 1300):
            peers.send(at + 0.001, 1, (22, message(11, chain, 1, start, start + 1300)))
        peers.send(at + 0.001, 1, (22, message(12, key_exchange(), 2)), (22, message(14, b"", 3)))
    return capture


def silent_discard() -> Capture:
    """The client's last flight is sent four times; the server, which had spoken before, says nothing more."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello())))
    flight(peers, 0.02)
    for at in TIMER:
        last_flight(peers, 0.03 + at)
    return capture


def cid_needed() -> Capture:
    """A NAT gives the client another port: the server does not know the records that come from there."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, client_hello())))
    flight(peers, 0.02)
    client, server = Sealer12(0), Sealer12(1)
    finished = message(20, text(12), 2)
    peers.send(0.021, 0, (22, message(16, client_key_exchange(), 1)), (20, b"\1"))
    peers.raw(0.021, 0, client.seal(22, finished))
    peers.send(0.041, 1, (20, b"\1"))
    peers.raw(0.041, 1, server.seal(22, message(20, text(12), 4)))
    for at in range(4):
        peers.raw(0.1 + at / 10, at % 2, (client, server)[at % 2].seal(23, text(100)))
    peers.ports = (50_077, 4433)
    for at in range(4):
        peers.raw(90 + at, 0, client.seal(23, text(100)))
    capture.keys = f"CLIENT_RANDOM {RANDOMS[0].hex()} {MASTER.hex()}\n"
    return capture


def ack_missing() -> Capture:
    """DTLS 1.3, with its secrets: the client's Finished is never acknowledged."""
    capture = Capture()
    peers = Peers(capture)
    peers.send(0, 0, (22, message(1, hello13())))
    peers.send(0.02, 1, (22, message(2, answer13())))
    found = secrets13()
    server = Sealer13(0x1301, found["SERVER_HANDSHAKE_TRAFFIC_SECRET"], 2)
    client = Sealer13(0x1301, found["CLIENT_HANDSHAKE_TRAFFIC_SECRET"], 2)
    srtp = struct.pack(">HHHHB", 9, 14, 5, 2, 7) + b"\0\0"
    entry = len(CERTIFICATE).to_bytes(3, "big") + CERTIFICATE + b"\0\0"
    chain = b"\0" + len(entry).to_bytes(3, "big") + entry
    proof = struct.pack(">HH", 0x0403, 70) + text(70)
    for number, (kind, body) in enumerate(((8, srtp), (11, chain), (15, proof), (20, text(32))), 1):
        peers.raw(0.02, 1, server.seal(22, message(kind, body, number)))
    for at in TIMER:
        peers.raw(0.03 + at, 0, client.seal(22, message(20, text(32), 1)))
    capture.keys = "".join(f"{label} {RANDOMS[0].hex()} {secret.hex()}\n" for label, secret in found.items())
    return capture


CASES = {
    "first_flight_lost": first_flight_lost,
    "hello_verify_loop": hello_verify_loop,
    "no_srtp_profile": no_srtp_profile,
    "restart_unexpected": restart_unexpected,
    "fragment_missing": fragment_missing,
    "flight_too_big": flight_too_big,
    "silent_discard": silent_discard,
    "cid_needed": cid_needed,
    "ack_missing": ack_missing,
}


if __name__ == "__main__":
    main(__file__, CASES)
