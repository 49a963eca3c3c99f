"""Recorded calls: what is found of STUN, TURN and ICE is what the applications of the lab did."""

from __future__ import annotations

import pytest

import analyzer
from analyzer.core import Severity
from tests.conftest import LAB, lab_file

CALLS = sorted(path.stem for path in (LAB / "captures").glob("webrtc-*.pcapng"))
#: What is wrong, by the scenario of the lab.
WRONG = {
    "webrtc-fail-ice": {"ice.all-checks-failed"},
    "webrtc-fail-peer-gone": {"ice.consent-lost"},
    "webrtc-turn-wrong-credentials": {"turn.auth-failed"},
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_the_lab(name: str) -> None:
    report = analyzer.analyze(lab_file(f"{name}.pcapng"))
    wrong = {
        one.code
        for one in report.findings
        if one.severity in (Severity.ERROR, Severity.WARNING) and one.code.startswith(("stun.", "ice.", "turn."))
    }
    assert wrong == WRONG.get(name, set())
    kinds = {note.kind for session in report.sessions for note in session.notes}
    assert not kinds & {"stun.malformed", "engine.internal-error"}
    valid = [
        note.fields["fingerprint"]["valid"]
        for session in report.sessions
        for note in session.notes
        if "fingerprint" in note.fields
    ]
    assert valid
    assert all(valid)


@pytest.mark.parametrize("name", [name for name in CALLS if "-turn-" in name and "wrong" not in name])
def test_the_relayed_address_is_a_candidate_that_the_page_told(name: str) -> None:
    report = analyzer.analyze(lab_file(f"{name}.pcapng"))
    relayed = [session.facts.get("turn_relayed_address") for session in report.sessions]
    told = lab_file(f"{name}.json").read_text()
    addresses = [one for one in relayed if one is not None]
    assert addresses
    for one in addresses:
        host, _, port = one.rpartition(":")
        assert f"{host} {port} typ relay" in told
