"""The records of DTLS: their headers, and what opens them (RFC 9147 §4, RFC 6347 §4.1, RFC 9146 §4)."""

from __future__ import annotations

from typing import Any, Final

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.tls import schedule
from analyzer.protocols.tls.protection import AeadOpener, Opener, Opener13, Undecryptable, xored_nonce

HEADER_BYTES: Final = 13
MAX_FRAGMENT_BYTES: Final = (1 << 14) + 2048

# Content types, RFC 9147 §4.1.
CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24
CONNECTION_ID: Final = 25
ACK: Final = 26

#: Of the unified header, RFC 9147 §4.
UNIFIED: Final = 0x20
UNIFIED_MASK: Final = 0xE0
WITH_CID: Final = 0x10
LONG_SEQUENCE: Final = 0x08
WITH_LENGTH: Final = 0x04
EPOCH_MASK: Final = 0x03

SAMPLE_BYTES: Final = 16  # RFC 9147 §4.2.3
UNKNOWN: Final = -1  # the length of a connection id

DTLS10: Final = 0xFEFF
DTLS12: Final = 0xFEFD
DTLS_BAD: Final = 0x0100  # what OpenSSL spoke before there was an RFC, and Cisco's VPN still does
VERSIONS: Final = frozenset((DTLS10, DTLS12, DTLS_BAD))


class Record:
    """One record.  `epoch` of a unified header has two bits, and `sequence` is encrypted, and left out, there."""

    __slots__ = ("cid", "content", "epoch", "header", "kind", "sequence", "unified", "version", "whole")

    def __init__(self, whole: Piece, content: Piece, kind: int, version: int, epoch: int, sequence: int) -> None:
        self.whole = whole
        self.content = content
        self.kind = kind
        self.version = version
        self.epoch = epoch
        self.sequence = sequence
        self.cid = b""
        self.unified = False
        self.header = b""  # as on the wire, of a unified header


def read_record(reader: Reader, cid_bytes: int) -> Record:
    """Read one record of a datagram; `cid_bytes` is the length of this sender's connection ids, or `UNKNOWN`."""
    unit, start = reader.unit, reader.at
    kind = reader.uint("type", 1)
    if kind & UNIFIED_MASK == UNIFIED:
        return _unified(reader, kind, start, cid_bytes)
    if not CHANGE_CIPHER_SPEC <= kind <= ACK:
        raise Malformed(f"a record of type {kind} (RFC 9147 §4.1)")
    version = reader.uint("legacy_record_version", 2)
    if version not in VERSIONS:
        raise Malformed(f"a record of version 0x{version:04x} (RFC 9147 §4)")
    epoch = reader.uint("epoch", 2)
    sequence = reader.uint("sequence_number", 6)
    cid = b""
    if kind == CONNECTION_ID:
        cid = reader.raw("cid", guessed_cid_bytes(reader) if cid_bytes == UNKNOWN else cid_bytes)
    size = reader.uint("length", 2)
    if size > MAX_FRAGMENT_BYTES:
        raise Malformed(f"a record of {size:,} bytes, at most {MAX_FRAGMENT_BYTES:,} (RFC 9147 §4)")
    content = reader.piece("fragment", size)
    record = Record(unit.cut(start, reader.at), content, kind, version, epoch, sequence)
    record.cid = cid
    return record


def _unified(reader: Reader, first: int, start: int, cid_bytes: int) -> Record:
    cid = b""
    if first & WITH_CID and cid_bytes != UNKNOWN:
        cid = reader.raw("cid", cid_bytes)
    reader.skip("sequence_number", 2 if first & LONG_SEQUENCE else 1)
    size = reader.uint("length", 2) if first & WITH_LENGTH else reader.left
    header = bytes(reader.unit.cut(start, reader.at))
    if first & WITH_CID and cid_bytes == UNKNOWN:
        size = reader.left  # nobody knows where its fields are
    content = reader.piece("encrypted_record", size)
    record = Record(reader.unit.cut(start, reader.at), content, APPLICATION_DATA, 0, first & EPOCH_MASK, 0)
    record.unified = True
    record.header = header
    record.cid = cid
    return record


def guessed_cid_bytes(reader: Reader) -> int:
    """The length of a connection id that nobody told: such that the record ends with the datagram, if it can be."""
    rest = reader.peek(reader.left)
    for size in range(min(len(rest) - 1, 256)):
        if int.from_bytes(rest[size : size + 2], "big") == len(rest) - size - 2:
            return size
    raise Malformed("a connection id of unknown length (RFC 9146 §4)")


