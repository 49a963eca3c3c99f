"""The command as a process: statuses, streams, pipes, interruptions, and what it says when something is wrong."""

import csv
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer import compiled
from analyzer.cli.main import COMMANDS, main
from tests.conftest import lab_file

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "analyzer"]


def frame(source: int, target: int, flags: int, seq: int, ack: int, payload: bytes = b"", back: bool = False) -> bytes:
    """An Ethernet frame with a TCP segment between 10.0.0.1 and 10.0.0.2."""
    ends = (b"\x0a\0\0\x01", b"\x0a\0\0\x02")
    tcp = struct.pack(">HHIIBBHHH", source, target, seq, ack, 0x50, flags, 1000, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, ends[back], ends[not back])
    return b"\2" * 12 + b"\x08\0" + ip + tcp


def pcap(frames: list[bytes]) -> bytes:
    """A capture of those frames, a millisecond apart."""
    made = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for index, data in enumerate(frames):
        made += struct.pack("<IIII", 1_700_000_000, index * 1000, len(data), len(data)) + data
    return made


HTTP = pcap(
    [
        frame(40000, 80, 0x02, 100, 0),
        frame(80, 40000, 0x12, 500, 101, back=True),
        frame(40000, 80, 0x10, 101, 501),
        frame(40000, 80, 0x18, 101, 501, b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        frame(80, 40000, 0x18, 501, 134, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", back=True),
        frame(40000, 80, 0x11, 134, 539),
        frame(80, 40000, 0x11, 539, 135, back=True),
        frame(40000, 80, 0x10, 135, 540),
    ]
)
REFUSED = pcap([frame(40000, 80, 0x02, 100, 0), frame(80, 40000, 0x14, 0, 101, back=True)])


@pytest.fixture
def http(tmp_path: Path) -> Path:
    path = tmp_path / "http.pcap"
    path.write_bytes(HTTP)
    return path


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    path = tmp_path / "refused.pcap"
    path.write_bytes(REFUSED)
    return path


def call(*arguments: object, **extra: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **extra)


def process(*arguments: object, **extra: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, timeout=60, check=False, cwd=ROOT, **extra
    )


# --- reports ----------------------------------------------------------------------------------------------------------


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


def test_fail_on_is_a_status_of_its_own(http: Path, refused: Path) -> None:
    assert call("report", refused).exit_code == 0
    assert call("report", refused, "--fail-on", "error").exit_code == 3
    assert call("report", refused, "--fail-on", "warning").exit_code == 3
    assert call("report", http, "--fail-on", "warning").exit_code == 0


def test_filter_keeps_some_sessions(http: Path, refused: Path) -> None:
    whole = json.loads(call("report", http, refused, "--format", "json", "--filter", "kind == http").stdout)
    assert [session["kind"] for session in whole["sessions"]] == ["http"]
    wrong = call("report", http, "--filter", "kind ==")
    assert wrong.exit_code == 2
    assert wrong.stderr.count("\n") == 1


def test_jobs_change_nothing(http: Path) -> None:
    one = call("report", http, "--format", "json").stdout
    assert call("report", http, "--format", "json", "--jobs", "2").stdout == one


def test_standard_input_and_named_pipes_are_read(http: Path, tmp_path: Path) -> None:
    expected = json.loads(process("report", http, "--format", "json").stdout)
    done = process("report", "-", "--format", "json", input=HTTP)
    assert json.loads(done.stdout)["sessions"] == expected["sessions"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*COMMAND, "report", str(pipe), "--format", "json"], stdout=subprocess.PIPE, cwd=ROOT
    ) as child:
        with pipe.open("wb") as feed:
            for at in range(0, len(HTTP), 7):
                feed.write(HTTP[at : at + 7])
        out, _ = child.communicate(timeout=60)
    assert json.loads(out)["sessions"] == expected["sessions"]


# --- timelines --------------------------------------------------------------------------------------------------------


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


# --- explain ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tcp.syn-no-reply", "What to do"),
        ("syn-no-reply", "tcp.syn-no-reply"),
        ("RST", "RFC 9293"),
        ("icmp 3/13", "administratively prohibited"),
        ("ShADadFf", "initiator: SYN"),
        ("capture.one-direction", "Most likely"),
        ("http.request", "RFC 9112"),
        ("window", "tcp.zero-window"),
    ],
)
def test_explain(word: str, said: str) -> None:
    done = call("explain", *word.split())
    assert done.exit_code == 0
    assert said in done.stdout


def test_explain_suggests_what_may_be_meant() -> None:
    done = call("explain", "tcp.retransmision")
    assert done.exit_code == 2
    assert "did you mean tcp.retransmission" in done.stderr
    assert call("explain", "qqqqqqqq").exit_code == 2
    assert call("explain").exit_code == 2


def test_explain_lists_every_word() -> None:
    listed = call("explain", "--list")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) > 80


