"""Whether a message was made by somebody who knows the password: MESSAGE-INTEGRITY and its keys (RFC 8489 §9, §14)."""

from __future__ import annotations

import hmac
from hashlib import md5, sha1, sha256
from struct import Struct
from typing import Final

HEADER_BYTES: Final = 20
MAX_ATTRIBUTES: Final = 256
MESSAGE_INTEGRITY: Final = 0x0008
MESSAGE_INTEGRITY_SHA256: Final = 0x001C
SHA1_BYTES: Final = 20
SHA256_BYTES: Final = (16, 20, 24, 28, 32)  # §14.6: it may be cut

_HEAD: Final = Struct(">HH")


def short_term_key(password: str) -> bytes:
    """The key of a password (§9.1.1), which for a check of ICE is the ice-pwd of who receives it."""
    return password.encode()


def long_term_key(username: str, realm: str, password: str, sha_256: bool = False) -> bytes:
    """The key of a user (§9.2.2, §18.5.1); names and password are taken as they are, without SASLprep."""
    secret = f"{username}:{realm}:{password}".encode()
    return sha256(secret).digest() if sha_256 else md5(secret, usedforsecurity=False).digest()


def signed(message: bytes, start: int, at: int) -> tuple[bytes, bytes]:
    """What the integrity attribute at `start + at` of `message` covers, and its value (§14.5).

    The message begins at `start`, and its attribute is whole.  The length in the header is as if it ended with it.
    """
    _, size = _HEAD.unpack_from(message, start + at)
    stop = at + 4 + size
    covered = message[start : start + 2] + (stop - HEADER_BYTES).to_bytes(2, "big") + message[start + 4 : start + at]
    return covered, message[start + at + 4 : start + stop]


def fits(number: int, covered: bytes, found: bytes, key: bytes) -> bool:
    """Whether `found`, the value of attribute `number`, was made of `covered` with `key`."""
    size = len(found)
    if number == MESSAGE_INTEGRITY:
        return size == SHA1_BYTES and hmac.compare_digest(found, hmac.digest(key, covered, sha1))
    return size in SHA256_BYTES and hmac.compare_digest(found, hmac.digest(key, covered, sha256)[:size])


def verify_integrity(message: bytes, key: bytes) -> bool | None:
    """Whether the first MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 of `message` was made with `key`.

    None where it has neither, or is cut.  `message` is whole, from its type to its last attribute; what follows the
    attribute does not count (§14.5).  Raises nothing.
    """
    if len(message) < HEADER_BYTES:
        return None
    at = HEADER_BYTES
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > len(message):
            return None
        number, size = _HEAD.unpack_from(message, at)
        stop = at + 4 + size
        if stop > len(message):
            return None
        if number in (MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256):
            covered, found = signed(message, 0, at)
            return fits(number, covered, found, key)
        at = stop + -size % 4
    return None
