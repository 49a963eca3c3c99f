"""Every capture says what its JSON says, every finding has a capture that shows it, every maker makes its own."""

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.core import FindingKind, Severity
from analyzer.engine.registry import protocols
from analyzer.sessions.join import TABLES
from captures.expect import told, written
from tests.conftest import ROOT

FOLDER = ROOT / "captures"
CAPTURES = sorted(path for path in FOLDER.glob("*/*.pcapng"))
MAKERS = sorted(path for path in FOLDER.glob("*/*.py") if path.name != "__init__.py")
#: Captures of which nothing is wrong, by the first part of the name or the whole of it.
HEALTHY = (
    "healthy",
    "lab_any_sll2",
    "lab_basic",
    "lab_half_close",
    "lab_keepalive",
    "lab_simultaneous",
    "lab_postgres",
    "lab_starttls",
    "lab_tls12",
    "lab_tls13",
)


def names(paths: list[Path]) -> list[str]:
    return [f"{path.parent.name}/{path.stem}" for path in paths]


@cache
def expected(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return result


@pytest.mark.parametrize("path", CAPTURES, ids=names(CAPTURES))
def test_capture_tells_its_expected_timeline(path: Path) -> None:
    said, wanted = told(path), expected(path)
    assert said["timeline"] == wanted["timeline"]
    assert said["findings"] == wanted["findings"]
    assert said["sessions"] == wanted["sessions"]
    assert json.loads(written(said)) == said


def tables() -> dict[str, FindingKind]:
    found = {code: kind for protocol in protocols() for code, kind in protocol.findings.items()}
    return {**found, **TABLES}


@pytest.mark.parametrize("code", sorted(tables()))
def test_every_finding_has_a_capture_that_shows_it(code: str) -> None:
    shown = {finding["code"] for path in CAPTURES for finding in expected(path)["findings"]}
    assert code in shown


def test_nothing_is_wrong_with_healthy_captures() -> None:
    healthy = [path for path in CAPTURES if path.stem.startswith(HEALTHY)]
    assert healthy
    wrong = {Severity.ERROR, Severity.WARNING}
    for path in healthy:
        assert [finding for finding in expected(path)["findings"] if finding["severity"] in wrong] == [], path.stem


@pytest.mark.parametrize("path", MAKERS, ids=names(MAKERS))
def test_maker_makes_the_very_same_capture(path: Path) -> None:
    pytest.importorskip("scapy")
    maker = importlib.import_module(f"captures.{path.parent.name}.{path.stem}")
    cases = maker.CASES if hasattr(maker, "CASES") else {path.stem: maker.build}
    for name, build in cases.items():
        made = build()
        assert made.bytes() == path.with_name(f"{name}.pcapng").read_bytes(), name
        keys = path.with_name(f"{name}.keys")
        assert getattr(made, "keys", "") == (keys.read_text() if keys.exists() else ""), name


def test_every_finding_is_told_in_full() -> None:
    for path in CAPTURES:
        report = analyzer.analyze(path)
        for finding in report.findings:
            assert finding.title, finding.code
            assert finding.text, finding.code
            assert finding.cause, finding.code
            assert finding.advice, finding.code
            assert finding.code.startswith("capture.") or finding.spec, finding.code


def test_tracing_shows_the_header_of_every_segment_that_is_told() -> None:
    report = analyzer.analyze(FOLDER / "tcp" / "healthy.pcapng", trace=True)
    for note in report.sessions[0].notes:
        assert note.tree is not None
        assert [field.name for field in note.tree][:2] == ["source_port", "destination_port"]
    options = [field for field in report.sessions[0].notes[0].tree or [] if field.name == "option"]
    assert options[0].piece is not None
    assert options[0].piece.spans == ((1, 54, 58),)
