"""The WebSocket captures of the lab: they tell what the applications logged, message by message, and how it ended."""

from __future__ import annotations

import csv
import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

import analyzer
from analyzer.core import Limits, Note, Outcome, Report, Session, Severity, Side
from tests.conftest import LAB, lab_file, present

if TYPE_CHECKING:
    from pathlib import Path

CAPTURES: Final = sorted(path.stem for kind in ("ws-*", "wss-*") for path in (LAB / "captures").glob(f"{kind}.pcapng"))
#: Nobody logged what opens it.
CLOSED: Final = "wss-chromium-no-keys"
OPEN: Final = [name for name in CAPTURES if name != CLOSED]
#: Longer texts stand in the logs with this many characters, bytes with that many hex digits.
LOGGED_CHARACTERS: Final = 80
LOGGED_DIGITS: Final = 128
WRONG: Final = (Severity.ERROR, Severity.WARNING)
#: Messages as whole as they are.
LIMITS: Final = Limits(message_bytes=1 << 20)
OPCODES: Final = ("websocket.text", "websocket.binary", "websocket.continuation")
Message = tuple[str, int, str]


def truth_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab_file(f"{name}.json").read_text())["truth"]
    return found


#: Those whose servers logged messages.
SERVERS: Final = [name for name in OPEN if "server_messages" in truth_of(name)]


def keys_of(name: str) -> Path | None:
    path = LAB / "captures" / f"{name}.keys"
    return path if path.exists() else None


@cache
def report_of(name: str) -> Report:
    return analyzer.analyze(lab_file(f"{name}.pcapng"), keylog=keys_of(name), limits=LIMITS)


def sockets(name: str) -> list[Session]:
    return [session for session in report_of(name).sessions if session.kind == "websocket"]


def pages(name: str) -> list[tuple[dict[str, Any], Session | None]]:
    """What each page logged of a WebSocket, and the session of it: None where a proxy let it come to none."""
    left = sockets(name)
    found: list[tuple[dict[str, Any], Session | None]] = []
    for page in truth_of(name).get("page", []):
        session = next((one for one in left if one.title == page["url"]), None)
        if session is not None:
            left.remove(session)
        found.append((page, session))
    assert not left or not found
    return found


def shown(note: Note) -> Message:
    """A message as logs have it: its kind, its size, and its beginning."""
    text = str(note.fields["message"])
    if note.fields["message_type"] == "binary":
        assert len(text) == 2 * note.fields["message_bytes"]
        return "binary", len(text) // 2, text[:LOGGED_DIGITS]
    assert len(text.encode()) == note.fields["message_bytes"]
    return "text", len(text), text[:LOGGED_CHARACTERS] if len(text) > LOGGED_CHARACTERS else text


def logged(message: dict[str, Any] | str) -> Message:
    if isinstance(message, str):
        return "text", len(message), message
    if "hex" in message:
        return "binary", message["bytes"], message["hex"]
    return "text", message.get("chars", len(message["text"])), message["text"]


def messages(session: Session | None, sender: Side) -> list[Message]:
    if session is None:
        return []
    notes = [note for note in session.notes if note.kind in OPCODES and note.sender is sender]
    return [shown(note) for note in notes if "message" in note.fields]


def expected(name: str) -> list[str] | None:
    """The codes that may come first; empty where nothing is wrong, None where that is not judged."""
    with present(LAB / "expected_findings.tsv").open() as lines:
        codes = {row[0]: row[1] for row in csv.reader(lines, delimiter="\t") if len(row) > 1}[name]
    return None if codes == "?" else [] if codes == "-" else codes.split("|")


# --- what was said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPEN)
def test_messages_are_those_that_the_applications_logged(name: str) -> None:
    for page, session in pages(name):
        faulty = session is not None and any(note.verdict for note in session.notes)
        assert messages(session, Side.INITIATOR) == [logged(one) for one in page["sent"]]
        if not faulty:  # else what the page had to refuse is told, and not in its log
            assert messages(session, Side.RESPONDER) == [logged(one) for one in page["received"]]


@pytest.mark.parametrize("name", SERVERS)
def test_messages_are_those_that_the_server_sent(name: str) -> None:
    (session,) = sockets(name)
    assert messages(session, Side.RESPONDER) == [logged(one) for one in truth_of(name)["server_messages"]]