# --- opening ----------------------------------------------------------------------------------------------------------


def open12(opener: Opener, record: Record) -> tuple[int, bytes]:
    """Content type and plaintext of a record of DTLS 1.0 or 1.2; raises Undecryptable."""
    fragment = bytes(record.content)
    sequence = record.epoch << 48 | record.sequence
    if opener.inflate is not None or opener.broken:
        raise Undecryptable("compressed records can't be read where some may be missing (RFC 6347 §4.1.2)")
    if record.kind != CONNECTION_ID:
        return opener.open_at(sequence, record.kind, record.version, fragment)
    if not isinstance(opener, AeadOpener):
        raise Undecryptable("connection ids are read with AEAD ciphers only")
    size = len(fragment) - opener.extra_bytes
    if size < 0:
        raise Undecryptable(f"{len(fragment)} bytes are too few for a record")
    # RFC 9146 §5.3
    numbered = sequence.to_bytes(8, "big")
    header = b"\xff" * 8 + bytes((CONNECTION_ID, len(record.cid), CONNECTION_ID)) + record.version.to_bytes(2, "big")
    header += numbered + record.cid + size.to_bytes(2, "big")
    explicit = opener.explicit_bytes
    nonce = opener.salt + fragment[:explicit] if explicit else xored_nonce(opener.iv, sequence)
    try:
        text: bytes = opener.aead.decrypt(nonce, fragment[explicit:], header)
    except opener.wrong:
        raise Undecryptable("the tag does not fit: other keys, or changed bytes") from None
    return inner(text)


def inner(text: bytes) -> tuple[int, bytes]:
    """Content type and content of DTLSInnerPlaintext, RFC 9146 §4."""
    text = text.rstrip(b"\0")
    if not text:
        raise Undecryptable("nothing but padding (RFC 9146 §4)")
    return text[-1], text[:-1]


class EpochOpener:
    """Opens the records of one side in one epoch of DTLS 1.3, in any order."""

    __slots__ = ("_block", "_key", "expected", "opener")

    def __init__(self, opener: Opener13) -> None:
        self.opener = opener
        suite = opener.suite
        self._key = schedule.hkdf_expand_label(
            suite.prf_hash, opener.secret, "sn", b"", suite.key_bytes, schedule.DTLS13_PREFIX
        )
        self._block: Any = None
        self.expected = 0  # the number after the highest that was opened
        if suite.cipher.startswith("AES_"):
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

            self._block = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()
        elif suite.cipher != "CHACHA20_POLY1305":
            raise Undecryptable(f"record numbers under {suite.cipher} can't be read")

    def _mask(self, sample: bytes) -> bytes:
        """What record numbers are hidden with, RFC 9147 §4.2.3."""
        if self._block is not None:
            mask: bytes = self._block.update(sample)
            return mask
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        return Cipher(algorithms.ChaCha20(self._key, sample), None).encryptor().update(bytes(2))

    def open(self, record: Record) -> tuple[int, bytes, int]:
        """Content type, plaintext and sequence number; raises Undecryptable."""
        fragment = bytes(record.content)
        if len(fragment) < SAMPLE_BYTES:
            raise Undecryptable(f"{len(fragment)} bytes are too few for a record (RFC 9147 §4.2.3)")
        mask = self._mask(fragment[:SAMPLE_BYTES])
        header = bytearray(record.header)
        at = 1 + len(record.cid)
        size = 2 if header[0] & LONG_SEQUENCE else 1
        for index in range(size):
            header[at + index] ^= mask[index]
        sequence = nearest(int.from_bytes(header[at : at + size], "big"), 8 * size, self.expected)
        kind, text = self.opener.inner(self.opener.opened(sequence, bytes(header), fragment))
        self.expected = max(self.expected, sequence + 1)
        return kind, text, sequence

    def next(self) -> EpochOpener:
        """For the epoch after a key update, RFC 9147 §8."""
        return EpochOpener(self.opener.next())


def nearest(low: int, bits: int, expected: int) -> int:
    """The number with these low bits that is closest to the one expected, RFC 9147 §4.2.2."""
    span = 1 << bits
    number = expected & ~(span - 1) | low
    if number > expected + span // 2 and number >= span:
        return number - span
    if number + span // 2 < expected:
        return number + span
    return number
