"""Batches made by hand, and columns as plain rows."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from analyzer.core import Batch, Limits
from analyzer.decode import decode, kernel
from analyzer.decode.columns import Columns
from analyzer.decode.slow import SlowPath

NAMES = kernel.WRITTEN
#: (link type, bytes) or (link type, bytes, length on the wire).
Frame = tuple[int, bytes] | tuple[int, bytes, int]


def batch_of(frames: Sequence[Frame], first_frame: int = 1, times: Sequence[int] | None = None) -> Batch:
    """A batch of `frames`, 1 ms apart unless `times` says otherwise."""
    count = len(frames)
    captured = np.array([len(frame[1]) for frame in frames], dtype=np.int64)
    stops = np.cumsum(captured, dtype=np.int64)
    return Batch(
        data=b"".join(frame[1] for frame in frames),
        first_frame=first_frame,
        count=count,
        time_ns=np.array(times if times is not None else range(0, count * 1_000_000, 1_000_000), dtype=np.int64),
        start=stops - captured,
        captured=captured,
        length=np.array([frame[2] if len(frame) > 2 else len(frame[1]) for frame in frames], dtype=np.int64),
        interface=np.zeros(count, dtype=np.int32),
        link=np.array([frame[0] for frame in frames], dtype=np.int32),
    )


def row_of(columns: Columns, row: int) -> dict[str, int]:
    return {name: int(getattr(columns, name)[row]) for name in NAMES}


def decoded(
    frames: Sequence[Frame], slow: SlowPath | None = None, times: Sequence[int] | None = None
) -> tuple[Batch, Columns]:
    batch = batch_of(frames, times=times)
    columns = Columns(len(frames))
    decode(batch, columns, slow or SlowPath(Limits()))
    return batch, columns


def one(link: int, data: bytes, length: int | None = None) -> dict[str, int]:
    """The row of a single frame."""
    frame: Frame = (link, data) if length is None else (link, data, length)
    return row_of(decoded([frame])[1], 0)


def by_slow_path(batch: Batch, limits: Limits | None = None) -> Columns:
    """What the slow path makes of every frame, also of those that the kernel can do."""
    columns = Columns(batch.count)
    slow = SlowPath(limits or Limits())
    for row in range(batch.count):
        slow.decode(batch, columns, row)
    return columns


def by_kernel(batch: Batch, module: ModuleType = kernel, depth: int = 16) -> Columns:
    """What the kernel alone makes of a batch; rows it leaves to the slow path have that status."""
    columns = Columns(batch.count)
    arguments: list[Any] = [batch.data, batch.start, batch.captured, batch.length, batch.link]
    written: list[Any] = [getattr(columns, name) for name in NAMES]
    if not module.COMPILED:
        arguments, written = [memoryview(array) for array in arguments], [memoryview(array) for array in written]
    module.decode_rows(*arguments, batch.count, depth, *written)
    return columns


# --- headers, each with its payload -----------------------------------------------------------------------------------

A4, B4 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")


def u16(value: int) -> bytes:
    return (value & 0xFFFF).to_bytes(2, "big")


def u32(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "big")


def ethernet(payload: bytes, ether: int = 0x0800) -> bytes:
    return bytes.fromhex("020000000002020000000001") + u16(ether) + payload


def vlan(payload: bytes, ether: int = 0x0800) -> bytes:
    """A tag, to follow an EtherType of 0x8100."""
    return u16(7) + u16(ether) + payload


def mpls(payload: bytes, labels: int = 1) -> bytes:
    return b"".join(u32(16 << 12 | (index == labels - 1) << 8 | 64) for index in range(labels)) + payload


def pppoe(payload: bytes, protocol: int = 0x0021, size: int | None = None) -> bytes:
    return u16(0x1100) + u16(1) + u16(len(payload) + 2 if size is None else size) + u16(protocol) + payload


def ipv4(
    payload: bytes,
    protocol: int = 6,
    *,
    total: int | None = None,
    options: bytes = b"",
    ident: int = 1,
    offset: int = 0,
    more: bool = False,
) -> bytes:
    size = 20 + len(options)
    return (
        bytes([0x40 | size // 4, 0])
        + u16(size + len(payload) if total is None else total)
        + u16(ident)
        + u16(offset // 8 | (0x2000 if more else 0))
        + bytes([64, protocol, 0, 0])
        + A4
        + B4
        + options
        + payload
    )


def ipv6(payload: bytes, following: int = 6, *, total: int | None = None) -> bytes:
    return u32(6 << 28) + u16(len(payload) if total is None else total) + bytes([following, 63]) + A6 + B6 + payload


def extension(payload: bytes, following: int = 6, words: int = 0) -> bytes:
    """A hop-by-hop, routing or destination header of 8 * (1 + words) bytes."""
    return bytes([following, words]) + bytes(6 + 8 * words) + payload


def authentication(payload: bytes, following: int = 6, words: int = 4) -> bytes:
    return bytes([following, words]) + bytes(2 + 4 * words + 4) + payload


def fragment_header(payload: bytes, following: int, offset: int, more: bool, ident: int = 1) -> bytes:
    return bytes([following, 0]) + u16(offset | more) + u32(ident) + payload


def tcp(
    payload: bytes = b"",
    *,
    flags: int = 0x18,
    options: bytes = b"",
    size: int | None = None,
    ports: tuple[int, int] = (1025, 80),
) -> bytes:
    words = (20 + len(options)) // 4 if size is None else size // 4
    head = u16(ports[0]) + u16(ports[1]) + u32(0xFFFFFFF0) + u32(7)
    return head + u16(words << 12 | flags) + u16(512) + u32(0) + options + payload


def udp(payload: bytes = b"", *, ports: tuple[int, int] = (5000, 53), size: int | None = None) -> bytes:
    return u16(ports[0]) + u16(ports[1]) + u16(8 + len(payload) if size is None else size) + u16(0) + payload


def gre(payload: bytes, ether: int = 0x0800, bits: int = 0) -> bytes:
    fields = (bits & (0xB080 if bits & 7 else 0xB000)).bit_count()
    return u16(bits) + u16(ether) + bytes(4 * fields) + payload


def vxlan(payload: bytes, flags: int = 8) -> bytes:
    return bytes([flags, 0, 0, 0, 0, 0, 5, 0]) + payload


def geneve(payload: bytes, ether: int = 0x6558, words: int = 0) -> bytes:
    return bytes([words, 0]) + u16(ether) + bytes(4 + 4 * words) + payload


def gtp(payload: bytes, flags: int = 0x30, extra: bytes = b"") -> bytes:
    return bytes([flags, 255]) + u16(len(extra) + len(payload)) + u32(9) + extra + payload
