"""Small captures made in tests, and what a reader makes of them."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.capture import open_source
from analyzer.capture.pcap import MICROSECONDS
from analyzer.core import CaptureError, Limits, Source

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    time_ns: int
    data: bytes
    length: int
    interface: int = 0
    link: int = 1


def record(
    data: bytes, *, seconds: int = 1, part: int = 0, length: int | None = None, big: bool = False, extra: bytes = b""
) -> bytes:
    form = ">IIII" if big else "<IIII"
    return struct.pack(form, seconds, part, len(data), len(data) if length is None else length) + extra + data


def pcap(
    *records: bytes, magic: int = MICROSECONDS, big: bool = False, snap: int = 262144, link: int = 1, minor: int = 4
) -> bytes:
    return struct.pack(">IHHiIII" if big else "<IHHiIII", magic, 2, minor, 0, 0, snap, link) + b"".join(records)


def block(kind: int, body: bytes, *, big: bool = False) -> bytes:
    total = struct.pack(">I" if big else "<I", 12 + len(body))
    return struct.pack(">I" if big else "<I", kind) + total + body + total


def option(code: int, value: bytes, *, big: bool = False) -> bytes:
    return struct.pack(">HH" if big else "<HH", code, len(value)) + value + bytes(-len(value) & 3)


def section(*, big: bool = False, major: int = 1) -> bytes:
    return block(0x0A0D0D0A, struct.pack(">IHHq" if big else "<IHHq", 0x1A2B3C4D, major, 0, -1), big=big)


def interface(link: int = 1, snap: int = 0, options: bytes = b"", *, big: bool = False) -> bytes:
    return block(1, struct.pack(">HHI" if big else "<HHI", link, 0, snap) + options, big=big)


def enhanced(
    data: bytes,
    *,
    time: int = 0,
    number: int = 0,
    length: int | None = None,
    captured: int | None = None,
    options: bytes = b"",
    big: bool = False,
) -> bytes:
    size = len(data) if captured is None else captured
    head = struct.pack(
        ">IIIII" if big else "<IIIII", number, time >> 32, time & 0xFFFFFFFF, size, size if length is None else length
    )
    return block(6, head + data + bytes(-len(data) & 3) + options, big=big)


def simple(data: bytes, *, length: int | None = None) -> bytes:
    sent = len(data) if length is None else length
    return block(3, struct.pack("<I", sent) + data + bytes(-len(data) & 3))


def old(data: bytes, *, time: int = 0, number: int = 0, drops: int = 0xFFFF) -> bytes:
    head = struct.pack("<HHIIII", number, drops, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
    return block(2, head + data + bytes(-len(data) & 3))


def frames(source: Source) -> list[Frame]:
    """All frames of a source, numbered without a gap."""
    found: list[Frame] = []
    for batch in source:
        assert batch.count > 0
        assert batch.first_frame == len(found) + 1
        for row in range(batch.count):
            start, captured = int(batch.start[row]), int(batch.captured[row])
            assert 0 <= start <= start + captured <= len(batch.data)
            assert captured <= batch.length[row]
            found.append(
                Frame(
                    int(batch.time_ns[row]),
                    bytes(batch.data[start : start + captured]),
                    int(batch.length[row]),
                    int(batch.interface[row]),
                    int(batch.link[row]),
                )
            )
    return found


def read(*captures: bytes, block_bytes: int = 1 << 16, limits: Limits | None = None) -> tuple[list[Frame], Source]:
    """The frames of captures in memory, and the source that gave them."""
    source = open_source(captures, limits=limits or Limits(), block_bytes=block_bytes)
    return frames(source), source


def refusal(data: bytes, limits: Limits | None = None) -> str:
    """Why a capture was refused, empty when it was read."""
    try:
        read(data, limits=limits)
    except CaptureError as why:
        return str(why)
    return ""


def codes(source: Source) -> list[str]:
    return [problem.code for problem in source.problems]


def payloads(found: Iterable[Frame]) -> list[bytes]:
    return [frame.data for frame in found]


def many(count: int, size: int = 60) -> Sequence[bytes]:
    """`count` frames with bytes of their own."""
    return [bytes([number & 0xFF, number >> 8]) * (size // 2) for number in range(count)]
