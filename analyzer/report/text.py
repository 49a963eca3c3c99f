"""The report for a terminal: what was captured, its sessions in a table, where the time went, and the findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Severity
from analyzer.report import ink, tables, words
from analyzer.report.ink import Ink, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from analyzer import core

#: Beyond so many sessions only those with something wrong are listed (`--all` lists every one).
ROWS: Final = 100
#: Findings of one code that are told in full; the others are counted, with their sessions.
SAME_FINDINGS: Final = 3
FILES: Final = 8
PROBLEMS: Final = 10
BREAKDOWNS: Final = 3
#: Prose wider than this is hard to read, however wide the terminal.
PROSE_WIDTH: Final = 120
LABEL_WIDTH: Final = 14
GAP: Final = 2


def write_text(
    report: core.Report, out: TextIO, paper: Ink, *, notices: bool = False, everything: bool = False
) -> None:
    """Write the whole report to `out`."""
    told = lines(report, paper, notices=notices, everything=everything)
    out.writelines(line.painted(paper) + "\n" for line in told)


def lines(report: core.Report, paper: Ink, *, notices: bool = False, everything: bool = False) -> Iterator[Line]:
    yield from capture_lines(report, paper)
    yield Line()
    if not report.sessions:
        yield from nothing_lines(report, paper)
    else:
        yield from table_lines(report, paper, everything)
        yield from breakdown_lines(report, paper)
    yield Line()
    yield from finding_lines(report, paper, notices, everything)


# --- the capture ------------------------------------------------------------------------------------------------------


def capture_lines(report: core.Report, paper: Ink) -> Iterator[Line]:
    """The name of the capture and how much of it there is; what is wrong with it."""
    capture = report.capture
    name, *parts = words.header(report)
    line = Line(ink.cut_middle(name, paper.width), ink.STRONG)
    for part in parts:
        if line.at + 3 + ink.cells(part) <= paper.width:
            line.add("   ").add(part)
            continue
        yield line
        *others, last = ink.wrap(part, paper.width - 2)
        for piece in others:
            yield Line("  ").add(piece)
        line = Line("  ").add(last)
    yield line
    if len(capture.files) > 1:
        for file in capture.files[:FILES]:
            yield (
                Line("  ")
                .add(ink.cut_middle(file.name, paper.width - 32))
                .add(f"   {file.format}, {words.count(file.bytes, 'byte')}", ink.FAINT)
            )
        if len(capture.files) > FILES:
            yield Line(f"  and {len(capture.files) - FILES} more", ink.FAINT)
    for problem in capture.problems[:PROBLEMS]:
        for index, piece in enumerate(ink.wrap(words.problem(problem), prose(paper) - 11)):
            yield Line("" if index else "  damage ", ink.DOUBTFUL).to(11).add(piece)
    if len(capture.problems) > PROBLEMS:
        yield Line(
            f"  and {len(capture.problems) - PROBLEMS} more problems of this kind (--format json has all)", ink.FAINT
        )


def nothing_lines(report: core.Report, paper: Ink) -> Iterator[Line]:
    """Why there is no table of sessions."""
    kinds = Counter(flow.transport for flow in report.flows)
    flows = f" ({', '.join(f'{number:,} {name}' for name, number in kinds.most_common())})" if kinds else ""
    number = words.count(len(report.flows), "flow")
    said = f"No session to tell of: {number}{flows} of protocols that are not explained yet."
    if not report.flows:
        said = "No session to tell of: there is no TCP, UDP or other flow in it."
    for piece in ink.wrap(said, prose(paper)):
        yield Line(piece)


def prose(paper: Ink) -> int:
    return min(paper.width, PROSE_WIDTH)


# --- the sessions -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """A session as the table shows it."""

    session: core.Session
    flow: core.Flow | None
    verdicts: str
    style: str
    begin_ns: int
    frames: str  # of all its flows


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `most` is all it ever takes, `flexible` ones take what is left, `dropped` ones go first to last."""

    title: str
    value: Callable[[Row], str]
    most: int
    right: bool = False
    dropped: int = 0  # 0: never
    middle: bool = False


COLUMNS: Final = (
    Column("#", lambda row: str(words.number_of(row.session.id)), 8, right=True),
    Column("kind", lambda row: row.session.kind, 12),
    Column("start", lambda row: words.duration(row.session.start_ns - row.begin_ns), 12, right=True, dropped=2),
    Column("client", lambda row: str(row.flow.initiator) if row.flow else "", 47, middle=True),
    Column("server", lambda row: str(row.flow.responder) if row.flow else "", 47, dropped=3, middle=True),
    Column("what", lambda row: row.session.title, 200),
    Column("outcome", lambda row: row.session.outcome.value, 11),
    Column("set-up", lambda row: _set_up(row.session), 11, right=True),
    Column("RT", lambda row: _trips(row.session), 3, right=True, dropped=5),
    Column("history", lambda row: row.flow.tcp.history if row.flow and row.flow.tcp else "", 16, dropped=4),
    Column("findings", lambda row: row.verdicts, 20, dropped=6),
    Column("frames", lambda row: row.frames, 17, dropped=1),
)
WHAT: Final = "what"
WHAT_LEAST: Final = 21
CLIENT: Final = "client"
CLIENT_LEAST: Final = 17


