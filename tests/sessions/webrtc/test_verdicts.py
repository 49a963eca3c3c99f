"""All verdicts of a call together, without what they cover."""

from __future__ import annotations

from tests.sessions.webrtc.made import A6, B6, SERVER, A, B, Scene, healthy


def test_a_call_that_works_has_none() -> None:
    assert healthy().codes() == []


def test_what_is_said_of_the_call_is_not_said_of_its_paths() -> None:
    scene = healthy()
    scene.say(70, 0, (A, B), "ice.consent-lost")
    scene.say(70, 0, (A, B), "dtls.version-old")
    assert scene.codes() == ["dtls.version-old"]


def test_checks_without_an_answer_stand_in_the_table_of_pairs() -> None:
    scene = healthy()
    scene.check(31, 0, (A6, B6), answer=False)
    scene.say(31, 0, (A6, B6), "stun.no-response")
    assert "stun.no-response" not in scene.codes()


def test_a_server_without_an_answer_is_told() -> None:
    scene = healthy()
    scene.ask(22, A, SERVER)
    scene.say(22, 0, (A, SERVER), "stun.no-response")
    assert "stun.no-response" in scene.codes()


def test_a_wrong_certificate_covers_the_alert_about_it() -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure(prints=("aa" * 32, "cc" * 32))
    scene.say(58, 0, (A, B), "dtls.alert-bad-certificate")
    assert scene.codes() == ["dtls.fingerprint-mismatch"]


def test_a_wrong_password_covers_what_came_of_it() -> None:
    scene = Scene()
    scene.agree()
    for turn in range(4):
        scene.check(30 + 1000 * turn, 0, error=401)
    wrong = {"frame": 5, "class": "request", "algorithm": "sha1", "input": "00", "integrity": "11" * 20}
    story, _ = scene.story(A, B)
    story.facts["ice_checks"] = [{"username": "bbbb:aaaa", "first_ns": 30, "integrity": [wrong]}]
    scene.say(31, 0, (A, B), "stun.error-400-401-on-check")
    assert scene.codes() == ["stun.bad-integrity"]
