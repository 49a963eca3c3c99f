"""Streams put in order: gaps, overlaps, late and repeated segments, and limits."""

from __future__ import annotations

import random
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.core import Event, Limits, Piece, Side, Span
from analyzer.flows.reassembly import MOST_RECENT_BYTES, STRAY_BYTES, Conflict, Connection, Delivery, Gap, Stream

from .rows import ACK, FIN, M32, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Sequence


def piece(data: bytes, frame: int = 1) -> Piece:
    return Piece(data, [(0, frame, 54, frame * 1000)])


def told(deliveries: Sequence[Delivery]) -> list[bytes | int | tuple[str, bytes]]:
    """Bytes as they are, gaps as their size, conflicts as ("conflict", bytes)."""
    found: list[bytes | int | tuple[str, bytes]] = []
    for delivery in deliveries:
        if isinstance(delivery, Gap):
            found.append(delivery.size)
        elif isinstance(delivery, Conflict):
            found.append(("conflict", bytes(delivery.at)))
        else:
            found.append(bytes(delivery))
    return found


def started(seq: int = 100, limits: Limits | None = None) -> Stream:
    stream = Stream(limits or Limits())
    stream.start(seq)
    return stream


def test_in_order_the_piece_itself_comes_out() -> None:
    stream = started()
    first = piece(b"abc")
    assert stream.feed(100, first) == (first,)
    assert told(stream.feed(103, piece(b"def"))) == [b"def"]
    assert stream.feed(106, piece(b"")) == ()
    assert not stream.ended


def test_without_a_start_the_first_segment_is_it() -> None:
    stream = Stream(Limits())
    assert stream.acked(7) == ()
    assert told(stream.feed(500, piece(b"abc"))) == [b"abc"]
    stream.start(0)
    assert told(stream.feed(503, piece(b"def"))) == [b"def"]


def test_out_of_order_waits() -> None:
    stream = started()
    assert stream.feed(103, piece(b"def", 2)) == []
    assert stream.held_bytes == 3
    assert told(stream.feed(106, piece(b"ghi", 3))) == []
    found = stream.feed(100, piece(b"abc", 4))
    assert told(found) == [b"abc", b"def", b"ghi"]
    assert isinstance(found[1], Piece)
    assert found[1].spans == (Span(2, 54, 57),)
    assert stream.held_bytes == 0


def test_what_is_skipped_is_not_delivered() -> None:
    stream = started(2**32 - 10)
    assert stream.skip(30) == 20
    assert told(stream.feed(2**32 - 10, piece(bytes(20)))) == []
    assert told(stream.feed(10, piece(b"0123456789abc"))) == [b"abc"]
    assert stream.feed(30, piece(b"later")) == []
    assert stream.skip(1) is None  # what is held has its place
    assert told(stream.feed(23, piece(b"defghij"))) == [b"defghij", b"later"]


def test_numbers_wrap() -> None:
    stream = started(M32 - 1)
    assert told(stream.feed(4, piece(b"ghi"))) == []
    assert told(stream.feed(M32 - 1, piece(b"abc"))) == [b"abc"]
    assert told(stream.feed(1, piece(b"def"))) == [b"def", b"ghi"]
    assert told(stream.feed(7, piece(b"jkl"))) == [b"jkl"]


def test_what_was_sent_again_is_delivered_once() -> None:
    stream = started()
    stream.feed(100, piece(b"abcdef"))
    assert told(stream.feed(100, piece(b"abcdef"))) == []
    assert told(stream.feed(103, piece(b"defghi"))) == [b"ghi"]
    assert told(stream.feed(112, piece(b"mno"))) == []
    assert told(stream.feed(112, piece(b"mno"))) == []
    assert told(stream.feed(109, piece(b"jklmno"))) == [b"jkl", b"mno"]


