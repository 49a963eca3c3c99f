"""What both sides said of themselves: offers, answers and candidates, from whichever flows carried them (RFC 8839)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Endpoint
from analyzer.sessions.webrtc.pairs import NO_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Note, Side, Story, Value

DESCRIPTIONS: Final = frozenset({"sdp.offer", "sdp.answer", "sdp.pranswer"})
CANDIDATE: Final = "sdp.candidate"
MAX_NOTES: Final = 65_536  # of signalling, in a capture
MAX_PER_AGENT: Final = 64  # descriptions, and candidates, of one side of a call
MAX_OPEN: Final = 15  # offers of one side on one flow that wait for their answers, beside the latest
MAX_FORMATS: Final = 256  # of one medium
MEDIA: Final = frozenset({"audio", "video", "image", "text"})
MAX_PARTS: Final = 32  # ufrags and fingerprints of one description


class Candidate:
    """An address that one side offered to be reached at."""

    __slots__ = ("at", "kind", "note", "priority", "protocol", "related", "ufrag")

    def __init__(self, found: dict[str, Value], note: Note, ufrag: str) -> None:
        port = found.get("port")
        self.at = Endpoint(plain(str(found.get("address") or "")), port if isinstance(port, int) else 0)
        self.kind = name_of(found.get("type"))
        self.protocol = name_of(found.get("transport")).lower()
        priority = found.get("priority")
        self.priority = priority if isinstance(priority, int) else 0
        port = found.get("related_port")
        address = found.get("related_address")
        self.related = (
            Endpoint(plain(address), port) if isinstance(address, str) and isinstance(port, int) else NO_ENDPOINT
        )
        self.ufrag = ufrag
        self.note = note

    @property
    def is_name(self) -> bool:
        """Whether it hides its address behind a name for multicast DNS."""
        return self.at.address.endswith(".local")


class Description:
    """An offer or an answer, as it was seen on one flow."""

    __slots__ = (
        "candidates",
        "codecs",
        "default",
        "ended",
        "extensions",
        "fingerprints",
        "is_offer",
        "lite",
        "max_message_size",
        "media",
        "note",
        "origin",
        "payload_types",
        "sctp_init",
        "sctp_port",
        "setup",
        "ufrags",
    )

    def __init__(self, note: Note) -> None:
        self.note = note
        self.is_offer = note.kind == "sdp.offer"
        self.origin = ""
        self.ufrags: dict[str, str] = {}  # -> password
        self.fingerprints: dict[str, dict[str, None]] = {}  # hash -> its values, hex without colons
        self.setup = ""
        self.lite = False
        self.ended = False  # no candidates will follow
        self.media: list[str] = []
        self.default: list[Endpoint] = []  # of each medium that has one
        self.sctp_port: int | None = None
        self.sctp_init = ""  # the INIT, as base64
        self.max_message_size: int | None = None
        self.extensions: dict[int, str] = {}  # id of a header extension -> its URI
        self.codecs: dict[int, tuple[str, int]] = {}  # payload type -> name and clock rate
        self.payload_types: set[int] = set()  # all that were agreed on, also those without a name
        self.candidates: list[Candidate] = []
        self._read(note.fields)

    def _read(self, fields: dict[str, Value]) -> None:
        origin = fields.get("origin")
        if isinstance(origin, dict):
            self.origin = f"{origin.get('username')} {origin.get('sess_id')} {origin.get('unicast_address')}"
        self._part(fields)
        for medium in listed(fields.get("media"))[:MAX_PARTS]:
            if isinstance(medium, dict):
                self._part(medium)
                self._medium(medium)

    def _part(self, part: dict[str, Value]) -> None:
        """What may stand on the level of the session or of a medium."""
        ufrag, password = part.get("ice_ufrag"), part.get("ice_pwd")
        if isinstance(ufrag, str) and len(self.ufrags) < MAX_PARTS:
            self.ufrags.setdefault(ufrag, password if isinstance(password, str) else "")
        for found in listed(part.get("fingerprints"))[:MAX_PARTS]:
            if isinstance(found, dict):
                value = str(found.get("value") or "").replace(":", "").lower()
                self.fingerprints.setdefault(str(found.get("hash") or "").lower(), {})[value] = None
        setup = part.get("setup")
        if isinstance(setup, str) and not self.setup:
            self.setup = setup
        self.lite = self.lite or bool(part.get("ice_lite"))
        self.ended = self.ended or bool(part.get("end_of_candidates"))
        for found in listed(part.get("candidates"))[:MAX_PER_AGENT]:
            if isinstance(found, dict) and len(self.candidates) < MAX_PER_AGENT:
                self.candidates.append(Candidate(found, self.note, ufrag if isinstance(ufrag, str) else ""))

    def _medium(self, medium: dict[str, Value]) -> None:
        kind = medium.get("media") or medium.get("type")
        if isinstance(kind, str):
            self.media.append(kind)
        port, address = medium.get("port"), medium.get("connection_address")
        if isinstance(port, int) and port and isinstance(address, str):
            self.default.append(Endpoint(plain(address), port))
        port = medium.get("sctp_port")
        if isinstance(port, int):
            self.sctp_port = port
        init = medium.get("sctp_init")
        if isinstance(init, str):
            self.sctp_init = init
        size = medium.get("max_message_size")
        if isinstance(size, int):
            self.max_message_size = size
        if kind not in MEDIA:
            return
        for found in listed(medium.get("extmap"))[:MAX_FORMATS]:
            if isinstance(found, dict) and isinstance(found.get("id"), int):
                self.extensions.setdefault(found["id"], str(found.get("uri") or ""))
        for found in listed(medium.get("fmt"))[:MAX_FORMATS]:
            if isinstance(found, str) and found.isdecimal() and len(found) <= 3:
                self.payload_types.add(int(found))
        for found in listed(medium.get("rtpmap"))[:MAX_FORMATS]:
            number = found.get("payload_type") if isinstance(found, dict) else None
            if isinstance(number, int):
                rate = found.get("clock_rate")
                self.payload_types.add(number)
                self.codecs[number] = (str(found.get("encoding") or ""), rate if isinstance(rate, int) else 0)

    @property
    def key(self) -> str:
        """What all descriptions of this side of this call have in common, whatever else changes; empty if nothing."""
        prints = ",".join(sorted(value for values in self.fingerprints.values() for value in values))
        return f"{self.origin} {prints}" if self.origin and prints else ""


def plain(address: str) -> str:
    """An IPv6 address as it is written everywhere else; others, and names, as they are."""
    if ":" not in address:
        return address
    from ipaddress import IPv6Address

    try:
        return IPv6Address(address).compressed
    except ValueError:
        return address


def listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def name_of(value: Value) -> str:
    """A name, where it stands alone or beside a number."""
    if isinstance(value, dict):
        value = value.get("name")
    return value if isinstance(value, str) else ""


class Sets:
    """Names put together into sets, each of which is called by one of them."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def find(self, name: str) -> str:
        top = name
        while (above := self.above.get(top, top)) != top:
            top = above
        while (above := self.above.get(name, name)) != top:
            self.above[name] = top
            name = above
        return top

    def join(self, one: str, other: str) -> None:
        first, second = self.find(one), self.find(other)
        if first != second:
            self.above[second] = first
            self.above.setdefault(first, first)


