"""`analyzer timeline`: every step of every session, in order, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzer.cli.options import Options
    from analyzer.core import Kind, Report, Session


def all_kinds() -> Mapping[str, Kind]:
    """What every kind of note means, of all rooms and of the engine."""
    from analyzer.engine import registry

    kinds = dict(registry.KINDS)
    for protocol in registry.protocols():
        kinds.update(protocol.kinds)
    return kinds


def chosen(report: Report, numbers: Sequence[int]) -> list[Session]:
    """The sessions of these numbers (from 1, as tables count), all where none is named."""
    if not numbers:
        return report.sessions
    by_number = {session.id + 1: session for session in report.sessions}
    missing = [number for number in numbers if number not in by_number]
    if missing:
        there = f"1 to {max(by_number)}" if by_number else "none at all"
        raise click.UsageError(f"there is no session {missing[0]}: there are {there}")
    return [by_number[number] for number in numbers]


def write(report: Report, sessions: Sequence[Session], wanted: Options, *, explain: bool, with_bytes: bool) -> None:
    from analyzer.report.text import capture_lines
    from analyzer.report.timeline import Show, session_lines

    kinds = all_kinds()
    show = Show(explain, with_bytes, wanted.messages, wanted.everything or wanted.messages)
    with wanted.text_output() as (out, paper):
        out.writelines(line.painted(paper) + "\n" for line in capture_lines(report, paper))
        for session in sessions:
            out.write("\n")
            out.writelines(line.painted(paper) + "\n" for line in session_lines(session, report, kinds, paper, show))
            out.write("\n")
        if not sessions:
            out.write("\nNo session: nothing here that there is anything to tell of.\n")


@click.command("timeline")
@options.reading(
    click.option(
        "--session", "-s", "numbers", type=click.IntRange(1), multiple=True, help="Only this one (repeatable)."
    ),
    click.option("--explain", is_flag=True, help="Say what each message is for."),
    click.option("--bytes", "with_bytes", is_flag=True, help="Show the fields of each message and their bytes."),
    options.MESSAGES,
    options.EXPORT_MESSAGES,
    click.option("--all", "everything", is_flag=True, help="Show every line, also of long runs of the same."),
    options.FORMAT,
)
def command(captures: tuple[str, ...], numbers: tuple[int, ...], explain: bool, with_bytes: bool, **given: Any) -> int:
    """Annotated timelines: every step, in order, in words.

    CAPTURE is a file, a folder, a glob or - (standard input); several are read as one capture, in order of time.
    """
    from analyzer.cli import report as reports
    from analyzer.cli.run import analyse

    wanted = options.Options(**given, detail="bytes" if with_bytes else "full")
    result = analyse(captures, wanted, trace=with_bytes)
    sessions = chosen(result.report, numbers)
    if wanted.format == "text":
        write(result.report, sessions, wanted, explain=explain, with_bytes=with_bytes)
    else:
        reports.write(replace(result.report, sessions=sessions), wanted)
    reports.export(replace(result.report, sessions=sessions), wanted)
    return reports.status(result.report, wanted, result.interrupted)
