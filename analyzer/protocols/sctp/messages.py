"""User messages put together from DATA and I-DATA, in whatever order they come (RFC 9260 §6.9, RFC 8260 §2.2)."""

from __future__ import annotations

from collections import deque
from typing import Final

from analyzer.core import Piece, joined

MAX_PARTS: Final = 4096  # that wait for others, of one side
MAX_WAITING_BYTES: Final = 4 << 20
PART_BYTES: Final = 64  # that a part counts for, beside the bytes it was cut from
MAX_SEEN: Final = 8192  # transmission sequence numbers that are remembered, of one side
BEGINNING: Final = 2
ENDING: Final = 1
M32: Final = 0xFFFFFFFF


class Run:
    """Parts of one message that follow each other."""

    __slots__ = ("begins", "bytes", "cost", "ends", "first", "last", "parts", "ppid")

    def __init__(self, number: int, piece: Piece, begins: bool, ends: bool, ppid: int) -> None:
        self.first = self.last = number
        self.parts: deque[Piece] = deque((piece,))
        self.begins = begins
        self.ends = ends
        self.ppid = ppid  # of the part that begins the message
        self.bytes = len(piece)
        self.cost = len(piece.data) + PART_BYTES

    def append(self, other: Run) -> None:
        """Take in the run right behind this one: the shorter is moved."""
        if len(other.parts) > len(self.parts):
            other.parts.extendleft(reversed(self.parts))
            self.parts = other.parts
        else:
            self.parts.extend(other.parts)
        self.last, self.ends = other.last, other.ends
        self.bytes += other.bytes
        self.cost += other.cost


class Parts:
    """The parts of messages of one side that are not complete.  `key` keeps apart what may not be joined."""

    __slots__ = ("_first", "_last", "cost", "dropped")

    def __init__(self) -> None:
        self._first: dict[tuple[int, int], Run] = {}  # by key and number of its first part
        self._last: dict[tuple[int, int], Run] = {}
        self.cost = 0
        self.dropped = 0  # runs that were forgotten, since too much waited

    def add(self, key: int, number: int, piece: Piece, flags: int, ppid: int) -> Run | None:
        """The message that this part completes, or None."""
        run = Run(number, piece, bool(flags & BEGINNING), bool(flags & ENDING), ppid)
        if run.begins and run.ends:
            return run
        if (key, number) in self._first or (key, number) in self._last:
            return None
        self.cost += run.cost
        before = None if run.begins else self._last.pop((key, number - 1 & M32), None)
        if before is not None:
            if before.ends:
                self._last[key, before.last] = before
            else:
                del self._first[key, before.first]
                before.append(run)
                run = before
        after = None if run.ends else self._first.pop((key, number + 1 & M32), None)
        if after is not None:
            if after.begins:
                self._first[key, after.first] = after
            else:
                del self._last[key, after.last]
                run.append(after)
        if run.begins and run.ends:
            self.cost -= run.cost
            return run
        self._first[key, run.first] = run
        self._last[key, run.last] = run
        self._bound()
        return None

    def _bound(self) -> None:
        """Forget the oldest, where too much waits."""
        for _ in range(len(self._first)):
            if len(self._first) <= MAX_PARTS and self.cost <= MAX_WAITING_BYTES:
                return
            oldest = next(iter(self._first))
            run = self._first.pop(oldest)
            self._last.pop((oldest[0], run.last), None)
            self.cost -= run.cost
            self.dropped += 1


def whole(run: Run) -> Piece:
    return joined(list(run.parts))


class Seen:
    """The latest transmission sequence numbers of one side: which were sent before, and how often."""

    __slots__ = ("_order", "_times")

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self._order: deque[int] = deque()

    def add(self, number: int) -> int:
        """How many times it was sent, now included."""
        times = self._times.get(number, 0) + 1
        self._times[number] = times
        if times == 1:
            self._order.append(number)
            if len(self._order) > MAX_SEEN:
                del self._times[self._order.popleft()]
        return times
