"""Rooms at work on one channel or one flow, and how what it yields is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.core import About, Body, Enough, Finding, Handoff, Lead, Note, Pass, Phase, Piece, Side, Wait

if TYPE_CHECKING:
    from analyzer.core import Dissector, Outputs, RowDissector
    from analyzer.engine.channel import Inner
    from analyzer.engine.registry import Entry
    from analyzer.engine.teller import Teller


class Desk:
    """What a room says is carried out here.  `signal` is set when something of it steers the channel.

    `spoke` tells whether the room said anything yet: until then its claim to the channel is not confirmed.
    """

    __slots__ = ("body", "context", "enough", "entry", "inner", "label", "path", "signal", "spoke", "teller", "waits")

    def __init__(self, entry: Entry, path: tuple[str, ...], teller: Teller, inner: Inner) -> None:
        self.entry = entry
        self.path = path
        self.teller = teller
        self.inner = inner
        self.spoke = False
        self.signal = False
        self.enough = False
        self.label: str | None = None  # of a Handoff
        self.context: Any = None  # of a Handoff
        self.body: Body | None = None
        self.waits = False

    def carry_out(self, outputs: Outputs, sender: Side | None, at: Piece) -> None:
        """Do what the room yields for one unit of `sender`; Handoff, Body and Enough are left for the channel."""
        teller, trace = self.teller, at.trace
        told: Note | None = None
        mark = 0
        for output in outputs:
            if not self.spoke:
                self.spoke = True
                teller.joined(self.entry, len(self.path))
            if isinstance(output, Note):
                teller.note(self.entry, self.path, sender, output)
                if trace is not None and output.tree is None:
                    output.tree = trace.fields[mark:]
                    mark = len(trace.fields)
                    told = output
            elif isinstance(output, Pass):
                from_side = sender if output.sender is None else output.sender
                self.inner.feed(output, Side.INITIATOR if from_side is None else from_side)
            elif isinstance(output, Finding):
                teller.finding(self.entry, self.path, output)
            elif isinstance(output, Phase):
                teller.phases.append(output)
            elif isinstance(output, About):
                teller.about(output, len(self.path))
            elif isinstance(output, Handoff):
                self.label = output.label
                self.context = output.context
                self.signal = True
            elif isinstance(output, Body):
                self.body = output
                self.signal = True
            elif isinstance(output, Enough):
                self.enough = True
                self.signal = True
            elif isinstance(output, Wait):
                self.waits = True
                self.signal = True
            elif isinstance(output, Lead):
                self._lead(output, sender)
            else:
                raise TypeError(f"a room yields {type(output).__name__}")
        if told is not None and told.tree is not None and trace is not None:
            told.tree.extend(trace.fields[mark:])  # read after the last note was told

    def _lead(self, lead: Lead, sender: Side | None) -> None:
        """Let the room that the exchange leads to tell of it, as if it were inside already."""
        for entry in self.inner.registry.claimants(lead.label):
            telling = entry.protocol.lead
            if telling is None:
                continue
            path = (*self.path, entry.name)
            self.teller.joined(entry, len(path))
            lead.told = True
            for output in telling(lead.exchange):
                if isinstance(output, Note):
                    self.teller.note(entry, path, sender, output)
                elif isinstance(output, Finding):
                    self.teller.finding(entry, path, output)
                elif isinstance(output, Phase):
                    self.teller.phases.append(output)
                elif isinstance(output, About):
                    self.teller.about(output, len(path))
            return


class Seat(Desk):
    """A room that works on units."""

    __slots__ = ("room",)

    def __init__(self, entry: Entry, room: Dissector, path: tuple[str, ...], teller: Teller, inner: Inner) -> None:
        super().__init__(entry, path, teller, inner)
        self.room = room


class RowSeat(Desk):
    """A room that works on rows."""

    __slots__ = ("room",)

    def __init__(self, entry: Entry, room: RowDissector, path: tuple[str, ...], teller: Teller, inner: Inner) -> None:
        super().__init__(entry, path, teller, inner)
        self.room = room
