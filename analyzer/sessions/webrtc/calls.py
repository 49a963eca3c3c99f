"""Which flows are one call: joined by ice-ufrags, addresses, relays and certificates, never by addresses alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

from analyzer.core import Endpoint, Outcome, Story
from analyzer.sessions.webrtc.pairs import endpoint_of
from analyzer.sessions.webrtc.signalling import Sets, Signalling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Flow, Phase, Value

#: An agent with more partners than this is a server whose ufrag says nothing of which call it is.
MAX_PARTNERS: Final = 4
MAX_UFRAGS: Final = 16  # of one side of one path
#: Servers are asked for addresses so long before the first check, or after the last.
GATHERING_NS: Final = 60_000_000_000
SIDES: Final = ("initiator", "responder")
MDNS_PORT: Final = 5353
#: Facts of which a flow that may be part of a call has one.
CONCERNED: Final = ("stun_requests", "mapped_address", "ice_ufrags", "turn_username", "dtls_client", "srtp_profile")
#: What a flow has to say, to be of a peer connection although no check of ICE was seen.
MEDIA: Final = ("data_channels", "srtp_profile")


class Call(Sequence[Story]):
    """The flows of one call, and its two agents: `agents[0]` is A, who made the offer; "" is one nobody named."""

    def __init__(self, stories: list[Story], agents: tuple[str, str], signalling: Signalling) -> None:
        self.stories = stories
        self.agents = agents
        self.signalling = signalling
        self.gathering: set[int] = set()  # flows to STUN and TURN servers
        self.lookups: list[Story] = []  # multicast DNS

    @overload
    def __getitem__(self, index: int) -> Story: ...

    @overload
    def __getitem__(self, index: slice) -> list[Story]: ...

    def __getitem__(self, index: int | slice) -> Story | list[Story]:
        return self.stories[index]

    def __len__(self) -> int:
        return len(self.stories)

    def __iter__(self) -> Iterator[Story]:
        return iter(self.stories)

    def side_of(self, ufrag: str) -> int:
        """0 for a ufrag of A, 1 for one of B, -1 where that is not known."""
        agent = self.signalling.agent(ufrag)
        return 0 if agent == self.agents[0] else 1 if agent == self.agents[1] else -1


def groups(stories: Sequence[Story]) -> Iterable[Call]:
    """The calls of a capture, in order of their first frames."""
    concerned = [story for story in stories if is_concerned(story)]
    if not concerned:
        return []
    signalling = Signalling(stories)
    return Grouping(concerned, signalling, stories).calls()


def is_concerned(story: Story) -> bool:
    """Whether a flow may be part of a call."""
    facts = story.facts
    return any(name in facts for name in CONCERNED)


def ufrags_of(facts: dict[str, Value]) -> Iterator[tuple[list[str], list[str]]]:
    """The ice-ufrags of both sides of each path of a flow, initiator's first."""
    for found in (facts, *(facts.get("ice_relayed_paths") or ())):
        known = found.get("ice_ufrags")
        if isinstance(known, dict):
            yield (known.get(SIDES[0]) or [])[:MAX_UFRAGS], (known.get(SIDES[1]) or [])[:MAX_UFRAGS]