class Signalling:
    """All that was signalled in a capture, by the agents of ICE that it is about.

    An agent is one side of one call.  It is known by its ice-ufrags: the first, and those that follow by a restart.
    """

    def __init__(self, stories: Iterable[Story]) -> None:
        self.agents = Sets()
        self.descriptions: dict[str, list[Description]] = {}  # agent -> in order of time
        self.candidates: dict[str, list[Candidate]] = {}
        self.partners: dict[str, str] = {}  # agent that offered -> the one that answered
        self.by_fingerprint: dict[str, str] = {}  # sha-256 of a certificate -> agent
        self._read(notes_of(stories))

    def _read(self, notes: Iterable[Note]) -> None:
        by_key: dict[str, str] = {}
        told: list[Description] = []
        trickled: list[Candidate] = []
        for number, note in enumerate(notes):
            if number >= MAX_NOTES:
                break
            if note.kind == CANDIDATE:
                found = candidate_of(note)
                if found is not None:
                    trickled.append(found)
                continue
            description = Description(note)
            if not description.ufrags:
                continue
            told.append(description)
            first, *others = description.ufrags
            for other in others:
                self.agents.join(first, other)
            if description.key:
                self.agents.join(by_key.setdefault(description.key, first), first)
        waiting: dict[tuple[int, Side | None], list[Description]] = {}
        latest: dict[tuple[int, Side | None], str] = {}
        signalled: list[Description | Candidate] = [*told, *trickled]
        for one in sorted(signalled, key=lambda one: one.note.time_ns):
            note = one.note
            if isinstance(one, Description):
                latest[note.flow, note.sender] = next(iter(one.ufrags))
                self._sort(one, waiting)
                continue
            # One that does not say which ufrag it belongs to belongs to the last description before it.
            one.ufrag = one.ufrag or latest.get((note.flow, note.sender), "")
            if one.ufrag:
                kept = self.candidates.setdefault(self.agent(one.ufrag), [])
                if len(kept) < MAX_PER_AGENT:
                    kept.append(one)

    def _sort(self, description: Description, waiting: dict[tuple[int, Side | None], list[Description]]) -> None:
        agent = self.agent(next(iter(description.ufrags)))
        kept = self.descriptions.setdefault(agent, [])
        if len(kept) < MAX_PER_AGENT:
            kept.append(description)
        addresses = self.candidates.setdefault(agent, [])
        for candidate in description.candidates[: MAX_PER_AGENT - len(addresses)]:
            addresses.append(candidate)
        for value in description.fingerprints.get("sha-256", {}):
            self.by_fingerprint.setdefault(value, agent)
        note = description.note
        if description.is_offer:
            open_ = waiting.setdefault((note.flow, note.sender), [])
            open_[:] = [one for one in open_ if self.agent(next(iter(one.ufrags))) != agent][-MAX_OPEN:]
            open_.append(description)
        elif note.sender is not None:
            offer = answered(waiting.get((note.flow, note.sender.other), []), description)
            asked = self.agent(next(iter(offer.ufrags))) if offer is not None else ""
            if asked and asked != agent:
                self.partners.setdefault(asked, agent)
                self.partners.setdefault(agent, asked)

    def agent(self, ufrag: str) -> str:
        return self.agents.find(ufrag)

    def told_of(self, agent: str) -> list[Description]:
        return self.descriptions.get(agent, [])

    def offered_by(self, agent: str) -> list[Candidate]:
        return self.candidates.get(agent, [])


def answered(waiting: list[Description], answer: Description) -> Description | None:
    """The offer that an answer is to, taken out of those that wait.

    An answer has the media of its offer, in the same order (RFC 3264 §6); of several such offers it is the first.
    """
    if not waiting:
        return None
    fitting = (at for at, one in enumerate(waiting) if one.media == answer.media)
    return waiting.pop(next(fitting, len(waiting) - 1))


def notes_of(stories: Iterable[Story]) -> Iterator[Note]:
    """The notes on signalling, of those flows that say they have some."""
    for story in stories:
        if "sdp" in story.facts:
            for note in story.notes:
                if note.kind in DESCRIPTIONS or note.kind == CANDIDATE:
                    yield note


def candidate_of(note: Note) -> Candidate | None:
    """A candidate that came by itself (RFC 8838), with the ufrag that it belongs to."""
    fields = note.fields
    inner = fields.get("candidate")
    found = inner if isinstance(inner, dict) else fields
    ufrag = fields.get("username_fragment") or found.get("ufrag")
    if not isinstance(found.get("address"), str):
        return None
    return Candidate(found, note, ufrag if isinstance(ufrag, str) else "")
