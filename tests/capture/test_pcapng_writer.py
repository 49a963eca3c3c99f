import io
import struct
from pathlib import Path

import pytest

from analyzer.capture import open_source
from analyzer.capture.pcapng_writer import Writer
from analyzer.core import Interface, Limits
from tests.capture import made


def test_what_is_written_is_read_back() -> None:
    file = io.BytesIO()
    writer = Writer(file, [Interface("eth0", 1, 96, dropped=3), Interface("", 113, 0)])
    writer.packet(0, 5, b"a" * 96, 1500)
    writer.packet(1, 1_767_225_600_123_456_789, memoryview(b"bcd"), 3)
    writer.packet(0, 7, bytearray(b"ef"), 2)
    writer.close()
    writer.close()
    found, source = made.read(file.getvalue())
    assert found == [
        made.Frame(5, b"a" * 96, 1500, 0, 1),
        made.Frame(1_767_225_600_123_456_789, b"bcd", 3, 1, 113),
        made.Frame(7, b"ef", 2, 0, 1),
    ]
    assert source.interfaces == [Interface("eth0", 1, 96, dropped=3), Interface("", 113, 0)]
    assert source.problems == []


def test_statistics_count_what_was_received() -> None:
    file = io.BytesIO()
    writer = Writer(file, [Interface("eth0", 1, 96, dropped=3)])
    writer.packet(0, 5, b"abcd", 4)
    at = file.tell()
    writer.close()
    assert made.option(4, struct.pack("<Q", 4)) + made.option(5, struct.pack("<Q", 3)) in file.getvalue()[at:]


def test_a_file_can_be_read_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcapng"
    with path.open("wb") as file:
        writer = Writer(file, [Interface("eth0", 1, 96)])
        writer.packet(0, 5, b"abcd", 4)
        writer.flush()
        assert made.payloads(made.frames(open_source([path], limits=Limits()))) == [b"abcd"]
    with pytest.raises(ValueError, match="closed file"):
        writer.close()
