"""Handshakes without an alert in which something is wrong, slow or odd: one capture for each."""

from collections.abc import Callable
from functools import partial

from captures import handshakes as tls
from captures.handshakes import MLKEM, TLS10, TLS12, TLS13, Wire, handshake
from captures.maker import Capture, main, text

#: With a post-quantum key share, as browsers send it.
LARGE = tls.client_hello(groups=(MLKEM, 29, 23, 24), share=(MLKEM, 29), who="large")


def hello(**offer: object) -> bytes:
    return handshake(tls.client_hello(**offer), version=TLS10)  # type: ignore[arg-type]


# --- nothing comes back -----------------------------------------------------------------------------------------------


def asked() -> Wire:
    """The ClientHello has gone, and TCP has acknowledged it."""
    wire = Wire()
    wire.client(hello())
    wire.acked()
    return wire


def silence() -> Capture:
    """The server says nothing, and after 30 s the client gives up."""
    return asked().close(wait=30.0)


def closed() -> Capture:
    """The server ends the connection in answer."""
    return asked().close(1, 0.03)


def reset() -> Capture:
    wire = Wire()
    wire.client(hello())
    wire.reset(wait=0.0003)
    return wire.capture


def size_cliff() -> Capture:
    """A large ClientHello (of two segments) gets no answer; a smaller one to the same server does."""
    wire = Wire(client_port=50_001)
    wire.client(handshake(LARGE, version=TLS10))
    wire.acked()
    capture = wire.close(wait=10.0)
    small = Wire(capture, at=20.0)
    small.client(hello(who="small"))
    return after_13(small, tls.Secrets("small"))


def after_13(wire: Wire, secrets: tls.Secrets, *, wait: float = 0.001, group: int = 29) -> Capture:
    """The rest of a connection of TLS 1.3 in which all goes well, after the ClientHello."""
    wire.server(tls.flight_13(secrets, group=group), wait=wait)
    wire.client(tls.CHANGE, secrets.client_handshake.record(tls.HANDSHAKE, tls.finished("client")))
    wire.client(secrets.client.record(tls.DATA, text(300)))
    wire.server(secrets.server.record(tls.DATA, text(900)))
    wire.client(secrets.client.record(tls.ALERT, b"\1\0"))
    return wire.close()


# --- something else comes back ----------------------------------------------------------------------------------------


def plain(answer: bytes) -> Capture:
    """The server answers the ClientHello in clear, and closes."""
    wire = Wire()
    wire.client(hello())
    wire.server(answer)
    return wire.close(1, 0.0001)


# --- it stops ---------------------------------------------------------------------------------------------------------


def half_way() -> Wire:
    """TLS 1.2, as far as the server's flight."""
    wire = Wire()
    wire.client(hello(versions=(), suites=tls.SUITES_12))
    wire.server(tls.flight_12())
    return wire


def left_by_client() -> Capture:
    return half_way().close()


def reset_by_server() -> Capture:
    wire = half_way()
    wire.client(handshake(tls.client_key_exchange()), tls.CHANGE, tls.sealed_12(tls.HANDSHAKE, 16))
    wire.reset(wait=0.0004)
    return wire.capture


def canceled() -> Capture:
    """The client says user_canceled (a warning) and close_notify, and leaves."""
    wire = half_way()
    wire.client(tls.alert(90, 1), tls.alert(0, 1))
    return wire.close()


def stalled(first: bytes) -> Capture:
    """The server's flight does not go on, and nobody ends the connection; both hosts still say that they are there."""
    wire = Wire()
    wire.client(hello(versions=(), suites=tls.SUITES_12))
    wire.server((first + tls.flight_12())[:1460])
    for at in (20.0, 40.0):
        wire.talk.client(wire.at + at, "A", seq=wire.talk.next[0] - 1)
        wire.talk.server(wire.at + at + tls.RTT_S)
    return wire.capture


# --- what the server chooses ------------------------------------------------------------------------------------------


def downgraded() -> Capture:
    random = tls.noise("server random", 24) + b"DOWNGRD\x01"
    flight = tls.flight_12(hello=tls.server_hello(random=random, alpn="h2"))
    return tls.whole_12(flight, versions=(TLS13, TLS12), suites=(*tls.SUITES_13, *tls.SUITES_12))


def old_version() -> Capture:
    flight = tls.flight_12(hello=tls.server_hello(0xC013, version=TLS10))
    return tls.whole_12(flight, suites=(*tls.SUITES_12, *tls.SUITES_OLD))