class Grouping:
    """Puts flows into sets, by what they have in common."""

    def __init__(self, concerned: list[Story], signalling: Signalling, stories: Sequence[Story]) -> None:
        self.concerned = concerned
        self.signalling = signalling
        self.stories = stories
        self.sets = Sets()
        self.crowded: set[str] = set()
        self.agents: dict[int, tuple[str, str]] = {}  # flow -> agents of its initiator and its responder

    def calls(self) -> list[Call]:
        checked = [story for story in self.concerned if is_checked(story)]
        self._find_crowded(checked)
        for story in checked:
            self._join(story)
        found: dict[str, list[Story]] = {}
        for story in checked:
            found.setdefault(self.sets.find(flow_name(story.flow)), []).append(story)
        made = [self._call(part) for members in found.values() for part in parted(members)]
        known = {agent for call in made for agent in call.agents}
        others = [story for story in self.concerned if story.flow.id not in self.agents]
        made += self._by_certificate(made, others)
        made += self._only_signalled(known)
        taken = {story.flow.id for call in made for story in call}
        self._gathering(made, [story for story in others if story.flow.id not in taken])
        self._lookups(made)
        for call in made:
            call.stories.sort(key=lambda story: (is_main(story), sum(story.flow.bytes), story.flow.first_frame))
        return [call for call in made if call.stories]

    # --- by ufrags ---

    def _find_crowded(self, checked: list[Story]) -> None:
        """Ufrags that many others are checked with: they don't tell one call from another."""
        partners: dict[str, set[str]] = {}
        agent = self.signalling.agent
        for story in checked:
            for ours, theirs in ufrags_of(story.facts):
                for one in map(agent, ours):
                    for other in map(agent, theirs):
                        for first, second in ((one, other), (other, one)):
                            known = partners.setdefault(first, set())
                            if len(known) <= MAX_PARTNERS:
                                known.add(second)
        self.crowded = {one for one, known in partners.items() if len(known) > MAX_PARTNERS}

    def _join(self, story: Story) -> None:
        flow, agent = story.flow, self.signalling.agent
        name = flow_name(flow)
        for ours, theirs in ufrags_of(story.facts):
            first = agent(ours[0]) if ours else ""
            second = agent(theirs[0]) if theirs else ""
            self.agents.setdefault(flow.id, (first, second))
            for one in map(agent, ours):
                for other in map(agent, theirs):
                    self.sets.join(name, " ".join(("pair", *sorted((one, other)))))
            for one in map(agent, (*ours, *theirs)):
                if one not in self.crowded:
                    self.sets.join(name, f"agent {one}")

    def _call(self, members: list[Story]) -> Call:
        first = self.agents[members[0].flow.id]
        pair = self._ordered(first, members)
        # Ufrags of one side that follow each other without signalling (a restart that was not seen) are one agent.
        for story in members:
            initiator, responder = self.agents[story.flow.id]
            for mine, other in ((initiator, responder), (responder, initiator)):
                if other in pair and mine not in pair and self._is_new(mine) and other not in self.crowded:
                    self.signalling.agents.join(pair[1 - pair.index(other)], mine)
        agent = self.signalling.agent
        return Call(members, (agent(pair[0]), agent(pair[1])), self.signalling)

    def _is_new(self, agent: str) -> bool:
        """Whether all that is known of an agent is a ufrag."""
        return bool(agent) and agent not in self.crowded and not self.signalling.told_of(agent)

    def _ordered(self, agents: tuple[str, str], members: list[Story]) -> tuple[str, str]:
        """Who made the first offer, or else who controls, first."""
        for one, other in (agents, agents[::-1]):
            told = self.signalling.told_of(one)
            if told:
                return (one, other) if told[0].is_offer else (other, one)
        for story in members:
            roles = story.facts.get("ice_roles") or [None, None]
            initiator, responder = self.agents[story.flow.id]
            for role, one, other in ((roles[0], initiator, responder), (roles[1], responder, initiator)):
                if role in ("controlling", "controlled") and {one, other} == set(agents):
                    return (one, other) if role == "controlling" else (other, one)
        return agents

    # --- by what else they share ---

    def _by_certificate(self, made: list[Call], others: list[Story]) -> list[Call]:
        """DTLS whose checks were not seen: by certificates, by offered addresses, or by another flow's certificates."""
        by_agent = {agent: call for call in made for agent in call.agents if agent}
        found: dict[str, Call] = {}
        offered: dict[Endpoint, str] = {}
        for agent, candidates in self.signalling.candidates.items():
            for candidate in candidates:
                if not candidate.is_name:
                    offered[candidate.at] = agent if offered.get(candidate.at, agent) == agent else ""
        for story in others:
            prints = story.facts.get("certificate_sha256")
            values = sorted(prints.values()) if isinstance(prints, dict) else []
            agents = [self.signalling.by_fingerprint.get(value, "") for value in values]
            if not any(agents):
                agents = [offered.get(end, "") for end in (story.flow.initiator, story.flow.responder)]
            call = next((by_agent[agent] for agent in agents if agent in by_agent), None)
            key = " ".join(values) if len(values) > 1 else flow_name(story.flow)
            if call is None and (any(agents) or is_media(story)):
                call = found.get(key)
                if call is None:
                    call = found[key] = Call([], self._both([agent for agent in agents if agent]), self.signalling)
            if call is not None:
                call.stories.append(story)
        return list(found.values())

    def _both(self, agents: list[str]) -> tuple[str, str]:
        """The two agents of whom certificates are known, or of whom one is."""
        if len(agents) == 2:
            told = self.signalling.told_of(agents[0])
            return (agents[0], agents[1]) if told and told[0].is_offer else (agents[1], agents[0])
        return self._signalled(agents[0] if agents else "")

    def _signalled(self, agent: str) -> tuple[str, str]:
        """`agent` and the one that it was signalled with, the one that made the offer first."""
        other = self.signalling.partners.get(agent, "")
        told = self.signalling.told_of(agent)
        return (agent, other) if told and told[0].is_offer else (other, agent)

    def _only_signalled(self, known: set[str]) -> list[Call]:
        """Calls that came no further than signalling, for the flows to servers that belong to them."""
        found = []
        for agent, told in self.signalling.descriptions.items():
            other = self.signalling.partners.get(agent, "")
            if agent not in known and other not in known and told[0].is_offer:
                found.append(Call([], (agent, other), self.signalling))
        return found

    def _gathering(self, made: list[Call], others: list[Story]) -> None:
        """Give each call the flows on which its ends asked servers for addresses."""
        exact: dict[Endpoint, list[Call]] = {}
        spans: dict[int, tuple[int, int]] = {}
        for call in made:
            spans[id(call)] = span_of(call)
            for endpoint in set(endpoints_of(call)):
                exact.setdefault(endpoint, []).append(call)
        left: list[Story] = []
        for story in others:
            named = next((exact[one] for one in own_endpoints(story) if one in exact), [])
            found = nearest(named, story.flow, spans)
            if found is None:
                left.append(story)
            elif is_asked(story) or "mapped_address" in story.facts:
                found.stories.append(story)
        carriers = {story.flow.id: story.flow for story in self.stories if "sdp" in story.facts}
        hosts: dict[str, list[Call]] = {}
        for call in made:
            for host in set(hosts_of(call, carriers)):
                hosts.setdefault(host, []).append(call)
        for story in left:
            found = nearest(hosts.get(story.flow.initiator.address, []), story.flow, spans)
            if found is not None and is_asked(story):
                found.stories.append(story)
        for call in made:
            call.gathering.update(story.flow.id for story in call if is_asked(story) and not is_checked(story))
            call.gathering.update(story.flow.id for story in call if "turn_username" in story.facts)

    def _lookups(self, made: list[Call]) -> None:
        """The flows with questions for names of candidates: they stay sessions of their own."""
        named: dict[str, Call] = {}
        for call in made:
            for agent in call.agents:
                for candidate in self.signalling.offered_by(agent):
                    if candidate.is_name:
                        named[candidate.at.address.lower()] = call
        if not named:
            return
        for story in self.stories:
            if story.flow.responder.port == MDNS_PORT:
                asked = {str(note.fields.get("name") or "").lower() for note in story.notes}
                for call in {id(named[name]): named[name] for name in asked if name in named}.values():
                    call.lookups.append(story)


