"""Channels: two-way streams of bytes or datagrams, each owned by one room or still looking for one.

A stream channel cuts what it is fed into the units its room asks for.  Where a payload holds whole units, these are
pieces of that very payload; only what is left over is copied and held until the rest arrives.

Which room a channel gets is found out from its label: a label with a colon ("upgrade:websocket") says what follows, so
its claimant gets the bytes; any other ("tcp") says only what carries them, so its claimants are asked by probes, and
where no probe decides, by port.  Bytes are replayed to the room that is chosen, and to another if the first finds them
malformed before it has said anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mypy_extensions import mypyc_attr

from analyzer.core import SIDES, Body, Malformed, Note, Pass, Piece, Resumed, Side, Trace
from analyzer.engine.pending import Pending, Stretch, place_of
from analyzer.engine.seat import Seat
from analyzer.flows.streams import StreamTable, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Flow, IcmpError, MediaStream
    from analyzer.engine.registry import Entry, Registry
    from analyzer.engine.teller import Teller

#: What a channel is doing.
SEEKING: Final = 0  # no room yet
WORKING: Final = 1
HANDED: Final = 2  # all that comes belongs to the channel `child`
DONE: Final = 3  # nothing more is wanted

#: The two upper bits of a datagram that may be RTP (RFC 7983 §7).
RTP_VERSION: Final = 2

#: A room is shown this much of what is pending, and all of it when that is not enough to tell a unit's size.
WINDOW_BYTES: Final = 1024

#: A stretch of a body that is not looked at is left out from the columns on, if it is longer.
SPARE_BYTES: Final = 1 << 12


class Channel:
    """What streams and datagrams have in common: a label, a path, and an end."""

    __slots__ = ("child", "context", "label", "last", "path", "ports", "registry", "state", "streams_of_flow", "teller")

    def __init__(
        self, registry: Registry, teller: Teller, label: str, path: tuple[str, ...], ports: tuple[int, ...]
    ) -> None:
        self.context: Any = None  # for the room that will take it
        self.registry = registry
        self.teller = teller
        self.label = registry.claimed(label)
        self.path = path
        self.ports = ports
        self.state = SEEKING
        self.child: Channel | None = None
        self.last: Piece | None = None
        self.streams_of_flow: Sequence[MediaStream] = ()  # set before `over`: what was counted in columns
        if not registry.claimants(self.label):
            self._finish()

    def _finish(self) -> None:
        """Want nothing more."""
        self.state = DONE
        self.teller.changed = True

    def feed(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        """Take what `sender` sent; the capture lacks the last `lacking` bytes of a datagram."""
        raise NotImplementedError

    def media(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        """Take a datagram that is known to be RTP."""

    def gap(self, sender: Side, size: int, at: Piece) -> None:
        """`size` bytes of `sender` are missing before `at`."""

    def end(self, last: Piece) -> None:
        raise NotImplementedError

    @property
    def waits_for_sums(self) -> bool:
        """Whether a room here wants to be told when the flow is over."""
        return False

    def over(self, flow: Flow, last: Piece) -> None:
        """The flow is over, after `end`: `flow` has its sums."""

    def spare(self, sender: Side) -> int:
        """How many bytes of `sender` come next at which nobody looks, and behind which somebody does."""
        return 0 if self.child is None else self.child.spare(sender)

    def skip(self, sender: Side, size: int) -> None:
        """That many of the spare bytes will not come."""
        if self.child is not None:
            self.child.skip(sender, size)

    def wants(self, sender: Side) -> bool:
        """Whether bytes of `sender` would still be looked at."""
        return self.child.wants(sender) if self.child is not None else self.state != DONE

    @property
    def idle(self) -> bool:
        """Whether no room is here, nor will be."""
        return self.state == DONE and self.child is None

    @property
    def read(self) -> bool:
        """Whether a room has taken what comes here."""
        return self.child.read if self.child is not None else self.state == WORKING

    def secrets(self, late: bool) -> None:
        """There are new secrets, or (`late`) none will be waited for any longer."""

    def icmp(self, error: IcmpError) -> None:
        """An ICMP error quotes something that came here."""

    def rest(self) -> None:
        """Let go of bytes that are kept only to say where the channel ended."""
        if self.child is not None:
            self.child.rest()
        if self.last is not None:
            self.last = tail(self.last)

    def _heir(self, seat: Seat, label: str, at: Piece, stream: bool) -> Channel | None:
        """The channel for what a room hands over, None where channels are nested too deep."""
        if len(seat.path) >= self.teller.limits.depth:
            self.teller.limit(
                "depth", f"channels nested {len(seat.path)} deep, what is inside is not read", seat.path, at
            )
            return None
        kind = StreamChannel if stream else DatagramChannel
        return kind(self.registry, self.teller, label, seat.path, self.ports)

    def _by_port(self, entry: Entry) -> bool:
        for port in self.ports:  # noqa: SIM110 - compiled, a loop is cheaper than a generator
            if port in entry.ports:
                return True
        return False

    def _malformed(self, entry: Entry, why: str, sender: Side, at: Piece) -> None:
        path = (*self.path, entry.name)
        self.teller.note(entry, path, sender, Note(entry.malformed, why, at))


def tail(piece: Piece) -> Piece:
    """The end of `piece`: no bytes, but still where they were."""
    return Piece(b"", piece.runs, 0, 0, piece.base + piece.stop, piece.whole)


class Inner:
    """The channels inside a room's channel, by what the room calls them."""

    __slots__ = ("channels", "path", "ports", "recent", "recent_key", "recent_label", "registry", "teller")

    def __init__(self, registry: Registry, teller: Teller, path: tuple[str, ...], ports: tuple[int, ...]) -> None:
        self.registry = registry
        self.teller = teller
        self.path = path
        self.ports = ports
        self.channels: dict[tuple[str, int], Channel] | None = None  # made when it is needed: most rooms have none
        self.recent: Channel | None = None  # the one that was fed last, and what it is called
        self.recent_key = 0
        self.recent_label = ""

    def feed(self, output: Pass, sender: Side) -> None:
        channel = self.recent
        if channel is None or output.key != self.recent_key or output.label != self.recent_label:
            channel = None if self.channels is None else self.channels.get((output.label, output.key))
            if channel is None:
                channel = self._open(output)
                if channel is None:
                    return
            self.recent, self.recent_key, self.recent_label = channel, output.key, output.label
        channel.context = output.context
        if len(output.piece) or not output.stream:
            channel.feed(sender, output.piece)
        output.read = channel.read
        if output.over:
            channel.end(output.piece)
            self.recent = None
            if not channel.waits_for_sums and self.channels is not None:
                del self.channels[output.label, output.key]

    def _open(self, output: Pass) -> Channel | None:
        limits = self.teller.limits
        if len(self.path) >= limits.depth:
            text = f"channels nested {len(self.path)} deep, what is inside is not read"
            self.teller.limit("depth", text, self.path, output.piece)
            return None
        if self.channels is None:
            self.channels = {}
        if len(self.channels) >= limits.channels:
            text = f"more than {limits.channels} channels inside one, the others are not read"
            self.teller.limit("channels", text, self.path, output.piece)
            return None
        kind = StreamChannel if output.stream else DatagramChannel
        channel: Channel = kind(self.registry, self.teller, output.label, self.path, self.ports)
        self.channels[output.label, output.key] = channel
        return channel

    def end(self, last: Piece) -> None:
        if self.channels is not None:
            for channel in list(self.channels.values()):
                channel.end(last)

    @property
    def waits_for_sums(self) -> bool:
        return self.channels is not None and any(channel.waits_for_sums for channel in self.channels.values())

    def over(self, flow: Flow, last: Piece) -> None:
        for channel in list((self.channels or {}).values()):
            channel.over(flow, last)


