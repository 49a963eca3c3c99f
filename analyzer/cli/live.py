"""`analyzer live`: an interface as it happens, a line for each note, and the report at the end."""

from __future__ import annotations

import math
import signal
import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from analyzer.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from analyzer.capture.live import LiveSource
    from analyzer.cli.options import Options
    from analyzer.core import Finding, Flow, Note

    Tell = Callable[[int, Note | Finding], None]

#: Both end a capture as it should end; what was found so far is written out.
ENDING: Final = (signal.SIGINT, signal.SIGTERM)
FLOWS_REMEMBERED: Final = 4096
DURATION_SECONDS: Final = 1e9


class Ending:
    """Ends the source at the first signal; the second one ends the process as usual."""

    def __init__(self, source: LiveSource) -> None:
        self.source = source
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.source.stop()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@contextmanager
def ending(source: LiveSource) -> Iterator[Ending]:
    """Ctrl-C and SIGTERM inside end `source`."""
    ends = Ending(source)
    try:
        before = {number: signal.signal(number, ends) for number in ENDING}
    except ValueError:  # not the main thread: nobody sends us signals
        yield ends
        return
    try:
        yield ends
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_duration(_: click.Context, parameter: click.Parameter, given: float | None) -> float | None:
    if given is not None and math.isnan(given):
        raise click.BadParameter("give a number of seconds", param=parameter)
    return given


@click.command("live")
@click.argument("interface")
@click.option("-f", "--bpf", metavar="BPF", help="Capture filter, as tcpdump has it: 'tcp port 443'.")
@click.option(
    "--duration",
    type=click.FloatRange(0, DURATION_SECONDS, min_open=True),
    callback=read_duration,
    metavar="SECONDS",
    help="End after so long.",
)
@click.option("--count", "-c", type=click.IntRange(1), metavar="FRAMES", help="End after so many frames.")
@click.option(
    "--write", "-w", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep the frames, as pcapng."
)
@click.option(
    "--promiscuous/--no-promiscuous", default=True, help="Also frames for others that pass by.  [default: yes]"
)
@options.FORMAT
@options.DETAIL
@options.NOTICES
@options.ALL
@options.OUTPUT
@options.KEYLOG
@options.PRIVATE_KEY
@options.CA
@options.TURN_PASSWORD
@options.FILTER
@options.LIMIT
@options.COLOR
@options.QUIET
@options.FAIL_ON
def command(
    interface: str,
    bpf: str | None,
    duration: float | None,
    count: int | None,
    write: Path | None,
    promiscuous: bool,
    **given: Any,
) -> int:
    """The same while it happens: a line for each note, and the report at the end.

    INTERFACE is one that `analyzer interfaces` lists, or `any`.  Ctrl-C ends the capture, and the report follows; the
    exit status is then 130.  The report is what `analyzer report FILE` prints for the file that --write names.

    Lines are printed with --format text and jsonl, and with any format when --output takes the report; --quiet leaves
    them out.
    """
    from analyzer import api
    from analyzer.capture.live import LiveSource
    from analyzer.cli import report

    wanted = options.Options(**given)
    try:
        api.filter_of(wanted.filter)
    except ValueError as why:
        raise click.BadParameter(str(why), param_hint="--filter") from why
    given_files = api.material(wanted.keylog, wanted.private_key, wanted.ca, wanted.turn_password)
    source = LiveSource(interface, bpf, duration=duration, count=count, write=write, promiscuous=promiscuous)
    analysis = api.Analysis(
        source,
        limits=wanted.limits,
        filter=wanted.filter,
        trace=wanted.detail == "bytes",
        on_output=teller(wanted, lambda flow: analysis.engine.tracker.flow(flow)),
        material=given_files,
        live=True,
    )
    try:
        with ending(source) as ends:
            if not wanted.quiet:
                click.echo(f"capturing on {interface}{f', {bpf}' if bpf else ''}; Ctrl-C ends it", err=True)
            with api.without_collection():
                while analysis.step():
                    sys.stdout.flush()
            found = analysis.report()
    finally:
        source.close()
    if wanted.format == "text" and wanted.output is None and not wanted.quiet and found.capture.frames:
        click.echo()
    report.write(found, wanted)
    return report.status(found, wanted, ends.asked)


def teller(wanted: Options, flow_of: Callable[[int], Flow]) -> Tell | None:
    """What is done with a note as it happens: print it as text or JSON, or nothing."""
    if wanted.quiet or (wanted.output is None and wanted.format not in ("text", "jsonl")):
        return None
    if wanted.format == "jsonl":
        from analyzer.core import Note
        from analyzer.report.jsonl import Writer

        lines = Writer(sys.stdout.buffer, wanted.detail)

        def tell_json(_: int, output: Note | Finding) -> None:
            if isinstance(output, Note):
                lines.note(output)

        return tell_json

    from analyzer.report.ink import Ink
    from analyzer.report.live_line import line

    out = sys.stdout
    paper = Ink(colour=options.coloured(wanted.color, out), unicode=options.has_unicode(out))
    remembered = lru_cache(FLOWS_REMEMBERED)(flow_of)

    def tell_text(flow: int, output: Note | Finding) -> None:
        out.write(line(output, remembered(flow)).painted(paper) + "\n")

    return tell_text
