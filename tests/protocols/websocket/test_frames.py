"""Frames: headers, masks, and how they are recognised without a handshake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.websocket import frames
from analyzer.protocols.websocket.frames import chain, header_size, is_minimal, payload_size, plausible, probe, unmasked
from captures.websocket import MASK, frame


@pytest.mark.parametrize(
    ("size", "masked", "header"),
    [(0, False, 2), (125, False, 2), (126, False, 4), (65535, True, 8), (65536, False, 10), (65536, True, 14)],
)
def test_headers_have_the_size_that_their_length_needs(size: int, masked: bool, header: int) -> None:
    made = frame(2, bytes(size), masked=masked)
    assert header_size(made) == header == len(made) - size
    assert payload_size(made) == size
    assert is_minimal(made, size)


@pytest.mark.parametrize(
    ("head", "size", "shortest"),
    [
        (b"\x81\x7e\0\x7d", 125, False),
        (b"\x81\x7e\0\x7e", 126, True),
        (b"\x81\x7f" + (65535).to_bytes(8, "big"), 65535, False),
        (b"\x81\x7f" + (65536).to_bytes(8, "big"), 65536, True),
    ],
)
def test_lengths_in_too_many_bytes(head: bytes, size: int, shortest: bool) -> None:
    assert (payload_size(head), is_minimal(head, size)) == (size, shortest)


def test_the_mask_of_the_rfc() -> None:
    assert unmasked(bytes.fromhex("7f9f4d5158"), MASK) == b"Hello"  # RFC 6455 §5.7
    assert unmasked(b"", MASK) == b""


@given(st.binary(max_size=100), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_the_same(data: bytes, key: bytes) -> None:
    once = unmasked(data, key)
    assert once == bytes(byte ^ key[at % 4] for at, byte in enumerate(data))
    assert unmasked(once, key) == data


@pytest.mark.parametrize(
    ("head", "masked", "verdict"),
    [
        (b"\x81\x05", False, True),
        (b"\x81\x85", False, False),
        (b"\x81\x85", True, None),  # its key is to come
        (b"\x83\x05", False, False),  # a reserved opcode
        (b"\xb1\x05", False, False),  # RSV2 and RSV3
        (b"\xc1\x05", False, True),  # RSV1: compressed
        (b"\xc0\x05", False, False),  # RSV1 on a continuation
        (b"\x09\x00", False, False),  # a ping in pieces
        (b"\x89\x7e\x00\xff", False, False),  # a ping that is too long
        (b"\x88\x01", False, False),  # a close with half a code
        (b"\x82\x7e\x00\x05", False, False),  # 5 in two bytes
        (b"\x82\x7f" + (1 << 30).to_bytes(8, "big"), False, False),  # nobody believes that length
    ],
)
def test_what_may_be_the_start_of_a_frame(head: bytes, masked: bool, verdict: bool | None) -> None:
    assert plausible(head, masked) is verdict


def test_chains_of_frames() -> None:
    one = frame(1, b"a", masked=True)
    assert chain(one * 2 + one[:3]) == (2, True)
    assert chain(one * 5) == (frames.CHAIN, True)
    assert chain(one + b"\x83\x00") == (0, False)
    assert chain(one + frame(1, b"a")) == (0, False)  # only a server's frame comes without a mask
    assert chain(b"\x81") == (0, True)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (frame(1, b"one") + frame(1, b"two") + frame(9), True),
        (frame(1, b"one", masked=True) * 3, True),
        (frame(1, b"one") * 2, None),
        (b"\x81", None),
        (b"", None),
        (frame(1, b"\xff\xfe") * 3, False),  # text that is none
        (frame(1, "gr\xfc\xdfe".encode()[:3], fin=False) + frame(0, b"x") + frame(9), True),  # cut within a character
        (frame(1, b"\x01\x02") * 3, False),  # and no text that a person writes
        (frame(8, b"\x00\x07") + frame(9) * 2, False),  # a close code that nobody sends
        (frame(8, b"\x03\xe8") + frame(9) * 2, True),
        (frame(2, b"\x00\xff") * 3, True),
        (b"GET / HTTP/1.1\r\n", False),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00", False),
        (frame(2, bytes(70000))[:20], None),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


@given(st.binary(max_size=80))
def test_any_bytes_are_judged(head: bytes) -> None:
    assert probe(head) in (True, False, None)
    found, goes_on = chain(head)
    assert 0 <= found <= frames.CHAIN
    assert goes_on or not found


@given(st.binary(max_size=300), st.booleans(), st.sampled_from([1, 2, 9]), st.integers(0, 10))
def test_the_probe_does_not_change_its_mind(data: bytes, masked: bool, opcode: int, cut: int) -> None:
    """What three whole frames are, their beginnings are not denied to be."""
    data = data[:125] if opcode == 9 else data
    stream = frame(opcode, data, masked=masked) * 3
    if probe(stream):
        assert probe(stream[: max(len(stream) - cut, 0)]) is not False
