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
from analyzer.flows.community_id import community_id_of
from analyzer.flows.table import FlowTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analyzer.core import Batch, Limits, MediaStream
    from analyzer.flows.table import Ends, Visit

TRANSPORTS: Final = {6: "tcp", 17: "udp", 132: "sctp"}
NONE: Final = (0, 0)
#: Makes a named tuple without the detour through its own constructor.
_tuple: Final = tuple.__new__
#: Time that goes backwards by less is two queues of one network card, not a clock that was set.
CLOCK_STEP_NS: Final = 1_000_000


#: Addresses and flows that are remembered as text and as begun.
MOST_ADDRESSES: Final = 1 << 16
BEGUN_AT_ONCE: Final = 256


class Tracker:
    """Decodes batches and follows flows through them.

    `mask` (bits of core.Event) tells which TCP segments are to be visited for what they are.  `rows`, after `take`,
    lists the rows to visit; `segment`, `payload` and `icmp` read from the batch that was taken last.  `stats` counts
    all frames (of core.Capture, what the reader itself does not know).
    """

    def __init__(self, limits: Limits, mask: int = 0) -> None:
        self.stats = Capture()
        self.columns = Columns()
        self.apart = self.columns.side  # rows of the batch whose bytes lie elsewhere
        self.table = FlowTable(limits, mask)
        self._limits = limits
        self._slow = SlowPath(limits)
        self._own_problems: list[Problem] = []
        self._links = np.array(sorted(LINKS), np.int32)
        self._last_ns: int | None = None
        self._addresses: dict[tuple[int, int, int], str] = {}
        self._ends: list[Ends] = []  # of flows from `_ends_from` on
        self._ends_from = 0

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
        self.apart = columns.side
        self.table.update(columns, batch)
        self._ends = []  # who opened a flow may have been seen better since
        self._count(batch)
        if self.table.refused_packets and not self._own_problems:
            text = f"more than {self._limits.flows:,} flows: what came after is not followed (limit flows)"
            self._own_problems.append(Problem("flows.limit", text))
        return columns

    def finish(self) -> None:
        """The capture is over: tell what was never complete."""
        self._slow.finish()

    def share(self, part: int, parts: int, start: int = 0) -> None:
        """From here on, list rows of one part of the flows only, see `FlowTable.share`."""
        self.table.share(part, parts, start)

    def unwant(self, flow: int, sender: int | None = None) -> None:
        """No longer list rows for the payload of `sender` (None: of both)."""
        self.table.unwant(flow, sender)

    def skip(self, flow: int, sender: int, until: int | None) -> None:
        """List no payload of `sender` that ends before sequence number `until` (None: all of it again)."""
        self.table.skip(flow, sender, until)

    def visits(self, batch: Batch, start: int, stop: int) -> list[Visit]:
        """What the columns have of the rows to visit, from the one at index `start` of `rows` up to `stop`."""
        return self.table.visits(self.columns, batch, self.rows[start:stop])

    def segment(self, batch: Batch, row: int) -> Segment:
        """The TCP segment of a row."""
        visit = self.table.visits(self.columns, batch, np.array([row], np.int32))[0]
        return self.segment_of(batch, memoryview(batch.data), visit)

    def segment_of(self, batch: Batch, view: memoryview, visit: Visit) -> Segment:
        """The TCP segment of a row that is visited; `view` is on the bytes of the batch."""
        row, _, _, sender, flags, events, _, wire, seq, ack, window, ttl, ip_id, at, stop, start, time_ns = visit
        if self.apart and row in self.apart:
            header = self._piece(batch, row, at, stop)
        else:
            run = (0, batch.first_frame + row, at - start, time_ns)
            header = Piece(bytes(view[at:stop]), [run])
        return Segment(SIDES[sender], flags, seq, ack, window, wire, events, ttl, ip_id, header)

    def payload(self, batch: Batch, row: int) -> Piece:
        """The transport payload of a row, as far as it was captured."""
        start = int(self.columns.payload_at[row])
        return self._piece(batch, row, start, start + int(self.columns.payload_bytes[row]))

    def streams(self, flow: int) -> list[MediaStream]:
        """The streams of RTP in a flow, as they are known by now."""
        return self.table.streams.streams(flow)

    def refused_streams(self, flow: int) -> bool:
        """Whether a flow had more streams than are followed."""
        return self.table.streams.refused(flow)

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
        index = number - self._ends_from
        if not 0 <= index < len(self._ends):
            self._ends_from, index = number, 0
            self._ends = self.table.ends_of(range(number, min(number + BEGUN_AT_ONCE, self.table.flow_count)))
        version, transport, initiator, responder = self._ends[index]
        return Flow(
            number,
            TRANSPORTS[transport],
            self._endpoint(version, initiator),
            self._endpoint(version, responder),
            "",
            0,
            0,
            0,
            0,
            NONE,
            NONE,
        )

    def flow(self, number: int) -> Flow:
        """A flow as it is known by now."""
        return self.flows([number])[0]

    def flows(self, numbers: Sequence[int]) -> list[Flow]:
        """Some flows as they are known by now."""
        table = self.table
        found: list[Flow] = []
        for number, ends, counts, tcp in zip(
            numbers, table.ends_of(numbers), table.counts_of(numbers), table.summaries_of(numbers), strict=True
        ):
            version, transport, initiator, responder = ends
            first_frame, last_frame, first_ns, last_ns, packets, octets = counts
            found.append(
                Flow(
                    number,
                    TRANSPORTS[transport],
                    self._endpoint(version, initiator),
                    self._endpoint(version, responder),
                    community_id_of(version, transport, initiator, responder),
                    first_frame,
                    last_frame,
                    first_ns,
                    last_ns,
                    packets,
                    octets,
                    tcp,
                )
            )
        return found

    def _endpoint(self, version: int, end: tuple[int, int, int]) -> Endpoint:
        high, low, port = end
        addresses = self._addresses
        key = (version, high, low)
        address = addresses.get(key)
        if address is None:
            if len(addresses) >= MOST_ADDRESSES:
                addresses.clear()
            address = addresses[key] = _address(version, high, low)
        endpoint: Endpoint = _tuple(Endpoint, (address, port))
        return endpoint

    def _piece(self, batch: Batch, row: int, start: int, stop: int) -> Piece:
        """Bytes `start` to `stop` of the buffer that a row lies in, copied out of what is only lent."""
        if self.apart:
            side = self.apart.get(row)
            if side is not None:
                return Piece(side.data, side.runs, start, max(stop, start))
        run = (0, batch.first_frame + row, start - int(batch.start[row]), int(batch.time_ns[row]))
        # A view that stayed would lock the reader's buffer.
        return Piece(bytes(memoryview(batch.data)[start:stop]), [run])

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
