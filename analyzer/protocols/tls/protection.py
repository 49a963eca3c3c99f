"""Protected records opened, one `Opener` for a direction and its keys (RFC 9846 §5.2, RFC 5246 §6.2.3, RFC 6101 §5.2.3).

What comes out was verified: by the tag of an AEAD, or by the MAC.  What can't be verified is `Undecryptable`, and
leaves the opener as it was, ready for another record; only where a keystream has no way back is it `broken` then.

The constructors are `opener13` and `openers12`.  All that takes a sequence number takes DTLS's 64 bits of epoch and
number too (RFC 6347 §4.1.2.1).
"""

from __future__ import annotations

import hashlib
import hmac
import warnings
import zlib
from contextlib import suppress
from importlib import import_module
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from analyzer.protocols.tls import schedule
from analyzer.protocols.tls.schedule import SSL30, TLS10, TLS11, TLS12, TLS13_PREFIX
from analyzer.protocols.tls.suites import HASH_BYTES

if TYPE_CHECKING:
    from analyzer.protocols.tls.suites import Suite

MAX_PLAINTEXT_BYTES: Final = 1 << 14  # RFC 9846 §5.1
MAX_COMPRESSED_BYTES: Final = MAX_PLAINTEXT_BYTES + 1024  # RFC 5246 §6.2.2
MAX_FRAGMENT13_BYTES: Final = MAX_PLAINTEXT_BYTES + 256  # RFC 9846 §5.2
MAX_FRAGMENT12_BYTES: Final = MAX_PLAINTEXT_BYTES + 2048  # RFC 5246 §6.2.3
MAX_SEQUENCE: Final = (1 << 64) - 1
MAX_TRIALS: Final = 1024  # of sequence numbers for one record
APPLICATION_DATA: Final = 23
TRUNCATED_MAC_BYTES: Final = 10  # RFC 6066 §7
NO_COMPRESSION: Final = 0
DEFLATE: Final = 1  # RFC 3749 §2.1

_HEADER: Final = Struct("!BHH")
_NUMBERED: Final = Struct("!QBHH")
_NUMBERED_SSL3: Final = Struct("!QBH")


class Undecryptable(Exception):  # noqa: N818 - it is what the record is
    """A record (or a suite) that can't be opened, and why."""


def xored_nonce(iv: int, sequence: int, size: int = 12) -> bytes:
    """The IV, as a number, with the sequence number added into its end by xor: RFC 9846 §5.3, RFC 7905 §2."""
    return (iv ^ sequence).to_bytes(size, "big")


def header13(content_type: int, version: int, length: int) -> bytes:
    """What TLS 1.3 authenticates besides the text: the header of the record as received, RFC 9846 §5.2."""
    return _HEADER.pack(content_type, version, length)


def header12(sequence: int, content_type: int, version: int, length: int) -> bytes:
    """What TLS up to 1.2 authenticates besides the text, RFC 5246 §6.2.3.1 and §6.2.3.3; `length` is the text's."""
    return _NUMBERED.pack(sequence, content_type, version, length)


