"""The messages of one path: requests paired with responses, and what a relay carries taken out of its wrapping.

A datagram holds one message.  A stream holds messages and ChannelData back to back (RFC 8489 §6.2.2, RFC 8656 §12.5),
or, between peers, each packet behind its length (ICE over TCP: RFC 6544 §3, RFC 4571).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import About, Enough, Handoff, Malformed, Note, Outcome, Pass, Phase, Place, Side
from analyzer.protocols.stun import icmp, messages, names, verdicts, wording
from analyzer.protocols.stun.checks import MAX_NAMES, SIDE_NAMES, Checks
from analyzer.protocols.stun.messages import HEADER_BYTES, InStun
from analyzer.protocols.stun.passwords import Passwords
from analyzer.protocols.stun.recognise import (
    CHANNEL_HEADER_BYTES,
    CHANNELS_BEGIN,
    CHANNELS_END,
    FRAMED,
    UNKNOWN,
    framing_of,
    is_message,
)
from analyzer.protocols.stun.relay import MAX_LISTED, RELAYED, Relay
from analyzer.protocols.stun.state import Allocation, Half, Relayed, Transaction

if TYPE_CHECKING:
    from analyzer.core import IcmpError, Outputs, Piece, Value
    from analyzer.protocols.stun.messages import Message

MAX_TRANSACTIONS: Final = 2048  # that are remembered; the oldest is forgotten first
FRAME_HEADER_BYTES: Final = 2  # RFC 4571 §2
MAX_EMBEDDED: Final = 64  # different datagrams of DTLS that messages of one path carry
EMBEDDED: Final = -1  # the inner channel of these; those of a relay's peers count from 0

STRANGE: Final = "neither a message nor ChannelData (RFC 8656 §12)"
TRY_ALTERNATE: Final = 300
UNKNOWN_ATTRIBUTE: Final = 420
ROLE_CONFLICT: Final = 487


class Stun(core.Dissector):
    """One path: to a server, to a relay, or between two peers."""

    def __init__(self) -> None:
        self.framing = UNKNOWN  # of a stream
        self.stream = False
        self.begun = False
        self.lost = False  # the stream goes on with something else
        self.relayed: Relayed | None = None  # where this came through a relay
        self.transactions: dict[bytes, Transaction] = {}
        self.halves = (Half(), Half())
        self.relay = Relay()
        self.client: Side | None = None  # of the relay
        self.passwords: Passwords | None = None  # of users of relays
        self.bound = False  # the stream belongs to the peer from here on (RFC 6062)
        self.title = ""
        self.checks: dict[tuple[Side, str], Checks] = {}
        self.icmp = icmp.Errors()
        self.users: set[str] = set()
        self.ufrags: dict[str, list[str]] = {}  # by side, in order
        self.mapped: dict[str, str] = {}
        self.nominated_ns = 0
        self.controlling = ""
        self.conflicts: list[Place] = []
        self.rtts = 0
        self.rtt_ns = 0  # the shortest
        self.connected = False  # the phase of Binding was told
        self.allocation = Allocation()
        self.stray_ns = 0  # the first answer to a request that was not seen
        self.embedded: set[int] = set()  # digests of the datagrams of DTLS that messages carried
        self.told_fingerprint = False
        self.told_rewritten = False

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        self.stream = True
        if self.framing == UNKNOWN:
            self.framing = framing_of(bytes(head[:28]))
        if len(head) < 4:
            return None
        if self.framing == FRAMED:
            return FRAME_HEADER_BYTES + (head[0] << 8 | head[1])
        size = head[2] << 8 | head[3]
        if head[0] <= 3:
            return HEADER_BYTES + size
        if CHANNELS_BEGIN <= head[0] < CHANNELS_END:
            return CHANNEL_HEADER_BYTES + (size + 3 & ~3)  # RFC 8656 §12.5
        if not self.begun:
            raise Malformed(STRANGE)
        self.lost = True
        return len(head)

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        if self.lost:
            yield from self.on_end(unit)
            raise Malformed(STRANGE)
        if not self.begun:
            self.begun = True
            if self.shared is not None:
                self.relayed = self.shared.recall(RELAYED, b"")
                if self.shared.secrets.passwords:
                    self.passwords = Passwords(self.shared.secrets.passwords)
        at = FRAME_HEADER_BYTES if self.framing == FRAMED else 0
        data, start = unit.data, unit.start + at
        size = unit.stop - start
        if self.framing == FRAMED and not is_message(data[start : start + 8], size):
            if size > 0:
                yield Pass("udp", unit.cut(at), stream=False)
            return
        if size < CHANNEL_HEADER_BYTES:
            return  # a keep-alive of no protocol
        first = data[start]
        if CHANNELS_BEGIN <= first < CHANNELS_END:
            yield from self.relay.channel_data(sender, unit, self.shared)
            return
        if not self.stream and first > 3:
            return
        message = messages.read(data, start, unit.stop)
        if unit.trace is not None:
            messages.trace(unit, at, message.size)
        yield from self._on_message(sender, message, unit, at)

    def _on_message(self, sender: Side, message: Message, unit: Piece, at: int) -> Outputs:
        place = unit.place
        if self.relay.runs:
            yield from self.relay.flush(self.client)
        fields = message.fields
        if message.unusual and messages.is_old(message):
            messages.old_draft(message)
        if self.relayed is not None:
            fields["relayed_peer"] = wording.as_value(self.relayed.peer)
        if not self.stream and len(unit) > message.size:
            fields["trailing_bytes"] = len(unit) - message.size
        class_ = message.message_class
        asked: Transaction | None = None
        checks: Checks | None = None
        if class_ == names.REQUEST:
            checks = self._asked(sender, message, place)
        elif class_ != names.INDICATION:
            asked = self._answered(sender, message, place)
            if asked is not None:
                checks = asked.checks
            elif self.stray_ns == 0:
                self.stray_ns = place.time_ns
        if message.integrity:
            if checks is not None:
                checks.keep(message, unit.data, unit.start + at, place)
            elif self.passwords is not None and message.fields.get("retransmission") is None:
                self.passwords.verify(message, None if asked is None else asked.request, unit.data, unit.start + at)
        if self.client is None and message.kind.startswith("turn."):
            from_client = class_ == names.REQUEST or message.method == names.SEND
            self.client = sender if from_client else sender.other
        text = wording.text_of(message, None if asked is None else asked.request)
        if "retransmission" in fields:
            text = f"{text}, again" if text else "again"
        note = Note(message.kind, text, place, fields)
        if message.fingerprint is False:
            note.verdict = "FINGERPRINT does not fit."
        yield note
        if message.unusual and message.dtls_bytes:
            yield from self._embedded(sender, message, unit, at)
        if message.broken:
            yield Note("stun.malformed", message.broken, place)
        yield from self._judge_bytes(message, place)
        if class_ == names.INDICATION:
            if message.data_at >= 0:
                yield from self.relay.message(self.client, sender, message, unit, at, self.shared)
            return
        yield from self._about(sender, message)
        if class_ == names.REQUEST:
            if message.method in (names.CREATE_PERMISSION, names.CHANNEL_BIND):
                self.relay.ask(message)
            elif message.method == names.SEND and message.data_at >= 0:
                yield from self.relay.message(None, sender, message, unit, at, self.shared)
            elif message.method == names.ALLOCATE:
                self.allocation.asked(message, place)
            return
        if class_ == names.SUCCESS and asked is not None:
            self.relay.grant(asked.request, place.time_ns)
        yield from self._judge_answer(sender, message, asked, place)
        if class_ == names.SUCCESS and message.method == names.CONNECTION_BIND and self.stream:
            self.bound = True
            yield Handoff("tcp")

    def _embedded(self, sender: Side, message: Message, unit: Piece, at: int) -> Outputs:
        """Pass a datagram of DTLS on that a check carries; each goes along with several, and counts once."""
        begin = at + message.dtls_at
        piece = unit.cut(begin, begin + message.dtls_bytes)
        digest = hash((sender, bytes(piece)))
        if digest in self.embedded or len(self.embedded) >= MAX_EMBEDDED:
            return
        self.embedded.add(digest)
        context = InStun(None if self.relayed is None else self.relayed.peer)
        yield Pass("udp", piece, stream=False, key=EMBEDDED, sender=sender, context=context)

    # --- transactions ---

    def _asked(self, sender: Side, message: Message, place: Place) -> Checks | None:
        """A request was sent; gives the checks of ICE that it belongs to."""
        half = self.halves[sender]
        half.sent += 1
        half.last = place
        if half.silent == 0:
            half.first_silent = place
        half.silent += 1
        known = self.transactions.get(message.transaction)
        if known is not None and known.sender is sender:
            known.again(place.time_ns)
            message.fields["retransmission"] = True
            message.check = known.check
            if known.checks is not None:
                known.checks.asked(message, place, known.gaps)
            if len(known.gaps) > len(half.gaps):
                half.gaps = known.gaps
            return known.checks
        check = message.check = message.method == names.BINDING and wording.is_check(message)
        half.requests += 1
        if half.first is None:
            half.first = place
        if message.method == names.BINDING and half.first_binding is None:
            half.first_binding = place
        checks: Checks | None = None
        if check:
            half.checks += 1
            half.role = "controlling" if "ice_controlling" in message.fields else "controlled"
            user = message.fields.get("username")
            key = (sender, user if isinstance(user, str) else "")
            checks = self.checks.get(key)
            if checks is None and len(self.checks) < MAX_NAMES:
                checks = self.checks[key] = Checks(sender, key[1])
            if checks is not None:
                checks.asked(message, place, None)
        if len(self.transactions) >= MAX_TRANSACTIONS:
            del self.transactions[next(iter(self.transactions))]
        self.transactions[message.transaction] = Transaction(sender, message, place, check, checks)
        return checks

    def _answered(self, sender: Side, message: Message, place: Place) -> Transaction | None:
        known = self.transactions.get(message.transaction)
        if known is None or known.sender is sender:
            return None
        half = self.halves[known.sender]
        half.silent = 0
        half.last_answer_ns = place.time_ns
        if known.answered == message.type:
            message.fields["retransmission"] = True
            return known
        latency_ns = max(place.time_ns - known.place.time_ns, 0)
        message.fields["latency_ns"] = latency_ns
        if not known.answered:
            half.answered += 1
            if known.checks is not None:
                known.checks.got(message, known.request, latency_ns, known.count == 1, place)
            if known.count == 1:
                self.rtt_ns = min(self.rtt_ns, latency_ns) if self.rtts else latency_ns
                self.rtts += 1
        known.answered = message.type
        return known

    def _about(self, sender: Side, message: Message) -> Outputs:
        """The title, as soon as it can be said what this path is for."""
        if message.check:
            user = message.fields.get("username")
            if isinstance(user, str) and ":" in user:
                if user in self.users:
                    return
                theirs, _, ours = user.partition(":")
                if len(self.users) < MAX_LISTED:
                    self.users.add(user)
                    self._ufrag(SIDE_NAMES[sender], ours)
                    self._ufrag(SIDE_NAMES[1 - sender], theirs)
                title = f"ICE {wording.short(ours)} and {wording.short(theirs)}"
            else:
                title = "ICE"
            if not self.title.startswith("ICE"):
                self.title = title if self.relayed is None else f"{title}, through a relay"
                yield About(self.title)
        elif not self.title.startswith("TURN") and message.kind.startswith("turn."):
            self.title = f"TURN relay {self._server(sender, message)}"
            yield About(self.title)
        elif not self.title:
            self.title = f"STUN {self._server(sender, message)}"
            yield About(self.title)

    def _ufrag(self, who: str, ufrag: str) -> None:
        """Another one of the same side is an ICE restart, or another peer on the same path."""
        known = self.ufrags.setdefault(who, [])
        if ufrag not in known:
            known.append(ufrag)

    def _server(self, sender: Side, message: Message) -> str:
        flow = self.flow
        if flow is None:
            return ""
        server = sender.other if message.message_class == names.REQUEST else sender
        return str(flow.responder if server is core.Side.RESPONDER else flow.initiator)

    # --- verdicts ---

    def _judge_bytes(self, message: Message, place: Place) -> Outputs:
        if message.fingerprint is False and not self.told_fingerprint:
            self.told_fingerprint = True
            yield verdicts.bad_fingerprint(message, place)
        if message.message_class == names.SUCCESS and not self.told_rewritten and not message.classic:
            found = verdicts.rewritten(message, place)
            if found is not None:
                self.told_rewritten = True
                yield found

    def _judge_answer(self, sender: Side, message: Message, asked: Transaction | None, place: Place) -> Outputs:
        client = sender.other
        half = self.halves[client]
        evidence = [place] if asked is None else [asked.place, place]
        if message.message_class == names.SUCCESS:
            if message.method == names.BINDING:
                yield from self._bound(client, message, asked, place)
        elif asked is not None and asked.check:
            if message.error in (400, 401) and len(half.refusals) < MAX_LISTED:
                half.refusals.extend(evidence)
            elif message.error == ROLE_CONFLICT and len(self.conflicts) < MAX_LISTED:
                self.conflicts.extend(evidence)
        if message.kind.startswith("turn.") or (message.error == 401 and (asked is None or not asked.check)):
            yield from verdicts.of_answer(self.allocation, message, None if asked is None else asked.request, evidence)
        if message.error == UNKNOWN_ATTRIBUTE:
            yield verdicts.unknown_attribute(message, evidence)
        elif message.error == TRY_ALTERNATE:
            yield verdicts.redirect(message, evidence)

    def _bound(self, client: Side, message: Message, asked: Transaction | None, place: Place) -> Outputs:
        """A Binding success: the path works, and shows an address."""
        half, who = self.halves[client], SIDE_NAMES[client]
        if not half.success_ns:
            half.success_ns = place.time_ns
        if who not in self.mapped:
            mapped = message.fields.get("xor_mapped_address") or message.fields.get("mapped_address")
            if isinstance(mapped, dict):
                self.mapped[who] = wording.joined(mapped)
        if asked is None:
            return
        if not self.connected:
            self.connected = True
            if self.relayed is None:
                begin = asked.place if half.first_binding is None else half.first_binding
                yield Phase("stun", begin.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)
        if not self.nominated_ns and wording.nominates(asked.request.fields):
            self.nominated_ns = place.time_ns
            self.controlling = who
            if self.relayed is None:
                yield About(None, {"ice_nominated_ns": self.nominated_ns})

    def on_icmp(self, error: IcmpError) -> Outputs:
        yield from self.icmp.told(error, self.transactions)

    # --- gaps and the end ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        if self.framing == FRAMED or not is_message(bytes(at)[:8], len(at)):
            yield from self.on_end(at)
            yield Enough()

    def on_end(self, last: Piece) -> Outputs:
        yield from self.relay.flush(self.client)
        facts = self._facts()
        if self.relayed is None:
            yield About(None, facts)
        elif len(self.relayed.paths) < MAX_LISTED:
            self.relayed.paths.append({"peer": wording.end(self.relayed.peer), **facts})
        if self.bound:
            return
        for side in core.SIDES:
            half = self.halves[side]
            yield from self.icmp.verdict(half, side)
            yield from verdicts.at_end(half, self.halves[side.other], self.end_ns, self.icmp.counts[side], self.stream)
        yield from self.relay.verdicts(self.allocation.given)
        if self.conflicts:
            yield verdicts.role_conflict(self.conflicts, any(half.success_ns for half in self.halves))
        if self.relayed is not None:
            return
        for half, refused in zip(self.halves, self.icmp.requests, strict=True):
            if half.first_binding is not None and not self.connected:
                self.connected = True
                begin, end = half.first_binding.time_ns, self.end_ns if half.last is None else half.last.time_ns
                yield Phase("stun", begin, max(begin, end), verdicts.outcome_of(half, self.end_ns, refused))
        if self.stray_ns and not any(half.requests for half in self.halves):
            yield Phase("stun", self.stray_ns, max(self.end_ns, self.stray_ns), Outcome.PARTIAL)
        phase = self.allocation.unfinished(self.end_ns)
        if phase is not None:
            yield phase

    def _facts(self) -> dict[str, Value]:
        """What this path was for, for those who join paths to sessions.  Pairs are by who asked, initiator first."""
        facts: dict[str, Value] = {}
        if any(half.requests for half in self.halves):
            facts["stun_requests"] = [half.requests for half in self.halves]
            facts["stun_answered"] = [half.answered for half in self.halves]
        if self.rtts:
            facts["stun_rtt_ns"] = self.rtt_ns
        if self.mapped:
            facts["mapped_address"] = self.mapped
        if self.ufrags:
            facts["ice_ufrags"] = self.ufrags
        if any(half.checks for half in self.halves):
            facts["ice_roles"] = [half.role or None for half in self.halves]
        if self.nominated_ns:
            facts["ice_nominated_ns"] = self.nominated_ns
            facts["ice_nominated_by"] = self.controlling
        facts.update(self.icmp.facts())
        if self.checks:
            facts["ice_checks"] = [checks.facts() for checks in self.checks.values()]
        if self.client is not None:
            facts.update(self._relay_facts(self.client))
        return facts

    def _relay_facts(self, client: Side) -> dict[str, Value]:
        facts: dict[str, Value] = {}
        flow = self.flow
        if flow is not None:
            facts["turn_server"] = str(flow.initiator if client is Side.RESPONDER else flow.responder)
            facts["turn_transport"] = "tls" if self.secure else flow.transport
        facts.update(self.allocation.facts)
        if self.passwords is not None and self.passwords.result:
            facts["turn_integrity"] = self.passwords.result
        facts.update(self.relay.facts())
        return facts
