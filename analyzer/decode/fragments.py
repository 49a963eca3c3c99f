"""IP fragments put together (RFC 791 §3.2, RFC 8200 §4.5), within bounds of count, bytes and time.

Where fragments overlap, what came first is kept for IPv4, as most stacks do, and the whole datagram is dropped for
IPv6, as RFC 5722 §3 wants.  A fragment that comes twice with the same bytes is no overlap.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from analyzer.core import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Limits, Run

WAIT_NS: Final = 30_000_000_000  # for the rest of a datagram, by capture time
#: A fragment of a datagram that is complete already, seen again this soon, is a copy (two interfaces, a mirror port).
COPY_NS: Final = 1_000_000_000
COPIES: Final = 256  # complete datagrams remembered for that
TOLD: Final = 100  # problems of one code that are told one by one; the rest is counted


class Key(NamedTuple):
    """What the fragments of one datagram have in common."""

    version: int
    source: int
    target: int
    identification: int
    protocol: int  # -1 for IPv6


class Fragment(NamedTuple):
    """One fragment's payload: where it belongs in the datagram, and where its bytes were captured."""

    offset: int
    more: bool
    data: bytes
    runs: list[Run]  # positions count from the start of `data`
    header: int  # the protocol that its header announces
    frame: int
    time_ns: int


class Datagram(NamedTuple):
    """A complete payload; `header` is the protocol that its first fragment announced."""

    data: bytes
    runs: list[Run]
    header: int


class Part(NamedTuple):
    start: int
    stop: int
    data: bytes
    runs: list[Run]


@dataclass(slots=True)
class _Waiting:
    """A datagram of which not all is there.  `parts` are in order of `start` and don't overlap."""

    first_frame: int
    first_ns: int
    parts: list[Part] = field(default_factory=list)
    total: int = -1  # known once the last fragment came
    held: int = 0
    header: int = 0
    overlapped: bool = False
    dropped: bool = False  # IPv6 with an overlap: what still comes is dropped too


def moved(runs: list[Run], start: int, stop: int) -> list[Run]:
    """The runs of bytes `start` to `stop`, with positions from the start of those."""
    found: list[Run] = []
    for index, (position, frame, offset, time_ns) in enumerate(runs):
        end = runs[index + 1][0] if index + 1 < len(runs) else stop
        begin = max(position, start)
        if begin < min(end, stop):
            found.append((begin - start, frame, offset + begin - position, time_ns))
    return found


