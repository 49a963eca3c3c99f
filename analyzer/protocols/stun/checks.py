"""The checks of ICE on one path, by who sent them and under which names: what they came to (RFC 8445 §7, RFC 7675).

All of it is bounded, and becomes a fact of the flow (`ice_checks`) for those who join paths to calls.  The passwords of
ICE stand in the signalling, so what proves one goes along: a few messages as they were signed, with the signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.stun import names, wording
from analyzer.protocols.stun.integrity import signed

if TYPE_CHECKING:
    from analyzer.core import Place, Side, Value
    from analyzer.protocols.stun.messages import Message

MAX_NAMES: Final = 16  # pairs of user names of one path that are told apart
MAX_PRIORITIES: Final = 4
MAX_MAPPED: Final = 4
MAX_ERRORS: Final = 16
MAX_GAPS: Final = 8  # times between the copies of one request
MAX_RTTS: Final = 64  # of which the median is taken
MAX_EVIDENCE: Final = 2  # signed requests that are kept, and as many answers
MAX_SIGNED_BYTES: Final = 1024
SIDE_NAMES: Final = ("initiator", "responder")


class Checks:
    """The checks of one side under one USERNAME, which has the receiver's ufrag first."""

    __slots__ = (
        "answered",
        "answered_first",
        "answered_last",
        "errors",
        "evidence",
        "first",
        "gaps",
        "last",
        "mapped",
        "nominated_last_ns",
        "nominated_ns",
        "priorities",
        "requests",
        "role",
        "role_changes",
        "rtts",
        "sender",
        "sent",
        "silent",
        "silent_first",
        "tie_breaker",
        "use_candidate",
        "username",
    )

    def __init__(self, sender: Side, username: str) -> None:
        self.sender = sender
        self.username = username
        self.requests = 0  # transactions
        self.sent = 0  # with what was sent again
        self.answered = 0  # by success
        self.errors: dict[int, int] = {}
        self.first: Place | None = None
        self.last: Place | None = None
        self.answered_first: Place | None = None
        self.answered_last: Place | None = None
        self.silent = 0  # sent since the last answer
        self.silent_first: Place | None = None
        self.role = ""
        self.role_changes = 0
        self.tie_breaker = ""
        self.priorities: list[int] = []
        self.use_candidate = 0
        self.nominated_ns = 0  # the first success of a check that nominates
        self.nominated_last_ns = 0
        self.rtts: list[int] = []
        self.gaps: list[int] = []  # of the request that was sent most often
        self.mapped: list[str] = []
        self.evidence: list[tuple[int, int, int, bytes, bytes]] = []  # frame, class, attribute, what is signed, by what

    def asked(self, message: Message, place: Place, gaps: list[int] | None) -> None:
        """A check was sent, or (`gaps`: the times between its copies) sent again."""
        self.sent += 1
        self.last = place
        self.silent += 1
        if self.silent == 1:
            self.silent_first = place
        fields = message.fields
        if "use_candidate" in fields or "nomination" in fields:
            self.use_candidate += 1
        if gaps is not None:
            if len(gaps) > len(self.gaps):
                self.gaps = gaps[:MAX_GAPS]
            return
        self.requests += 1
        if self.first is None:
            self.first = place
        role = "controlling" if "ice_controlling" in fields else "controlled" if "ice_controlled" in fields else ""
        if role != self.role:
            if self.role:
                self.role_changes += 1
            self.role = role
        if role:
            self.tie_breaker = fields[f"ice_{role}"]
        priority = fields.get("priority")
        if priority is not None and len(self.priorities) < MAX_PRIORITIES and priority not in self.priorities:
            self.priorities.append(priority)

    def got(self, message: Message, asked: Message, latency_ns: int, once: bool, place: Place) -> None:
        """A check had its first answer; `once` tells that it was sent just once, so that the time is sure."""
        self.silent = 0
        if message.message_class != names.SUCCESS:
            if message.error in self.errors or len(self.errors) < MAX_ERRORS:
                self.errors[message.error] = self.errors.get(message.error, 0) + 1
            return
        self.answered += 1
        if self.answered_first is None:
            self.answered_first = place
        self.answered_last = place
        if once and len(self.rtts) < MAX_RTTS:
            self.rtts.append(latency_ns)
        if "use_candidate" in asked.fields or "nomination" in asked.fields:
            self.nominated_ns = self.nominated_ns or place.time_ns
            self.nominated_last_ns = place.time_ns
        where = message.fields.get("xor_mapped_address")
        if isinstance(where, dict) and len(self.mapped) < MAX_MAPPED:
            mapped = wording.joined(where)
            if mapped not in self.mapped:
                self.mapped.append(mapped)

    def keep(self, message: Message, data: bytes, start: int, place: Place) -> None:
        """Keep what is signed of `message`, which begins at `start` of `data`, and its signature."""
        wanted = message.message_class == names.REQUEST
        have = sum(1 for one in self.evidence if (one[1] == names.REQUEST) is wanted)
        if have >= MAX_EVIDENCE or message.size > MAX_SIGNED_BYTES:
            return
        covered, signature = signed(data, start, message.integrity_at)
        frame = max((span.frame for span in place.spans), default=0)
        self.evidence.append((frame, message.message_class, message.integrity, covered, signature))

    def facts(self) -> dict[str, Value]:
        rtts = sorted(self.rtts)
        found: dict[str, Value] = {
            "sender": SIDE_NAMES[self.sender],
            "username": self.username,
            "role": self.role or None,
            "role_changes": self.role_changes,
            "tie_breaker": self.tie_breaker or None,
            "priorities": self.priorities,
            "requests": self.requests,
            "sent": self.sent,
            "answered": self.answered,
            "errors": {str(code): count for code, count in self.errors.items()},
            "rtt_ns": rtts[0] if rtts else 0,
            "rtt_median_ns": rtts[len(rtts) // 2] if rtts else 0,
            "silent": self.silent,
            "use_candidate": self.use_candidate,
            "nominated_ns": self.nominated_ns,
            "nominated_last_ns": self.nominated_last_ns,
            "retransmit_ns": self.gaps,
            "mapped": self.mapped,
        }
        for name, place in (
            ("first", self.first),
            ("last", self.last),
            ("answered_first", self.answered_first),
            ("answered", self.answered_last),
            ("silent_first", self.silent_first if self.silent else None),
        ):
            found[f"{name}_ns"] = 0 if place is None else place.time_ns
            found[f"{name}_frame"] = 0 if place is None else max((span.frame for span in place.spans), default=0)
        found["integrity"] = [
            {
                "frame": frame,
                "class": names.CLASSES[class_],
                "algorithm": "sha1" if attribute == names.MESSAGE_INTEGRITY else "sha256",
                "input": covered.hex(),
                "integrity": signature.hex(),
            }
            for frame, class_, attribute, covered, signature in self.evidence
        ]
        return found
