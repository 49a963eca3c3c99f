"""Bytes held back, and where they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Piece, Place, Span
from analyzer.engine.pending import Pending, place_of

HERE, THERE = Place((Span(1, 54, 60),), 10), Place((Span(1, 54, 60), Span(2, 54, 58)), 20)


def clear(data: bytes, frame: int) -> Piece:
    return Piece(data, [(0, frame, 54, frame)])


def test_clear_bytes_keep_their_runs() -> None:
    pending = Pending()
    pending.add(clear(b"abcdef", 1), 4, 6)
    pending.add(clear(b"gh", 2), 0, 2)
    pending.add(Piece(b"..ijkl", [(0, 3, 0, 3), (4, 4, 54, 4)], base=0), 2, 6)
    piece, places = pending.take()
    assert (bytes(piece), places) == (b"efghijkl", None)
    assert piece.spans == (Span(1, 58, 60), Span(2, 54, 56), Span(3, 2, 4), Span(4, 54, 56))
    assert piece.cut(3, 5).spans == (Span(2, 55, 56), Span(3, 2, 3))
    assert not pending.data


def test_derived_bytes_keep_their_places() -> None:
    pending = Pending()
    pending.add(Piece(b"ab", [], whole=HERE), 0, 2)
    pending.add(Piece(b"cd", [], whole=THERE), 0, 2)
    piece, places = pending.take()
    assert bytes(piece) == b"abcd"
    assert places == [(0, HERE), (2, THERE)]
    assert place_of(places, 0, 2) == HERE
    assert place_of(places, 2, 4) == THERE
    assert place_of(places, 1, 3) == THERE
    assert place_of([*places, (4, HERE)], 0, 4) == THERE
    pending.add_rest(piece, places, 1)
    assert pending.places == [(0, HERE), (1, THERE)]
    pending.add_rest(*pending.take(), 2)
    assert (bytes(pending.data), pending.places) == (b"d", [(0, THERE)])


def test_derived_bytes_after_clear_ones() -> None:
    pending = Pending()
    pending.add(clear(b"ab", 3), 0, 2)
    pending.add(Piece(b"cd", [], whole=HERE), 0, 2)
    pending.add(clear(b"ef", 4), 1, 2)
    _, places = pending.take()
    assert places is not None
    assert [(at, place.frames) for at, place in places] == [(0, (3,)), (2, (1,)), (4, (4,))]


def test_stretches_are_told_apart_by_frame() -> None:
    pending = Pending()
    pending.add(clear(b"abc", 1), 1, 3)
    pending.add(clear(b"d", 5), 0, 1)
    assert [(frame, bytes(piece), piece.spans) for frame, piece in pending.stretches()] == [
        (1, b"bc", (Span(1, 55, 57),)),
        (5, b"d", (Span(5, 54, 55),)),
    ]
    assert pending.stretches() == []
    pending.add(Piece(b"ab", [], whole=HERE), 0, 2)
    pending.add(Piece(b"c", [], whole=THERE), 0, 1)
    assert [(frame, bytes(piece), piece.place) for frame, piece in pending.stretches()] == [
        (1, b"ab", HERE),
        (2, b"c", THERE),
    ]


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=8), st.data())
def test_each_byte_is_where_it_was(frames: list[bytes], data: st.DataObject) -> None:
    pending = Pending()
    for number, content in enumerate(frames, 1):
        pending.add(clear(content, number), 0, len(content))
    size = sum(map(len, frames))
    skipped = data.draw(st.integers(0, size - 1))
    piece, places = pending.take()
    pending.add_rest(piece, places, skipped)
    piece, _ = pending.take()
    assert bytes(piece) == b"".join(frames)[skipped:]
    for at in range(len(piece)):
        (span,) = piece.cut(at, at + 1).spans
        assert frames[span.frame - 1][span.start - 54 : span.stop - 54] == bytes(piece)[at : at + 1]
