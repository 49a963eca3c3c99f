"""The sessions as CSV, one a row (RFC 4180), for a spreadsheet.

A cell that a spreadsheet would take for a formula begins with an apostrophe instead.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from analyzer.report import ink, words

if TYPE_CHECKING:
    from typing import TextIO

    from analyzer import core

COLUMNS: Final = (
    "id",
    "kind",
    "title",
    "outcome",
    "start",
    "start_ns",
    "end_ns",
    "transport",
    "client_address",
    "client_port",
    "server_address",
    "server_port",
    "set_up_ms",
    "round_trips",
    "initial_rtt_ms",
    "packets",
    "bytes",
    "retransmits",
    "lost_bytes",
    "history",
    "flows",
    "first_frame",
    "last_frame",
    "errors",
    "warnings",
    "findings",
)
#: What makes a formula of a cell in one spreadsheet or another, also after blanks.
FORMULA: Final = ("=", "+", "-", "@")


def write_csv(report: core.Report, out: TextIO) -> None:
    """Write a line of column names and a line for each session."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    flows = {flow.id: flow for flow in report.flows}
    for session in report.sessions:
        writer.writerow([cell(value) for value in row(session, report, flows)])


def cell(value: Any) -> str | int | float:
    """`value` as a cell: numbers as they are, text without control characters and never a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    text = ink.safe(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def row(session: core.Session, report: core.Report, flows: dict[int, core.Flow]) -> list[Any]:
    own = [flows[flow] for flow in session.flows if flow in flows]
    main = words.main_flow(session, flows)
    tcp = main.tcp if main is not None else None
    findings = [report.findings[index] for index in session.findings if index < len(report.findings)]
    sums = words.counted(findings)
    return [
        session.id,
        session.kind,
        session.title,
        session.outcome.value,
        iso(session.start_ns),
        session.start_ns,
        session.end_ns,
        main.transport if main else None,
        main.initiator.address if main else None,
        main.initiator.port if main else None,
        main.responder.address if main else None,
        main.responder.port if main else None,
        milliseconds(words.set_up_ns(session)),
        words.round_trips(session),
        milliseconds(tcp.initial_rtt_ns) if tcp else None,
        sum(sum(flow.packets) for flow in own),
        sum(sum(flow.bytes) for flow in own),
        sum(tcp.retransmits) if tcp else None,
        sum(tcp.lost_bytes) if tcp else None,
        tcp.history if tcp else None,
        " ".join(str(flow.id) for flow in own),
        min((flow.first_frame for flow in own), default=None),
        max((flow.last_frame for flow in own), default=None),
        sums[words.SEVERITIES[0]],
        sums[words.SEVERITIES[1]],
        " ".join(finding.code for finding in findings),
    ]


def milliseconds(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6


def iso(ns: int) -> str:
    """`2023-11-14T22:13:20.000000000Z`; times that no calendar has are given as 0 and up in seconds."""
    seconds, rest = divmod(ns, 1_000_000_000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    except (ValueError, OverflowError, OSError):
        return f"{seconds}.{rest:09d}"
