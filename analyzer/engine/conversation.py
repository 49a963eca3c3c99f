"""One flow at work: its rooms, its streams put in order, and when it needs no more bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Event, Malformed, Note, Piece, Place, RowDissector, Side, Span, Story, Trace
from analyzer.engine.channel import DONE, SPARE_BYTES, Channel, DatagramChannel, Inner, StreamChannel, tail
from analyzer.engine.seat import RowSeat
from analyzer.flows.reassembly import NOTHING, Connection, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzer.core import Flow, IcmpError, MediaStream, Outputs, Segment
    from analyzer.engine.registry import Registry
    from analyzer.engine.teller import Teller
    from analyzer.flows.reassembly import Delivery

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
SYN_OR_RST: Final = 0x06
ACK: Final = 0x10
NEITHER: Final[tuple[bool, ...]] = (False, False)
BOTH_FINS: Final = 3


class Conversation:
    """A flow that has rooms.  `unwanted` tells by side whether its bytes are looked at no more."""

    __slots__ = (
        "batch",
        "begun",
        "carries_media",
        "channel",
        "closing",
        "connection",
        "ended",
        "finishing",
        "fins",
        "held",
        "last",
        "registry",
        "seat",
        "streams",
        "teller",
        "unopened",
        "until",
        "unwanted",
        "wanted",
    )

    def __init__(self, registry: Registry, teller: Teller) -> None:
        self.registry = registry
        self.teller = teller
        self.batch = 0  # the last one that had something of this flow
        self.held = True  # its notes are objects
        flow = teller.flow
        path, ports = (flow.transport,), (flow.initiator.port, flow.responder.port)
        self.channel: Channel | None = None
        self.unopened = True  # the channel is made when bytes come: most flows of a scan have none
        self.connection: Connection | None = Connection(teller.limits) if flow.transport == "tcp" else None
        self.last: Piece | None = None
        self.closing = False  # all bytes have come, and rooms still wait for secrets
        self.finishing = False
        self.ended: Channel | None = None  # has ended, and wants to be told when the flow is over
        self.unwanted: tuple[bool, ...] = NEITHER
        self.until: list[int | None] | None = None  # payload that ends before this sequence number is skipped
        self.begun = False  # a SYN was seen
        self.fins = 0  # bit 0: of the initiator, bit 1: of the responder
        self.seat: RowSeat | None = None
        self.wanted = 0  # bits of core.Event
        self.carries_media = False
        self.streams: Sequence[MediaStream] = ()
        entry = registry.rows.get(flow.transport)
        if entry is not None and entry.protocol.rows is not None:
            room: RowDissector = entry.protocol.rows(flow, teller.limits)
            self.seat = RowSeat(entry, room, path, teller, Inner(registry, teller, path, ports))
            self.wanted = room.wanted

    # --- what the rows room gets ---

    def _ask(self, what: Callable[[RowDissector], Outputs], sender: Side | None, at: Piece) -> None:
        """Let the rows room say `what`; a mistake of ours costs it the flow."""
        seat = self.seat
        if seat is None:
            return
        try:
            seat.carry_out(what(seat.room), sender, at)
        except Malformed as why:
            self.teller.note(seat.entry, seat.path, sender, Note(seat.entry.malformed, str(why), at))
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self._lose(seat, mistake, at)

    def _lose(self, seat: RowSeat, why: Exception, at: Piece) -> None:
        self.teller.mistake(seat.entry.name, seat.path, why, at)
        self.seat = None
        self.wanted = 0

    def segment(self, segment: Segment) -> None:
        seat = self.seat
        if seat is not None:
            if self.teller.trace:
                segment.header.trace = Trace()
            try:
                outputs = seat.room.on_segment(segment)
                if outputs:
                    seat.carry_out(outputs, segment.sender, segment.header)
            except Malformed as why:
                note = Note(seat.entry.malformed, str(why), segment.header)
                self.teller.note(seat.entry, seat.path, segment.sender, note)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self._lose(seat, mistake, segment.header)

    def icmp(self, error: IcmpError) -> None:
        self._ask(lambda room: room.on_icmp(error), None, error.at)
        if self.channel is not None:
            self.channel.icmp(error)

    # --- payload ---

    def open(self) -> Channel | None:
        """The channel for the flow's bytes; None where nobody wants them any more."""
        if self.unopened:
            self.unopened = False
            flow = self.teller.flow
            ports = (flow.initiator.port, flow.responder.port)
            if flow.transport == "tcp":
                stream = self.channel = StreamChannel(self.registry, self.teller, "tcp", ("tcp",), ports)
                if not self.begun:
                    stream.resume()
            else:
                label = "udp" if flow.transport == "udp" else f"ip:{flow.transport}"
                self.channel = DatagramChannel(self.registry, self.teller, label, (flow.transport,), ports)
        return self.channel

    def take(self, sender: Side, flags: int, seq: int, ack: int, events: int, piece: Piece | None, wire: int) -> None:
        """One TCP segment; `piece` is its payload, None where nobody wants it."""
        connection = self.connection
        if connection is None:
            return
        if flags & FIN:
            self.fins |= 1 << sender
        if piece is None or flags & SYN_OR_RST or events & Event.HANDSHAKE_ACK:
            self.begun = self.begun or bool(flags & SYN)
            for side, delivery in connection.take(sender, flags, seq, ack, events, piece, wire):
                self._deliver(side, delivery)
        else:  # what `Connection.take` would do with an ordinary segment
            for delivery in connection.streams[sender].feed(seq, piece, wire, bool(flags & FIN)):
                self._deliver(sender, delivery)
            if flags & ACK:
                found = connection.streams[1 - sender].acked(ack)
                if found is not NOTHING:
                    for delivery in found:
                        self._deliver(SIDES[1 - sender], delivery)
        if self.fins == BOTH_FINS and self._over(connection):
            self.close()
        elif flags & RST and self.channel is not None:
            self.channel.rest()

    def _over(self, connection: Connection) -> bool:
        """Whether both sides have said all, and all of it was delivered."""
        one, other = connection.streams
        return (one.ended or self.unwanted[0]) and (other.ended or self.unwanted[1])

    def _deliver(self, side: Side, delivery: Delivery) -> None:
        if isinstance(delivery, Piece):
            self.last = delivery
            channel = self.open()
            if channel is not None:
                channel.feed(side, delivery)
        elif isinstance(delivery, Gap):
            self._gap(side, delivery.size, delivery.at)
        else:
            self._conflict(side, delivery.at)

    def _gap(self, side: Side, size: int, at: Piece) -> None:
        self._ask(lambda room: room.on_gap(side, size, at), side, at)
        channel = self.open()
        if channel is not None:
            channel.gap(side, size, at)

    def _conflict(self, side: Side, at: Piece) -> None:
        self._ask(lambda room: room.on_conflict(side, at), side, at)

    def datagram(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        """A datagram, of which the capture lacks the last `lacking` bytes."""
        channel = self.open()
        if channel is not None:
            self.last = piece
            channel.feed(sender, piece, lacking)

    def media(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        """A sample of a stream of RTP: where there is one, what else comes is of interest (RFC 5761, RFC 7983)."""
        if not self.carries_media:
            self.carries_media = True
            self.unwanted = NEITHER
            if self.channel is None:
                self.unopened = True
        channel = self.open()
        if channel is not None:
            self.last = piece
            channel.media(sender, piece, lacking)

    def counted(self, streams: Sequence[MediaStream], refused: bool) -> None:
        """The flow is over, and these are its streams of RTP; `refused`: and more, that were not followed."""
        self.streams = streams
        if refused and streams:
            limit = self.teller.limits.media_streams
            text = f"more than {limit} streams of RTP in one flow, the others are not followed"
            last = streams[-1]
            self.teller.limit("media_streams", text, ("udp",), Place((Span(last.first_frame, 0, 0),), last.first_ns))

    def secrets(self, late: bool) -> bool:
        """Let the rooms that wait for secrets try again; whether some wait on."""
        waiting = self.teller.take_waiting()
        for channel in waiting:
            channel.secrets(late)
        if self.closing and not self.teller.waits:
            self.close()
        return self.teller.waits

    def skips(self, sender: Side) -> int | None:
        """Where the stream of `sender` goes on, if there is a long stretch before it that nobody looks at."""
        channel, connection = self.channel, self.connection
        if channel is None or connection is None or (self.until is not None and self.until[sender] is not None):
            return None
        spare = channel.spare(sender)
        until = connection.streams[sender].skip(spare) if spare > SPARE_BYTES else None
        if until is not None:
            channel.skip(sender, spare)
            if self.until is None:
                self.until = [None, None]
            self.until[sender] = until
        return until

    def sated(self) -> tuple[bool, ...]:
        """By side: whether the channel has just stopped wanting its bytes."""
        self.teller.changed = False
        if self.unopened:
            return False, False
        channel = self.channel
        while channel is not None and channel.child is not None:
            self.channel = channel = channel.child  # what was handed over is its owner's from here on
        if channel is None or channel.state == DONE:
            found = (not self.unwanted[0], not self.unwanted[1])
        else:
            found = (
                not self.unwanted[0] and not channel.wants(Side.INITIATOR),
                not self.unwanted[1] and not channel.wants(Side.RESPONDER),
            )
        self.unwanted = (self.unwanted[0] or found[0], self.unwanted[1] or found[1])
        if self.unwanted[0] and self.unwanted[1]:
            self.connection = None
            if channel is not None and channel.idle:
                self.channel = None
                self.last = None
        return found

    # --- the end ---

    def close(self) -> None:
        """No more bytes will come: let the rooms say their last words, and let go of what is held.

        Rooms that wait for secrets say them when these have come, or nobody waits any longer.
        """
        if self.teller.waits and not self.finishing:
            self.connection = None
            self.closing = True
            if self.last is not None:
                self.teller.end_ns = self.last.time_ns
            return
        for waiting in self.teller.take_waiting():  # rooms inside get what was held before they too are at their end
            waiting.secrets(True)
        channel, self.channel, self.unopened = self.channel, None, False
        if channel is not None and self.last is not None:
            self.teller.end_ns = self.teller.end_ns or self.last.time_ns
            channel.end(self.last)
            if channel.waits_for_sums:
                self.ended = channel
        self.connection = None
        if self.ended is None:
            self.last = None
        else:
            self.ended.rest()
        self.teller.changed = True

    def finish(self, flow: Flow, end_ns: int, packing: bool = False) -> Story:
        """The capture is over (`flow` has its counts): everything that was said, packed if it is `packing`."""
        self.finishing = True
        if not self.closing:
            self.teller.end_ns = end_ns
        if self.connection is not None:
            for side, delivery in self.connection.flush():
                self._deliver(side, delivery)
        self.close()
        self.teller.end_ns = end_ns
        if self.ended is not None and self.last is not None:
            self.ended.streams_of_flow = self.streams
            self.ended.over(flow, tail(self.last))
        end = Piece(b"", [(0, flow.last_frame, 0, flow.last_ns)])
        self._ask(lambda room: room.on_end(flow, end_ns), None, end)
        teller = self.teller
        if len(teller.phases) > 1:
            teller.phases.sort(key=lambda phase: phase.start_ns)
        notes = teller.all_notes(packing)
        return Story(flow, notes, teller.findings, teller.phases, teller.title, teller.facts, teller.kind)
