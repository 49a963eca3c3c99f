"""Two sections of either byte order: clocks of all kinds, names, comments, secrets, drops, and blocks nobody knows."""

import struct

from captures.files import File, exchange
from captures.maker import CLIENT, SERVER, block, main, option, padded

OFFSET_S = 1_700_000_000  # if_tsoffset of the second interface
END = option(0, b"")


def swapped(kind: int, body: bytes) -> bytes:
    """A block in big-endian order."""
    size = struct.pack(">I", len(body) + 12)
    return struct.pack(">I", kind) + size + body + size


def build() -> File:
    frames = exchange().frames
    names = [(CLIENT, b"client.example"), (SERVER, b"server.example")]
    out = [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(1, b"made by a script") + END),
        # Units of 1 us, as no option says otherwise; then of 2^-30 s, counted from a moment of its own.
        block(1, struct.pack("<HHI", 1, 0, 262144) + option(2, b"eth0") + END),
        block(
            1,
            struct.pack("<HHI", 1, 0, 262144)
            + option(3, b"the mirror port")
            + option(9, bytes([0x80 | 30]))
            + option(14, struct.pack("<q", OFFSET_S))
            + END,
        ),
        block(4, b"".join(option(1, bytes(map(int, at.split("."))) + name + b"\0") for at, name in names) + END),
        block(10, struct.pack("<II", 0x544C534B, 16) + b"# no secret yet\n"),
    ]
    for number, frame in enumerate(frames[:4]):
        micros = frame.time_ns // 1000
        if number == 3:  # an obsolete packet block, which tells of 2 frames lost before it
            head = struct.pack("<HHIIII", 0, 2, micros >> 32, micros & 0xFFFFFFFF, len(frame.data), frame.length)
            out.append(block(2, head + padded(frame.data)))
            continue
        head = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(frame.data), frame.length)
        out.append(block(6, head + padded(frame.data) + option(1, f"comment on frame {number + 1}".encode()) + END))
    for frame in frames[4:6]:
        ticks = ((frame.time_ns - OFFSET_S * 1_000_000_000) << 30) // 1_000_000_000
        head = struct.pack("<IIIII", 1, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.data), frame.length)
        out.append(block(6, head + padded(frame.data)))
    out.append(block(3, struct.pack("<I", frames[6].length) + padded(frames[6].data)))  # simple: without a time
    out.append(block(0xBAD, struct.pack("<I", 32473) + b"custom, copied by whoever knows it"[:32]))
    out.append(block(0x7777, b"unknown!"))
    last = frames[6].time_ns // 1000
    statistics = struct.pack("<III", 1, last >> 32, last & 0xFFFFFFFF) + option(5, struct.pack("<Q", 7)) + END
    out.append(block(5, statistics))
    out.append(swapped(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)))
    out.append(swapped(1, struct.pack(">HHI", 1, 0, 262144) + struct.pack(">HHBxxx", 9, 1, 9) + END))
    for frame in frames[7:]:
        time_ns = frame.time_ns
        head = struct.pack(">IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame.data), frame.length)
        out.append(swapped(6, head + padded(frame.data)))
    return File(b"".join(out))


if __name__ == "__main__":
    main(__file__, build)
