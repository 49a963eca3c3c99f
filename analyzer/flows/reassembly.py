"""TCP payload put back in order: one `Stream` for each direction, a `Connection` for both.

What the sender sent twice is delivered once.  Where two copies of a byte differ, the first captured wins, whatever the
receiver's system would do, and the later copy is reported as a `Conflict`: that a stack may have read the other one
(RFC 9293 §3.10.7.4 leaves it open) is for a finding to say.  Bytes that the capture lacks become a `Gap`, once the peer
has acknowledged them and `PATIENCE_ROWS` further rows came by (captures put packets in a slightly wrong order), when a
limit is met, or at the end.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from analyzer.core import SIDES, Event, Piece, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Limits

MASK: Final = 0xFFFFFFFF
HALF: Final = 1 << 31
#: Rows of the connection that may still bring what was acknowledged before it was seen.
PATIENCE_ROWS: Final = 3
#: A segment this far from the expected one belongs to another connection, or is forged: no window is larger.
STRAY_BYTES: Final = 1 << 30
#: What was delivered last is kept, to compare it with what comes again.
RECENT_BYTES: Final = 8192
#: It is let go of only where so much has come together: not for each segment.
MOST_RECENT_BYTES: Final = 2 * RECENT_BYTES
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Gap:
    """`size` bytes of the stream are not in the capture; `at` is where it goes on (or ended)."""

    size: int
    at: Piece


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Conflict:
    """`at` was sent before with other bytes, which were or will be delivered in its place."""

    at: Piece


Delivery = Piece | Gap | Conflict
NOTHING: Final[tuple[Delivery, ...]] = ()  # what most segments give


@mypyc_attr(acyclic=True)
class Stream:
    """One direction of a TCP connection.  Positions are sequence numbers that go on past 2^32."""

    __slots__ = (
        "_acked",
        "_at",
        "_fin",
        "_held",
        "_held_bytes",
        "_last",
        "_limits",
        "_owed",
        "_plain",
        "_recent",
        "_recent_bytes",
        "_started",
        "_starts",
        "_touched",
        "_waited",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = False
        self._touched = False  # bytes came, so where it starts is settled
        self._plain = False  # started, with nothing held, owed or ended: the ordinary case
        self._at = 0  # the next byte to deliver
        self._acked = -1  # the peer has everything before this one
        self._fin: int | None = None
        self._starts: list[int] = []  # of what is held, ascending and without overlaps
        self._held: list[tuple[int, Piece | None]] = []  # stop and bytes (None: cut by the snap length)
        self._held_bytes = 0
        self._owed = 0  # bytes of a gap to tell before the next piece
        self._waited = 0  # rows since the peer acknowledged something unseen
        self._recent: list[tuple[int, Piece]] = []
        self._recent_bytes = 0
        self._last: Piece | None = None

    @property
    def ended(self) -> bool:
        """Whether everything up to the FIN was delivered."""
        return self._fin is not None and self._at >= self._fin

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for something before them."""
        return self._held_bytes

    def start(self, seq: int) -> None:
        """Expect `seq` next.  Without it, the first segment is the start; once bytes came, it changes nothing."""
        if not self._touched:
            self._started = self._plain = True
            self._at = seq
            self._acked = -1

    def feed(self, seq: int, piece: Piece, wire: int = 0, fin: bool = False) -> Sequence[Delivery]:
        """Take a segment's payload and give what is next in order because of it.

        `wire` is its size as sent, where the capture cut it; `fin` tells that a FIN follows it.
        """
        size = piece.stop - piece.start
        if self._plain and seq == self._at & MASK and wire <= size and not fin:
            self._touched = True
            self._remember(self._at, piece, size)
            self._at += size
            return (piece,) if size else NOTHING
        return self._place(seq, piece, max(wire, size), fin)

    def acked(self, ack: int) -> Sequence[Delivery]:
        """Take what the peer acknowledged, and give what that lets go on."""
        if not self._started:
            return NOTHING
        position = self._at + distance(ack, self._at)
        if self._acked < position <= self._at + STRAY_BYTES:
            self._acked = position
        if self._acked <= self._at:
            return NOTHING
        found: list[Delivery] = []
        self._settle(found)
        return found

    def skip(self, size: int) -> int | None:
        """Leave out the next `size` bytes: gives the sequence number where it goes on; None where something is held."""
        if not self._plain:
            return None
        self._at += size
        return self._at & MASK

    def flush(self) -> Sequence[Delivery]:
        """Give all that is held, with gaps between: the connection or the capture is over."""
        found: list[Delivery] = []
        while self._starts:
            self._skip(found)
        known = self._acked if self._fin is None else self._fin
        # A single byte more may be the acknowledgement of a FIN that was not captured.
        if self._started and known > self._at + (1 if self._fin is None else 0):
            self._owed += known - self._at
            self._at = known
        last = self._recent[-1][1] if self._recent else self._last
        if self._owed and last is not None:
            found.append(Gap(self._owed, last.cut(len(last))))
        self._owed = 0
        self._recent = []
        self._recent_bytes = 0
        return found

    def _remember(self, start: int, piece: Piece, size: int) -> None:
        self._recent.append((start, piece))
        self._recent_bytes += size
        if self._recent_bytes > MOST_RECENT_BYTES:
            self._forget()

    def _forget(self) -> None:
        """Let go of all but what was delivered last."""
        recent = self._recent
        done = 0
        while self._recent_bytes > RECENT_BYTES and done + 1 < len(recent):
            old = recent[done][1]
            self._recent_bytes -= old.stop - old.start
            done += 1
        del recent[:done]

    def _place(self, seq: int, piece: Piece, wire: int, fin: bool) -> Sequence[Delivery]:
        """`feed` for what is not simply next."""
        if not self._started:
            self.start(seq)
        at = self._at
        start = at + distance(seq, at)
        if abs(start - at) > STRAY_BYTES:
            return NOTHING
        found: list[Delivery] = []
        size = piece.stop - piece.start
        if fin and self._fin is None:
            self._fin = start + wire
        # A keep-alive repeats the last byte or a made-up one (RFC 9293 §3.8.4); neither is to be read.
        garbage = wire <= 1 and start == at - 1
        if wire and not garbage:
            self._touched = True
            self._last = piece
            if start < at:
                self._compare(start, min(start + size, at), piece, start, found)
            if not self.ended:
                self._hold(start, start + size, piece, found)
                self._hold(start + size, start + wire, None, found)
        self._settle(found)
        return found

    def _compare(self, start: int, stop: int, piece: Piece, base: int, found: list[Delivery]) -> None:
        """Hold bytes `start` to `stop`, of a piece that begins at `base`, against what was delivered last."""
        for begin, old in self._recent:
            low = max(start, begin)
            high = min(stop, begin + old.stop - old.start)
            if low < high and _differs(old, low - begin, piece, low - base, high - low):
                found.append(Conflict(piece.cut(low - base, high - base)))

    def _hold(self, start: int, stop: int, piece: Piece | None, found: list[Delivery]) -> None:
        """Keep bytes `start` to `stop`, which are `piece` (None: not captured), where nothing is held yet."""
        base = start
        start = max(start, self._at)
        starts, held = self._starts, self._held
        index = max(bisect_right(starts, start) - 1, 0)
        while start < stop:
            if index < len(starts) and starts[index] <= start:
                end, old = held[index]
                high = min(stop, end)
                if (
                    piece is not None
                    and old is not None
                    and start < high
                    and _differs(old, start - starts[index], piece, start - base, high - start)
                ):
                    found.append(Conflict(piece.cut(start - base, high - base)))
                start = max(start, end)
                index += 1
                continue
            end = min(stop, starts[index]) if index < len(starts) else stop
            starts.insert(index, start)
            held.insert(index, (end, None if piece is None else piece.cut(start - base, end - base)))
            if piece is not None:
                self._held_bytes += end - start
            start = end
            index += 1

    def _settle(self, found: list[Delivery]) -> None:
        """Deliver what is in order, and give up on holes that nothing will fill."""
        self._drain(found)
        if self._acked > self._at:
            if self._waited >= PATIENCE_ROWS:
                while self._starts and self._acked >= self._starts[0]:
                    self._skip(found)
            self._waited += 1
        else:
            self._waited = 0
        limits = self._limits
        while len(self._starts) > limits.pending_segments or self._held_bytes > limits.pending_bytes:
            self._skip(found)
        self._plain = not self._starts and not self._owed and not self.ended and self._acked <= self._at

    def _skip(self, found: list[Delivery]) -> None:
        """Declare the bytes before the first held ones a gap."""
        self._owed += self._starts[0] - self._at
        self._at = self._starts[0]
        self._drain(found)

    def _drain(self, found: list[Delivery]) -> None:
        if not self._starts:
            return
        done = 0
        for start, (stop, piece) in zip(self._starts, self._held, strict=True):
            if start != self._at:
                break
            done += 1
            self._at = stop
            if piece is None:
                self._owed += stop - start
                continue
            self._held_bytes -= stop - start
            if self._owed:
                found.append(Gap(self._owed, piece))
                self._owed = 0
            found.append(piece)
            self._remember(start, piece, stop - start)
        if done:
            del self._starts[:done], self._held[:done]


