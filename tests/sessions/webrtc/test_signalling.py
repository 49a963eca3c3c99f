"""Offers, answers and candidates, by the agents they are about."""

from __future__ import annotations

import random
from typing import Any

from analyzer.core import Endpoint
from analyzer.sessions.webrtc.signalling import MAX_PER_AGENT, Sets, Signalling
from tests.sessions.webrtc.made import PRINTS, A, B, Scene, candidate


def read(scene: Scene) -> Signalling:
    return Signalling(list(scene.stories.values()))


def test_sets_are_found_whatever_the_order() -> None:
    for seed in range(5):
        pairs = [(str(number), str(number + 1)) for number in range(50) if number != 25]
        random.Random(seed).shuffle(pairs)
        sets = Sets()
        for one, other in pairs:
            sets.join(one, other)
        assert len({sets.find(str(number)) for number in range(26)}) == 1
        assert len({sets.find(str(number)) for number in range(51)}) == 2
    assert Sets().find("alone") == "alone"


def test_a_description_is_read() -> None:
    scene = Scene()
    more = {"sctp_port": 5001, "max_message_size": 9, "sctp_init": "AA", "end_of_candidates": True}
    more["rtpmap"] = [{"payload_type": 111, "encoding": "opus"}, {"encoding": "none"}, 7]
    scene.describe(0, 0, candidates=[candidate(A, "srflx", Endpoint("10.9.9.9", 1))], media=more, default=A)
    (told,) = read(scene).told_of("aaaa")
    assert (told.is_offer, told.setup, told.lite, told.ended, told.media) == (
        True,
        "actpass",
        False,
        True,
        ["application"],
    )
    assert (told.sctp_port, told.max_message_size, told.sctp_init) == (5001, 9, "AA")
    assert (told.payload_types, told.default) == (set(), [A])
    assert told.fingerprints == {"sha-256": {PRINTS[0]: None}}
    assert told.ufrags == {"aaaa": "password of 0"}
    (found,) = told.candidates
    assert (found.at, found.kind, found.protocol, found.related) == (A, "srflx", "udp", Endpoint("10.9.9.9", 1))


def test_what_stands_on_the_level_of_the_session_counts_too() -> None:
    scene = Scene()
    note = scene.describe(0, 0, prints="")
    medium = note.fields["media"][0]
    for name in ("ice_ufrag", "ice_pwd", "setup"):
        note.fields[name] = medium.pop(name)
    note.fields["fingerprints"] = [{"hash": "SHA-256", "value": "AB:CD"}]
    (told,) = read(scene).told_of("aaaa")
    assert (told.setup, told.fingerprints) == ("actpass", {"sha-256": {"abcd": None}})


def test_a_restart_is_of_the_same_agent_and_another_certificate_is_not() -> None:
    scene = Scene()
    scene.describe(0, 0)
    scene.describe(10, 0, ufrag="anew")
    scene.describe(20, 0, ufrag="else", prints="cc" * 32)
    found = read(scene)
    assert found.agent("aaaa") == found.agent("anew") != found.agent("else")
    assert [told.note.time_ns for told in found.told_of(found.agent("anew"))] == [0, 10_000_000]


def test_an_answer_belongs_to_the_offer_on_its_flow() -> None:
    scene = Scene()
    scene.agree()
    found = read(scene)
    assert found.partners == {"aaaa": "bbbb", "bbbb": "aaaa"}
    assert found.by_fingerprint == {PRINTS[0]: "aaaa", PRINTS[1]: "bbbb"}


def test_trickled_candidates_belong_to_their_ufrag() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A)])
    scene.trickle(5, 0, candidate(B))
    scene.trickle(6, 1, candidate(B))
    scene.trickle(7, 0, {"candidate": ""})
    found = read(scene)
    assert [one.at for one in found.offered_by("aaaa")] == [A, B]
    assert [one.at for one in found.offered_by("bbbb")] == [B]


def test_lists_have_an_end() -> None:
    scene = Scene()
    for number in range(MAX_PER_AGENT + 9):
        scene.describe(number, 0, candidates=[candidate(A)] * 3)
        scene.trickle(number, 1, candidate(B))
    found = read(scene)
    assert [len(one) for one in (found.told_of("aaaa"), found.offered_by("aaaa"), found.offered_by("bbbb"))] == [64] * 3


def test_lies_break_nothing() -> None:
    scene = Scene()
    lies: tuple[dict[str, Any], ...] = (
        {},
        {"media": 7},
        {"media": [7, {"ice_ufrag": 7, "fingerprints": [7, {}], "candidates": [7, {"address": 7, "port": "x"}]}]},
        {
            "media": [{"ice_ufrag": "x", "ice_pwd": 7, "setup": 7, "port": "y", "rtpmap": 7, "sctp_port": "z"}],
            "origin": 7,
        },
    )
    for number, lie in enumerate(lies):
        _, story = scene.note(number, A, B, "sdp.offer", dict(lie))
        scene.note(number, A, B, "sdp.candidate", dict(lie))
        story.facts["sdp"] = True
    found = read(scene)
    assert [told.ufrags for told in found.told_of("x")] == [{"x": ""}]
    assert list(found.descriptions) == ["x"]


def test_answers_find_their_offers_by_their_media() -> None:
    scene = Scene()
    voice = {"media": "audio"}
    scene.describe(0, 0, ufrag="one1", prints="11" * 32, origin="1")
    scene.describe(1, 0, ufrag="two2", prints="22" * 32, origin="2", media=voice)
    scene.describe(2, 1, offer=False, socket=0, received=True, ufrag="ans2", prints="33" * 32, media=voice)
    scene.describe(3, 1, offer=False, socket=0, received=True, ufrag="ans1", prints="44" * 32, origin="4")
    scene.describe(4, 1, offer=False, socket=0, received=True, ufrag="late", prints="55" * 32, origin="5")
    found = read(scene)
    assert [found.partners[name] for name in ("one1", "two2", "ans1", "ans2")] == ["ans1", "ans2", "one1", "two2"]
    assert "late" not in found.partners
