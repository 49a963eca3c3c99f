"""MESSAGE-INTEGRITY, by the vectors of RFC 5769."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.stun.integrity import long_term_key, short_term_key, verify_integrity
from tests.protocols.stun import rfc5769

PASSWORD = short_term_key("VOkJxbRl1RmTxUk/WvJxBt")


@pytest.mark.parametrize("message", [rfc5769.REQUEST, rfc5769.RESPONSE_4, rfc5769.RESPONSE_6])
def test_vectors_of_rfc_5769(message: bytes) -> None:
    assert verify_integrity(message, PASSWORD) is True
    assert verify_integrity(message, b"another") is False
    changed = bytearray(message)
    changed[12] ^= 1
    assert verify_integrity(bytes(changed), PASSWORD) is False


def test_long_term_key_of_rfc_5769() -> None:
    key = long_term_key("マトリックス", "example.org", "TheMatrIX")
    assert verify_integrity(rfc5769.LONG_TERM, key) is True
    assert verify_integrity(rfc5769.LONG_TERM, long_term_key("x", "example.org", "TheMatrIX", sha_256=True)) is False


def with_sha256(size: int) -> bytes:
    head = bytes.fromhex("0001") + (size + 4).to_bytes(2, "big") + rfc5769.REQUEST[4:20]
    return head + b"\0\x1c" + size.to_bytes(2, "big") + hmac.digest(b"key", head, "sha256")[:size]


def test_sha_256_may_be_cut() -> None:
    assert verify_integrity(with_sha256(32), b"key") is True
    assert verify_integrity(with_sha256(16), b"key") is True
    assert verify_integrity(with_sha256(12), b"key") is False  # RFC 8489 §14.6: at least 16


def test_what_follows_the_attribute_does_not_count() -> None:
    assert verify_integrity(rfc5769.REQUEST[:-8] + b"\x80\x28\0\4????", PASSWORD) is True


def test_without_the_attribute_there_is_nothing_to_say() -> None:
    assert verify_integrity(b"", PASSWORD) is None
    assert verify_integrity(rfc5769.REQUEST[:20], PASSWORD) is None
    assert verify_integrity(rfc5769.REQUEST[:30], PASSWORD) is None
    assert verify_integrity(rfc5769.REQUEST[:20] + b"\0\x25\0\0" * 300, PASSWORD) is None


@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    assert verify_integrity(data, b"key") in (True, False, None)
    assert verify_integrity(rfc5769.REQUEST[:20] + data, b"key") in (True, False, None)
