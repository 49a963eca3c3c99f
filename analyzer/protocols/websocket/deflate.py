"""permessage-deflate: what one side compressed, inflated message by message (RFC 7692 §7)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "permessage-deflate"
#: What the compressor leaves out at the end of each message.  §7.2.1
TAIL: Final = b"\x00\x00\xff\xff"
#: The largest window, as a power of 2: it inflates what smaller ones compressed.
MOST_BITS: Final = 15
#: zlib compresses with 9 where 8 was agreed on, and nobody minds.  §7.1.2 allows both.
LEAST_BITS: Final = 9
STEP_BYTES: Final = 1 << 16


class Inflater:
    """Inflates one side's messages; `takeover` tells whether each builds on those before it.

    Raises `Malformed` for what is no DEFLATE, and for a message that would come to more than `limit` bytes.  Once
    something is missing, each message is tried with what is known of the window since: references reach back from where
    they stand, so that one which is met means what it says, and one which is not is an error of zlib.
    """

    __slots__ = ("_inflate", "_limit", "_since", "_size", "bits", "excused", "takeover", "whole")

    def __init__(self, takeover: bool, limit: int, bits: int = MOST_BITS) -> None:
        self.takeover = takeover
        self.bits = bits
        self.whole = True  # all that a message may refer to is known
        self.excused = False  # the last failure is the capture's, which lacks something
        self._limit = limit
        self._size = 0  # of the message under way
        self._since = 0  # bytes that are known, where not all is
        self._inflate = zlib.decompressobj(-bits)

    def add(self, data: bytes, final: bool) -> bytes:
        """What the next part of a message comes to; `final` says that the message ends with it."""
        try:
            found = self._run(data + TAIL if final else data)
        except zlib.error as why:
            self.excused = not self.whole
            self._restart()
            if self.excused:
                raise Malformed("it builds on messages before it that could not be read") from None
            raise Malformed(self._reason(str(why))) from None
        if final:
            self._size = 0
            if not self.takeover or self._inflate.eof:
                self._inflate = zlib.decompressobj(-self.bits)
        return found

    def _reason(self, why: str) -> str:
        """What zlib's error means here."""
        if "too far back" not in why:
            return f"it is not DEFLATE ({why.rpartition(': ')[2]})"
        if not self.takeover:
            return "it refers to an earlier message, though no_context_takeover was agreed on"
        if self.bits < MOST_BITS:
            return f"it refers to what is further back than the window of {1 << self.bits:,} bytes that was agreed on"
        return "it refers to what is further back than all that was sent"

    def _run(self, data: bytes) -> bytes:
        found = bytearray()
        for _ in range(self._limit // STEP_BYTES + 2):
            part = self._inflate.decompress(data, STEP_BYTES)
            found += part
            self._size += len(part)
            if self._size > self._limit:
                self.excused = False
                self._restart()
                raise Malformed(f"it comes to more than {self._limit:,} bytes, which is not inflated")
            data = self._inflate.unconsumed_tail
            if not data:
                break
        if len(found) % STEP_BYTES == 0 and found:  # a full step may have left output behind, with no input for it
            found += self._inflate.decompress(b"", STEP_BYTES)
        if not self.whole:
            self._since += len(found)
            self.whole = self._since >= 1 << self.bits
        return bytes(found)

    def _restart(self) -> None:
        """A message is lost; with it all that later ones refer to."""
        self._size = self._since = 0
        self._inflate = zlib.decompressobj(-self.bits)
        self.whole = not self.takeover

    def miss(self) -> None:
        """A message, or a part of one, is not in the capture."""
        self._restart()


def agreed(parameters: Mapping[str, str] | None, limit: int) -> tuple[Inflater | None, Inflater | None]:
    """What inflates the client's and the server's messages; None where the extension was not agreed on.  §7.1"""
    if parameters is None:
        return None, None
    return (
        Inflater("client_no_context_takeover" not in parameters, limit, window_bits(parameters, "client")),
        Inflater("server_no_context_takeover" not in parameters, limit, window_bits(parameters, "server")),
    )


def window_bits(parameters: Mapping[str, str], who: str) -> int:
    """How far back this side's messages may refer, as a power of 2.  §7.1.2"""
    told = parameters.get(f"{who}_max_window_bits", "")
    return (
        min(max(int(told), LEAST_BITS), MOST_BITS) if told.isascii() and told.isdigit() and len(told) < 3 else MOST_BITS
    )