class Opener:
    """Opens the records of one direction under one set of keys, in their order.

    `sequence` is the number of the record expected next.  `resumable` tells whether later records can be opened after
    some are missing (`skip`).  `broken` tells that no record can be opened any more.
    """

    def __init__(self) -> None:
        self.sequence: int = 0
        self.resumable: bool = True
        self.broken: bool = False
        self.inflate: Any = None
        self.max_bytes: int = MAX_PLAINTEXT_BYTES

    def open(self, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """Content type and plaintext of the next record; the type is the inner one in TLS 1.3.

        `content_type` and `version` are those of the record's header.  Raises `Undecryptable`.
        """
        if self.broken:
            raise Undecryptable("records before it are missing, and without them no later one can be read")
        opened = self.open_at(self.sequence, content_type, version, fragment)
        self.sequence += 1
        return opened if self.inflate is None else (opened[0], self._inflated(opened[1]))

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """The same for any sequence number, which is not counted: for datagrams, and to try numbers."""
        raise NotImplementedError

    def skip(self, count: int = 1, last: bytes = b"") -> None:
        """Pass over records that are missing.

        `last` is the fragment of the last one, or its end, where it is known: CBC before TLS 1.1 needs its last block
        for the next record.  Without it that record stays closed, and is what to skip to open the one after it.
        """
        if count > 0:
            self.sequence = min(self.sequence + count, MAX_SEQUENCE)
            if not self.resumable:
                self.broken = True

    def resync(self, content_type: int, version: int, fragment: bytes, most: int = 64) -> tuple[int, bytes] | None:
        """Open a record after an unknown number of missing ones, trying the next `most` sequence numbers.

        None if none of them fits.  Afterwards `sequence` is the number after the one that did.
        """
        if self.broken or not self.resumable:
            return None
        first = self.sequence
        numbers = list(range(first, min(first + min(most, MAX_TRIALS), MAX_SEQUENCE)))
        guess = self.guess(fragment)
        if guess > first:
            numbers.insert(0, guess)
        for number in numbers:
            try:
                opened = self.open_at(number, content_type, version, fragment)
            except Undecryptable:
                continue
            self.sequence = number + 1
            return opened
        return None

    def guess(self, fragment: bytes) -> int:
        """The likely sequence number of a record; -1 if it shows none."""
        return -1

    def next(self) -> Opener:
        """The opener after a key update, RFC 9846 §4.7.3; only TLS 1.3 has it."""
        raise Undecryptable("only TLS 1.3 updates keys")

    def _inflated(self, compressed: bytes) -> bytes:
        """The text of a compressed record; the history is that of all records, RFC 3749 §2.1."""
        try:
            text: bytes = self.inflate.decompress(compressed, MAX_PLAINTEXT_BYTES + 1)
        except zlib.error:
            self.broken = True
            raise Undecryptable("the record is not DEFLATE (RFC 3749)") from None
        if len(text) > MAX_PLAINTEXT_BYTES:
            self.broken = True
            raise Undecryptable(f"more than {MAX_PLAINTEXT_BYTES} bytes once decompressed (RFC 5246 §6.2.2)")
        return text


class Opener13(Opener):
    """TLS 1.3: an AEAD whose nonce is made of the sequence number, and the content type inside."""

    def __init__(self, suite: Suite, secret: bytes, prefix: str, authenticates_header: bool) -> None:
        super().__init__()
        self.suite: Suite = suite
        self.secret: bytes = secret
        self.prefix: str = prefix
        self.authenticates_header: bool = authenticates_header
        key, iv = schedule.traffic_keys(suite.prf_hash, secret, suite.key_bytes, suite.fixed_iv_bytes, prefix)
        self.aead: Any = _aead(suite, key)
        self.wrong: type[Exception] = _wrong()
        self.iv: int = int.from_bytes(iv, "big")
        self.tag_bytes: int = suite.tag_bytes

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        if content_type != APPLICATION_DATA:
            raise Undecryptable(f"records of type {content_type} are never encrypted in TLS 1.3 (RFC 9846 §5.2)")
        length = len(fragment)
        if length > MAX_FRAGMENT13_BYTES:
            raise Undecryptable(f"{length} bytes, at most {MAX_FRAGMENT13_BYTES} (RFC 9846 §5.2)")
        header = header13(content_type, version, length) if self.authenticates_header else b""
        return self.inner(self.opened(sequence, header, fragment))

    def opened(self, sequence: int, header: bytes, fragment: bytes) -> bytes:
        """The text with its content type and padding; `header` is what is authenticated beside it."""
        if len(fragment) <= self.tag_bytes:
            raise Undecryptable(f"{len(fragment)} bytes are too few for a record")
        try:
            text: bytes = self.aead.decrypt(xored_nonce(self.iv, sequence), fragment, header)
        except self.wrong:
            raise Undecryptable("the tag does not fit: other keys, a missing record, or changed bytes") from None
        return text

    def inner(self, text: bytes) -> tuple[int, bytes]:
        """Content type and content of TLSInnerPlaintext, RFC 9846 §5.4."""
        text = text.rstrip(b"\0")
        if not text:
            raise Undecryptable("nothing but padding (RFC 9846 §5.4)")
        if len(text) > MAX_PLAINTEXT_BYTES + 1:
            raise Undecryptable(f"more than {MAX_PLAINTEXT_BYTES} bytes (RFC 9846 §5.4)")
        return text[-1], text[:-1]

    def next(self) -> Opener13:
        secret = schedule.next_traffic_secret(self.suite.prf_hash, self.secret, self.prefix)
        return Opener13(self.suite, secret, self.prefix, self.authenticates_header)


class AeadOpener(Opener):
    """TLS 1.2 with an AEAD: RFC 5246 §6.2.3.3, RFC 5288 §3, RFC 6655 §3, RFC 7905 §2."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        super().__init__()
        self.aead: Any = _aead(suite, key)
        self.wrong: type[Exception] = _wrong()
        self.salt: bytes = iv
        self.iv: int = int.from_bytes(iv, "big")
        self.explicit_bytes: int = suite.explicit_nonce_bytes
        self.extra_bytes: int = suite.explicit_nonce_bytes + suite.tag_bytes
        self.ahead: int = 0  # of the last explicit nonce, which most count up, before its sequence number

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        length = len(fragment) - self.extra_bytes
        if length < 0:
            raise Undecryptable(f"{len(fragment)} bytes are too few for a record")
        if length > self.max_bytes:
            raise Undecryptable(f"{length} bytes, at most {self.max_bytes} (RFC 5246 §6.2.3)")
        explicit = self.explicit_bytes
        if explicit:
            nonce, sealed = self.salt + fragment[:explicit], fragment[explicit:]
        else:
            nonce, sealed = xored_nonce(self.iv, sequence), fragment
        try:
            text: bytes = self.aead.decrypt(nonce, sealed, header12(sequence, content_type, version, length))
        except self.wrong:
            raise Undecryptable("the tag does not fit: other keys, a missing record, or changed bytes") from None
        if explicit:
            self.ahead = int.from_bytes(fragment[:explicit], "big") - sequence
        return content_type, text

    def guess(self, fragment: bytes) -> int:
        if not self.explicit_bytes:
            return -1
        return (int.from_bytes(fragment[: self.explicit_bytes], "big") - self.ahead) & MAX_SEQUENCE


class Mac:
    """The MAC of suites that are no AEADs: RFC 5246 §6.2.3.1, RFC 6101 §5.2.3.1, RFC 6066 §7."""

    def __init__(self, version: int, hash_name: str, key: bytes, truncated: bool) -> None:
        self.ssl3: bool = version == SSL30
        self.hash_name: str = hash_name
        self.key: bytes = key
        self.size: int = HASH_BYTES[hash_name]
        if truncated and not self.ssl3:
            self.size = TRUNCATED_MAC_BYTES
        self.of(0, 0, 0, b"")  # raises ValueError where MD5 is not allowed

    def of(self, sequence: int, content_type: int, version: int, text: bytes) -> bytes:
        if self.ssl3:
            pad_bytes = 48 if self.hash_name == "MD5" else 40
            numbered = _NUMBERED_SSL3.pack(sequence, content_type, len(text)) + text
            inner = hashlib.new(self.hash_name, self.key + b"\x36" * pad_bytes + numbered, usedforsecurity=False)
            outer = self.key + b"\x5c" * pad_bytes + inner.digest()
            return hashlib.new(self.hash_name, outer, usedforsecurity=False).digest()
        header = header12(sequence, content_type, version, len(text))
        return hmac.digest(self.key, header + text, self.hash_name)[: self.size]

    def verify(self, sequence: int, content_type: int, version: int, text: bytes, mac: bytes) -> None:
        if mac != self.of(sequence, content_type, version, text):
            raise Undecryptable("the MAC does not fit: other keys, a missing record, or changed bytes")


class StreamOpener(Opener):
    """RC4, or no encryption at all; then `decryptor` is None.  RFC 5246 §6.2.3.1."""

    def __init__(self, suite: Suite, key: bytes, mac: Mac) -> None:
        super().__init__()
        self.mac: Mac = mac
        self.decryptor: Any = None
        if suite.kind == "stream":
            self.decryptor = _decryptor(suite.cipher, key, b"")
            self.resumable = False

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        length = len(fragment) - self.mac.size
        if length < 0:
            raise Undecryptable(f"{len(fragment)} bytes are too few for a record")
        if length > self.max_bytes:
            raise Undecryptable(f"{length} bytes, at most {self.max_bytes} (RFC 5246 §6.2.3)")
        text = fragment
        if self.decryptor is not None:
            text = self.decryptor.update(fragment)
            self.broken = True  # until it is known that the keystream was in step
        self.mac.verify(sequence, content_type, version, text[:length], text[length:])
        self.broken = False
        return content_type, text[:length]


class BlockOpener(Opener):
    """CBC: MAC then encrypt (RFC 5246 §6.2.3.2) or encrypt then MAC (RFC 7366 §3).

    `chain` is the block before the next record's first: up to TLS 1.0 the last one of the record before (RFC 2246
    §6.2.3.2), unknown where that is missing; later each record brings its own.
    """

    def __init__(self, version: int, suite: Suite, key: bytes, iv: bytes, mac: Mac, encrypt_then_mac: bool) -> None:
        super().__init__()
        self.mac: Mac = mac
        self.block_bytes: int = suite.block_bytes
        self.encrypt_then_mac: bool = encrypt_then_mac
        self.explicit_iv: bool = version >= TLS11
        self.ssl3: bool = version == SSL30
        self.chain: bytes | None = iv
        # One decryptor for all records: the block before a text goes through it too, and what comes out for it is
        # dropped.  So it need not be in step, and costs nothing to set up.
        self.decryptor: Any = _decryptor(suite.cipher, key, bytes(suite.block_bytes))

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        block, mac_bytes = self.block_bytes, self.mac.size
        if len(fragment) > MAX_FRAGMENT12_BYTES:
            raise Undecryptable(f"{len(fragment)} bytes, at most {MAX_FRAGMENT12_BYTES} (RFC 5246 §6.2.3)")
        sealed, mac = fragment, b""
        if self.encrypt_then_mac:
            sealed, mac = fragment[:-mac_bytes], fragment[-mac_bytes:]
            if len(mac) == mac_bytes:
                self.mac.verify(sequence, content_type, version, sealed, mac)
        least = block * (1 + self.explicit_iv)
        if len(sealed) < least or len(sealed) % block:
            raise Undecryptable(f"{len(fragment)} bytes are not whole blocks of a record")
        if self.explicit_iv:
            text: bytes = self.decryptor.update(sealed)[block:]
        elif self.chain is None:
            raise Undecryptable("the record before it is missing, whose last block is needed (RFC 2246 §6.2.3.2)")
        else:
            text = self.decryptor.update(self.chain + sealed)[block:]
        padding_bytes = text[-1] + 1
        length = len(text) - padding_bytes - (0 if self.encrypt_then_mac else mac_bytes)
        if length < 0 or not self._padded(text, padding_bytes):
            raise Undecryptable("the padding does not fit: other keys, or changed bytes")
        if not self.encrypt_then_mac:
            self.mac.verify(sequence, content_type, version, text[:length], text[length : length + mac_bytes])
        if length > self.max_bytes:
            raise Undecryptable(f"{length} bytes, at most {self.max_bytes} (RFC 5246 §6.2.3)")
        if not self.explicit_iv:
            self.chain = sealed[-block:]
        return content_type, text[:length]

    def _padded(self, text: bytes, padding_bytes: int) -> bool:
        if self.ssl3:  # any bytes, but no more than needed, RFC 6101 §5.2.3.2
            return padding_bytes <= self.block_bytes
        return text.endswith(bytes((padding_bytes - 1,)) * padding_bytes)

    def skip(self, count: int = 1, last: bytes = b"") -> None:
        super().skip(count, last)
        if count > 0 and not self.explicit_iv:
            end = len(last) - (self.mac.size if self.encrypt_then_mac else 0)
            block = last[max(end - self.block_bytes, 0) : max(end, 0)]
            self.chain = block if len(block) == self.block_bytes else None


# The library's part


class _Gcm:
    """GCM of a cipher that the library has no AEAD class for, with the same `decrypt`."""

    def __init__(self, algorithm: Any) -> None:
        self.algorithm: Any = algorithm

    def decrypt(self, nonce: bytes, data: bytes, header: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        decryptor = Cipher(self.algorithm, modes.GCM(nonce, data[-16:])).decryptor()
        decryptor.authenticate_additional_data(header)
        return decryptor.update(data[:-16]) + decryptor.finalize()


def _wrong() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


def _aead(suite: Suite, key: bytes) -> Any:
    """An object with `decrypt(nonce, data, header)` that raises `_wrong()`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

    try:
        if suite.cipher in ("AES_128_GCM", "AES_256_GCM"):
            return aead.AESGCM(key)
        if suite.cipher == "CHACHA20_POLY1305":
            return aead.ChaCha20Poly1305(key)
        if suite.cipher.startswith("AES_") and "_CCM" in suite.cipher:
            return aead.AESCCM(key, tag_length=suite.tag_bytes)
        if suite.cipher == "SM4_GCM":
            Cipher(algorithms.SM4(key), modes.GCM(bytes(12))).decryptor()
            return _Gcm(algorithms.SM4(key))
    except UnsupportedAlgorithm:
        raise Undecryptable(f"the cryptographic library here has no {suite.cipher}") from None
    raise Undecryptable(f"{suite.cipher} can't be opened")


