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
from tests.protocols.tls.dialogs import TLS12, Dialog, Ends, capture, private_key
from tests.protocols.tls.recorded import certified


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


# --- what opens a capture ---------------------------------------------------------------------------------------------


def facts(*arguments: object, **extra: object) -> dict[str, object]:
    done = call("report", *arguments, "--format", "json", **extra)
    assert done.exit_code == 0, done.output
    (session,) = json.loads(done.stdout)["sessions"]
    found: dict[str, object] = session["facts"]
    return found


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with captures of TLS 1.3 and of RSA key exchange, and what opens them."""
    folder = tmp_path_factory.mktemp("tls")
    for name, ends in (("newer", Ends()), ("older", Ends(TLS12, "AES128-SHA"))):
        (folder / f"{name}.pcapng").write_bytes(capture(Dialog(ends).frames))
        (folder / f"{name}.keys").write_bytes(ends.keys)
    (folder / "server.key").write_bytes(private_key())
    (folder / "ca.pem").write_bytes(certified("rsa"))
    return folder


def test_key_logs(encrypted: Path) -> None:
    newer, logs = encrypted / "newer.pcapng", [encrypted / "older.keys", encrypted / "newer.keys"]
    assert facts(newer)["not_decrypted_because"] == "no key log was given"
    assert facts(newer, "--keylog", logs[1])["decrypted"] is True
    assert facts(newer, "--keylog", logs[0], "--keylog", logs[1])["decrypted"] is True
    why = facts(newer, "--keylog", logs[0])["not_decrypted_because"]
    assert why == "the key log has no line for the random of this ClientHello"
    assert facts(newer, env={"SSLKEYLOGFILE": str(logs[1])})["decrypted"] is True
    # What is named on the command line comes instead.
    assert facts(newer, "--keylog", logs[0], env={"SSLKEYLOGFILE": str(logs[1])})["decrypted"] is False
    assert facts(newer, env={"SSLKEYLOGFILE": str(encrypted / "missing")})["decrypted"] is False
    missing = call("report", newer, "--keylog", encrypted / "missing")
    assert missing.exit_code == 2
    assert "Traceback" not in missing.output


def test_private_keys(encrypted: Path) -> None:
    key = encrypted / "server.key"
    assert facts(encrypted / "older.pcapng", "--private-key", key)["decrypted"] is True
    why = facts(encrypted / "newer.pcapng", "--private-key", key)["not_decrypted_because"]
    assert "forward secrecy" in str(why)


def test_trusted_certificates(encrypted: Path) -> None:
    newer, keys = encrypted / "newer.pcapng", encrypted / "newer.keys"

    def codes(*arguments: object) -> set[str]:
        told = json.loads(call("report", newer, "--keylog", keys, *arguments, "--format", "json").stdout)
        return {found["code"] for found in told["findings"]}

    assert "tls.cert-untrusted" in codes()
    assert "tls.cert-untrusted" not in codes("--ca", encrypted / "ca.pem")


def test_a_pipe_with_a_key_log_that_grows(encrypted: Path, tmp_path: Path) -> None:
    """`tcpdump -w - | analyzer report -`: the secrets come while the packets do."""
    keys, data = tmp_path / "keys", (encrypted / "newer.pcapng").read_bytes()
    keys.write_bytes(b"")
    command = [*COMMAND, "report", "-", "--format", "json", "--keylog", str(keys)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin is not None
        child.stdin.write(data[:3000])
        child.stdin.flush()
        time.sleep(1.5)
        keys.write_bytes((encrypted / "newer.keys").read_bytes())
        child.stdin.write(data[3000:])
        child.stdin.close()
        assert child.stdout is not None
        told = json.loads(child.stdout.read())
    (session,) = told["sessions"]
    assert session["facts"]["decrypted"] is True
