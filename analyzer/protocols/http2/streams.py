"""What is known of each stream of a connection, and of the windows of both sides (RFC 9113 §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import Exchange, Lead, Place, Side

FIRST_WINDOW: Final = 65535  # §6.9.2
MAX_STREAMS: Final = 1000  # that are open at once and remembered


class Window:
    """How many bytes a sender may still send, and since when it may not."""

    __slots__ = ("left", "since_ns")

    def __init__(self, left: int) -> None:
        self.left = left
        self.since_ns = 0

    def spend(self, size: int, now: int) -> None:
        self.left -= size
        if self.left <= 0 and not self.since_ns:
            self.since_ns = now

    def give(self, size: int, now: int) -> int:
        """Add to it; gives how long nothing could be sent, in ns."""
        self.left += size
        if self.left > 0 and self.since_ns:
            waited, self.since_ns = now - self.since_ns, 0
            return waited
        return 0


class Stream:
    """One request and its response, or a tunnel."""

    __slots__ = ("answered", "asked", "bodies", "client", "ended", "lead", "method", "target", "tunnel", "windows")

    def __init__(self, client: Side, windows: tuple[Window, Window]) -> None:
        self.client = client
        self.method = ""
        self.target = ""
        self.asked: Place | None = None
        self.answered = False
        self.lead: Lead | None = None  # an extended CONNECT that a room tells of
        self.tunnel: Exchange | None = None  # once it was accepted
        self.bodies = [0, 0]
        self.ended = [False, False]
        self.windows = windows
