"""A call as it can be seen from its notes: its pairs, its ends, what they asked servers for, and when what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Endpoint, Outcome, Side
from analyzer.sessions.webrtc.pairs import NO_ENDPOINT, PATIENCE_NS, Checks, Pair, endpoint_of, is_check, peer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analyzer.core import Note, Phase, Place, Session, Story
    from analyzer.sessions.webrtc.calls import Call
    from analyzer.sessions.webrtc.signalling import Candidate, Description

NAMES: Final = ("A", "B")
SIDE_NAMES: Final = ("initiator", "responder")
HOST, SRFLX, PRFLX, RELAY = "host", "srflx", "prflx", "relay"
MAX_ALERTS: Final = 16
#: Level and description, the type, and a tag of 16 or 8 bytes (RFC 9147 §4, RFC 6655 §6.1).
ALERT_BYTES: Final = (19, 11)


class Asked:
    """What one flow to a STUN or TURN server was asked, and what came back."""

    __slots__ = (
        "answers",
        "client",
        "errors",
        "first",
        "granted",
        "last",
        "mapped",
        "relay",
        "relayed",
        "server",
        "transport",
    )

    def __init__(self, story: Story) -> None:
        flow = story.flow
        self.client = flow.initiator
        self.server = flow.responder
        self.transport = flow.transport
        self.first: Place | None = None
        self.last: Place | None = None
        self.answers = 0
        self.granted: Place | None = None  # the answer that gave what was asked for
        self.errors: list[int] = []
        self.mapped = NO_ENDPOINT
        self.relayed = endpoint_of(story.facts.get("turn_relayed_address"))
        self.relay = "turn_username" in story.facts  # it is a TURN server

    def read(self, note: Note) -> None:
        kind = note.kind
        if kind in ("stun.binding-request", "turn.allocate-request"):
            self.relay = self.relay or kind.startswith("turn.")
            if self.first is None:
                self.first = note.at
            self.last = note.at
            return
        if kind not in ("stun.binding-success", "turn.allocate-success", "stun.binding-error", "turn.allocate-error"):
            return
        self.answers += 1
        fields = note.fields
        if kind.endswith("-error"):
            error = fields.get("error_code")
            if isinstance(error, dict) and len(self.errors) < MAX_ALERTS:
                self.errors.append(error.get("value", 0))
            return
        mapped = endpoint_of(fields.get("xor_mapped_address") or fields.get("mapped_address"))
        if mapped.port:
            self.mapped = mapped
        relayed = endpoint_of(fields.get("xor_relayed_address"))
        if relayed.port:
            self.relayed = relayed
        if self.granted is None and (kind == "turn.allocate-success" or not self.relay):
            self.granted = note.at

    @property
    def outcome(self) -> Outcome:
        if self.granted is not None:
            return Outcome.ESTABLISHED
        return Outcome.FAILED if self.errors else Outcome.UNANSWERED


class Dtls:
    """The handshake of a call, on whichever flows it ran.  Sides are 0 for A and 1 for B."""

    def __init__(self) -> None:
        self.hellos: list[list[Place]] = [[], []]  # ClientHellos by who sent them
        self.client = -1
        self.server_hello: Place | None = None
        self.certificates: list[dict[str, Place | None]] = [{}, {}]  # sha256 -> where it was seen
        self.alert_sized: list[tuple[int, Place]] = []  # records of DTLS 1.3 that are closed, and as long as an alert
        self.alerts: list[tuple[int, str, Place]] = []  # who sent it, its name ("" while encrypted), where
        self.phase: Phase | None = None
        self.first_data: Place | None = None


class Sctp:
    """What was seen of associations.  Sides are 0 for A and 1 for B."""

    def __init__(self) -> None:
        self.inits: list[Place | None] = [None, None]  # the first of each
        self.data: list[Place | None] = [None, None]
        self.first: Place | None = None  # of all chunks
        self.acknowledged: Place | None = None  # the first COOKIE-ACK
        self.abort: Place | None = None
        self.largest: list[Note | None] = [None, None]  # of the messages that each sent

    def read(self, note: Note, event: str, side: int) -> None:
        if self.first is None:
            self.first = note.at
        if event == "abort" and self.abort is None:
            self.abort = note.at
        elif event == "cookie-ack" and self.acknowledged is None:
            self.acknowledged = note.at
        elif side >= 0 and event == "init" and self.inits[side] is None:
            self.inits[side] = note.at
        elif side >= 0 and event in ("data", "i-data") and self.data[side] is None:
            self.data[side] = note.at

    def message(self, note: Note, side: int) -> None:
        before = self.largest[side]
        if before is None or size_of(note) > size_of(before):
            self.largest[side] = note


def size_of(message: Note) -> int:
    size = message.fields.get("message_bytes")
    return size if isinstance(size, int) else 0


class View:
    """Everything that titles, phases, facts and verdicts of one call are made of."""

    def __init__(self, session: Session, call: Call) -> None:
        self.session = session
        self.call = call
        self.stories: dict[int, Story] = {story.flow.id: story for story in call}
        self.told: tuple[list[Description], list[Description]] = (
            call.signalling.told_of(call.agents[0]) if call.agents[0] else [],
            call.signalling.told_of(call.agents[1]) if call.agents[1] else [],
        )
        self.offered: tuple[list[Candidate], list[Candidate]] = (
            call.signalling.offered_by(call.agents[0]) if call.agents[0] else [],
            call.signalling.offered_by(call.agents[1]) if call.agents[1] else [],
        )
        self.end_ns = session.end_ns
        relays = {}
        for story in call:
            relayed = endpoint_of(story.facts.get("turn_relayed_address"))
            if relayed.port:
                relays[story.flow.id] = relayed
        flows = {story.flow.id: story.flow for story in call}
        self.checks = Checks(flows, relays, call.side_of, self._initiators())
        for flow in relays:
            for peer in (self.stories[flow].facts.get("turn_peers") or ())[:1]:
                self.checks.first_peers[flow] = endpoint_of(peer)
        self.asked: dict[int, Asked] = {}
        self.dtls = Dtls()
        self.sctp = Sctp()
        self.opens: list[Note] = []  # data channels that were asked for
        self.messages: list[Note] = []  # the first of each side
        self.streams: list[Note] = []
        self.parts: list[Note] = []  # other payload types in them
        notes = session.notes
        self.checks.read(notes)
        self.pairs: list[Pair] = sorted(self.checks.pairs.values(), key=lambda pair: pair.first_ns)
        self._read(notes)
        self._name_types()
        self.controlling = self._controlling()
        self.selected = self._selected()
        self._certificates()
        self._phase_of_dtls()

    def _initiators(self) -> dict[int, int]:
        """Which side the initiator of each flow is, by its certificate, or else by what both ends offered."""
        hosts: dict[str, int] = {}
        for side in (0, 1):
            for candidate in self.offered[side]:
                for key in (str(candidate.at), candidate.at.address):
                    hosts[key] = side if hosts.get(key, side) == side else -1
        agents, known = self.call.agents, self.call.signalling.by_fingerprint
        found: dict[int, int] = {}
        for story in self.call:
            flow = story.flow
            prints = story.facts.get("certificate_sha256")
            seen: list[int] = []
            for which, end in enumerate((flow.initiator, flow.responder)):
                value = prints.get(SIDE_NAMES[which], "") if isinstance(prints, dict) else ""
                agent = known.get(value, "") if isinstance(value, str) else ""
                named = [agents.index(agent) if agent and agent in agents else -1]
                named += [hosts.get(key, -1) for key in (str(end), end.address)]
                seen += [side ^ which for side in named if side >= 0]
            if seen:
                found[flow.id] = seen[0]
        return found

    # --- reading ---

    def _read(self, notes: Sequence[Note]) -> None:
        heard: set[int] = set()
        for note in notes:
            room, _, event = note.kind.partition(".")
            if room in ("stun", "turn"):
                self._gather(note)
            elif room == "dtls":
                self._dtls(note, event)
            elif room == "datachannel":
                if event == "open":
                    self.opens.append(note)
                elif event == "message":
                    side = self.side(note)
                    if side not in heard:
                        heard.add(side)
                        self.messages.append(note)
                    if side >= 0:
                        self.sctp.message(note, side)
            elif room == "sctp":
                self.sctp.read(note, event, self.side(note))
            elif room == "rtp":
                if event == "stream":
                    self.streams.append(note)
                else:
                    self.parts.append(note)

    def _gather(self, note: Note) -> None:
        story = self.stories.get(note.flow)
        if story is None or peer_of(note.fields).port:
            return
        fields = note.fields
        if note.flow not in self.asked:
            starts = note.kind == "turn.allocate-request" or (
                note.kind == "stun.binding-request" and not is_check(fields)
            )
            if not starts or (note.kind == "stun.binding-request" and note.flow not in self.call.gathering):
                return
            self.asked[note.flow] = Asked(story)
        self.asked[note.flow].read(note)

    def _dtls(self, note: Note, event: str) -> None:
        side, dtls = self.side(note), self.dtls
        if event == "client-hello":
            if side >= 0:
                dtls.hellos[side].append(note.at)
                if dtls.client < 0:
                    dtls.client = side
        elif event == "server-hello":
            if dtls.server_hello is None:
                dtls.server_hello = note.at
        elif event == "certificate" and side >= 0:
            for found in (note.fields.get("certificates") or [])[:1]:
                if isinstance(found, dict) and isinstance(found.get("sha256"), str):
                    dtls.certificates[side].setdefault(found["sha256"], note.at)
        elif event in ("alert", "record-alert"):
            described = note.fields.get("description")
            name = described.get("name", "") if isinstance(described, dict) else ""
            if len(dtls.alerts) < MAX_ALERTS:
                dtls.alerts.append((side, name, note.at))
        elif event == "application-data":
            if dtls.first_data is None:
                dtls.first_data = note.at
            fields = note.fields
            if fields.get("records") == 1 and fields.get("bytes") in ALERT_BYTES and len(dtls.alert_sized) < MAX_ALERTS:
                dtls.alert_sized.append((side, note.at))

    def side(self, note: Note) -> int:
        """Who sent it: 0 for A, 1 for B, -1 where that is not known."""
        return self.side_in(note.flow, note.sender, peer_of(note.fields))

    def side_in(self, flow: int, sender: Side | None, peer: Endpoint = NO_ENDPOINT) -> int:
        if sender is None:
            return -1
        checks = self.checks
        if not peer.port:
            peer = checks.first_peers.get(flow, NO_ENDPOINT)
        turned = checks.turned.get((flow, peer))
        return -1 if turned is None else int(sender) ^ int(turned)

    # --- what follows from it ---

    def _name_types(self) -> None:
        """What kind of candidate each end of each pair is: as it was offered, or as it can be seen."""
        known: tuple[dict[Endpoint, str], dict[Endpoint, str]] = ({}, {})
        hidden: tuple[set[int], set[int]] = (set(), set())
        for side in (0, 1):
            for candidate in self.offered[side]:
                if candidate.is_name:
                    hidden[side].add(candidate.at.port)
                else:
                    known[side].setdefault(candidate.at, candidate.kind)
        relayed = {asked.relayed for asked in self.asked.values() if asked.relayed.port}
        relayed.update(self.checks.relays.values())
        mapped = {asked.mapped for asked in self.asked.values() if asked.mapped.port and asked.mapped != asked.client}
        for pair in self.pairs:
            for side in (0, 1):
                end = pair.ends[side]
                kind = known[side].get(end, "")
                if not kind and end.port in hidden[side]:
                    kind = HOST
                if not kind and end in relayed:
                    kind = RELAY
                if not kind and end in mapped:
                    kind = SRFLX
                if not kind and (known[side] or hidden[side]):
                    kind = PRFLX
                pair.types[side] = kind

    def _controlling(self) -> int:
        """Who was controlling at the end: 0, 1, or -1 where nobody said so."""
        found, found_ns = -1, 0
        for pair in self.pairs:
            for side in (0, 1):
                way = pair.ways[side]
                if way.last is not None and way.role and way.last.time_ns >= found_ns:
                    found, found_ns = (side if way.role == "controlling" else 1 - side), way.last.time_ns
        return found

    def _selected(self) -> Pair | None:
        """The pair that was nominated since the last restart, and used most; without a nomination, the one in use."""
        nominated = [pair for pair in self.pairs if pair.nominated_ns]
        if nominated:
            last = max(pair.generation for pair in nominated)
            nominated = [pair for pair in nominated if pair.generation == last]
            return max(nominated, key=lambda pair: (pair.volume, -pair.nominated_ns))
        used = [pair for pair in self.pairs if any(pair.data)]
        return max(used, key=lambda pair: max(pair.data)) if used else None

    def _certificates(self) -> None:
        for story in self.call:
            prints = story.facts.get("certificate_sha256")
            if not isinstance(prints, dict):
                continue
            for name, value in prints.items():
                side = self.side_in(story.flow.id, Side(SIDE_NAMES.index(name))) if name in SIDE_NAMES else -1
                if side >= 0 and isinstance(value, str):
                    self.dtls.certificates[side].setdefault(value, None)

    def _phase_of_dtls(self) -> None:
        found = [phase for story in self.call for phase in story.phases if phase.name == "dtls"]
        ranks = (Outcome.ESTABLISHED, Outcome.FAILED, Outcome.UNANSWERED, Outcome.OPEN, Outcome.PARTIAL)
        if found:
            self.dtls.phase = min(found, key=lambda phase: (ranks.index(phase.outcome), phase.start_ns))

    # --- words ---

    def hosts(self, side: int) -> list[str]:
        """The addresses that A or B has, as seen here: those of its pairs, or else those that it offered."""
        found: dict[str, None] = {}
        if self.selected is not None:
            pairs: Iterable[Pair] = [self.selected]
        else:
            pairs = self.pairs
        for pair in pairs:
            if pair.types[side] == RELAY:
                continue
            found[pair.ends[side].address] = None
        if not found:
            for asked in self.asked.values():
                relayed = any(pair.ends[side] == asked.relayed for pair in self.pairs)
                if relayed or (not self.pairs and self.is_own(side, asked.client)):
                    found[asked.client.address] = None
        if not found:
            for candidate in self.offered[side]:
                if candidate.kind == HOST and not candidate.is_name:
                    found[candidate.at.address] = None
        if not found:
            for pair in pairs:
                found[pair.ends[side].address] = None
        return sorted((host for host in found if host), key=lambda host: ":" in host)

    def is_own(self, side: int, end: Endpoint) -> bool:
        return any(end.address in (one.at.address, one.related.address) for one in self.offered[side])


def overdue(first: Place | None, end_ns: int) -> bool:
    return first is not None and end_ns - first.time_ns >= PATIENCE_NS
