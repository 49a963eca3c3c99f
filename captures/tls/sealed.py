"""Connections of TLS 1.3 with key logs: right ones, wrong ones, none, and records that were damaged."""

from collections.abc import Callable
from functools import partial

from captures import handshakes as tls
from captures.handshakes import TLS10, Secrets, Wire, handshake
from captures.maker import Capture, main, text


def connection(
    *, log: Secrets | None, damaged: bool = False, notify: bool = True, reset: bool = False, hello: bytes = b""
) -> Capture:
    """A request and three answers; `log` is what the key log has."""
    wire, secrets = Wire(), Secrets()
    wire.client(handshake(hello or tls.client_hello(), version=TLS10))
    wire.server(tls.flight_13(secrets))
    wire.client(tls.CHANGE, secrets.client_handshake.record(tls.HANDSHAKE, tls.finished("client")))
    wire.client(secrets.client.record(tls.DATA, text(300)))
    answers = [secrets.server.record(tls.DATA, text(size)) for size in (900, 700, 400)]
    if damaged:
        answers[1] = answers[1][:100] + bytes([answers[1][100] ^ 0x10]) + answers[1][101:]
    wire.server(*answers)
    if notify:
        wire.client(secrets.client.record(tls.ALERT, b"\1\0"))
    if reset:
        wire.reset(0)
    else:
        wire.close()
    wire.capture.keys = log.lines if log is not None else ""
    return wire.capture


def other_secrets() -> Secrets:
    """The right random with the secrets of another connection."""
    wrong = Secrets("another")
    wrong.random = Secrets().random
    return wrong


def greased() -> bytes:
    """A ClientHello with GREASE, as Chromium sends it."""
    return tls.client_hello(
        suites=(0x4A4A, *tls.SUITES_13, *tls.SUITES_12),
        first=tls.extension(0x6A6A),
        groups=(0x0A0A, *tls.GROUPS),
        share=(0x0A0A, 29),
        versions=(0x3A3A, 0x0304, 0x0303),
        more=tls.extension(0x9A9A, b"\0"),
    )


CASES: dict[str, Callable[[], Capture]] = {
    "healthy_tls13": partial(connection, log=Secrets()),
    "healthy_no_keys": partial(connection, log=None),
    "healthy_grease": partial(connection, log=Secrets(), hello=greased()),
    "key_log_of_another": partial(connection, log=Secrets("another")),
    "key_log_wrong": partial(connection, log=other_secrets()),
    "record_damaged": partial(connection, log=Secrets(), damaged=True),
    "closed_without_notify": partial(connection, log=Secrets(), notify=False),
    "reset_without_notify": partial(connection, log=Secrets(), notify=False, reset=True),
}

if __name__ == "__main__":
    main(__file__, CASES)
