"""What a call was, in a title and in facts."""

from __future__ import annotations

from analyzer.core import Endpoint
from analyzer.sessions.webrtc.facts import MAX_ROWS
from tests.sessions.webrtc.made import A6, B6, PRINTS, A, B, Scene, candidate, healthy


def test_a_call_that_works() -> None:
    facts = healthy().call().facts
    assert facts["a"] == {
        "addresses": ["10.0.0.1"],
        "ice_ufrags": ["aaaa"],
        "candidates": ["host 10.0.0.1:1000 udp"],
        "fingerprints": [PRINTS[0]],
        "certificate_sha256": PRINTS[0],
        "setup": "actpass",
    }
    assert (facts["controlling"], facts["dtls_client"]) == ("A", "B")
    assert facts["selected_pair"] == {
        "a": "10.0.0.1:1000",
        "b": "10.0.0.2:2000",
        "types": ["host", "host"],
        "protocol": "udp",
        "family": "IPv4",
        "path": "direct",
        "why": "A, controlling, nominated it; no other pair was tried",
        "rtt_ms": 2.0,
    }
    (row,) = facts["pairs"]
    assert (row["state"], row["checks"], row["answers"], row["types"]) == ("selected", [2, 1], [2, 1], ["host", "host"])
    assert facts["summary"][0] == "A: made the offer, controlling, DTLS server. B: answered, controlled, DTLS client."
    assert facts["summary"][1].startswith(
        "Path: 10.0.0.1:1000 - 10.0.0.2:2000 (direct, host, IPv4, UDP). A, controlling,"
    )


def test_why_a_pair_won() -> None:
    scene = healthy()
    scene.check(31, 1, (A6, B6), answer=False)
    scene.check(9000, 1, (A6, B6), answer=False)
    assert scene.call().facts["selected_pair"]["why"].endswith("no other pair worked")
    scene = healthy()
    scene.check(31, 1, (A6, B6))
    assert scene.call().facts["selected_pair"]["why"].endswith("it was the first to be checked")
    scene = healthy()
    scene.check(25, 1, (A6, B6))
    assert scene.call().facts["selected_pair"]["why"].endswith("among 2 that worked")
    scene.check(26, 0, (A6, B6), nominate=True)
    assert scene.call().facts["selected_pair"]["why"].endswith("and used it among 2 that were nominated")


def test_a_pair_that_carries_without_nomination() -> None:
    scene = Scene()
    scene.check(0, 0)
    scene.secure()
    assert scene.call().facts["selected_pair"]["why"] == "it carried what was sent; no nomination was seen"


def test_why_a_pair_failed() -> None:
    scene = healthy()
    scene.check(31, 0, (A6, B6), answer=False)
    scene.check(32, 1, (A6, B6), answer=False)
    scene.check(9000, 0)
    row = scene.call().facts["pairs"][1]
    assert (row["state"], row["why"]) == ("failed", "both ends sent checks, and neither was answered")


def test_states_of_pairs() -> None:
    scene = healthy()
    scene.check(31, 1, (A6, B6))
    scene.check(45, 0, (A, B6), answer=False)
    assert [row["state"] for row in scene.call().facts["pairs"]] == ["selected", "succeeded", "in progress"]


def test_media_in_the_title() -> None:
    scene = Scene()
    for side in (0, 1):
        note = scene.describe(side * 20, side)
        note.fields["media"] += [{"media": "audio"}, {"media": "video"}]
    scene.ice()
    assert scene.call().title == "A 10.0.0.1 <-> B 10.0.0.2, audio and video"


def test_labels_in_the_title() -> None:
    scene = healthy()
    for label in ("x" * 80, "other", "other"):
        scene.note(60, A, B, "datachannel.open", {"label": label})
    assert scene.call().title.endswith(f', data channel "{"x" * 57}..." and 1 more')


def test_media_without_signalling() -> None:
    scene = Scene()
    scene.ice()
    scene.note(60, A, B, "rtp.stream", {"ssrc": 1})
    assert scene.call().title.endswith(", media")


def test_tables_of_the_rooms_are_kept_and_those_of_a_second_leg_are_not_added() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    story.facts |= {"channels": [{"label": "a"}, {"label": "b"}], "dtls_version": "DTLS 1.3", "streams": "none"}
    scene.check(31, 1, (A6, B6))
    other, _ = scene.story(A6, B6)
    other.facts |= {"channels": [{"label": "a"}]}
    facts = scene.call().facts
    assert (facts["channels"], facts["dtls_version"]) == ([{"label": "a"}, {"label": "b"}], "DTLS 1.3")
    assert "streams" not in facts


def test_hosts_of_a_call_that_only_signalling_knows() -> None:
    scene = Scene()
    name = Endpoint("c588fe94-b7ec-4cd8-a0c2-d3468df02945.local", 1)
    scene.describe(0, 0, candidates=[candidate(name), candidate(A)])
    scene.describe(1, 0, candidates=[candidate(name), candidate(A)], socket=1, received=True)
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.ask(5, A, mapped=A)
    assert scene.call().title == "A 10.0.0.1 <-> B 10.0.0.2, nothing beyond signalling"


def test_tables_have_an_end() -> None:
    scene = Scene()
    for number in range(MAX_ROWS + 3):
        scene.check(number, 0, (Endpoint("10.0.0.1", 5000 + number), B))
    facts = scene.call().facts
    assert (len(facts["pairs"]), facts["pairs_not_listed"]) == (MAX_ROWS, 3)
    assert len(facts["a"]["addresses"]) == 1


def test_flights_are_told_by_a_and_b() -> None:
    scene = healthy()
    story, side = scene.story(A, B)
    row = {"messages": ["client-hello"], "start_ns": 1, "end_ns": 1, "again_ms": []}
    story.facts["flights"] = [{"sender": ("initiator", "responder")[1 - side], **row}, {"sender": "nobody", **row}]
    assert [one["sender"] for one in scene.call().facts["dtls_flights"]] == ["B", "nobody"]
    assert "kept_alive" not in scene.call().facts["selected_pair"]
    scene.check(9000, 0)
    assert scene.call().facts["selected_pair"]["kept_alive"]["checks"] == [1, 0]