#: Ciphers that come as one class of the library with keys of several sizes.
_CLASSES: Final = {
    "AES_128_CBC": "AES",
    "AES_256_CBC": "AES",
    "CAMELLIA_128_CBC": "Camellia",
    "CAMELLIA_256_CBC": "Camellia",
    "SEED_CBC": "SEED",
    "IDEA_CBC": "IDEA",
    "3DES_EDE_CBC": "TripleDES",
    "DES_CBC": "TripleDES",
    "RC4_128": "ARC4",
}


def _algorithm(name: str) -> Any:
    """A class of the library, which moves old ciphers to another module with time; None if it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that old ciphers are old
        for module in ("cryptography.hazmat.decrepit.ciphers", "cryptography.hazmat.primitives.ciphers"):
            with suppress(ImportError):
                found = getattr(import_module(f"{module}.algorithms"), name, None)
                if found is not None:
                    return found
    return None


def _decryptor(cipher: str, key: bytes, iv: bytes) -> Any:
    """An object with `update(data)`: CBC where there is an IV, else a stream."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    made = _algorithm(_CLASSES[cipher])
    if cipher == "DES_CBC":
        key = key * 3  # three times the same key is DES
    try:
        return Cipher(made(key), modes.CBC(iv) if iv else None).decryptor()
    except (UnsupportedAlgorithm, TypeError):
        raise Undecryptable(f"the cryptographic library here has no {cipher}") from None


