"""Messages of data channels (RFC 8832, RFC 8831 6.6) on an association, for the makers of this folder and for tests."""

from __future__ import annotations

import struct
from typing import Final

from captures.sctp import ENDING, RE_CONFIG, WHOLE, Association, data, outgoing_reset, reset_answer, sack, supported

DCEP, STRING, BINARY_PARTIAL, BINARY, STRING_PARTIAL, STRING_EMPTY, BINARY_EMPTY = 50, 51, 52, 53, 54, 56, 57
ACK: Final = b"\2"
PORTS: Final = (5000, 5000)


def opens(
    label: str, protocol: str = "", *, kind: int = 0, priority: int = 256, limit: int = 0, sizes: tuple[int, ...] = ()
) -> bytes:
    """RFC 8832 5.1; `sizes` of label and protocol, where they are not the true ones."""
    names = label.encode(), protocol.encode()
    lengths = sizes or (len(names[0]), len(names[1]))
    return struct.pack(">BBHIHH", 3, kind, priority, limit, *lengths) + names[0] + names[1]


class Channels:
    """Data channels, over SCTP in UDP unless `ends` says otherwise; what a side sends is acknowledged."""

    def __init__(self, ends: Association | None = None, at_s: float = 0.0, *, shake: bool = True) -> None:
        self.ends = Association(in_udp=True, ports=PORTS) if ends is None else ends
        if shake:
            self.ends.open(at_s, supported(RE_CONFIG))
        self.next = [1000, 7000]  # transmission sequence numbers
        self.order: dict[tuple[int, int], int] = {}  # stream sequence numbers by side and stream
        self.resets = [1000, 7000]

    def send(self, at_s: float, side: int, stream: int, ppid: int, message: bytes, *, flags: int = WHOLE) -> None:
        """One message or part, and the SACK 20 ms later."""
        tsn, self.next[side] = self.next[side], self.next[side] + 1
        ssn = self.order.get((side, stream), 0)
        if flags & ENDING:
            self.order[side, stream] = ssn + 1
        self.ends.send(at_s, side, data(tsn, message, stream=stream, ssn=ssn, ppid=ppid, flags=flags))
        self.ends.send(at_s + 0.02, 1 - side, sack(tsn))

    def open(self, at_s: float, side: int, stream: int, label: str, *, acked: bool = True, **how: int) -> None:
        self.send(at_s, side, stream, DCEP, opens(label, **how))  # type: ignore[arg-type]
        if acked:
            self.send(at_s + 0.021, 1 - side, stream, DCEP, ACK)

    def close(self, at_s: float, side: int, *streams: int) -> None:
        """A reset of both sides, RFC 8831 6.7."""
        for one, later in ((side, 0.0), (1 - side, 0.021)):
            number, self.resets[one] = self.resets[one], self.resets[one] + 1
            self.ends.send(at_s + later, one, outgoing_reset(number, *streams, last=self.next[one] - 1))
            self.ends.send(at_s + later + 0.02, 1 - one, reset_answer(number))
