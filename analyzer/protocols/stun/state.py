"""What a path has seen so far: requests that wait for responses, what each side asked, what a relay gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Phase

if TYPE_CHECKING:
    from analyzer.core import Piece, Place, Side, Value
    from analyzer.protocols.stun.checks import Checks
    from analyzer.protocols.stun.messages import Message

#: Requests without an answer count as unanswered after this time: the first is sent again after 0.5 s, and after
#: 1 s more (RFC 8489 §6.2.1).
PATIENCE_NS: Final = 1_500_000_000


MAX_GAPS: Final = 8  # times between the copies of a request that are kept


class Relayed:
    """The peer that bytes came from through a relay, and the list for what is found out of such paths."""

    __slots__ = ("paths", "peer")

    def __init__(self, peer: tuple[str, int], paths: list[dict[str, Value]]) -> None:
        self.peer = peer
        self.paths = paths


class Transaction:
    """A request and, in time, its response."""

    __slots__ = ("answered", "check", "checks", "count", "gaps", "last_ns", "place", "request", "sender")

    def __init__(self, sender: Side, request: Message, place: Place, check: bool, checks: Checks | None) -> None:
        self.sender = sender
        self.request = request
        self.place = place
        self.count = 1  # how often it was sent
        self.answered = 0  # the type of the response
        self.check = check  # of ICE
        self.checks = checks  # under the same names
        self.last_ns = place.time_ns  # when it was last sent
        self.gaps: list[int] = []  # between the times that it was sent

    def again(self, time_ns: int) -> None:
        """It was sent again."""
        self.count += 1
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(max(time_ns - self.last_ns, 0))
        self.last_ns = time_ns


class Half:
    """What one side asked on this path, and what came of it."""

    __slots__ = (
        "answered",
        "checks",
        "first",
        "first_binding",
        "first_silent",
        "gaps",
        "last",
        "last_answer_ns",
        "refusals",
        "requests",
        "role",
        "sent",
        "silent",
        "success_ns",
    )

    def __init__(self) -> None:
        self.requests = 0  # transactions
        self.sent = 0  # with what was sent again
        self.checks = 0  # those of ICE
        self.answered = 0
        self.silent = 0  # requests since the last answer
        self.first: Place | None = None
        self.first_binding: Place | None = None
        self.first_silent: Place | None = None  # the first since the last answer
        self.last: Place | None = None
        self.last_answer_ns = 0
        self.gaps: list[int] = []  # between the copies of the request that was sent most often
        self.success_ns = 0  # of the first Binding success
        self.role = ""  # "controlling" or "controlled", as last said
        self.refusals: list[Place] = []  # of checks, by 400 or 401

    def unanswered(self, end_ns: int) -> bool:
        """Whether it asked often and long enough that no answer means that there is none."""
        first = self.first
        return not self.answered and self.sent > 1 and first is not None and end_ns - first.time_ns >= PATIENCE_NS


class Run:
    """ChannelData of one sender and channel, with no message between."""

    __slots__ = ("bytes", "count", "first", "last", "late_bytes", "late_count", "late_first", "until_ns")

    def __init__(self, unit: Piece, until_ns: int) -> None:
        self.count = 0
        self.bytes = 0
        self.first = unit.place
        self.last = unit
        self.until_ns = until_ns  # when channel or permission are over, 0: not known
        self.late_count = 0
        self.late_bytes = 0
        self.late_first: Place | None = None

    def late(self, unit: Piece, size: int) -> None:
        """It came when the channel or the permission was over."""
        self.late_count += 1
        self.late_bytes += size
        if self.late_first is None:
            self.late_first = unit.place


class Allocation:
    """What a client has asked of a relay, and was given."""

    __slots__ = (
        "answers",
        "challenged",
        "errors",
        "facts",
        "first",
        "given",
        "refreshes",
        "refused",
        "sent",
        "stale",
        "told",
        "until_ns",
    )

    def __init__(self) -> None:
        self.first: Place | None = None  # the first Allocate request
        self.sent = 0
        self.answers = 0  # to Allocate requests
        self.given = False
        self.refused = False
        self.challenged = False
        self.stale = 0  # answers 438 in a row
        self.told: set[str] = set()  # codes of findings
        self.until_ns = 0  # when it expires, unless it is refreshed
        self.refreshes = 0
        self.errors: list[Value] = []
        self.facts: dict[str, Value] = {}

    def asked(self, message: Message, place: Place) -> None:
        self.sent += 1
        if self.first is None:
            self.first = place
        user = message.fields.get("username")
        if isinstance(user, str):
            self.facts["turn_username"] = user

    def unfinished(self, end_ns: int) -> Phase | None:
        """The phase of an allocation that never came."""
        first = self.first
        if first is None or self.given:
            return None
        outcome = Outcome.OPEN
        if self.refused:
            outcome = Outcome.FAILED
        elif not self.answers and self.sent > 1 and end_ns - first.time_ns >= PATIENCE_NS:
            outcome = Outcome.UNANSWERED
        return Phase("turn", first.time_ns, max(end_ns, first.time_ns), outcome, self.answers)