def test_every_message_under_load() -> None:
    sessions = sockets("load-ws-tcp")
    truth = truth_of("load-ws-tcp")
    assert len(sessions) == truth["total"]["ws_connections"]
    each = {tuple(one["local"]): one["messages_each_way"] for one in truth["connections"] if one["kind"] == "ws"}
    for session in sessions:
        (flow,) = [flow for flow in report_of("load-ws-tcp").flows if flow.id in session.flows]
        wanted = each[flow.initiator.address, flow.initiator.port]
        sent, received = (messages(session, side) for side in Side)
        assert (sent, len(sent)) == (received, wanted)
        assert [text.split(".")[0].split()[-1] for _, _, text in sent] == [str(number) for number in range(wanted)]


# --- how it ended -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPEN)
def test_close_codes_are_those_that_the_applications_saw(name: str) -> None:
    served = {one["id"]: one for one in truth_of(name).get("server", []) if one["event"] == "closed" and "id" in one}
    for page, session in pages(name):
        if session is None:
            assert page["close"]["code"] == 1006
            continue
        seen = session.facts["close_codes_seen"]
        assert seen[0] == page["close"]["code"]
        (flow,) = [flow for flow in report_of(name).flows if flow.id in session.flows]
        # A server that closed for a fault of the client's tells its application 1006, whatever comes back.
        if flow.initiator.port in served and session.facts.get("close_begun_by") != "server":
            assert seen[1] == served[flow.initiator.port]["code"]
        reasons = [note.fields["close_reason"] for note in session.notes if note.kind == "websocket.close"]
        assert page["close"]["reason"] in reasons or not page["close"]["reason"]


@pytest.mark.parametrize("name", CAPTURES)
def test_the_first_finding(name: str) -> None:
    wanted, findings = expected(name), report_of(name).findings
    if wanted:
        assert findings[0].code in wanted
    elif wanted is not None:
        assert [finding.code for finding in findings if finding.severity in WRONG] == []


def test_each_fault_is_found_where_it_is() -> None:
    codes = {
        "unmasked": "frame-unmasked-from-client",
        "reserved bits": "frame-reserved-bits",
        "unknown opcode": "frame-bad-opcode-or-sequence",
        "fragmented ping": "frame-control-invalid",
        "long ping": "frame-control-invalid",
        "bad UTF-8": "message-invalid-utf8",
        "stray continuation": "frame-bad-opcode-or-sequence",
    }
    faults = truth_of("ws-bad-frames")["faults"]
    findings = report_of("ws-bad-frames").findings
    for session, fault in zip(sockets("ws-bad-frames"), faults, strict=True):
        told = [one.code for one in findings if one.session == session.id and one.severity is Severity.ERROR]
        assert told == [f"websocket.{codes[fault['fault']]}"]
        assert session.facts["close_code"] == fault["server_close_code"]
        assert session.facts["close_begun_by"] == "server"


def test_each_refusal_has_its_code() -> None:
    codes = {403: "forbidden", 426: "stripped", 400: "refused", 401: "unauthorised", 302: "redirected", 200: "stripped"}
    for session in sockets("ws-refused"):
        (finding,) = [
            one for one in report_of("ws-refused").findings if one.session == session.id and one.severity in WRONG
        ]
        assert finding.code == f"websocket.upgrade-{codes[session.facts['status']]}"
        assert session.outcome is Outcome.FAILED


# --- how it was set up ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in OPEN if expected(name) == []])
def test_phases_follow_each_other(name: str) -> None:
    for session in sockets(name):
        names = [phase.name for phase in session.phases]
        wanted = ["tcp"]
        wanted += ["proxy"] if "proxy" in name else []
        wanted += ["tls"] if session.title.startswith("wss") else []
        wanted += ["http"] if "-h2-" in name else []  # the page came by the same connection
        assert names[: len(wanted) + 1] == [*wanted, "upgrade"]
        assert names[len(wanted) + 1 :] == ["open", "close"]
        assert session.outcome is Outcome.ESTABLISHED
        ends = [phase.end_ns for phase in session.phases]
        assert ends == sorted(ends)
        assert all(phase.round_trips == 1 for phase in session.phases if phase.name in ("tcp", "proxy", "upgrade"))


def test_pings_are_answered() -> None:
    (session,) = sockets("ws-ping-pong")
    sent = [one["text"] for one in truth_of("ws-ping-pong")["server"] if one["event"] == "ping sent"]
    pongs = [note for note in session.notes if note.kind == "websocket.pong"]
    assert [note.fields["payload_bytes"] for note in pongs] == [len(text) for text in sent]
    assert all(note.fields["round_trip_ns"] > 0 for note in pongs)
    assert session.facts["ping_round_trip_ns"]["least"] > 0


@pytest.mark.parametrize("name", CAPTURES)
def test_no_mistakes(name: str) -> None:
    kinds = {note.kind for session in report_of(name).sessions for note in session.notes}
    assert not {kind for kind in kinds if kind.endswith((".malformed", ".violation")) or kind.startswith("engine.")}
