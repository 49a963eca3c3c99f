"""The one loop: batches in, notes out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Event, Piece, Shared
from analyzer.engine.conversation import Conversation
from analyzer.engine.registry import registry
from analyzer.engine.teller import Teller
from analyzer.flows.reassembly import distance
from analyzer.flows.tracker import Tracker

if TYPE_CHECKING:
    from analyzer.core import Batch, Flow, Limits, Story
    from analyzer.engine.registry import Registry
    from analyzer.engine.teller import OnOutput

#: What reassembly has to see, whatever the rooms ask for.
NEEDED: Final = Event.SYN | Event.SYN_ACK | Event.SYN_OTHER | Event.HANDSHAKE_ACK | Event.FIN | Event.RST
TCP: Final = 6
UDP: Final = 17
ICMPS: Final = (1, 58)
FIN_OR_SYN: Final = 0x03


class Engine:
    """Gives rows and bytes to the rooms, and collects what they say.

    `share` is (k, n): only flows whose id leaves k when divided by n get rooms.  `on_output` is called with the flow's
    id and each note or finding as it happens.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        trace: bool = False,
        on_output: OnOutput | None = None,
        share: tuple[int, int] = (0, 1),
        rooms: Registry | None = None,
        live: bool = False,
    ) -> None:
        self.limits = limits
        self.shared = Shared(limits)
        self.registry = registry() if rooms is None else rooms
        self.mask = self.registry.wanted | NEEDED
        self.tracker = Tracker(limits, self.mask)
        self.flows: list[Flow] = []  # after `finish`: all there are
        self.stories: list[Story] = []
        self._trace = trace
        self._on_output = on_output
        self._share = share
        self._flows: dict[int, Conversation | None] = {}  # None: not our share
        self._live = live
        self._waiting: dict[int, int] = {}  # flows whose rooms wait for secrets, and since when
        self._secrets_version = 0

    def feed(self, batch: Batch) -> None:
        self._wake()
        if not batch.count:
            return
        tracker = self.tracker
        columns = tracker.take(batch)
        rows = tracker.rows
        if not len(rows):
            return
        flows, mask, aside = self._flows, self.mask, columns.side
        first_frame, view = batch.first_frame, memoryview(batch.data)
        # Lists, since reading an array item by item costs several times as much.
        for row, flow, transport, sender, flags, events, size, wire, seq, ack, at, start, time_ns in zip(
            rows.tolist(),
            columns.flow[rows].tolist(),
            columns.transport[rows].tolist(),
            columns.sender[rows].tolist(),
            columns.flags[rows].tolist(),
            columns.events[rows].tolist(),
            columns.payload_bytes[rows].tolist(),
            columns.payload_wire[rows].tolist(),
            columns.seq[rows].tolist(),
            columns.ack[rows].tolist(),
            columns.payload_at[rows].tolist(),
            batch.start[rows].tolist(),
            batch.time_ns[rows].tolist(),
            strict=True,
        ):
            if transport in ICMPS:
                self._icmp(batch, row)
                continue
            if flow < 0:
                continue
            conversation = flows.get(flow)
            if conversation is None:
                if flow in flows or not self._ours(flow):
                    continue
                conversation = self._open(flow)
            if events & conversation.wanted:
                conversation.segment(tracker.segment(batch, row))
            unwanted = conversation.unwanted[sender]
            if transport == TCP:
                # Without an event, a row of an unwanted side is here only because its batch was listed before.
                if conversation.connection is None or (unwanted and not events & mask):
                    continue
                until = conversation.until[sender]
                if until is not None:
                    # Whether it was listed or not: it is part of what is skipped.
                    if distance(until, seq + wire) >= 0:
                        if not events & mask:
                            continue
                    elif wire:
                        conversation.until[sender] = None
                        tracker.skip(flow, sender, None)
                piece = None
                if not unwanted and (size or flags & FIN_OR_SYN):
                    if row in aside:
                        piece = tracker.payload(batch, row)
                    else:
                        run = (0, first_frame + row, at - start, time_ns)
                        piece = Piece(bytes(view[at : at + size]), [run])
                conversation.take(SIDES[sender], flags, seq, ack, events, piece, wire)
            elif transport == UDP and not unwanted:
                conversation.datagram(SIDES[sender], tracker.payload(batch, row), max(wire - size, 0))
            if conversation.teller.changed:
                self._unwant(flow, conversation)

    def _ours(self, flow: int) -> bool:
        part, parts = self._share
        if flow % parts == part:
            return True
        self._flows[flow] = None
        self.tracker.unwant(flow, None)
        return False

    def _open(self, flow: int) -> Conversation:
        teller = Teller(self.tracker.begun(flow), self.shared, self._trace, self._on_output)
        conversation = Conversation(self.registry, teller)
        self._flows[flow] = conversation
        return conversation

    def _wake(self) -> None:
        """Tell the rooms that wait for secrets of new ones; live, they don't wait for long."""
        if not self._waiting:
            return
        version, now_ns = self.shared.secrets.version, time.time_ns()
        news = version != self._secrets_version
        self._secrets_version = version
        patience_ns = self.limits.waiting_ms * 1_000_000
        for flow, since_ns in list(self._waiting.items()):
            late = self._live and now_ns - since_ns > patience_ns
            if news or late:
                conversation = self._flows.get(flow)
                if conversation is None or not conversation.secrets(late):
                    del self._waiting[flow]
                elif conversation.teller.changed:
                    self._unwant(flow, conversation)

    def _unwant(self, flow: int, conversation: Conversation) -> None:
        if conversation.teller.waiting and flow not in self._waiting:
            self._waiting[flow] = time.time_ns()
            self._secrets_version = self.shared.secrets.version
        sated = conversation.sated()
        for side in SIDES:
            until = conversation.skips(side)
            if until is not None:
                self.tracker.skip(flow, side, until)
        if sated[0] and sated[1]:
            self.tracker.unwant(flow, None)
        else:
            for side in SIDES:
                if sated[side]:
                    self.tracker.unwant(flow, side)

    def _icmp(self, batch: Batch, row: int) -> None:
        found = self.tracker.icmp(batch, row)
        if found is None:
            return
        flow, error = found
        conversation = self._flows.get(flow)
        if conversation is None and flow not in self._flows and self._ours(flow):
            conversation = self._open(flow)
        if conversation is not None:
            conversation.icmp(error)

    def finish(self) -> None:
        """The capture is over: `flows` and `stories` are complete."""
        self._wake()
        tracker = self.tracker
        tracker.finish()
        end_ns = tracker.stats.last_ns
        for number in range(tracker.flow_count):
            flow = tracker.flow(number)
            self.flows.append(flow)
            conversation = self._flows.pop(number, None)
            if conversation is not None:
                story = conversation.finish(flow, end_ns)
                if story.notes or story.findings or story.title is not None:
                    self.stories.append(story)
