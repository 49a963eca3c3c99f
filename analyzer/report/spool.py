"""Notes as the JSON that the report will have of them, in a temporary file: what a capture of many flows is held in.

A flow's notes are encoded once.  A report in JSON copies them out as they are; whoever iterates over them gets objects.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

import msgspec

from analyzer import core
from analyzer.report import model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: Written, and read ahead, this many bytes at a time.
BLOCK_BYTES: Final = 1 << 17
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
        self._last: tuple[tuple[int, ...], list[core.Note]] | None = None  # parts that were read last, as objects

    def __del__(self) -> None:
        if self.file is not None:
            self.file.close()

    def pack(self, notes: list[core.Note], before: Sequence[core.Note] | None = None) -> Packed:
        text = model.encode(model.notes(notes))[1:-1]
        at = self._written + len(self._behind)
        self._behind += text
        if len(self._behind) >= BLOCK_BYTES and not self._full:
            try:
                self.flush()
            except OSError:
                self._full = True  # then memory has to do
        if isinstance(before, Packed):
            return Packed(self, before.size + len(notes), (*before.parts, at, len(text)))
        return Packed(self, len(notes), (at, len(text)))

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

    def notes(self, packed: Packed) -> list[core.Note]:
        """The notes as objects: the same list again, for as long as nobody asks for another one's."""
        if self._last is None or self._last[0] is not packed.parts:
            self._last = packed.parts, [note_of(found) for found in _decoder.decode(b"[" + packed.text() + b"]")]
        return self._last[1]


class Packed(model.Encoded, Sequence[core.Note]):
    """Notes in a spool: read like a list of them."""

    __slots__ = ("parts", "size", "spool")

    def __init__(self, spool: Spool, size: int, parts: tuple[int, ...]) -> None:
        self.spool = spool
        self.size = size
        self.parts = parts  # where the first part is, its size, where the second is, ...

    def text(self) -> bytes:
        """The notes in JSON, with commas between them."""
        parts, read = self.parts, self.spool.read
        if len(parts) == 2:
            return read(parts[0], parts[1])
        return b",".join(read(parts[index], parts[index + 1]) for index in range(0, len(parts), 2))

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> core.Note: ...

    @overload
    def __getitem__(self, index: slice) -> list[core.Note]: ...

    def __getitem__(self, index: int | slice) -> core.Note | list[core.Note]:
        return self.spool.notes(self)[index]

    def __iter__(self) -> Iterator[core.Note]:
        return iter(self.spool.notes(self))


def note_of(found: model.Note) -> core.Note:
    place = core.Place(tuple(core.Span(*span) for span in found.spans), found.time_ns)
    note = core.Note(found.kind, found.text, place, found.fields, verdict=found.verdict)
    note.sender = None if found.sender is None else SIDES[found.sender]
    note.flow, note.path, note.spec = found.flow, found.path, found.spec
    note.remark = "" if found.remark is msgspec.UNSET else found.remark
    return note
