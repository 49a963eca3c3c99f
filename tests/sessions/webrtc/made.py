"""A call as the rooms would tell it: stories of flows, note by note.  Times are ms, sides 0 for A and 1 for B."""

from __future__ import annotations

from typing import Any

from analyzer.core import (
    Capture,
    Endpoint,
    Finding,
    Flow,
    Note,
    Outcome,
    Phase,
    Place,
    Session,
    Side,
    Span,
    Story,
    Verdict,
)
from analyzer.sessions.join import join

MS = 1_000_000
A, B = Endpoint("10.0.0.1", 1000), Endpoint("10.0.0.2", 2000)
A6, B6 = Endpoint("2001:db8::1", 1006), Endpoint("2001:db8::2", 2006)
SERVER = Endpoint("203.0.113.5", 3478)
UFRAGS = ("aaaa", "bbbb")
PRINTS = ("aa" * 32, "bb" * 32)


def candidate(
    end: Endpoint, kind: str = "host", related: Endpoint | None = None, transport: str = "udp"
) -> dict[str, Any]:
    found: dict[str, Any] = {"address": end.address, "port": end.port, "type": kind, "transport": transport}
    found["priority"] = 1
    if related is not None:
        found |= {"related_address": related.address, "related_port": related.port}
    return found


class Scene:
    """Flows and what was said of them."""

    def __init__(self) -> None:
        self.stories: dict[tuple[Endpoint, Endpoint, str], Story] = {}
        self.frame = 0
        self.number = 0

    # --- flows ---

    def story(self, source: Endpoint, target: Endpoint, transport: str = "udp", at: float = 0) -> tuple[Story, Side]:
        """The flow between two ends, new where there is none, and which of its sides `source` is."""
        for key, side in (((source, target, transport), Side.INITIATOR), ((target, source, transport), Side.RESPONDER)):
            if key in self.stories:
                return self.stories[key], side
        number, now = len(self.stories), round(at * MS)
        flow = Flow(number, transport, source, target, "", self.frame + 1, self.frame + 1, now, now, (1, 1), (60, 60))
        self.stories[source, target, transport] = Story(flow, notes=[])
        return self.stories[source, target, transport], Side.INITIATOR

    def note(
        self,
        at: float,
        source: Endpoint,
        target: Endpoint,
        kind: str,
        fields: dict[str, Any] | None = None,
        *,
        transport: str = "udp",
        text: str = "",
    ) -> tuple[Note, Story]:
        self.frame += 1
        story, side = self.story(source, target, transport, at)
        note = Note(kind, text, Place((Span(self.frame, 0, 100),), round(at * MS)), fields or {})
        note.sender, note.flow, note.path = side, story.flow.id, (transport, kind.partition(".")[0])
        assert isinstance(story.notes, list)
        story.notes.append(note)
        flow = story.flow
        flow.last_frame, flow.last_ns = self.frame, max(flow.last_ns, note.time_ns)
        return note, story

    # --- signalling ---

    def describe(
        self,
        at: float,
        side: int,
        *,
        offer: bool | None = None,
        socket: int | None = None,
        received: bool = False,
        ufrag: str = "",
        candidates: list[dict[str, Any]] | None = None,
        prints: str | None = None,
        setup: str = "",
        lite: bool = False,
        origin: str = "",
        media: dict[str, Any] | None = None,
        default: Endpoint | None = None,
    ) -> Note:
        """An offer of A or an answer of B on a WebSocket of `socket`, as it was sent or received there."""
        kind = "sdp.offer" if (side == 0 if offer is None else offer) else "sdp.answer"
        own = side if socket is None else socket
        client, server = Endpoint(f"10.0.0.{1 + own}", 4000 + own), Endpoint("203.0.113.9", 80)
        known = PRINTS[side] if prints is None else prints
        medium: dict[str, Any] = {"media": "application", "port": 9, "connection_address": "0.0.0.0"}
        if default is not None:
            medium |= {"port": default.port, "connection_address": default.address}
        medium |= {"ice_ufrag": ufrag or UFRAGS[side], "ice_pwd": f"password of {side}"}
        medium |= {"candidates": candidates or [], "setup": setup or ("active" if side else "actpass")}
        if known:
            medium["fingerprints"] = [
                {"hash": "sha-256", "value": ":".join(known[at : at + 2] for at in range(0, 64, 2))}
            ]
        fields: dict[str, Any] = {
            "origin": {"username": "-", "sess_id": origin or str(side), "unicast_address": "127.0.0.1"},
            "ice_lite": lite,
            "media": [medium | (media or {})],
        }
        ends = (server, client) if received else (client, server)
        note, story = self.note(at, *ends, kind, fields, transport="tcp")
        story.facts["sdp"] = True
        return note

    def agree(self, at: float = 0, **how: Any) -> None:
        """An offer and its answer, with the host candidates of both."""
        self.describe(at, 0, candidates=[candidate(A)], **how)
        self.describe(at + 1, 0, candidates=[candidate(A)], socket=1, received=True, **how)
        self.describe(at + 20, 1, candidates=[candidate(B)], **how)
        self.describe(at + 21, 1, candidates=[candidate(B)], socket=0, received=True, **how)

    def trickle(self, at: float, side: int, found: dict[str, Any], ufrag: str = "") -> None:
        client, server = Endpoint(f"10.0.0.{1 + side}", 4000 + side), Endpoint("203.0.113.9", 80)
        fields = {**found, "username_fragment": ufrag or UFRAGS[side]}
        _, story = self.note(at, client, server, "sdp.candidate", fields, transport="tcp")
        story.facts["sdp"] = True

    # --- paths ---

    def check(
        self,
        at: float,
        side: int,
        ends: tuple[Endpoint, Endpoint] = (A, B),
        *,
        nominate: bool = False,
        nomination: int = 0,
        answer: bool = True,
        error: int = 0,
        role: str = "",
        ufrags: tuple[str, str] = UFRAGS,
        answered_from: Endpoint | None = None,
        rtt: float = 2,
    ) -> None:
        self.number += 1
        source, target = ends[side], ends[1 - side]
        name = f"{self.number:024x}"
        says = role or ("controlled" if side else "controlling")
        fields: dict[str, Any] = {
            "transaction_id": name,
            "username": f"{ufrags[1 - side]}:{ufrags[side]}",
            "priority": 1,
        }
        fields[f"ice_{says}"] = "00"
        if nominate:
            fields["use_candidate"] = True
        if nomination:
            fields["nomination"] = nomination
        note, story = self.note(at, source, target, "stun.binding-request", fields)
        known = story.facts.setdefault("ice_ufrags", {"initiator": [], "responder": []})
        for which, ufrag in ((note.sender, ufrags[side]), (1 - int(note.sender or 0), ufrags[1 - side])):
            names = known["responder" if which else "initiator"]
            if ufrag not in names:
                names.append(ufrag)
        roles = story.facts.setdefault("ice_roles", [None, None])
        roles[int(note.sender or 0)] = says
        story.facts["stun_requests"] = [1, 0]
        if answer:
            kind = "stun.binding-error" if error else "stun.binding-success"
            said: dict[str, Any] = {"transaction_id": name}
            if error:
                said["error_code"] = {"value": error, "name": ""}
            _, other = self.note(at + rtt, answered_from or target, source, kind, said)
            other.facts.setdefault("mapped_address", {})

    def ice(self, at: float = 30, ends: tuple[Endpoint, Endpoint] = (A, B), **how: Any) -> None:
        self.check(at, 0, ends, **how)
        self.check(at + 5, 1, ends, **how)
        self.check(at + 10, 0, ends, nominate=True, **how)

    def ask(
        self, at: float, client: Endpoint, server: Endpoint = SERVER, mapped: Endpoint | None = None, rtt: float = 20
    ) -> None:
        """A question to a STUN server."""
        self.number += 1
        fields = {"transaction_id": f"{self.number:024x}"}
        _, story = self.note(at, client, server, "stun.binding-request", dict(fields))
        story.facts["stun_requests"] = [1, 0]
        if mapped is not None:
            where = {"address": mapped.address, "port": mapped.port}
            self.note(at + rtt, server, client, "stun.binding-success", {**fields, "xor_mapped_address": where})
            story.facts["mapped_address"] = {"initiator": str(mapped)}

    def hello(self, at: float, side: int = 1, ends: tuple[Endpoint, Endpoint] = (A, B)) -> None:
        _, story = self.note(at, ends[side], ends[1 - side], "dtls.client-hello")
        story.facts.setdefault("dtls_client", "initiator")

    def secure(
        self,
        at: float = 50,
        client: int = 1,
        ends: tuple[Endpoint, Endpoint] = (A, B),
        outcome: Outcome = Outcome.ESTABLISHED,
        prints: tuple[str, str] = PRINTS,
    ) -> None:
        """A handshake with the certificates of both."""
        self.hello(at, client, ends)
        server = 1 - client
        self.note(at + 2, ends[server], ends[client], "dtls.server-hello")
        for side, later in ((server, 2), (client, 3)):
            found = [{"sha256": prints[side]}]
            _, story = self.note(at + later, ends[side], ends[1 - side], "dtls.certificate", {"certificates": found})
        first = 0 if story.flow.initiator == ends[0] else 1
        story.facts["certificate_sha256"] = {"initiator": prints[first], "responder": prints[1 - first]}
        story.facts["srtp_profile"] = None
        story.phases.append(Phase("dtls", round(at * MS), round((at + 5) * MS), outcome, 2))

    def data(self, at: float, side: int = 0, ends: tuple[Endpoint, Endpoint] = (A, B), size: int = 100) -> None:
        self.note(at, ends[side], ends[1 - side], "dtls.application-data", {"records": 1, "bytes": size})

    def say(self, at: float, side: int, ends: tuple[Endpoint, Endpoint], code: str) -> None:
        """A verdict of a room on this flow."""
        story, _ = self.story(ends[side], ends[1 - side])
        story.findings.append(Finding(code, "x", Place((Span(1, 0, 1),), round(at * MS))))

    # --- what came of it ---

    def told(self) -> tuple[list[Session], list[Verdict]]:
        stories = list(self.stories.values())
        return join(stories, [story.flow for story in stories], Capture())

    def call(self) -> Session:
        """The only call."""
        (found,) = [session for session in self.told()[0] if session.kind == "webrtc"]
        return found

    def codes(self) -> list[str]:
        return [verdict.code for verdict in self.told()[1]]

    def verdict(self, code: str) -> Verdict:
        (found,) = [verdict for verdict in self.told()[1] if verdict.code == code]
        return found


def healthy() -> Scene:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure()
    scene.data(60)
    scene.data(61, 1)
    return scene
