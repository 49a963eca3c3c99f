"""The one door to what lies below: frames in; rows to visit, segments, payload and flows out."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.core import (
    SIDES,
    Capture,
    Endpoint,
    Flow,
    IcmpError,
    Piece,
    Problem,
    Segment,
    Side,
)
from analyzer.decode import SlowPath, decode
from analyzer.decode.columns import Columns, Status
from analyzer.decode.icmp import quoted
from analyzer.decode.slow import LINKS
from analyzer.flows.community_id import community_id
from analyzer.flows.table import FlowTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analyzer.core import Batch, Limits

TRANSPORTS: Final = {6: "tcp", 17: "udp", 132: "sctp"}
PROTOCOLS: Final = {name: number for number, name in TRANSPORTS.items()}
#: Time that goes backwards by less is two queues of one network card, not a clock that was set.
CLOCK_STEP_NS: Final = 1_000_000


class Views:
    """The columns of a batch as memoryviews: single items are read from them three times as fast as from arrays."""

    def __init__(self, batch: Batch, columns: Columns) -> None:
        self.start = batch.start.data
        self.time_ns = batch.time_ns.data
        self.sender = columns.sender.data
        self.flags = columns.flags.data
        self.seq = columns.seq.data
        self.ack = columns.ack.data
        self.window = columns.window.data
        self.payload_bytes = columns.payload_bytes.data
        self.payload_wire = columns.payload_wire.data
        self.events = columns.events.data
        self.ttl = columns.ttl.data
        self.ip_id = columns.ip_id.data
        self.header_at = columns.header_at.data
        self.payload_at = columns.payload_at.data


class Tracker:
    """Decodes batches and follows flows through them.

    `mask` (bits of core.Event) tells which TCP segments are to be visited for what they are.  `rows`, after `take`,
    lists the rows to visit; `segment`, `payload` and `icmp` read from the batch that was taken last.  `stats` counts
    all frames (of core.Capture, what the reader itself does not know).
    """

    def __init__(self, limits: Limits, mask: int = 0) -> None:
        self.stats = Capture()
        self.columns = Columns()
        self.table = FlowTable(limits, mask)
        self._limits = limits
        self._slow = SlowPath(limits)
        self._own_problems: list[Problem] = []
        self._links = np.array(sorted(LINKS), np.int32)
        self._last_ns: int | None = None
        self._views: Views

    @property
    def rows(self) -> NDArray[np.int32]:
        """Rows of the batch to visit, ascending."""
        return self.table.rows

    @property
    def flow_count(self) -> int:
        return self.table.flow_count

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the capture below TCP: fragments, tunnels, limits."""
        return self._slow.problems + self._own_problems

    def take(self, batch: Batch) -> Columns:
        """Decode a batch: gives its columns, valid until the next."""
        columns = self.columns
        decode(batch, columns, self._slow)
        self.table.update(columns, batch)
        self._views = Views(batch, columns)
        self._count(batch)
        if self.table.refused_packets and not self._own_problems:
            text = f"more than {self._limits.flows:,} flows: what came after is not followed (limit flows)"
            self._own_problems.append(Problem("flows.limit", text))
        return columns

    def finish(self) -> None:
        """The capture is over: tell what was never complete."""
        self._slow.finish()

    def unwant(self, flow: int, sender: int | None = None) -> None:
        """No longer list rows for the payload of `sender` (None: of both)."""
        self.table.unwant(flow, sender)

    def skip(self, flow: int, sender: int, until: int | None) -> None:
        """List no payload of `sender` that ends before sequence number `until` (None: all of it again)."""
        self.table.skip(flow, sender, until)

    def segment(self, batch: Batch, row: int) -> Segment:
        """The TCP segment of a row."""
        views = self._views
        return Segment(
            SIDES[views.sender[row]],
            views.flags[row],
            views.seq[row],
            views.ack[row],
            views.window[row],
            views.payload_wire[row],
            views.events[row],
            views.ttl[row],
            views.ip_id[row],
            self._piece(batch, row, views.header_at[row], views.payload_at[row]),
        )

    def payload(self, batch: Batch, row: int) -> Piece:
        """The transport payload of a row, as far as it was captured."""
        start = self._views.payload_at[row]
        return self._piece(batch, row, start, start + self._views.payload_bytes[row])

    def icmp(self, batch: Batch, row: int) -> tuple[int, IcmpError] | None:
        """The flow that an ICMP error is about, and the error; None where that flow is not known."""
        columns = self.columns
        quote = quoted(columns, batch, row)
        if quote is None or quote.source_port < 0:
            return None
        found = self.table.find(
            quote.version,
            quote.transport,
            (quote.source_high, quote.source_low, quote.source_port),
            (quote.target_high, quote.target_low, quote.target_port),
        )
        if found is None:
            return None
        start, stop = int(columns.header_at[row]), int(columns.payload_at[row]) + int(columns.payload_bytes[row])
        return found[0], IcmpError(
            version=quote.icmp_version,
            type=quote.type,
            code=quote.code,
            source=_address(int(columns.version[row]), int(columns.source_high[row]), int(columns.source_low[row])),
            sender=Side(found[1]),
            mtu=quote.mtu,
            at=self._piece(batch, row, start, stop),
        )

    def begun(self, number: int) -> Flow:
        """A flow as it begins: its ends, and nothing counted."""
        version, transport, initiator, responder = self.table.ends(number)
        return Flow(
            id=number,
            transport=TRANSPORTS[transport],
            initiator=Endpoint(_address(version, initiator[0], initiator[1]), initiator[2]),
            responder=Endpoint(_address(version, responder[0], responder[1]), responder[2]),
            community_id="",
            first_frame=0,
            last_frame=0,
            first_ns=0,
            last_ns=0,
            packets=(0, 0),
            bytes=(0, 0),
        )

    def flow(self, number: int) -> Flow:
        """A flow as it is known by now."""
        flow, table = self.begun(number), self.table
        flow.first_frame, flow.last_frame, flow.first_ns, flow.last_ns, flow.packets, flow.bytes = table.counts(number)
        flow.tcp = table.tcp(number)
        (source, source_port), (target, target_port) = flow.initiator, flow.responder
        flow.community_id = community_id(PROTOCOLS[flow.transport], source, target, source_port, target_port)
        return flow

    def _piece(self, batch: Batch, row: int, start: int, stop: int) -> Piece:
        """Bytes `start` to `stop` of the buffer that a row lies in, copied out of what is only lent."""
        if self.columns.side:
            side = self.columns.side.get(row)
            if side is not None:
                return Piece(side.data, side.runs, start, max(stop, start))
        views = self._views
        run = (0, batch.first_frame + row, start - views.start[row], views.time_ns[row])
        return Piece(
            bytes(memoryview(batch.data)[start:stop]), [run]
        )  # a view that stayed would lock the reader's buffer

    def _count(self, batch: Batch) -> None:
        count = batch.count
        if not count:
            return
        stats, status = self.stats, self.columns.status[:count]
        time_ns, length = batch.time_ns[:count], batch.length[:count]
        low, high = int(time_ns.min()), int(time_ns.max())
        stats.first_ns = min(stats.first_ns, low) if stats.frames else low
        stats.last_ns = max(stats.last_ns, high) if stats.frames else high
        stats.frames += count
        stats.bytes += int(length.sum())
        stats.cut_frames += int(np.count_nonzero(batch.captured[:count] < length))
        stats.oversize_frames = self.table.oversize_frames
        # ARP, LLDP and the like are not IP, and yet understood; a link type that nobody reads is not.
        odd = np.flatnonzero(status != Status.WHOLE)
        if len(odd):
            kinds = status[odd]
            unread = (kinds == Status.OTHER) & ~np.isin(batch.link[:count][odd], self._links)
            stats.undecoded_frames += int(np.count_nonzero(unread | (kinds == Status.CUT)))
        self._check_clock(batch, time_ns)

    def _check_clock(self, batch: Batch, time_ns: NDArray[np.int64]) -> None:
        before = int(time_ns[0]) if self._last_ns is None else self._last_ns
        self._last_ns = int(time_ns[-1])
        steps = np.diff(time_ns, prepend=before)
        back = np.flatnonzero(steps < -CLOCK_STEP_NS)
        if len(back):
            stats = self.stats
            if not stats.clock_steps:
                stats.clock_step_frame = batch.first_frame + int(back[0])
            stats.clock_steps += len(back)
            stats.clock_step_ns = max(stats.clock_step_ns, -int(steps.min()))


def _address(version: int, high: int, low: int) -> str:
    if version == 4:
        return inet_ntop(AF_INET, (low & 0xFFFFFFFF).to_bytes(4, "big"))
    return inet_ntop(AF_INET6, (high << 64 | low).to_bytes(16, "big"))