# Constructors


def opener13(suite: Suite, secret: bytes, *, prefix: str = TLS13_PREFIX, aad: bool = True) -> Opener13:
    """For one traffic secret of TLS 1.3; raises `Undecryptable` for suites that can't be opened.

    `prefix` is that of labels: DTLS 1.3 and early drafts have others.  `aad` is False for drafts before 25, which did
    not authenticate the header.
    """
    if not suite.version13 or not suite.supported:
        raise Undecryptable(f"{suite.name} can't be opened in TLS 1.3")
    if len(secret) != HASH_BYTES[suite.prf_hash]:
        raise Undecryptable(f"a secret of {len(secret)} bytes does not belong to {suite.name}")
    try:
        return Opener13(suite, secret, prefix, aad)
    except ValueError:
        raise Undecryptable(f"there is no {suite.prf_hash} here") from None


def openers12(
    version: int,
    suite: Suite,
    master_secret: bytes,
    client_random: bytes,
    server_random: bytes,
    *,
    encrypt_then_mac: bool = False,
    truncated_hmac: bool = False,
    compression: int = NO_COMPRESSION,
) -> tuple[Opener, Opener]:
    """For what the client and what the server sends, SSL 3.0 to TLS 1.2; raises `Undecryptable` as `opener13`.

    `version` is the negotiated one.  The extensions count where both sides agreed on them.
    """
    tls = schedule.as_tls(version)
    if suite.version13 or not suite.supported or not SSL30 <= tls <= TLS12 or (suite.kind == "aead" and tls < TLS12):
        raise Undecryptable(f"{suite.name} can't be opened in version {version:#06x}")
    if len(master_secret) != schedule.MASTER_BYTES:
        raise Undecryptable(f"a master secret of {len(master_secret)} bytes, not {schedule.MASTER_BYTES}")
    if compression not in (NO_COMPRESSION, DEFLATE):
        raise Undecryptable(f"compression method {compression} is not known")
    try:
        return _openers12(
            tls, suite, master_secret, client_random, server_random, encrypt_then_mac, truncated_hmac, compression
        )
    except ValueError:
        raise Undecryptable(f"a hash that {suite.name} needs is not allowed here") from None


