"""Which flows are one call."""

from __future__ import annotations

from analyzer.core import Endpoint, Outcome
from analyzer.sessions.webrtc.calls import MAX_PARTNERS
from tests.sessions.webrtc.made import A6, B6, PRINTS, SERVER, A, B, Scene, candidate, healthy


def sessions(scene: Scene) -> list[list[int]]:
    return [session.flows for session in scene.told()[0] if session.kind == "webrtc"]


def test_two_pairs_of_the_same_ufrags_are_one_call_and_sockets_of_signalling_none_of_it() -> None:
    scene = healthy()
    scene.check(31, 1, (A6, B6))
    call = scene.call()
    kinds = [session.kind for session in scene.told()[0]]
    assert kinds == ["tcp", "tcp", "webrtc"]
    assert len(call.flows) == 2
    assert call.title == "A 10.0.0.1 <-> B 10.0.0.2, data channel"


def test_other_ufrags_are_another_call() -> None:
    scene = healthy()
    scene.ice(40, (Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2)), ufrags=("cccc", "dddd"))
    assert len(sessions(scene)) == 2


def test_a_restart_is_the_same_call_by_its_description() -> None:
    scene = healthy()
    ends = (Endpoint("10.0.0.1", 1001), Endpoint("10.0.0.2", 2001))
    scene.describe(1000, 0, ufrag="anew", candidates=[candidate(ends[0])])
    scene.describe(1010, 1, ufrag="bnew", candidates=[candidate(ends[1])])
    scene.ice(1020, ends, ufrags=("anew", "bnew"))
    call = scene.call()
    assert len(call.flows) == 2
    assert call.facts["a"]["ice_ufrags"] == ["aaaa", "anew"]
    assert call.facts["selected_pair"]["a"] == str(ends[0])
    assert "ice.restart" in scene.codes()


def test_a_restart_without_signalling_is_the_same_call_by_the_checks_between() -> None:
    scene = Scene()
    scene.ice()
    scene.check(100, 1, (A, Endpoint("10.0.0.2", 2001)), ufrags=("aaaa", "bnew"))
    scene.ice(110, (Endpoint("10.0.0.1", 1001), B), ufrags=("anew", "bbbb"))
    call = scene.call()
    assert len(call.flows) == 3
    assert call.facts["b"]["ice_ufrags"] == ["bbbb", "bnew"]


def test_a_server_whose_ufrag_is_always_the_same_has_a_call_with_each() -> None:
    scene = Scene()
    many = MAX_PARTNERS + 3
    for number in range(many):
        scene.ice(number, (Endpoint(f"10.1.0.{number}", 1), B), ufrags=(f"c{number:03}", "same"))
    assert len(sessions(scene)) == many


def test_handshakes_of_other_hosts_with_the_same_ufrags_are_other_calls() -> None:
    scene = Scene()
    for number in range(3):
        ends = (Endpoint(f"10.1.0.{number}", 7), B)
        scene.ice(number * 100, ends)
        scene.secure(number * 100 + 20, ends=ends)
    scene.check(50, 0, (Endpoint("10.1.0.0", 8), B))
    assert sessions(scene) == [[3, 0], [1], [2]]


def test_a_relay_shows_one_call_from_both_sides() -> None:
    scene = Scene()
    relayed, turn = Endpoint("203.0.113.5", 49_152), Endpoint("203.0.113.5", 3478)
    scene.ice(0, (relayed, B))
    scene.secure(20, ends=(relayed, B))
    story, _ = scene.story(A, turn, at=0)
    path = {"peer": str(B), "ice_ufrags": {"initiator": ["aaaa"], "responder": ["bbbb"]}}
    story.facts |= {"turn_username": "me", "turn_relayed_address": str(relayed), "ice_relayed_paths": [path]}
    story.facts |= {"turn_peers": [str(B)]}
    for at, kind in ((0, "turn.allocate-request"), (2, "turn.allocate-success")):
        scene.note(at, *((A, turn) if kind.endswith("request") else (turn, A)), kind)
    scene.secure(20, ends=(A, turn))
    call = scene.call()
    assert len(call.flows) == 2
    assert call.title == "A 10.0.0.1 by relay 203.0.113.5 <-> B 10.0.0.2"
    assert call.facts["selected_pair"]["path"] == "relay"
    assert [row["a"] for row in call.facts["pairs"]] == [str(relayed)]


