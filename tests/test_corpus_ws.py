"""WebSockets in captures that others made: our reading beside tshark's; each difference has its reason."""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from analyzer.core import CaptureError
from tests.test_corpus_tls import TRUTHS, reported, score

CATEGORIES: Final = ("websocket-upgrade", "websocket-frames")

pytestmark = pytest.mark.skipif(not TRUTHS, reason="the corpus is not here")


@cache
def known() -> dict[tuple[str, str], tuple[Counter[str], Counter[str]]]:
    """By capture and category: facts that only we have, and that only the oracle has."""
    found: dict[tuple[str, str], tuple[Counter[str], Counter[str]]] = {}
    path = Path(__file__).with_name("known_differences_ws.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            ours, theirs = found.setdefault((row["capture"], row["category"]), (Counter(), Counter()))
            (ours if row["who"] == "ours" else theirs)[row["fact"]] += 1
            assert row["reason"]
    return found


@pytest.mark.parametrize("path", TRUTHS, ids=[path.name.removesuffix(".json") for path in TRUTHS])
def test_the_facts_of_websocket_are_those_of_the_oracle(path: Path) -> None:
    name = path.name.removesuffix(".json")
    truth = json.loads(path.read_text(encoding="utf-8"))
    wanted = score().truth_facts(truth)
    try:  # also where there is no WebSocket: none may be found
        have = score().report_facts(reported(name, truth))
    except CaptureError:
        have = score().report_facts({})
    for category in CATEGORIES:
        ours = Counter(str(fact) for fact in (have[category] - wanted[category]).elements())
        theirs = Counter(str(fact) for fact in (wanted[category] - have[category]).elements())
        assert (ours, theirs) == known().get((name, category), (Counter(), Counter())), category
