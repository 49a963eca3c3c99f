"""`analyzer timeline`."""

import json
from pathlib import Path

from tests.cli.called import call


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
