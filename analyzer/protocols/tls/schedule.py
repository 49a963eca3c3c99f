"""From secrets to keys, for all versions, and the one secret that a server's private key opens.

The key schedules are those of TLS 1.3 (RFC 9846 §7), TLS 1.0 to 1.2 (RFC 5246 §5, §6.3, §8.1; RFC 2246 §5) and SSL 3.0
(RFC 6101 §6); the private key is that of an RSA key exchange (RFC 5246 §7.4.7.1).

Versions are those of the wire; DTLS 1.0 and 1.2 stand for the TLS 1.1 and 1.2 that they are made of.  Hashes are named
as cipher suites name them ("SHA256").
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from analyzer.protocols.tls.suites import HASH_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

SSL30: Final = 0x0300
TLS10: Final = 0x0301
TLS11: Final = 0x0302
TLS12: Final = 0x0303
DTLS10: Final = 0xFEFF
DTLS12: Final = 0xFEFD

TLS13_PREFIX: Final = "tls13 "  # RFC 9846 §7.1
DRAFT13_PREFIX: Final = "TLS 1.3, "  # of the drafts before 20
DTLS13_PREFIX: Final = "dtls13"  # RFC 9147 §5.9

MASTER_BYTES: Final = 48
FINISHED_BYTES: Final = 12
FINISHED_LABELS: Final = {True: b"client finished", False: b"server finished"}
FINISHED_SENDERS: Final = {True: b"CLNT", False: b"SRVR"}  # SSL 3.0


def as_tls(version: int) -> int:
    """The TLS version whose cryptography a version uses."""
    return {DTLS10: TLS11, DTLS12: TLS12}.get(version, version)


# TLS 1.3


def hkdf_extract(hash_name: str, salt: bytes, secret: bytes) -> bytes:
    """RFC 5869 §2.2."""
    return hmac.digest(salt, secret, hash_name)


def hkdf_expand_label(
    hash_name: str, secret: bytes, label: str, context: bytes, length: int, prefix: str = TLS13_PREFIX
) -> bytes:
    """`length` bytes (at most 255 hashes) for a label; `context` is usually empty or a transcript's hash.  §7.1."""
    full = (prefix + label).encode()
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + bytes((len(context),)) + context
    block, blocks = b"", b""
    for count in range(1, -(-length // HASH_BYTES[hash_name]) + 1):
        block = hmac.digest(secret, block + info + bytes((count,)), hash_name)
        blocks += block
    return blocks[:length]


def traffic_keys(
    hash_name: str, secret: bytes, key_bytes: int, iv_bytes: int, prefix: str = TLS13_PREFIX
) -> tuple[bytes, bytes]:
    """Key and IV of a traffic secret, §7.3."""
    return (
        hkdf_expand_label(hash_name, secret, "key", b"", key_bytes, prefix),
        hkdf_expand_label(hash_name, secret, "iv", b"", iv_bytes, prefix),
    )


def next_traffic_secret(hash_name: str, secret: bytes, prefix: str = TLS13_PREFIX) -> bytes:
    """The secret after a key update, §7.2."""
    label = "application traffic secret" if prefix == DRAFT13_PREFIX else "traffic upd"
    return hkdf_expand_label(hash_name, secret, label, b"", len(secret), prefix)


def finished13(hash_name: str, secret: bytes, transcript: bytes, prefix: str = TLS13_PREFIX) -> bytes:
    """The verify_data of a Finished, §4.5.3: `secret` is the sender's handshake traffic secret, `transcript` a hash."""
    key = hkdf_expand_label(hash_name, secret, "finished", b"", len(secret), prefix)
    return hmac.digest(key, transcript, hash_name)


# TLS 1.0 to 1.2


def _p_hash(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash, RFC 5246 §5."""
    chain, found = seed, b""
    for _ in range(-(-length // HASH_BYTES[hash_name])):
        chain = hmac.digest(secret, chain, hash_name)
        found += hmac.digest(secret, chain + seed, hash_name)
    return found[:length]


def prf(version: int, hash_name: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function; before TLS 1.2 of MD5 and SHA-1 whatever `hash_name` says (RFC 2246 §5)."""
    if as_tls(version) >= TLS12:
        return _p_hash(hash_name, secret, label + seed, length)
    half = (len(secret) + 1) // 2
    one = _p_hash("MD5", secret[:half], label + seed, length)
    two = _p_hash("SHA1", secret[len(secret) - half :], label + seed, length)
    return (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).to_bytes(length, "big")


def _ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """SSL 3.0's way to stretch a secret, RFC 6101 §6.1 and §6.2.2."""
    found = b""
    for count in range(1, length // 16 + 2):
        salt = bytes((64 + count,)) * count  # "A", "BB", "CCC"
        found += _md5(secret + _sha1(salt + secret + seed))
    return found[:length]


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def session_hash(version: int, hash_name: str, messages: bytes) -> bytes:
    """The hash of handshake messages, as Finished and the extended master secret take it (RFC 7627 §3)."""
    if as_tls(version) >= TLS12:
        return hashlib.new(hash_name, messages).digest()
    return _md5(messages) + _sha1(messages)


def master_secret(
    version: int,
    hash_name: str,
    premaster: bytes,
    client_random: bytes,
    server_random: bytes,
    session_hash: bytes | None = None,
) -> bytes:
    """The 48 bytes that all keys come from, RFC 5246 §8.1.

    `session_hash` is given where both sides agreed on extended_master_secret: of all messages up to and with
    ClientKeyExchange (RFC 7627 §4).
    """
    if session_hash is not None:
        return prf(version, hash_name, premaster, b"extended master secret", session_hash, MASTER_BYTES)
    if version == SSL30:
        return _ssl3(premaster, client_random + server_random, MASTER_BYTES)
    return prf(version, hash_name, premaster, b"master secret", client_random + server_random, MASTER_BYTES)


def key_block(
    version: int, hash_name: str, master: bytes, client_random: bytes, server_random: bytes, length: int
) -> bytes:
    """`length` bytes to cut MAC keys, keys and IVs from, RFC 5246 §6.3."""
    if version == SSL30:
        return _ssl3(master, server_random + client_random, length)
    return prf(version, hash_name, master, b"key expansion", server_random + client_random, length)


def finished12(version: int, hash_name: str, master: bytes, by_client: bool, messages: bytes) -> bytes:
    """The verify_data of a Finished over all handshake messages before it: 12 bytes, 36 in SSL 3.0 (§7.4.9)."""
    if version == SSL30:  # RFC 6101 §5.6.9
        inner = messages + FINISHED_SENDERS[by_client] + master
        return _md5(master + b"\x5c" * 48 + _md5(inner + b"\x36" * 48)) + _sha1(
            master + b"\x5c" * 40 + _sha1(inner + b"\x36" * 40)
        )
    seed = session_hash(version, hash_name, messages)
    return prf(version, hash_name, master, FINISHED_LABELS[by_client], seed, FINISHED_BYTES)


# A server's private key


def premaster_by_private_key(key: RSAPrivateKey, encrypted: bytes, client_version: int) -> bytes | None:
    """The premaster secret of an RSA key exchange; None if this is not the key for it.

    `encrypted` is what ClientKeyExchange carries, with its length (TLS) or without (SSL 3.0).  `client_version` is the
    one of the ClientHello.  A wrong key gives None, or once in many thousand times 48 bytes that open nothing, as
    libraries answer bad padding with random bytes.
    """
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    size = (key.key_size + 7) // 8
    if len(encrypted) == size + 2 and int.from_bytes(encrypted[:2], "big") == size:
        encrypted = encrypted[2:]
    if len(encrypted) != size:
        return None
    try:
        found = key.decrypt(encrypted, PKCS1v15())
    except (ValueError, UnsupportedAlgorithm, InternalError):
        return None
    # The minor version is not compared: some clients put the negotiated one here.  RFC 5246 §7.4.7.1
    return found if len(found) == MASTER_BYTES and found[0] == client_version >> 8 else None


_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def private_keys(data: bytes, password: bytes | None = None) -> list[RSAPrivateKey]:
    """The RSA keys in a file: PEM with one or more, DER, or PKCS#12; empty if there are none, or the password is wrong.

    Other keys are left out: they open no recording.
    """
    blocks = [match.group() for match in _PEM.finditer(data)]
    keys = [_private_key(block, password, bool(blocks)) for block in blocks or [data]]
    return [key for key in keys if key is not None]


def _private_key(data: bytes, password: bytes | None, pem: bool) -> RSAPrivateKey | None:
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

    for way in ("pem",) if pem else ("der", "pkcs12"):
        for word in (None, b"") if password is None else (password, None):
            key: object = None
            try:
                if way == "pem":
                    key = load_pem_private_key(data, word)
                elif way == "der":
                    key = load_der_private_key(data, word)
                else:
                    key = pkcs12.load_key_and_certificates(data, word)[0]
            except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
                continue  # another form, another password, or a key that this library does not take
            return key if isinstance(key, RSAPrivateKey) else None
    return None


def key_identity(key: RSAPrivateKey | RSAPublicKey) -> bytes:
    """SHA-256 of the key's SubjectPublicKeyInfo: the same for a private key and the certificate of its public key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
