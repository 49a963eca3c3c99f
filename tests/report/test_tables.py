"""Tables of facts, sentences that sum up, and the two ends of a session that has no server."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Phase, Session
from analyzer.report import ink, tables, words
from analyzer.report.ink import Ink
from tests.report import sample
from tests.report.shown import WIDTHS, everything, ladder, printed

PAIRS = [
    {"a": "10.0.0.1:5000", "b": "10.0.0.2:6000", "types": ["host", "host"], "checks": [3, 2], "first_ns": 5},
    {"a": "[fd00::1]:5000", "b": "[fd00::2]:6000", "types": ["host", "relay"], "checks": [120, 0], "rtt_ms": 0.25},
]


def shown(session: Session, width: int = 100) -> list[str]:
    paper = Ink(width)
    return [line.painted(paper) for line in tables.lines(session, paper, width)]


def session(**facts: object) -> Session:
    return Session(0, "webrtc", "A <-> B", Outcome.FAILED, [0], 0, 9, [], dict(facts), [])


def test_rows_stand_under_the_names_of_their_members() -> None:
    name, heading, first, second = shown(session(pairs=PAIRS))
    assert name == "  pairs"
    assert heading.split() == ["a", "b", "types", "checks", "rtt", "ms"]
    assert [one.strip() for one in first.split("  ") if one] == [
        "10.0.0.1:5000",
        "10.0.0.2:6000",
        "host / host",
        "3 / 2",
    ]
    assert second.endswith("host / relay  120 / 0  0.25")


def test_columns_that_do_not_fit_go() -> None:
    rows = [{**pair, "why": "no answer, and no check came here"} for pair in PAIRS]
    assert "why" in shown(session(pairs=rows), 120)[1].split()
    narrow = shown(session(pairs=rows), 60)
    assert narrow[1].split() == ["a", "b", "types", "checks"]
    assert max(map(ink.cells, narrow)) <= 60


def test_many_rows_are_counted() -> None:
    lines = shown(session(pairs=PAIRS * 10))
    assert lines[-1] == "    and 8 rows more (--format json has all)"
    assert len(lines) == 2 + tables.ROWS + 1


def test_what_is_no_table_is_left_out() -> None:
    assert not shown(session(pairs="none", channels=[1, 2], summary="no list"))
    assert not tables.has_any(session())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        ({"value": 50, "name": "DCEP"}, "DCEP"),
        ({"value": 50}, "50"),
        (1234, "1,234"),
        (0.12345, "0.1235"),
        (["a", 2], "a / 2"),
        ("a\x1b[1m", ink.safe("a\x1b[1m")),
    ],
)
def test_cells(value: object, said: str) -> None:
    assert tables.cell(value) == said


def test_sentences_and_tables_are_in_the_report_and_above_the_timeline() -> None:
    report = sample.report()
    report.sessions[0].facts = {"summary": ["3 messages to the client, none back."], "channels": [{"label": "chat"}]}
    for lines in (printed(report), ladder(report)):
        assert any("3 messages to the client" in line for line in lines)
        assert any(line.strip() == "chat" for line in lines)
    for width in WIDTHS:
        assert max(map(ink.cells, everything(report, width))) <= width


def test_two_ends_without_a_server_are_a_and_b() -> None:
    report = sample.report()
    flow = next(flow for flow in report.flows if flow.id == report.sessions[0].notes[0].flow)
    a, b = flow.initiator.address, flow.responder.address
    before = ladder(report, 120)
    report.sessions[0].facts = {"a": {"addresses": [a]}, "b": {"addresses": [b]}}
    as_before = ladder(report, 120)
    assert as_before[-8:] == before[-8:]
    assert any(line.split()[-2:] == ["A", "B"] for line in as_before)
    report.sessions[0].facts = {"a": {"addresses": [b]}, "b": {"addresses": [a]}}
    turned = ladder(report, 120)
    assert any("SYN ----" in line for line in before)
    assert any("---- SYN " in line for line in turned)
    report.sessions[0].facts = {"a": {"addresses": [a]}, "b": {}}
    assert ladder(report, 120) == before


def test_the_set_up_ends_before_the_use() -> None:
    one = session()
    one.phases = [
        Phase("open", 30, 900, Outcome.OPEN),
        Phase("upgrade", 20, 30, Outcome.ESTABLISHED, 1),
        Phase("tcp", 0, 10, Outcome.ESTABLISHED, 1),
        Phase("close", 900, 950, Outcome.FAILED, 1),
    ]
    assert [phase.name for phase in words.set_up(one)] == ["tcp", "upgrade"]
    assert words.set_up_ns(one) == 30
    assert words.round_trips(one) == 2
