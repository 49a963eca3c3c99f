"""WebSockets in captures that others made: our reading beside tshark's; each difference has its reason."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from analyzer.core import CaptureError
from tests.test_corpus_tls import TRUTHS, known, reported, score

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES: Final = ("websocket-upgrade", "websocket-frames")

pytestmark = pytest.mark.skipif(not TRUTHS, reason="the corpus is not here")


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
        assert (ours, theirs) == known("known_differences_ws.tsv").get((name, category), (Counter(), Counter())), (
            category
        )
