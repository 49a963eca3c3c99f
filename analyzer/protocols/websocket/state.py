"""What is known of a WebSocket: of each side, of the message under way, of pings and of the close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import joined

if TYPE_CHECKING:
    from analyzer.core import Piece, Place, Side, Spot
    from analyzer.protocols.websocket.deflate import Inflater

MAX_PINGS: Final = 64  # that wait for their pong, of one side
CHUNK_PARTS: Final = 1024  # so many parts of a message become one
MAX_FRAMES: Final = 1 << 16  # of a message that is held
MAX_TRIPS: Final = 1000  # round trips that are kept for the median


class Message:
    """A message under way: its first frame's opcode, and its parts as long as there is not too much of it."""

    __slots__ = ("bytes", "compressed", "dropped", "failed", "frames", "held", "opcode", "parts", "small")

    def __init__(self, opcode: int, compressed: bool) -> None:
        self.opcode = opcode
        self.compressed = compressed
        self.parts: list[Piece] = []
        self.small: list[Piece] = []  # those behind them
        self.bytes = 0  # of all its parts, inflated
        self.held = 0  # of them, in `parts`
        self.frames = 0
        self.dropped = False  # it became too large to be held: only its beginning is
        self.failed = ""  # why it can't be read

    def add(self, part: Piece) -> None:
        """Keep a part; many become one."""
        self.held += len(part)
        self.small.append(part)
        if len(self.small) >= CHUNK_PARTS:
            self.parts.append(joined(self.small))
            self.small = []

    def whole(self) -> Piece | None:
        """All that is held of it."""
        return joined([*self.parts, *self.small]) if self.parts or self.small else None


class Half:
    """One sender's frames."""

    __slots__ = (
        "big",
        "bytes",
        "close_code",
        "close_place",
        "close_reason",
        "frames",
        "inflater",
        "last_message",
        "last_message_bytes",
        "lost",
        "message",
        "messages",
        "pings",
        "skipping",
        "torn",
        "wire_bytes",
        "wrong_mask",
    )

    def __init__(self, inflater: Inflater | None) -> None:
        self.inflater = inflater
        self.message: Message | None = None
        self.big: tuple[int, Piece] | None = None  # size of a payload that goes past, and the header before it
        self.lost = False  # bytes are missing, and no frame was found behind them yet
        self.skipping = False  # what comes is no frame
        self.torn = False  # bytes were missing: what goes on with a message may belong to one that began there
        self.frames = 0
        self.messages = 0
        self.bytes = 0  # of whole messages
        self.wire_bytes = 0  # of payloads as sent
        self.wrong_mask = 0
        self.close_place: Place | None = None
        self.close_code: int | None = None
        self.close_reason = ""
        self.last_message: Spot | Place | None = None
        self.last_message_bytes = 0
        self.pings: dict[bytes, tuple[int, Spot | Place]] = {}


class Life:
    """What both sides share: when frames came, how pings went, who closed."""

    __slots__ = ("closed_by", "first_ns", "last_ns", "opened_ns", "silence_ns", "told", "trips")

    def __init__(self) -> None:
        self.opened_ns = 0
        self.first_ns = 0
        self.last_ns = 0
        self.silence_ns = 0  # the longest between two frames
        self.trips: list[int] = []
        self.closed_by: Side | None = None
        self.told: set[str] = set()  # findings that are told once
