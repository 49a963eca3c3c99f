"""RTP in captures that others made: our streams beside tshark's, by SSRC and packets; differences have reasons."""

from __future__ import annotations

import csv
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
    from collections.abc import Iterable

TRUTHS: Final = sorted((CORPUS / "truth").glob("*.json")) if (CORPUS / "truth").exists() else []

pytestmark = pytest.mark.skipif(not TRUTHS, reason="the corpus is not here")

#: What explains the streams of a capture that no signalling announces, and how many there are.
UNSIGNALLED: Final = "unsignalled"

Streams = Counter[str]


@cache
def known() -> dict[str, tuple[Streams, Streams]]:
    """By capture: streams that only we have, and that only the oracle has."""
    found: dict[str, tuple[Streams, Streams]] = {}
    with Path(__file__).with_name("known_differences_rtp.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            assert row["reason"]
            if row["who"] != UNSIGNALLED:
                ours, theirs = found.setdefault(row["capture"], (Counter(), Counter()))
                (ours if row["who"] == "ours" else theirs)[row["fact"]] += 1
    return found


@cache
def unsignalled() -> dict[str, int]:
    """By capture: streams that the oracle does not list as RTP unless it is told to look into every UDP payload."""
    with Path(__file__).with_name("known_differences_rtp.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["capture"]: int(row["fact"]) for row in rows if row["who"] == UNSIGNALLED}


def streams_of(truth: dict[str, Any]) -> Streams:
    """Those the oracle is sure of, and those it finds where it is told to look into every UDP payload.

    The latter are plausible by its own account; they are RTP whose signalling nobody can read.
    """
    found: Streams = Counter()
    entries: Iterable[dict[str, Any]] = (truth.get("rtp") or []) + (truth.get("rtp_heuristic") or [])
    for stream in entries:
        if stream.get("plausible", True):
            found[str((int(stream["ssrc"], 16), stream["packets"]))] += 1
    return found


def reported(name: str) -> dict[str, Any]:
    out = io.BytesIO()
    write_json(api.analyze(CORPUS / "files" / name), out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.parametrize("path", TRUTHS, ids=[path.name.removesuffix(".json") for path in TRUTHS])
def test_the_streams_are_those_of_the_oracle(path: Path) -> None:
    name = path.name.removesuffix(".json")
    wanted = streams_of(json.loads(path.read_text(encoding="utf-8")))
    try:
        report = reported(name)
    except CaptureError:
        report = {}
    notes = [note for session in report.get("sessions", []) for note in session["notes"]]
    have: Streams = Counter(
        str((note["fields"]["ssrc"], note["fields"]["packets"])) for note in notes if note["kind"] == "rtp.stream"
    )
    assert (have - wanted, wanted - have) == known().get(name, (Counter(), Counter()))
    told = json.loads(path.read_text(encoding="utf-8")).get("rtp") or []
    sure = Counter(str((int(one["ssrc"], 16), one["packets"])) for one in told if one.get("plausible", True))
    assert (have - sure).total() == unsignalled().get(name, 0)
    assert [note for note in notes if note["kind"] == "engine.internal-error"] == []
