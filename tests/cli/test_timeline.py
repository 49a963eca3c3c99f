"""`analyzer timeline`."""

import json
from pathlib import Path

from tests.cli.called import call
from tests.conftest import lab_file


def test_timeline(http: Path) -> None:
    done = call("timeline", http, "--session", 1, "--explain", "--bytes")
    assert done.exit_code == 0
    assert "SYN ---" in done.stdout
    assert "The client asks to open the connection" in done.stdout
    assert '"GET /x HTTP/1.1"' in done.stdout


def test_timeline_of_a_session_that_is_not_there(http: Path) -> None:
    done = call("timeline", http, "--session", 7)
    assert done.exit_code == 2
    assert "there is no session 7: there are 1 to 1" in done.stderr


def test_timeline_as_json_has_the_sessions_asked_for(http: Path) -> None:
    whole = json.loads(call("timeline", http, "--session", 1, "--format", "json").stdout)
    assert [session["id"] for session in whole["sessions"]] == [0]


def test_messages_are_shown_and_written(tmp_path: Path) -> None:
    path = lab_file("ws-node-chromium.pcapng")
    folder = tmp_path / "messages"
    done = call("timeline", path, "--messages", "--all", "--export-messages", folder)
    assert done.exit_code == 0
    assert f"5 messages in {folder}" in done.stderr
    texts = [file.read_text() for file in sorted(folder.glob("session-*/*.txt"))]
    assert len(texts) == 5
    assert all(f'"{text}"' in done.stdout for text in texts)


def test_messages_are_cut_unless_asked_for_whole(tmp_path: Path) -> None:
    path = lab_file("ws-fragmented.pcapng")
    lengths = []
    for more in ((), ("--export-messages", tmp_path)):
        read = json.loads(call("report", path, "--format", "json", *more).stdout)
        notes = [note for session in read["sessions"] for note in session["notes"]]
        lengths.append(max(len(note["fields"].get("message", "")) for note in notes))
    assert lengths[0] == 1024
    assert lengths[1] == max(file.stat().st_size for file in tmp_path.glob("*/*.txt"))
    assert lengths[1] > 1024
