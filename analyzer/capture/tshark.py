"""Capture formats that only tshark reads: it runs and writes pcapng, which is read like any other."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from typing import BinaryIO, Final, cast

from analyzer.capture.inputs import Broken, Input
from analyzer.capture.pyshark_adapter import find_tshark
from analyzer.core import CaptureError

SILENT_SECONDS: Final = 60.0  # without a byte from tshark, it is taken to hang
MESSAGE_BYTES: Final = 4096
NOISE: Final = ("Running as user", "This could be dangerous")


class Output:
    """What tshark writes, as a file: it is stopped when it falls silent, and when the file is closed."""

    def __init__(self, command: list[str]) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints, bufsize=0
            )
        except OSError:
            self._complaints.close()
            raise
        self._hung = False

    def readinto(self, view: memoryview) -> int:
        stream = self._process.stdout
        assert stream is not None
        watch = threading.Timer(SILENT_SECONDS, self._stop)
        watch.daemon = True
        watch.start()
        try:
            got: int = stream.readinto(view)  # type: ignore[attr-defined]
        finally:
            watch.cancel()
        if self._hung:
            raise OSError(f"tshark wrote nothing for {SILENT_SECONDS:.0f} s and was stopped")
        if got == 0 and self._process.wait() != 0:
            raise OSError(f"tshark stopped: {self.message()}")
        return got

    def _stop(self) -> None:
        self._hung = True
        self._process.kill()

    def message(self) -> str:
        """What tshark complained of, in one line."""
        self._complaints.seek(0)
        lines = self._complaints.read(MESSAGE_BYTES).decode("utf-8", "replace").splitlines()
        return " ".join(line.removeprefix("tshark: ") for line in lines if not any(noise in line for noise in NOISE))

    def close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.kill()
        self._process.wait()
        self._complaints.close()


def open_through(name: str, path: str) -> tuple[Input, Output]:
    """The capture at `path` as tshark turns it into pcapng.  Raises `CaptureError` where tshark is missing."""
    command = find_tshark()
    if command is None:
        raise CaptureError(
            f"{name} is neither pcap nor pcapng, and tshark, through which other formats are read, is not installed: "
            "install it (Debian: apt install tshark), or convert the file with editcap"
        )
    try:
        output = Output([command, "-n", "-r", path, "-F", "pcapng", "-w", "-"])
    except OSError as why:
        raise CaptureError(f"{name} is read through tshark, which cannot be run: {why.strerror or why}") from why
    try:
        return Input(name, cast("BinaryIO", output), owned=True), output
    except Broken as why:
        raise refusal(name, output) from why


def refusal(name: str, output: Output) -> CaptureError:
    """What to raise when tshark does not read the file either; ends tshark."""
    says = output.message() or "nothing"
    output.close()
    return CaptureError(f"{name} is neither pcap nor pcapng, and tshark cannot read it either: {says}")
