"""Capture files as one source: several are merged in order of time, frame by frame."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from analyzer.capture import tshark
from analyzer.capture.gathered import Gathered
from analyzer.capture.inputs import open_input, standard_input
from analyzer.capture.reader import Reader, Unknown
from analyzer.core import Batch, CaptureError, CaptureFile, Limits, Problem, Source

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from analyzer.core import Int64s

Place = str | BinaryIO | bytes | bytearray | memoryview

CAPACITY: Final = 8192  # frames of one batch
# Several files share these, so that memory does not grow with their number (until it meets the least each needs).
MERGED_BYTES: Final = 32 << 20
LEAST_BLOCK_BYTES: Final = 1 << 16
MERGED_CAPACITY: Final = 2048
GLOB_CHARACTERS: Final = frozenset("*?[")
NAMED_FILES: Final = 5  # of those that are left out
START_OF_TIME: Final = -(1 << 63)
PACKED_MAGICS: Final = {
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"PK\3\4": "zip",
    b"7z\xbc\xaf": "7z",
    b"\x02\x21\x4c\x18": "an old form of lz4",
}


@dataclass(slots=True)
class Candidate:
    """Something that may be a capture.  What was found in a folder, and not named, may well be something else."""

    name: str
    place: Place
    found: bool = False


# --- opening ----------------------------------------------------------------------------------------------------------


def open_files(
    paths: Sequence[str | os.PathLike[str] | BinaryIO | bytes], limits: Limits, block_bytes: int
) -> FileSource:
    """The source that `analyzer.capture.open_source` gives."""
    gathered = Gathered(limits)
    candidates, errors = find(paths)
    if len(candidates) == 1 and not errors:
        only = candidates[0]
        file = CaptureFile(only.name, "", 0)
        part = Part(only, 0, file)
        part.open(gathered, block_bytes, CAPACITY)
        return FileSource([part], gathered, block_bytes, CAPACITY)
    share = max(min(block_bytes, MERGED_BYTES // max(len(candidates), 1)), LEAST_BLOCK_BYTES)
    parts: list[Part] = []
    left_out: list[str] = []
    for candidate in candidates:
        part = Part(candidate, len(parts), CaptureFile(candidate.name, "", 0))
        try:
            part.look(gathered, share)
        except CaptureError as why:
            if candidate.found:
                left_out.append(candidate.name)
            else:
                errors.append(CaptureError(str(why)))
        else:
            parts.append(part)
    if not parts:
        raise CaptureError(str(errors[0]) if errors else _nothing(paths, left_out))
    gathered.problems += [Problem("capture.unreadable", f"{why}; the others were read") for why in errors]
    if left_out:
        gathered.problems.append(Problem("capture.left-out", f"{_listed(left_out)}: no capture, and left out"))
    return FileSource(parts, gathered, share, MERGED_CAPACITY)


def find(
    paths: Sequence[str | os.PathLike[str] | BinaryIO | bytes],
) -> tuple[list[Candidate], list[CaptureError]]:
    """What `paths` name: files, those in folders and those that globs match; and what is wrong with some."""
    candidates: list[Candidate] = []
    errors: list[CaptureError] = []
    for path in paths:
        if isinstance(path, (bytes, bytearray, memoryview)):
            candidates.append(Candidate("bytes", path))
        elif isinstance(path, (str, os.PathLike)):
            name = os.fspath(path)
            try:
                candidates += _named(name)
            except CaptureError as why:
                errors.append(why)
        else:
            label = getattr(path, "name", None)
            candidates.append(Candidate(label if isinstance(label, str) else "file object", path))
    # A file may be named by itself and lie in a named folder too.
    seen: dict[object, Candidate] = {}
    for candidate in candidates:
        place = candidate.place
        seen.setdefault(os.path.realpath(place) if isinstance(place, str) else id(place), candidate)
    return list(seen.values()), errors


def _named(name: str) -> list[Candidate]:
    if name == "-":
        return [Candidate("standard input", standard_input())]
    try:
        if os.path.isdir(name):  # noqa: PTH112 - the name is shown as it was given
            return _in_folder(name)
        if GLOB_CHARACTERS & set(name) and not os.path.lexists(name):
            matches = sorted(glob.glob(name))  # noqa: PTH207
            if not matches:
                raise CaptureError(f"{name} matches no file: check the pattern")
            return [
                candidate
                for match in matches
                for candidate in (_in_folder(match) if os.path.isdir(match) else [Candidate(match, match)])  # noqa: PTH112
            ]
    except OSError as why:
        raise CaptureError(f"{name} cannot be listed: {why.strerror or why}") from why
    return [Candidate(name, name)]


def _in_folder(folder: str) -> list[Candidate]:
    entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith("."))
    return [Candidate(str(Path(folder) / entry), str(Path(folder) / entry), found=True) for entry in entries]


def _nothing(paths: Sequence[object], left_out: list[str]) -> str:
    if not paths:
        return "no capture was named: give a file, a folder, or - for standard input"
    where = ", ".join(str(path) for path in paths)
    if left_out:
        return f"{where} holds no capture ({_listed(left_out)} are something else): name another folder or a file"
    return f"{where} is empty: name another folder or a file"


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_FILES
    return ", ".join(names[:NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def open_reader(candidate: Candidate, gathered: Gathered, block_bytes: int, capacity: int) -> Reader:
    """The reader for a file's format, through tshark where it must be.  Raises `CaptureError`."""
    opened = open_input(candidate.name, candidate.place)
    try:
        return Reader(opened, gathered, block_bytes, capacity)
    except Unknown as why:
        opened.close()
        head = why.head
    except BaseException:
        opened.close()
        raise
    _refuse(candidate.name, head)
    if candidate.found or opened.path is None:
        raise CaptureError(f"{candidate.name} is neither pcap nor pcapng: name it as a file, for tshark to read it")
    return _through_tshark(candidate.name, opened.path, gathered, block_bytes, capacity)


