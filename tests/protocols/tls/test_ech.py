"""Encrypted ClientHello, opened with a key log."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer import api
from analyzer.capture import open_source
from analyzer.core import Limits, Malformed, Piece, Reader
from analyzer.protocols.tls import ech, messages
from captures import handshakes as tls
from captures.tls import sealed
from tests.capture import made
from tests.conftest import ROOT

FOLDER: Final = ROOT / "captures" / "tls"
KEYS: Final = (FOLDER / "healthy_ech.keys").read_text()


def hello() -> bytes:
    """The outer ClientHello of the capture, without its header."""
    report = analyzer.analyze(FOLDER / "healthy_ech.pcapng", trace=True)
    (note,) = (note for note in report.sessions[0].notes if note.kind == "tls.client-hello")
    data = (FOLDER / "healthy_ech.pcapng").read_bytes()
    random = bytes.fromhex(note.fields["random"])
    at = data.index(random) - 6
    return data[at + 4 : at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")]


SECRET, CONFIG = (bytes.fromhex(line.split()[2]) for line in KEYS.splitlines()[:2])
OUTER: Final = hello()


def test_keys_are_those_of_rfc_9180() -> None:
    """Appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM."""
    shared = bytes.fromhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
    key, nonce = ech.context(0x20, 1, 1, shared, bytes.fromhex("4f6465206f6e2061204772656369616e2055726e"))
    assert key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert nonce.hex() == "56d890e5accaaf011cff4b7d"


def test_the_inner_hello_is_whole() -> None:
    inner = ech.inner_hello(OUTER, SECRET, CONFIG)
    assert inner is not None
    read = messages.client_hello(Reader(Piece(inner, [(0, 1, 0, 0)])))
    outer = messages.client_hello(Reader(Piece(OUTER, [(0, 1, 0, 0)])))
    assert read.server_name == tls.NAME
    assert outer.server_name == sealed.PUBLIC
    assert read.session_id == outer.session_id
    assert read.alpn == outer.alpn
    assert read.key_shares == outer.key_shares
    assert read.types == [0, 10, 16, 13, 43, 51, 65037]
    assert read.random != outer.random


def test_what_does_not_fit_opens_nothing() -> None:
    assert ech.inner_hello(OUTER, bytes(32), CONFIG) is None
    assert ech.inner_hello(OUTER, SECRET, b"") is None
    assert ech.inner_hello(OUTER, SECRET, b"\xfe\x0c" + CONFIG[2:]) is None
    assert ech.inner_hello(OUTER, SECRET, CONFIG[:-4] + b"\0" + CONFIG[-3:]) is None
    assert ech.inner_hello(tls.client_hello()[4:], SECRET, CONFIG) is None
    inner = tls.client_hello(more=tls.extension(65037, b"\1"))[4:]
    assert ech.inner_hello(inner, SECRET, CONFIG) is None
    other = OUTER.replace(b"\0\0\1\0\1\7", b"\0\0\1\0\x09\7")
    assert ech.inner_hello(other, SECRET, CONFIG) is None


@pytest.mark.parametrize("aead", [1, 2, 3])
def test_every_cipher(aead: int) -> None:
    key, nonce = ech.context(0x20, 1, aead, SECRET, b"")
    assert len(key) == ech.KEY_BYTES[aead]
    assert len(nonce) == 12
    changed = OUTER.replace(b"\0\0\1\0\1\7", b"\0\0\1" + tls.u16(aead) + b"\7")
    assert (ech.inner_hello(changed, SECRET, CONFIG) is None) == (aead != 1)


def test_references_to_the_outer_hello_are_bounded() -> None:
    outer = ech.Hello(OUTER)
    head = tls.u16(0x0303) + bytes(32) + b"\0" + tls.vector(2, b"\x13\1") + b"\1\0"

    def encoded(*types: int) -> bytes:
        return head + tls.vector(2, tls.extension(64768, tls.vector(1, tls.u16(*types))))

    assert len(outer.expanded(encoded(10, 13))) > len(encoded(10, 13))
    for types in ((13, 10), (10, 10), (10, 9999)):
        with pytest.raises(Malformed):
            outer.expanded(encoded(*types))


def facts(keys: str, capture: bytes = b"") -> dict[str, object]:
    """Of a connection whose secrets come behind all its packets."""
    text = keys.encode()
    block = made.block(0x0A, b"KSLT" + len(text).to_bytes(4, "little") + text + bytes(-len(text) & 3))
    whole = (capture or (FOLDER / "healthy_ech.pcapng").read_bytes()) + block
    analysis = api.Analysis(open_source([whole], limits=Limits(), block_bytes=512))
    analysis.run()
    return dict(analysis.report().sessions[0].facts)


def test_accepted_also_where_the_secrets_come_last() -> None:
    first = analyzer.analyze(FOLDER / "healthy_ech.pcapng", keylog=FOLDER / "healthy_ech.keys")
    (session,) = first.sessions
    assert session.title == f"{tls.NAME}, hidden by ECH behind {sealed.PUBLIC}"
    assert session.facts["ech"] == "accepted"
    assert session.facts["ech_inner_server_name"] == tls.NAME
    assert session.facts["decrypted"] is True
    assert facts(KEYS) == session.facts
    # The certificate is for the name inside.
    assert not [one for one in first.findings if one.code == "tls.cert-name-mismatch"]


def test_rejected() -> None:
    report = analyzer.analyze(FOLDER / "alert_ech_rejected.pcapng", keylog=FOLDER / "alert_ech_rejected.keys")
    (session,) = report.sessions
    assert session.facts["ech"] == "rejected"
    assert session.title == sealed.PUBLIC
    assert report.findings[0].code == "tls.alert-ech-required"


def test_a_key_log_that_lacks_something() -> None:
    lines = KEYS.splitlines(keepends=True)
    said = facts("".join(lines[:2]))
    assert said["ech"] == "real, and not accepted"
    assert said["not_decrypted_because"] == (
        "the key log has no line for the random of the inner ClientHello, which it opens"
    )
    said = facts("".join(lines[2:]))
    assert said["ech"] == "offered, or GREASE"
    assert "Encrypted ClientHello" in str(said["not_decrypted_because"])
    said = facts("".join([lines[0], *lines[2:]]))
    assert said["ech"] == "offered, or GREASE"


def test_grease_is_told_where_the_client_goes_on() -> None:
    grease = b"\0\0\1\0\1\7" + tls.vector(2, bytes(32)) + tls.vector(2, bytes(144))
    capture = sealed.connection(log=None, hello=tls.client_hello(more=tls.extension(65037, grease))).bytes()
    assert facts(tls.Secrets().lines, capture)["ech"] == "GREASE"
    assert facts("", capture)["ech"] == "offered, or GREASE"


@given(st.binary(max_size=200), st.binary(max_size=80), st.binary(max_size=120))
def test_any_bytes_open_or_do_not(outer: bytes, secret: bytes, config: bytes) -> None:
    assert ech.inner_hello(outer, secret, config) is None


@given(st.integers(0, len(OUTER) - 1), st.integers(0, 255), st.integers(0, len(OUTER)))
def test_a_changed_hello_does_not_open(at: int, value: int, stop: int) -> None:
    changed = OUTER[:at] + bytes([value]) + OUTER[at + 1 :]
    assert (ech.inner_hello(changed, SECRET, CONFIG) is None) == (changed != OUTER)
    assert ech.inner_hello(OUTER[:stop], SECRET, CONFIG) is None or stop == len(OUTER)
