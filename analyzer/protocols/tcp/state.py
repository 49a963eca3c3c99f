"""What the TCP room remembers of a connection, all of it bounded, for the verdicts at its end.

There is one of these for each connection of a capture until the end, so what most of them never need is an empty tuple,
of which there is one only.  Constructors are written out: compiled, they cost a fifth of a dataclass's own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

if TYPE_CHECKING:
    from analyzer.core import IcmpError, Segment, Spot
    from analyzer.protocols.tcp.messages import Header

    Spots = tuple[Spot, ...]

EVIDENCE: Final = 8  # frames that a finding points at, for each thing it is made of
REPEATS: Final = 16  # segments sent again that are remembered for each side
TTLS: Final = 8  # different TTLs remembered for each side
ERRORS: Final = 16  # ICMP errors remembered


@mypyc_attr(acyclic=True)
class Repeat:
    """One segment that was sent again: its later copies (the first one was an ordinary segment)."""

    __slots__ = ("count", "fast", "last_frame", "last_ns", "payload_bytes", "places", "pushed", "seq", "times_ns")

    def __init__(self, seq: int, payload_bytes: int, fast: bool, pushed: bool) -> None:
        self.seq = seq
        self.payload_bytes = payload_bytes
        self.fast = fast
        self.pushed = pushed  # it ended what its application had written: PSH or FIN
        self.count = 0
        self.times_ns: list[int] = []
        self.places: Spots = ()
        self.last_ns = 0
        self.last_frame = 0

    def add(self, segment: Segment, place: Spot) -> None:
        self.count += 1
        self.last_ns, self.last_frame = segment.time_ns, segment.frame
        if len(self.times_ns) < EVIDENCE:
            self.times_ns.append(segment.time_ns)
            self.places = (*self.places, place)

    @property
    def backs_off(self) -> bool:
        """Whether the copies came at least three times, each pause longer than the last.  RFC 6298 §5.5"""
        gaps = [after - before for before, after in pairwise(self.times_ns)]
        # A kernel's timers are coarse, and the first pause may be that of a tail loss probe: 1.5 where the RFC says 2.
        return len(gaps) >= 2 and all(later * 2 >= earlier * 3 for earlier, later in pairwise(gaps))


@mypyc_attr(acyclic=True)
class Stall:
    """A time in which the receiver announced a window of zero."""

    __slots__ = ("at", "probes", "start_ns", "stop_ns", "until")

    def __init__(self, start_ns: int, at: Spot) -> None:
        self.start_ns = start_ns
        self.at = at
        self.stop_ns: int | None = None
        self.until: Spot | None = None
        self.probes = 0


@mypyc_attr(acyclic=True)
class End:
    """What was seen of one side."""

    __slots__ = (
        "acked",
        "after_reset",
        "again",
        "conflict_count",
        "conflicts",
        "fin_ack",
        "fin_at",
        "fin_ns",
        "fin_place",
        "first_payload",
        "first_payload_bytes",
        "header",
        "isn",
        "longest_stall",
        "out_of_order",
        "released",
        "repeats",
        "resets",
        "spurious",
        "spurious_places",
        "stall",
        "stalls",
        "ttls",
        "window",
    )

    def __init__(self) -> None:
        self.isn: int | None = None
        self.header: Header | None = None  # of its SYN or SYN-ACK
        self.window = 0
        self.fin_at: int | None = None  # sequence number of its FIN
        self.fin_ack = 0  # what the FIN acknowledged
        self.fin_ns = 0
        self.fin_place: Spot | None = None
        self.ttls: tuple[int, ...] = ()  # of all but its RSTs
        self.first_payload: Spot | None = None
        self.first_payload_bytes = 0
        self.acked: int | None = None  # the highest number that its peer acknowledged, in the segments that came here
        self.again = 0  # segments it sent again
        self.repeats: tuple[Repeat, ...] = ()
        self.spurious = 0  # D-SACKs that its peer sent
        self.spurious_places: Spots = ()
        self.out_of_order: Spots = ()
        self.released: Spots = ()  # its data that had waited for a held-back ACK
        self.stall: Stall | None = None
        self.longest_stall: Stall | None = None
        self.stalls = 0
        self.resets: tuple[tuple[Spot, Segment], ...] = ()
        self.after_reset: Spot | None = None  # what it still sent after its own RST
        self.conflicts: Spots = ()
        self.conflict_count = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happened on this side that a verdict could be about."""
        return not (
            self.repeats or self.resets or self.stalls or self.spurious or self.out_of_order or self.conflict_count
        )


@mypyc_attr(acyclic=True)
class Seen:
    """The whole connection; `ends` are by sender, initiator first."""

    __slots__ = (
        "answered_syn_ns",
        "bare_ack",
        "both_sent_syn",
        "ends",
        "errors",
        "established",
        "fast_open_lost",
        "idle",
        "last_syn_ack_ns",
        "late_syn_ack_count",
        "late_syn_acks",
        "refusal",
        "syn_ack_count",
        "syn_acks",
        "syn_count",
        "syn_payload",
        "syns",
        "told",
        "untold",
        "wrong_syn_ack",
    )

    def __init__(self) -> None:
        self.ends: tuple[End, ...] = (End(), End())
        self.syns: Spots = ()
        self.syn_count = 0
        self.syn_payload = 0
        self.answered_syn_ns = 0  # the last SYN before the SYN-ACK
        self.syn_acks: Spots = ()
        self.syn_ack_count = 0
        self.last_syn_ack_ns = 0
        self.late_syn_acks: Spots = ()  # repeated after the handshake was complete
        self.late_syn_ack_count = 0
        self.wrong_syn_ack: tuple[Spot, int] | None = None  # the first that acknowledges another number
        self.established: Spot | None = None
        self.both_sent_syn = False
        self.bare_ack: Spot | None = None
        self.fast_open_lost = False
        self.refusal: Spot | None = None
        self.idle: tuple[Spot, Segment] | None = None  # the last segment that ended a silence
        self.errors: tuple[tuple[IcmpError, Spot], ...] = ()
        self.told = 0  # notes out of `Limits.tcp_events_per_flow`
        self.untold = 0