def _set_up(session: core.Session) -> str:
    total = words.set_up_ns(session)
    return "" if total is None else words.duration(total)


def _trips(session: core.Session) -> str:
    trips = words.round_trips(session)
    return "" if trips is None else str(trips)


def table_lines(report: core.Report, paper: Ink, everything: bool) -> Iterator[Line]:
    rows = [_row(report, session, flows) for flows in (_flows(report),) for session in report.sessions]
    shown = rows if everything or len(rows) <= ROWS else [row for row in rows if row.style][:ROWS]
    yield from drawn(shown, paper)
    if len(shown) < len(rows):
        rest = Counter((row.session.kind, row.session.outcome) for row in rows)
        for row in shown:
            rest[row.session.kind, row.session.outcome] -= 1
        said = [f"{number:,} {kind} {outcome}" for (kind, outcome), number in rest.most_common() if number]
        lead = "Not listed: " if shown else f"{len(rows):,} sessions: "
        for piece in ink.wrap(f"{lead}{', '.join(said)} (--all lists every one).", prose(paper)):
            yield Line(piece, ink.FAINT)


def _flows(report: core.Report) -> dict[int, core.Flow]:
    return {flow.id: flow for flow in report.flows}


def _row(report: core.Report, session: core.Session, flows: dict[int, core.Flow]) -> Row:
    sums = words.counted(report.findings[index] for index in session.findings if index < len(report.findings))
    said = [words.count(sums[severity], severity.value) for severity in words.SEVERITIES[:2] if sums[severity]]
    worst = next((severity for severity in words.SEVERITIES[:2] if sums[severity]), None)
    bad = session.outcome in (Outcome.FAILED, Outcome.UNANSWERED)
    style = ink.BAD if bad or worst is Severity.ERROR else ink.DOUBTFUL if worst else ink.PLAIN
    known = [flows[one] for one in session.flows if one in flows]
    frames = f"{min(flow.first_frame for flow in known)}-{max(flow.last_frame for flow in known)}" if known else ""
    return Row(session, words.main_flow(session, flows), ", ".join(said), style, report.capture.first_ns, frames)


def drawn(rows: list[Row], paper: Ink) -> Iterator[Line]:
    """The table in the width that there is: columns that matter less go first, long values are cut."""
    if not rows:
        return
    values = {column.title: [ink.safe(column.value(row)) for row in rows] for column in COLUMNS}
    widths = {
        column.title: min(max(len(column.title), max(map(ink.cells, values[column.title]))), column.most)
        for column in COLUMNS
        if any(values[column.title])
    }
    _fit(widths, paper.width)
    columns = [column for column in COLUMNS if column.title in widths]
    line = Line()
    at = 0
    for column in columns:
        width = widths[column.title]
        if column.right:
            line.right(column.title, at + width, ink.FAINT)
        else:
            line.to(at).add(column.title, ink.FAINT)
        at += width + GAP
    yield line
    for index, row in enumerate(rows):
        line = Line()
        at = 0
        for column in columns:
            width = widths[column.title]
            value = values[column.title][index]
            text = ink.cut_middle(value, width) if column.middle else ink.cut(value, width)
            style = _style_of(column, row)
            if column.right:
                line.right(text, at + width, style)
            else:
                line.to(at).add(text, style)
            at += width + GAP
        yield line


