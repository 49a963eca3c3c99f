"""Captures that most tests of the command use."""

from pathlib import Path

import pytest

from tests.cli.called import HTTP, REFUSED


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
