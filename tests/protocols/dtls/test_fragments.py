"""Messages put together from fragments."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece
from analyzer.protocols.dtls.fragments import HEADER_BYTES, MAX_FRAGMENTS, MAX_MESSAGES, Fragments
from captures.dtls import message

BODY = bytes(range(256)) * 2


def piece(data: bytes, frame: int = 1) -> Piece:
    return Piece(data, [(0, frame, 42, frame)])


@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 200)), max_size=40), st.integers(0, 1 << 32))
def test_any_fragments_in_any_order_give_the_message(cuts: list[tuple[int, int]], seed: int) -> None:
    parts = [(start, start + size) for start, size in cuts] + [(at, at + 100) for at in range(0, 512, 100)]
    Random(seed).shuffle(parts)
    fragments = Fragments()
    have: set[int] = set()
    found = None
    for frame, (start, stop) in enumerate(parts, 1):
        have |= set(range(start, min(stop, len(BODY))))
        found = fragments.add(piece(message(11, BODY, 7, start, stop), frame))
        assert (found is not None) == (len(have) == len(BODY))
        if found is not None:
            break
    assert found is not None
    sequence, whole = found
    assert (sequence, bytes(whole)) == (7, message(11, BODY, 7))
    assert fragments.pending == {}
    assert sum(span.stop - span.start for span in whole.spans) == len(BODY) + HEADER_BYTES


def test_a_message_in_one_fragment_is_that_very_piece() -> None:
    one = piece(message(14, b"", 3))
    assert Fragments().add(one) == (3, one)
    assert bytes(Fragments().add(piece(message(11, BODY, 2)))[1]) == message(11, BODY, 2)  # type: ignore[index]


def test_first_copy_of_a_byte_counts() -> None:
    fragments = Fragments()
    assert fragments.add(piece(message(11, b"aaaa", 0, 0, 3))) is None
    found = fragments.add(piece(message(11, b"bbbb", 0, 1, 4), 2))
    assert found is not None
    assert bytes(found[1].cut(HEADER_BYTES)) == b"aaab"
    assert found[1].place.frames == (1, 2)


def test_another_message_with_the_same_number_takes_its_place() -> None:
    fragments = Fragments()
    assert fragments.add(piece(message(11, BODY, 0, 0, 300))) is None
    assert fragments.add(piece(message(1, BODY, 0, 300, 512))) is None
    assert fragments.add(piece(message(1, BODY, 0, 0, 300))) is not None


def test_limits() -> None:
    fragments = Fragments()
    for sequence in range(MAX_MESSAGES + 1):
        fragments.add(piece(message(11, BODY, sequence, 0, 1)))
    assert (len(fragments.pending), fragments.dropped) == (MAX_MESSAGES, 1)
    fragments = Fragments()
    for at in range(MAX_FRAGMENTS + 1):
        fragments.add(piece(message(11, BODY * 4, 0, 2 * at, 2 * at + 1)))
    assert (len(fragments.pending), fragments.dropped) == (0, 1)
    with pytest.raises(Malformed, match="at most"):
        fragments.add(piece(b"\x0b\xff\xff\xff" + bytes(8)))
    with pytest.raises(Malformed, match="of a message"):
        fragments.add(piece(b"\x0b\0\0\1\0\0\0\0\1\0\0\1x"))