def _through_tshark(name: str, path: str, gathered: Gathered, block_bytes: int, capacity: int) -> Reader:
    through, output = tshark.open_through(name, path)
    try:
        reader = Reader(through, gathered, block_bytes, capacity)
    except (Unknown, CaptureError) as why:
        raise tshark.refusal(name, output) from why
    reader.format = "by tshark"
    gathered.problems.append(
        Problem(
            "capture.by-tshark",
            f"{name} is neither pcap nor pcapng and was read through tshark: byte offsets are those of its output",
            name,
        )
    )
    return reader


def _refuse(name: str, head: bytes) -> None:
    """Raise for what is certainly not a capture."""
    if not head:
        raise CaptureError(f"{name} is empty: capture again, or name another file")
    for magic, packer in PACKED_MAGICS.items():
        if head.startswith(magic):
            raise CaptureError(
                f"{name} is packed by {packer}, of which only gzip, zstd and lz4 are read: unpack it first"
            )
    if head.startswith(b"\n\r\r\n") or len(head) < 4:
        raise CaptureError(
            f"{name} is no capture, or its file header is damaged ({len(head)} bytes read): name another file"
        )
    if is_text(head):
        beginning = head[:32].decode("utf-8", "replace").splitlines()[0:1]
        raise CaptureError(
            f"{name} is text, not a capture (it begins {''.join(beginning)!r}): name the capture that it was made from"
        )


def is_text(head: bytes) -> bool:
    """Tell whether bytes are text: no controls but white space, and right UTF-8 or no high bytes."""
    if any(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head):
        return False
    # The head may end inside a character.
    return any(_decodes(head[: len(head) - cut]) for cut in range(4))