# --- what goes wrong --------------------------------------------------------------------------------------------------


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


def test_limits_have_units_and_near_names(http: Path) -> None:
    assert call("report", http, "--limit", "unit_bytes=64k", "--limit", "unit-bytes=2m").exit_code == 0
    assert "did you mean flows?" in call("report", http, "--limit", "flow=1").stderr


def test_a_capture_that_cannot_be_read_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_text("id,packets\n1,2\n")
    done = call("report", path)
    assert done.exit_code == 1
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_capture_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(HTTP[:-10])
    done = call("report", path, "--format", "json")
    assert done.exit_code == 0
    assert done.stderr.startswith("analyzer: warning: ")
    assert json.loads(done.stdout)["capture"]["problems"]
    assert call("report", path, "--format", "json", "--quiet").stderr == ""


def test_one_unreadable_capture_of_several_is_a_status(http: Path, tmp_path: Path) -> None:
    done = call("report", http, tmp_path / "missing.pcap", "--quiet")
    assert done.exit_code == 1
    assert "http://a.test/x" in done.stdout


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


def test_an_output_that_cannot_be_written_is_told(http: Path, tmp_path: Path) -> None:
    done = call("report", http, "--output", tmp_path / "no" / "out")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


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


def test_ctrl_c_writes_what_was_found_so_far() -> None:
    with subprocess.Popen(
        [*COMMAND, "report", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdin is not None
        child.stdin.write(HTTP)
        child.stdin.flush()
        time.sleep(2)  # it reads them, and waits for more
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        out = child.stdout.read()
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait(60) == 130
    assert json.loads(out)["capture"]["frames"] >= 7
    assert b"interrupted" in said
    assert b"Traceback" not in said


# --- the terminal -----------------------------------------------------------------------------------------------------


def on_a_terminal(arguments: list[str], **variables: str) -> bytes:
    """What the command prints where standard output is a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **variables}
    environment = {name: value for name, value in environment.items() if value}
    with subprocess.Popen([*COMMAND, *arguments], stdout=follower, stderr=follower, cwd=ROOT, env=environment) as child:
        os.close(follower)
        seen = b""
        while True:
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break
        child.wait(60)
    os.close(leader)
    return seen


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


# --- the command itself -----------------------------------------------------------------------------------------------


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
    assert {line.split()[0] for line in lines[1:4]} == set(compiled.NAMES)
    assert all(line.split()[1] in ("compiled", "interpreted") for line in lines[1:4])


def test_the_environment_forces_the_interpreted_forms(http: Path) -> None:
    environment = {**os.environ, compiled.VARIABLE: "1"}
    version = process("--version", env=environment).stdout.decode()
    assert version.count("interpreted") == 3
    pure = process("report", http, "--format", "json", env=environment).stdout
    assert json.loads(pure) == json.loads(process("report", http, "--format", "json").stdout)


def test_help_is_quick() -> None:
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        process("--help")
        best = min(best, time.perf_counter() - start)
    assert best < 0.3


# --- crosscheck -------------------------------------------------------------------------------------------------------


def test_crosscheck_agrees_on_a_healthy_capture() -> None:
    pytest.importorskip("pyshark")
    from analyzer.capture.pyshark_adapter import find_tshark

    if find_tshark() is None:
        pytest.skip("tshark is not here")
    done = process("crosscheck", lab_file("load-ws-tcp.pcapng"))
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.decode().splitlines()[2:]]
    assert [row[0] for row in table] == ["http.request", "http.response", "tcp.ack", "tcp.syn", "tcp.syn-ack"]
    assert all(int(row[1]) > 0 and row[2:] == ["0", "0", "0"] for row in table)


def test_crosscheck_tells_what_differs() -> None:
    from analyzer.cli.crosscheck import Key, compared, lines

    ours = {Key(1, "tcp.syn"): "a", Key(2, "dns.query"): "id 1", Key(3, "tcp.ack"): "a"}
    theirs = {Key(1, "tcp.syn"): "a", Key(2, "dns.query"): "id 2", Key(4, "tcp.ack"): "a"}
    assert [verdict for _, verdict, _, _ in compared(ours, theirs)] == [
        "agree",
        "differ",
        "only ours",
        "only Wireshark",
    ]
    printed = [str(line) for line in lines("x", ours, theirs, 80, False)]
    assert any("id 1, Wireshark: id 2" in line for line in printed)
    assert not any(line.split()[:1] == ["1"] for line in printed)
    assert any(line.split()[:1] == ["1"] for line in map(str, lines("x", ours, theirs, 80, True)))
    assert "neither" in str(list(lines("x", {}, {}, 80, False))[1])


def test_crosscheck_without_tshark_says_what_to_do(http: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.pyshark_adapter.find_tshark", lambda: None)
    done = call("crosscheck", http)
    assert done.exit_code == 1
    assert "install it" in done.stderr
    assert done.stderr.count("\n") == 1
