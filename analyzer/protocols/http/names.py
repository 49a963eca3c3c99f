"""Bodies that may signal something, such as descriptions of media: which they are, and what is undone for them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from analyzer.core import Piece, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES: Final = 1 << 18  # of a body that is held for a room inside; a longer one is only counted
#: Media types whose bodies are given inwards, and codings that are undone for it.
INWARDS: Final = frozenset({"application/sdp", "application/trickle-ice-sdpfrag", "application/json", "text/plain"})
CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


def inward_label(lines: Mapping[str, str]) -> str:
    """What a body of these field lines is called inwards, "" where no room could want it."""
    kind = lines.get("content-type", "").partition(";")[0].strip().lower()
    return f"http:{kind}" if kind in INWARDS or (kind.endswith("+json") and len(kind) < 80) else ""


def whole_body(parts: list[Piece], coding: str) -> Piece | None:
    """A body in one piece and without its coding; None where that is another one than it says."""
    body = joined(parts)
    if coding in ("", "identity"):
        return body
    plain = unpacked(bytes(body))
    return None if plain is None else Piece(plain, [], 0, len(plain), 0, body.place)


def unpacked(packed: bytes) -> bytes | None:
    """A body without its coding (gzip or deflate), as far as the limit; None where it has none of these."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, MAX_BODY_BYTES)
    except zlib.error:
        return None
