"""The one loop: batches in, notes out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Event, Piece, Shared
from analyzer.engine.conversation import BOTH_FINS, Conversation
from analyzer.engine.registry import registry
from analyzer.engine.teller import Teller
from analyzer.flows.reassembly import distance
from analyzer.flows.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Batch, Flow, Limits, Packer, Story
    from analyzer.engine.registry import Registry
    from analyzer.engine.teller import OnOutput
    from analyzer.flows.table import Visit

#: What reassembly has to see, whatever the rooms ask for.
NEEDED: Final = Event.SYN | Event.SYN_ACK | Event.SYN_OTHER | Event.HANDSHAKE_ACK | Event.FIN | Event.RST
TCP: Final = 6
DATAGRAMS: Final = (17, 132)  # UDP, SCTP
ICMPS: Final = (1, 58)
FIN: Final = 0x01
FIN_OR_SYN: Final = 0x03
ROWS_AT_ONCE: Final = 1024
FLOWS_AT_ONCE: Final = 256


class Engine:
    """Gives rows and bytes to the rooms, and collects what they say.

    `share` is (k, n, first): only flows whose id leaves k when divided by n get rooms; below `first` all are of share
    0.  `on_output` is called with the flow's id and each note or finding as it happens.
    `packer`, if there is one, holds the notes of quiet flows, once there are more flows than `Limits.unpacked_flows`,
    and of others, once there are more notes than `Limits.unpacked_notes`.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        trace: bool = False,
        on_output: OnOutput | None = None,
        share: tuple[int, int, int] = (0, 1, 0),
        rooms: Registry | None = None,
        live: bool = False,
        packer: Packer | None = None,
    ) -> None:
        self.limits = limits
        self.shared = Shared(limits)
        self.registry = registry() if rooms is None else rooms
        self.mask = self.registry.wanted | NEEDED
        self.tracker = Tracker(limits, self.mask)
        self.flows: list[Flow] = []  # after `finish`: all there are
        self.stories: list[Story] = []
        self.trace = trace
        self._on_output = on_output
        self._share = share
        self.tracker.share(*share)
        self._flows: dict[int, Conversation] = {}
        self._live = live
        self._waiting: dict[int, int] = {}  # flows whose rooms wait for secrets, and since when
        self._secrets_version = 0
        self._packer = packer
        self._batch = 0
        self.visited = 0  # rows that were looked at one by one, and not passed over
        self._held: list[Conversation] = []  # those whose notes are objects, if there is a packer
        self._most_held = limits.unpacked_flows

    def feed(self, batch: Batch) -> None:
        self._wake()
        if not batch.count:
            return
        tracker, flows = self.tracker, self._flows
        tracker.take(batch)
        count = len(tracker.rows)
        self._batch += 1
        self.visited += count
        view = memoryview(batch.data)
        # Some at a time, and as tuples: reading an array item by item costs several times as much.
        for begin in range(0, count, ROWS_AT_ONCE):
            for visit in tracker.visits(batch, begin, min(begin + ROWS_AT_ONCE, count)):
                flow, transport = visit[1], visit[2]
                if transport in ICMPS:
                    self._icmp(batch, visit[0])
                    continue
                if flow < 0:
                    continue
                conversation = flows.get(flow)
                if conversation is None:
                    conversation = self._open(flow)
                conversation.batch = self._batch
                if not conversation.held:
                    conversation.held = True
                    self._held.append(conversation)
                if transport == TCP:
                    self._segment(batch, view, conversation, visit)
                elif transport in DATAGRAMS:
                    size, wire = visit[6], visit[7]
                    if visit[4]:
                        conversation.media(SIDES[visit[3]], tracker.payload(batch, visit[0]), max(wire - size, 0))
                    elif not conversation.unwanted[visit[3]]:
                        conversation.datagram(SIDES[visit[3]], tracker.payload(batch, visit[0]), max(wire - size, 0))
                if conversation.teller.changed:
                    self._unwant(flow, conversation)
        if self._packer is not None:
            self._pack()

    def _pack(self) -> None:
        """Hold notes in less memory: those of flows of which this batch and the last one had nothing, or all."""
        notes = 0
        for conversation in self._held:
            notes += len(conversation.teller.notes)
        everything = notes > self.limits.unpacked_notes
        if not everything and len(self._held) <= self._most_held:
            return
        held: list[Conversation] = []
        for conversation in self._held:
            quiet = conversation.batch < self._batch - 1
            if quiet or everything:
                conversation.teller.pack()
            if quiet:
                conversation.held = False
            else:
                held.append(conversation)
        self._held = held
        # What is busy is gone over again when there is as much again.
        self._most_held = max(self.limits.unpacked_flows, 2 * len(held))

    def _segment(self, batch: Batch, view: memoryview, conversation: Conversation, visit: Visit) -> None:
        """Give a TCP segment to the rows room, and its bytes to the channel."""
        row, flow, _, sender, flags, events, size, wire, seq, ack, _, _, _, _, at, start, time_ns = visit
        tracker, mask = self.tracker, self.mask
        if events & conversation.wanted:
            conversation.segment(tracker.segment_of(batch, view, visit))
        if flags & FIN:
            conversation.fins |= 1 << sender
        unwanted = conversation.unwanted[sender]
        # Without an event, a row of an unwanted side is here only because its batch was listed before.
        if conversation.connection is None or (unwanted and not events & mask):
            self._check_over(flags, conversation)
            return
        skipped = conversation.until
        until = None if skipped is None else skipped[sender]
        if skipped is not None and until is not None:
            # Whether it was listed or not: it is part of what is skipped.
            if distance(until, seq + wire) >= 0:
                if not events & mask:
                    self.visited -= 1  # that costs next to nothing
                    return
            elif wire:
                skipped[sender] = None
                tracker.skip(flow, sender, None)
        piece = None
        if not unwanted and (size or flags & FIN_OR_SYN):
            if tracker.apart and row in tracker.apart:
                piece = tracker.payload(batch, row)
            else:
                piece = Piece(bytes(view[at : at + size]), [(0, batch.first_frame + row, at - start, time_ns)])
        conversation.take(SIDES[sender], flags, seq, ack, events, piece, wire)
        self._check_over(flags, conversation)

    def _check_over(self, flags: int, conversation: Conversation) -> None:
        """Pack what was said of a connection that this FIN has ended: now, as the processor has it in its cache."""
        if (
            flags & FIN
            and self._packer is not None
            and conversation.fins == BOTH_FINS
            and conversation.connection is None
            and len(self._flows) > self.limits.unpacked_flows
        ):
            conversation.teller.pack()

    def share(self, part: int, parts: int) -> None:
        """Look only into flows whose id leaves `part` when divided by `parts`, and forget what the others said."""
        self._share = (part, parts, 0)
        self.tracker.share(*self._share)
        self._flows = {flow: conversation for flow, conversation in self._flows.items() if self._ours(flow)}
        self._held = [conversation for conversation in self._held if self._ours(conversation.teller.flow.id)]

    def _ours(self, flow: int) -> bool:
        part, parts, start = self._share
        return (0 if flow < start else flow % parts) == part

    def _open(self, flow: int) -> Conversation:
        teller = Teller(self.tracker.begun(flow), self.shared, self.trace, self._on_output, self._packer)
        conversation = Conversation(self.registry, teller)
        self._flows[flow] = conversation
        if self._packer is not None:
            self._held.append(conversation)
        return conversation

    def _wake(self, over: bool = False) -> None:
        """Tell the rooms that wait for secrets of new ones; live, or when all is `over`, they wait no longer."""
        if not self._waiting:
            return
        version, now_ns = self.shared.secrets.version, time.time_ns()
        news = version != self._secrets_version
        self._secrets_version = version
        patience_ns = self.limits.waiting_ms * 1_000_000
        for flow, since_ns in list(self._waiting.items()):
            late = over or (self._live and now_ns - since_ns > patience_ns)
            if news or late:
                conversation = self._flows.get(flow)
                if conversation is None or not conversation.secrets(late):
                    del self._waiting[flow]
                if conversation is not None and conversation.teller.changed:
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
        if conversation is None and self._ours(flow):
            conversation = self._open(flow)
        if conversation is not None:
            conversation.icmp(error)
            if not conversation.held:
                conversation.held = True
                self._held.append(conversation)

    def finish(self, everything: bool = True) -> None:
        """The capture is over: `flows` (all, or those of our share only) and `stories` are complete."""
        self._wake()
        self._wake(over=True)  # before channels end: what opens even now goes to rooms that are still there
        tracker = self.tracker
        tracker.finish()
        end_ns = tracker.stats.last_ns
        packing = self._packer is not None and tracker.flow_count > self.limits.unpacked_flows
        self._held = []
        numbers: Sequence[int] = range(tracker.flow_count) if everything else sorted(self._flows)
        for start in range(0, len(numbers), FLOWS_AT_ONCE):
            flows = tracker.flows(numbers[start : start + FLOWS_AT_ONCE])
            self.flows += flows
            for flow in flows:
                conversation = self._flows.pop(flow.id, None)
                if conversation is not None:
                    if conversation.carries_media:
                        conversation.counted(tracker.streams(flow.id), tracker.refused_streams(flow.id))
                    story = conversation.finish(flow, end_ns, packing)
                    if story.notes or story.findings or story.title is not None:
                        self.stories.append(story)
