"""Readers: from the bytes of a file, a pipe or an interface to batches of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import BinaryIO

    from analyzer.core import Limits, Source

BLOCK_BYTES: Final = 2 << 20  # small enough for a processor cache, large enough to cost no calls


def open_source(
    paths: Sequence[str | os.PathLike[str] | BinaryIO | bytes], *, limits: Limits, block_bytes: int = BLOCK_BYTES
) -> Source:
    """The captures at `paths` as one, in order of time.

    Each is a file, a folder (its captures, by name), a glob, "-" for standard input, an open file or bytes; pcap or
    pcapng, as it is or packed by gzip, zstd or lz4, or what tshark reads.  `block_bytes` are read at a time.

    Raises `CaptureError` when nothing could be read; what is wrong with the rest is in `problems`.
    """
    from analyzer.capture.files import open_files

    return open_files(paths, limits, block_bytes)
