"""What is known of a WebSocket: of each side, of the message under way, of pings and of the close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import Piece, Place, Side, Spot
    from analyzer.protocols.websocket.deflate import Inflater

MAX_PINGS: Final = 64  # that wait for their pong, of one side
MAX_TRIPS: Final = 1000  # round trips that are kept for the median


class Message:
    """A message under way: its first frame's opcode, and its parts as long as they are few."""

    __slots__ = ("bytes", "compressed", "dropped", "failed", "frames", "opcode", "parts")

    def __init__(self, opcode: int, compressed: bool) -> None:
        self.opcode = opcode
        self.compressed = compressed
        self.parts: list[Piece] = []
        self.bytes = 0  # of all its parts, inflated
        self.frames = 0
        self.dropped = False  # it became too large to be held: only its beginning is
        self.failed = ""  # why it can't be read


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
