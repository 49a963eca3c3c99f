"""The captures of the lab: the timelines tell what the applications reported, the findings what was to be found.

What the seed of a run decides (ports, texts, sizes) is read from the capture's JSON, so any run of the lab will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

import analyzer
from analyzer.core import Flow, Note, Outcome, Report, Session, Severity, TcpSummary
from analyzer.engine.registry import protocols
from tests.conftest import LAB, lab_file

CAPTURES = sorted(path.stem for path in (LAB / "captures").glob("*.pcapng"))


@cache
def expectations() -> dict[str, list[str]]:
    """The codes of which one should come first, by scenario."""
    path = LAB / "expected_findings.tsv"
    if not path.exists():
        return {}
    lines = path.read_text().splitlines()[1:]
    return {scenario: codes.split("|") for scenario, codes in (line.split("\t") for line in lines)}


@cache
def analysed(name: str) -> Report:
    keys = LAB / "captures" / f"{name}.keys"
    return analyzer.analyze(lab_file(f"{name}.pcapng"), keylog=keys if keys.exists() else None)


@dataclass
class Told:
    """One TCP connection of a capture, as it was told."""

    truth: dict[str, Any]
    session: Session
    flow: Flow
    tcp: TcpSummary

    def notes(self, kind: str) -> list[Note]:
        return [note for note in self.session.notes if note.kind == kind]

    @property
    def closed_by(self) -> list[tuple[str, str]]:
        """Who sent a FIN, in order, and how it was told."""
        fins = self.notes("tcp.fin")
        return [(fin.sender.name.lower(), fin.fields["closes"]) for fin in fins if fin.sender is not None]


def connections(name: str) -> list[Told]:
    report = analysed(name)
    truth = json.loads(lab_file(f"{name}.json").read_text())["truth"]
    flows = {flow.id: flow for flow in report.flows}
    found = []
    for session in report.sessions:
        flow = flows[session.flows[0]]
        if flow.tcp is not None:
            found.append(Told(truth, session, flow, flow.tcp))
    return found


def only(name: str) -> Told:
    found = connections(name)
    assert len(found) == 1
    return found[0]


def size(text: str) -> int:
    return len(text.encode())


@pytest.mark.parametrize("name", ["tcp-basic", "tcp-basic-ipv6", "tcp-any-sll2"])
def test_orderly_connection(name: str) -> None:
    told = only(name)
    truth = told.truth
    assert list(told.flow.initiator) == truth["client"]
    assert list(told.flow.responder) == truth["server"]
    assert told.session.outcome is Outcome.ESTABLISHED
    assert [note.kind for note in told.session.notes][:3] == ["tcp.syn", "tcp.syn-ack", "tcp.ack"]
    roles = {"client": "initiator", "server": "responder"}
    first = roles[truth["closed_first_by"]]
    assert told.closed_by == [
        (first, "first"),
        ("responder" if first == "initiator" else "initiator", "second"),
    ]
    assert told.session.facts["closed_by"] == first
    sent = {
        note.sender.name.lower(): note.fields["bytes_sent"] for note in told.notes("tcp.fin") if note.sender is not None
    }
    assert sent == {roles[who]: sum(map(size, lines)) for who, lines in truth["sent"].items()}
    assert told.tcp.end == "fin"
    assert not told.notes("tcp.rst")


def test_large_answer_comes_whole() -> None:
    told = only("tcp-veth-large")
    last = {note.sender: note.fields["bytes_sent"] for note in told.notes("tcp.fin")}
    assert sorted(last.values()) == sorted([told.truth["bytes_server_to_client"], size(told.truth["client_to_server"])])
    assert told.tcp.lost_bytes == (0, 0)
    assert told.tcp.max_payload[1] > 1000
    assert not told.notes("tcp.gap")


def test_refused_connections() -> None:
    found = connections("tcp-refused")
    assert len(found) == found[0].truth["tries"]
    report = analysed("tcp-refused")
    for told in found:
        assert told.session.outcome is Outcome.FAILED
        assert [note.kind for note in told.session.notes] == ["tcp.syn", "tcp.rst"]
        assert [report.findings[number].code for number in told.session.findings] == ["tcp.syn-refused"]
    assert [":" in told.flow.initiator.address for told in found] == [False, True]


def test_silent_server() -> None:
    told = only("tcp-syn-timeout")
    assert list(told.flow.responder) == told.truth["server"]
    assert told.session.outcome is Outcome.UNANSWERED
    assert {note.kind for note in told.session.notes} == {"tcp.syn"}
    assert len(told.session.notes) == told.flow.packets[0] == 1 + told.tcp.syn_retransmits
    assert [note.fields.get("retransmission", False) for note in told.session.notes][:2] == [False, True]


def test_unreachable_server() -> None:
    told = only("tcp-unreachable-icmp")
    assert told.session.outcome is Outcome.FAILED
    (error,) = told.notes("tcp.icmp-error")
    assert error.fields["source"] == told.flow.responder.address
    assert (error.fields["type"], error.fields["code"]["value"]) == (3, 13)


def test_peer_that_went_silent_and_came_back_without_the_connection() -> None:
    told = only("tcp-half-open")
    again = told.notes("tcp.retransmission")
    assert len(again) >= 3
    assert {note.fields["payload_bytes"] for note in again} == {size(told.truth["server_sent_unanswered"])}
    assert told.session.notes[-1].kind == "tcp.rst"
    assert told.session.facts["end"] == "rst"
    assert told.session.facts["closed_by"] == "initiator"


def test_half_close() -> None:
    told = only("tcp-half-close")
    assert told.closed_by == [("initiator", "first"), ("responder", "second")]
    first, second = told.notes("tcp.fin")
    assert first.fields["bytes_sent"] == size(told.truth["client_sent"])
    after = sum(map(size, told.truth["server_sent_after_client_fin"]))
    assert second.fields["bytes_after_peer_fin"] == after


def test_keep_alives() -> None:
    told = only("tcp-keepalive")
    assert told.tcp.payload_bytes == (told.truth["data_bytes"], 0)
    asked = told.notes("tcp.keep-alive")
    assert len(asked) == len(told.notes("tcp.keep-alive-ack")) == int(told.truth["idle_s"])
    apart = [(later.time_ns - earlier.time_ns) / 1e9 for earlier, later in pairwise(asked)]
    assert all(0.9 < seconds < 1.2 for seconds in apart)


def test_crossing_fins() -> None:
    told = only("tcp-simultaneous-close")
    assert told.truth["close"] == "simultaneous"
    assert [how for _, how in told.closed_by] == ["first", "simultaneously"]
    assert told.tcp.end == "fin"
    sent = [note.fields["bytes_sent"] for note in told.notes("tcp.fin")]
    assert sorted(sent) == [0, size(told.truth["client_sent"])]


def test_crossing_syns() -> None:
    told = only("tcp-simultaneous-open")
    assert told.truth["open"] == "simultaneous"
    assert {told.flow.initiator.port, told.flow.responder.port} == set(told.truth["ports"])
    assert {note.sender for note in told.notes("tcp.syn")} == {note.sender for note in told.notes("tcp.syn-ack")}
    assert len(told.notes("tcp.syn")) == 2
    assert len(told.notes("tcp.ack")) == 1
    assert told.session.outcome is Outcome.ESTABLISHED
    assert told.notes("tcp.fin")[0].fields["bytes_sent"] == size(told.truth["a_sent"])


def test_abort_by_the_client() -> None:
    told = only("tcp-reset-midstream")
    assert told.truth["aborted_by"] == "client"
    assert told.session.facts["closed_by"] == "initiator"
    assert [note.kind for note in told.session.notes][-1] == "tcp.rst"
    assert not told.notes("tcp.fin")
    assert told.tcp.payload_bytes == (0, told.truth["server_sent_bytes"])


def test_lossy_wire() -> None:
    told = only("tcp-loss-reorder")
    assert told.truth["equal"]
    wire = [what for what, _ in told.truth["wire"]]
    dropped, doubled = wire.count("dropped"), wire.count("doubled")
    # What was dropped came again; of what was held up, the sender's copy and the late original may both be repetitions.
    assert told.tcp.retransmits[1] >= dropped
    assert told.tcp.retransmits[1] + told.tcp.out_of_order[1] <= dropped + 2 * (len(wire) - dropped - doubled)
    assert told.tcp.duplicates == (0, doubled)
    assert told.tcp.lost_bytes == (0, 0)
    closing = {note.sender: note.fields["bytes_sent"] for note in told.notes("tcp.fin")}
    assert max(closing.values()) == told.truth["bytes_sent"]


def test_reader_that_stalls() -> None:
    told = only("tcp-zero-window")
    shut, opened = told.notes("tcp.zero-window"), told.notes("tcp.window-open")
    assert len(shut) == len(opened) == 1
    assert 0.5 * told.truth["stall_s"] < opened[0].fields["stalled_ns"] / 1e9 <= told.truth["stall_s"] * 1.1
    assert told.notes("tcp.window-probe")
    closing = {note.sender: note.fields["bytes_sent"] for note in told.notes("tcp.fin")}
    assert max(closing.values()) == told.truth["bytes_sent"]


def test_every_tcp_capture_of_the_lab_is_compared() -> None:
    if not CAPTURES:
        pytest.skip("the lab's captures are not here")
    compared = {
        "tcp-basic",
        "tcp-basic-ipv6",
        "tcp-any-sll2",
        "tcp-veth-large",
        "tcp-refused",
        "tcp-syn-timeout",
        "tcp-unreachable-icmp",
        "tcp-half-open",
        "tcp-half-close",
        "tcp-keepalive",
        "tcp-simultaneous-close",
        "tcp-simultaneous-open",
        "tcp-reset-midstream",
        "tcp-loss-reorder",
        "tcp-zero-window",
    }
    assert {name for name in CAPTURES if name.startswith("tcp-")} <= compared


@cache
def known() -> frozenset[str]:
    """The codes that the rooms of now can give."""
    return frozenset(code for protocol in protocols() for code in protocol.findings)


@pytest.mark.parametrize("name", CAPTURES)
def test_what_is_found_first(name: str) -> None:
    codes = expectations().get(name, ["?"])
    if "?" in codes:
        pytest.skip("not judged")
    report = analysed(name)
    if codes == ["-"]:
        wrong = [finding for finding in report.findings if finding.severity in (Severity.ERROR, Severity.WARNING)]
        assert [(finding.code, finding.text) for finding in wrong] == []
        return
    # QUIC carries TLS: what TLS would say of it needs its room.
    carried = any(code.startswith("quic.") for code in codes) and not any(code.startswith("quic.") for code in known())
    if carried or not known().intersection(codes):
        pytest.skip("its room is still to come")
    assert report.findings
    assert report.findings[0].code in codes
