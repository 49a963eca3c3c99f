"""Columns: one row for each frame of a batch, holding its innermost packet.

The kernel and the slow path write the same columns; the flow table adds `flow`, `sender` and `events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analyzer.core import Run


class Status:
    """What became of a frame (`status`)."""

    OTHER: Final = 0  # not IP (ARP, LLDP, ...), or an unknown link type: nothing more to do
    WHOLE: Final = 1  # transport header read
    SLOW: Final = 2  # the kernel leaves it to the slow path
    FRAGMENT: Final = 3  # part of an IP datagram that is not complete yet
    CUT: Final = 4  # the capture ends inside a header, or lengths contradict each other


class Option:
    """TCP options seen (bits of `options`); the values stand in columns of their own."""

    MSS: Final = 1
    WINDOW_SCALE: Final = 2
    SACK_PERMITTED: Final = 4
    SACK: Final = 8
    TIMESTAMPS: Final = 16
    FAST_OPEN: Final = 32
    BROKEN: Final = 64  # the option list breaks its own lengths


@dataclass(slots=True)
class SidePayload:
    """A packet that lies outside the batch's buffer (reassembled), and which captured bytes it was made of."""

    data: bytes
    runs: list[Run]  # positions count from the start of `data`


#: name, dtype and meaning of every column; addresses of IPv4 stand in `*_low` alone
COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("status", "u1", "one of Status"),
    ("version", "u1", "IP version, 4 or 6"),
    ("transport", "u1", "IP protocol number of the innermost packet"),
    ("ttl", "u1", "TTL or hop limit"),
    ("sender", "u1", "0 initiator, 1 responder (flow table)"),
    ("scale", "u1", "window scale offered, valid with Option.WINDOW_SCALE"),
    ("options", "u1", "bits of Option"),
    ("flags", "i4", "TCP flags, low byte of the flags field and AE in bit 8; of UDP 1 where it is RTP (flow table)"),
    ("flow", "i4", "flow id, -1: none (flow table)"),
    ("events", "i4", "bits of core.Event (flow table)"),
    ("ip_id", "i4", "IPv4 identification, -1 for IPv6"),
    ("source_port", "i4", ""),
    ("target_port", "i4", ""),
    ("window", "i4", "as on the wire"),
    ("mss", "i4", "offered, valid with Option.MSS"),
    ("payload_bytes", "i4", "transport payload in the capture"),
    ("payload_wire", "i4", "transport payload as sent (by the lengths of the headers)"),
    ("source_high", "u8", "address bits 127 to 64"),
    ("source_low", "u8", "address bits 63 to 0"),
    ("target_high", "u8", ""),
    ("target_low", "u8", ""),
    ("header_at", "i8", "offset of the transport header in the batch's buffer, or in `side`"),
    ("payload_at", "i8", "offset of the transport payload, likewise"),
    ("seq", "i8", "0 to 2^32-1"),
    ("ack", "i8", "0 to 2^32-1"),
    ("ts_value", "i8", "TSval, -1: no timestamps"),
    ("ts_echo", "i8", "TSecr, -1: no timestamps"),
    ("sack_start", "i8", "first SACK block, -1: none"),
    ("sack_stop", "i8", ""),
)


class Columns:
    """Arrays [count] by name, see `COLUMNS`; `side` has the rows whose bytes are not in the batch's buffer.

    Arrays are reused from batch to batch: a column is valid until the next batch is decoded.
    """

    # The names of COLUMNS, for readers and for the type checker.
    status: NDArray[np.uint8]
    version: NDArray[np.uint8]
    transport: NDArray[np.uint8]
    ttl: NDArray[np.uint8]
    sender: NDArray[np.uint8]
    scale: NDArray[np.uint8]
    options: NDArray[np.uint8]
    flags: NDArray[np.int32]
    flow: NDArray[np.int32]
    events: NDArray[np.int32]
    ip_id: NDArray[np.int32]
    source_port: NDArray[np.int32]
    target_port: NDArray[np.int32]
    window: NDArray[np.int32]
    mss: NDArray[np.int32]
    payload_bytes: NDArray[np.int32]
    payload_wire: NDArray[np.int32]
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    target_high: NDArray[np.uint64]
    target_low: NDArray[np.uint64]
    header_at: NDArray[np.int64]
    payload_at: NDArray[np.int64]
    seq: NDArray[np.int64]
    ack: NDArray[np.int64]
    ts_value: NDArray[np.int64]
    ts_echo: NDArray[np.int64]
    sack_start: NDArray[np.int64]
    sack_stop: NDArray[np.int64]

    def __init__(self, capacity: int = 4096) -> None:
        self.count = 0
        self.capacity = 0
        self.side: dict[int, SidePayload] = {}
        self.reserve(max(capacity, 1))

    def reserve(self, capacity: int) -> None:
        """Make room for `capacity` rows; what the columns held is lost."""
        if capacity > self.capacity:
            for name, kind, _ in COLUMNS:
                setattr(self, name, np.zeros(capacity, dtype=kind))
            self.capacity = capacity
