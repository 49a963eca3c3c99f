"""Handshake messages put together from their fragments, in any order, overlapping and repeated (RFC 9147 §5.5)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Malformed, Piece, joined

HEADER_BYTES: Final = 12  # RFC 9147 §5.2
MAX_MESSAGE_BYTES: Final = 1 << 18
#: Of one message, and of messages of one side that are incomplete at once.
MAX_FRAGMENTS: Final = 256
MAX_MESSAGES: Final = 16


class Part:
    """Bytes `start` to `stop` of a message."""

    __slots__ = ("piece", "start", "stop")

    def __init__(self, start: int, stop: int, piece: Piece) -> None:
        self.start = start
        self.stop = stop
        self.piece = piece


def _start(part: Part) -> int:
    return part.start


class Assembly:
    """One message of which some fragments are here; of bytes that came twice the first copy counts."""

    __slots__ = ("again", "bytes", "header", "kind", "length", "parts")

    def __init__(self, kind: int, length: int, header: Piece) -> None:
        self.kind = kind
        self.length = length
        self.header = header
        self.parts: list[Part] = []  # in order, none overlapping another
        self.bytes = 0
        self.again = 0  # fragments that brought nothing new

    def add(self, start: int, body: Piece) -> None:
        """Take the bytes of `body`, which begins at `start`, that are new."""
        at, stop = start, start + len(body)
        if at < stop and (not self.parts or self.parts[-1].stop <= at):  # mostly they come in order
            self.parts.append(Part(at, stop, body))
            self.bytes += stop - at
            return
        new: list[Part] = []
        for part in self.parts:
            if part.start >= stop:
                break
            if at < part.start:
                new.append(Part(at, part.start, body.cut(at - start, part.start - start)))
            at = max(at, part.stop)
        if at < stop:
            new.append(Part(at, stop, body.cut(at - start)))
        for part in new:
            self.bytes += part.stop - part.start
        if new:
            self.parts.extend(new)
            self.parts.sort(key=_start)
        else:
            self.again += 1

    def message(self, sequence: int) -> Piece:
        """The whole message, with the header that it would have in one fragment."""
        length = self.length.to_bytes(3, "big")
        header = bytes((self.kind,)) + length + sequence.to_bytes(2, "big") + bytes(3) + length
        whole = joined([self.header.mapped(header), *[part.piece for part in self.parts]])
        whole.trace = self.header.trace
        return whole


class Fragments:
    """The messages of one side that are not complete."""

    __slots__ = ("dropped", "pending")

    def __init__(self) -> None:
        self.pending: dict[int, Assembly] = {}  # by message_seq
        self.dropped = 0  # messages that were given up, for want of room

    def add(self, fragment: Piece) -> tuple[int, Piece] | None:
        """Take a fragment with its header; gives message_seq and the whole message, once that is complete.

        A message in one fragment comes back as it is.  Raises Malformed.
        """
        data, at = fragment.data, fragment.start
        kind = data[at]
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        sequence = int.from_bytes(data[at + 4 : at + 6], "big")
        start = int.from_bytes(data[at + 6 : at + 9], "big")
        size = len(fragment) - HEADER_BYTES
        if start + size > length:
            raise Malformed(f"bytes {start} to {start + size} of a message of {length} (RFC 9147 §5.2)")
        if length > MAX_MESSAGE_BYTES:
            raise Malformed(f"a handshake message of {length:,} bytes, at most {MAX_MESSAGE_BYTES:,} are read")
        if size == length:
            self.pending.pop(sequence, None)
            return sequence, fragment
        found = self.pending.get(sequence)
        if found is None or found.kind != kind or found.length != length:
            self.pending.pop(sequence, None)
            if len(self.pending) >= MAX_MESSAGES:
                self._drop(next(iter(self.pending)))
            found = self.pending[sequence] = Assembly(kind, length, fragment.cut(0, HEADER_BYTES))
        found.add(start, fragment.cut(HEADER_BYTES))
        if found.bytes == length:
            del self.pending[sequence]
            return sequence, found.message(sequence)
        if len(found.parts) > MAX_FRAGMENTS:
            self._drop(sequence)
        return None

    def _drop(self, sequence: int) -> None:
        del self.pending[sequence]
        self.dropped += 1
