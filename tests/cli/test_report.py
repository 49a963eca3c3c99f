"""`analyzer report`: every format, where it goes, and its status."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.called import call
from tests.conftest import ROOT


def test_report_as_text(http: Path) -> None:
    done = call("report", http)
    assert done.exit_code == 0
    assert "8 frames" in done.stdout
    assert "http://a.test/x" in done.stdout
    assert "both directions, from the first SYN, nothing lost" in done.stdout
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_report_as_json_and_jsonl_say_the_same(http: Path) -> None:
    whole = json.loads(call("report", http, "--format", "json").stdout)
    lines = [json.loads(line) for line in call("report", http, "--format", "jsonl").stdout.splitlines()]
    assert whole["schema"] == "analyzer.report/1"
    assert [line["type"] for line in lines] == ["capture", "flow", "session"]
    assert whole["flows"][0]["tcp"]["ack"] == 3
    kinds = [note["kind"] for note in whole["sessions"][0]["notes"]]
    assert kinds == ["tcp.syn", "tcp.syn-ack", "tcp.ack", "http.request", "http.response", "tcp.fin", "tcp.fin"]
    assert (
        "notes" not in json.loads(call("report", http, "--format", "json", "--detail", "summary").stdout)["sessions"][0]
    )
    traced = json.loads(call("report", http, "--format", "json", "--detail", "bytes").stdout)
    request = traced["sessions"][0]["notes"][3]
    assert request["bytes"][0]["spans"] == [[4, 54, 71]]


def test_report_as_csv_and_markdown(http: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call("report", http, "--format", "csv").stdout)))
    assert [row["title"] for row in rows] == ["http://a.test/x"]
    assert "| 1 | http |" in call("report", http, "--format", "markdown").stdout


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown", "csv"])
def test_output_goes_to_a_file(http: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / "out"
    done = call("report", http, "--format", form, "--output", to)
    assert (done.exit_code, done.stdout) == (0, "")
    assert to.stat().st_size > 100


def test_messages_go_to_files(tmp_path: Path) -> None:
    capture = ROOT / "captures" / "websocket" / "healthy_echo.pcapng"
    done = call("report", capture, "--export-messages", tmp_path)
    assert done.exit_code == 0
    written = list(tmp_path.glob("session-*/*"))
    assert written
    assert f"{len(written)} messages in {tmp_path}" in done.stderr
    assert "messages in" not in call("report", capture, "--quiet", "--export-messages", tmp_path).stderr


def test_fail_on_is_a_status_of_its_own(http: Path, refused: Path) -> None:
    assert call("report", refused).exit_code == 0
    assert call("report", refused, "--fail-on", "error").exit_code == 3
    assert call("report", refused, "--fail-on", "warning").exit_code == 3
    assert call("report", http, "--fail-on", "warning").exit_code == 0


def test_one_unreadable_capture_of_several_is_a_status(http: Path, tmp_path: Path) -> None:
    done = call("report", http, tmp_path / "missing.pcap", "--quiet")
    assert done.exit_code == 1
    assert "http://a.test/x" in done.stdout


def test_an_output_that_cannot_be_written_is_told(http: Path, tmp_path: Path) -> None:
    done = call("report", http, "--output", tmp_path / "no" / "out")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


def test_a_capture_that_cannot_be_read_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_text("id,packets\n1,2\n")
    done = call("report", path)
    assert done.exit_code == 1
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
