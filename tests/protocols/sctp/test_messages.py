"""Parts put together in any order, and never more held than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Piece
from analyzer.protocols.sctp.messages import (
    BEGINNING,
    ENDING,
    M32,
    MAX_PARTS,
    MAX_SEEN,
    MAX_WAITING_BYTES,
    PART_BYTES,
    Parts,
    Run,
    Seen,
    whole,
)

if TYPE_CHECKING:
    import random


def piece(data: bytes) -> Piece:
    return Piece(data, [(0, 1, 0, 0)])


def flags_of(index: int, count: int) -> int:
    return (BEGINNING if index == 0 else 0) | (ENDING if index == count - 1 else 0)


def fed(parts: Parts, order: list[tuple[int, int, bytes, int]]) -> list[tuple[int, bytes]]:
    found = []
    for key, number, data, flags in order:
        run = parts.add(key, number & M32, piece(data), flags, 50 + key if flags & BEGINNING else 0)
        if run is not None:
            found.append((run.ppid, bytes(whole(run))))
    return found


@given(st.lists(st.lists(st.binary(max_size=5), min_size=1, max_size=6), max_size=6), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_messages(messages: list[list[bytes]], chance: random.Random) -> None:
    order = []
    number = M32 - 8  # the numbers roll over
    for key, message in enumerate(messages):
        for index, data in enumerate(message):
            order.append((key % 2, number, data, flags_of(index, len(message))))
            number += 1
    expected = sorted((50 + key % 2, b"".join(message)) for key, message in enumerate(messages))
    chance.shuffle(order)
    parts = Parts()
    assert sorted(fed(parts, order)) == expected
    assert parts.cost == 0
    assert parts.dropped == 0


def test_streams_are_kept_apart() -> None:
    parts = Parts()
    assert fed(parts, [(0, 1, b"a", BEGINNING), (1, 2, b"z", ENDING), (1, 1, b"y", BEGINNING)]) == [(51, b"yz")]
    assert fed(parts, [(0, 2, b"b", ENDING)]) == [(50, b"ab")]


def test_messages_that_follow_are_not_joined() -> None:
    order = [(0, 1, b"a", BEGINNING), (0, 3, b"c", BEGINNING), (0, 4, b"d", ENDING), (0, 2, b"b", ENDING)]
    assert fed(Parts(), order) == [(50, b"cd"), (50, b"ab")]
    # An end right in front of a part in the middle, a beginning right behind one.
    assert fed(Parts(), [(0, 1, b"a", ENDING), (0, 2, b"b", 0), (0, 3, b"c", ENDING)]) == []
    assert fed(Parts(), [(0, 3, b"c", BEGINNING), (0, 2, b"b", 0), (0, 1, b"a", BEGINNING)]) == []


def test_a_part_that_came_before_changes_nothing() -> None:
    order = [(0, 1, b"a", BEGINNING), (0, 1, b"x", BEGINNING), (0, 2, b"b", ENDING)]
    assert fed(Parts(), order) == [(50, b"ab")]


def test_large_parts_behind_many_small_ones_are_bounded() -> None:
    parts = Parts()
    for number in range(MAX_PARTS):
        parts.add(number, 0, piece(b"x"), BEGINNING, 50)
    for number in range(300):
        parts.add(MAX_PARTS + number, 0, piece(bytes(60_000)), BEGINNING, 50)
        assert parts.cost <= MAX_WAITING_BYTES
    assert parts.dropped > 0


def test_parts_without_bytes_are_bounded() -> None:
    parts = Parts()
    count = MAX_WAITING_BYTES // PART_BYTES + 10
    for number in range(count):
        parts.add(0, number, piece(b""), 0, 0)
    assert parts.dropped == 1
    assert parts.cost <= MAX_WAITING_BYTES


def test_too_many_runs() -> None:
    parts = Parts()
    for number in range(MAX_PARTS + 5):
        parts.add(0, 2 * number, piece(b"x"), 0, 0)
    assert parts.dropped == 5
    # What was forgotten is not waited for any more: its neighbour begins anew.
    assert parts.add(0, 1, piece(b"y"), ENDING, 0) is None


def test_a_small_run_in_front_of_a_large_one() -> None:
    order = [(0, number, bytes((number,)), flags_of(number, 20)) for number in range(20)]
    assert fed(Parts(), order[5:] + order[:5]) == [(50, bytes(range(20)))]
    assert fed(Parts(), order[::-1]) == [(50, bytes(range(20)))]
    assert Run(1, piece(b"ab"), True, False, 0).bytes == 2


def test_seen() -> None:
    seen = Seen()
    assert [seen.add(number) for number in (1, 2, 1, 1)] == [1, 1, 2, 3]
    for number in range(10, 10 + MAX_SEEN):
        seen.add(number)
    assert seen.add(1) == 1  # long forgotten
    assert seen.add(9 + MAX_SEEN) == 2
