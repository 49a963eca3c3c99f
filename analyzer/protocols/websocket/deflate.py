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
#: Raw DEFLATE, and the largest window: it inflates what smaller ones compressed.
RAW: Final = -15
STEP_BYTES: Final = 1 << 16


class Inflater:
    """Inflates one side's messages; `takeover` tells whether each builds on those before it.

    Raises `Malformed` for what is no DEFLATE, and for a message that would come to more than `limit` bytes.
    """

    __slots__ = ("_inflate", "_limit", "_size", "lost", "takeover")

    def __init__(self, takeover: bool, limit: int) -> None:
        self.takeover = takeover
        self.lost = ""  # why nothing can be inflated any more
        self._limit = limit
        self._size = 0
        self._inflate = zlib.decompressobj(RAW)

    def add(self, data: bytes, final: bool) -> bytes:
        """What the next part of a message comes to; `final` says that the message ends with it."""
        if self.lost:
            raise Malformed(self.lost)
        try:
            found = self._run(data + TAIL if final else data)
        except zlib.error as why:
            self._restart(f"it is not DEFLATE, or does not fit what came before ({why})")
            raise Malformed(f"not DEFLATE ({why})") from None
        if final:
            self._size = 0
            if not self.takeover or self._inflate.eof:
                self._inflate = zlib.decompressobj(RAW)
        return found

    def _run(self, data: bytes) -> bytes:
        found = bytearray()
        for _ in range(self._limit // STEP_BYTES + 2):
            part = self._inflate.decompress(data, STEP_BYTES)
            found += part
            self._size += len(part)
            if self._size > self._limit:
                self._restart(f"a message of more than {self._limit:,} bytes was not inflated")
                raise Malformed(f"it comes to more than {self._limit:,} bytes")
            data = self._inflate.unconsumed_tail
            if not data:
                break
        if len(found) % STEP_BYTES == 0 and found:  # a full step may have left output behind, with no input for it
            found += self._inflate.decompress(b"", STEP_BYTES)
        return bytes(found)

    def _restart(self, why: str) -> None:
        """A message is lost; with it all that build on it."""
        self._size = 0
        self._inflate = zlib.decompressobj(RAW)
        if self.takeover:
            self.lost = why

    def miss(self) -> None:
        """A message, or a part of one, is not in the capture."""
        self._restart("messages before it, which it builds on, are not in the capture")


def agreed(parameters: Mapping[str, str] | None, limit: int) -> tuple[Inflater | None, Inflater | None]:
    """What inflates the client's and the server's messages; None where the extension was not agreed on.  §7.1"""
    if parameters is None:
        return None, None
    return (
        Inflater("client_no_context_takeover" not in parameters, limit),
        Inflater("server_no_context_takeover" not in parameters, limit),
    )
