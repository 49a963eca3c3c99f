"""Bodies of HTTP that rooms inside may want."""

from __future__ import annotations

import gzip
import zlib

import pytest

from analyzer.core import Piece
from analyzer.protocols.http.names import MAX_BODY_BYTES, inward_label, unpacked, whole_body


@pytest.mark.parametrize(
    ("content_type", "label"),
    [
        ("application/sdp", "http:application/sdp"),
        ("Application/JSON; charset=utf-8", "http:application/json"),
        ("application/ld+json", "http:application/ld+json"),
        ("text/html", ""),
        (f"{'x' * 90}+json", ""),
    ],
)
def test_which_bodies_go_inwards(content_type: str, label: str) -> None:
    assert inward_label({"content-type": content_type}) == label
    assert inward_label({}) == ""


def test_codings() -> None:
    assert unpacked(gzip.compress(b"v=0")) == b"v=0"
    assert unpacked(zlib.compress(b"v=0")) == b"v=0"
    assert unpacked(b"v=0") is None
    assert len(unpacked(gzip.compress(bytes(2 * MAX_BODY_BYTES))) or b"") == MAX_BODY_BYTES


def test_a_body_in_parts_is_one_piece_that_knows_its_frames() -> None:
    packed = gzip.compress(b"v=0 and more")
    parts = [Piece(packed[:9], [(0, 3, 54, 5)]), Piece(packed[9:], [(0, 4, 54, 6)])]
    plain = whole_body(parts, "gzip")
    assert plain is not None
    assert (bytes(plain), plain.place.frames) == (b"v=0 and more", (3, 4))
    closed = whole_body(parts, "identity")
    assert closed is not None
    assert bytes(closed) == packed
    assert whole_body([Piece(b"v=0", [(0, 3, 54, 5)])], "gzip") is None
