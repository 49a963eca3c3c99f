"""The inner hello of an Encrypted ClientHello, opened with a key log (RFC 9849 §5, §6.1; RFC 9850 §2).

It has the secret that HPKE made (ECH_SECRET) and the configuration that the client used (ECH_CONFIG), both by the
random of the outer hello.  Where the server accepted, all other secrets go by the random of the inner one.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.tls.suites import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET_LABEL: Final = "ECH_SECRET"
CONFIG_LABEL: Final = "ECH_CONFIG"
ENCRYPTED_CLIENT_HELLO: Final = 65037
OUTER_EXTENSIONS: Final = 64768  # §5.1
OUTER: Final = 0  # ECHClientHelloType
VERSION: Final = 0xFE0D
KDFS: Final = {1: "SHA256", 2: "SHA384", 3: "SHA512"}  # RFC 9180 §7.2
KEY_BYTES: Final = {1: 16, 2: 32, 3: 32}  # of AEADs, RFC 9180 §7.3
CHACHA20: Final = 3
NONCE_BYTES: Final = 12
BASE: Final = b"\0"  # mode of HPKE
INFO: Final = b"tls ech\0"  # §6.1


def inner_hello(outer: bytes, secret: bytes, config: bytes) -> bytes | None:
    """ClientHelloInner, as both ends have it, from the first outer ClientHello (both without their 4 bytes of header).

    None where `secret` and `config` do not open it: the tag of the AEAD tells.
    """
    try:
        hello = Hello(outer)
        sealed = hello.find(ENCRYPTED_CLIENT_HELLO)
        if sealed is None:
            return None
        start, reader = sealed
        if reader.uint("type", 1) != OUTER:
            return None
        kdf, aead = reader.uint("kdf_id", 2), reader.uint("aead_id", 2)
        reader.uint("config_id", 1)
        reader.skip("enc", reader.uint("enc_length", 2))
        size = reader.uint("payload_length", 2)
        at = start + reader.at
        plain = _opened(outer, at, size, kdf, aead, kem_of(config), secret, config)
        return None if plain is None else hello.expanded(plain)
    except Malformed:
        return None


def kem_of(config: bytes) -> int:
    """The KEM of an ECHConfig, §4."""
    reader = _reader(config)
    if reader.uint("version", 2) != VERSION:
        raise Malformed("an ECHConfig of another version")
    reader.uint("length", 2)
    reader.uint("config_id", 1)
    return reader.uint("kem_id", 2)


def _opened(
    outer: bytes, at: int, size: int, kdf: int, aead: int, kem: int, secret: bytes, config: bytes
) -> bytes | None:
    """EncodedClientHelloInner; what is authenticated is the outer hello with zeros in place of the payload, §5.2."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    if kdf not in KDFS or aead not in KEY_BYTES:
        return None
    key, nonce = context(kem, kdf, aead, secret, INFO + config)
    cipher = ChaCha20Poly1305(key) if aead == CHACHA20 else AESGCM(key)
    try:
        return cipher.decrypt(nonce, outer[at : at + size], outer[:at] + bytes(size) + outer[at + size :])
    except InvalidTag:
        return None


def context(kem: int, kdf: int, aead: int, secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce of HPKE in its base mode, RFC 9180 §5.1."""
    name = KDFS[kdf]
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, kdf, aead))

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + material, name)

    def expand(label: bytes, context: bytes, size: int) -> bytes:
        told = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        assert size <= HASH_BYTES[name]
        return hmac.digest(prk, told + b"\1", name)[:size]

    schedule = BASE + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    prk = extract(secret, b"secret", b"")
    return expand(b"key", schedule, KEY_BYTES[aead]), expand(b"base_nonce", schedule, NONCE_BYTES)


class Hello:
    """The parts of an outer ClientHello: its session id, and its extensions in order."""

    def __init__(self, data: bytes) -> None:
        reader = _reader(data)
        reader.skip("legacy_version and random", 34)
        self.session_id = reader.raw("legacy_session_id", reader.uint("legacy_session_id_length", 1))
        reader.skip("cipher_suites", reader.uint("cipher_suites_length", 2))
        reader.skip("legacy_compression_methods", reader.uint("legacy_compression_methods_length", 1))
        size = reader.uint("extensions_length", 2)
        self.data = data
        self.extensions = _extensions(data, reader.at, size)

    def find(self, kind: int) -> tuple[int, Reader] | None:
        """Where the content of an extension begins, and a reader of it."""
        for one, start, stop in self.extensions:
            if one == kind:
                return start, _reader(self.data[start:stop])
        return None

    def expanded(self, encoded: bytes) -> bytes:
        """ClientHelloInner from its encoded form: session id and what the outer hello has too put back, §5.1."""
        reader = _reader(encoded)
        head = reader.raw("legacy_version and random", 34)
        reader.skip("legacy_session_id", reader.uint("legacy_session_id_length", 1))
        suites = reader.raw("cipher_suites", reader.uint("cipher_suites_length", 2))
        methods = reader.raw("legacy_compression_methods", reader.uint("legacy_compression_methods_length", 1))
        size = reader.uint("extensions_length", 2)
        parts: list[bytes] = []
        for kind, start, stop in _extensions(encoded, reader.at, size):
            if kind == OUTER_EXTENSIONS:
                parts += self._referred(encoded[start:stop])
            else:
                parts.append(encoded[start - 4 : stop])
        told = b"".join(parts)
        return b"".join(
            (
                head,
                bytes((len(self.session_id),)),
                self.session_id,
                len(suites).to_bytes(2, "big"),
                suites,
                bytes((len(methods),)),
                methods,
                len(told).to_bytes(2, "big"),
                told,
            )
        )

    def _referred(self, types: bytes) -> list[bytes]:
        """Extensions of the outer hello, each at most once and in their order there: no list makes them more."""
        reader = _reader(types)
        rest = iter(self.extensions)
        found: list[bytes] = []
        length = reader.uint("OuterExtensions_length", 1)
        for _ in range(length // 2):
            wanted = reader.uint("ExtensionType", 2)
            for kind, start, stop in rest:
                if kind == wanted:
                    found.append(self.data[start - 4 : stop])
                    break
            else:
                raise Malformed("an extension that the outer hello has not, or not in this order")
        return found


def _extensions(data: bytes, at: int, size: int) -> Sequence[tuple[int, int, int]]:
    """Type, start and stop of the content of each extension."""
    if at + size > len(data):
        raise Malformed("extensions beyond the end")
    reader = _reader(data[at : at + size])
    found: list[tuple[int, int, int]] = []
    for _ in reader.each("extension"):
        kind, length = reader.uint("extension_type", 2), reader.uint("extension_length", 2)
        start = at + reader.at
        reader.skip("extension_data", length)
        found.append((kind, start, start + length))
    return found


def _reader(data: bytes) -> Reader:
    return Reader(Piece(data, [(0, 0, 0, 0)]))
