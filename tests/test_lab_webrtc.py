"""The WebRTC captures of the lab: the calls of browsers and of aiortc, told as these logged them."""

from __future__ import annotations

import csv
import json
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import analyzer
from analyzer import api
from analyzer.capture import open_source
from analyzer.core import Limits, Note, Outcome, Report, Session, Severity
from tests.conftest import LAB, present

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = LAB / "captures"
CAPTURES = sorted(path.stem for path in FOLDER.glob("webrtc-*.pcapng"))
#: Those that can be opened.
KEYED = [name for name in CAPTURES if (FOLDER / f"{name}.keys").exists()]
WRONG = (Severity.ERROR, Severity.WARNING)
#: Strings in the log are cut to this many characters.
LOGGED = 60
ENDS = ("A", "B")


@cache
def truth_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(present(FOLDER / f"{name}.json").read_text())["truth"]
    return found


@cache
def report_of(name: str) -> Report:
    path = present(FOLDER / f"{name}.pcapng")
    keys = path.with_suffix(".keys")
    limits = Limits(message_bytes=1 << 16)  # so that messages are whole
    return analyzer.analyze(path, keylog=keys if keys.exists() else None, limits=limits)


def call_of(name: str) -> Session:
    (call,) = [session for session in report_of(name).sessions if session.kind == "webrtc"]
    return call


def expected(name: str) -> list[str]:
    """The codes that may come first; empty where nothing is wrong."""
    with present(LAB / "expected_findings.tsv").open() as lines:
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


# --- data channels ----------------------------------------------------------------------------------------------------

#: Those with data channels whose keys are here.
CHANNELS = [name for name in KEYED if not name.startswith("webrtc-media")]


def by_end(name: str, found: Iterable[Note]) -> dict[str, list[Note]]:
    """Notes by who sent them, from the flow where that end is; a relay shows all of it a second time."""
    flows = {flow.id: flow for flow in report_of(name).flows}
    hosts = {"A": ("10.77.0.1", "fd77::1"), "B": ("10.77.0.2", "fd77::2")}  # of every capture of the lab
    sent: dict[str, list[Note]] = {end: [] for end in ENDS}
    for note in found:
        assert note.sender is not None
        flow = flows[note.flow]
        source = (flow.initiator, flow.responder)[note.sender]
        for end in ENDS:
            if source.address in hosts[end]:
                sent[end].append(note)
    return sent


def logged(message: dict[str, Any]) -> tuple[Any, ...]:
    """Stream, kind, size and content of a message, as an application logged it."""
    if "hex" in message:
        return message["id"], "binary", message["bytes"], message["hex"]
    return message["id"], "text", message.get("chars", len(message["text"])), message["text"]


def shown(note: Note) -> tuple[Any, ...]:
    """The same of a note."""
    fields = note.fields
    content = fields["message"]
    if fields["message_type"] == "binary":
        assert len(content) == 2 * fields["message_bytes"]
        return fields["stream_identifier"], "binary", fields["message_bytes"], content[:64]
    assert len(content.encode()) == fields["message_bytes"]
    return fields["stream_identifier"], "text", len(content), content[:LOGGED] if len(content) > LOGGED else content


