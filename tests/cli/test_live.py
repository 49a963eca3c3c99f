"""`analyzer live` on the loopback, with a real server and real clients."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.capture import live as live_capture
from analyzer.cli import live
from analyzer.cli.main import main
from analyzer.core import CaptureError
from tests.capture import traffic
from tests.conftest import ROOT

SECONDS = 30


def analyzer(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "analyzer", *map(str, arguments)]


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`analyzer live` with these arguments, once it captures; ended if the test did not."""
    command = analyzer("live", *arguments)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "capturing on" in process.stderr.readline()
            yield process
        finally:
            process.kill()


def reported(path: Path, *arguments: object) -> str:
    """What `analyzer report` prints for a file."""
    command = analyzer("report", path, *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True)
    return done.stdout


@contextmanager
def python_server() -> Iterator[int]:
    """`python -m http.server` on the loopback; gives its port."""
    port = traffic.free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(command, cwd=ROOT / "docs", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + SECONDS
            while not _answers(port):
                assert time.monotonic() < end
                time.sleep(0.05)
            yield port
        finally:
            server.kill()


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.live
def test_curl_and_pythons_server_are_told_and_the_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "written.pcapng"
    with python_server() as port:
        arguments = ("lo", "-f", f"tcp port {port}", "--write", path, "--format", "jsonl")
        with running(*arguments, "--duration", "3") as process:
            time.sleep(0.5)
            for name in ("output.md", "nothing"):
                _fetch(f"http://127.0.0.1:{port}/{name}")
            out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    told = [line for line in lines if line["type"] == "note"]
    kinds = [note["kind"] for note in told]
    assert kinds.count("tcp.syn") >= 2
    assert kinds.count("http.response") == 2
    # Frame by frame, what was told while it happened is what the report of the file has.
    report = json.loads(reported(path, "--format", "json"))
    in_file = [note for session in report["sessions"] for note in session["notes"]]
    assert _sorted(told) == _sorted(in_file)
    rest = [line for line in lines if line["type"] != "note"]
    assert rest == [json.loads(line) for line in reported(path, "--format", "jsonl").splitlines()]


def _sorted(notes: list[dict[str, Any]]) -> list[str]:
    """The notes in an order of their own, without what is known only once the message's body has gone past."""
    told = []
    for note in notes:
        fields = {name: value for name, value in note["fields"].items() if name != "body_bytes"}
        told.append(json.dumps({name: value for name, value in note.items() if name != "type"} | {"fields": fields}))
    return sorted(told)


def _fetch(url: str) -> None:
    if shutil.which("curl") is not None:
        subprocess.run(["curl", "--silent", "--noproxy", "*", "--output", os.devnull, url], timeout=SECONDS, check=True)
    else:
        from urllib.error import HTTPError
        from urllib.request import ProxyHandler, build_opener

        try:
            build_opener(ProxyHandler({})).open(url, timeout=SECONDS).close()
        except HTTPError as answer:
            answer.close()


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_report(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "written.pcapng"
    with traffic.web_server() as port, running("lo", "-f", f"tcp port {port}", "-w", path) as process:
        traffic.visit(port)
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    lines, _, report = out.partition("\n\n")
    assert "tcp.syn-ack" in lines
    assert "http.request         GET /word" in lines
    assert report == reported(path)
    assert err == ""


@pytest.mark.live
def test_lines_are_printed_while_it_happens() -> None:
    with traffic.web_server() as port, running("lo", "-f", f"tcp port {port}") as process:
        traffic.visit(port)
        assert process.stdout is not None
        begin = time.monotonic()
        first = process.stdout.readline()
        assert time.monotonic() - begin < 5
        assert process.poll() is None
    assert "tcp.syn " in first
    assert f"> 127.0.0.1:{port}" in first


@pytest.mark.live
def test_count_and_a_report_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with (
        traffic.web_server() as port,
        running("lo", "-f", f"tcp port {port}", "--count", 5, "--format", "json", "--output", path) as process,
    ):
        traffic.visit(port)
        out, _ = process.communicate(timeout=SECONDS)
    report = json.loads(path.read_text())
    assert report["capture"]["frames"] == 5
    assert report["capture"]["files"][0]["name"] == "lo"
    assert report["capture"]["interfaces"] == [{"name": "lo", "link_type": 1, "snap_bytes": 262144, "dropped": 0}]
    assert "tcp.syn" in out
    assert process.returncode == 0


# --- without an interface ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nix"], 1, "there is no interface 'nix' here: there are"),
        (["lo", "--filter", "kind =="], 2, "--filter"),
        (["lo", "--duration", "nan"], 2, "--duration"),
        (["lo", "--duration", "-1"], 2, "--duration"),
        (["lo", "--count", "0"], 2, "--count"),
        ([], 2, "INTERFACE"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], status: int, words: str) -> None:
    done = CliRunner().invoke(main, ["live", *arguments])
    assert done.exit_code == status
    assert words in done.output
    assert done.output.count("\n") == 1


def test_without_the_right_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise CaptureError("you may not capture on lo: run this with sudo")

    monkeypatch.setattr(live_capture, "open_receiver", refuse)
    done = CliRunner().invoke(main, ["live", "lo"])
    assert (done.exit_code, done.output) == (1, "analyzer: you may not capture on lo: run this with sudo\n")


class Scripted:
    """A receiver that gives the frames of one connection, and then does something."""

    link_type = 1

    def __init__(self, then: Any) -> None:
        self.left = [bytes.fromhex(frame) for frame in HANDSHAKE]
        self.then = then

    def wait(self, seconds: float) -> None:
        time.sleep(min(max(seconds, 0), 0.01))

    def fill(self, frames: Any, until_ns: int | None) -> bool:
        if until_ns is not None and not self.left:
            return False
        if not self.left and self.then is not None:
            then, self.then = self.then, None
            then()
        while self.left and not frames.full:
            data = self.left.pop(0)
            frames.view[frames.stop : frames.stop + len(data)] = data
            frames.add(1_700_000_000_000_000_000, len(data), len(data))
        return True

    def dropped(self) -> int:
        return 0

    def close(self) -> None:
        pass


ETHERNET = "0000000000000000000000000800"
HANDSHAKE = (
    ETHERNET + "4500002800014000400600000a0000010a000002c000005000000001000000005002ffff00000000",
    ETHERNET + "4500002800014000400600000a0000020a0000010050c00000000009000000025012ffff00000000",
    ETHERNET + "4500002800014000400600000a0000010a000002c0000050000000020000000a5010ffff00000000",
)


def scripted(monkeypatch: pytest.MonkeyPatch, *arguments: str, then: Any = None) -> Any:
    monkeypatch.setattr(live_capture, "open_receiver", lambda *asked: Scripted(then))
    return CliRunner().invoke(main, ["live", "lo", *arguments])


@pytest.mark.parametrize(
    "arguments", [("--quiet",), ("--format", "csv"), ("--format", "json"), ("--format", "markdown")]
)
def test_formats_and_quiet_leave_the_report_alone(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    done = scripted(monkeypatch, "--count", "3", *arguments)
    assert done.exit_code == 0
    assert "tcp.syn-ack  " not in done.stdout
    if arguments[-1] == "json":
        assert json.loads(done.stdout)["capture"]["frames"] == 3


def test_text(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = scripted(monkeypatch, "--count", "3").stdout.splitlines()
    assert [line.split()[5] for line in lines[:3]] == ["tcp.syn", "tcp.syn-ack", "tcp.ack"]
    assert lines[3] == ""
    assert lines[4].startswith("lo   3 frames")


def test_jsonl(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        json.loads(line) for line in scripted(monkeypatch, "--count", "3", "--format", "jsonl").stdout.splitlines()
    ]
    assert [line["type"] for line in lines][:4] == ["note", "note", "note", "capture"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done = scripted(monkeypatch, "--quiet", then=lambda: signal.raise_signal(number))
    assert done.exit_code == 130
    assert "3 frames" in done.stdout
    assert signal.getsignal(number) == before


def test_a_second_interruption_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    done = scripted(monkeypatch, "--quiet", then=twice)
    assert done.exit_code == 130
    assert done.stdout == ""


def test_outside_the_main_thread_there_are_no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise ValueError("signal only works in main thread")

    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", refuse)
        with live.ending(live_capture.LiveSource.__new__(live_capture.LiveSource)) as ends:
            assert not ends.asked
