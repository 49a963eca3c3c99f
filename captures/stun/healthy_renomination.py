"""A controlling agent nominates one pair, and then another by a higher number: renomination as browsers do it."""

from __future__ import annotations

import struct

from captures.maker import CLIENT, SERVER, Capture, main, text
from captures.stun import BINDING, REQUEST, Path, answered, check, message, uint
from captures.stun import text as words

PORTS = ((50_000, 50_001), (50_010, 50_011))


def nominating(number: int, nomination: int) -> bytes:
    role = (0x802A, struct.pack(">Q", 0x1122334455667789))
    attributes = [words(0x0006, "a1b2:c3d4"), role, uint(0x0024, 1_853_824_767), uint(0xC001, nomination)]
    return message(BINDING, REQUEST, number, *attributes, key=b"password", fingerprint=True)


def build() -> Capture:
    capture = Capture()
    paths = [Path(capture), Path(capture)]
    for number, path in enumerate(paths):
        path.ports = PORTS[number]
        at_s = number / 100
        path.client(at_s, check(10 * number + 1))
        path.server(at_s + 0.02, answered(10 * number + 1, CLIENT, PORTS[number][0]))
        path.server(at_s + 0.021, check(10 * number + 2, "c3d4:a1b2", controlling=False))
        path.client(at_s + 0.022, answered(10 * number + 2, SERVER, PORTS[number][1]))
    for number, path in enumerate(paths):
        at_s = 0.1 + number
        path.client(at_s, nominating(10 * number + 3, number + 1))
        path.server(at_s + 0.02, answered(10 * number + 3, CLIENT, PORTS[number][0]))
        for step in range(20):
            size = 200 * (number + 1)
            media = struct.pack(">BBHII", 0x80, 111, 20 * number + step, 960 * (20 * number + step), 0xA1A1A1A1)
            path.client(at_s + 0.03 + step / 50, media + text(size))
    capture.sort()
    return capture


if __name__ == "__main__":
    main(__file__, build)