@mypyc_attr(acyclic=True)
class Direction:
    """One sender's half of a stream channel."""

    __slots__ = ("body_left", "keep", "kept", "lost", "need", "passing", "pending", "skip")

    def __init__(self) -> None:
        self.pending = Pending()
        self.need = 0  # size of the unit that is pending, 0: not known yet
        self.passing = False  # a body or a lost unit goes past
        self.body_left = 0  # bytes of a body still to come, -1: all until the end
        self.keep = 0  # how many of them are kept
        self.kept: Pending | None = None  # set while a body goes past
        self.skip = 0  # bytes left of a unit that has a hole
        self.lost = 0  # size of that unit, until the room is told


_NO_DIRECTIONS: Final[tuple[Direction, ...]] = (Direction(), Direction())


class StreamChannel(Channel):
    """A two-way stream of bytes."""

    __slots__ = (
        "_failed_rooms",
        "_guessed",
        "_heads",
        "_no",
        "_open_heads",
        "_rejection",
        "_seen_bytes",
        "directions",
        "ended",
        "seat",
        "seen",
    )

    def __init__(
        self, registry: Registry, teller: Teller, label: str, path: tuple[str, ...], ports: tuple[int, ...]
    ) -> None:
        super().__init__(registry, teller, label, path, ports)
        self.directions: tuple[Direction, ...] = _NO_DIRECTIONS  # until a room is found
        self.seat: Seat | None = None
        self.ended = False  # its room has said all but what takes the flow's sums
        #: what came until a room confirmed: (sender, piece, bytes missing before it); None once one has
        self.seen: list[tuple[Side, Piece, int]] | None = []
        self._seen_bytes = [0, 0]
        self._heads = [b"", b""]
        self._open_heads = [True, True]  # false behind a gap: what follows is not the start
        self._failed_rooms: tuple[str, ...] = ()  # rooms that took the channel and found it malformed
        #: by side: bits of the claimants that said no, or are not asked
        self._no = [registry.late, registry.late] if label == "tcp" else [0, 0]
        self._guessed = False  # the port alone chose the room: what that finds malformed was never its own
        self._rejection: tuple[Entry, str, Side, Piece] | None = None

    @property
    def idle(self) -> bool:
        return self.state == DONE and self.child is None and self.seat is None

    # --- what comes in ---

    def resume(self) -> None:
        """The stream began before the capture."""
        self._no = [0, 0]
        self.context = Resumed()

    def feed(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        self.last = piece
        if self.state == WORKING:
            if self.seen is not None:
                self._remember(sender, piece, 0)
            self._work(sender, piece)
            if self.state == SEEKING:
                self._discover()
        elif self.child is not None:
            self.child.feed(sender, piece)
        elif self.state == SEEKING:
            self._remember(sender, piece, 0)
            self._discover()

    def gap(self, sender: Side, size: int, at: Piece) -> None:
        if self.state == WORKING:
            if self.seen is not None:
                self._remember(sender, at.cut(0, 0), size)
            self._work_gap(sender, size, at)
            if self.state == SEEKING:
                self._discover()
        elif self.child is not None:
            self.child.gap(sender, size, at)
        elif self.state == SEEKING:
            self._remember(sender, at.cut(0, 0), size)

    def end(self, last: Piece) -> None:
        if self.state == SEEKING:
            self._discover(last_chance=True)
        if self.child is not None:
            self.child.end(last)
            return
        seat = self.seat
        if self.state == WORKING and seat is not None:
            try:
                for sender in SIDES:
                    if self.directions[sender].kept is not None:
                        self._body_done(seat, sender, tail(last))
                seat.inner.end(last)
                seat.room.end_ns = self.teller.end_ns
                seat.carry_out(seat.room.on_end(last), Side.INITIATOR, last)
                self.ended = seat.room.wants_sums
            except Malformed as why:
                self._malformed(seat.entry, str(why), Side.INITIATOR, last)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, last)
        elif self.state == DONE and seat is not None:
            seat.inner.end(last)
        self._finish()

    def rest(self) -> None:
        super().rest()
        if self.state == DONE:
            self.directions = _NO_DIRECTIONS
            self.seen = None

    @property
    def waits_for_sums(self) -> bool:
        if self.child is not None:
            return self.child.waits_for_sums
        return self.ended or (self.seat is not None and self.seat.inner.waits_for_sums)

    def over(self, flow: Flow, last: Piece) -> None:
        if self.child is not None:
            self.child.over(flow, last)
            return
        seat = self.seat
        if seat is None:
            return
        seat.inner.over(flow, last)
        if self.ended:
            try:
                seat.room.flow, seat.room.end_ns = flow, self.teller.end_ns
                seat.carry_out(seat.room.on_over(flow), None, last)
            except Malformed as why:
                self._malformed(seat.entry, str(why), Side.INITIATOR, last)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, last)

    def spare(self, sender: Side) -> int:
        if self.child is not None:
            return self.child.spare(sender)
        direction = self.directions[sender]
        if self.state != WORKING or self.seen is not None or direction.kept is None or direction.keep:
            return 0
        return max(direction.body_left - 1, 0)  # its last byte tells where it ended

    def skip(self, sender: Side, size: int) -> None:
        if self.child is not None:
            self.child.skip(sender, size)
        else:
            self.directions[sender].body_left -= size

    def wants(self, sender: Side) -> bool:
        if self.child is not None:
            return self.child.wants(sender)
        if self.state == WORKING:
            direction = self.directions[sender]
            return direction.body_left >= 0 or direction.keep > 0
        return self.state != DONE

    @property
    def read(self) -> bool:
        child = self.child
        # A channel that was handed on, and had nothing yet: what came here was read here.
        if child is not None and (child.last is not None or child.state == DONE):
            return child.read
        return self.seat is not None and self.seat.spoke and self.state != SEEKING

    def secrets(self, late: bool) -> None:
        if self.child is not None:
            self.child.secrets(late)
            return
        seat, last = self.seat, self.last
        if self.state != WORKING or seat is None or last is None:
            return
        try:
            seat.carry_out(seat.room.on_secrets(late), None, tail(last))
            if seat.signal:
                self._steer(seat, Side.INITIATOR, self.directions[0], last)
        except Exception as mistake:
            self._failed(seat, mistake, Side.INITIATOR, tail(last))

    # --- finding a room ---

    def _remember(self, sender: Side, piece: Piece, missing: int) -> None:
        """Keep what came for the room that will be found (or for the next, if the present one gives it back)."""
        seen = self.seen
        if seen is None:
            return
        seen.append((sender, piece, missing))
        self._seen_bytes[sender] += len(piece)
        if missing and self._heads[sender]:
            self._open_heads[sender] = False
        if self.state == SEEKING:
            if self._open_heads[sender]:
                head = self._heads[sender]
                self._heads[sender] = (head + bytes(piece))[: self.teller.limits.probe_bytes]
        elif self._seen_bytes[sender] > 2 * self.teller.limits.probe_bytes or len(seen) > 1000:
            self.seen = None  # too much to give it to another

    def _discover(self, last_chance: bool = False) -> None:
        """Give the channel to a room, if one wants it, and to the next if the first gives it back."""
        while self.state == SEEKING:
            entry = self._choose(last_chance)
            if entry is None:
                return
            self._take(entry)

    def _choose(self, last_chance: bool) -> Entry | None:
        label, heads, no, failed = self.label, self._heads, self._no, self._failed_rooms
        claimants = self.registry.claimants(label)
        if failed:
            claimants = tuple(entry for entry in claimants if entry.name not in failed)
        explicit = ":" in label
        if explicit and len(claimants) == 1:
            return claimants[0]
        waiting = False
        undecided: list[Entry] = []
        for side in (0, 1):
            if not heads[side]:
                waiting = True  # this side has not spoken yet
                continue
            for entry in self.registry.asked[label][heads[side][0]]:
                if no[side] & entry.bit or (failed and entry.name in failed):
                    continue
                verdict = self._probe(entry, SIDES[side], heads[side])
                if verdict is True:
                    return entry
                if verdict is None:
                    undecided.append(entry)
                else:
                    no[side] |= entry.bit
        waiting = (waiting and any(entry.probe is not None for entry in claimants)) or bool(undecided)
        by_port: Entry | None = None
        for entry in claimants:
            if entry.probe is None and explicit:
                return entry
            if by_port is None and (entry.probe is None or entry in undecided) and self._by_port(entry):
                by_port = entry
        if waiting and not last_chance and max(self._seen_bytes) < self.teller.limits.probe_bytes:
            return None
        if by_port is not None:
            self._guessed = True
            return by_port
        self._give_up()
        return None

    def _probe(self, entry: Entry, sender: Side, head: bytes) -> bool | None:
        probe = entry.probe
        try:
            return None if probe is None else probe(head)
        except Malformed:
            return False
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self.teller.mistake(entry.name, self.path, mistake, self._where(sender))
            self._failed_rooms += (entry.name,)
            return False

    def _where(self, sender: Side) -> Piece:
        for side, piece, _ in self.seen or ():
            if side is sender:
                return piece
        return self.last if self.last is not None else Piece(b"", [(0, 0, 0, 0)])

    def _give_up(self) -> None:
        self._finish()
        self.seen = None
        self._heads = [b"", b""]
        if self._rejection is not None:
            entry, why, sender, at = self._rejection
            self._malformed(entry, why, sender, at)

    def _take(self, entry: Entry) -> None:
        """Make `entry` the owner and replay to it what came until now."""
        path = (*self.path, entry.name)
        assert entry.room is not None
        self.directions = (Direction(), Direction())
        try:
            room = entry.room()
            room.flow = self.teller.flow
            room.shared = self.teller.shared
            room.secure = self.registry.secure(self.path)
            room.context = self.context
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self.teller.mistake(entry.name, path, mistake, self._where(Side.INITIATOR))
            self._failed_rooms += (entry.name,)
            return
        inner = Inner(self.registry, self.teller, path, self.ports)
        self.seat = Seat(entry, room, path, self.teller, inner)
        self.state = WORKING
        for sender, piece, missing in list(self.seen or ()):
            if self.state == WORKING:
                if missing:
                    self._work_gap(sender, missing, piece)
                elif len(piece):
                    self._work(sender, piece)
            elif self.child is not None:
                if missing:
                    self.child.gap(sender, missing, piece)
                else:
                    self.child.feed(sender, piece)

    # --- at work ---

    def _work(self, sender: Side, piece: Piece) -> None:
        """Cut `piece`, and what was pending before it, into units for the room."""
        direction = self.directions[sender]
        pending = direction.pending
        if pending.data:
            pending.add(piece, piece.start, piece.stop)
            if len(pending.data) < direction.need:
                return
            self._resume(sender, direction)
        else:
            self._consume(sender, direction, piece, None, 0)
        if self.state == HANDED:
            self._release()

    def _resume(self, sender: Side, direction: Direction) -> None:
        """Go on with what is pending, if it holds a unit now."""
        seat, pending = self.seat, direction.pending
        assert seat is not None
        size = direction.need
        if size == 0:
            try:
                asked = seat.room.unit_size(sender, pending.data)
            except Exception as mistake:
                at, _ = pending.take()
                self._failed(seat, mistake, sender, at)
                return
            if asked is None:
                if len(pending.data) > self.teller.limits.unit_bytes:
                    self._too_long(seat, pending.take()[0])
                return
            size = asked
            if 0 < len(pending.data) < size <= self.teller.limits.unit_bytes:
                direction.need = size
                return
        direction.need = 0
        piece, places = pending.take()
        self._consume(sender, direction, piece, places, size)

    def _consume(
        self, sender: Side, direction: Direction, piece: Piece, places: list[Stretch] | None, size: int
    ) -> None:
        """Give the units of `piece` to the room, and hold back what is left.

        `places` is set where the bytes are derived from several places; `size` is that of the first unit, if known.
        """
        seat = self.seat
        assert seat is not None
        room, teller = seat.room, self.teller
        limit, trace = teller.limits.unit_bytes, teller.trace
        other = self.directions[1 - sender]
        data, runs, base, whole, at, stop = piece.data, piece.runs, piece.base, piece.whole, piece.start, piece.stop
        unit: Piece | None = None
        try:
            while at < stop and self.state == WORKING:
                if direction.passing:
                    unit = None
                    at = self._pass(seat, sender, direction, piece, places, at)
                    continue
                if size == 0:
                    unit = None
                    if stop - at <= WINDOW_BYTES:
                        asked = room.unit_size(sender, data[at:stop])
                    else:
                        asked = room.unit_size(sender, data[at : at + WINDOW_BYTES])
                        if asked is None or asked == WINDOW_BYTES:
                            asked = room.unit_size(sender, data[at:stop])
                    if asked is None:
                        if stop - at > limit:
                            self._too_long(seat, piece)
                        break
                    size = asked
                if size > limit:
                    self._too_long(seat, piece)
                    break
                if size <= 0:
                    raise Malformed(f"a unit of {size} bytes")
                if size > stop - at:
                    direction.need = size
                    break
                if size == stop - at and at == piece.start and places is None and not trace:
                    unit = piece
                else:
                    unit = Piece(
                        data,
                        runs,
                        at,
                        at + size,
                        base,
                        whole if places is None else place_of(places, at, at + size),
                        Trace() if trace else None,
                    )
                at += size
                size = 0
                outputs = room.on_unit(sender, unit)
                if outputs:
                    seat.carry_out(outputs, sender, unit)
                    if seat.signal:
                        self._steer(seat, sender, direction, unit)
                    if self.seen is not None and seat.spoke:
                        self._confirmed()
                if other.pending.data and other.need == 0 and self.state == WORKING:
                    self._resume(SIDES[1 - sender], other)  # what came before may be clear now
        except Exception as mistake:
            if unit is None:
                unit = Piece(data, runs, at, stop, base, whole if places is None else place_of(places, at, stop))
            self._failed(seat, mistake, sender, unit)
        if at < stop and (self.state == WORKING or self.state == HANDED):
            direction.pending.add_rest(piece, places, at)

    def _confirmed(self) -> None:
        self.seen = None
        self._heads = [b"", b""]

    def _failed(self, seat: Seat, why: Exception, sender: Side, at: Piece) -> None:
        """A room could not go on: the bytes are malformed, or it is our mistake."""
        if not isinstance(why, Malformed):
            self.teller.mistake(seat.entry.name, seat.path, why, at)
            self._finish()
        elif self.seen is not None and not seat.spoke:
            # It never confirmed its claim: another may have the bytes.
            self._failed_rooms += (seat.entry.name,)
            if self._rejection is None and not self._guessed:
                self._rejection = (seat.entry, str(why), sender, at)
            self._reopen()
        else:
            self._malformed(seat.entry, str(why), sender, at)
            self._finish()

    def _reopen(self) -> None:
        self.state = SEEKING
        self.seat = None
        self._heads = [b"", b""]
        self._open_heads = [True, True]
        for sender, piece, missing in self.seen or ():
            if missing and self._heads[sender]:
                self._open_heads[sender] = False
            if self._open_heads[sender]:
                self._heads[sender] = (self._heads[sender] + bytes(piece))[: self.teller.limits.probe_bytes]

    def _too_long(self, seat: Seat, at: Piece) -> None:
        limit = self.teller.limits.unit_bytes
        text = f"a unit of more than {limit} bytes is not held: the rest of the stream is not read"
        self.teller.limit("unit_bytes", text, seat.path, tail(at))
        self._finish()

    def _steer(self, seat: Seat, sender: Side, direction: Direction, unit: Piece) -> None:
        """Carry out a Handoff, a Body or Enough."""
        seat.signal = False
        if seat.waits:
            seat.waits = False
            if self.teller.waiting is None:
                self.teller.waiting = []
            self.teller.waiting.append(self)
            self.teller.changed = True
        if seat.enough:
            self._finish()
        elif seat.label is not None:
            self.child = self._heir(seat, seat.label, unit, stream=True)
            if self.child is not None:
                self.child.context, seat.context = seat.context, None
            self.state = HANDED
            self.teller.changed = True
            if self.child is None:
                self._finish()
        elif seat.body is not None:
            self._begin_body(seat, sender, direction, seat.body, unit)
            seat.body = None

    def _begin_body(self, seat: Seat, sender: Side, direction: Direction, body: Body, unit: Piece) -> None:
        direction.kept = Pending()
        direction.keep = max(0, min(body.keep, self.teller.limits.unit_bytes))
        if body.size >= 0:
            direction.keep = min(direction.keep, body.size)
        direction.body_left = max(body.size, -1)
        direction.passing = body.size != 0
        self.teller.changed = self.teller.changed or body.size < 0 or body.size > SPARE_BYTES
        if body.size == 0:
            self._body_done(seat, sender, tail(unit))

    def _pass(
        self, seat: Seat, sender: Side, direction: Direction, piece: Piece, places: list[Stretch] | None, at: int
    ) -> int:
        """Let a body, or what is left of a unit with a hole, go past; where the stream goes on."""
        left = piece.stop - at
        if direction.kept is None:
            size = min(direction.skip, left)
            direction.skip -= size
            at += size
            if direction.skip == 0 and at < piece.stop:
                direction.passing = False
                lost, direction.lost = direction.lost, 0
                self._tell_gap(seat, sender, lost, self._part(piece, places, at, piece.stop))
            return at
        size = left if direction.body_left < 0 else min(direction.body_left, left)
        if direction.keep:
            kept = min(direction.keep, size)
            direction.kept.add(self._part(piece, places, at, at + kept), at, at + kept)
            direction.keep -= kept
        at += size
        if direction.body_left > 0:
            direction.body_left -= size
            if direction.body_left == 0:
                self._body_done(seat, sender, self._part(piece, places, at, at))
        return at

    def _part(self, piece: Piece, places: list[Stretch] | None, start: int, stop: int) -> Piece:
        whole = piece.whole if places is None else place_of(places, start, stop)
        return Piece(piece.data, piece.runs, start, stop, piece.base, whole)

    def _body_done(self, seat: Seat, sender: Side, end: Piece) -> None:
        """Give the room what was kept of a body; `end` is where it stopped."""
        direction = self.directions[sender]
        kept, direction.kept = direction.kept, None
        direction.passing, direction.body_left, direction.keep = False, 0, 0
        body = end
        if kept is not None and kept.data:
            body, places = kept.take()
            if places is not None:
                body = Piece(body.data, [], 0, len(body.data), 0, place_of(places, 0, len(body.data)))
        outputs = seat.room.on_body(sender, body)
        if outputs:
            seat.carry_out(outputs, sender, body)
            if seat.signal:
                self._steer(seat, sender, direction, end)

    def _work_gap(self, sender: Side, size: int, at: Piece) -> None:
        """Some bytes are missing: a body or a unit may be known to have swallowed them, else the room is told."""
        seat, direction = self.seat, self.directions[sender]
        assert seat is not None
        try:
            if direction.kept is not None:
                direction.keep = 0  # what follows the hole is not kept
                if direction.body_left < 0:
                    return
                swallowed = min(size, direction.body_left)
                size -= swallowed
                direction.body_left -= swallowed
                if direction.body_left == 0:
                    self._body_done(seat, sender, tail(at))
            elif direction.skip:
                swallowed = min(size, direction.skip)
                size -= swallowed
                direction.skip -= swallowed
                if size:
                    size += direction.lost
                    direction.skip, direction.lost, direction.passing = 0, 0, False
            elif direction.need:
                missing = direction.need - len(direction.pending.data)
                direction.pending.clear()
                if size <= missing:
                    direction.lost, direction.skip, direction.passing = direction.need, missing - size, True
                    size = 0
                direction.need = 0
            else:
                direction.pending.clear()
            if size and self.state == WORKING:
                self._tell_gap(seat, sender, size, at)
        except Exception as mistake:
            self._failed(seat, mistake, sender, at)
        if self.state == HANDED:
            self._release()

    def _tell_gap(self, seat: Seat, sender: Side, size: int, at: Piece) -> None:
        seat.carry_out(seat.room.on_gap(sender, size, at), sender, at)
        if seat.signal:
            self._steer(seat, sender, self.directions[sender], at)

    def _release(self) -> None:
        """Give what both sides have pending to the channel that owns the stream now, in the order it came."""
        child = self.child
        assert child is not None
        self.seen = None
        held: list[tuple[int, Side, Piece]] = []
        for sender in SIDES:
            held.extend((frame, sender, piece) for frame, piece in self.directions[sender].pending.stretches())
        held.sort(key=_in_order)
        for _, sender, piece in held:
            child.feed(sender, piece)


