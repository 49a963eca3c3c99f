"""What we ask of pyshark."""

import shutil
import sys
from pathlib import Path

import pytest

from analyzer.capture import pyshark_adapter
from analyzer.core import CaptureError
from tests.cli.called import HTTP

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")


@needs_tshark
def test_packets_pass_the_display_filter(tmp_path: Path) -> None:
    path = tmp_path / "http.pcap"
    path.write_bytes(HTTP)
    found = list(pyshark_adapter.packets(str(path), "tcp.flags.syn == 1", {}))
    assert [int(packet.number) for packet in found] == [1, 2]


@needs_tshark
def test_a_file_that_tshark_cannot_read_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "not.pcap"
    path.write_text("no capture")
    with pytest.raises(CaptureError, match="tshark gave up"):
        list(pyshark_adapter.packets(str(path), "tcp", {}))


def test_without_tshark_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyshark_adapter, "find_tshark", lambda: None)
    with pytest.raises(CaptureError, match="install it"):
        list(pyshark_adapter.packets("x", "tcp", {}))


def test_tshark_is_also_looked_for_where_pyshark_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = pyshark_adapter.find_tshark()
    assert found is None or Path(found).exists()


def test_without_pyshark_there_is_no_other_place_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pyshark.tshark.tshark", None)
    assert pyshark_adapter.find_tshark() is None


def test_newer_pythons_get_a_loop_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    assert pyshark_adapter._loop() is None
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    loop = pyshark_adapter._loop()
    assert loop is not None
    loop.close()
