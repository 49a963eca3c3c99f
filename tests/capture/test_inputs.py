"""Bytes from files, pipes, memory and file objects, packed or not."""

import gzip
import io
import os
import socket
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import inputs
from analyzer.core import CaptureError
from tests.capture import made

PCAP = made.pcap(*(made.record(data) for data in made.many(300)))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": lambda data: bytes(zstandard.compress(data)),
    "lz4": lambda data: bytes(lz4.frame.compress(data)),
}


def drain(source: inputs.Input, size: int = 1000) -> bytes:
    view = memoryview(bytearray(size))
    parts = []
    while got := source.readinto(view):
        assert got <= size
        parts.append(bytes(view[:got]))
    return b"".join(parts)


@pytest.mark.parametrize("name", PACKERS)
def test_packed_bytes_are_known_by_their_content(name: str) -> None:
    packed = PACKERS[name](PCAP)
    source = inputs.open_input("x", packed)
    assert source.packing == name
    assert drain(source) == PCAP
    assert source.raw.done_bytes == source.raw.size == len(packed)
    assert source.ready()


@pytest.mark.parametrize("name", PACKERS)
def test_streams_one_after_the_other_are_one(name: str) -> None:
    pack = PACKERS[name]
    assert drain(inputs.open_input("x", pack(PCAP[:500]) + pack(b"") + pack(PCAP[500:]))) == PCAP


@settings(deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.integers(1, 3000))
def test_any_reads_give_the_same_bytes(name: str, size: int) -> None:
    assert drain(inputs.open_input("x", PACKERS[name](PCAP)), size) == PCAP


@pytest.mark.parametrize("name", ["gzip", "lz4"])
def test_a_cut_stream_is_told(name: str) -> None:
    packed = PACKERS[name](os.urandom(1000))
    with pytest.raises(inputs.Broken, match=f"ends inside its {name} stream"):
        drain(inputs.open_input("x", packed[:600]))


def test_a_cut_zstd_stream_gives_what_is_there() -> None:
    packed = PACKERS["zstd"](os.urandom(300_000))
    assert 0 < len(drain(inputs.open_input("x", packed[:200_000]))) <= 200_000


@pytest.mark.parametrize("name", PACKERS)
def test_a_damaged_stream_is_told(name: str) -> None:
    packed = bytearray(PACKERS[name](os.urandom(100_000)))
    packed[6:60] = b"\xff" * 54
    with pytest.raises(inputs.Broken, match=f"damaged in its {name} stream"):
        drain(inputs.open_input("x", bytes(packed)))


@pytest.mark.parametrize("room", [100, 1 << 20])
def test_what_comes_before_a_damage_is_unpacked(room: int) -> None:
    plain = bytes(range(256)) * 100
    packed = bytearray(gzip.compress(plain))
    packed[-6] ^= 1  # the checksum, after all of it
    source = inputs.open_input("x", bytes(packed))
    space, got = memoryview(bytearray(room)), bytearray()
    while len(got) < len(plain):
        got += space[: source.readinto(space)]
    with pytest.raises(inputs.Broken, match="incorrect data check"):
        source.readinto(space)
    assert got == plain


def test_bytes_after_a_gzip_stream_are_told() -> None:
    source = inputs.open_input("x", gzip.compress(PCAP) + b"and so on")
    with pytest.raises(inputs.Broken, match="after its gzip stream"):
        drain(source)


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_unpacked_a_buffer_at_a_time(name: str) -> None:
    packed = PACKERS[name](bytes(64 << 20))
    source = inputs.open_input("x", packed)
    view = memoryview(bytearray(1000))
    assert [source.readinto(view) for _ in range(50)] == [1000] * 50
    assert source.raw.done_bytes <= 4 * inputs.CHUNK_BYTES


