"""Several files as one capture, and what is said of what is none."""

import io
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import files, open_source, tshark
from analyzer.core import CaptureError, Limits, Source
from tests.capture import made

PCAP = made.pcap(*(made.record(data) for data in made.many(30)))


def timed(name: str, *times: int, link: int = 1) -> bytes:
    """A capture whose frames say where they come from."""
    return made.pcap(
        *(made.record(f"{name}{index}".encode(), seconds=0, part=time) for index, time in enumerate(times)), link=link
    )


def opened(*paths: object, block_bytes: int = 1 << 16) -> Source:
    return open_source(paths, limits=Limits(), block_bytes=block_bytes)  # type: ignore[arg-type]


def told(*captures: bytes) -> list[str]:
    return [frame.data.decode() for frame in made.read(*captures)[0]]


def test_files_that_follow_each_other_are_read_one_after_the_other() -> None:
    assert told(timed("b", 5, 6), timed("a", 1, 2), timed("c", 7)) == ["a0", "a1", "b0", "b1", "c0"]


def test_files_that_overlap_are_merged() -> None:
    found, source = made.read(timed("a", 1, 4, 9), timed("b", 2, 4, 5, link=113), timed("c", 3, 20))
    assert [frame.data.decode() for frame in found] == ["a0", "b0", "c0", "a1", "b1", "b2", "a2", "c1"]
    assert [frame.interface for frame in found] == [0, 1, 2, 0, 1, 1, 0, 2]
    assert [frame.link for frame in found] == [1, 113, 1, 1, 113, 113, 1, 1]
    assert [interface.link_type for interface in source.interfaces] == [1, 113, 1]
    assert [file.name for file in source.files] == ["bytes"] * 3


def merged(lists: Sequence[Sequence[int]]) -> list[str]:
    """By definition: always the earliest head, of equal ones that of the first file."""
    heads = [0] * len(lists)
    out = []
    while any(head < len(times) for head, times in zip(heads, lists, strict=True)):
        _, index = min(
            (times[head], index)
            for index, (head, times) in enumerate(zip(heads, lists, strict=True))
            if head < len(times)
        )
        out.append(f"{index}:{heads[index]}")
        heads[index] += 1
    return out


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=40), min_size=2, max_size=5),
    st.booleans(),
    st.sampled_from([4, 7, files.CAPACITY]),
)
def test_merging_takes_the_earliest_head(lists: list[list[int]], ordered: bool, capacity: int) -> None:
    if ordered:
        lists = [sorted(times) for times in lists]
    captures = [timed(f"{index}:", *times) for index, times in enumerate(lists)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MERGED_CAPACITY", capacity)
        patch.setattr(files, "CAPACITY", capacity + 1)
        assert told(*captures) == merged(lists)


def test_merged_files_have_their_frame_numbers_in_problems() -> None:
    cut = timed("a", 1, 4, 9)[:-1]
    odd = made.pcap(*(made.record(b"odd!", seconds=0, part=time, length=1 if time == 5 else 4) for time in (2, 5, 6)))
    _, source = made.read(cut, odd)  # a b a b b
    assert sorted((problem.frame, problem.code) for problem in source.problems) == [
        (3, "capture.truncated"),
        (4, "capture.damaged"),
    ]
    assert [f"frame {problem.frame}:" in problem.text for problem in source.problems] == [True, True]


def test_rotated_files_on_disk(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.pcap").write_bytes(timed(f"{number}.", *range(number * 10, number * 10 + 12)))
    (tmp_path / "notes.txt").write_text("not a capture")
    (tmp_path / "junk.bin").write_bytes(bytes(range(256)))
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    source = opened(tmp_path, tmp_path / "03.pcap")
    assert source.total_bytes == sum(path.stat().st_size for path in tmp_path.glob("*.pcap"))
    found = made.frames(source)
    assert len(found) == 240
    assert [frame.time_ns for frame in found] == sorted(frame.time_ns for frame in found)
    assert source.done_bytes == source.total_bytes
    assert [file.name for file in source.files] == [str(tmp_path / f"{number:02}.pcap") for number in range(20)]
    assert [file.bytes for file in source.files] == [Path(file.name).stat().st_size for file in source.files]
    (problem,) = source.problems
    assert problem.code == "capture.left-out"
    assert "junk.bin" in problem.text
    assert len(made.frames(opened(str(tmp_path / "0[1-3].pcap")))) == 36
    assert len(made.frames(opened(str(tmp_path) + "*"))) == 240


def test_a_file_gives_the_same_as_a_pipe_and_bytes(tmp_path: Path) -> None:
    path, pipe = tmp_path / "x.pcap", tmp_path / "pipe"
    path.write_bytes(PCAP)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(PCAP))
    writer.start()
    piped = opened(pipe)
    assert piped.total_bytes is None
    found = made.frames(piped)
    writer.join()
    assert piped.files[0].bytes == len(PCAP)
    assert found == made.frames(opened(path)) == made.frames(opened(PCAP)) == made.frames(opened(io.BytesIO(PCAP)))
    with path.open("rb") as file:
        source = opened(file)
        assert source.files[0].name == str(path)
        assert made.frames(source) == found
    assert opened(io.BytesIO(PCAP)).files[0].name == "file object"


def test_frames_of_a_pipe_come_as_they_are_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    go_on = threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            file.write(PCAP[: 24 + 76 * 2 + 30])
            assert go_on.wait(10)
            file.write(PCAP[24 + 76 * 2 + 30 :])

    writer = threading.Thread(target=write)
    writer.start()
    batches = iter(opened(pipe))
    assert next(batches).count == 2
    go_on.set()
    assert sum(batch.count for batch in batches) == 28
    writer.join()


def test_several_pipes_are_merged(tmp_path: Path) -> None:
    pipes = [tmp_path / name for name in "ab"]
    for pipe in pipes:
        os.mkfifo(pipe)
    data = [timed("a", 1, 3), timed("b", 2, 4)]
    writers = [
        threading.Thread(target=pipe.write_bytes, args=(capture,)) for pipe, capture in zip(pipes, data, strict=True)
    ]
    for writer in writers:
        writer.start()
    assert made.payloads(made.frames(opened(*pipes))) == [b"a0", b"b0", b"a1", b"b1"]
    for writer in writers:
        writer.join()


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PCAP)))
    source = opened("-")
    assert len(made.frames(source)) == 30
    assert source.files[0].name == "standard input"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"abc", "no capture, or its file header is damaged"),
        (b"\n\r\r\n" + bytes(40), "no capture, or its file header is damaged"),
        (PCAP[:20], "ends inside its file header, after 20 of 24 bytes"),
        (b"id,packets\n1,2\n", "is text, not a capture (it begins 'id,packets')"),
        ("ü".encode() * 400, "is text"),
        (b"BZh91AY", "is packed by bzip2"),
        (b"\xfd7zXZ\0", "is packed by xz"),
        (b"\1\2\3\4\5\6\7\x08", "neither pcap nor pcapng"),
        (b"\xff\xfe\xfd\xfc\xfb\xfa", "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\0 broken", "is damaged in its gzip stream"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(CaptureError) as caught:
        opened(data)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_that_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, said in (
        (tmp_path / "no.pcap", "does not exist"),
        (tmp_path / "*.pcap", "matches no file"),
        (tmp_path / "empty", "is empty"),
    ):
        with pytest.raises(CaptureError, match=said):
            opened(path)
    with pytest.raises(CaptureError, match="no capture was named"):
        opened()
    for number in range(7):
        (tmp_path / "empty" / f"{number}.txt").write_text("words")
    with pytest.raises(CaptureError, match=r"holds no capture \(.*4.txt and 2 more are something else\)"):
        opened(tmp_path / "empty")


def test_folders_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CaptureError, match="cannot be listed: Permission denied"):
        opened(tmp_path)


