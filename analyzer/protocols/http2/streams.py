"""What is known of each stream of a connection, and of the windows of both sides (RFC 9113 §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import Spot
from analyzer.protocols.http2.fields import MAX_BLOCK_BYTES, MAX_FRAMES

if TYPE_CHECKING:
    from analyzer.core import Exchange, Lead, Piece, Place

FIRST_WINDOW: Final = 65535  # §6.9.2
MAX_STREAMS: Final = 1000  # that are open at once and remembered


class Window:
    """How far a sender may go, and how long it had to wait.

    `balance` is what was given less what was sent; what a window has at first is told with each call, since SETTINGS
    change it for all streams at once (§6.9.2).  A wait counts when the sender goes on soon after it: in less time than
    it waited.  Else it had nothing to send.
    """

    __slots__ = ("balance", "opened", "places", "shut", "waited_ns", "waits")

    def __init__(self) -> None:
        self.balance = 0
        self.shut: Spot | None = None  # what used it up
        self.opened: Spot | None = None  # what gave more after that
        self.waits = 0
        self.waited_ns = 0
        self.places: tuple[Spot, Spot] | None = None  # of the first wait that counts

    def spend(self, size: int, first: int, at: Piece) -> None:
        """The sender sent `size` bytes."""
        shut, opened = self.shut, self.opened
        if shut is not None and opened is not None and size:
            waited = opened.time_ns - shut.time_ns
            if at.time_ns - opened.time_ns < waited:
                self.waits += 1
                self.waited_ns += waited
                if self.places is None:
                    self.places = (shut, opened)
        self.balance -= size
        if size:
            self.shut = Spot(at) if first + self.balance <= 0 else None
            self.opened = None

    def give(self, size: int, first: int, at: Piece) -> None:
        """The receiver lets it send `size` bytes more."""
        self.balance += size
        if self.shut is not None and self.opened is None and first + self.balance > 0:
            self.opened = Spot(at)

    def shut_since(self, first: int) -> Spot | None:
        """What used it up, if it still is."""
        return self.shut if self.opened is None and first + self.balance <= 0 else None


class Block:
    """Fields that CONTINUATION frames go on with."""

    __slots__ = ("data", "flags", "frames", "kind", "pieces", "size", "stream")

    def __init__(self, stream: int, kind: int, flags: int, data: bytes, piece: Piece) -> None:
        self.stream = stream
        self.kind = kind
        self.flags = flags
        self.data = [data]
        self.size = len(data)
        self.frames = 1
        self.pieces = [piece]

    def add(self, data: bytes, piece: Piece) -> bool:
        """Keep it too, as long as there is not too much of it: gives whether that is so."""
        self.size += len(data)
        self.frames += 1
        if self.size > MAX_BLOCK_BYTES or self.frames > MAX_FRAMES:
            self.data.clear()
            return False
        self.data.append(data)
        self.pieces.append(piece)
        return True

    @property
    def place(self) -> core.Place:
        return core.joined(self.pieces).place if len(self.pieces) > 1 else self.pieces[0].place


class Arriving:
    """A body that some room inside may want, until its end."""

    __slots__ = ("bytes", "coding", "cost", "label", "parts")

    def __init__(self, label: str, coding: str) -> None:
        self.label = label
        self.coding = coding
        self.parts: list[Piece] = []
        self.bytes = 0
        self.cost = 0  # bytes of what its parts were cut from


class Stream:
    """One request and its response, or a tunnel."""

    __slots__ = ("answered", "asked", "bodies", "ended", "lead", "method", "target", "tunnel", "windows")

    def __init__(self) -> None:
        self.method = ""
        self.target = ""
        self.asked: Place | None = None
        self.answered = False
        self.lead: Lead | None = None  # an extended CONNECT that a room tells of
        self.tunnel: Exchange | None = None  # once it was accepted
        self.bodies: list[Arriving | None] = [None, None]  # by sender
        self.ended = [False, False]
        self.windows: tuple[Window, ...] = (Window(), Window())  # by sender

    @property
    def what(self) -> str:
        """What was asked for, in brackets; "" where that is not known."""
        return f" ({self.method} {self.target[:120]})" if self.method else ""
