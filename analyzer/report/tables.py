"""Facts that are lists of rows (candidate pairs, channels, streams), and sentences that sum a session up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.report import ink, words
from analyzer.report.ink import Ink, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer import core

#: Facts with sentences, and facts with rows, in the order in which they are shown.
SUMMARY: Final = "summary"
TABLES: Final = ("pairs", "channels", "streams")
ROWS: Final = 12
GAP: Final = 2
#: Values of the facts, in place of which the table has nothing: times are in the timeline.
HIDDEN: Final = ("_ns", "_frame", "_frames")
COLUMN_MOST: Final = 46


def lines(session: core.Session, paper: Ink, width: int) -> Iterator[Line]:
    """What the session comes to, in sentences, then its tables; nothing where no room or joiner summed it up."""
    for sentence in sentences(session):
        for piece in ink.wrap(sentence, width):
            yield Line(piece)
    for name in TABLES:
        rows = rows_of(session, name)
        if rows:
            yield from table(name, rows, paper)


def sentences(session: core.Session) -> list[str]:
    told = session.facts.get(SUMMARY)
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def rows_of(session: core.Session, name: str) -> list[dict[str, core.Value]]:
    rows = session.facts.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def has_any(session: core.Session) -> bool:
    return bool(sentences(session)) or any(rows_of(session, name) for name in TABLES)


def table(name: str, rows: list[dict[str, core.Value]], paper: Ink) -> Iterator[Line]:
    """`rows` under the names of their members; columns that don't fit go, from the last."""
    shown = rows[:ROWS]
    titles = list(dict.fromkeys(key for row in shown for key in row if not key.endswith(HIDDEN)))
    cells = {title: [cell(row.get(title)) for row in shown] for title in titles}
    titles = [title for title in titles if any(cells[title])]
    widths = {title: min(max(map(ink.cells, [heading(title), *cells[title]])), COLUMN_MOST) for title in titles}
    yield Line(f"  {name}", ink.FAINT)
    fitting: list[str] = []
    room = paper.width - 4
    for title in titles:
        room -= widths[title] + GAP
        if room + GAP >= 0:
            fitting.append(title)
    line, at = Line(), 4
    for title in fitting:
        line.to(at).add(ink.cut(heading(title), widths[title]), ink.FAINT)
        at += widths[title] + GAP
    yield line
    for index in range(len(shown)):
        line, at = Line(), 4
        for title in fitting:
            line.to(at).add(ink.cut_middle(cells[title][index], widths[title]))
            at += widths[title] + GAP
        yield line
    if len(rows) > ROWS:
        yield Line(f"    and {words.count(len(rows) - ROWS, 'row')} more (--format json has all)", ink.FAINT)


def heading(title: str) -> str:
    return title.replace("_", " ")


def cell(value: core.Value) -> str:
    """A value as a table has it: the name of a number that has one, both sides of a pair."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ink.safe(str(value.get("name", value.get("value", ""))))
    if isinstance(value, list):
        return " / ".join(cell(one) for one in value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"
    return ink.safe(str(value))
