"""Notes as the JSON that the report will have of them, in a temporary file: what a large capture is held in.

A flow's notes are encoded once.  A report in JSON copies them out as they are; whoever iterates over them gets objects.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

import msgspec

from analyzer import core
from analyzer.report import model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

#: Written this many bytes at a time.
BLOCK_BYTES: Final = 1 << 17
#: So many notes are encoded, and read as objects, at a time.
PART_NOTES: Final = 500
SIDES: Final = {"initiator": core.Side.INITIATOR, "responder": core.Side.RESPONDER}

_decoder: Final = msgspec.json.Decoder(list[model.Note])


class Spool(core.Packer):
    """A temporary file of notes, which has no name and ends with its last user."""

    def __init__(self, file: BinaryIO | None = None, size: int = 0) -> None:
        self.file: BinaryIO | None = file  # made when it is needed
        self._written = size  # bytes in the file
        self._behind: list[bytes] = []  # what comes after them
        self._behind_bytes = 0
        self._full = False  # the disk is
        self._last_at = -1  # the part that was read last, as objects
        self._last: list[core.Note] = []

    def __del__(self) -> None:
        if self.file is not None:
            self.file.close()

    def pack(self, notes: list[core.Note], before: Sequence[core.Note] | None = None) -> Packed:
        parts = before.parts if isinstance(before, Packed) else ()
        if len(notes) <= PART_NOTES:
            parts += self._keep(notes)
        else:
            for start in range(0, len(notes), PART_NOTES):
                parts += self._keep(notes[start : start + PART_NOTES])
        return Packed(self, len(notes) + (0 if before is None else len(before)), parts)

    def merge(self, runs: Sequence[Sequence[core.Note]], key: Callable[[core.Note], int]) -> Packed:
        parts: list[int] = []
        some: list[core.Note] = []
        for one in heapq.merge(*runs, key=key):
            some.append(one)
            if len(some) == PART_NOTES:
                parts += self.pack(some).parts
                some = []
        if some:
            parts += self.pack(some).parts
        return Packed(self, sum(map(len, runs)), tuple(parts))

    def _keep(self, notes: list[core.Note]) -> tuple[int, int, int]:
        """Where the text of these notes begins, its size, and how many they are."""
        text = model.notes(notes)
        at = self._written + self._behind_bytes
        self._behind.append(text)
        self._behind_bytes += len(text)
        if self._behind_bytes >= BLOCK_BYTES and not self._full:
            try:
                self.flush()
            except OSError:
                self._full = True  # then memory has to do
        return at, len(text), len(notes)

    def flush(self) -> int:
        """Write what is not in the file yet; gives the size of the file."""
        if self.file is None:
            self.file = tempfile.TemporaryFile(prefix="analyzer-", buffering=0)  # noqa: SIM115 - it ends with this
        self.file.seek(self._written)
        while self._behind_bytes:
            text = self._gathered()
            done = self.file.write(text)
            self._written += done
            self._behind = [text[done:]] if done < len(text) else []
            self._behind_bytes -= done
        return self._written

    def _gathered(self) -> bytes:
        """What is not in the file yet, in one piece."""
        if len(self._behind) != 1:
            self._behind = [b"".join(self._behind)]
        return self._behind[0]

    def read(self, at: int, size: int) -> bytes:
        """Bytes `at` to `at + size` of all that was written."""
        if at >= self._written:
            at -= self._written
            return self._gathered()[at : at + size]
        assert self.file is not None
        self.file.seek(at)
        found = self.file.read(size)
        while len(found) < size:
            some = self.file.read(size - len(found))
            if not some:
                break
            found += some
        return found

    def notes(self, at: int, size: int) -> list[core.Note]:
        """Those of one part, as objects: the same list again, for as long as nobody asks for another one."""
        if self._last_at != at:
            found = _decoder.decode(b"[" + self.read(at, size) + b"]")
            self._last_at, self._last = at, [note_of(one) for one in found]
        return self._last


class Packed(model.Encoded, Sequence[core.Note]):
    """Notes in a spool: read like a list of them."""

    __slots__ = ("parts", "size", "spool")

    def __init__(self, spool: Spool, size: int, parts: tuple[int, ...]) -> None:
        self.spool = spool
        self.size = size
        self.parts = parts  # where the first part is, its bytes, its notes, where the second is, ...

    def texts(self) -> Iterator[bytes]:
        for index in range(0, len(self.parts), 3):
            yield self.spool.read(self.parts[index], self.parts[index + 1])

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> core.Note: ...

    @overload
    def __getitem__(self, index: slice) -> list[core.Note]: ...

    def __getitem__(self, index: int | slice) -> core.Note | list[core.Note]:
        if isinstance(index, slice):
            return [self[number] for number in range(self.size)[index]]
        number, parts = range(self.size)[index], self.parts
        for part in range(0, len(parts), 3):
            if number < parts[part + 2]:
                return self.spool.notes(parts[part], parts[part + 1])[number]
            number -= parts[part + 2]
        raise IndexError(index)

    def __iter__(self) -> Iterator[core.Note]:
        for part in range(0, len(self.parts), 3):
            yield from self.spool.notes(self.parts[part], self.parts[part + 1])


def note_of(found: model.Note) -> core.Note:
    place = core.Place(tuple(core.Span(*span) for span in found.spans), found.time_ns)
    note = core.Note(found.kind, found.text, place, found.fields, verdict=found.verdict)
    note.sender = None if found.sender is None else SIDES[found.sender]
    note.flow, note.path, note.spec = found.flow, found.path, found.spec
    note.remark = "" if found.remark is msgspec.UNSET else found.remark
    return note