@mypyc_attr(acyclic=True)
class Connection:
    """Both directions of a TCP connection: takes the rows that the flow table lists, gives what is next in order."""

    __slots__ = ("streams",)

    def __init__(self, limits: Limits) -> None:
        self.streams: tuple[Stream, ...] = (Stream(limits), Stream(limits))

    def take(
        self, sender: Side, flags: int, seq: int, ack: int, events: int, piece: Piece | None, wire: int = 0
    ) -> list[tuple[Side, Delivery]]:
        """Take one segment: `piece` is its payload (None: not wanted), `wire` that payload's size as sent."""
        own, peer = self.streams[sender], self.streams[1 - sender]
        if flags & SYN:
            seq = (seq + 1) & MASK
            own.start(seq)
        elif events & Event.HANDSHAKE_ACK:
            # Of several SYN-ACKs with different numbers, this tells which one counts.
            own.start(seq)
            peer.start(ack)
        found: list[tuple[Side, Delivery]] = []
        # What a RST carries is a diagnostic, not data (RFC 9293 §3.5.3).
        if piece is not None and not flags & RST:
            found.extend((sender, delivery) for delivery in own.feed(seq, piece, wire, bool(flags & FIN)))
        if flags & ACK and not flags & RST:
            found.extend((sender.other, delivery) for delivery in peer.acked(ack))
        return found

    def flush(self) -> list[tuple[Side, Delivery]]:
        """Give what both directions still hold."""
        return [(side, delivery) for side in SIDES for delivery in self.streams[side].flush()]


def distance(seq: int, at: int) -> int:
    """How far sequence number `seq` lies ahead of position `at`, -2^31 to 2^31-1 (RFC 9293 §3.4)."""
    return ((seq - at + HALF) & MASK) - HALF


def _differs(old: Piece, old_at: int, new: Piece, new_at: int, size: int) -> bool:
    old_at += old.start
    new_at += new.start
    return old.data[old_at : old_at + size] != new.data[new_at : new_at + size]
