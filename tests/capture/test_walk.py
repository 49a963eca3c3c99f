"""The compiled walk and the interpreted one find the same records in any bytes."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import compiled, shadow
from analyzer.capture import walk
from tests.capture import made

CAPACITY = 8
RECORD_BYTES = 4096


def source_of_walk(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The walk as Python runs it, with the shadow in place of the cython package."""
    monkeypatch.setitem(sys.modules, "cython", None)
    path = Path(walk.__file__).with_name("walk.py")
    spec = importlib.util.spec_from_file_location("interpreted_walk", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.cython is shadow
    return module


class Table:
    """The arrays that a walk fills."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.columns = [np.zeros(capacity, dtype=np.int64) for _ in range(4)]
        self.numbers = [np.zeros(capacity, dtype=np.int32) for _ in range(2)]
        self.state = np.zeros(walk.STATES, dtype=np.int64)
        self.interfaces = np.zeros((3, walk.INTERFACE_COLUMNS), dtype=np.int64)
        self.interfaces[0] = (4, 1, 0, 1000, 0, 0, 0, 0)
        self.interfaces[1] = (5, 101, 40, 0, 1000, 0, 77, 0)
        self.interfaces[2] = (6, 113, 0, 0, 0, 40, -5, 0)
        self.capacity = capacity

    def pcap(
        self, module: ModuleType, data: bytes, *, big: bool = False, header: int = 16, swapped: bool = False
    ) -> int:
        views = (*(array.data for array in self.columns), self.state.data)
        rows: int = module.walk_pcap(
            bytearray(data), len(data), big, 1000, header, swapped, RECORD_BYTES, 0, self.capacity, *views
        )
        return rows

    def pcapng(self, module: ModuleType, data: bytes, *, big: bool = False, interfaces: int = 3) -> int:
        views = (
            *(array.data for array in self.columns),
            *(array.data for array in self.numbers),
            self.state.data,
        )
        rows: int = module.walk_pcapng(
            bytearray(data), len(data), big, RECORD_BYTES, self.interfaces.data, interfaces, 0, self.capacity, *views
        )
        return rows

    def result(self, rows: int) -> list[object]:
        columns = [column[:rows].tolist() for column in self.columns]
        numbers = [column[:rows].tolist() for column in self.numbers]
        return [rows, self.state.tolist(), self.interfaces.tolist(), columns, numbers]


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return source_of_walk(monkeypatch)


PACKETS = st.one_of(
    st.builds(
        made.enhanced,
        st.binary(max_size=80),
        time=st.integers(0, (1 << 64) - 1),
        number=st.integers(0, 3),
        length=st.integers(0, 200),
        captured=st.integers(0, 90),
        options=st.one_of(
            st.binary(max_size=24),
            st.builds(made.option, st.just(4), st.binary(min_size=8, max_size=8)),
        ),
    ),
    st.builds(made.simple, st.binary(max_size=80), length=st.integers(0, 200)),
    st.builds(made.old, st.binary(max_size=80), number=st.integers(0, 3), drops=st.sampled_from([0, 7, 0xFFFF])),
    st.binary(max_size=40),
)
RECORDS = st.one_of(
    st.builds(
        made.record,
        st.binary(max_size=80),
        seconds=st.integers(0, (1 << 32) - 1),
        part=st.integers(0, (1 << 32) - 1),
        length=st.integers(0, 200),
    ),
    st.binary(max_size=40),
)


@settings(deadline=None)
@given(st.lists(RECORDS, max_size=12), st.booleans(), st.sampled_from([16, 24]), st.booleans())
def test_both_walks_find_the_same_records(records: list[bytes], big: bool, header: int, swapped: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        other = source_of_walk(patch)
    first, second = Table(), Table()
    assert first.result(first.pcap(walk, b"".join(records), big=big, header=header, swapped=swapped)) == second.result(
        second.pcap(other, b"".join(records), big=big, header=header, swapped=swapped)
    )


@settings(deadline=None)
@given(st.lists(PACKETS, max_size=12), st.booleans(), st.integers(0, 3))
def test_both_walks_find_the_same_packets(blocks: list[bytes], big: bool, interfaces: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        other = source_of_walk(patch)
    first, second = Table(), Table()
    one = first.result(first.pcapng(walk, b"".join(blocks), big=big, interfaces=interfaces))
    assert one == second.result(second.pcapng(other, b"".join(blocks), big=big, interfaces=interfaces))


def test_walk_ends_for_each_reason(interpreted: ModuleType) -> None:
    table = Table(2)
    data = made.record(b"abcd")
    assert table.pcap(interpreted, data * 3) == 2
    assert table.state.tolist()[:2] == [40, walk.FULL]
    table = Table()
    assert table.pcap(interpreted, data + data[:10]) == 1
    assert table.state.tolist()[:3] == [20, walk.NEED, 16]
    table = Table()
    assert table.pcap(interpreted, data + data[:18]) == 1
    assert table.state.tolist()[:3] == [20, walk.NEED, 20]
    table = Table()
    assert table.pcap(interpreted, data + b"\xff" * 16) == 1
    assert table.state.tolist()[:2] == [20, walk.DAMAGED]
    table = Table()
    assert table.pcap(interpreted, made.record(b"abcd", length=2)) == 1
    assert table.columns[3][0] == 4
    assert table.state[walk.LONG_CAPTURED] == 1


@pytest.mark.parametrize(
    ("data", "reason", "rows"),
    [
        (made.enhanced(b"ab") + made.block(99, b""), walk.OTHER, 1),
        (made.enhanced(b"ab")[:7], walk.NEED, 0),
        (made.enhanced(b"ab")[:-1], walk.NEED, 0),
        (made.enhanced(b"ab")[:-4] + bytes(4), walk.DAMAGED, 0),
        (b"\6\0\0\0\x10\0\0\0" + bytes(8), walk.DAMAGED, 0),
        (b"\6\0\0\0\xff\xff\xff\0" + bytes(8), walk.DAMAGED, 0),
        (made.enhanced(b"ab", number=3), walk.BAD_PACKET, 0),
        (made.enhanced(b"ab", captured=9), walk.BAD_PACKET, 0),
        (made.enhanced(b"") * 9, walk.FULL, 8),
    ],
)
def test_block_walk_ends_for_each_reason(interpreted: ModuleType, data: bytes, reason: int, rows: int) -> None:
    table = Table()
    assert table.pcapng(interpreted, data) == rows
    assert table.state[walk.REASON] == reason


@pytest.mark.parametrize(
    ("resolution", "raw", "expected"),
    [
        ((1000, 0, 0), 5, 5000),
        ((1000, 0, 0), (1 << 64) - 1, walk.LATEST_NS),
        ((0, 1000, 0), 5_999, 5),
        ((0, 2, 0), (1 << 64) - 1, walk.LATEST_NS),
        ((0, 0, 10), 3 << 10 | 512, 3_500_000_000),
        ((0, 0, 33), (7 << 33) + (1 << 32), 7_500_000_000),
        ((0, 0, 40), (7 << 40) + (1 << 39), 7_500_000_000),
        ((0, 0, 0), 9, 9_000_000_000),
        ((0, 0, 0), (1 << 63), walk.LATEST_NS),
        ((0, 0, 80), (1 << 64) - 1, (((1 << 64) - 1) * made.SECOND) >> 80),
        ((0, 0, 127), (1 << 64) - 1, 0),
    ],
)
def test_times_of_any_resolution(
    interpreted: ModuleType, resolution: tuple[int, int, int], raw: int, expected: int
) -> None:
    for module in (interpreted, walk):
        table = Table()
        table.interfaces[0, walk.MULTIPLIER : walk.SHIFT + 1] = resolution
        table.interfaces[0, walk.OFFSET_NS] = 11 if expected < walk.LATEST_NS else 0
        assert table.pcapng(module, made.enhanced(b"x", time=raw)) == 1
        assert table.columns[0][0] == expected + table.interfaces[0, walk.OFFSET_NS]
        assert table.state[walk.CLAMPED_TIME] == (expected == walk.LATEST_NS)


def test_simple_packets_have_the_time_of_the_one_before(interpreted: ModuleType) -> None:
    table = Table()
    table.interfaces[0, walk.SNAP_BYTES] = 3
    assert table.pcapng(interpreted, made.enhanced(b"", time=5) + made.simple(b"abcdefg") + made.simple(b"a")) == 3
    assert table.columns[0][:3].tolist() == [5000, 5000, 5000]
    assert table.columns[2][:3].tolist() == [0, 3, 1]
    assert table.columns[3][:3].tolist() == [0, 7, 1]
    assert table.state[walk.TIMELESS] == 2
    assert table.state[walk.ODD_ROW] == 1


DROPS: list[tuple[Callable[[], bytes], bool, int]] = [
    (lambda: made.old(b"a", drops=3) + made.old(b"b") + made.old(b"c", drops=2), False, 5),
    (lambda: made.enhanced(b"abc", options=made.option(1, b"word") + made.option(4, b"\7" + bytes(7))), False, 7),
    (lambda: made.enhanced(b"", options=made.option(4, bytes(7) + b"\7", big=True), big=True), True, 7),
    (lambda: made.enhanced(b"abc", options=made.option(0, b"") + made.option(4, b"\7" + bytes(7))), False, 0),
    (lambda: made.enhanced(b"abc", options=made.option(9, bytes(900))[:40]), False, 0),
]


@pytest.mark.parametrize(("build", "big", "drops"), DROPS)
def test_drops_that_packets_tell(interpreted: ModuleType, build: Callable[[], bytes], big: bool, drops: int) -> None:
    for module in (interpreted, walk):
        table = Table()
        table.pcapng(module, build(), big=big)
        assert table.interfaces[0, walk.DROPPED] == drops


def test_package_tells_which_walk_runs() -> None:
    assert compiled.forms()["analyzer.capture.walk"] in {"compiled", "interpreted"}
