"""The session of a call: how it came out, and what its timeline has."""

from __future__ import annotations

import pytest

from analyzer.core import Endpoint, Outcome
from tests.sessions.webrtc.made import SERVER, A, B, Scene, candidate, healthy


def test_a_call_that_works() -> None:
    call = healthy().call()
    assert (call.kind, call.outcome, call.start_ns) == ("webrtc", Outcome.ESTABLISHED, 0)
    assert call.title.startswith("A 10.0.0.1 <-> B 10.0.0.2")
    kinds = [note.kind for note in call.notes]
    assert kinds[:4] == ["sdp.offer", "sdp.offer", "sdp.answer", "sdp.answer"]
    assert "stun.binding-request" in kinds
    assert [note.time_ns for note in call.notes] == sorted(note.time_ns for note in call.notes)


def test_flows_that_are_no_call_are_left_alone() -> None:
    scene = Scene()
    scene.note(0, A, SERVER, "dns.query")
    (session,), _ = scene.told()
    assert session.kind == "udp"


def only_checks(answer: bool) -> Scene:
    scene = Scene()
    for turn in range(4):
        scene.check(30 + 1000 * turn, 0, answer=answer)
    return scene


def test_without_dtls_the_checks_say_how_it_came_out() -> None:
    assert only_checks(answer=True).call().outcome is Outcome.OPEN
    scene = only_checks(answer=True)
    scene.data(5000)
    scene.check(4500, 0, nominate=True)
    assert scene.call().outcome is Outcome.ESTABLISHED
    assert only_checks(answer=False).call().outcome is Outcome.UNANSWERED
    scene = Scene()
    scene.agree()
    for turn in range(20):
        scene.check(30 + 1000 * turn, 0, answer=False)
    assert scene.call().outcome is Outcome.FAILED


def test_without_checks_it_is_open() -> None:
    scene = Scene()
    scene.agree()
    scene.ask(22, A, mapped=Endpoint("198.51.100.7", 7000))
    assert scene.call().outcome is Outcome.OPEN


def test_a_relay_that_refuses_is_how_it_came_out() -> None:
    scene = Scene()
    scene.agree()
    scene.note(30, A, SERVER, "turn.allocate-request")
    _, story = scene.note(50, SERVER, A, "turn.allocate-error", {"error_code": {"value": 486, "name": ""}})
    story.facts["turn_username"] = "me"
    assert scene.call().outcome is Outcome.FAILED


@pytest.mark.parametrize("said", [False, True])
def test_a_certificate_that_was_not_announced_fails_the_call(said: bool) -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure(prints=("aa" * 32, "cc" * 32))
    if said:
        scene.note(90, A, B, "datachannel.message")
    assert scene.call().outcome is (Outcome.ESTABLISHED if said else Outcome.FAILED)


def test_look_ups_of_hidden_names_are_part_of_it() -> None:
    scene = Scene()
    name = "c0ffee00-0000-4000-8000-000000000001.local"
    scene.describe(0, 0, candidates=[candidate(Endpoint(name, A.port))])
    scene.describe(20, 1, candidates=[candidate(B)])
    for asked in (name, "other.local"):
        scene.note(25, Endpoint("10.0.0.2", 5353), Endpoint("224.0.0.251", 5353), "dns.query", {"name": asked})
    scene.ice()
    asked_for = [note.fields["name"] for note in scene.call().notes if note.kind == "dns.query"]
    assert asked_for == [name]
