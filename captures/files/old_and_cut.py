"""A big-endian pcap with times in ns, under the name of another format, cut inside its last record."""

import struct

from captures.files import File, exchange
from captures.maker import main


def build() -> File:
    data = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    for frame in exchange().frames:
        seconds, part = divmod(frame.time_ns, 1_000_000_000)
        data += struct.pack(">IIII", seconds, part, len(frame.data), frame.length) + frame.data
    return File(data[:-20])


if __name__ == "__main__":
    main(__file__, build)