def flow_name(flow: Flow) -> str:
    return f"flow {flow.id}"


def is_asked(story: Story) -> bool:
    """Whether it has questions to a STUN or TURN server, or checks."""
    return "stun_requests" in story.facts or "turn_username" in story.facts


def is_checked(story: Story) -> bool:
    """Whether it has checks of ICE, on the path itself or in a relay."""
    return any(True for _ in ufrags_of(story.facts))


def is_main(story: Story) -> bool:
    """Whether it is what the others led to: it has DTLS, and checks of its own."""
    return "dtls_client" in story.facts


def is_media(story: Story) -> bool:
    return any(name in story.facts for name in MEDIA)


def parted(members: list[Story]) -> list[list[Story]]:
    """Flows of one set, as several calls where it must be several: whole handshakes of DTLS between other hosts.

    Somebody may have used the same ice-ufrags again.  Both sides of a relay show the same handshake, and a restart
    has ufrags of its own: these are one call.
    """
    whole = [story for story in members if any(is_whole(phase) for phase in story.phases)]
    if len(whole) < 2 or len({names_in(story) for story in whole}) > 1:
        return [members]
    relayed = {endpoint_of(story.facts.get("turn_relayed_address")) for story in members}
    sets = Sets()
    for story in whole:
        name = flow_name(story.flow)
        for key in keys_of(story, relayed):
            sets.join(key, name)
    tops = list(dict.fromkeys(sets.find(flow_name(story.flow)) for story in whole))
    if len(tops) < 2:
        return [members]
    parts: dict[str, list[Story]] = {top: [] for top in tops}
    near: dict[str, str] = {}  # what only one part has -> the part
    for story in whole:
        top = sets.find(flow_name(story.flow))
        for end in (story.flow.initiator, story.flow.responder):
            for key in (str(end), end.address):
                near[key] = top if near.get(key, top) == top else ""
    for story in members:
        ends = (story.flow.initiator, story.flow.responder)
        named = [near.get(key, "") for end in ends for key in (str(end), end.address)]
        name = flow_name(story.flow)
        top = sets.find(name) if name in sets.above else next(filter(None, named), tops[0])
        parts[top].append(story)
    return [part for part in parts.values() if part]