def test_the_first_copy_wins_and_the_other_is_a_conflict() -> None:
    stream = started()
    stream.feed(100, piece(b"abcdef"))
    assert told(stream.feed(102, piece(b"cXef"))) == [("conflict", b"cXef")]
    assert told(stream.feed(104, piece(b"efgh"))) == [b"gh"]
    stream = started()
    stream.feed(103, piece(b"def"))
    assert told(stream.feed(100, piece(b"abcDEFghi"))) == [("conflict", b"DEF"), b"abc", b"def", b"ghi"]


def test_one_segment_over_several() -> None:
    stream = started()
    stream.feed(102, piece(b"c"))
    stream.feed(104, piece(b"e"))
    stream.feed(103, piece(b"d"))
    stream.feed(108, piece(b"i"))
    assert stream.held_bytes == 4
    assert told(stream.feed(101, piece(b"bcdefghij"))) == []
    assert told(stream.feed(100, piece(b"a"))) == [b"a", b"b", b"c", b"d", b"e", b"fgh", b"i", b"j"]


def test_only_the_latest_bytes_are_compared() -> None:
    stream = started()
    stream.feed(100, piece(b"a" * MOST_RECENT_BYTES))
    stream.feed(100 + MOST_RECENT_BYTES, piece(b"b"))
    assert told(stream.feed(100, piece(b"x"))) == []
    assert told(stream.feed(100 + MOST_RECENT_BYTES, piece(b"xc"))) == [("conflict", b"x"), b"c"]


def test_a_hole_becomes_a_gap_after_the_ack_and_three_rows() -> None:
    stream = started()
    stream.feed(110, piece(b"kl"))
    assert told(stream.acked(112)) == []
    assert told(stream.acked(112)) == []
    assert told(stream.feed(112, piece(b"mn"))) == []
    found = stream.feed(114, piece(b"op"))
    assert told(found) == [10, b"kl", b"mn", b"op"]
    assert isinstance(found[0], Gap)
    assert bytes(found[0].at) == b"kl"
    assert told(stream.feed(116, piece(b"qr"))) == [b"qr"]


def test_a_hole_that_is_filled_in_time_is_none() -> None:
    stream = started()
    stream.feed(103, piece(b"def"))
    assert told(stream.acked(106)) == []
    assert told(stream.acked(106)) == []
    assert told(stream.feed(100, piece(b"abc"))) == [b"abc", b"def"]
    assert told(stream.acked(106)) == []


def test_an_ack_inside_the_hole_does_not_settle_it() -> None:
    stream = started()
    stream.feed(110, piece(b"kl"))
    for _ in range(9):
        assert told(stream.acked(105)) == []
    assert told(stream.acked(110)) == [10, b"kl"]


def test_acknowledged_before_anything_was_seen() -> None:
    stream = started()
    for _ in range(4):
        assert told(stream.acked(150)) == []
    assert told(stream.feed(150, piece(b"x"))) == [50, b"x"]


def test_captured_after_its_acknowledgement() -> None:
    stream = started()
    assert told(stream.acked(103)) == []
    assert told(stream.feed(100, piece(b"abc"))) == [b"abc"]


def test_cut_by_the_capture() -> None:
    stream = started()
    assert told(stream.feed(100, piece(b"ab"), wire=10)) == [b"ab"]
    assert told(stream.feed(110, piece(b"cd"), wire=10)) == [8, b"cd"]
    assert told(stream.feed(120, piece(b""), wire=10)) == []
    assert told(stream.flush()) == [18]


def test_cut_and_out_of_order() -> None:
    stream = started()
    assert told(stream.feed(110, piece(b"kl"), wire=5)) == []
    assert told(stream.feed(112, piece(b"mnop"))) == []  # what was cut stays so
    assert told(stream.feed(100, piece(b"abcdefghij"))) == [b"abcdefghij", b"kl", 3, b"p"]