class Fragments:
    """The datagrams that wait for more fragments; what goes wrong is told to `tell`."""

    def __init__(self, limits: Limits, tell: Callable[[Problem], None]) -> None:
        self.limits = limits
        self.tell = tell
        self.counts: Counter[str] = Counter()
        self.held_parts = 0
        self.held_bytes = 0
        self._waiting: dict[Key, _Waiting] = {}  # the oldest first
        self._complete: dict[Key, tuple[int, bytes]] = {}  # the oldest first

    def add(self, key: Key, fragment: Fragment) -> Datagram | None:
        """The datagram, if `fragment` completes it."""
        self._expire(fragment.time_ns)
        self.counts["fragments"] += 1
        if self._is_copy(key, fragment):
            self.counts["copies"] += 1
            return None
        entry = self._waiting.get(key)
        if entry is None:
            entry = self._waiting[key] = _Waiting(fragment.frame, fragment.time_ns)
        if entry.dropped:
            return None
        start, stop = fragment.offset, fragment.offset + len(fragment.data)
        if not self._fits(entry, fragment, stop):
            self._overlap(key, entry, fragment, f"says that the datagram ends at byte {stop}, others say otherwise")
            return None
        if not fragment.more:
            entry.total = stop
        if start == 0:
            entry.header = fragment.header
        for begin, end in self._free(key, entry, fragment):
            part = Part(
                begin, end, fragment.data[begin - start : end - start], moved(fragment.runs, begin - start, end - start)
            )
            entry.parts.insert(bisect_left(entry.parts, begin, key=_start), part)
            entry.held += end - begin
            self.held_parts += 1
            self.held_bytes += end - begin
        if entry.held == entry.total and not entry.dropped:
            return self._finished(key, entry, fragment.time_ns)
        self._make_room(fragment)
        return None

    def finish(self) -> None:
        """Tell which datagrams were never complete: the capture is over."""
        for key in list(self._waiting):
            self._lose(key, "by the end of the capture")

    def _is_copy(self, key: Key, fragment: Fragment) -> bool:
        when, data = self._complete.get(key, (0, b""))
        if not data or not 0 <= fragment.time_ns - when <= COPY_NS:
            return False
        stop = fragment.offset + len(fragment.data)
        return data[fragment.offset : stop] == fragment.data and fragment.more == (stop < len(data))

    def _fits(self, entry: _Waiting, fragment: Fragment, stop: int) -> bool:
        """Whether the end of the datagram is where all fragments say it is."""
        if entry.total >= 0:
            return stop <= entry.total and (fragment.more or stop == entry.total)
        return fragment.more or not entry.parts or entry.parts[-1].stop <= stop

    def _free(self, key: Key, entry: _Waiting, fragment: Fragment) -> list[tuple[int, int]]:
        """The stretches of `fragment` that no other has; others with other bytes are an overlap."""
        start, stop = fragment.offset, fragment.offset + len(fragment.data)
        free: list[tuple[int, int]] = []
        at = start
        index = max(bisect_left(entry.parts, start, key=_start) - 1, 0)
        overlaps = False
        while index < len(entry.parts) and entry.parts[index].start < stop:
            part = entry.parts[index]
            index += 1
            if part.stop <= at:
                continue
            begin, end = max(part.start, start), min(part.stop, stop)
            same = part.data[begin - part.start : end - part.start] == fragment.data[begin - start : end - start]
            # Exact copies are left out silently (RFC 8200 §4.5); anything else is no work of a real stack.
            overlaps = overlaps or not same or (part.start, part.stop) != (start, stop)
            if begin > at:
                free.append((at, begin))
            at = end
        if at < stop:
            free.append((at, stop))
        if overlaps:
            self._overlap(key, entry, fragment, "overlaps one that came before")
        return [] if entry.dropped else free

    def _overlap(self, key: Key, entry: _Waiting, fragment: Fragment, what: str) -> None:
        if key.version == 6:
            self._forget(entry)
            entry.dropped = True
        if not entry.overlapped:
            entry.overlapped = True
            kept = "the datagram is dropped (RFC 5722)" if key.version == 6 else "the bytes that came first are kept"
            text = f"fragment of IP datagram {key.identification} {what}; {kept}"
            self._tell("ip.fragment-overlap", text, fragment.frame)

    def _finished(self, key: Key, entry: _Waiting, time_ns: int) -> Datagram:
        del self._waiting[key]
        data = b"".join(part.data for part in entry.parts)
        runs = [
            (part.start + position, frame, offset, when)
            for part in entry.parts
            for position, frame, offset, when in part.runs
        ]
        self._forget(entry)
        self._complete.pop(key, None)
        self._complete[key] = (time_ns, data)
        if len(self._complete) > COPIES:
            del self._complete[next(iter(self._complete))]
        self.counts["reassembled"] += 1
        return Datagram(data, runs, entry.header)

    def _forget(self, entry: _Waiting) -> None:
        self.held_parts -= len(entry.parts)
        self.held_bytes -= entry.held
        entry.parts = []
        entry.held = 0

    def _expire(self, now_ns: int) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            if now_ns - self._waiting[key].first_ns <= WAIT_NS:
                break
            self._lose(key, "within 30 s")

    def _make_room(self, fragment: Fragment) -> None:
        """Give up the oldest datagrams where there are more fragments than the limits allow."""
        limits = self.limits
        while self._waiting and (
            self.held_parts > limits.fragments
            or self.held_bytes > limits.fragment_bytes
            or len(self._waiting) > limits.fragments
        ):
            if not self.counts["evicted"]:
                text = f"more than {limits.fragments} fragments or {limits.fragment_bytes} bytes of them are pending"
                self._tell("ip.fragment-limit", f"{text}: the oldest are given up", fragment.frame)
            self.counts["evicted"] += 1
            self._lose(next(iter(self._waiting)), "before too many others came")

    def _lose(self, key: Key, when: str) -> None:
        entry = self._waiting.pop(key)
        self._forget(entry)
        if not entry.dropped:
            text = f"IP datagram {key.identification} was not completed {when}: fragments are missing"
            self._tell("ip.fragment-lost", text, entry.first_frame)

    def _tell(self, code: str, text: str, frame: int) -> None:
        self.counts[code] += 1
        if self.counts[code] <= TOLD:
            self.tell(Problem(code, text, frame=frame))


def _start(part: Part) -> int:
    return part.start