def _in_order(held: tuple[int, Side, Piece]) -> int:
    return held[0]


class DatagramChannel(Channel):
    """A two-way run of datagrams, which several rooms may share: each datagram is matched by itself (RFC 7983).

    RTP is counted, not given to rooms: that of the flow before it gets here, that inside another room here.
    """

    __slots__ = ("_claimants", "_closed", "_explicit", "_inside", "failed", "idle_bytes", "seats", "streams")

    def __init__(
        self, registry: Registry, teller: Teller, label: str, path: tuple[str, ...], ports: tuple[int, ...]
    ) -> None:
        super().__init__(registry, teller, label, path, ports)
        self.seats: tuple[Seat, ...] = ()
        self.failed: tuple[str, ...] = ()
        self.idle_bytes = 0  # of datagrams before the first that a room wanted
        self.streams: StreamTable | None = None
        self._inside = len(path) > 1 and self.label == "udp"
        self._claimants = registry.claimants(self.label)
        self._closed: tuple[int, ...] = registry.closed.get(self.label, ())
        self._explicit = ":" in self.label and len(self._claimants) == 1

    @property
    def idle(self) -> bool:
        return self.state == DONE and self.child is None and not self.seats

    def feed(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        self.last = piece
        if self.child is not None:
            self.child.feed(sender, piece, lacking)
            return
        if self._inside and len(piece) and piece.data[piece.start] >> 6 == RTP_VERSION:
            verdict = self._count(sender, piece, lacking)
            if verdict == Verdict.SHOWN:
                self.media(sender, piece, lacking)
            if verdict:
                return
        if self.state != DONE:
            seat = self._owner(sender, piece)
            if seat is None:
                self.idle_bytes += max(len(piece), 1)
                if not self.seats and len(self.path) == 1 and self.idle_bytes >= self.teller.limits.probe_bytes:
                    self._finish()
            elif not seat.enough:
                self._give(seat, sender, piece, lacking)

    def _count(self, sender: Side, piece: Piece, lacking: int) -> int:
        """One of `Verdict` for a datagram that another room passed inwards."""
        streams = self.streams
        if streams is None:
            streams = self.streams = StreamTable(self.teller.limits, 1)
        span = piece.spans[-1]
        wire = len(piece) + lacking
        return streams.take(piece.data, piece.start, piece.stop, wire, 0, sender, span.frame, span.start, piece.time_ns)

    def media(self, sender: Side, piece: Piece, lacking: int = 0) -> None:
        entry = self.registry.media
        if self.child is not None:
            self.child.media(sender, piece, lacking)
        elif entry is not None and entry.name not in self.failed:
            self.last = piece
            seat = self._seated(entry) or self._seat(entry, piece)
            if seat is not None:
                self._give(seat, sender, piece, lacking)

    def _owner(self, sender: Side, piece: Piece) -> Seat | None:
        """The room that this datagram is for: one at work here, then any that claims the label."""
        data = piece.__bytes__()  # compiled, a plain call; `bytes(piece)` looks the method up first
        undecided: Seat | None = None
        claimants, explicit = self._claimants, self._explicit
        if explicit and self.seats:
            return self.seats[0]
        refused = self._closed[data[0]] if data and claimants else 0
        for seat in self.seats:
            if refused & seat.entry.bit:
                continue
            verdict = None if seat.entry.probe is None else self._probe(seat.entry, data, piece)
            if verdict:
                return seat
            if verdict is None and undecided is None:
                undecided = seat
        hinted: Entry | None = None
        for entry in claimants:
            if not refused & entry.bit and entry.name not in self.failed and self._seated(entry) is None:
                verdict = None if entry.probe is None else self._probe(entry, data, piece)
                if verdict or explicit:
                    return self._seat(entry, piece)
                if verdict is None and hinted is None and self._by_port(entry):
                    hinted = entry
        if undecided is None and hinted is not None:
            return self._seat(hinted, piece)
        return undecided

    def _seated(self, entry: Entry) -> Seat | None:
        for seat in self.seats:
            if seat.entry is entry:
                return seat
        return None

    def _probe(self, entry: Entry, data: bytes, piece: Piece) -> bool | None:
        try:
            return None if entry.probe is None else entry.probe(data)
        except Malformed:
            return False
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self.teller.mistake(entry.name, self.path, mistake, piece)
            self._lose(entry)
            return False

    def _seat(self, entry: Entry, piece: Piece) -> Seat | None:
        path = (*self.path, entry.name)
        assert entry.room is not None
        try:
            room = entry.room()
            room.flow = self.teller.flow
            room.shared = self.teller.shared
            room.secure = self.registry.secure(self.path)
            room.context = self.context
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self.teller.mistake(entry.name, path, mistake, piece)
            self._lose(entry)
            return None
        seat = Seat(entry, room, path, self.teller, Inner(self.registry, self.teller, path, self.ports))
        self.seats = (*self.seats, seat)
        self.state = WORKING
        return seat

    def _lose(self, entry: Entry) -> None:
        self.failed = (*self.failed, entry.name)
        self.seats = tuple(seat for seat in self.seats if seat.entry is not entry)

    def _give(self, seat: Seat, sender: Side, piece: Piece, lacking: int) -> None:
        unit = piece
        if self.teller.trace:
            unit = Piece(piece.data, piece.runs, piece.start, piece.stop, piece.base, piece.whole, Trace())
        seat.room.context = self.context
        try:
            outputs = seat.room.on_unit(sender, unit)
            if outputs:
                seat.carry_out(outputs, sender, unit)
                if seat.signal:
                    self._steer(seat, unit)
        except Malformed as why:
            text = f"{why} (the capture lacks the last {lacking} bytes of this datagram)" if lacking else str(why)
            self._malformed(seat.entry, text, sender, unit)
        except Exception as mistake:  # our bug: costs this flow its room, and is told
            self.teller.mistake(seat.entry.name, seat.path, mistake, unit)
            self._lose(seat.entry)

    def _steer(self, seat: Seat, unit: Piece) -> None:
        seat.signal = False
        if seat.waits:
            seat.waits = False
            waiting = self.teller.waiting
            if waiting is None:
                waiting = self.teller.waiting = []
            if self not in waiting:  # another room here may wait too
                waiting.append(self)
            self.teller.changed = True
        if seat.body is not None:
            raise TypeError("a datagram has no body that follows it")
        if seat.label is not None:
            self.child = self._heir(seat, seat.label, unit, stream=False)
            self.state = HANDED
            self.teller.changed = True
            if self.child is None:
                self._finish()
        elif all(one.enough for one in self.seats):
            self._finish()

    def secrets(self, late: bool) -> None:
        last = self.last
        if self.child is not None:
            self.child.secrets(late)
            return
        for seat in self.seats:
            if seat.enough or last is None:
                continue
            try:
                seat.carry_out(seat.room.on_secrets(late), None, tail(last))
                if seat.signal:
                    self._steer(seat, last)
            except Malformed as why:
                self._malformed(seat.entry, str(why), Side.INITIATOR, tail(last))
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, tail(last))
                self._lose(seat.entry)

    def icmp(self, error: IcmpError) -> None:
        if self.child is not None:
            self.child.icmp(error)
            return
        for seat in self.seats:
            if seat.enough:
                continue
            try:
                seat.carry_out(seat.room.on_icmp(error), error.sender.other, error.at)
            except Malformed as why:
                self._malformed(seat.entry, str(why), error.sender.other, error.at)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, error.at)
                self._lose(seat.entry)

    def end(self, last: Piece) -> None:
        if self.child is not None:
            self.child.end(last)
            return
        for seat in self.seats:
            try:
                seat.inner.end(last)
                if not seat.enough:
                    seat.room.end_ns = self.teller.end_ns
                    seat.carry_out(seat.room.on_end(last), Side.INITIATOR, last)
            except Malformed as why:
                self._malformed(seat.entry, str(why), Side.INITIATOR, last)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, last)
        self._finish()

    @property
    def waits_for_sums(self) -> bool:
        if self.child is not None:
            return self.child.waits_for_sums
        return any(seat.room.wants_sums or seat.inner.waits_for_sums for seat in self.seats)

    def over(self, flow: Flow, last: Piece) -> None:
        if self.child is not None:
            self.child.over(flow, last)
            return
        for seat in self.seats:
            seat.inner.over(flow, last)
            if seat.enough or not seat.room.wants_sums:
                continue
            try:
                seat.room.flow, seat.room.end_ns = flow, self.teller.end_ns
                seat.room.streams = self.streams_of_flow if self.streams is None else self.streams.streams(0)
                seat.carry_out(seat.room.on_over(flow), None, last)
            except Malformed as why:
                self._malformed(seat.entry, str(why), Side.INITIATOR, last)
            except Exception as mistake:  # our bug: costs this flow its room, and is told
                self.teller.mistake(seat.entry.name, seat.path, mistake, last)