def weak_suite(suite: int) -> Capture:
    return tls.whole_12(tls.flight_12(hello=tls.server_hello(suite)), suites=(suite, *tls.SUITES_OLD))


def no_secure_renegotiation() -> Capture:
    return tls.whole_12(tls.flight_12(hello=tls.server_hello(renegotiation=False)))


# --- what it costs ----------------------------------------------------------------------------------------------------


def slow_server() -> Capture:
    wire, secrets = Wire(), tls.Secrets()
    wire.client(hello())
    wire.acked()
    after_13(wire, secrets, wait=0.85)
    wire.capture.keys = secrets.lines
    return wire.capture


def long_chain() -> Capture:
    """Nine large certificates: the server sends ten segments, and waits for the client's ACK before the last."""
    chain = [tls.shop().der]
    for number in range(9):
        name = f"Example Cross-signed CA {number}"
        padding = tuple(f"policy-{at}.{tls.noise(f'{number} {at}', 24).hex()}.example" for at in range(22))
        chain.append(tls.issue(name, tls.root(), ca=True, names=padding).der)
    sent = tls.server_hello() + tls.certificate_12(*chain) + tls.key_exchange() + tls.DONE
    flight = b"".join(handshake(sent[at : at + 16000]) for at in range(0, len(sent), 16000))
    wire = Wire()
    wire.client(hello(versions=(TLS12,), suites=tls.SUITES_12))
    wire.server(flight[: 10 * tls.MSS])
    wire.more(flight[10 * tls.MSS :], wait=tls.RTT_S)
    tls.finish_12(wire)
    wire.client(tls.sealed_12(tls.ALERT, 2))
    return wire.close()


def retried(times: int) -> Capture:
    """The server wants another group's key share, once or (against the RFC) twice."""
    wire, secrets = Wire(), tls.Secrets()
    wire.client(hello())
    wire.server(handshake(tls.server_hello(0x1301, version=TLS13, group=23, retry=True)), tls.CHANGE)
    wire.client(tls.CHANGE, handshake(tls.client_hello(share=(23,))))
    if times == 2:
        wire.server(handshake(tls.server_hello(0x1301, version=TLS13, group=24, retry=True)))
        wire.client(tls.alert(10))
        return wire.close()
    after_13(wire, secrets, group=23)
    wire.capture.keys = secrets.lines
    return wire.capture


def heartbleed(claimed: int, *, answered: bool) -> Capture:
    """A heartbeat before the handshake is over, with less in it than it claims."""
    wire = Wire()
    wire.client(hello(versions=(TLS12,), suites=tls.SUITES_12, more=tls.extension(15, b"\1")))
    wire.server(tls.flight_12())
    wire.client(tls.record(24, b"\1" + tls.u16(claimed) + tls.noise("heartbeat", 16)))
    if answered:
        wire.server(tls.record(24, b"\2" + tls.u16(claimed) + tls.noise("memory", claimed + 16)))
        wire.client(tls.alert(90, 1), tls.alert(0, 1))
        return wire.close()
    tls.finish_12(wire)
    wire.client(tls.sealed_12(tls.ALERT, 2))
    return wire.close()


CASES: dict[str, Callable[[], Capture]] = {
    "no_server_hello_silence": silence,
    "no_server_hello_closed": closed,
    "no_server_hello_reset": reset,
    "size_cliff": size_cliff,
    "not_tls_http": partial(plain, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    "not_tls_smtp": partial(plain, b"220 mail.example ESMTP ready\r\n"),
    "not_tls_ssh": partial(plain, b"SSH-2.0-OpenSSH_9.9\r\n"),
    "not_tls_bytes": partial(plain, bytes.fromhex("0000001a0a382e302e3336")),
    "broken_off_by_client": left_by_client,
    "broken_off_by_server": reset_by_server,
    "broken_off_canceled": canceled,
    "stalled": partial(stalled, handshake(tls.server_hello())),
    "stalled_in_first_record": partial(stalled, b""),
    "downgraded": downgraded,
    "old_version": old_version,
    "weak_suite_3des": partial(weak_suite, 0x000A),
    "weak_suite_rc4": partial(weak_suite, 0x0005),
    "weak_suite_null": partial(weak_suite, 0x003B),
    "renegotiation_insecure": no_secure_renegotiation,
    "heartbleed": partial(heartbleed, 1000, answered=True),
    "heartbleed_passed_over": partial(heartbleed, 1000, answered=False),
    "slow_server": slow_server,
    "long_chain": long_chain,
    "retried_once": partial(retried, 1),
    "retried_twice": partial(retried, 2),
}

if __name__ == "__main__":
    main(__file__, CASES)