def names_in(story: Story) -> frozenset[str]:
    """The ice-ufrags of a flow."""
    return frozenset(name for both in ufrags_of(story.facts) for names in both for name in names)


def keys_of(story: Story, relayed: set[Endpoint]) -> Iterator[str]:
    """What connects a flow with others of the same call."""
    flow = story.flow
    ends = (flow.initiator, flow.responder)
    yield " ".join(("hosts", *sorted(end.address for end in ends)))
    own = endpoint_of(story.facts.get("turn_relayed_address"))
    peers = map(endpoint_of, story.facts.get("turn_peers") or ())
    for end in (*ends, own, *peers):
        if end.port and end in relayed:
            yield f"relay {end}"


def is_whole(phase: Phase) -> bool:
    return phase.name == "dtls" and phase.outcome is Outcome.ESTABLISHED


def own_endpoints(story: Story) -> Iterator[Endpoint]:
    """Addresses that the client of a STUN or TURN server has, as far as they are known."""
    yield story.flow.initiator
    facts = story.facts
    if "stun_requests" not in facts:
        yield story.flow.responder  # answers alone: who asked is the one to whom they went
    for name in ("turn_relayed_address", "turn_mapped_address"):
        if name in facts:
            yield endpoint_of(facts[name])
    mapped = facts.get("mapped_address")
    if isinstance(mapped, dict):
        yield endpoint_of(mapped.get(SIDES[0]))


def endpoints_of(call: Call) -> Iterator[Endpoint]:
    """Transport addresses that belong to a call: those of its checks, and those that its ends offered."""
    for story in call:
        yield story.flow.initiator
        yield story.flow.responder
        for path in story.facts.get("ice_relayed_paths") or ():
            yield endpoint_of(path.get("peer"))
    for agent in call.agents:
        for candidate in call.signalling.offered_by(agent):
            yield candidate.at
            if candidate.related.port:
                yield candidate.related


def hosts_of(call: Call, carriers: dict[int, Flow]) -> Iterator[str]:
    """Addresses of hosts that speak in a call, or that sent its descriptions."""
    for endpoint in endpoints_of(call):
        yield endpoint.address
    for agent in call.agents:
        for description in call.signalling.told_of(agent):
            flow = carriers.get(description.note.flow)
            if flow is not None:
                yield flow.initiator.address


def span_of(call: Call) -> tuple[int, int]:
    times = [time_ns for story in call for time_ns in (story.flow.first_ns, story.flow.last_ns)]
    times += [told.note.time_ns for agent in call.agents for told in call.signalling.told_of(agent)]
    return min(times, default=0), max(times, default=0)


def nearest(calls: list[Call], flow: Flow, spans: dict[int, tuple[int, int]]) -> Call | None:
    """The call that was under way when `flow` began, if it is the only one that `calls` has."""
    if len(calls) != 1:
        return None
    first_ns, last_ns = spans[id(calls[0])]
    return calls[0] if first_ns - GATHERING_NS <= flow.first_ns <= last_ns + GATHERING_NS else None