def _openers12(
    tls: int,
    suite: Suite,
    master: bytes,
    client_random: bytes,
    server_random: bytes,
    encrypt_then_mac: bool,
    truncated_hmac: bool,
    compression: int,
) -> tuple[Opener, Opener]:
    iv_bytes = suite.fixed_iv_bytes if tls > TLS10 else suite.block_bytes
    sizes = (suite.mac_bytes, suite.mac_bytes, suite.key_bytes, suite.key_bytes, iv_bytes, iv_bytes)
    block = schedule.key_block(tls, suite.prf_hash, master, client_random, server_random, sum(sizes))
    parts = []
    start = 0
    for size in sizes:
        parts.append(block[start : start + size])
        start += size
    openers: list[Opener] = []
    for side in (0, 1):
        mac_key, key, iv = parts[side], parts[2 + side], parts[4 + side]
        opener: Opener
        if suite.kind == "aead":
            opener = AeadOpener(suite, key, iv)
        else:
            mac = Mac(tls, suite.mac, mac_key, truncated_hmac)
            if suite.kind == "block":
                opener = BlockOpener(tls, suite, key, iv, mac, encrypt_then_mac)
            else:
                opener = StreamOpener(suite, key, mac)
        if compression == DEFLATE:
            opener.inflate = zlib.decompressobj()
            opener.max_bytes = MAX_COMPRESSED_BYTES
            opener.resumable = False
        openers.append(opener)
    return openers[0], openers[1]
