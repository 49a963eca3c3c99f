"""Key schedules, against the RFCs' own examples and Python's own TLS."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.tls import schedule
from tests.protocols.tls import rfc8448
from tests.protocols.tls.recorded import EXTENDED_MASTER_SECRET, NO_ENCRYPT_THEN_MAC, Walk, certified, rsa_key, talk

if TYPE_CHECKING:
    from pathlib import Path


# TLS 1.3


def test_secrets_of_rfc_8448() -> None:
    """The whole chain of §3, from the shared secret on."""
    empty = hashlib.sha256().digest()
    hellos = hashlib.sha256(rfc8448.CLIENT_HELLO + rfc8448.SERVER_HELLO).digest()
    early = schedule.hkdf_extract("SHA256", b"", bytes(32))
    assert early == rfc8448.EARLY_SECRET
    derived = schedule.hkdf_expand_label("SHA256", early, "derived", empty, 32)
    handshake = schedule.hkdf_extract("SHA256", derived, rfc8448.SHARED_SECRET)
    assert schedule.hkdf_expand_label("SHA256", handshake, "c hs traffic", hellos, 32) == rfc8448.CLIENT_HANDSHAKE
    assert schedule.hkdf_expand_label("SHA256", handshake, "s hs traffic", hellos, 32) == rfc8448.SERVER_HANDSHAKE
    keys = schedule.traffic_keys("SHA256", rfc8448.SERVER_HANDSHAKE, 16, 12)
    assert keys == (bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc"), bytes.fromhex("5d313eb2671276ee13000b30"))


def test_finished_of_rfc_8448() -> None:
    flight = rfc8448.SERVER_FLIGHT
    before = rfc8448.CLIENT_HELLO + rfc8448.SERVER_HELLO + flight[:-36]
    server = schedule.finished13("SHA256", rfc8448.SERVER_HANDSHAKE, hashlib.sha256(before).digest())
    assert server == flight[-32:]
    whole = hashlib.sha256(before + flight[-36:]).digest()
    assert schedule.finished13("SHA256", rfc8448.CLIENT_HANDSHAKE, whole) == rfc8448.CLIENT_FINISHED[4:]


def test_prefixes_and_long_outputs() -> None:
    secret = bytes(32)
    found = {
        prefix: schedule.next_traffic_secret("SHA256", secret, prefix)
        for prefix in (schedule.TLS13_PREFIX, schedule.DRAFT13_PREFIX, schedule.DTLS13_PREFIX)
    }
    assert len(set(found.values())) == 3
    long = schedule.hkdf_expand_label("SHA384", secret, "key", b"", 500)
    assert len(long) == 500
    draft = schedule.hkdf_expand_label("SHA256", secret, "application traffic secret", b"", 32, "TLS 1.3, ")
    assert draft == found[schedule.DRAFT13_PREFIX]


# TLS 1.0 to 1.2


def test_prf_of_tls_12() -> None:
    """Published examples of the PRF, with SHA-256."""
    found = schedule.prf(
        schedule.TLS12,
        "SHA256",
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert found.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
        "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_prf_before_tls_12_is_that_of_openssl() -> None:
    """MD5 and SHA-1 over halves that share the middle byte of an odd secret."""
    even = schedule.prf(schedule.TLS10, "SHA256", b"secret", b"label", b"seed", 40)
    assert even == schedule.prf(schedule.DTLS10, "SHA384", b"secret", b"label", b"seed", 40)
    odd = schedule.prf(schedule.TLS11, "", b"secre", b"label", b"seed", 40)
    assert len(odd) == 40
    assert odd != even


@pytest.mark.parametrize(
    ("version", "ciphers", "options"),
    [
        (ssl.TLSVersion.TLSv1, "AES128-SHA", 0),
        (ssl.TLSVersion.TLSv1_1, "AES128-SHA", NO_ENCRYPT_THEN_MAC),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA256", 0),
        (ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384", 0),
    ],
)
def test_a_whole_connection_by_private_key(tmp_path: Path, version: ssl.TLSVersion, ciphers: str, options: int) -> None:
    """RSA key exchange: from the encrypted premaster secret to the master secret and both Finished messages."""
    client, server, keys = talk(tmp_path, version, ciphers, options)
    walk = Walk(client, server, keys)
    assert walk.done
    made, random = walk.negotiated(0), bytes(32)
    assert made is not None
    hash_name = "SHA384" if "SHA384" in ciphers else "SHA256"
    exchange = next(message for message in walk.client.told if message[0] == 16)
    premaster = schedule.premaster_by_private_key(rsa_key(), exchange[4:], made[0].version)
    assert premaster is not None
    assert premaster == schedule.premaster_by_private_key(rsa_key(), exchange[6:], made[0].version)
    at_exchange = walk.client.told.index(exchange) + 1
    flight = [message for message in walk.server.told if message[0] in (2, 11, 12, 13, 14)]
    so_far = walk.client.told[0] + b"".join(flight) + b"".join(walk.client.told[1:at_exchange])
    assert EXTENDED_MASTER_SECRET in made[1].extensions
    master = schedule.master_secret(
        made[1].version,
        hash_name,
        premaster,
        made[0].random,
        made[1].random,
        schedule.session_hash(made[1].version, hash_name, so_far),
    )
    assert master == keys[made[0].random]["CLIENT_RANDOM"]
    assert master != schedule.master_secret(made[1].version, hash_name, premaster, random, random)
    by_client = schedule.finished12(made[1].version, hash_name, master, True, so_far)
    finished = walk.client.told[at_exchange]
    assert finished[4:] == by_client
    tickets = b"".join(message for message in walk.server.told if message[0] == 4)
    by_server = schedule.finished12(made[1].version, hash_name, master, False, so_far + finished + tickets)
    assert walk.server.told[-1][4:] == by_server


def test_ssl_3() -> None:
    """RFC 6101 §6.1, written out."""
    pre, one, two = bytes(range(48)), b"c" * 32, b"s" * 32
    expected = b"".join(
        hashlib.md5(pre + hashlib.sha1(salt + pre + one + two).digest()).digest() for salt in (b"A", b"BB", b"CCC")
    )
    master = schedule.master_secret(schedule.SSL30, "SHA256", pre, one, two)
    assert master == expected
    block = schedule.key_block(schedule.SSL30, "SHA256", master, one, two, 104)
    assert block[:16] == hashlib.md5(master + hashlib.sha1(b"A" + master + two + one).digest()).digest()
    assert len(block) == 104
    said = b"all messages"
    inner = hashlib.md5(said + b"CLNT" + master + b"\x36" * 48).digest()
    finished = schedule.finished12(schedule.SSL30, "", master, True, said)
    assert finished[:16] == hashlib.md5(master + b"\x5c" * 48 + inner).digest()
    assert len(finished) == 36


# Private keys


def sealed(premaster: bytes) -> bytes:
    return rsa_key().public_key().encrypt(premaster, PKCS1v15())


def test_premaster_by_private_key() -> None:
    premaster = b"\x03\x03" + bytes(46)
    assert schedule.premaster_by_private_key(rsa_key(), sealed(premaster), 0x0303) == premaster
    assert schedule.premaster_by_private_key(rsa_key(), sealed(premaster), 0xFEFD) is None
    assert schedule.premaster_by_private_key(rsa_key(), sealed(premaster[:47]), 0x0303) is None
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert schedule.premaster_by_private_key(other, sealed(premaster), 0x0303) != premaster
    larger = (rsa_key().public_key().public_numbers().n + 1).to_bytes(256, "big")
    assert schedule.premaster_by_private_key(rsa_key(), larger, 0x0303) is None


@given(st.binary(max_size=300) | st.binary(min_size=256, max_size=256))
def test_any_bytes_for_a_premaster(data: bytes) -> None:
    found = schedule.premaster_by_private_key(rsa_key(), data, 0x0303)
    assert found is None or len(found) == 48


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat, password: bytes = b"") -> bytes:
    return key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(password) if password else NoEncryption())


def numbers(keys: list[rsa.RSAPrivateKey]) -> list[int]:
    return [key.private_numbers().p for key in keys]


def test_private_keys_of_pem() -> None:
    second = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    both = [rsa_key().private_numbers().p, second.private_numbers().p]
    elliptic = ec.generate_private_key(ec.SECP256R1())
    text = (
        b"some words\n"
        + pem(rsa_key(), PrivateFormat.TraditionalOpenSSL)
        + pem(elliptic, PrivateFormat.PKCS8)
        + b"-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n"
        + pem(second, PrivateFormat.PKCS8, b"word")
    )
    assert numbers(schedule.private_keys(text)) == both[:1]
    assert numbers(schedule.private_keys(text, b"word")) == both
    assert numbers(schedule.private_keys(text, b"other word")) == both[:1]
    assert numbers(schedule.private_keys(certified("rsa"))) == both[:1]
    assert schedule.private_keys(certified("ecdsa")) == []


def test_private_keys_of_der_and_pkcs12() -> None:
    prime = rsa_key().private_numbers().p
    for form in (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8):
        assert numbers(schedule.private_keys(rsa_key().private_bytes(Encoding.DER, form, NoEncryption()))) == [prime]
    protected = pkcs12.serialize_key_and_certificates(b"n", rsa_key(), None, None, BestAvailableEncryption(b"word"))
    assert numbers(schedule.private_keys(protected, b"word")) == [prime]
    assert schedule.private_keys(protected) == []
    open_box = pkcs12.serialize_key_and_certificates(b"n", rsa_key(), None, None, NoEncryption())
    assert numbers(schedule.private_keys(open_box)) == [prime]
    assert numbers(schedule.private_keys(open_box, b"")) == [prime]


@given(st.binary(max_size=200))
def test_any_bytes_for_a_key_file(data: bytes) -> None:
    assert schedule.private_keys(data) == []


def test_the_identity_of_a_key_is_that_of_its_certificate() -> None:
    certificate = x509.load_pem_x509_certificate(certified("rsa"))
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert schedule.key_identity(rsa_key()) == schedule.key_identity(public)
    assert len(schedule.key_identity(public)) == 32
