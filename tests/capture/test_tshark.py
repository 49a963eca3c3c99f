"""The adapter that runs tshark; with a script in its place where tshark itself is not needed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.capture import open_source, tshark
from analyzer.capture.pyshark_adapter import find_tshark
from analyzer.core import CaptureError, Limits
from tests.capture import made

PCAP = made.pcap(*(made.record(data, seconds=number) for number, data in enumerate(made.many(20))))


def script(tmp_path: Path, body: str) -> str:
    path = tmp_path / "tshark"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_format_of_tshark_alone(tmp_path: Path) -> None:
    editcap = shutil.which("editcap")
    if editcap is None or find_tshark() is None:
        pytest.skip("tshark and editcap are not here")
    (tmp_path / "x.pcap").write_bytes(PCAP)
    subprocess.run([editcap, "-F", "snoop", tmp_path / "x.pcap", tmp_path / "x.snoop"], check=True, capture_output=True)
    source = open_source([tmp_path / "x.snoop"], limits=Limits())
    assert made.frames(source) == made.read(PCAP)[0]
    assert made.codes(source) == ["capture.by-tshark"]
    (tmp_path / "junk").write_bytes(bytes(range(1, 200)))
    with pytest.raises(
        CaptureError, match=r"neither pcap nor pcapng, and tshark cannot read it either: .*understands"
    ) as why:
        open_source([tmp_path / "junk"], limits=Limits())
    assert "\n" not in str(why.value)


def test_output_is_read_to_its_end(tmp_path: Path) -> None:
    output = tshark.Output([script(tmp_path, "sys.stdout.buffer.write(b'abc' * 1000)")])
    view = memoryview(bytearray(10_000))
    filled = 0
    while got := output.readinto(view[filled:]):
        filled += got
    assert bytes(view[:filled]) == b"abc" * 1000
    output.close()
    output.close()


def test_a_failure_is_told_without_noise(tmp_path: Path) -> None:
    body = "print('Running as user \"root\".', file=sys.stderr)\nsys.exit('tshark: The file is cut\\nshort.')"
    output = tshark.Output([script(tmp_path, body)])
    with pytest.raises(OSError, match="tshark stopped: The file is cut short"):
        output.readinto(memoryview(bytearray(100)))
    output.close()


def test_a_silent_tshark_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tshark, "SILENT_SECONDS", 0.05)
    output = tshark.Output([script(tmp_path, "time.sleep(60)")])
    with pytest.raises(OSError, match="wrote nothing for"):
        output.readinto(memoryview(bytearray(100)))
    output.close()


def test_closing_stops_it(tmp_path: Path) -> None:
    output = tshark.Output([script(tmp_path, "time.sleep(60)")])
    output.close()


def test_a_tshark_that_does_not_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.tshark.find_tshark", lambda: str(tmp_path))
    with pytest.raises(CaptureError, match="cannot be run: Permission denied"):
        tshark.open_through("x", "x")
    monkeypatch.setattr("analyzer.capture.tshark.find_tshark", lambda: None)
    with pytest.raises(CaptureError, match="is not installed: install it"):
        tshark.open_through("x", "x")