def _decodes(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- merging ----------------------------------------------------------------------------------------------------------


class Part:
    """One file of several: where it is read from, and what of its current batch has not been given out."""

    def __init__(self, candidate: Candidate, index: int, file: CaptureFile) -> None:
        self.candidate = candidate
        self.index = index  # frames of the same time come in the order of their files
        self.file = file
        self.size: int | None = None
        self.first_ns = START_OF_TIME  # nothing of it comes before
        self.rows = 0
        self.at = 0  # rows given out
        self._keys: Int64s = np.zeros(0, dtype=np.int64)
        self._latest_ns = START_OF_TIME
        self._reader: Reader | None = None
        self._batches: Generator[int] | None = None
        self._peeked: int | None = None
        self._frames_before = 0  # frames of this file in former batches
        self._last_number = 0

    @property
    def reader(self) -> Reader:
        assert self._reader is not None
        return self._reader

    def open(self, gathered: Gathered, block_bytes: int, capacity: int) -> None:
        if self._reader is not None:
            return
        self._reader = open_reader(self.candidate, gathered, block_bytes, capacity)
        self._batches = self._reader.batches()
        raw = self._reader.input.raw
        self.size = raw.size
        self.file.format, self.file.bytes = self._reader.format, raw.size or 0

    def look(self, gathered: Gathered, block_bytes: int) -> None:
        """Find out when the file begins.  One that can be opened again later is closed until it is its turn."""
        again = isinstance(self.candidate.place, str) and Path(self.candidate.place).is_file()
        self.open(Gathered(gathered.limits) if again else gathered, block_bytes, MERGED_CAPACITY)
        assert self._batches is not None
        rows = next(self._batches, 0)
        if rows:
            self.first_ns = int(self.reader.time_ns[0])
        if again:
            self.close()
            self._reader = None
        else:
            self._peeked = rows

    def next_batch(self, *, ordered: bool) -> bool:
        """Read on; False at the end of the file.  `ordered` prepares for merging."""
        assert self._batches is not None
        self._frames_before += self.rows
        rows, self._peeked = (next(self._batches, 0) if self._peeked is None else self._peeked), None
        self.at, self.rows = 0, rows
        self.file.bytes = self.size or self.reader.input.raw.done_bytes
        self.settle()
        if rows and ordered:
            # Keys never decrease, as a frame cannot be given out before one that precedes it in its file.
            keys = self.reader.time_ns[:rows].copy()
            keys[0] = max(int(keys[0]), self._latest_ns)
            self._keys = np.maximum.accumulate(keys)
            self._latest_ns = int(self._keys[-1])
        return rows > 0

    @property
    def latest(self) -> tuple[int, int]:
        """Up to when this batch allows frames to be given out, as (time, index of the file)."""
        return self._latest_ns, self.index

    def until(self, bound: tuple[int, int]) -> int:
        """The row after the last that comes no later than `bound`."""
        time_ns, index = bound
        if self.index <= index:
            return int(np.searchsorted(self._keys, time_ns, side="right"))
        return int(np.searchsorted(self._keys, time_ns, side="left"))

    def give(self, stop: int, first_frame: int, numbers: Int64s | None = None) -> None:
        """Count rows up to `stop` as given out, under `numbers` or from `first_frame` on."""
        begin, self.at = self.at, stop

        def number(frames: int) -> int | None:
            row = frames - 1 - self._frames_before
            if row < begin:
                return self._last_number
            if row >= stop:
                return None
            return first_frame + row - begin if numbers is None else int(numbers[row - begin])

        self.reader.settle(number)
        self._last_number = first_frame + stop - begin - 1 if numbers is None else int(numbers[-1])

    def settle(self) -> None:
        """Complete the problems that came up after the frames already given out."""
        self.reader.settle(lambda frames: self._last_number if frames <= self._frames_before else None)

    @property
    def keys(self) -> Int64s:
        return self._keys[self.at :]

    @property
    def done_bytes(self) -> int:
        return self._reader.input.raw.done_bytes if self._reader is not None else 0

    def finish(self) -> None:
        self.reader.finish()
        self.close()

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class FileSource(Source):
    """The frames of several files as one capture in order of time."""

    def __init__(self, parts: list[Part], gathered: Gathered, block_bytes: int, capacity: int) -> None:
        self._gathered = gathered
        self.interfaces = gathered.interfaces
        self.problems = gathered.problems
        self.secrets = gathered.secrets
        self.names = gathered.names
        self.files = [part.file for part in parts]
        self.done_bytes = 0
        sizes = [part.size for part in parts]
        self.total_bytes = None if None in sizes else sum(size or 0 for size in sizes)
        self._parts = parts
        self._block_bytes = block_bytes
        self._capacity = capacity
        self._frames = 0
        self._finished_bytes = 0
        self._merged = bytearray()
        self._closed = False

    def __iter__(self) -> Generator[Batch]:
        waiting = sorted(self._parts, key=lambda part: (part.first_ns, part.index), reverse=True)
        active: list[Part] = []
        while (waiting or active) and not self._closed:
            if not active:
                self._activate(waiting, active)
            active = [part for part in active if part.at < part.rows or self._go_on(part, ordered=len(self._parts) > 1)]
            if not active:
                continue
            bound = min(part.latest for part in active)
            if waiting and (waiting[-1].first_ns, waiting[-1].index) < bound:
                self._activate(waiting, active)
                continue
            if len(self._parts) == 1:
                takers = [(active[0], active[0].rows)]
            else:
                takers = [(part, stop) for part in active if (stop := part.until(bound)) > part.at]
            self.done_bytes = self._finished_bytes + sum(part.done_bytes for part in active)
            if len(takers) == 1:
                yield self._stretch(*takers[0])
            else:
                yield from self._merge(takers)
        self.done_bytes = self._finished_bytes

    def _activate(self, waiting: list[Part], active: list[Part]) -> None:
        part = waiting.pop()
        try:
            part.open(self._gathered, self._block_bytes, self._capacity)
        except CaptureError as why:  # it could be read a moment ago
            self.problems.append(Problem("capture.unreadable", f"{why}; the others were read", part.file.name))
        else:
            active.append(part)

    def _go_on(self, part: Part, *, ordered: bool) -> bool:
        if part.next_batch(ordered=ordered):
            return True
        self._finished_bytes += part.done_bytes
        part.finish()
        return False

    def _stretch(self, part: Part, stop: int) -> Batch:
        """Rows of one file up to `stop`, as they lie in its buffer."""
        reader, rows = part.reader, slice(part.at, stop)
        first_frame = self._frames + 1
        self._frames += stop - part.at
        part.give(stop, first_frame)
        return Batch(
            reader.data,
            first_frame,
            rows.stop - rows.start,
            reader.time_ns[rows],
            reader.start[rows],
            reader.captured[rows],
            reader.length[rows],
            reader.interface[rows],
            reader.link[rows],
        )

    def _merge(self, takers: list[tuple[Part, int]]) -> Generator[Batch]:
        """Rows of several files in order of time, their bytes copied into one buffer."""
        # A stable sort keeps the order within each file, and of equal times that of the files.
        takers.sort(key=lambda taker: taker[0].index)
        keys = np.concatenate([part.keys[: stop - part.at] for part, stop in takers])
        order = np.argsort(keys, kind="stable")
        numbers = np.empty(len(order), dtype=np.int64)
        numbers[order] = np.arange(self._frames + 1, self._frames + 1 + len(order))
        starts, filled, done = [], 0, 0
        for part, stop in takers:
            reader = part.reader
            low = int(reader.start[part.at])
            high = int(reader.start[stop - 1] + reader.captured[stop - 1])
            if filled + high - low > len(self._merged):
                self._merged += bytes(filled + high - low - len(self._merged))
            self._merged[filled : filled + high - low] = memoryview(reader.data)[low:high]
            starts.append(reader.start[part.at : stop] + (filled - low))
            filled += high - low
        spans = [(part.reader, slice(part.at, stop)) for part, stop in takers]
        time_ns = np.concatenate([reader.time_ns[rows] for reader, rows in spans])[order]
        start = np.concatenate(starts)[order]
        captured = np.concatenate([reader.captured[rows] for reader, rows in spans])[order]
        length = np.concatenate([reader.length[rows] for reader, rows in spans])[order]
        interface = np.concatenate([reader.interface[rows] for reader, rows in spans])[order]
        link = np.concatenate([reader.link[rows] for reader, rows in spans])[order]
        for part, stop in takers:
            count = stop - part.at
            part.give(stop, 0, numbers[done : done + count])
            done += count
        for begin in range(0, len(order), CAPACITY):
            rows = slice(begin, min(begin + CAPACITY, len(order)))
            first_frame = self._frames + 1
            self._frames += rows.stop - begin
            yield Batch(
                self._merged,
                first_frame,
                rows.stop - begin,
                time_ns[rows],
                start[rows],
                captured[rows],
                length[rows],
                interface[rows],
                link[rows],
            )

    def close(self) -> None:
        self._closed = True
        for part in self._parts:
            part.close()
