"""What the TCP room remembers of a connection, all of it bounded, for the verdicts at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import IcmpError, Place, Segment
    from analyzer.protocols.tcp.messages import Header

EVIDENCE: Final = 8  # frames that a finding points at, for each thing it is made of
REPEATS: Final = 16  # segments sent again that are remembered for each side
TTLS: Final = 8  # different TTLs remembered for each side
ERRORS: Final = 16  # ICMP errors remembered


@dataclass(slots=True)
class Repeat:
    """One segment that was sent again: its later copies (the first one was an ordinary segment)."""

    seq: int
    payload_bytes: int
    fast: bool
    pushed: bool  # it ended what its application had written: PSH or FIN
    count: int = 0
    times_ns: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    last_ns: int = 0
    last_frame: int = 0

    def add(self, segment: Segment, place: Place) -> None:
        self.count += 1
        self.last_ns, self.last_frame = segment.time_ns, segment.frame
        if len(self.times_ns) < EVIDENCE:
            self.times_ns.append(segment.time_ns)
            self.places.append(place)

    @property
    def backs_off(self) -> bool:
        """Whether the copies came at least three times, each pause longer than the last.  RFC 6298 §5.5"""
        gaps = [after - before for before, after in pairwise(self.times_ns)]
        # A kernel's timers are coarse, and the first pause may be that of a tail loss probe: 1.5 where the RFC says 2.
        return len(gaps) >= 2 and all(later * 2 >= earlier * 3 for earlier, later in pairwise(gaps))


@dataclass(slots=True)
class Stall:
    """A time in which the receiver announced a window of zero."""

    start_ns: int
    at: Place
    stop_ns: int | None = None
    until: Place | None = None
    probes: int = 0


@dataclass(slots=True)
class End:
    """What was seen of one side."""

    isn: int | None = None
    header: Header | None = None  # of its SYN or SYN-ACK
    window: int = 0
    fin_at: int | None = None  # sequence number of its FIN
    fin_ack: int = 0  # what the FIN acknowledged
    fin_ns: int = 0
    fin_place: Place | None = None
    ttls: tuple[int, ...] = ()  # of all but its RSTs
    first_payload: Place | None = None
    first_payload_bytes: int = 0
    acked: int | None = None  # the highest number that its peer acknowledged, in the segments that came here
    again: int = 0  # segments it sent again
    repeats: list[Repeat] = field(default_factory=list)
    spurious: int = 0  # D-SACKs that its peer sent
    spurious_places: list[Place] = field(default_factory=list)
    out_of_order: list[Place] = field(default_factory=list)
    released: list[Place] = field(default_factory=list)  # its data that had waited for a held-back ACK
    stall: Stall | None = None
    longest_stall: Stall | None = None
    stalls: int = 0
    resets: list[tuple[Place, Segment]] = field(default_factory=list)
    after_reset: Place | None = None  # what it still sent after its own RST
    conflicts: list[Place] = field(default_factory=list)
    conflict_count: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happened on this side that a verdict could be about."""
        return not (
            self.repeats or self.resets or self.stalls or self.spurious or self.out_of_order or self.conflict_count
        )


@dataclass(slots=True)
class Seen:
    """The whole connection; pairs are by sender, initiator first."""

    ends: tuple[End, End] = field(default_factory=lambda: (End(), End()))
    syns: list[Place] = field(default_factory=list)
    syn_count: int = 0
    syn_payload: int = 0
    answered_syn_ns: int = 0  # the last SYN before the SYN-ACK
    syn_acks: list[Place] = field(default_factory=list)
    syn_ack_count: int = 0
    last_syn_ack_ns: int = 0
    late_syn_acks: list[Place] = field(default_factory=list)  # repeated after the handshake was complete
    late_syn_ack_count: int = 0
    wrong_syn_ack: tuple[Place, int] | None = None  # the first that acknowledges another number
    established: Place | None = None
    both_sent_syn: bool = False
    bare_ack: Place | None = None
    fast_open_lost: bool = False
    refusal: Place | None = None
    idle: tuple[Place, Segment] | None = None  # the last segment that ended a silence
    errors: list[tuple[IcmpError, Place]] = field(default_factory=list)
    told: int = 0  # notes out of `Limits.tcp_events_per_flow`
    untold: int = 0
