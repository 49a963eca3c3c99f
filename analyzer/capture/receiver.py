"""What every way to receive frames shares: the buffer they are gathered in, and what the live source asks of them."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from analyzer.core import Batch

SNAP_BYTES: Final = 262_144
BATCH_FRAMES: Final = 4096
BATCH_BYTES: Final = 1 << 20


class Frames:
    """Frames being gathered for a batch, in a buffer that is used again for the next."""

    def __init__(self) -> None:
        self.data = bytearray(BATCH_BYTES + SNAP_BYTES)
        self.view = memoryview(self.data)
        self.stop = 0
        self.time_ns: list[int] = []
        self.start: list[int] = []
        self.captured: list[int] = []
        self.length: list[int] = []
        self.room = BATCH_FRAMES

    def clear(self, room: int) -> None:
        """Forget what was gathered; at most `room` frames are wanted next."""
        self.stop = 0
        self.room = min(room, BATCH_FRAMES)
        for column in (self.time_ns, self.start, self.captured, self.length):
            column.clear()

    @property
    def full(self) -> bool:
        return len(self.start) >= self.room or self.stop >= BATCH_BYTES

    def add(self, time_ns: int, captured: int, length: int) -> None:
        """The next `captured` bytes of the buffer, already there, are a frame."""
        self.time_ns.append(time_ns)
        self.start.append(self.stop)
        self.captured.append(captured)
        self.length.append(length)
        self.stop += captured

    def batch(self, first_frame: int, link_type: int) -> Batch:
        count = len(self.start)
        return Batch(
            self.data,
            first_frame,
            count,
            np.array(self.time_ns, dtype=np.int64),
            np.array(self.start, dtype=np.int64),
            np.array(self.captured, dtype=np.int64),
            np.array(self.length, dtype=np.int64),
            np.zeros(count, dtype=np.int32),
            np.full(count, link_type, dtype=np.int32),
        )


class Receiver(Protocol):
    """Gets frames from one interface."""

    link_type: int

    def wait(self, seconds: float) -> None:
        """Return when a frame is there, or after `seconds`."""

    def fill(self, frames: Frames, until_ns: int | None) -> bool:
        """Add what has arrived, without waiting, until `frames` is full; False once a frame is later than `until_ns`.

        That frame is not added.  Raises OSError when the interface is gone.
        """

    def dropped(self) -> int | None:
        """Frames lost since the beginning, None where nobody counts them."""

    def close(self) -> None: ...
