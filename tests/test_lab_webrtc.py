"""The WebRTC captures of the lab: the calls of browsers and of aiortc, told as these logged them."""

from __future__ import annotations

import csv
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import analyzer
from analyzer.core import Limits, Note, Report, Session, Severity
from tests.conftest import LAB, lab_file

if TYPE_CHECKING:
    from collections.abc import Iterable

CAPTURES = sorted(path.stem for path in (LAB / "captures").glob("webrtc-*.pcapng"))
#: Those that can be opened.
KEYED = [name for name in CAPTURES if (LAB / "captures" / f"{name}.keys").exists()]
WRONG = (Severity.ERROR, Severity.WARNING)
#: Strings in the log are cut to this many characters.
LOGGED = 60
ENDS = ("A", "B")


@cache
def truth_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab_file(f"{name}.json").read_text())["truth"]
    return found


@cache
def report_of(name: str) -> Report:
    path = lab_file(f"{name}.pcapng")
    keys = path.with_suffix(".keys")
    limits = Limits(message_bytes=1 << 16)  # so that messages are whole
    return analyzer.analyze(path, keylog=keys if keys.exists() else None, limits=limits)


def call_of(name: str) -> Session:
    (call,) = [session for session in report_of(name).sessions if session.kind == "webrtc"]
    return call


def expected(name: str) -> list[str]:
    """The codes that may come first; empty where nothing is wrong."""
    with lab_file("../expected_findings.tsv").open() as lines:
        codes = {row[0]: row[1] for row in csv.reader(lines, delimiter="\t") if len(row) > 1}[name]
    return [] if codes == "-" else codes.split("|")


def page(name: str, end: str) -> dict[str, Any]:
    found: dict[str, Any] = truth_of(name)[end]
    return found


def notes(name: str, kind: str) -> list[Note]:
    return [note for note in call_of(name).notes if note.kind == kind]


@pytest.mark.parametrize("name", CAPTURES)
def test_one_call_and_its_first_finding(name: str) -> None:
    call_of(name)
    found = [finding.code for finding in report_of(name).findings if finding.severity in WRONG]
    wanted = expected(name)
    if wanted:
        assert found[0] in wanted
    else:
        assert found == []


@pytest.mark.parametrize("name", CAPTURES)
def test_no_mistakes(name: str) -> None:
    kinds = {note.kind for session in report_of(name).sessions for note in session.notes}
    assert not {kind for kind in kinds if kind.endswith(".malformed") or kind.startswith("engine.")}
