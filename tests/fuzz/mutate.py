"""Case number n of a seed: a capture made from real ones by breaking it, the same each time."""

import gzip
import random
import struct
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.conftest import CORPUS, LAB, ROOT

MAX_SEED_BYTES = 96 << 10  # of a capture that is mutated: larger ones are cut
MAX_PACKETS = 300
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 20, 28, 40, 64, 127, 128, 255, 256, 1500, 4095, 32767, 32768, 65534, 65535)
WIDE_NUMBERS = (*NUMBERS, 0x10000, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFC, 0xFFFFFFFF)
LINK_TYPES = (0, 1, 9, 12, 101, 104, 105, 108, 113, 119, 127, 147, 192, 228, 229, 239, 276, 65535)


class Packet(NamedTuple):
    seconds: int
    fraction: int
    data: bytes
    length: int


class Parts(NamedTuple):
    link_type: int
    packets: list[Packet]


@cache
def seeds(like: str = "") -> list[tuple[str, bytes]]:
    """Name and first bytes of every capture at hand whose name matches (a pattern, all if empty), in a fixed order."""
    folders = (ROOT / "captures", LAB / "captures", CORPUS / "files")
    suffixes = {".pcap", ".pcapng", ".cap", ".ntar", ".gz", ".zst", ".lz4"}
    paths = sorted(path for folder in folders if folder.exists() for path in folder.rglob("*"))
    found = [
        (path.name, _head(path))
        for path in paths
        if path.suffix in suffixes and path.is_file() and fnmatch(path.name, like or "*")
    ]
    return found or [("made", _made())]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SEED_BYTES)


def _made() -> bytes:
    """A capture for machines without any."""
    header = bytes(12) + b"\x08\x00"
    ip = bytes.fromhex("450000280001000040060000c0000201c0000202")
    syn = bytes.fromhex("9c40005000000001000000005002ffff00000000")
    return _pcap(Parts(1, [Packet(1, 0, header + ip + syn, 54)] * 4), "<", False)


@cache
def key_logs() -> bytes:
    """The secrets of all captures at hand, as far as they are known."""
    folders = (LAB / "captures", CORPUS / "files")
    paths = sorted(path for folder in folders if folder.exists() for path in folder.iterdir())
    return b"\n".join(path.read_bytes() for path in paths if path.suffix in (".keys", ".keylog"))


def case(seed: int, number: int, like: str = "") -> bytes:
    """The capture of case `number`."""
    choice = random.Random(f"{seed}:{number}")
    _, data = choice.choice(seeds(like))
    parts = split(data)
    if parts is not None and parts.packets and choice.random() < 0.55:
        data = _pcap(_mutate_packets(parts, choice), choice.choice("<>"), choice.random() < 0.5)
        if choice.random() < 0.8:
            return data
    for _ in range(choice.choice((1, 1, 1, 2, 3, 8))):
        data = choice.choice(FILE_MUTATIONS)(data, choice)
    if choice.random() < 0.04:
        data = gzip.compress(data, 1, mtime=0)
        if choice.random() < 0.5:
            data = flip_bits(data, choice)
    return data


# --- the file as bytes ------------------------------------------------------------------------------------------------

Mutation = Callable[[bytes, random.Random], bytes]


def flip_bits(data: bytes, choice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(choice.choice((1, 2, 5, 50))):
        if changed:
            changed[_place(changed, choice)] ^= 1 << choice.randrange(8)
    return bytes(changed)


def set_number(data: bytes, choice: random.Random) -> bytes:
    """Overwrite a few bytes with a number that lengths like to stumble over."""
    changed = bytearray(data)
    size = choice.choice((1, 2, 4, 4, 8))
    if len(changed) < size:
        return data
    at = min(_place(changed, choice), len(changed) - size)
    value = choice.choice(WIDE_NUMBERS) & ((1 << 8 * size) - 1)
    changed[at : at + size] = value.to_bytes(size, choice.choice(("big", "little")))
    return bytes(changed)


def cut_tail(data: bytes, choice: random.Random) -> bytes:
    return data[: choice.randrange(len(data) + 1)]


def delete_range(data: bytes, choice: random.Random) -> bytes:
    at = choice.randrange(len(data) + 1)
    return data[:at] + data[at + choice.choice((1, 2, 4, 16, 100, 5000)) :]


def repeat_range(data: bytes, choice: random.Random) -> bytes:
    at = choice.randrange(len(data) + 1)
    part = data[at : at + choice.choice((1, 4, 32, 500))]
    return (data[:at] + part * choice.choice((2, 3, 50)) + data[at:])[: 4 * MAX_SEED_BYTES]


def splice(data: bytes, choice: random.Random) -> bytes:
    """A part of another capture in the middle of this one."""
    _, other = choice.choice(seeds())
    at, start = choice.randrange(len(data) + 1), choice.randrange(len(other) + 1)
    return data[:at] + other[start : start + choice.choice((16, 200, 5000))] + data[at:]


def append(data: bytes, choice: random.Random) -> bytes:
    return data + choice.choice(seeds())[1][: choice.choice((24, 500, 20_000))]


def shuffle_blocks(data: bytes, choice: random.Random) -> bytes:
    """Swap, drop, repeat or stretch pcapng blocks; their lengths mostly stay right."""
    blocks = _blocks(data)
    if len(blocks) < 2:
        return set_number(data, choice)
    for _ in range(choice.choice((1, 2, 5))):
        one, other = choice.randrange(len(blocks)), choice.randrange(len(blocks))
        action = choice.randrange(4)
        if action == 0:
            blocks[one], blocks[other] = blocks[other], blocks[one]
        elif action == 1 and len(blocks) > 2:
            del blocks[one]
        elif action == 2:
            blocks.insert(one, blocks[other])
        else:
            blocks[one] = set_number(blocks[one], choice)
    return b"".join(blocks)


FILE_MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    set_number,
    set_number,
    cut_tail,
    delete_range,
    repeat_range,
    splice,
    append,
    shuffle_blocks,
    shuffle_blocks,
)


