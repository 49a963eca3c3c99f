"""Makes load captures: `python benchmarks/loads.py KIND OUT.pcap COUNT`.

bulk      COUNT downloads of 10 MB in full-size segments over HTTP, each in a TCP connection of its own (7,012 frames)
requests  COUNT short HTTP requests, each in a TCP connection of its own (10 frames)
dns       COUNT lookups and their answers (2 frames)

Connections overlap in time, eight at once.  Payload bytes are random; checksums are left out, as offloading does.
"""

from __future__ import annotations

import argparse
import random
import struct
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER: Final = 0xC0000201  # 192.0.2.1
CLIENTS: Final = 0x0A000000  # 10.0.0.0/8
AT_ONCE: Final = 8
SEGMENT: Final = 1448
DOWNLOAD: Final = 10_000_000
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
SYN_OPTIONS: Final = bytes.fromhex("020405b4 0402 01030307 0101")

Frame = bytes


def ethernet(source: int, target: int, protocol: int, segment: bytes) -> Frame:
    header = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, protocol, 0, source, target)
    return bytes(5) + b"\x01" + bytes(5) + b"\x02\x08\x00" + header + segment


class Connection:
    """One TCP connection, its numbers kept."""

    def __init__(self, client: int, client_port: int, server_port: int) -> None:
        self.ends = ((client, client_port), (SERVER, server_port))
        self.next = [random.getrandbits(32), random.getrandbits(32)]

    def segment(self, sender: int, flags: int, payload: bytes = b"", options: bytes = b"") -> Frame:
        (source, source_port), (target, target_port) = self.ends[sender], self.ends[1 - sender]
        ack = self.next[1 - sender] if flags & ACK else 0
        header = struct.pack(
            ">HHIIBBHHH", source_port, target_port, self.next[sender], ack, (20 + len(options)) << 2, flags, 65535, 0, 0
        )
        self.next[sender] = (self.next[sender] + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        return ethernet(source, target, 6, header + options + payload)

    def opened(self) -> Iterator[Frame]:
        yield self.segment(0, SYN, options=SYN_OPTIONS)
        yield self.segment(1, SYN | ACK, options=SYN_OPTIONS)
        yield self.segment(0, ACK)

    def closed(self) -> Iterator[Frame]:
        yield self.segment(0, FIN | ACK)
        yield self.segment(1, FIN | ACK)
        yield self.segment(0, ACK)


def exchange(connection: Connection, number: int, size: int, body: bytes) -> Iterator[Frame]:
    yield from connection.opened()
    yield connection.segment(0, PSH | ACK, b"GET /item/%d HTTP/1.1\r\nHost: load.example\r\n\r\n" % number)
    yield connection.segment(1, ACK)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size
    yield connection.segment(1, PSH | ACK, head + body[: SEGMENT - len(head)])
    sent = SEGMENT - len(head)
    while sent < size:
        yield connection.segment(1, ACK, body[: min(SEGMENT, size - sent)])
        sent += SEGMENT
    yield connection.segment(0, ACK)
    yield from connection.closed()


def lookup(client: int, port: int, number: int) -> Iterator[Frame]:
    labels = b"\x06item%02d\x04load\x07example\x00" % (number % 100)
    for source, target, flags, records in (
        (0, 1, 0x0100, b""),
        (1, 0, 0x8180, b"\xc0\x0c" + bytes.fromhex("00010001 0000003c 0004 c0000201")),
    ):
        ends = ((client, port), (SERVER, 53))
        message = (
            struct.pack(">HHHHHH", number & 0xFFFF, flags, 1, bool(records), 0, 0) + labels + b"\0\1\0\1" + records
        )
        header = struct.pack(">HHHH", ends[source][1], ends[target][1], 8 + len(message), 0)
        yield ethernet(ends[source][0], ends[target][0], 17, header + message)


def conversation(kind: str, number: int, body: bytes) -> Iterator[Frame]:
    client, port = CLIENTS + 1 + number // 1000, 20_000 + number % 1000
    if kind == "dns":
        return lookup(client, port, number)
    size = DOWNLOAD if kind == "bulk" else 300
    return exchange(Connection(client, port, 80), number, size, body)


def frames(kind: str, count: int) -> Iterator[Frame]:
    """The frames of `count` conversations, `AT_ONCE` of them taking turns."""
    body = random.randbytes(SEGMENT)
    waiting = (conversation(kind, number, body) for number in range(count))
    running = list(islice(waiting, AT_ONCE))
    while running:
        for one in list(running):
            frame = next(one, None)
            if frame is None:
                running.remove(one)
                running += islice(waiting, 1)
            else:
                yield frame


def write(kind: str, count: int, out: BinaryIO) -> None:
    out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1))
    for number, frame in enumerate(frames(kind, count)):
        seconds, nanoseconds = divmod(number * 12_000, 1_000_000_000)
        out.write(struct.pack("<IIII", 1_700_000_000 + seconds, nanoseconds, len(frame), len(frame)) + frame)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("bulk", "requests", "dns"))
    parser.add_argument("out", type=Path)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    random.seed(1)
    with options.out.open("wb", buffering=1 << 20) as out:
        write(options.kind, options.count, out)


if __name__ == "__main__":
    main()