def test_what_cannot_be_read_among_others_is_a_problem(tmp_path: Path) -> None:
    source = opened(PCAP, tmp_path / "no.pcap", b"words", str(tmp_path / "*.pcap"))
    assert len(made.frames(source)) == 30
    assert made.codes(source) == ["capture.unreadable"] * 3
    assert source.problems[0].text.endswith("; the others were read")


def test_a_file_that_goes_away_before_its_turn_is_a_problem(tmp_path: Path) -> None:
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    for path in paths:
        path.write_bytes(PCAP)
    source = opened(*paths)
    paths[1].unlink()
    assert len(made.frames(source)) == 30
    assert made.codes(source) == ["capture.unreadable"]


def test_a_capture_without_frames_is_none_the_less_one() -> None:
    found, source = made.read(PCAP[:24])
    assert found == []
    assert made.codes(source) == ["capture.empty"]
    found, source = made.read(PCAP[:24], PCAP)
    assert len(found) == 30
    assert made.codes(source) == ["capture.empty"]


def test_closing_in_between_ends_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(made.pcap(*(made.record(data) for data in made.many(1000))))
    for paths in ([path], [path, io.BytesIO(path.read_bytes())]):
        source = opened(*paths, block_bytes=4096)
        next(iter(source))
        source.close()
        assert list(source) == []
        assert source.problems == []
    opened(path, PCAP).close()


class FakeOutput:
    """Stands in for tshark: writes `data`, or says why not."""

    data = b""

    def __init__(self, command: list[str]) -> None:
        assert command[-4:] == ["-F", "pcapng", "-w", "-"]
        self._file = io.BytesIO(self.data)
        self.readinto = self._file.readinto

    def message(self) -> str:
        return "it is no capture"

    def close(self) -> None:
        self._file.close()


def test_other_formats_are_read_through_tshark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x.erf"
    path.write_bytes(bytes(range(1, 200)))
    monkeypatch.setattr("analyzer.capture.tshark.find_tshark", lambda: "tshark")
    monkeypatch.setattr(tshark, "Output", FakeOutput)
    monkeypatch.setattr(FakeOutput, "data", PCAP)
    source = opened(path)
    assert len(made.frames(source)) == 30
    assert source.files[0].format == "by tshark"
    assert made.codes(source) == ["capture.by-tshark"]
    monkeypatch.setattr(FakeOutput, "data", b"")
    with pytest.raises(CaptureError, match="tshark cannot read it either: it is no capture"):
        opened(path)
    monkeypatch.setattr("analyzer.capture.tshark.find_tshark", lambda: None)
    with pytest.raises(CaptureError, match="not installed"):
        opened(path)
