"""Reports as the terminal shows them, line by line."""

import io
import json
from collections.abc import Iterator
from typing import Any

from analyzer import core
from analyzer.report import model, text, timeline
from analyzer.report.ink import Ink
from analyzer.report.json import write_json

KINDS = {
    "tcp.syn": core.Kind("§3.5", "Asks for a connection, and says where its sequence numbers begin.", "SYN"),
    "tcp.syn-ack": core.Kind("§3.5", "Agrees.", "SYN-ACK"),
}
WIDTHS = (60, 80, 100, 120, 160, 240)


def printed(report: core.Report, width: int = 80, **how: bool) -> list[str]:
    out = io.StringIO()
    text.write_text(report, out, Ink(width), **how)
    return out.getvalue().splitlines()


def ladder(report: core.Report, width: int = 80, show: timeline.Show | None = None, session: int = 0) -> list[str]:
    paper = Ink(width)
    lines = timeline.session_lines(report.sessions[session], report, KINDS, paper, show or timeline.Show())
    return [line.painted(paper) for line in lines]


def everything(report: core.Report, width: int) -> Iterator[str]:
    yield from printed(report, width, notices=True)
    for session in range(len(report.sessions)):
        yield from ladder(report, width, timeline.Show(explain=True, bytes=True), session)


DETAILS: tuple[model.Detail, ...] = ("full", "summary", "bytes")


def as_json(report: core.Report, detail: model.Detail = "full") -> dict[str, Any]:
    out = io.BytesIO()
    write_json(report, out, detail)
    read = json.loads(out.getvalue())
    assert isinstance(read, dict)
    return read
