"""Recorded captures: what tshark finds in the corpus, and what browsers did in the lab."""

from __future__ import annotations

import json
from typing import Any

import pytest

import analyzer
from tests.conftest import CORPUS, LAB, corpus_file, lab_file

TRUTHS = sorted(
    path.name.removesuffix(".json")
    for path in (CORPUS / "truth").glob("*.json")
    if json.loads(path.read_text()).get("http2")
)
CAPTURES = sorted(path.stem for path in (LAB / "captures").glob("ws-h2-*.pcapng"))


@pytest.mark.parametrize("name", TRUTHS)
def test_requests_and_responses_are_those_of_the_truth(name: str) -> None:
    truth = json.loads((CORPUS / "truth" / f"{name}.json").read_text())
    wanted = [one for connection in truth["http2"] for one in connection["headers"]]
    report = analyzer.analyze(corpus_file(name))
    found = [
        note
        for session in report.sessions
        for note in session.notes
        if note.kind in ("http.request", "http.response") and note.path[-1] == "http2"
    ]
    assert [(note.frames[-1], note.fields["stream_id"]) for note in found] == [
        (one["frame"], one["stream_id"]) for one in wanted
    ]
    for note, one in zip(found, wanted, strict=True):
        pseudo = dict(one["pseudo"])
        if ":status" in pseudo:
            assert note.fields["status"] == int(pseudo[":status"])
        else:
            assert (note.fields["method"], note.fields["target"]) == (pseudo[":method"], pseudo[":path"])
    assert not [finding.code for finding in report.findings if finding.code.startswith(("http", "websocket"))]


@pytest.mark.parametrize("name", CAPTURES)
def test_websockets_of_browsers(name: str) -> None:
    path = lab_file(f"{name}.pcapng")
    (page,) = json.loads(path.with_suffix(".json").read_text())["truth"]["page"]
    report = analyzer.analyze(path, keylog=path.with_suffix(".keys"))
    session = next(one for one in report.sessions if one.kind == "websocket")
    assert session.title == page["url"]
    said: list[list[Any]] = [[], []]
    for note in session.notes:
        if note.kind == "websocket.text" and note.sender is not None:
            said[note.sender].append(note.text.partition(": ")[2].strip('"'))
    assert said == [[one["text"] for one in page[end]] for end in ("sent", "received")]
    assert not [note.text for note in session.notes if note.kind in ("http2.headers", "http2.late", "http2.malformed")]
    assert not [finding.code for finding in report.findings if finding.code.startswith(("http", "websocket"))]
