"""Certificates and roles of DTLS, beside the descriptions."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from tests.sessions.webrtc.made import PRINTS, A, B, Scene, candidate, healthy

OTHER = "cc" * 32


def tampered() -> Scene:
    """B's answer arrives with another fingerprint than it was sent with."""
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A)])
    scene.describe(1, 0, candidates=[candidate(A)], socket=1, received=True)
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.describe(21, 1, candidates=[candidate(B)], socket=0, received=True, prints=OTHER)
    scene.ice()
    return scene


def test_a_certificate_that_is_not_the_announced_one() -> None:
    scene = tampered()
    scene.secure(outcome=Outcome.FAILED)
    scene.note(58, A, B, "dtls.alert", {"description": {"value": 42, "name": "bad_certificate"}})
    scene.say(58, 0, (A, B), "dtls.alert-bad-certificate")
    (verdict,) = scene.told()[1]
    assert (verdict.code, verdict.severity, verdict.time_ns) == ("dtls.fingerprint-mismatch", Severity.ERROR, 0)
    assert verdict.text == (
        "B's certificate has the sha-256 BB:BB:BB:BB:BB:BB:BB:BB... (frame 14); the answer in frame 4 announces "
        "CC:CC:CC:CC:CC:CC:CC:CC.... In frame 3 it had the right one: it was changed on its way. A refused it: "
        "bad_certificate (frame 15)."
    )
    assert scene.call().outcome is Outcome.FAILED


def test_fingerprints_that_differ_late_are_shown_where_they_do() -> None:
    late = f"{'bb' * 31}cc"
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure(prints=(PRINTS[0], late))
    text = scene.verdict("dtls.fingerprint-mismatch").text
    assert "the sha-256 ...:BB:BB:BB:BB:BB:BB:BB:CC (frame 14)" in text
    assert "announces ...:BB:BB:BB:BB:BB:BB:BB:BB." in text


def test_an_alert_that_is_known_by_its_size() -> None:
    scene = tampered()
    scene.hello(50)
    scene.note(55, A, B, "dtls.application-data", {"records": 1, "bytes": 19})
    text = scene.verdict("dtls.fingerprint-mismatch").text
    assert text.endswith("A then sent an encrypted record of the size of an alert (frame 12).")


def test_a_certificate_that_no_copy_announces() -> None:
    scene = healthy()
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure(prints=(PRINTS[0], OTHER))
    assert "announces BB:BB" in scene.verdict("dtls.fingerprint-mismatch").text


def test_signalling_that_changes_the_fingerprint_of_a_certificate_that_is_encrypted() -> None:
    scene = tampered()
    scene.hello(50)
    scene.note(55, A, B, "dtls.record-alert")
    verdict = scene.verdict("dtls.fingerprint-mismatch")
    assert "signalling changed it. A then sent an alert, which is encrypted (frame 12)." in verdict.text
    assert verdict.limits
    assert scene.call().outcome is Outcome.FAILED


def test_other_hashes_are_not_compared() -> None:
    scene = Scene()
    scene.agree(prints=OTHER)
    for story in scene.stories.values():
        for note in story.notes:
            for medium in note.fields.get("media", []):
                medium["fingerprints"][0]["hash"] = "sha-512"
    scene.ice()
    scene.secure()
    assert scene.codes() == []


def test_no_fingerprint() -> None:
    scene = Scene()
    scene.describe(0, 0)
    scene.describe(20, 1, prints="")
    scene.ice()
    verdict = scene.verdict("dtls.fingerprint-missing")
    assert (verdict.text, verdict.severity) == (
        "The answer of B (frame 2) has ice-ufrag, and no a=fingerprint.",
        Severity.WARNING,
    )
    scene.secure()
    assert scene.verdict("dtls.fingerprint-missing").severity is Severity.NOTICE


def test_both_send_a_hello() -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.hello(50, 0)
    scene.hello(51, 1)
    verdict = scene.verdict("dtls.role-conflict")
    assert "a=setup is actpass in the offer and active in the answer" in verdict.text
    assert verdict.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("setup", "client", "found"), [("active", 1, 0), ("passive", 0, 0), ("active", 0, 1), ("passive", 1, 1)]
)
def test_the_wrong_one_sends_the_hello(setup: str, client: int, found: int) -> None:
    scene = Scene()
    scene.describe(0, 0)
    scene.describe(20, 1, setup=setup)
    scene.ice()
    scene.secure(client=client, outcome=Outcome.OPEN)
    assert scene.codes().count("dtls.role-conflict") == found
    if found:
        assert f"so {'AB'[1 - client]} was to." in scene.verdict("dtls.role-conflict").text


def test_neither_begins() -> None:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.check(8000, 0)
    verdict = scene.verdict("dtls.role-conflict")
    assert "neither side sent a ClientHello" in verdict.text
    assert "It was for B to begin." in verdict.text


def test_without_signalling_nobody_knows_who_was_to_begin() -> None:
    scene = Scene()
    scene.ice()
    scene.secure(client=0)
    assert scene.codes() == []