def _fit(widths: dict[str, int], width: int) -> None:
    """Take columns out of `widths`, then narrow what is flexible, until a line fits in `width` cells."""

    def over() -> int:
        return sum(widths.values()) + GAP * (len(widths) - 1) - width

    # Optional columns stay where three tenths of the width are left for the title of a session.
    slack = max(0, widths.get(WHAT, 0) - max(WHAT_LEAST, width * 3 // 10))
    slack += max(0, widths.get(CLIENT, 0) - CLIENT_LEAST - 4)
    for column in sorted((column for column in COLUMNS if column.dropped), key=lambda column: column.dropped):
        if over() > (slack if column.dropped >= 4 else 0):
            widths.pop(column.title, None)
    for title, least in (
        (CLIENT, CLIENT_LEAST + 4),
        (WHAT, WHAT_LEAST),
        (CLIENT, CLIENT_LEAST),
        (WHAT, 8),
        (CLIENT, 8),
    ):
        if title in widths and over() > 0:
            widths[title] = max(min(least, widths[title]), widths[title] - over())


def _style_of(column: Column, row: Row) -> str:
    if column.title == "outcome":
        return words.OUTCOME_STYLE[row.session.outcome]
    if column.title in ("#", "findings"):
        return row.style
    if column.title in ("history", "frames", "start"):
        return ink.FAINT
    return ink.STRONG if column.title == WHAT else ink.PLAIN


def breakdown_lines(report: core.Report, paper: Ink) -> Iterator[Line]:
    """Where the time of the set-up went, of the slowest sessions that have several phases, and what others come to."""
    flows = _flows(report)
    slow = [session for session in report.sessions if len(words.set_up(session)) > 1 and words.set_up_ns(session)]
    slow = sorted(slow, key=lambda session: words.set_up_ns(session) or 0, reverse=True)[:BREAKDOWNS]
    summed = [session for session in report.sessions if tables.has_any(session)][:BREAKDOWNS]
    for session in sorted({one.id: one for one in (*slow, *summed)}.values(), key=lambda session: session.id):
        yield Line()
        said = words.breakdown(session, words.main_flow(session, flows))
        for sentence in said or [f"Session {words.number_of(session.id)} ({session.kind}):"]:
            for piece in ink.wrap(sentence, prose(paper)):
                yield Line(piece)
        yield from tables.lines(session, paper, prose(paper))


# --- the findings -----------------------------------------------------------------------------------------------------


def finding_lines(report: core.Report, paper: Ink, notices: bool, everything: bool) -> Iterator[Line]:
    findings = words.ordered(report.findings)
    told = [finding for finding in findings if notices or finding.severity in words.SHOWN]
    sums = words.counted(findings)
    met: Counter[str] = Counter()
    said: set[tuple[str, str]] = set()
    for finding in told:
        met[finding.code] += 1
        if everything or met[finding.code] <= SAME_FINDINGS:
            yield from one_finding(finding, paper, again=(finding.cause, finding.advice) in said)
            yield Line()
            said.add((finding.cause, finding.advice))
    for code, number in met.items():
        if not everything and number > SAME_FINDINGS:
            yield from same_findings([finding for finding in told if finding.code == code], paper)
    yield from closing_lines(findings, sums, notices, paper)


def one_finding(finding: core.Verdict, paper: Ink, *, again: bool = False) -> Iterator[Line]:
    """A verdict: where it is, what happened, why that is probably so, what to do, what could make it wrong.

    `again` says that cause and advice stand just above, with another finding.
    """
    style = words.SEVERITY_STYLE[finding.severity]
    line = Line(finding.severity.value, style).add("  ").add(ink.cut(finding.code, paper.width // 2), ink.STRONG)
    where = "   ".join(word for word in (words.place(finding), finding.spec) if word)
    room = line.at + 3 + ink.cells(ink.safe(where))
    if room <= paper.width:
        yield line.right(where, max(prose(paper), room), ink.FAINT)
    else:
        yield line
        for piece in ink.wrap(where, paper.width - 2):
            yield Line("  ").add(piece, ink.FAINT)
    if finding.title and not finding.text.startswith(finding.title):
        for piece in ink.wrap(finding.title, prose(paper) - 2):
            yield Line("  ").add(piece, ink.STRONG)
    for piece in ink.wrap(finding.text, prose(paper) - 2):
        yield Line("  ").add(piece)
    why = () if again else (("Most likely", finding.cause), ("What to do", finding.advice))
    for label, text in (*why, ("Limits", finding.limits)):
        for index, piece in enumerate(ink.wrap(text, prose(paper) - LABEL_WIDTH - 2) if text else ()):
            yield Line("  ").add("" if index else label, ink.FAINT).to(LABEL_WIDTH + 2).add(piece)
    if again:
        yield Line("  Cause and advice as above.", ink.FAINT)


def same_findings(findings: list[core.Verdict], paper: Ink) -> Iterator[Line]:
    """What is left of many findings of one code: how many there are, and in which sessions."""
    rest = findings[SAME_FINDINGS:]
    sessions = sorted({words.number_of(finding.session) for finding in rest if finding.session is not None})
    where = ", ".join(str(session) for session in sessions[:12]) + (", ..." if len(sessions) > 12 else "")
    said = (
        f"{len(rest):,} more {findings[0].code}" + (f" in sessions {where}" if where else "") + " (--all tells each)."
    )
    for piece in ink.wrap(said, prose(paper)):
        yield Line(piece, words.SEVERITY_STYLE[findings[0].severity])
    yield Line()


def closing_lines(
    findings: Iterable[core.Verdict], sums: dict[Severity, int], notices: bool, paper: Ink
) -> Iterator[Line]:
    """The sum of it: what was found, and the notices that were not told."""
    errors, warnings = sums[Severity.ERROR], sums[Severity.WARNING]
    counts = [words.count(number, name) for number, name in ((errors, "error"), (warnings, "warning")) if number]
    said = f"{', '.join(counts)}." if counts else "No finding of severity error or warning."
    minor: dict[str, int] = {}
    for finding in findings:
        if finding.severity not in words.SHOWN:
            minor[finding.title or finding.code] = minor.get(finding.title or finding.code, 0) + 1
    if minor and not notices:
        titles = [f"{title} ({number:,} times)" if number > 1 else title for title, number in minor.items()]
        said += f" {words.count(sum(minor.values()), 'notice')} (--notices): {'; '.join(titles)}."
    for piece in ink.wrap(said, prose(paper)):
        yield Line(piece, ink.PLAIN if errors or warnings else ink.GOOD)
