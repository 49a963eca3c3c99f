"""From frames to columns: the compiled kernel, and the slow path for what is rare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.decode import kernel
from analyzer.decode.columns import Status
from analyzer.decode.slow import SlowPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Batch
    from analyzer.decode.columns import Columns

__all__ = ["SlowPath", "decode"]


def decode(batch: Batch, columns: Columns, slow: SlowPath) -> None:
    """Fill rows [0, batch.count) of `columns`, but for what the flow table adds.

    `slow` is kept from batch to batch, since fragments of a datagram may come in several.
    """
    count = batch.count
    columns.reserve(count)
    columns.count = count
    columns.side.clear()
    # Indexing a memoryview gives integers without a width, as the interpreted kernel needs; the compiled takes either.
    view: Callable[[Any], Any] = _same if kernel.COMPILED else memoryview
    frames = [view(array) for array in (batch.data, batch.start, batch.captured, batch.length, batch.link)]
    written = [view(getattr(columns, name)) for name in kernel.WRITTEN]
    arguments: list[Any] = [*frames, count, slow.limits.depth, *written]
    if kernel.decode_rows(*arguments):
        for row in np.flatnonzero(columns.status[:count] == Status.SLOW):
            slow.decode(batch, columns, int(row))


def _same(array: Any) -> Any:
    return array