@pytest.mark.parametrize("name", CHANNELS)
def test_messages_are_those_that_the_applications_sent_and_received(name: str) -> None:
    told = by_end(name, notes(name, "datachannel.message"))
    for end, other in (ENDS, ENDS[::-1]):
        messages = [shown(note) for note in told[end]]
        assert messages
        # Applications log the messages of one channel in order; channels among each other may change places.
        assert sorted(messages) == sorted(map(logged, page(name, end)["sent"]))
        for stream in {message[0] for message in messages}:
            of_stream = [message for message in messages if message[0] == stream]
            for log in (page(name, end)["sent"], page(name, other)["received"]):
                assert of_stream == [logged(message) for message in log if message["id"] == stream]


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_are_those_of_the_applications(name: str) -> None:
    wanted = {one["id"]: one for one in page(name, "A")["channels"]}
    rows = {row["stream"]: row for row in call_of(name).facts["channels"]}
    assert rows.keys() == wanted.keys()
    for stream, one in wanted.items():
        row = rows[stream]
        if one["negotiated"]:
            assert (row["label"], row["type"], row["opened_by"]) == ("", "negotiated", None)
        else:
            assert (row["label"], row["protocol"], row["opened_by"]) == (one["label"], one["protocol"], "A")
            assert row["type"].endswith("in order") == one["ordered"]
            times, ms = one["maxRetransmits"], one["maxPacketLifeTime"]
            told = {0: "never sent again", 1: "sent again once"}.get(times, f"sent again {times} times")
            assert (told in row["type"]) == (times is not None)
            assert (f"sent again for {ms} ms" in row["type"]) == (ms is not None)
            assert row["ack_ns"] > row["open_ns"]  # though each may have gone another way
        counts = [len([message for message in page(name, end)["sent"] if message["id"] == stream]) for end in ENDS]
        assert row["messages"] == counts
    labels = {note.fields["stream_identifier"]: note.fields["label"] for note in notes(name, "datachannel.open")}
    assert labels == {stream: one["label"] for stream, one in wanted.items() if not one["negotiated"]}
    for note in notes(name, "datachannel.message"):
        assert note.fields["label"] == labels.get(note.fields["stream_identifier"], "")


# --- the path ---------------------------------------------------------------------------------------------------------

#: Their A may have two nominated pairs, and go over to the one that had carried less when it was asked.
WENT_OVER = "webrtc-dc-many-chromium-"
PAIRED = [name for name in CAPTURES if any(page(name, end).get("pair") for end in ENDS)]


@pytest.mark.parametrize("name", PAIRED)
def test_selected_pair_is_the_one_of_the_statistics(name: str) -> None:
    # Statistics of a browser: aiortc logs the first pair that worked.
    end = next((end for end in ENDS if page(name, end).get("pair") and "why" in page(name, end)), "A")
    pair = page(name, end)["pair"]
    sides = [pair["local"], pair["remote"]] if end == "A" else [pair["remote"], pair["local"]]
    facts = call_of(name).facts
    candidates = [facts["selected_pair"]]
    if name.startswith(WENT_OVER):
        candidates = [row for row in facts["pairs"] if row["state"] in ("selected", "nominated")]
    logged = [(side.get("address", ""), side["port"]) for side in sides]
    told = [[ended(row[key]) for key in ("a", "b")] for row in candidates]
    # Behind names of mDNS, and of candidates that only the other side knew, browsers give no addresses.
    known = [[(address if logged[at][0] else "", port) for at, (address, port) in enumerate(row)] for row in told]
    assert logged in known
    own = 0 if end == "A" else 1
    signalled = json.dumps(truth_of(name)["signalling"])
    # What nobody signalled, as after a restart, is peer-reflexive to whoever meets it.
    kind = pair["local"]["candidateType"] if f" {pair['local']['port']} typ " in signalled else "prflx"
    assert kind in [row["types"][own] for row in candidates]


