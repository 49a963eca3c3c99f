"""TLS in captures that others made: our reading beside tshark's, fact by fact; each difference has its reason."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from analyzer import api
from analyzer.core import CaptureError
from analyzer.report.json import write_json
from tests.conftest import CORPUS

if TYPE_CHECKING:
    from types import ModuleType

CATEGORIES: Final = ("tls-messages", "tls-hello", "tls-alerts", "certificates")
SCORE: Final = CORPUS / "score.py"
TRUTHS: Final = sorted((CORPUS / "truth").glob("*.json")) if SCORE.exists() else []

pytestmark = pytest.mark.skipif(not TRUTHS, reason="the corpus is not here")


@cache
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SCORE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def known(table: str) -> dict[tuple[str, str], tuple[Counter[str], Counter[str]]]:
    """By capture and category: facts that only we have, and that only the oracle has."""
    found: dict[tuple[str, str], tuple[Counter[str], Counter[str]]] = {}
    path = Path(__file__).with_name(table)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            ours, theirs = found.setdefault((row["capture"], row["category"]), (Counter(), Counter()))
            (ours if row["who"] == "ours" else theirs)[row["fact"]] += 1
            assert row["reason"]
    return found


def reported(name: str, truth: dict[str, Any]) -> dict[str, Any]:
    files = CORPUS / "files"
    keylog = files / truth["keylog"] if truth.get("keylog") else None
    out = io.BytesIO()
    write_json(api.analyze(files / name, keylog=keylog), out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.parametrize("path", TRUTHS, ids=[path.name.removesuffix(".json") for path in TRUTHS])
def test_the_facts_of_tls_are_those_of_the_oracle(path: Path) -> None:
    name = path.name.removesuffix(".json")
    truth = json.loads(path.read_text(encoding="utf-8"))
    wanted = score().truth_facts(truth)
    try:
        have = score().report_facts(reported(name, truth))
    except CaptureError:
        have = score().report_facts({})
    if not any(wanted[category] or have[category] for category in CATEGORIES):
        pytest.skip("no TLS")
    for category in CATEGORIES:
        ours = Counter(str(fact) for fact in (have[category] - wanted[category]).elements())
        theirs = Counter(str(fact) for fact in (wanted[category] - have[category]).elements())
        assert (ours, theirs) == known("known_differences_tls.tsv").get((name, category), (Counter(), Counter())), (
            category
        )
