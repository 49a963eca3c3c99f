"""The report as GitHub-flavoured Markdown: to paste into a ticket, whatever was captured.

Captured text is escaped, so that it can't become markup, links or HTML; titles and addresses stand as code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzer.report import ink, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from analyzer import core

#: A backslash before each of these takes its meaning in Markdown; "://" and "www." are what links are made of.
SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>|~#&!])")
TITLE_CELLS: Final = 200


def escaped(text: str) -> str:
    """`text` as a paragraph that reads as it is."""
    said = SPECIAL.sub(r"\\\1", ink.safe(text)).replace("://", r":\//").replace("www.", r"www\.")
    return re.sub(r"^(\s*\d+)([.)]\s)", r"\1\\\2", re.sub(r"^(\s*)([-+=])", r"\1\\\2", said))


def code(text: str) -> str:
    """`text` as code: in a fence longer than any run of backticks in it, and safe in a table."""
    said = ink.cut(text, TITLE_CELLS)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", said)), default=0))
    pad = " " if said.startswith("`") or said.endswith("`") else ""
    return f"{fence}{pad}{said.replace('|', chr(92) + '|')}{pad}{fence}" if said else ""


def write_markdown(report: core.Report, out: TextIO, *, notices: bool = False) -> None:
    """Write the whole report to `out`."""
    out.writelines(line + "\n" for line in lines(report, notices=notices))


def lines(report: core.Report, *, notices: bool = False) -> Iterator[str]:
    name, *parts = words.header(report)
    yield f"# {code(name)}"
    yield ""
    yield escaped("; ".join(parts)) + "."
    for problem in report.capture.problems:
        yield ""
        yield f"**Damage:** {escaped(words.problem(problem))}"
    if report.sessions:
        yield ""
        yield "## Sessions"
        yield ""
        yield from table(report)
    findings = words.ordered(report.findings)
    told = [finding for finding in findings if notices or finding.severity in words.SHOWN]
    yield ""
    yield "## Findings"
    if not told:
        yield ""
        yield "No finding of severity error or warning."
    for finding in told:
        yield ""
        yield from one_finding(finding)
    if len(told) < len(findings):
        yield ""
        yield f"{words.count(len(findings) - len(told), 'notice')} not shown (`--notices`)."


def table(report: core.Report) -> Iterator[str]:
    """The sessions, one a row."""
    flows = {flow.id: flow for flow in report.flows}
    yield "| # | kind | client | what | outcome | set-up | RT | history |"
    yield "|--:|------|--------|------|---------|-------:|---:|---------|"
    for session in report.sessions:
        flow = words.main_flow(session, flows)
        took, trips = words.set_up_ns(session), words.round_trips(session)
        row = (
            str(words.number_of(session.id)),
            escaped(session.kind),
            code(str(flow.initiator)) if flow else "",
            code(session.title),
            session.outcome.value,
            "" if took is None else words.duration(took),
            "" if trips is None else str(trips),
            code(flow.tcp.history) if flow and flow.tcp else "",
        )
        yield f"| {' | '.join(row)} |"


def one_finding(finding: core.Verdict) -> Iterator[str]:
    yield f"### {finding.severity.value}: {escaped(finding.title or finding.code)}"
    yield ""
    yield f"{code(finding.code)}, {escaped('; '.join(part for part in (words.place(finding), finding.spec) if part))}"
    yield ""
    for paragraph in finding.text.split("\n"):
        # Two blanks keep the line where it ends; evidence may be a table of words.
        yield escaped(paragraph) + "  "
    yield ""
    for label, said in (("Most likely", finding.cause), ("What to do", finding.advice), ("Limits", finding.limits)):
        if said:
            yield f"- **{label}:** {escaped(said.replace(chr(10), ' '))}"
