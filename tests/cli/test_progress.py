"""The progress bar: on a terminal, for what takes long."""

import io

import pytest

from analyzer.cli import progress
from analyzer.core import Source


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def source(done: int) -> Source:
    made = Source()
    made.done_bytes, made.total_bytes = done, 100
    return made


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, after: float, quiet: bool = False) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "AFTER_SECONDS", after)
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    with progress.Progress(quiet) as bar:
        for done in (10, 50, 100):
            bar(source(done))
    return stream.getvalue()


def test_a_bar_is_shown_on_a_terminal_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" in shown(monkeypatch, Terminal(), after=0.0)


def test_nothing_is_shown_of_what_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Terminal(), after=60.0) == ""


def test_nothing_is_shown_elsewhere_or_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), after=0.0) == ""
    assert shown(monkeypatch, Terminal(), after=0.0, quiet=True) == ""
