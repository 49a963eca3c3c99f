"""How a command reads captures: with progress, and so that an interruption still gives what was found so far."""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from analyzer.cli.progress import Progress
from analyzer.core import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import FrameType

    from analyzer.cli.options import Options
    from analyzer.core import Batch, Report


#: The last report stays until the process ends: taking it apart, object by object, would take longer than writing it.
_kept: Final[list[Report]] = []


@dataclass(slots=True)
class Result:
    """A report, and whether it is only what was found before an interruption."""

    report: Report
    interrupted: bool


class Interrupt:
    """What Ctrl-C does: ends the reading, between two batches or while waiting for one; again, it ends the process."""

    def __init__(self) -> None:
        self.asked = False
        self.waiting = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.asked = True
        if self.waiting:
            raise KeyboardInterrupt

    def is_asked(self) -> bool:
        return self.asked


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Inside, Ctrl-C never tears a batch apart."""
    interrupt = Interrupt()
    try:
        before = signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread: nobody sends us signals
        yield interrupt
        return
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


class Interruptible(Source):
    """A source that ends where the user interrupts it, also while a pipe keeps it waiting."""

    def __init__(self, source: Source, interrupt: Interrupt) -> None:
        self._source = source
        self._interrupt = interrupt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __iter__(self) -> Generator[Batch]:
        batches = iter(self._source)
        interrupt = self._interrupt
        while not interrupt.asked:
            try:
                interrupt.waiting = True
                batch = next(batches, None)
            except KeyboardInterrupt:
                return
            finally:
                interrupt.waiting = False
            if batch is None:
                return
            yield batch

    def close(self) -> None:
        self._source.close()


def analyse(captures: Sequence[str], wanted: Options, *, trace: bool) -> Result:
    """The report on the captures as the options want it, and what is wrong with them on standard error."""
    from analyzer import api
    from analyzer.capture import open_source

    given = api.material(wanted.keylog, wanted.private_key, wanted.ca, wanted.turn_password)
    with Progress(wanted.quiet) as progress, interruptible() as interrupt, api.without_collection():
        shareable = wanted.jobs != 1 and api.shareable(captures)
        if wanted.jobs is not None and shareable:
            report = api.analyze(
                captures,
                keylog=given.keylog,
                private_key=given.private_keys,
                ca=given.ca,
                turn_password=given.turn_passwords,
                limits=wanted.limits,
                filter=wanted.filter,
                jobs=wanted.jobs,
                trace=trace,
                progress=progress,
                stop=interrupt.is_asked,
            )
        else:
            source = Interruptible(open_source(captures, limits=wanted.limits), interrupt)
            analysis = api.Analysis(
                source,
                limits=wanted.limits,
                filter=wanted.filter,
                trace=trace,
                material=given,
                again=captures if shareable and not given.private_keys else None,
                stop=interrupt.is_asked,
            )
            try:
                analysis.run(progress)
                report = analysis.report()
            finally:
                analysis.end()
        _kept[:] = [report]
        gc.freeze()  # all of it is kept until the end: looking for cycles in it while it is written would be in vain
    if not wanted.quiet and (wanted.output is not None or not sys.stdout.isatty() or wanted.format != "text"):
        warn(report)
    if interrupt.asked and not wanted.quiet:
        click.echo("analyzer: interrupted; this is what was found so far", err=True)
    return Result(report, interrupt.asked)


def warn(report: Report) -> None:
    """Say on standard error what is wrong with the captures, where the report may go unread for now."""
    from analyzer.report import ink, words

    for problem in report.capture.problems:
        click.echo(ink.safe(f"analyzer: warning: {words.problem(problem)}"), err=True)
