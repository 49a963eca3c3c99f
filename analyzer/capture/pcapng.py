"""What the blocks of a pcapng file say that are none of packets (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.capture import walk
from analyzer.core import Interface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.capture.gathered import Gathered

SECTION_MAGIC: Final = 0x1A2B3C4D
MIN_BLOCK_BYTES: Final = 12

# Block types, §11.1 of the draft and its registry.
SECTION: Final = 0x0A0D0D0A  # the same in both byte orders
INTERFACE: Final = 1
PACKET: Final = 2  # obsolete
SIMPLE_PACKET: Final = 3
NAMES: Final = 4
STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
SECRETS: Final = 10
#: Read past without a word: journal entries, IRIG, ARINC 429, process information, Sysdig's, custom blocks.
SILENT: Final = frozenset({7, 8, 9, 0x0BAD, 0x40000BAD, 0x80000001, *range(0x201, 0x220)})
PACKETS: Final = frozenset({PACKET, SIMPLE_PACKET, ENHANCED_PACKET})
READ: Final = frozenset({SECTION, INTERFACE, NAMES, STATISTICS, SECRETS})

OPTION_END: Final = 0
IF_NAME: Final = 2
IF_DESCRIPTION: Final = 3
IF_TSRESOL: Final = 9
IF_TSOFFSET: Final = 14
ISB_IFDROP: Final = 5
ISB_OSDROP: Final = 7

NAME_END: Final = 0
NAME_IPV4: Final = 1
NAME_IPV6: Final = 2
TLS_KEY_LOG: Final = 0x544C534B

#: Offsets beyond are damage, and sums with a time must stay within int64.
MAX_OFFSET_SECONDS: Final = walk.LATEST_NS // 1_000_000_000


class Section:
    """A section of a file: its byte order, and its interfaces as `walk.walk_pcapng` wants them."""

    def __init__(self, gathered: Gathered) -> None:
        self.big = False
        self.interfaces = np.zeros((4, walk.INTERFACE_COLUMNS), dtype=np.int64)
        self.count = 0
        self._gathered = gathered

    def read(self, kind: int, block: bytes) -> str | None:
        """Take in a whole block; gives back what is wrong with it, if anything is."""
        if kind == SECTION:
            return self._section(block)
        body = memoryview(block)[8:-4]
        if kind == INTERFACE:
            return self._interface(body)
        if kind == NAMES:
            return self._names(body)
        if kind == STATISTICS:
            return self._statistics(body)
        return self._secrets(body)

    def _section(self, block: bytes) -> str | None:
        self.big = block[8:12] == SECTION_MAGIC.to_bytes(4, "big")
        self.count = 0
        if len(block) < 28:
            return "a section header is too short"
        major, minor = self._ints("HH", block, 12)
        if major != 1:
            return f"a section has version {major}.{minor}, of which only 1 is known, and was read as that"
        return None

    def _interface(self, body: memoryview) -> str | None:
        if len(body) < 8:
            return "an interface description is too short, so frames of that interface are left out"
        link_type, _, snap_bytes = self._ints("HHI", body, 0)
        name, resolution, offset = "", 6, 0
        for code, value in self._options(body, 8):
            if code == IF_NAME or (code == IF_DESCRIPTION and not name):
                name = bytes(value).split(b"\0")[0].decode("utf-8", "backslashreplace")
            elif code == IF_TSRESOL and len(value) == 1:
                resolution = value[0]
            elif code == IF_TSOFFSET and len(value) == 8:
                (offset,) = self._ints("q", value, 0)
        number = self._gathered.interface(Interface(name, link_type, snap_bytes))
        if number is None:
            return (
                "there are more interfaces than the limit, so frames of the others are left out (--limit interfaces=N)"
            )
        if self.count == len(self.interfaces):
            self.interfaces = np.concatenate([self.interfaces, np.zeros_like(self.interfaces)])
        multiplier, divisor, shift = _units(resolution)
        bounded = min(max(offset, -MAX_OFFSET_SECONDS), MAX_OFFSET_SECONDS)
        self.interfaces[self.count] = (
            number,
            link_type,
            snap_bytes,
            multiplier,
            divisor,
            shift,
            bounded * 1_000_000_000,
            0,
        )
        self.count += 1
        if bounded != offset:
            return f"interface {number} has a clock that is off by {offset} seconds, which no clock is"
        return None

    def _names(self, body: memoryview) -> str | None:
        at = 0
        while at + 4 <= len(body):
            kind, size = self._ints("HH", body, at)
            if kind == NAME_END:
                return None
            value = bytes(body[at + 4 : at + 4 + size])
            address_bytes = {NAME_IPV4: 4, NAME_IPV6: 16}.get(kind, 0)
            if len(value) < size:
                break
            if 0 < address_bytes < size:
                address = str(ipaddress.ip_address(value[:address_bytes]))
                name = value[address_bytes:].split(b"\0")[0].decode("utf-8", "backslashreplace")
                if not self._gathered.name(address, name):
                    return "there are more names than the limit, the rest is left out (--limit resolved_names=N)"
            at += 4 + (size + 3 & ~3)
        return None if at >= len(body) else "a name resolution block is damaged"

    def _statistics(self, body: memoryview) -> str | None:
        if len(body) < 12:
            return "an interface statistics block is too short"
        (index,) = self._ints("I", body, 0)
        if index >= self.count:
            return f"statistics are about interface {index}, which the section does not describe"
        told = [
            self._ints("Q", value, 0)[0]
            for code, value in self._options(body, 12)
            if code in (ISB_IFDROP, ISB_OSDROP) and len(value) == 8
        ]
        if told:
            # Counted since the capture began: the last block holds for all.
            self._gathered.interfaces[int(self.interfaces[index, walk.NUMBER])].dropped = sum(told)
        return None

    def _secrets(self, body: memoryview) -> str | None:
        if len(body) < 8:
            return "a decryption secrets block is too short"
        kind, size = self._ints("II", body, 0)
        if size > len(body) - 8:
            return "a decryption secrets block is shorter than it says"
        if kind == TLS_KEY_LOG and not self._gathered.secret(bytes(body[8 : 8 + size])):
            return "there are more decryption secrets than the limit, the rest is left out (--limit secrets_bytes=N)"
        return None

    def tell_drops(self) -> None:
        """Give the drops that packet blocks told to the interfaces that had no statistics."""
        for row in self.interfaces[: self.count]:
            interface = self._gathered.interfaces[int(row[walk.NUMBER])]
            if row[walk.DROPPED] and not interface.dropped:
                interface.dropped = int(row[walk.DROPPED])

    def _ints(self, form: str, data: bytes | memoryview, at: int) -> tuple[int, ...]:
        return struct.unpack_from((">" if self.big else "<") + form, data, at)

    def _options(self, body: memoryview, at: int) -> Iterator[tuple[int, memoryview]]:
        """Code and value of each option from `at` on, up to the end or to the first that is cut."""
        while at + 4 <= len(body):
            code, size = self._ints("HH", body, at)
            if code == OPTION_END or at + 4 + size > len(body):
                return
            yield code, body[at + 4 : at + 4 + size]
            at += 4 + (size + 3 & ~3)


def _units(resolution: int) -> tuple[int, int, int]:
    """Multiplier, divisor and shift (see `walk`) for the value of if_tsresol."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return 0, 0, exponent
    if exponent <= 9:
        return int(10 ** (9 - exponent)), 0, 0
    # Beyond 10^18 even the largest time is less than 20 s: what is left of it says nothing.
    return 0, int(10 ** min(exponent - 9, 18)), 0
