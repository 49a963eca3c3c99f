"""The command itself: help, version, and how it ends when something is wrong."""

import subprocess
from pathlib import Path

import click
import pytest

from analyzer import compiled
from analyzer.cli.main import COMMANDS, main
from tests.cli.called import COMMAND, ROOT, call


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["report", "missing.pcap"], 1),
        (["timeline", "missing.pcap"], 1),
        (["report"], 2),
        (["reprot"], 2),
        (["report", "x", "--format", "yaml"], 2),
        (["report", "x", "--format", "html"], 2),
        (["report", "x", "--limit", "flow=1"], 2),
        (["report", "x", "--limit", "flows"], 2),
        (["report", "x", "--limit", "flows=0"], 2),
        (["report", "x", "--keylog", "missing.keys"], 2),
        (["report", "x", "--jobs", "0"], 2),
        (["crosscheck", "missing.pcap"], 2),
    ],
)
def test_errors_are_one_sentence(arguments: list[str], status: int) -> None:
    done = call(*arguments)
    assert done.exit_code == status
    assert done.stdout == ""
    assert done.stderr.startswith("analyzer")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_our_own_mistakes_are_told_in_a_sentence(http: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("half\nof it")

    monkeypatch.setattr("analyzer.cli.run.analyse", fail)
    done = call("report", http)
    assert done.exit_code == 1
    assert "ZeroDivisionError: half of it" in done.stderr
    assert "please report it" in done.stderr
    monkeypatch.setenv("ANALYZER_DEBUG", "1")
    assert isinstance(call("report", http).exception, ZeroDivisionError)


def test_a_reader_who_leaves_is_no_error(http: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "timeline", *[str(http)] * 60, "--bytes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr is not None
        assert child.stderr.read() == b""
        assert child.wait(60) == 0


def test_help_lists_every_command_and_none_is_missing() -> None:
    done = call("--help")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()] == list(COMMANDS)
    for name in COMMANDS:
        assert call(name, "--help").exit_code == 0


def test_version_says_what_is_compiled() -> None:
    done = call("--version")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("analyzer ")
    assert [line[2:22].strip() for line in lines[1:3]] == ["passes over columns", "segments and units"]
    assert all("compiled" in line or "interpreted" in line for line in lines[1:3])


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OSError(28, "No space left on device", "out.json"), 1, "analyzer: out.json: No space left on device\n"),
        (OSError(5, "Input/output error"), 1, "analyzer: Input/output error\n"),
        (MemoryError(), 1, "not enough memory"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (click.ClickException("Well.\nThat failed."), 1, "analyzer: Well. That failed\n"),
    ],
)
def test_whatever_goes_wrong_has_its_status(
    http: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr("analyzer.cli.run.analyse", fail)
    done = call("report", http)
    assert done.exit_code == status
    assert said in done.stderr
    assert done.stderr.count("\n") == (1 if said else 0)


def test_a_command_can_be_called_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", "RST"], standalone_mode=False) == 0
    assert "RFC 9293" in capsys.readouterr().out


def test_interpreted_forms_by_order_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.VARIABLE, "1")
    assert "keeps compiled forms from being used" in call("--version").stdout
