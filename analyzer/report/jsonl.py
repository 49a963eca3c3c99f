"""The report as lines of JSON, each an object tagged by "type": capture, flow, session, finding (and note, live).

A `Writer` takes them one by one, as soon as each is complete; `write_jsonl` writes a whole report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.report import model

if TYPE_CHECKING:
    from typing import BinaryIO

    from analyzer import core


class Writer:
    """Writes one line for each thing it is given."""

    def __init__(self, out: BinaryIO, detail: model.Detail = "full") -> None:
        self.out = out
        self.detail: model.Detail = detail

    def capture(self, capture: core.Capture) -> None:
        self.out.write(model.encode(model.capture(capture, line=True)) + b"\n")

    def flow(self, flow: core.Flow) -> None:
        self.out.write(model.flow(flow, line=True) + b"\n")

    def session(self, session: core.Session) -> None:
        for piece in model.session_bytes(session, self.detail, b'"type":"session",'):
            self.out.write(piece)
        self.out.write(b"\n")

    def finding(self, finding: core.Verdict) -> None:
        self.out.write(model.finding(finding, line=True) + b"\n")

    def note(self, note: core.Note) -> None:
        self.out.write(model.note_line(note) + b"\n")


def write_jsonl(report: core.Report, out: BinaryIO, detail: model.Detail = "full") -> None:
    """Write the capture, then its flows, sessions and findings, a line each."""
    writer = Writer(out, detail)
    writer.capture(report.capture)
    for flow in report.flows:
        writer.flow(flow)
    for session in report.sessions:
        writer.session(session)
    for finding in report.findings:
        writer.finding(finding)
