"""Headers of records, and opening them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.dtls.records import UNKNOWN, EpochOpener, inner, nearest, open12, read_record
from analyzer.protocols.tls.protection import Opener, Opener13, Undecryptable, opener13, openers12
from analyzer.protocols.tls.suites import suite
from captures.dtls import MASTER, RANDOMS, SUITES, SUITES_13, Sealer12, Sealer13, record, secret

if TYPE_CHECKING:
    from analyzer.protocols.dtls import records


def read(data: bytes, cid_bytes: int = UNKNOWN) -> records.Record:
    return read_record(Reader(Piece(data, [(0, 1, 42, 1)])), cid_bytes)


def epoch_opener(value: int, key: bytes) -> EpochOpener:
    made = suite(value, SUITES_13[value])
    assert made is not None
    found = opener13(made, key, prefix="dtls13")
    assert isinstance(found, Opener13)
    return EpochOpener(found)


def pair(value: int = SUITES[0], name: str = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") -> tuple[Opener, Opener]:
    made = suite(value, name)
    assert made is not None
    return openers12(0xFEFD, made, MASTER, *RANDOMS)


def test_header() -> None:
    found = read(record(22, b"abc", 5, 2) + b"rest")
    assert (found.kind, found.version, found.epoch, found.sequence) == (22, 0xFEFD, 2, 5)
    assert (bytes(found.content), len(found.whole), found.unified) == (b"abc", 16, False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05" + bytes(12),
        record(22, b"", version=0x0303),
        record(22, b"abc")[:-1],
        b"\x16\xfe\xfd" + b"\xff" * 10,
    ],
)
def test_what_is_no_record(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_connection_id_of_known_and_of_unknown_length() -> None:
    data = b"\x19\xfe\xfd" + bytes(7) + b"\1" + b"cid!" + b"\0\3abc"
    assert (read(data, 4).cid, bytes(read(data, 4).content)) == (b"cid!", b"abc")
    assert (read(data).cid, bytes(read(data).content)) == (b"cid!", b"abc")
    with pytest.raises(Malformed, match="unknown length"):
        read(data + b"more")


def test_unified_header() -> None:
    found = read(b"\x2e\1\2\0\3abcdef")
    assert (found.unified, found.epoch, found.header, bytes(found.content)) == (True, 2, b"\x2e\1\2\0\3", b"abc")
    assert bytes(read(b"\x22\1abcdef").content) == b"abcdef"
    assert (read(b"\x37id\1\0\1x", 2).cid, bytes(read(b"\x37id\1\0\1x", 2).content)) == (b"id", b"x")
    assert bytes(read(b"\x37id\1\0\1x").content) == b"\0\1x"  # nobody knows how long its id is
    with pytest.raises(Malformed):
        read(b"\x2e\1\2\0\3ab")


@given(st.binary(max_size=60), st.integers(-1, 20))
def test_any_bytes_raise_malformed_at_most(data: bytes, cid_bytes: int) -> None:
    with suppress(Malformed):
        read(data, cid_bytes)


@given(st.integers(0, 1 << 20), st.sampled_from((8, 16)), st.integers(-100, 100))
def test_record_numbers_are_found_again(expected: int, bits: int, off: int) -> None:
    number = max(expected + off, 0)
    assert nearest(number & ((1 << bits) - 1), bits, expected) == number


@pytest.mark.parametrize("value", [0x1301, 0x1302, 0x1303])
def test_dtls13_in_any_order(value: int) -> None:
    key = secret("x", 48 if value == 0x1302 else 32)
    sealer, opener = Sealer13(value, key, 3), epoch_opener(value, key)
    sealed = [
        sealer.seal(23, bytes((index,)), long=index % 2 == 0, with_length=index % 3 > 0, pad=index)
        for index in range(40)
    ]
    for index in (3, 0, 1, 2, 17, 5, 39, 30):
        assert opener.open(read(sealed[index])) == (23, bytes((index,)), index)
    assert opener.expected == 40
    with pytest.raises(Undecryptable):
        opener.open(read(sealed[4][:-1] + b"\0" if sealed[4][-1] else sealed[4][:-1] + b"\1"))
    with pytest.raises(Undecryptable, match="few"):
        opener.open(read(b"\x2f\1\2\0\3abc"))
    assert opener.next().open(read(sealer.next().seal(22, b"new"))) == (22, b"new", 0)


def test_dtls13_with_a_connection_id() -> None:
    key = secret("y")
    found = read(Sealer13(0x1301, key, 3).seal(23, b"text", cid=b"abcd"), 4)
    assert epoch_opener(0x1301, key).open(found) == (23, b"text", 0)


def test_suites_whose_record_numbers_nobody_reads() -> None:
    made = suite(0x00C6, "TLS_SM4_GCM_SM3")
    assert made is not None
    with suppress(Undecryptable):  # where the library has SM4
        found = opener13(made, secret("z"), prefix="dtls13")
        assert isinstance(found, Opener13)
        with pytest.raises(Undecryptable, match="SM4"):
            EpochOpener(found)


def test_dtls12_in_any_order_and_with_connection_ids() -> None:
    opener, sealer = pair()[0], Sealer12(0)
    sealed = [sealer.seal(23, bytes((index,))) for index in range(5)]
    for index in (4, 0, 2):
        assert open12(opener, read(sealed[index])) == (23, bytes((index,)))
    assert open12(opener, read(sealer.seal(22, b"hidden", cid=b"\7\7"), 2)) == (22, b"hidden")
    with pytest.raises(Undecryptable, match="tag"):
        open12(opener, read(sealer.seal(22, b"hidden", cid=b"\7\7")[:-1] + b"\0", 2))
    with pytest.raises(Undecryptable, match="few"):
        open12(opener, read(b"\x19\xfe\xfd\0\1" + bytes(6) + b"\0\3abc", 0))
    opener.inflate = object()
    with pytest.raises(Undecryptable, match="compressed"):
        open12(opener, read(sealed[1]))


def test_connection_ids_need_an_aead() -> None:
    opener = pair(0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA")[0]
    with pytest.raises(Undecryptable, match="AEAD"):
        open12(opener, read(b"\x19\xfe\xfd\0\1" + bytes(6) + b"\0\3abc", 0))


def test_connection_ids_without_an_explicit_nonce() -> None:
    opener = pair(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")[0]
    with pytest.raises(Undecryptable, match="tag"):
        open12(opener, read(b"\x19\xfe\xfd\0\1" + bytes(6) + b"\0\x14" + bytes(20), 0))


def test_inner_plaintext() -> None:
    assert inner(b"text\x17\0\0") == (23, b"text")
    with pytest.raises(Undecryptable):
        inner(bytes(5))