def ended(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def transport(name: str, end: str) -> dict[str, Any]:
    found: dict[str, Any] = page(name, end).get("transport") or {}
    return found


def test_nobody_selects_where_no_pair_works() -> None:
    for name in CAPTURES:
        if all(transport(name, end).get("dtlsState") == "new" for end in ENDS):
            assert "selected_pair" not in call_of(name).facts


@pytest.mark.parametrize("name", CHANNELS)
def test_a_call_has_all_its_steps(name: str) -> None:
    call = call_of(name)
    told = {phase.name: phase.outcome for phase in call.phases}
    steps = ("signalling", "checks", "nomination", "dtls", "sctp", "channel", "first message")
    assert [step for step in steps if told.get(step) is not Outcome.ESTABLISHED] == []
    assert set(call.facts["waited_for"]) >= set(steps)


# --- roles, versions, keys --------------------------------------------------------------------------------------------

VERSIONS = {"FEFD": "DTLS 1.2", "FEFC": "DTLS 1.3", "DTLSv1.2": "DTLS 1.2"}


@pytest.mark.parametrize("name", CAPTURES)
def test_roles_version_and_suite_are_those_of_the_statistics(name: str) -> None:
    facts = call_of(name).facts
    for end in ENDS:
        logged = transport(name, end)
        if logged.get("iceState", "connected") != "new" and "controlling" in facts:
            assert (facts["controlling"] == end) == (logged["iceRole"] == "controlling")
        if logged.get("iceLocalUsernameFragment"):
            assert logged["iceLocalUsernameFragment"] in facts[end.lower()]["ice_ufrags"]
        if logged.get("dtlsState") != "connected":
            continue
        assert (facts["dtls_client"] == end) == (logged["dtlsRole"] == "client")
        assert facts["dtls_version"] == VERSIONS[logged["tlsVersion"]]
        suite = logged["dtlsCipher"].replace("-", "_")
        assert (
            facts["cipher_suite"]
            .replace("_WITH_", "_")
            .replace("AES_128", "AES128")
            .endswith(suite.replace("_WITH_", "_").replace("AES_128", "AES128").removeprefix("TLS_"))
        )


@pytest.mark.parametrize("name", CAPTURES)
def test_fingerprints_are_those_that_the_applications_have(name: str) -> None:
    facts = call_of(name).facts
    for end in ENDS:
        lines = [
            line for line in page(name, end)["local"]["sdp"].splitlines() if line.startswith("a=fingerprint:sha-256 ")
        ]
        own = {line.partition(" ")[2].replace(":", "").lower() for line in lines}
        assert own
        told = facts[end.lower()]
        assert own & set(told["fingerprints"])
        if "certificate_sha256" in told:
            assert told["certificate_sha256"] in own
        elif name in KEYED and "fail" not in name:
            pytest.fail("its certificate is there and was not read")


# --- secrets that come late -------------------------------------------------------------------------------------------

#: Those that DTLS alone opens, and whose datagrams were captured once on their way.
LATE = [name for name in KEYED if not name.startswith(("webrtc-media", "webrtc-turn"))]


def lines(report: Report) -> list[tuple[Any, ...]]:
    return sorted(
        (note.flow, note.frames, note.kind, note.text, note.sender, note.time_ns)
        for session in report.sessions
        for note in session.notes
    )


@pytest.mark.parametrize("name", LATE)
def test_secrets_at_the_end_of_the_capture_open_it_too(name: str) -> None:
    keys = present(FOLDER / f"{name}.keys").read_bytes()
    body = struct.pack("<II", 0x544C534B, len(keys)) + keys + bytes(-len(keys) % 4)
    size = struct.pack("<I", len(body) + 12)
    capture = present(FOLDER / f"{name}.pcapng").read_bytes() + struct.pack("<I", 0x0A) + size + body + size
    limits = Limits(message_bytes=1 << 16)
    analysis = api.Analysis(open_source([capture], limits=limits, block_bytes=4096), limits=limits)
    analysis.run()
    late, early = analysis.report(), report_of(name)
    assert lines(late) == lines(early)
    for one, other in zip(late.sessions, early.sessions, strict=True):
        assert (one.title, one.outcome, one.phases, one.facts) == (
            other.title,
            other.outcome,
            other.phases,
            other.facts,
        )
    assert [finding.code for finding in late.findings] == [finding.code for finding in early.findings]


# --- relays -----------------------------------------------------------------------------------------------------------

RELAYED = [name for name in CAPTURES if name.startswith("webrtc-turn") and truth_of(name).get("turn")]


@pytest.mark.parametrize("name", RELAYED)
def test_messages_of_a_relay_are_proved_by_its_password(name: str) -> None:
    turn = truth_of(name)["turn"]
    report = analyzer.analyze(present(FOLDER / f"{name}.pcapng"), turn_password=f"{turn['user']}:{turn['password']}")
    notes = [note for session in report.sessions for note in session.notes if note.kind.startswith("turn.")]
    signed = [note.fields["message_integrity"]["valid"] for note in notes if "message_integrity" in note.fields]
    assert signed
    assert set(signed) == {"wrong" not in name}
    assert ("stun.bad-integrity" in {finding.code for finding in report.findings}) == ("wrong" in name)
