"""The file header of pcap and its relatives (draft-ietf-opsawg-pcap)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEADER_BYTES: Final = 24
#: What a record may hold although its file promises less: writers got the snap length wrong, never by more than this.
USUAL_RECORD_BYTES: Final = 262144

MICROSECONDS: Final = 0xA1B2C3D4
NANOSECONDS: Final = 0xA1B23C4D
MODIFIED: Final = 0xA1B2CD34  # Alexey Kuznetzov's tcpdump: records also tell interface, protocol and packet type
IXIA_HARDWARE: Final = 0x1C0001AC  # IXIA's lcap: the bytes of all records follow the file header
IXIA_SOFTWARE: Final = 0x1C0001AB

#: magic -> (format, ns that a fraction counts, bytes of a record header, bytes that follow the file header)
VARIANTS: Final = {
    MICROSECONDS: ("pcap", 1000, 16, 0),
    NANOSECONDS: ("pcap", 1, 16, 0),
    MODIFIED: ("modified pcap", 1000, 24, 0),
    IXIA_HARDWARE: ("lcap", 1, 16, 4),
    IXIA_SOFTWARE: ("lcap", 1, 16, 4),
}


@dataclass(frozen=True, slots=True)
class Header:
    """How to read the records of a pcap file."""

    format: str
    big: bool
    unit_ns: int
    swapped: bool  # the length on the wire comes first: versions before 2.3
    record_header_bytes: int
    extra_bytes: int
    snap_bytes: int
    link_type: int

    @property
    def record_bytes(self) -> int:
        """The most that one record can hold."""
        return (1 << 32) - 1 if self.snap_bytes == 0 else max(self.snap_bytes, USUAL_RECORD_BYTES)


def is_pcap(magic: bytes) -> bool:
    """Tell whether a file that begins with these 4 bytes is one of the `VARIANTS`."""
    return int.from_bytes(magic, "big") in VARIANTS or int.from_bytes(magic, "little") in VARIANTS


def parse_header(head: bytes) -> Header:
    """The header in `head`, which holds `HEADER_BYTES` and passed `is_pcap`."""
    big = int.from_bytes(head[:4], "big") in VARIANTS
    magic, major, minor, _, _, snap_bytes, network = struct.unpack_from(">IHHiIII" if big else "<IHHiIII", head)
    form, unit_ns, record_header_bytes, extra_bytes = VARIANTS[magic]
    # The high bits tell the length of a frame check sequence, not the link type.
    swapped = major == 2 and minor < 3
    return Header(form, big, unit_ns, swapped, record_header_bytes, extra_bytes, snap_bytes, network & 0xFFFF)
