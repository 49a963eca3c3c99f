"""STUN and DTLS in captures that others made: our messages beside the oracle's; each difference has its reason.

Two kinds of differences are of principle: the oracle tells every fragment of a DTLS message by itself, and does not
look into the data of a TURN relay.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from analyzer import api
from analyzer.core import CaptureError
from analyzer.report.json import write_json
from tests.conftest import CORPUS

TRUTHS: Final = sorted((CORPUS / "truth").glob("*.json")) if (CORPUS / "truth").exists() else []
NAMES: Final = [path.name.removesuffix(".json") for path in TRUTHS]
#: What nobody can read, or what is no message of the handshake: as the oracle calls it, and as our notes do.
APART: Final = frozenset({"encrypted", "encrypted_alert", "encrypted_handshake_message", "application_data"})
UNREAD: Final = frozenset({"application-data", "encrypted-handshake", "gap"})

pytestmark = pytest.mark.skipif(not TRUTHS, reason="the corpus is not here")

Messages = Counter[str]


@cache
def known() -> dict[tuple[str, str], tuple[Messages, Messages]]:
    """By capture and protocol: messages that only we have, and that only the oracle has."""
    found: dict[tuple[str, str], tuple[Messages, Messages]] = {}
    with Path(__file__).with_name("known_differences_udp.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            ours, theirs = found.setdefault((row["capture"], row["protocol"]), (Counter(), Counter()))
            (ours if row["who"] == "ours" else theirs)[row["message"]] += 1
            assert row["reason"]
    return found


@cache
def notes_of(name: str) -> list[dict[str, Any]]:
    out = io.BytesIO()
    try:
        write_json(api.analyze(CORPUS / "files" / name), out)
    except CaptureError:
        return []
    return [note for session in json.loads(out.getvalue())["sessions"] for note in session["notes"]]


def value(found: Any) -> Any:
    return found["value"] if isinstance(found, dict) else found


def check(name: str, protocol: str, ours: Messages, theirs: Messages) -> None:
    assert (ours - theirs, theirs - ours) == known().get((name, protocol), (Counter(), Counter()))


@pytest.mark.parametrize("path", TRUTHS, ids=NAMES)
def test_messages_of_stun(path: Path) -> None:
    name = path.name.removesuffix(".json")
    theirs: Messages = Counter()
    for conversation in json.loads(path.read_text(encoding="utf-8")).get("stun", []):
        for message in conversation["messages"]:
            if message.get("transaction_id") and int(message["type"], 16) < 0x4000:
                theirs[f"{message['frame']} {int(message['type'], 16):#06x} {message['transaction_id']}"] += 1
    ours: Messages = Counter()
    for note in notes_of(name):
        fields = note["fields"]
        if note["kind"].startswith(("stun.", "turn.")) and fields.get("transaction_id"):
            ours[f"{note['frames'][-1]} {value(fields['message_type']):#06x} {fields['transaction_id']}"] += 1
    check(name, "stun", ours, theirs)


@pytest.mark.parametrize("path", TRUTHS, ids=NAMES)
def test_messages_of_dtls(path: Path) -> None:
    name = path.name.removesuffix(".json")
    theirs: Messages = Counter()
    for connection in json.loads(path.read_text(encoding="utf-8")).get("dtls", []):
        for message in connection["messages"]:
            if message["msg"] not in APART:
                theirs[f"{message['frame']} {message['msg'].replace('_', '-')}"] += 1
    ours: Messages = Counter()
    for note in notes_of(name):
        room, _, event = note["kind"].partition(".")
        unread = event in UNREAD or event.startswith("record-")
        if room == "dtls" and not unread:
            ours[f"{note['frames'][-1]} {event}"] += 1
    check(name, "dtls", ours, theirs)
