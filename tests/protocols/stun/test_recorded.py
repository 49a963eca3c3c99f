"""Recorded captures: what tshark finds in the corpus, and what the applications of the lab did."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import analyzer
from tests.conftest import CORPUS, LAB, corpus_file, lab_file

if TYPE_CHECKING:
    from analyzer.core import Report

TRUTHS = sorted(
    path.name.removesuffix(".json")
    for path in (CORPUS / "truth").glob("*.json")
    if b'"transaction_id"' in path.read_bytes()
)
CALLS = sorted(path.stem for path in (LAB / "captures").glob("webrtc-*.pcapng"))
#: What is to be found, by the scenario of the lab; "challenge" is by design.
FOUND = {
    "webrtc-fail-ice": {"stun.no-response"},
    "webrtc-fail-peer-gone": {"ice.consent-lost", "stun.no-response"},
    "webrtc-turn-wrong-credentials": {"turn.auth-failed"},
}


def messages(report: Report, relayed: bool) -> Counter[tuple[int, str]]:
    """Frames and transactions of the messages outside or inside a relay's wrapping."""
    return Counter(
        (note.frames[-1], note.fields["transaction_id"])
        for session in report.sessions
        for note in session.notes
        if note.kind.startswith(("stun.", "turn."))
        and "transaction_id" in note.fields
        and (note.path.count("stun") > 1) is relayed
    )


@pytest.mark.parametrize("name", TRUTHS)
def test_messages_are_those_of_the_truth(name: str) -> None:
    truth = json.loads((CORPUS / "truth" / f"{name}.json").read_text())
    wanted = Counter(
        (message["frame"], message["transaction_id"])
        for conversation in truth.get("stun", [])
        for message in conversation["messages"]
    )
    report = analyzer.analyze(corpus_file(name))
    found = messages(report, relayed=False)
    assert not found - wanted
    assert not wanted - found - messages(report, relayed=True)


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_the_lab(name: str) -> None:
    report = analyzer.analyze(lab_file(f"{name}.pcapng"))
    found = {one.code for one in report.findings if one.code.startswith(("stun.", "ice.", "turn."))}
    assert found - {"turn.challenge"} == FOUND.get(name, set())
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
