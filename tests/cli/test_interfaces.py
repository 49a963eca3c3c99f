import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture import interfaces
from analyzer.cli.interfaces import command

FOUND = [
    interfaces.Found("lo", "up", 1, True, ["127.0.0.1", "::1"]),
    interfaces.Found("wlan-monitor0", "no carrier", 127, True),
]


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "found", lambda: FOUND)


def test_the_table() -> None:
    done = CliRunner().invoke(command, [])
    assert done.output.splitlines() == [
        "interface      state       link type             addresses",
        "lo             up          Ethernet              127.0.0.1, ::1",
        "wlan-monitor0  no carrier  802.11 with radiotap",
        "",
        "You may capture on all of them.",
    ]
    assert done.exit_code == 0


def test_without_the_right_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "found", lambda: [interfaces.Found("lo", "up", 1, False)])
    lines = CliRunner().invoke(command, []).output.splitlines()
    assert lines[1].split(maxsplit=1)[1].startswith("up, not allowed  Ethernet")
    assert lines[-1].startswith("You may not capture on them: run this with sudo, or")


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "interfaces.json"
    CliRunner().invoke(command, ["--format", "json", "--output", str(path)])
    told = json.loads(path.read_text())
    assert told["schema"] == "analyzer.interfaces/1"
    assert told["interfaces"][0] == {
        "name": "lo",
        "state": "up",
        "link_type": 1,
        "link_name": "Ethernet",
        "allowed": True,
        "addresses": ["127.0.0.1", "::1"],
    }


def test_other_formats_are_refused() -> None:
    assert CliRunner().invoke(command, ["--format", "csv"]).exit_code == 2