def test_questions_to_servers_belong_to_the_call_of_that_socket_or_host() -> None:
    scene = healthy()
    scene.ask(5, A, mapped=Endpoint("198.51.100.1", 7))
    scene.ask(6, Endpoint(A.address, 7777), mapped=Endpoint("198.51.100.1", 8))
    scene.ask(7, Endpoint("10.9.9.9", 7777), mapped=Endpoint("198.51.100.1", 9))
    call = scene.call()
    assert len(call.flows) == 3
    assert [session.kind for session in scene.told()[0]].count("udp") == 1
    assert [phase.name for phase in call.phases][:2] == ["signalling", "gathering"]


def test_a_question_alone_is_no_call() -> None:
    scene = Scene()
    scene.ask(0, A, mapped=A)
    assert [session.kind for session in scene.told()[0]] == ["udp"]


def test_a_question_long_before_is_not_of_the_call() -> None:
    scene = Scene()
    scene.ask(0, A, mapped=A)
    scene.ice(100_000)
    assert len(scene.call().flows) == 1


def test_dtls_without_checks_belongs_to_the_description_with_its_certificate() -> None:
    scene = Scene()
    scene.agree()
    scene.secure(50)
    call = scene.call()
    assert call.outcome is Outcome.ESTABLISHED
    assert [phase.name for phase in call.phases] == ["signalling", "dtls"]


def test_dtls_without_checks_belongs_to_the_flow_with_the_same_certificates() -> None:
    scene = Scene()
    for ends in ((A, B), (A6, B6)):
        scene.secure(50, ends=ends)
    assert sessions(scene) == [[0, 1]]


def test_dtls_of_something_else_is_no_call() -> None:
    scene = Scene()
    scene.secure(50)
    (story,) = scene.stories.values()
    del story.facts["srtp_profile"]
    assert sessions(scene) == []


def test_a_call_that_came_no_further_than_its_relay_is_a_session() -> None:
    scene = Scene()
    scene.agree()
    story, _ = scene.story(A, SERVER, at=5)
    story.facts["turn_username"] = "me"
    for at, fields in ((5, {}), (7, {"error_code": {"value": 401}})):
        kind = "turn.allocate-error" if fields else "turn.allocate-request"
        scene.note(at, *((SERVER, A) if fields else (A, SERVER)), kind, fields)
    call = scene.call()
    assert call.outcome is Outcome.FAILED
    assert [(phase.name, phase.outcome.value) for phase in call.phases] == [
        ("signalling", "established"),
        ("gathering", "failed"),
    ]
    assert call.facts["b"]["fingerprints"] == [PRINTS[1]]


def test_names_of_candidates_are_looked_up_in_the_timeline() -> None:
    scene = Scene()
    name = "c588fe94-b7ec-4cd8-a0c2-d3468df02945.local"
    scene.describe(0, 0, candidates=[candidate(Endpoint(name, A.port))])
    scene.describe(20, 1)
    multicast = Endpoint("224.0.0.251", 5353)
    scene.note(25, Endpoint(B.address, 5353), multicast, "dns.query", {"name": name.upper()})
    scene.note(26, Endpoint(B.address, 5353), multicast, "dns.query", {"name": "printer.local"})
    scene.ice()
    call = scene.call()
    assert [note.kind for note in call.notes if note.kind.startswith("dns.")] == ["dns.query"]
    assert call.facts["pairs"][0]["types"][0] == "host"
    assert [session.kind for session in scene.told()[0]].count("udp") == 1


def test_thousands_of_flows_with_one_pair_of_ufrags_are_told_in_time() -> None:
    scene = Scene()
    for number in range(2000):
        scene.check(number, 0, (Endpoint(f"10.{number // 250}.{number % 250}.1", 9), B))
    call = scene.call()
    assert len(call.flows) == 2000
    assert len(call.facts["pairs"]) == 32
    assert call.facts["pairs_not_listed"] == 2000 - 32


def test_lies_in_ufrags_break_nothing() -> None:
    scene = Scene()
    scene.check(0, 0, ufrags=("", ""))
    scene.check(1, 0, (A6, B6), ufrags=("x", "x"))
    scene.check(2, 1, (A6, B6), ufrags=("x", "x"))
    assert len(scene.told()[0]) == 2
