"""Fragments put together, in any order, within bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Limits, Problem
from analyzer.decode import fragments as module
from analyzer.decode.fragments import COPY_NS, TOLD, WAIT_NS, Datagram, Fragment, Fragments, Key, moved

KEY = Key(4, 1, 2, 7, 17)
KEY6 = Key(6, 1, 2, 7, -1)


class Desk:
    """Fragments with the problems they told; frames are numbered as they come, 1 ns apart."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.problems: list[Problem] = []
        self.fragments = Fragments(limits or Limits(), self.problems.append)
        self.frame = 0

    def add(self, data: bytes, offset: int, more: bool, key: Key = KEY, when: int = 0) -> Datagram | None:
        self.frame += 1
        fragment = Fragment(offset, more, data, [(0, self.frame, 34, when)], 17, self.frame, when)
        return self.fragments.add(key, fragment)

    @property
    def told(self) -> list[tuple[str, int | None]]:
        return [(problem.code, problem.frame) for problem in self.problems]


def test_runs_keep_their_places() -> None:
    runs = [(0, 1, 34, 10), (8, 2, 34, 20), (16, 3, 50, 30)]
    assert moved(runs, 0, 24) == runs
    assert moved(runs, 4, 18) == [(0, 1, 38, 10), (4, 2, 34, 20), (12, 3, 50, 30)]
    assert moved(runs, 9, 12) == [(0, 2, 35, 20)]
    assert moved(runs, 24, 30) == [(0, 3, 58, 30)]


