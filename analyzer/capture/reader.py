"""Reads one capture file, pcap or pcapng, in blocks: the frames of each block become rows of arrays.

Nothing that a file says makes the reader raise, wait for ever, or take memory that was not filled by bytes of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.capture import pcap, pcapng, walk
from analyzer.capture.inputs import Broken, Input
from analyzer.core import CaptureError, Interface, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from analyzer.capture.gathered import Gathered

MIN_BLOCK_BYTES: Final = 4096
OPTION_BYTES: Final = 1 << 17  # what a packet block may hold beside the packet
SNIFFED_BYTES: Final = 512
PROBLEMS: Final = 64  # kinds of problems told of one file; the rest is counted
#: counter in the state of a walk, code of the problem, what is said of the first frame
ODDITIES: Final = (
    (
        walk.LONG_CAPTURED,
        "capture.damaged",
        "this frame has more bytes in the capture than on the wire, by its own lengths",
    ),
    (walk.CLAMPED_TIME, "capture.damaged", "this frame has a time after the year 2115, and was put there"),
    (
        walk.TIMELESS,
        "capture.no-time",
        "this frame was captured without its time, and was given that of the one before",
    ),
)


class Unknown(Exception):  # noqa: N818 - it is what the file is
    """Neither pcap nor pcapng; holds the first bytes."""

    def __init__(self, head: bytes) -> None:
        super().__init__()
        self.head = head


class Reader:
    """The frames of one file.

    `batches` yields how many rows it has filled; until it goes on, they lie in `data` and the arrays.  Problems are put
    in `gathered` at once, but what frame they follow is known only later: `settle` completes them.
    """

    def __init__(self, source: Input, gathered: Gathered, block_bytes: int, capacity: int) -> None:
        self.input = source
        self.gathered = gathered
        self.data = bytearray(max(block_bytes, MIN_BLOCK_BYTES))
        self.capacity = capacity
        self.format = ""
        self.time_ns = np.zeros(capacity, dtype=np.int64)
        self.start = np.zeros(capacity, dtype=np.int64)
        self.captured = np.zeros(capacity, dtype=np.int64)
        self.length = np.zeros(capacity, dtype=np.int64)
        self.interface = np.zeros(capacity, dtype=np.int32)
        self.link = np.zeros(capacity, dtype=np.int32)
        # Uncompiled, the walk is quicker on memory views: they give plain integers.
        self._columns = (self.time_ns.data, self.start.data, self.captured.data, self.length.data)
        self._numbers = (self.interface.data, self.link.data)
        self._state = np.zeros(walk.STATES, dtype=np.int64).data
        self._view = memoryview(self.data)
        self._at = 0  # what of the buffer has been walked
        self._filled = 0
        self._offset = 0  # of the buffer's first byte in the file
        self._frames = 0  # in batches already yielded
        self.closed = False
        self._problems: dict[str, Problem] = {}
        self._repeats: dict[str, int] = {}
        self._unsettled: list[tuple[Problem, int, str, str]] = []
        self._header: pcap.Header | None = None
        self._sniff()

    # --- the file's beginning ---

    def _sniff(self) -> None:
        name = self.input.name
        try:
            self._fill(pcapng.MIN_BLOCK_BYTES)
            head = bytes(self.data[: self._filled])
            if pcap.is_pcap(head[:4]):
                self._fill(pcap.HEADER_BYTES)
                self._open_pcap()
            elif head[:4] == pcapng.SECTION.to_bytes(4, "big") and self._byte_order(0) is not None:
                self.format = "pcapng"
            else:
                self._fill(SNIFFED_BYTES)
                raise Unknown(bytes(self.data[: min(self._filled, SNIFFED_BYTES)]))
        except Broken as why:
            raise CaptureError(f"{name} {why}: nothing could be read from it") from why
        if self.input.packing:
            self.format += f"+{self.input.packing}"

    def _fill(self, size: int) -> None:
        """Have the first `size` bytes of the file in the buffer, or all there are."""
        while self._filled < size and self._more():
            pass

    def _open_pcap(self) -> None:
        if self._filled < pcap.HEADER_BYTES:
            raise CaptureError(
                f"{self.input.name} ends inside its file header, after {self._filled} of {pcap.HEADER_BYTES} bytes: "
                "nothing can be read from it, so capture again"
            )
        header = pcap.parse_header(bytes(self.data[: pcap.HEADER_BYTES]))
        self._header = header
        self.format = header.format
        self._at = pcap.HEADER_BYTES
        self._fill(self._at + header.extra_bytes)
        self._at = min(self._at + header.extra_bytes, self._filled)
        number = self.gathered.interface(Interface("", header.link_type, header.snap_bytes))
        if number is None:
            raise CaptureError(
                f"{self.input.name} has one interface more than the limit of {self.gathered.limits.interfaces}: "
                "raise it by --limit interfaces=N"
            )
        self.interface.fill(number)
        self.link.fill(header.link_type)

    def _byte_order(self, at: int) -> bool | None:
        """Tell whether the section that begins at `at` is big-endian; None when its magic says nothing."""
        magic = self.data[at + 8 : at + 12]
        if magic == pcapng.SECTION_MAGIC.to_bytes(4, "big"):
            return True
        return False if magic == pcapng.SECTION_MAGIC.to_bytes(4, "little") else None

    # --- the buffer ---

    def _more(self) -> bool:
        """Read on, moving what was not walked to the front of the buffer; False at the end.

        The buffer grows only when it is full of one record: by bytes that came, not by what a length field asks for.
        """
        left = self._filled - self._at
        if self._at:
            self._view[:left] = self._view[self._at : self._filled]
            self._offset += self._at
            self._at, self._filled = 0, left
        if left == len(self.data):
            grown = bytearray(2 * left)
            grown[:left] = self.data
            self.data, self._view = grown, memoryview(grown)
        came = 0
        while self._filled < len(self.data):
            try:
                got = self.input.readinto(self._view[self._filled :])
            except Broken:
                if came:  # is walked first; the next call meets the damage again
                    break
                raise
            self._filled += got
            came += got
            if got == 0 or not self.input.ready():
                break
        return came > 0

    def _discard(self, size: int) -> bool:
        """Pass over `size` bytes without holding them; False when the file ends before."""
        while size > self._filled - self._at:
            size -= self._filled - self._at
            self._at = self._filled
            if not self._more():
                return False
        self._at += size
        return True

    # --- the frames ---

    def batches(self) -> Generator[int]:
        walked = self._pcap() if self._header is not None else self._pcapng()
        try:
            for rows in walked:
                yield rows
                self._frames += rows
        except Broken as why:
            self._tell("capture.damaged", "broken", f"the file {why}; what came before was read")
        if not self._frames:
            self._tell("capture.empty", "empty", "it holds no frames: check the capture filter and the interface")

    def settle(self, number: Callable[[int], int | None]) -> None:
        """Complete the problems: `number` gives for a count of this file's frames the number of the last of them."""
        waiting = []
        for entry in self._unsettled:
            problem, frames, place, what = entry
            problem.frame = number(frames) if frames else None
            if frames and problem.frame is None:
                waiting.append(entry)
                continue
            where = "" if problem.frame is None else f", {place} {problem.frame}"
            problem.text = f"{problem.file}, byte {problem.offset}{where}: {what}"
        self._unsettled = waiting

    def close(self) -> None:
        """Stop reading; what comes to an end by that is no problem."""
        self.closed = True
        self.input.close()

    def finish(self) -> None:
        """Tell how often what was told once came again."""
        for kind, times in self._repeats.items():
            self._problems[kind].text += f" (and {times} more like this)"
        self._repeats.clear()

    def _pcap(self) -> Generator[int]:
        header = self._header
        assert header is not None
        limit = self.gathered.limits.record_bytes
        state = self._state
        while True:
            state[walk.AT] = self._at
            rows = walk.walk_pcap(
                self.data,
                self._filled,
                header.big,
                header.unit_ns,
                header.record_header_bytes,
                header.swapped,
                min(header.record_bytes, limit),
                0,
                self.capacity,
                *self._columns,
                state,
            )
            self._at = state[walk.AT]
            reason = state[walk.REASON]
            if rows:
                self._tell_oddities()
                yield rows
            if reason == walk.DAMAGED:
                begin = self._at + (12 if header.swapped else 8)
                held = int.from_bytes(self.data[begin : begin + 4], "big" if header.big else "little")
                self._stop_at_damage(f"a record says that it holds {held} bytes")
                return
            if reason == walk.NEED and not self._more():
                self._tell_cut()
                return

    def _pcapng(self) -> Generator[int]:
        section = pcapng.Section(self.gathered)
        limit = self.gathered.limits.record_bytes + OPTION_BYTES
        state = self._state
        rows = 0
        while True:
            state[walk.AT] = self._at
            rows = walk.walk_pcapng(
                self.data,
                self._filled,
                section.big,
                limit,
                section.interfaces.data,
                section.count,
                rows,
                self.capacity,
                *self._columns,
                *self._numbers,
                state,
            )
            self._at = state[walk.AT]
            reason = state[walk.REASON]
            damage: str | None = None
            total = 0
            if reason == walk.BAD_PACKET:
                self._skip_packet(section, rows)
                continue
            if reason == walk.OTHER:
                total, damage = self._block_bytes(section, limit)
                if damage is None and 0 < total <= self._filled - self._at:
                    damage = self._block(section, total, rows)
                    if damage is None:
                        continue
            elif reason == walk.DAMAGED:
                damage = "a packet block has an impossible length"
            if rows:
                self._tell_oddities()
                yield rows
                rows = 0
            if damage is not None:
                self._stop_at_damage(damage)
                break
            if reason == walk.FULL or (total and self._passed_over(section, total, limit)):
                continue
            if not self._more():
                self._tell_cut()
                break
        section.tell_drops()

    def _block_bytes(self, section: pcapng.Section, limit: int) -> tuple[int, str | None]:
        """The length of the block at hand (0: more bytes must come to tell), and what is wrong with it."""
        at = self._at
        if self._filled - at < pcapng.MIN_BLOCK_BYTES:
            return 0, None
        big: bool | None = section.big
        if self._kind(section.big) == pcapng.SECTION:
            big = self._byte_order(at)
            if big is None:
                return 0, "a section header has no byte order"
        total = int.from_bytes(self.data[at + 4 : at + 8], "big" if big else "little")
        if total < pcapng.MIN_BLOCK_BYTES:
            return 0, f"a block says that it is {total} bytes long"
        if self._filled - at >= total and self.data[at + 4 : at + 8] != self.data[at + total - 4 : at + total]:
            return 0, "a block has two different lengths"
        return total, None

    def _kind(self, big: bool) -> int:
        return int.from_bytes(self.data[self._at : self._at + 4], "big" if big else "little")

    def _block(self, section: pcapng.Section, total: int, rows: int) -> str | None:
        """Take in the block at hand, which is whole and none of packets; gives back damage that ends the reading."""
        kind = self._kind(section.big)
        if kind in pcapng.READ:
            if kind == pcapng.SECTION:
                section.tell_drops()
            wrong = section.read(kind, bytes(self._view[self._at : self._at + total]))
            if wrong is not None:
                self._tell("capture.damaged", f"{kind}{wrong[:20]}", wrong, rows)
        else:
            self._tell_unknown(kind, rows)
        self._at += total
        return None

    def _passed_over(self, section: pcapng.Section, total: int, limit: int) -> bool:
        """Tell whether the block at hand, which is not whole yet, was passed over because nobody needs it whole."""
        kind = self._kind(section.big)
        if kind in pcapng.READ and total <= limit:
            return False
        if kind in pcapng.READ:
            what = f"a block of {total} bytes is larger than the limit and was passed over (--limit record_bytes=N)"
            self._tell("capture.limit", "large block", what)
        else:
            self._tell_unknown(kind, 0)
        if not self._discard(total):
            self._tell("capture.truncated", "cut", f"the file ends inside a block that says it is {total} bytes long")
        return True

    # --- what is wrong ---

    def _tell_unknown(self, kind: int, rows: int) -> None:
        if kind not in pcapng.SILENT and not kind & 0x80000000:
            what = f"a block of the unknown type {kind:#x} was passed over"
            self._tell("capture.unknown-block", f"unknown {kind}", what, rows)

    def _skip_packet(self, section: pcapng.Section, rows: int) -> None:
        order = "big" if section.big else "little"
        total = int.from_bytes(self.data[self._at + 4 : self._at + 8], order)  # type: ignore[arg-type]
        what = "a packet block holds less than it says, or names an interface that is not described; it was left out"
        self._tell("capture.damaged", "bad packet", what, rows)
        self._at += total

    def _tell_oddities(self) -> None:
        state = self._state
        for place, code, what in ODDITIES:
            times = state[place]
            if times:
                self._tell(code, what, what, state[walk.ODD_ROW] + 1, int(self.start[state[walk.ODD_ROW]]))
                if times > 1:
                    self._repeats[what] = self._repeats.get(what, 0) + times - 1
                state[place] = 0

    def _stop_at_damage(self, what: str) -> None:
        self._tell("capture.damaged", "stop", f"{what}, which cannot be; what follows was not read")

    def _tell_cut(self) -> None:
        if self._at < self._filled:
            left = self._filled - self._at
            self._tell("capture.truncated", "cut", f"the file ends inside a record, {left} bytes after its beginning")

    def _tell(self, code: str, kind: str, what: str, rows: int = 0, at: int | None = None) -> None:
        """Put a problem on record, once for each kind: after row `rows`, or about it, its bytes being at `at`."""
        if self.closed:
            return
        if kind in self._problems:
            self._repeats[kind] = self._repeats.get(kind, 0) + 1
            return
        if len(self._problems) >= PROBLEMS:
            return
        problem = Problem(code, what, self.input.name, self._offset + (self._at if at is None else at))
        self._problems[kind] = problem
        self.gathered.problems.append(problem)
        place = "after frame" if at is None else "frame"
        self._unsettled.append((problem, self._frames + rows, place, what))
