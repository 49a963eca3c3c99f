"""Keying material of a handshake for other protocols (RFC 5705, RFC 9846 §7.5)."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from analyzer.core import Secrets
from analyzer.protocols.dtls.exporter import EXPORTER_SECRET, Exporter
from analyzer.protocols.tls.keys import MASTER_LABEL, suite
from analyzer.protocols.tls.messages import DTLS13, ClientHello, ServerHello
from analyzer.protocols.tls.state import Link

CLIENT, SERVER = bytes(range(32)), bytes(range(32, 64))


def linked(version: int, suite_value: int, *, answered: bool = True) -> Link:
    link = Link()
    link.version = version
    link.hello, link.answer = ClientHello(), ServerHello() if answered else None
    link.hello.random = CLIENT
    if link.answer is not None:
        link.answer.random = SERVER
    link.suite = suite(suite_value)
    return link


def p_sha256(secret: bytes, seed: bytes) -> bytes:
    one = hmac.digest(secret, seed, "sha256")
    return hmac.digest(secret, one + seed, "sha256")


def test_of_dtls_12_it_comes_from_the_master_secret() -> None:
    secrets = Secrets()
    exporter = Exporter(secrets, linked(0xFEFD, 0xC02B))
    assert exporter.material(b"EXTRACTOR-dtls_srtp", 32) is None
    secrets.lines[CLIENT] = {MASTER_LABEL: bytes(48)}
    assert exporter.material(b"EXTRACTOR-dtls_srtp", 32) == p_sha256(
        bytes(48), b"EXTRACTOR-dtls_srtp" + CLIENT + SERVER
    )


def expand(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """RFC 9846 7.1, one block, with the prefix of RFC 9147 5.9."""
    info = size.to_bytes(2, "big") + bytes((6 + len(label),)) + b"dtls13" + label + bytes((len(context),)) + context
    return hmac.digest(secret, info + b"\1", "sha256")[:size]


def test_of_dtls_13_it_comes_from_the_exporter_secret() -> None:
    secrets = Secrets()
    exporter = Exporter(secrets, linked(DTLS13, 0x1301))
    secrets.lines[CLIENT] = {MASTER_LABEL: bytes(48)}
    assert exporter.material(b"label", 20) is None
    secrets.lines[CLIENT][EXPORTER_SECRET] = bytes(32)
    empty = hashlib.sha256(b"").digest()
    assert exporter.material(b"label", 20) == expand(expand(bytes(32), b"label", empty, 32), b"exporter", empty, 20)


@pytest.mark.parametrize(("suite_value", "answered"), [(0xC02B, False), (0x0A0A, True)])
def test_without_an_answer_there_is_none(suite_value: int, answered: bool) -> None:
    secrets = Secrets()
    secrets.lines[CLIENT] = {MASTER_LABEL: bytes(48)}
    assert Exporter(secrets, linked(0xFEFD, suite_value, answered=answered)).material(b"label", 20) is None