@given(st.data())
def test_any_order_gives_the_datagram(data: st.DataObject) -> None:
    size = data.draw(st.integers(9, 200))
    cuts = sorted(data.draw(st.sets(st.integers(1, (size - 1) // 8), min_size=1)))
    payload = data.draw(st.binary(min_size=size, max_size=size))
    edges = [0, *(8 * cut for cut in cuts), size]
    pieces = data.draw(st.permutations(list(pairwise(edges))))
    pieces += data.draw(st.lists(st.sampled_from(pieces), max_size=2))  # copies
    desk = Desk()
    found = [datagram for start, stop in pieces if (datagram := desk.add(payload[start:stop], start, stop < size))]
    assert [datagram.data for datagram in found] == [payload]
    runs = found[0].runs
    assert [position for position, *_ in runs] == edges[:-1]
    assert not desk.problems
    assert (desk.fragments.held_parts, desk.fragments.held_bytes) == (0, 0)


@pytest.mark.parametrize("key", [KEY, KEY6])
def test_overlaps(key: Key) -> None:
    desk = Desk()
    assert desk.add(b"aaaaaaaaaaaaaaaa", 0, True, key) is None
    assert desk.add(b"bbbbbbbbbbbbbbbb", 8, True, key) is None
    assert desk.add(b"XXXXXXXX", 8, True, key) is None  # again: told once
    datagram = desk.add(b"cccc", 24, False, key)
    assert desk.told == [("ip.fragment-overlap", 2)]
    if key.version == 4:
        assert datagram is not None
        assert datagram.data == b"a" * 16 + b"b" * 8 + b"c" * 4
        assert [run[1:3] for run in datagram.runs] == [(1, 34), (2, 42), (4, 34)]
    else:
        assert datagram is None
        desk.fragments.finish()
        assert len(desk.told) == 1  # dropped, which is not lost


def test_a_fragment_may_cover_others_and_the_holes_between() -> None:
    desk = Desk()
    desk.add(b"bbbbbbbb", 8, True)
    desk.add(b"dddddddd", 24, True)
    desk.add(b"f", 40, False)
    datagram = desk.add(b"x" * 40, 0, True)
    assert datagram is not None
    assert datagram.data == b"x" * 8 + b"b" * 8 + b"x" * 8 + b"d" * 8 + b"x" * 8 + b"f"
    assert desk.told == [("ip.fragment-overlap", 4)]


def test_the_same_bytes_in_other_pieces_are_an_overlap_too() -> None:
    desk = Desk()
    desk.add(b"a" * 16, 0, True)
    desk.add(b"a" * 8, 8, True)
    assert desk.told == [("ip.fragment-overlap", 2)]


@pytest.mark.parametrize("second", [(b"x" * 16, 16, False), (b"x" * 16, 16, True), (b"x", 8, False)])
def test_two_ends(second: tuple[bytes, int, bool]) -> None:
    desk = Desk()
    desk.add(b"z" * 8, 16, False)
    desk.add(*second)
    assert desk.told == [("ip.fragment-overlap", 2)]
    datagram = desk.add(b"y" * 16, 0, True)
    assert datagram is not None
    assert datagram.data == b"y" * 16 + b"z" * 8


def test_an_end_before_what_there_is() -> None:
    desk = Desk()
    desk.add(b"z" * 8, 16, True)
    desk.add(b"x", 8, False)
    assert desk.told == [("ip.fragment-overlap", 2)]


def test_the_header_is_that_of_the_first() -> None:
    desk = Desk()
    desk.fragments.add(KEY6, Fragment(8, False, b"b", [(0, 1, 0, 0)], 99, 1, 0))
    datagram = desk.fragments.add(KEY6, Fragment(0, True, b"a" * 8, [(0, 2, 0, 0)], 6, 2, 0))
    assert datagram is not None
    assert datagram.header == 6


def test_copies_are_left_out_for_a_while() -> None:
    desk = Desk()
    for when in (0, 5, COPY_NS + 10):
        desk.add(b"a" * 8, 0, True, when=when)
        datagram = desk.add(b"b", 8, False, when=when)
        assert (datagram is None) == (when == 5)
    assert desk.fragments.counts["copies"] == 2
    assert desk.fragments.counts["reassembled"] == 2
    desk.add(b"x" * 8, 0, True, when=COPY_NS + 11)  # other bytes: the identification was used again
    datagram = desk.add(b"y", 8, False, when=COPY_NS + 11)
    assert datagram is not None
    assert not desk.problems


def test_complete_datagrams_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COPIES", 2)
    desk = Desk()
    for ident in range(3):
        desk.add(b"a" * 8, 0, True, KEY._replace(identification=ident))
        desk.add(b"b", 8, False, KEY._replace(identification=ident))
    desk.add(b"a" * 8, 0, True, KEY._replace(identification=0))
    desk.add(b"a" * 8, 0, True, KEY._replace(identification=2))
    assert desk.fragments.counts["copies"] == 1


def test_what_stays_incomplete_is_lost() -> None:
    desk = Desk()
    desk.add(b"a" * 8, 0, True)
    desk.add(b"a" * 8, 0, True, KEY._replace(source=3), when=WAIT_NS)
    assert not desk.problems
    desk.add(b"b", 8, False, when=WAIT_NS + 1)
    assert desk.told == [("ip.fragment-lost", 1)]
    desk.fragments.finish()
    assert desk.told == [("ip.fragment-lost", 1), ("ip.fragment-lost", 2), ("ip.fragment-lost", 3)]


@pytest.mark.parametrize("limits", [Limits(fragments=10), Limits(fragment_bytes=80)])
def test_bounds(limits: Limits) -> None:
    desk = Desk(limits)
    for ident in range(300):
        desk.add(b"a" * 8, 0, True, KEY._replace(identification=ident))
        assert desk.fragments.held_parts <= 10
        assert desk.fragments.held_bytes <= 80
    assert desk.fragments.counts["evicted"] == desk.fragments.counts["ip.fragment-lost"] == 290
    assert desk.told[0] == ("ip.fragment-limit", 11)
    assert len(desk.problems) == 1 + TOLD


def test_dropped_datagrams_are_bounded_too() -> None:
    desk = Desk(Limits(fragments=10))
    for ident in range(30):
        for _ in range(2):
            desk.add(b"a" * 8 + bytes([desk.frame]) * 8, 0, True, KEY6._replace(identification=ident))
    assert desk.fragments.counts["evicted"] == 20
