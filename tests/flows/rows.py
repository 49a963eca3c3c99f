"""Columns made by hand: rows as tuples of what matters, and what the flow table makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.core import Batch, Event, Limits
from analyzer.decode.columns import Columns, Option, Status
from analyzer.flows import table as compiled_or_not

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analyzer.flows.table import FlowTable

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
A: tuple[int, int] = (0x0A000001, 40000)
B: tuple[int, int] = (0x0A000002, 80)
MS = 1_000_000
ALL = (1 << 31) - 1
NAMES = {value: name for name, value in vars(Event).items() if name.isupper()}


@dataclass
class Row:
    """One frame; ends are (IPv4 address, port)."""

    source: tuple[int, int] = A
    target: tuple[int, int] = B
    flags: int = ACK
    seq: int = 0
    ack: int = 0
    size: int = 0
    ms: float = 0
    window: int = 1000
    ip_id: int = 0
    transport: int = 6
    version: int = 4
    status: int = Status.WHOLE
    mss: int | None = None
    scale: int | None = None
    sack_permitted: bool = False
    timestamps: bool = False
    sack: tuple[int, int] | None = None
    captured: int | None = None
    length: int | None = None
    high: int = 0
    head: bytes = b""  # where the transport header would be

    @property
    def time_ns(self) -> int:
        return 1_000_000_000_000 + round(self.ms * MS)


class Talk:
    """Rows of A and B, a millisecond apart unless told, each with an IP identification of its own."""

    def __init__(self, a: tuple[int, int] = A, b: tuple[int, int] = B, **common: Any) -> None:
        self.ends = (a, b)
        self.common = common
        self.rows: list[Row] = []
        self.ms = 0.0
        self.ids = [100, 5000]

    def say(
        self, sender: int, flags: int, seq: int, ack: int = 0, size: int = 0, after: float = 1, **more: Any
    ) -> Talk:
        if self.rows:
            self.ms += after
        self.ids[sender] += 1
        row = {"ip_id": self.ids[sender], "ms": self.ms} | self.common | more
        self.rows.append(Row(self.ends[sender], self.ends[1 - sender], flags, seq & M32, ack & M32, size, **row))
        return self

    def a(self, flags: int, seq: int, ack: int = 0, size: int = 0, after: float = 1, **more: Any) -> Talk:
        return self.say(0, flags, seq, ack, size, after, **more)

    def b(self, flags: int, seq: int, ack: int = 0, size: int = 0, after: float = 1, **more: Any) -> Talk:
        return self.say(1, flags, seq, ack, size, after, **more)

    def again(self, index: int = -1, after: float = 0.01, **more: Any) -> Talk:
        """The very same packet once more."""
        old = self.rows[index]
        self.ms += after
        self.rows.append(Row(**(vars(old) | {"ms": self.ms} | more)))
        return self

    def handshake(self, a_seq: int = 1000, b_seq: int = 5000, **options: Any) -> Talk:
        self.a(SYN, a_seq, **options).b(SYN | ACK, b_seq, a_seq + 1, **options)
        return self.a(ACK, a_seq + 1, b_seq + 1)


M32 = 0xFFFFFFFF


@dataclass
class Seen:
    """What the table made of rows."""

    table: FlowTable
    events: list[set[str]] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)
    senders: list[int] = field(default_factory=list)
    visited: list[int] = field(default_factory=list)  # row numbers over all batches

    def summary(self, flow: int = 0) -> Any:
        return self.table.tcp(flow)

    def frames(self, flow: int = 0) -> tuple[int | None, int | None, int | None]:
        summary = self.summary(flow)
        return summary.syn, summary.syn_ack, summary.ack

    def everything(self) -> list[Any]:
        """All that can be asked of the table, for comparisons."""
        flows = range(self.table.flow_count)
        return [
            self.raw,
            self.flows,
            self.senders,
            self.visited,
            [(self.table.ends(flow), self.table.counts(flow), self.table.tcp(flow)) for flow in flows],
            self.table.oversize_frames,
            self.table.refused_packets,
        ]


def batch_of(rows: Sequence[Row], first_frame: int = 1) -> tuple[Batch, Columns]:
    """A batch and its columns, as the decoder would fill them."""
    count = len(rows)
    columns = Columns(max(count, 1))
    columns.count = count
    data = bytearray()
    for index, row in enumerate(rows):
        size = row.size if row.captured is None else row.captured
        columns.status[index] = row.status
        columns.version[index] = row.version
        columns.transport[index] = row.transport
        columns.options[index] = (
            (Option.MSS if row.mss is not None else 0)
            | (Option.WINDOW_SCALE if row.scale is not None else 0)
            | (Option.SACK_PERMITTED if row.sack_permitted else 0)
            | (Option.TIMESTAMPS if row.timestamps else 0)
            | (Option.SACK if row.sack else 0)
        )
        columns.mss[index] = row.mss or 0
        columns.scale[index] = row.scale or 0
        columns.flags[index] = row.flags
        columns.ip_id[index] = row.ip_id
        columns.window[index] = row.window
        columns.payload_bytes[index] = size
        columns.payload_wire[index] = row.size
        columns.source_high[index] = columns.target_high[index] = row.high
        columns.source_low[index], columns.source_port[index] = row.source
        columns.target_low[index], columns.target_port[index] = row.target
        columns.seq[index] = row.seq
        columns.ack[index] = row.ack
        columns.ts_value[index] = columns.ts_echo[index] = -1
        columns.sack_start[index], columns.sack_stop[index] = row.sack or (-1, -1)
        columns.header_at[index] = len(data)
        data += row.head
        columns.payload_at[index] = len(data)
        data += bytes(size)
    length = [row.size + 54 if row.length is None else row.length for row in rows]
    times = np.array([row.time_ns for row in rows], np.int64)
    zeros = np.zeros(count, np.int64)
    lengths = np.array(length, np.int64)
    batch = Batch(
        data, first_frame, count, times, zeros, lengths, lengths, zeros.astype(np.int32), zeros.astype(np.int32)
    )
    return batch, columns


def followed(
    rows: Sequence[Row] | Talk,
    cuts: Iterable[int] = (),
    mask: int = ALL,
    limits: Limits | None = None,
    unwanted: Sequence[tuple[int, int | None]] = (),
    skipped: Sequence[tuple[int, int, int | None]] = (),
    module: Any = compiled_or_not,
    seed: int = 1,
) -> Seen:
    """Run rows through a flow table, in batches that end at `cuts`."""
    rows = rows.rows if isinstance(rows, Talk) else rows
    seen = Seen(module.FlowTable(limits or Limits(), mask, seed))
    start = 0
    for stop in [*sorted({cut for cut in cuts if 0 < cut < len(rows)}), len(rows)]:
        batch, columns = batch_of(rows[start:stop], start + 1)
        seen.table.update(columns, batch)
        for flow, side in unwanted:
            if flow < seen.table.flow_count:
                seen.table.unwant(flow, side)
        for flow, sender, until in skipped:
            if flow < seen.table.flow_count:
                seen.table.skip(flow, sender, until)
        count = batch.count
        seen.raw += columns.events[:count].tolist()
        seen.flows += columns.flow[:count].tolist()
        seen.senders += columns.sender[:count].tolist()
        seen.visited += [start + row for row in seen.table.rows.tolist()]
        start = stop
    seen.events = [{name for bit, name in NAMES.items() if events & bit} for events in seen.raw]
    return seen
