"""The options that all commands share."""

import json
from pathlib import Path

import pytest

from analyzer.cli.options import Options
from analyzer.core import Limits
from tests.cli.called import call, on_a_terminal


def test_filter_keeps_some_sessions(http: Path, refused: Path) -> None:
    whole = json.loads(call("report", http, refused, "--format", "json", "--filter", "kind == http").stdout)
    assert [session["kind"] for session in whole["sessions"]] == ["http"]
    wrong = call("report", http, "--filter", "kind ==")
    assert wrong.exit_code == 2
    assert wrong.stderr.count("\n") == 1


def test_limits_have_units_and_near_names(http: Path) -> None:
    assert call("report", http, "--limit", "unit_bytes=64k", "--limit", "unit-bytes=2m").exit_code == 0
    assert "did you mean flows?" in call("report", http, "--limit", "flow=1").stderr


def test_colours_are_for_terminals_and_as_told(refused: Path) -> None:
    report = ["report", str(refused)]
    assert b"\x1b[1;31m" in on_a_terminal(report, NO_COLOR="")
    assert b"\x1b" not in on_a_terminal(report, NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(report, TERM="dumb", NO_COLOR="")
    assert b"\x1b" not in on_a_terminal([*report, "--color", "never"], NO_COLOR="")
    assert "\x1b[1;31m" in call(*report, "--color", "always").stdout
    assert "\x1b" not in call(*report).stdout


def test_columns_set_the_width(http: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "history" in call("report", http).stdout
    monkeypatch.setenv("COLUMNS", "nonsense")
    assert max(map(len, call("report", http).stdout.splitlines())) <= 80


def test_whole_messages_need_larger_limits(tmp_path: Path) -> None:
    plain, whole = Options(), Options(messages=True)
    assert whole.limits.message_bytes > plain.limits.message_bytes
    assert whole.limits.unit_bytes >= whole.limits.message_bytes  # a message may be one frame
    exported = Options(export_messages=tmp_path, limits=Limits(message_bytes=1 << 30))
    assert exported.limits.message_bytes == exported.limits.unit_bytes == 1 << 30
