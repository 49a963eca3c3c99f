"""Checks against the passwords that were signalled."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from analyzer.core import Severity
from tests.sessions.webrtc.made import UFRAGS, Scene

COVERED = b"the bytes of a check"


def sample(password: str, algorithm: str = "sha1") -> dict[str, Any]:
    found = hmac.digest(password.encode(), COVERED, algorithm).hex()
    return {"frame": 5, "class": "request", "algorithm": algorithm, "input": COVERED.hex(), "integrity": found}


def scene_with(*samples: dict[str, Any], relayed: bool = False, username: str = f"{UFRAGS[1]}:{UFRAGS[0]}") -> Scene:
    scene = Scene()
    scene.agree()
    scene.ice()
    story = list(scene.stories.values())[-1]
    checks = [{"username": username, "first_ns": 30, "integrity": list(samples)}]
    if relayed:
        story.facts["ice_relayed_paths"] = [{"ice_checks": checks}]
    else:
        story.facts["ice_checks"] = checks
    return scene


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_right_password(algorithm: str) -> None:
    cut = sample("password of 1", algorithm)
    cut["integrity"] = cut["integrity"][:32]
    assert scene_with(sample("password of 1", algorithm), cut).codes() == []


@pytest.mark.parametrize("relayed", [False, True])
def test_another_password(relayed: bool) -> None:
    scene = scene_with(sample("of yesterday"), relayed=relayed)
    verdict = scene.verdict("stun.bad-integrity")
    assert verdict.text == (
        "The check of A for bbbb (frame 5) was not made with the ice-pwd that the answer in frame 3 has for it."
    )
    assert verdict.severity is Severity.ERROR


def test_the_password_of_the_other_description() -> None:
    verdict = scene_with(sample("password of 0")).verdict("stun.bad-integrity")
    assert verdict.text.endswith("It was made with the one of ice-ufrag aaaa, of frame 1.")


def test_it_covers_what_came_of_it() -> None:
    scene = Scene()
    scene.agree()
    for at in range(12):
        scene.check(30 + at * 1000, 0, error=401)
    story = list(scene.stories.values())[-1]
    story.facts["ice_checks"] = [{"username": "bbbb:aaaa", "first_ns": 30, "integrity": [sample("of yesterday")]}]
    scene.say(40, 0, (story.flow.initiator, story.flow.responder), "stun.error-400-401-on-check")
    assert scene.codes() == ["stun.bad-integrity"]
    assert "12 checks were refused with 401." in scene.verdict("stun.bad-integrity").text


def test_a_call_that_works_all_the_same() -> None:
    scene = scene_with(sample("of yesterday"))
    scene.secure()
    assert scene.verdict("stun.bad-integrity").severity is Severity.WARNING


@pytest.mark.parametrize(
    "lie",
    [
        {"input": "no hex"},
        {"integrity": ""},
        {"algorithm": "md5"},
        {"algorithm": None},
        {"class": "success"},
        {"input": None, "integrity": None},
    ],
)
def test_what_cannot_be_verified_is_no_evidence(lie: dict[str, Any]) -> None:
    assert scene_with(sample("of yesterday") | lie).codes() == []


def test_ufrags_without_a_description_are_left_alone() -> None:
    assert scene_with(sample("of yesterday"), username="zzzz:yyyy").codes() == []
    assert scene_with(sample("of yesterday"), username="nothing").codes() == []


def test_only_so_many_are_tried() -> None:
    scene = scene_with(*[sample("password of 1") for _ in range(70)], sample("of yesterday"))
    assert scene.codes() == []


def test_how_many_were_right() -> None:
    cut = sample("password of 1", "md5")
    scene = scene_with(sample("password of 1"), sample("of yesterday"), cut)
    assert scene.call().facts["integrity"] == {"messages": 3, "right": 1, "wrong": 1}
    assert "integrity" not in scene_with(sample("x"), username="else:aaaa").call().facts
    scene = Scene()
    scene.ice()
    assert "integrity" not in scene.call().facts
