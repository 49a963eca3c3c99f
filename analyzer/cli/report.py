"""`analyzer report`: the sessions of captures, how each ended, how long it took, and the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from analyzer.cli import options
from analyzer.cli.main import CANNOT_READ, FAILED_ON, INTERRUPTED

if TYPE_CHECKING:
    from analyzer.cli.options import Options
    from analyzer.core import Report


def write(report: Report, wanted: Options) -> None:
    """Write the report as `--format` says, to where `--output` says."""
    if wanted.format in ("json", "jsonl"):
        from analyzer.report.json import write_json
        from analyzer.report.jsonl import write_jsonl

        with wanted.binary_output() as out:
            (write_json if wanted.format == "json" else write_jsonl)(report, out, wanted.detail)
        return
    with wanted.text_output() as (text, paper):
        if wanted.format == "markdown":
            from analyzer.report.markdown import write_markdown

            write_markdown(report, text, notices=wanted.notices)
        elif wanted.format == "csv":
            from analyzer.report.csv import write_csv

            write_csv(report, text)
        else:
            from analyzer.report.text import write_text

            write_text(report, text, paper, notices=wanted.notices, everything=wanted.everything)


def export(report: Report, wanted: Options) -> None:
    """Write the messages of the sessions to the folder that was asked for, if one was."""
    if wanted.export_messages is not None:
        from analyzer.report.messages import write_messages

        count = write_messages(report, wanted.export_messages)
        if not wanted.quiet:
            click.echo(f"analyzer: {count:,} message{'' if count == 1 else 's'} in {wanted.export_messages}", err=True)


def status(report: Report, wanted: Options, interrupted: bool) -> int:
    """What the process ends with, once its report is written."""
    if interrupted:
        return INTERRUPTED
    if any(problem.code in UNREAD for problem in report.capture.problems):
        return CANNOT_READ
    return FAILED_ON if wanted.met(finding.severity for finding in report.findings) else 0


#: Problems that mean a capture was not read at all, though others were.
UNREAD = frozenset({"capture.unreadable"})


@click.command("report")
@options.reading(
    options.FORMAT, options.DETAIL, options.MESSAGES, options.EXPORT_MESSAGES, options.NOTICES, options.ALL
)
def command(captures: tuple[str, ...], **given: Any) -> int:
    """Sessions, outcomes, latencies and findings of captures.

    CAPTURE is a file, a folder, a glob or - (standard input); several are read as one capture, in order of time.
    """
    from analyzer.cli.run import analyse

    wanted = options.Options(**given)
    result = analyse(captures, wanted, trace=wanted.detail == "bytes")
    write(result.report, wanted)
    export(result.report, wanted)
    return status(result.report, wanted, result.interrupted)