@pytest.mark.parametrize("name", [*PACKERS, "none"])
def test_any_packed_bytes_are_read_or_told(name: str) -> None:
    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def check(data: bytes) -> None:
        magic = PACKERS[name](b"")[:4] if name in PACKERS else b""
        with suppress(inputs.Broken):
            drain(inputs.open_input("x", magic + data))

    check()


def test_a_pipe_gives_what_came_without_waiting_for_more(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    seen = threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(b"first part")
            assert seen.wait(10)
            pipe.write(b"rest")

    writer = threading.Thread(target=write)
    writer.start()
    source = inputs.open_input("pipe", str(path))
    view = memoryview(bytearray(1000))
    assert bytes(view[: source.readinto(view)]) == b"firs"  # what was looked at to know the packing
    assert source.ready()
    assert bytes(view[: source.readinto(view)]) == b"t part"
    assert not source.ready()
    assert source.raw.size is None
    seen.set()
    assert drain(source) == b"rest"
    assert source.ready()
    writer.join()
    source.close()
    assert not source.ready()


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)

        def write() -> None:
            far.sendall(PCAP[:300])
            far.close()

        timer = threading.Timer(0.05, write)
        timer.start()
        assert drain(inputs.open_input("x", cast("BinaryIO", near.makefile("rb", buffering=0)))) == PCAP[:300]
        timer.join()


class OnlyRead:
    """The least that a file object may be."""

    def __init__(self, data: bytes, name: str = "read") -> None:
        setattr(self, name, io.BytesIO(data).read)


@pytest.mark.parametrize(
    "file",
    [
        OnlyRead(PCAP),
        OnlyRead(PCAP, "read1"),
        io.BytesIO(PCAP),
        io.BufferedReader(cast("Any", io.BytesIO(PCAP))),
        gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(PCAP))),
    ],
)
def test_file_objects_of_any_kind(file: BinaryIO) -> None:
    source = inputs.open_input("x", file)
    assert drain(source) == PCAP
    source.close()
    if isinstance(file, io.BytesIO):
        assert not file.closed


def test_files_opened_as_text_are_refused() -> None:
    with pytest.raises(CaptureError, match="binary mode"):
        inputs.open_input("x", cast("BinaryIO", io.StringIO("text")))


class Failing(io.RawIOBase):
    def __init__(self, good: int, error: Exception) -> None:
        self.good = good
        self.error = error

    def readinto(self, view: Any) -> int:
        if self.good == 0:
            raise self.error
        self.good -= 1
        view[:4] = b"abcd"
        return 4


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("read of closed file")])
def test_errors_of_the_device_are_told(error: Exception) -> None:
    source = inputs.open_input("x", cast("BinaryIO", Failing(2, error)))
    with pytest.raises(inputs.Broken, match=r"cannot be read further: (Input/output error|read of closed file)"):
        drain(source)
    with pytest.raises(CaptureError, match=r"^x cannot be read further"):
        inputs.open_input("x", cast("BinaryIO", Failing(0, error)))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(), "x does not exist: check the path"),
        (PermissionError(), "may not be read by this user"),
        (IsADirectoryError(), "is a folder"),
        (OSError(40, "Too many levels of symbolic links"), "cannot be opened: Too many levels"),
        (ValueError("embedded null byte"), "cannot be opened: embedded null byte"),
    ],
)
def test_what_cannot_be_opened_says_why(monkeypatch: pytest.MonkeyPatch, error: Exception, said: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(CaptureError, match=said):
        inputs.open_input("x", "x")


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    for path in (str(tmp_path / "no"), "nul\0byte", str(tmp_path)):
        with pytest.raises(CaptureError):
            inputs.open_input(path, path)


def test_standard_input_is_read_without_a_buffer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(PCAP)
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert isinstance(inputs.standard_input(), io.FileIO)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PCAP)))
    assert isinstance(inputs.standard_input(), io.BytesIO)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="standard input is closed"):
        inputs.standard_input()


def test_gzip_agrees_with_zlib() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    assert drain(inputs.open_input("x", packer.compress(PCAP) + packer.flush())) == PCAP
