"""Connections of TLS 1.3 with key logs: right ones, wrong ones, none, and records that were damaged."""

import hmac
from collections.abc import Callable
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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


def stapled(*, revoked: bool) -> Capture:
    """The certificate demands a staple, and has one: in TLS 1.3 it is in the Certificate message."""
    leaf = tls.issue(tls.NAME, tls.intermediate(), names=(tls.NAME,), staple=True)
    answer = tls.staple(leaf, tls.intermediate(), revoked=revoked)
    wire, secrets = Wire(), Secrets()
    wire.client(handshake(tls.client_hello(), version=TLS10))
    wire.server(tls.flight_13(secrets, leaf.der, tls.intermediate().der, stapled=answer))
    wire.client(tls.CHANGE, secrets.client_handshake.record(tls.HANDSHAKE, tls.finished("client")))
    wire.client(secrets.client.record(tls.ALERT, b"\1\0"))
    wire.close()
    wire.capture.keys = secrets.lines
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


ECH: Final = 65037
PUBLIC: Final = "public.example"
CONFIG: Final = b"\xfe\x0d" + tls.vector(
    2,
    b"\7\0\x20"  # config_id, DHKEM(X25519, HKDF-SHA256)
    + tls.vector(2, tls.noise("ech key", 32))
    + tls.vector(2, b"\0\1\0\1")
    + b"\x40"
    + tls.vector(1, PUBLIC.encode())
    + tls.vector(2, b""),
)


def hpke(shared: bytes, info: bytes) -> tuple[AESGCM, bytes]:
    """Cipher and nonce of HPKE with X25519, HKDF-SHA256 and AES-128-GCM (RFC 9180 5.1)."""

    def labelled(salt: bytes, text: bytes) -> bytes:
        return hmac.new(salt, b"HPKE-v1HPKE\0\x20\0\1\0\1" + text, "sha256").digest()

    schedule = b"\0" + labelled(b"", b"psk_id_hash") + labelled(b"", b"info_hash" + info)
    secret = labelled(shared, b"secret")

    def expanded(label: bytes, size: int) -> bytes:
        told = tls.u16(size) + b"HPKE-v1HPKE\0\x20\0\1\0\1" + label + schedule + b"\1"
        return hmac.new(secret, told, "sha256").digest()[:size]

    return AESGCM(expanded(b"key", 16)), expanded(b"base_nonce", 12)


def encrypted_hello(*, accepted: bool) -> Capture:
    """A ClientHello with another one inside; the key log has what opens it.  The name inside is the certificate's."""
    shared = tls.noise("ech secret", 32)
    inner, outer = Secrets("inner"), Secrets("outer")
    extensions = tls.extension(0, tls.vector(2, b"\0" + tls.vector(2, tls.NAME.encode())))
    extensions += tls.extension(64768, tls.vector(1, tls.u16(10, 16, 13, 43, 51))) + tls.extension(ECH, b"\1")
    encoded = tls.u16(tls.TLS12) + inner.random + b"\0" + tls.vector(2, tls.u16(*tls.SUITES_13)) + b"\1\0"
    encoded += tls.vector(2, extensions)
    encoded += bytes(-len(encoded) % 32)
    empty = bytes(len(encoded) + 16)
    sealed = b"\0\0\1\0\1\7" + tls.vector(2, tls.noise("enc", 32)) + tls.vector(2, empty)
    hello = tls.client_hello(name=PUBLIC, random=outer.random, more=tls.extension(ECH, sealed))
    cipher, nonce = hpke(shared, b"tls ech\0" + CONFIG)
    hello = hello.replace(empty, cipher.encrypt(nonce, encoded, hello[4:]))
    used = inner if accepted else outer
    wire = Wire()
    wire.client(handshake(hello, version=TLS10))
    leaf = tls.shop() if accepted else tls.issue(PUBLIC, tls.intermediate(), names=(PUBLIC,))
    wire.server(tls.flight_13(used, leaf.der, tls.intermediate().der))
    wire.client(tls.CHANGE, used.client_handshake.record(tls.HANDSHAKE, tls.finished("client")))
    if accepted:
        wire.client(used.client.record(tls.DATA, text(300)))
        wire.server(used.server.record(tls.DATA, text(900)))
    wire.client(used.client.record(tls.ALERT, b"\1\0" if accepted else b"\2\x79"))
    wire.close()
    wire.capture.keys = (
        f"ECH_SECRET {outer.random.hex()} {shared.hex()}\nECH_CONFIG {outer.random.hex()} {CONFIG.hex()}\n{used.lines}"
    )
    return wire.capture


CASES: dict[str, Callable[[], Capture]] = {
    "healthy_tls13": partial(connection, log=Secrets()),
    "healthy_no_keys": partial(connection, log=None),
    "healthy_grease": partial(connection, log=Secrets(), hello=greased()),
    "healthy_ech": partial(encrypted_hello, accepted=True),
    "alert_ech_rejected": partial(encrypted_hello, accepted=False),
    "healthy_staple_tls13": partial(stapled, revoked=False),
    "certificate_revoked_tls13": partial(stapled, revoked=True),
    "key_log_of_another": partial(connection, log=Secrets("another")),
    "key_log_wrong": partial(connection, log=other_secrets()),
    "record_damaged": partial(connection, log=Secrets(), damaged=True),
    "closed_without_notify": partial(connection, log=Secrets(), notify=False),
    "reset_without_notify": partial(connection, log=Secrets(), notify=False, reset=True),
}

if __name__ == "__main__":
    main(__file__, CASES)