def test_fin_ends_it() -> None:
    stream = started()
    assert told(stream.feed(103, piece(b"de"), fin=True)) == []
    assert not stream.ended
    assert told(stream.feed(100, piece(b"abc"))) == [b"abc", b"de"]
    assert stream.ended
    assert told(stream.feed(105, piece(b"behind"))) == []
    assert told(stream.feed(100, piece(b"aXc"))) == [("conflict", b"aXc")]
    assert told(stream.acked(106)) == []
    assert told(stream.flush()) == []


def test_a_bare_fin_ends_it() -> None:
    stream = started()
    stream.feed(100, piece(b"abc"))
    assert told(stream.feed(103, piece(b""), fin=True)) == []
    assert stream.ended


def test_keep_alive_bytes_are_not_delivered() -> None:
    stream = started()
    stream.feed(100, piece(b"abc"))
    assert told(stream.feed(102, piece(b"\0"))) == []
    assert told(stream.feed(102, piece(b""))) == []
    fresh = started()
    assert told(fresh.feed(99, piece(b"\0"))) == []
    assert told(fresh.feed(100, piece(b"abc"))) == [b"abc"]


def test_strays_are_left_out() -> None:
    stream = started()
    assert told(stream.feed(100 + STRAY_BYTES + 1, piece(b"x"))) == []
    assert told(stream.feed((100 - STRAY_BYTES - 1) & M32, piece(b"x"))) == []
    assert told(stream.acked(100 + STRAY_BYTES + 1)) == []
    assert told(stream.feed(100, piece(b"abc"))) == [b"abc"]
    assert told(stream.flush()) == []


def test_limits_declare_gaps() -> None:
    stream = started(limits=Limits(pending_segments=2))
    assert told(stream.feed(110, piece(b"b"))) == []
    assert told(stream.feed(120, piece(b"c"))) == []
    assert told(stream.feed(130, piece(b"d"))) == [10, b"b"]
    stream = started(limits=Limits(pending_bytes=10))
    assert told(stream.feed(110, piece(b"b" * 8))) == []
    assert told(stream.feed(130, piece(b"c" * 8))) == [10, b"b" * 8]
    assert stream.held_bytes == 8


def test_flush_gives_all_with_gaps_between() -> None:
    stream = started()
    stream.feed(105, piece(b"f"))
    stream.feed(110, piece(b"k"))
    assert told(stream.flush()) == [5, b"f", 4, b"k"]
    assert told(stream.flush()) == []


def test_flush_tells_what_was_acknowledged_and_never_seen() -> None:
    stream = started()
    stream.feed(100, piece(b"abc"))
    stream.acked(113)
    assert told(stream.flush()) == [10]
    stream = started()
    stream.feed(100, piece(b"abc"))
    stream.acked(104)  # of a FIN, perhaps
    assert told(stream.flush()) == []
    stream = started()
    stream.feed(100, piece(b"abc"))
    stream.feed(110, piece(b""), fin=True)
    assert told(stream.flush()) == [7]
    assert told(started().flush()) == []


# --- both directions --------------------------------------------------------------------------------------------------


def test_a_connection_from_its_handshake() -> None:
    connection = Connection(Limits())
    a, b = Side.INITIATOR, Side.RESPONDER
    assert connection.take(a, SYN, 100, 0, Event.SYN, piece(b"")) == []
    assert connection.take(b, SYN | ACK, 500, 101, Event.SYN_ACK, piece(b"")) == []
    assert connection.take(b, SYN | ACK, 700, 101, Event.SYN_OTHER, piece(b"")) == []
    assert connection.take(a, ACK, 101, 501, Event.HANDSHAKE_ACK, piece(b"")) == []
    found = connection.take(a, ACK, 101, 501, 0, piece(b"hello"))
    assert [(side, bytes(delivery)) for side, delivery in found if isinstance(delivery, Piece)] == [(a, b"hello")]
    found = connection.take(b, ACK, 501, 106, 0, piece(b"welcome"))
    assert [(side, bytes(delivery)) for side, delivery in found if isinstance(delivery, Piece)] == [(b, b"welcome")]
    assert connection.take(a, RST | ACK, 106, 900, 0, piece(b"why")) == []
    assert connection.take(a, 0, 106, 0, 0, None) == []
    connection.take(b, FIN | ACK, 509, 106, 0, piece(b"late"))
    assert [(side, told([delivery])[0]) for side, delivery in connection.flush()] == [(b, 1), (b, b"late")]


