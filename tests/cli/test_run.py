"""How captures are read: pipes, several processes, damage, interruptions."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from analyzer import core
from analyzer.cli import run
from tests.cli.called import COMMAND, HTTP, ROOT, call, process


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


def test_a_damaged_capture_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(HTTP[:-10])
    done = call("report", path, "--format", "json")
    assert done.exit_code == 0
    assert done.stderr.startswith("analyzer: warning: ")
    assert json.loads(done.stdout)["capture"]["problems"]
    assert call("report", path, "--format", "json", "--quiet").stderr == ""


class Endless(core.Source):
    """A source that is interrupted while it waits for its next batch, or while one is analysed."""

    def __init__(self, interrupt: run.Interrupt, waiting: bool) -> None:
        self.interrupt = interrupt
        self.files = [core.CaptureFile("endless", "pcap", 0)]
        self.waiting = waiting
        self.given = 0

    def __iter__(self) -> Generator[core.Batch]:
        while True:
            self.given += 1
            if self.waiting and self.given == 3:
                self.interrupt(signal.SIGINT, None)
            yield core.Batch(b"", 1, 0, *[np.empty(0, np.int64)] * 4, *[np.empty(0, np.int32)] * 2)  # type: ignore[arg-type]

    def close(self) -> None:
        self.given = -1


@pytest.mark.parametrize("waiting", [True, False])
def test_an_interruption_ends_the_reading_between_batches(waiting: bool) -> None:
    with run.interruptible() as interrupt:
        source = Endless(interrupt, waiting)
        read = 0
        for _ in run.Interruptible(source, interrupt):
            read += 1
            if not waiting and read == 2:
                signal.raise_signal(signal.SIGINT)
        assert interrupt.is_asked()
        assert read == 2
        assert run.Interruptible(source, interrupt).files[0].name == "endless"
        run.Interruptible(source, interrupt).close()
        assert source.given == -1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_only_the_main_thread_hears_of_interruptions() -> None:
    heard = []

    def inside() -> None:
        with run.interruptible() as interrupt:
            heard.append(interrupt.is_asked())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert heard == [False]


def test_an_interruption_is_a_status_and_a_sentence(http: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.Interrupt, "__init__", lambda self: self.__dict__.update(asked=True, waiting=False))
    done = call("report", http)
    assert done.exit_code == 130
    assert "interrupted; this is what was found so far" in done.stderr
    assert "0 frames" in done.stdout
