"""Writes frames as pcapng, with times in nanoseconds (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from analyzer.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Interface

SECTION: Final = 0x0A0D0D0A
INTERFACE: Final = 1
STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
SECTION_MAGIC: Final = 0x1A2B3C4D
UNKNOWN_BYTES: Final = 0xFFFFFFFFFFFFFFFF  # §4.1: the length of the section is not told

SHB_USERAPPL: Final = 4
IF_NAME: Final = 2
IF_TSRESOL: Final = 9
ISB_STARTTIME: Final = 2
ISB_ENDTIME: Final = 3
ISB_IFRECV: Final = 4
ISB_IFDROP: Final = 5
NANOSECONDS: Final = 9  # if_tsresol: units of 10^-9 s


class Writer:
    """Writes one section to `file`, which stays open.  What was written before a stop is a whole capture by itself."""

    def __init__(self, file: BinaryIO, interfaces: Sequence[Interface]) -> None:
        self._file = file
        self._interfaces = list(interfaces)
        self._received = [0] * len(self._interfaces)
        self._first_ns = [0] * len(self._interfaces)
        self._last_ns = [0] * len(self._interfaces)
        self._closed = False
        body = struct.pack("<IHHQ", SECTION_MAGIC, 1, 0, UNKNOWN_BYTES)
        self._block(SECTION, body + _options((SHB_USERAPPL, f"analyzer {VERSION}".encode())))
        for interface in self._interfaces:
            body = struct.pack("<HHI", interface.link_type, 0, interface.snap_bytes)
            options = _options((IF_NAME, interface.name.encode()), (IF_TSRESOL, bytes([NANOSECONDS])))
            self._block(INTERFACE, body + options)

    def packet(self, interface: int, time_ns: int, data: bytes | bytearray | memoryview, length: int) -> None:
        """Write a frame: `data` was captured of its `length` bytes on the wire."""
        if not self._received[interface]:
            self._first_ns[interface] = time_ns
        self._received[interface] += 1
        self._last_ns[interface] = time_ns
        captured = len(data)
        padding = -captured & 3
        total = 32 + captured + padding
        self._file.write(
            struct.pack(
                "<IIIIIII",
                ENHANCED_PACKET,
                total,
                interface,
                time_ns >> 32 & 0xFFFFFFFF,
                time_ns & 0xFFFFFFFF,
                captured,
                length,
            )
            + data
            + b"\0" * padding
            + struct.pack("<I", total)
        )

    def flush(self) -> None:
        """Hand what was written to the operating system, for others that read the file as it grows."""
        self._file.flush()

    def close(self) -> None:
        """Write how many frames each interface received and lost."""
        if self._closed:
            return
        self._closed = True
        for index, interface in enumerate(self._interfaces):
            last_ns = self._last_ns[index]
            options = [
                (ISB_STARTTIME, _time(self._first_ns[index])),
                (ISB_ENDTIME, _time(last_ns)),
                (ISB_IFRECV, struct.pack("<Q", self._received[index] + (interface.dropped or 0))),
            ]
            if interface.dropped is not None:
                options.append((ISB_IFDROP, struct.pack("<Q", interface.dropped)))
            self._block(STATISTICS, struct.pack("<I", index) + _time(last_ns) + _options(*options))
        self.flush()

    def _block(self, kind: int, body: bytes) -> None:
        total = 12 + len(body)
        self._file.write(struct.pack("<II", kind, total) + body + struct.pack("<I", total))


def _time(time_ns: int) -> bytes:
    return struct.pack("<II", time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF)


def _options(*options: tuple[int, bytes]) -> bytes:
    """Options with their end, each padded to 4 bytes (§3.5); those without a value are left out."""
    parts = [
        struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) & 3) for code, value in options if value
    ]
    return b"".join(parts) + b"\0\0\0\0"