def test_data_in_a_syn_comes_first() -> None:
    connection = Connection(Limits())
    found = connection.take(Side.INITIATOR, SYN, M32, 0, Event.SYN, piece(b"early"))
    assert told([delivery for _, delivery in found]) == [b"early"]
    found = connection.take(Side.RESPONDER, SYN | ACK, 7, 5, Event.SYN_ACK, piece(b"too"))
    assert told([delivery for _, delivery in found]) == [b"too"]
    connection.take(Side.INITIATOR, ACK, 5, 11, Event.HANDSHAKE_ACK, None)
    found = connection.take(Side.RESPONDER, ACK, 11, 5, 0, piece(b"more"))
    assert told([delivery for _, delivery in found]) == [b"more"]


# --- for any segments -------------------------------------------------------------------------------------------------

data_of = st.binary(min_size=1, max_size=300)


@given(data_of, st.integers(0, M32), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_repetition_give_the_bytes(data: bytes, isn: int, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.sets(st.integers(1, len(data)))) | {0, len(data)})
    spans = list(pairwise(cuts))
    spans += draw.draw(
        st.lists(st.tuples(st.integers(0, len(data)), st.integers(0, len(data))).filter(lambda span: span[0] < span[1]))
    )
    stream = started(isn)
    found: list[Delivery] = []
    for start, stop in draw.draw(st.permutations(spans)):
        found += stream.feed((isn + start) & M32, piece(data[start:stop]), fin=stop == len(data))
    # A single byte sent again just before what is next looks like a keep-alive, and is one.
    found += stream.flush()
    assert b"".join(bytes(item) for item in found if isinstance(item, Piece)) == data
    assert all(isinstance(item, Piece) for item in found)
    assert stream.ended


segments = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 120), st.integers(0, M32)),  # seq
        st.binary(max_size=20),
        st.integers(0, 25),  # wire
        st.booleans(),  # FIN
        st.one_of(st.none(), st.integers(0, 150), st.integers(0, M32)),  # ack
    ),
    max_size=40,
)


@given(segments)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_segments_raise_nothing_and_stay_in_bounds(rows: list[tuple[int, bytes, int, bool, int | None]]) -> None:
    limits = Limits(pending_segments=5, pending_bytes=40)
    stream = started(0, limits)
    position = 0
    found: list[Delivery] = []
    for seq, data, wire, fin, ack in rows:
        found += stream.feed(seq, piece(data), wire, fin)
        if ack is not None:
            found += stream.acked(ack)
        assert stream.held_bytes <= limits.pending_bytes
    found += stream.flush()
    for item in found:
        if not isinstance(item, Conflict):
            size = item.size if isinstance(item, Gap) else len(item)
            assert size > 0
            position += size
    assert position <= STRAY_BYTES * 42
    assert stream.held_bytes == 0


@pytest.mark.skipif(sys.gettrace() is not None, reason="coverage takes its time")
def test_in_order_costs_little_and_disorder_not_much_more() -> None:
    parts = [piece(bytes(100)) for _ in range(20_000)]
    stream = started(0)
    begin = time.perf_counter()
    for index, part in enumerate(parts):
        stream.feed(index * 100 & M32, part)
    assert time.perf_counter() - begin < 0.5  # 1 µs each is the aim: room for slow and busy machines
    shuffled = list(range(20_000))
    random.Random(1).shuffle(shuffled)
    stream = started(0, Limits(pending_segments=512))
    begin = time.perf_counter()
    for index in shuffled:
        stream.feed(index * 100 & M32, parts[index])
    assert time.perf_counter() - begin < 3
