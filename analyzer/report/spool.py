"""Notes as the JSON that the report will have of them, in a temporary file: what a large capture is held in.

A flow's notes are encoded once.  A report in JSON copies them out as they are; whoever iterates over them gets objects.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

import msgspec

from analyzer import core
from analyzer.report import model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

#: Written, and read ahead, this many bytes at a time.
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
        self._behind = bytearray()  # what comes after them
        self._full = False  # the disk is
        self._ahead = b""  # read last, and from where on
        self._ahead_at = 0
        self._last_at = -1  # the part that was read last, as objects
        self._last: list[core.Note] = []

    def __del__(self) -> None:
        if self.file is not None:
            self.file.close()

    def pack(self, notes: list[core.Note], before: Sequence[core.Note] | None = None) -> Packed:
        parts = before.parts if isinstance(before, Packed) else ()
        size = before.size if isinstance(before, Packed) else 0
        for start in range(0, len(notes), PART_NOTES):
            some = notes[start : start + PART_NOTES]
            parts = (*parts, *self._keep(model.notes(some), len(some)))
        return Packed(self, size + len(notes), parts)

    def merge(self, runs: Sequence[Sequence[core.Note]], key: Callable[[core.Note], int]) -> Packed:
        parts: list[int] = []
        some: list[core.Note] = []
        for one in heapq.merge(*runs, key=key):
            some.append(one)
            if len(some) == PART_NOTES:
                parts += self.pack(some).parts
                some = []
        parts += self.pack(some).parts
        return Packed(self, sum(map(len, runs)), tuple(parts))

    def _keep(self, text: bytes, size: int) -> tuple[int, int, int]:
        """Where the text of so many notes begins, its size, and how many they are."""
        at = self._written + len(self._behind)
        self._behind += text
        if len(self._behind) >= BLOCK_BYTES and not self._full:
            try:
                self.flush()
            except OSError:
                self._full = True  # then memory has to do
        return at, len(text), size

    def flush(self) -> int:
        """Write what is not in the file yet; gives the size of the file."""
        if self.file is None:
            self.file = tempfile.TemporaryFile(prefix="analyzer-", buffering=0)  # noqa: SIM115 - it ends with this
        while self._behind:
            done = self.file.write(self._behind)
            self._written += done
            del self._behind[:done]
        return self._written

    def read(self, at: int, size: int) -> bytes:
        """Bytes `at` to `at + size` of all that was written; in order of place, that is cheap."""
        if at >= self._written:
            at -= self._written
            return bytes(self._behind[at : at + size])
        start = at - self._ahead_at
        if start < 0 or start + size > len(self._ahead):
            self._ahead = self._from_file(at, max(size, BLOCK_BYTES))
            self._ahead_at, start = at, 0
        return self._ahead[start : start + size]

    def _from_file(self, at: int, size: int) -> bytes:
        assert self.file is not None
        self.file.seek(at)
        found = b""
        while len(found) < size:
            some = self.file.read(size - len(found))
            if not some:
                break
            found += some
        self.file.seek(0, os.SEEK_END)
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
