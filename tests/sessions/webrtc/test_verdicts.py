"""All verdicts of a call together, without what they cover."""

from __future__ import annotations

from analyzer.core import Endpoint
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


def test_roles_that_conflict_are_told_of_the_call_alone() -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.hello(50, 0)
    scene.hello(51, 1)
    scene.say(51, 0, (A, B), "dtls.role-conflict")
    assert scene.codes() == ["dtls.role-conflict"]
    assert "a=setup" in scene.verdict("dtls.role-conflict").text


def test_a_wrong_port_covers_that_nobody_answers_there() -> None:
    scene = Scene()
    scene.describe(0, 0, media={"sctp_port": 5000})
    scene.describe(20, 1, media={"sctp_port": 5001})
    scene.ice()
    scene.secure()
    story, _ = scene.story(A, B)
    story.facts["sctp_ports"] = [5000, 5000]
    scene.note(60, A, B, "sctp.init")
    scene.say(61, 0, (A, B), "sctp.init-unanswered")
    assert scene.codes() == ["sctp.port-mismatch"]


def test_a_payload_type_that_nobody_named_is_told() -> None:
    scene = Scene()
    opus = {"media": "audio", "fmt": ["111"], "rtpmap": [{"payload_type": 111, "encoding": "opus"}]}
    scene.describe(0, 0, media=opus)
    scene.describe(20, 1, media=opus)
    scene.ice()
    scene.secure()
    story, _ = scene.story(A, B)
    stream = {"sender": "initiator", "ssrc": 1, "packets": 50, "first_ns": 90, "last_ns": 99, "first_frame": 20}
    stream |= {"payload_type": {"value": 96, "name": ""}, "payload_types": [{"payload_type": 96, "packets": 50}]}
    story.facts["rtp_streams"] = [stream]
    assert scene.codes() == ["rtp.unknown-payload-type"]


def test_blocked_udp_covers_the_servers_that_did_not_answer() -> None:
    scene = Scene()
    relayed, server = Endpoint("203.0.113.30", 49_152), Endpoint("203.0.113.5", 443)
    for at in (1, 500, 1500):
        scene.ask(at, A)
    story, _ = scene.story(A, server, "tcp", 10)
    scene.note(10, A, server, "turn.allocate-request", transport="tcp")
    scene.note(11, server, A, "turn.allocate-success", transport="tcp")
    story.facts |= {"turn_username": "me", "turn_relayed_address": str(relayed)}
    scene.ice(100, (relayed, B))
    scene.say(1, 0, (A, SERVER), "stun.no-response")
    assert scene.codes() == ["ice.udp-blocked"]
