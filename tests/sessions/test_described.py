"""RTP beside the descriptions of telephones: who was named where, and what the streams are called."""

from __future__ import annotations

from typing import Any

from analyzer.core import Endpoint, Outcome, Phase
from analyzer.sessions.described import Media
from tests.sessions.webrtc.made import A, B, Scene

PHONES = Endpoint("10.0.0.1", 5060), Endpoint("10.0.0.2", 5060)


def described(scene: Scene, at: float, side: int, *, kind: str = "", port: int = 0, media: str = "audio") -> None:
    end = (A, B)[side]
    medium: dict[str, Any] = {"media": media, "port": port or end.port, "connection_address": end.address}
    medium |= {"fmt": ["96"], "rtpmap": [{"payload_type": 96, "encoding": "AMR", "clock_rate": 8000}]}
    name = kind or ("sdp.answer" if side else "sdp.offer")
    _, story = scene.note(at, PHONES[side], PHONES[1 - side], name, {"media": [medium]})
    story.facts["sdp"] = {"offers": 1}


def stream(sender: str, kind: Any, ssrc: int = 7) -> dict[str, Any]:
    return {"sender": sender, "ssrc": ssrc, "packets": 50, "payload_type": kind, "lost": 0, "jitter_ns": None}


def told(scene: Scene, *streams: Any) -> Any:
    _, story = scene.note(100, A, B, "rtp.stream")
    story.facts["rtp_streams"] = list(streams)
    sessions, verdicts = scene.told()
    assert verdicts == []
    (found,) = [session for session in sessions if "streams" in session.facts]
    return found


def test_streams_are_named_by_what_the_ends_said() -> None:
    scene = Scene()
    described(scene, 0, 0)
    described(scene, 10, 1)
    session = told(scene, stream("initiator", 96), stream("responder", {"value": 8, "name": "PCMA"}), "nonsense")
    assert (session.kind, session.title) == ("udp", "10.0.0.1:1000 <-> 10.0.0.2:2000, audio (AMR, PCMA)")
    assert [(row["from"], row["codec"]) for row in session.facts["streams"]] == [
        ("10.0.0.1:1000", "AMR"),
        ("10.0.0.2:2000", "PCMA"),
    ]
    assert session.facts["summary"] == [
        "10.0.0.1:1000 was named by signalling in frame 1.",
        "10.0.0.2:2000 was named by signalling in frame 2.",
    ]
    assert len(session.flows) == 1


def test_without_descriptions_the_numbers_stay() -> None:
    session = told(Scene(), stream("responder", 96), stream("nobody", 97))
    assert session.title == "10.0.0.1:1000 <-> 10.0.0.2:2000, RTP"
    assert [(row["from"], row["codec"]) for row in session.facts["streams"]] == [("10.0.0.2:2000", None), ("", None)]
    assert "summary" not in session.facts


def test_descriptions_of_other_addresses_are_no_matter() -> None:
    scene = Scene()
    described(scene, 0, 0, port=9)
    assert "summary" not in told(scene, stream("initiator", 96)).facts


def test_many_descriptions_of_one_end() -> None:
    scene = Scene()
    for number in range(100):
        described(scene, number / 10, 0, kind="sdp.offer")
    (said,) = told(scene, stream("initiator", 96)).facts["summary"]
    assert said == "10.0.0.1:1000 was named by signalling in frames 1, 2, 3, 4 and later ones."


def test_a_group_is_a_sequence_of_one() -> None:
    story, _ = Scene().story(A, B)
    group = Media(story, ([], []))
    assert (group[0], group[:], list(group), len(group)) == (story, [story], [story], 1)


def test_media_of_a_peer_connection_stay_with_it() -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure()
    story, _ = scene.story(A, B)
    story.facts["rtp_streams"] = [stream("initiator", 96)]
    assert scene.call().facts["streams"][0]["from"] == "A"
    assert "udp" not in [session.kind for session in scene.told()[0]]


def test_media_make_a_flow_established() -> None:
    scene = Scene()
    _, story = scene.note(90, A, B, "turn.allocate-request")
    story.phases.append(Phase("turn", 0, 1, Outcome.OPEN))
    assert told(scene, stream("initiator", 96)).outcome is Outcome.ESTABLISHED


def test_rtcp_on_a_port_of_its_own() -> None:
    scene = Scene()
    _, story = scene.note(100, A, B, "rtcp.sender-report")
    story.facts["rtcp_packets"] = [{"sender-report": 1}, {}]
    (session,) = scene.told()[0]
    assert (session.title, "streams" in session.facts) == ("10.0.0.1:1000 <-> 10.0.0.2:2000, RTCP", False)