def _place(data: bytes | bytearray, choice: random.Random) -> int:
    """Anywhere, but more often near the front, where the headers are."""
    return choice.randrange(min(len(data), choice.choice((32, 256, len(data)))))


def _blocks(data: bytes) -> list[bytes]:
    """The blocks of a pcapng file, as far as their lengths make sense."""
    if data[:4] != b"\x0a\x0d\x0d\x0a" or len(data) < 12:
        return []
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    blocks, at = [], 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(order + "I", data, at + 4)
        if size < 12 or size % 4 or at + size > len(data):
            break
        blocks.append(data[at : at + size])
        at += size
    return [*blocks, data[at:]] if at < len(data) else blocks


# --- packets in a container that stays right --------------------------------------------------------------------------


def split(data: bytes) -> Parts | None:
    """Link type and packets of a capture file, None for what this simple walk cannot read."""
    if data[:2] == b"\x1f\x8b":
        return None
    blocks = _blocks(data)
    if blocks:
        return _split_blocks(blocks, "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">")
    order = {
        b"\xd4\xc3\xb2\xa1": "<",
        b"\x4d\x3c\xb2\xa1": "<",
        b"\xa1\xb2\xc3\xd4": ">",
        b"\xa1\xb2\x3c\x4d": ">",
    }.get(data[:4])
    if order is None or len(data) < 24:
        return None
    (link_type,) = struct.unpack_from(order + "I", data, 20)
    packets: list[Packet] = []
    at = 24
    while at + 16 <= len(data) and len(packets) < MAX_PACKETS:
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + captured > len(data):
            break
        packets.append(Packet(seconds, fraction, data[at + 16 : at + 16 + captured], length))
        at += 16 + captured
    return Parts(link_type & 0xFFFF, packets)


def _split_blocks(blocks: list[bytes], order: str) -> Parts:
    link_type = 1
    packets: list[Packet] = []
    for block in blocks:
        kind = struct.unpack_from(order + "I", block)[0] if len(block) >= 12 else 0
        if kind == 1 and len(block) >= 20:
            (link_type,) = struct.unpack_from(order + "H", block, 8)
        elif kind == 6 and len(block) >= 32:
            high, low, captured, length = struct.unpack_from(order + "IIII", block, 12)
            time = high << 32 | low
            data = block[28 : 28 + min(captured, len(block) - 32)]
            packets.append(Packet(time // 1_000_000 & 0xFFFFFFFF, time % 1_000_000, data, length))
    return Parts(link_type, packets[:MAX_PACKETS])


def _pcap(parts: Parts, order: str, nanoseconds: bool) -> bytes:
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    written = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, parts.link_type)]
    for seconds, fraction, data, length in parts.packets:
        written.append(struct.pack(order + "IIII", seconds, fraction, len(data), length) + data)
    return b"".join(written)


def _mutate_packets(parts: Parts, choice: random.Random) -> Parts:
    start = choice.randrange(len(parts.packets))
    packets = parts.packets[start:] if choice.random() < 0.2 else list(parts.packets)
    link_type = choice.choice(LINK_TYPES) if choice.random() < 0.08 else parts.link_type
    for _ in range(choice.choice((1, 3, 10, 40))):
        _mutate_one(packets, choice)
    return Parts(link_type, packets[:MAX_PACKETS])


def _mutate_one(packets: list[Packet], choice: random.Random) -> None:
    """Break one packet, or the order of them."""
    at = choice.randrange(len(packets))
    packet = packets[at]
    action = choice.randrange(11)
    if action <= 2:
        packets[at] = packet._replace(data=flip_bits(packet.data, choice))
    elif action <= 4:
        packets[at] = packet._replace(data=set_number(packet.data, choice))
    elif action == 5:
        packets[at] = packet._replace(data=cut_tail(packet.data, choice))
    elif action == 6:
        packets.insert(choice.randrange(len(packets)), packet)
    elif action == 7 and len(packets) > 1:
        del packets[at]
    elif action == 8:
        other = choice.randrange(len(packets))
        packets[at], packets[other] = packets[other], packet
    elif action == 9:
        packets[at] = packet._replace(seconds=choice.choice(WIDE_NUMBERS), fraction=choice.choice(WIDE_NUMBERS))
    else:
        # The front of one packet and the back of another: a payload where it does not belong.
        cut = choice.choice((14, 34, 54, 66, 74))
        other_data = packets[choice.randrange(len(packets))].data
        packets[at] = packet._replace(
            data=(packet.data[:cut] + other_data[cut:]), length=choice.choice((packet.length, 0, 70_000))
        )
