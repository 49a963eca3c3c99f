"""A call as it can be seen from its notes."""

from __future__ import annotations

from analyzer.core import Endpoint, Outcome, Phase, Side
from analyzer.sessions.join import session_of
from analyzer.sessions.webrtc.calls import groups
from analyzer.sessions.webrtc.view import HOST, PRFLX, RELAY, SRFLX, View, overdue
from tests.sessions.webrtc.made import A6, B6, MS, PRINTS, SERVER, A, B, Scene, candidate, healthy

MAPPED = Endpoint("198.51.100.7", 7000)
RELAYED = Endpoint("203.0.113.5", 9000)


def viewed(scene: Scene) -> View:
    (call,) = groups(list(scene.stories.values()))
    return View(session_of(0, call), call)


def test_a_call_that_works() -> None:
    view = viewed(healthy())
    assert [len(told) for told in view.told] == [2, 2]
    assert view.selected is view.pairs[0]
    assert view.selected.types == [HOST, HOST]
    assert (view.controlling, view.dtls.client) == (0, 1)
    assert view.dtls.server_hello is not None
    assert view.dtls.first_data is not None
    assert [list(prints) for prints in view.dtls.certificates] == [[PRINTS[0]], [PRINTS[1]]]
    assert view.dtls.phase is not None
    assert view.dtls.phase.outcome is Outcome.ESTABLISHED
    assert view.hosts(0) == ["10.0.0.1"]
    assert view.is_own(0, A)
    assert not view.is_own(1, A)


def test_the_kinds_of_candidates_that_were_not_offered() -> None:
    scene = Scene()
    scene.agree()
    scene.ask(22, A, mapped=MAPPED)
    scene.check(30, 0, (MAPPED, B))
    scene.check(31, 0, (Endpoint("10.0.0.99", 5), B))
    view = viewed(scene)
    assert {pair.ends[0]: pair.types[0] for pair in view.pairs} == {
        MAPPED: SRFLX,
        Endpoint("10.0.0.99", 5): PRFLX,
    }
    (asked,) = view.asked.values()
    assert (asked.client, asked.mapped, asked.outcome, asked.relay) == (A, MAPPED, Outcome.ESTABLISHED, False)


def test_a_candidate_that_is_a_name_is_known_by_its_port() -> None:
    scene = Scene()
    hidden = candidate(Endpoint("c0ffee.local", A.port))
    scene.describe(0, 0, candidates=[hidden])
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.ice()
    assert viewed(scene).pairs[0].types == [HOST, HOST]


def test_nothing_is_called_peer_reflexive_where_nothing_was_offered() -> None:
    scene = Scene()
    scene.ice()
    assert viewed(scene).pairs[0].types == ["", ""]


def allocate(scene: Scene, at: float, answer: str = "success", code: int = 0) -> None:
    scene.note(at, A, SERVER, "turn.allocate-request")
    fields = {"error_code": {"value": code, "name": ""}} if code else {}
    if answer == "success":
        fields["xor_relayed_address"] = {"address": RELAYED.address, "port": RELAYED.port}
        fields["xor_mapped_address"] = {"address": MAPPED.address, "port": MAPPED.port}
    _, story = scene.note(at + 20, SERVER, A, f"turn.allocate-{answer}", fields)
    story.facts["turn_username"] = "me"
    if answer == "success":
        story.facts["turn_relayed_address"] = str(RELAYED)


def test_what_a_relay_gave() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(RELAYED, "relay", A)])
    scene.describe(20, 1, candidates=[candidate(B)])
    allocate(scene, 22, "error", 401)
    allocate(scene, 45)
    scene.check(70, 0, (RELAYED, B))
    view = viewed(scene)
    (asked,) = view.asked.values()
    assert (asked.relay, asked.errors, asked.answers, asked.relayed, asked.mapped) == (True, [401], 2, RELAYED, MAPPED)
    assert asked.outcome is Outcome.ESTABLISHED
    assert view.pairs[0].types[0] == RELAY
    assert view.hosts(0) == ["10.0.0.1"], "the client of the relay, not the relay"


def test_servers_that_refuse_or_are_silent() -> None:
    scene = Scene()
    scene.agree()
    allocate(scene, 22, "error", 486)
    assert [one.outcome for one in viewed(scene).asked.values()] == [Outcome.FAILED]
    scene = Scene()
    scene.agree()
    scene.ask(22, A)
    assert [one.outcome for one in viewed(scene).asked.values()] == [Outcome.UNANSWERED]
    assert viewed(scene).hosts(0) == ["10.0.0.1"]


def test_the_hosts_of_a_call_without_checks() -> None:
    scene = Scene()
    scene.agree()
    scene.ask(22, A, mapped=MAPPED)
    view = viewed(scene)
    assert (view.hosts(0), view.hosts(1), view.pairs, view.selected) == (["10.0.0.1"], ["10.0.0.2"], [], None)


def test_a_pair_is_selected_by_nomination_and_use() -> None:
    scene = healthy()
    scene.check(25, 0, (A6, B6), nominate=True)
    view = viewed(scene)
    assert view.selected is not None
    assert tuple(view.selected.ends) == (A, B)
    scene = Scene()
    scene.check(0, 0)
    assert viewed(scene).selected is None
    scene.data(20)
    assert viewed(scene).selected is not None


def test_alerts_and_who_sent_them() -> None:
    scene = healthy()
    scene.note(70, B, A, "dtls.alert", {"description": {"value": 0, "name": "close_notify"}})
    scene.note(71, A, B, "dtls.record-alert")
    assert [(side, name) for side, name, _ in viewed(scene).dtls.alerts] == [(1, "close_notify"), (0, "")]


def test_the_best_of_several_handshakes_counts() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    story.phases.append(Phase("dtls", 1, 2, Outcome.FAILED))
    phase = viewed(scene).dtls.phase
    assert phase is not None
    assert phase.outcome is Outcome.ESTABLISHED


def test_the_first_message_of_each_side_is_kept() -> None:
    scene = healthy()
    scene.note(80, A, B, "datachannel.open", {"label": "x"})
    for at, side in ((81, 0), (82, 0), (83, 1)):
        scene.note(at, (A, B)[side], (A, B)[1 - side], "datachannel.message")
    scene.note(84, A, B, "rtp.stream", {"ssrc": 1})
    view = viewed(scene)
    assert [note.time_ns for note in view.messages] == [81 * MS, 83 * MS]
    assert (len(view.opens), len(view.streams)) == (1, 1)


def test_sides_are_not_guessed() -> None:
    view = viewed(healthy())
    assert view.side_in(next(iter(view.pairs[0].flows)), None) == -1
    assert view.side_in(999, Side.INITIATOR) == -1


def test_what_is_overdue() -> None:
    first = viewed(healthy()).dtls.first_data
    assert first is not None
    assert not overdue(None, 10**18)
    assert overdue(first, first.time_ns + 10**10)
    assert not overdue(first, first.time_ns)
