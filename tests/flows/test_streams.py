"""Streams of RTP in columns: what is one, what is counted, and that batches and forms do not matter."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Batch, Limits, MediaStream
from analyzer.decode.columns import Columns, SidePayload
from analyzer.flows.streams import StreamTable, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
START_NS = 1_000 * 1_000 * MS
ALL = (0, 1, 0)


def packet(
    seq: int, stamp: int, ssrc: int = 0x11223344, kind: int = 96, size: int = 50, first: int = 0x80, more: bytes = b""
) -> bytes:
    return struct.pack(">BBHII", first, kind, seq & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + more + bytes(size)


@dataclass
class Row:
    data: bytes
    ms: float
    flow: int = 0
    sender: int = 0
    listed: bool = True
    transport: int = 17
    wire: int = 0
    aside: bool = False


def frames(rows: Sequence[Row], first_frame: int = 1) -> tuple[Columns, Batch, np.ndarray]:
    columns, count = Columns(max(len(rows), 1)), len(rows)
    columns.count = count
    data, starts = b"", []
    for index, row in enumerate(rows):
        starts.append(len(data))
        columns.transport[index] = row.transport
        columns.flow[index] = row.flow
        columns.sender[index] = row.sender
        columns.payload_bytes[index] = len(row.data)
        columns.payload_wire[index] = row.wire or len(row.data)
        if row.aside:
            columns.payload_at[index] = 0
            columns.side[index] = SidePayload(row.data, [])
        else:
            columns.payload_at[index] = len(data) + 42
            data += bytes(42) + row.data
    times = np.array([START_NS + round(row.ms * MS) for row in rows], np.int64)
    sizes = np.array([len(row.data) for row in rows], np.int64)
    zeros = np.zeros(count, np.int32)
    batch = Batch(data, first_frame, count, times, np.array(starts, np.int64), sizes, sizes, zeros, zeros)
    return columns, batch, np.array([index for index, row in enumerate(rows) if row.listed], np.int32)


def run(
    rows: Sequence[Row], table: StreamTable | None = None, sizes: Sequence[int] = ()
) -> tuple[StreamTable, list[int]]:
    """The table after `rows`, taken in batches of `sizes`, and the frames that are to be visited."""
    table = table or StreamTable(Limits())
    visited: list[int] = []
    at = 0
    turns = [*sizes, len(rows)]
    for size in turns:
        part = rows[at : at + size]
        if not part:
            continue
        columns, batch, listed = frames(part, at + 1)
        flows = max(row.flow for row in rows) + 1
        shown = table.update(columns, batch, listed, flows, ALL)
        visited += [at + int(row) + 1 for row in shown]
        at += len(part)
    return table, visited


def one(rows: Sequence[Row], flow: int = 0) -> MediaStream:
    found = run(rows)[0].streams(flow)
    assert len(found) == 1
    return found[0]


def voice(count: int) -> list[Row]:
    return [Row(packet(100 + index, 160 * index, kind=8), 20 * index) for index in range(count)]


# --- what is a stream -------------------------------------------------------------------------------------------------


def test_three_packets_with_running_numbers_are_a_stream() -> None:
    assert run(voice(2))[0].streams(0) == []
    stream = one(voice(3))
    assert (stream.ssrc, stream.packets, stream.lost, stream.first_frame, stream.last_frame) == (0x11223344, 3, 0, 1, 3)
    assert [(kind.payload_type, kind.packets, kind.frame, kind.at) for kind in stream.types] == [(8, 3, 1, 42)]
    assert run(voice(3))[0].stream_count == 1


def test_only_samples_of_a_stream_are_visited() -> None:
    _, visited = run(voice(40))
    assert visited == [1, 2, 3, 4, 8, 16, 32]


@pytest.mark.parametrize(
    "rows",
    [
        [Row(packet(5, index * 160, kind=8), 20 * index) for index in range(9)],  # a number that stands still
        [Row(packet(100 * index, 160, kind=8), 20 * index) for index in range(9)],  # numbers far apart
        [Row(packet(index, index * 99_999_999, kind=8), 20 * index) for index in range(9)],  # timestamps far apart
        [Row(packet(index, index * 160, ssrc=index, kind=8), 20 * index) for index in range(1, 9)],
        [Row(packet(index, index * 160, ssrc=0, kind=8), 20 * index) for index in range(9)],
        [Row(packet(index, index * 160, kind=72), 20 * index) for index in range(9)],  # RTCP, RFC 5761 4
        [Row(packet(index, index * 160, kind=20), 20 * index) for index in range(9)],  # unassigned, RFC 3551 6
        [Row(packet(index, index * 160, first=0x40), 20 * index) for index in range(9)],  # another version
        [Row(packet(index, index * 160, first=0x90, size=2), 20 * index) for index in range(9)],  # cut extension
        [Row(packet(index, 0, first=0x90, more=b"\0\0\xff\xff"), 20 * index) for index in range(9)],
        [Row(packet(index, 0, first=0x8F, size=8), 20 * index) for index in range(9)],  # cut sources
        [Row(packet(index, 160 * index)[:11], 20 * index) for index in range(9)],
        [Row(packet(index, 160 * index), 40_000 * index) for index in range(9)],  # too long a silence
        [Row(packet(index, 160 * index), 20 * index, transport=6) for index in range(9)],
        [Row(packet(index, 160 * index), 20 * index, flow=-1) for index in range(9)],
    ],
)
def test_what_only_looks_like_it_is_none(rows: list[Row]) -> None:
    table, visited = run([*rows, Row(b"", 1000)])
    assert table.streams(0) == []
    assert not table.carries(0)
    assert visited == list(range(1, len(rows) + 2))  # as they were listed before


def test_two_packets_next_to_a_stream_of_the_same_sender_are_one_too() -> None:
    whole = [Row(packet(seq, 960 * seq), seq * 20) for seq in range(3)]
    short = [Row(packet(seq, 960 * seq, ssrc=7), 100 + seq * 20) for seq in range(2)]
    assert [(one.ssrc, one.packets) for one in run([*whole, *short])[0].streams(0)] == [(0x11223344, 3), (7, 2)]
    assert [one.ssrc for one in run([*whole, short[0]])[0].streams(0)] == [0x11223344], "one packet says nothing"
    assert run(short)[0].streams(0) == [], "two alone neither"
    other = [Row(row.data, row.ms, sender=1) for row in short]
    assert [one.ssrc for one in run([*whole, *other])[0].streams(0)] == [0x11223344], "who sends nothing else"
    holed = [short[0], Row(packet(5, 4800, ssrc=7), 140)]
    assert [one.ssrc for one in run([*whole, *holed])[0].streams(0)] == [0x11223344], "numbers with a hole"


def test_a_trial_begins_anew_where_numbers_jump() -> None:
    rows = [Row(packet(seq, 160 * seq, kind=8), 20 * index) for index, seq in enumerate((1, 900, 901, 902))]
    stream = one(rows)
    assert (stream.packets, stream.first_seq, stream.first_frame) == (3, 900, 2)


def test_packets_that_probe_the_path_may_have_no_timestamp() -> None:
    stamps = (0, 2_000_000_000, 2_000_003_000, 2_000_006_000)
    assert one([Row(packet(index, stamp), 20 * index) for index, stamp in enumerate(stamps)]).packets == 4


def test_an_ssrc_of_zero_may_probe_the_path() -> None:
    assert one([Row(packet(index, 0, ssrc=0), 20 * index) for index in range(5)]).packets == 5


def test_of_many_on_trial_the_oldest_is_forgotten() -> None:
    rows = [Row(packet(10, 0, ssrc=number), number) for number in range(1, 6)]
    rows += [Row(packet(11, 0, ssrc=1), 10), Row(packet(12, 0, ssrc=1), 11), Row(packet(13, 0, ssrc=1), 12)]
    stream = one(rows)
    assert (stream.packets, stream.first_frame) == (3, 6)  # what came first was forgotten meanwhile


def test_what_else_comes_with_media_is_listed_whatever_was_thought_before() -> None:
    rows = [*voice(5), Row(b"\x80\xc8", 200, listed=False), Row(b"\0\1\0\0", 210, flow=1, listed=False)]
    assert run(rows)[1] == [1, 2, 3, 4, 6]


# --- what is counted --------------------------------------------------------------------------------------------------


def of_numbers(numbers: Sequence[int]) -> MediaStream:
    return one([Row(packet(seq, 160 * seq, kind=8), 20 * index) for index, seq in enumerate(numbers)])


def test_loss_is_what_numbers_lack() -> None:
    stream = of_numbers([1, 2, 3, 7, 8, 10])
    assert (stream.packets, stream.lost, stream.lost_run, stream.lost_frame, stream.late) == (6, 4, 3, 4, 0)


def test_what_comes_late_is_not_lost() -> None:
    stream = of_numbers([1, 2, 3, 5, 4, 6])
    assert (stream.packets, stream.lost, stream.late, stream.copies) == (6, 0, 1, 0)


def test_a_stream_may_begin_out_of_order() -> None:
    stream = of_numbers([5, 4, 6, 7])
    assert (stream.first_seq, stream.last_seq, stream.lost, stream.late) == (4, 7, 0, 1)


def test_copies_are_told_from_what_is_late() -> None:
    stream = of_numbers([1, 2, 2, 3, 1, 4])
    assert (stream.packets, stream.copies, stream.late, stream.lost) == (6, 2, 0, 0)


def test_what_is_very_late_counts_as_late() -> None:
    stream = of_numbers([*range(1, 100), 20])
    assert (stream.late, stream.copies) == (1, 0)
    assert of_numbers([*range(1, 100), 90]).copies == 1


def test_numbers_roll_over() -> None:
    stream = of_numbers([65533, 65534, 65535, 65536, 65537, 65539])
    assert (stream.first_seq, stream.last_seq, stream.lost, stream.restarts) == (65533, 3, 1, 0)


def test_a_sender_that_begins_anew_has_lost_nothing() -> None:
    stream = of_numbers([1, 2, 3, 5, 30000, 30001, 30002])
    assert (stream.packets, stream.restarts, stream.lost, stream.last_seq) == (7, 1, 1, 30002)


def test_one_stray_number_changes_nothing() -> None:
    stream = of_numbers([1, 2, 3, 30000, 4, 5])
    assert (stream.restarts, stream.lost, stream.last_seq) == (0, 0, 5)


def test_the_longest_silence_and_where_it_ended() -> None:
    rows = voice(5)
    rows[3].ms += 500
    rows[4].ms += 500
    stream = one(rows)
    assert (stream.silence_ns, stream.silence_frame) == (520 * MS, 4)


def test_payload_types_of_one_stream() -> None:
    kinds = (8, 8, 8, 13, 101, 97, 98, 99, 8)
    stream = one([Row(packet(index, 160 * index, kind=kind), 20 * index) for index, kind in enumerate(kinds)])
    assert [(kind.payload_type, kind.packets) for kind in stream.types] == [(8, 4), (13, 1), (101, 1), (97, 1)]
    assert stream.packets == 9


def test_markers_padding_and_sources() -> None:
    rows = [Row(packet(index, 160 * index, kind=0x88, first=0xA2), 20 * index) for index in range(4)]
    stream = one(rows)
    assert (stream.markers, stream.padded, stream.sources) == (4, 4, 2)


@pytest.mark.parametrize(
    ("more", "profile", "ids"),
    [
        (bytes.fromhex("bede0002 10aa 00 5111 22 0000"), 0xBEDE, (1, 5)),
        (bytes.fromhex("bede0001 f0aa1011"), 0xBEDE, ()),  # RFC 8285 4.2: 15 ends it
        (bytes.fromhex("bede0001 1f000000"), 0xBEDE, ()),  # an element beyond the end
        (bytes.fromhex("10000002 0500 0702aabb 0000"), 0x1000, (5, 7)),
        (bytes.fromhex("10000001 00000007"), 0x1000, ()),
        (bytes.fromhex("10000001 ff010000"), 0x1000, ()),  # beyond those that are kept
        (bytes.fromhex("c0de0001 12345678"), 0xC0DE, ()),  # RFC 9335: encrypted
    ],
)
def test_header_extensions(more: bytes, profile: int, ids: tuple[int, ...]) -> None:
    rows = [Row(packet(index, 160 * index, first=0x90, more=more), 20 * index) for index in range(3)]
    stream = one(rows)
    assert (stream.extension, stream.extension_ids) == (profile, ids)


def test_an_extension_that_the_capture_cuts_is_not_read() -> None:
    more = bytes.fromhex("bede0002 10aa 00 5111 22 0000")
    rows = [Row(packet(i, 160 * i, first=0x90, more=more)[:18], 20 * i, wire=90) for i in range(3)]
    stream = one(rows)
    assert (stream.extension, stream.bytes) == (None, 270)


def jitter(packets: Sequence[tuple[float, int]], rate: int) -> float:
    """RFC 3550 6.4.1, as it is written there; (ms, timestamp) of each packet, in ns."""
    value = 0.0
    for (ms, stamp), (before_ms, before) in zip(packets[1:], packets, strict=False):
        difference = (ms - before_ms) * MS - (stamp - before) * 1e9 / rate
        value += (abs(difference) - value) / 16
    return value


@pytest.mark.parametrize(("rate", "kind"), [(8000, 0), (16000, 96), (48000, 96), (90000, 26), (44100, 10), (22050, 17)])
def test_jitter_is_that_of_the_rfc(rate: int, kind: int) -> None:
    random = Random(rate)
    packets = [(20 * index + random.random() * 9, index * rate // 50) for index in range(300)]
    stream = one([Row(packet(i, stamp, kind=kind), ms) for i, (ms, stamp) in enumerate(packets)])
    assert dict(stream.jitters)[rate] == pytest.approx(jitter(packets, rate), rel=0.001, abs=200)
    assert stream.stamps == 299 * rate // 50


def test_other_static_types_have_their_clock() -> None:
    assert 11025 in dict(one([Row(packet(i, 0, kind=16), 20 * i) for i in range(3)]).jitters)


# --- flows, senders, shares, limits -----------------------------------------------------------------------------------


def test_streams_are_told_apart_by_flow_sender_and_ssrc() -> None:
    rows = [
        Row(packet(index, 160 * index, ssrc=ssrc), 20 * index + ssrc, flow=flow, sender=sender)
        for index in range(4)
        for flow, sender, ssrc in ((0, 0, 1), (0, 0, 2), (0, 1, 1), (700, 0, 1))
    ]
    table, _ = run(rows)
    assert [(one.sender, one.ssrc, one.packets) for one in table.streams(0)] == [(0, 1, 4), (0, 2, 4), (1, 1, 4)]
    assert [one.packets for one in table.streams(700)] == [4]
    assert table.streams(5) == []
    assert table.streams(100_000) == []
    assert not table.carries(100_000)
    assert not table.refused(100_000)


def test_of_another_share_nothing_is_counted() -> None:
    table = StreamTable(Limits())
    rows = [Row(packet(index, 160 * index), 20 * index, flow=flow) for index in range(5) for flow in (0, 1)]
    columns, batch, listed = frames(rows)
    shown = table.update(columns, batch, listed, 2, (1, 2, 0))
    assert table.streams(0) == []
    assert [one.packets for one in table.streams(1)] == [5]
    assert [int(row) for row in shown if rows[row].flow == 0] == [0, 2, 4, 6, 8]


def test_a_flow_has_no_more_streams_than_its_limit() -> None:
    table = StreamTable(Limits(media_streams=2))
    rows = [Row(packet(i, 160 * i, ssrc=ssrc), 100 * ssrc + i) for ssrc in (1, 2, 3) for i in range(4)]
    run(rows, table)
    assert [one.ssrc for one in table.streams(0)] == [1, 2]
    assert table.refused(0)


def test_all_flows_have_no_more_than_theirs() -> None:
    table = StreamTable(Limits(media_total=2))
    rows = [Row(packet(i, 160 * i, ssrc=flow + 1), 100 * flow + i, flow=flow) for flow in range(4) for i in range(3)]
    run(rows, table)
    assert [len(table.streams(flow)) for flow in range(4)] == [1, 1, 0, 0]
    assert [table.refused(flow) for flow in range(4)] == [False, False, True, True]


def test_where_there_is_no_room_the_oldest_trial_of_all_flows_goes() -> None:
    table = StreamTable(Limits(media_total=3))
    rows = [Row(packet(1, 0, ssrc=9), number, flow=number) for number in range(6)]
    rows += [Row(packet(1, 0, ssrc=8), 10, flow=5), Row(packet(1, 0, ssrc=7), 11, flow=5)]
    rows += [Row(packet(number, 0, ssrc=9), 20 + number, flow=5) for number in (2, 3)]
    run(rows, table)
    assert [one.packets for one in table.streams(5)] == [3]


def test_packets_put_together_from_fragments_are_counted_in_their_place() -> None:
    rows = voice(10)
    rows[4].aside = rows[7].aside = True
    table, visited = run(rows)
    assert (table.streams(0)[0].packets, table.streams(0)[0].lost) == (10, 0)
    assert visited == [1, 2, 3, 4, 8]


# --- one at a time, and any batches -----------------------------------------------------------------------------------


def test_one_at_a_time_gives_the_same() -> None:
    rows = voice(40)
    table = StreamTable(Limits(), 1)
    verdicts = [
        table.take(b"..." + row.data, 3, 3 + len(row.data), 0, 0, 0, index + 1, 42, START_NS + round(row.ms * MS))
        for index, row in enumerate(rows)
    ]
    assert [index + 1 for index, verdict in enumerate(verdicts) if verdict == Verdict.SHOWN] == [3, 4, 8, 16, 32]
    assert verdicts[:2] == [Verdict.NOTHING] * 2
    assert table.streams(0) == run(rows)[0].streams(0)
    assert table.take(b"\x80" * 11, 0, 11, 0, 0, 0, 1, 0, 0) == Verdict.NOTHING
    assert table.take(b"\x16" * 20, 0, 20, 0, 0, 0, 1, 0, 0) == Verdict.NOTHING


def test_there_is_room_for_as_many_as_the_limits_allow() -> None:
    table = StreamTable(Limits(), 1)
    for ssrc in range(1, 101):
        for index in range(3):
            table.take(packet(index, 0, ssrc), 0, 62, 62, 0, 0, 1, 0, START_NS)
    assert len(table.streams(0)) == 100


made = st.builds(
    Row,
    st.builds(
        packet,
        st.integers(0, 40) | st.integers(65500, 65575) | st.integers(0, 70000),
        st.integers(0, 40).map(lambda number: 160 * number) | st.integers(0, 1 << 32),
        st.sampled_from([0, 1, 2, 3, 4, 5, 6]),
        st.sampled_from([0, 8, 13, 96, 97, 200 - 128, 128 + 96]),
        st.integers(0, 30),
        st.sampled_from([0x80, 0x80, 0x80, 0x90, 0xA1, 0xB0, 0x41]),
        st.binary(max_size=12),
    )
    | st.binary(min_size=1, max_size=40),
    st.just(0),
    st.integers(0, 1),
    st.integers(0, 1),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(made, max_size=60), st.lists(st.integers(1, 20), max_size=20))
def test_any_datagrams_in_any_batches_give_the_same(rows: list[Row], sizes: list[int]) -> None:
    for index, row in enumerate(rows):
        row.ms = 20 * index
    if not rows:
        return
    limits = Limits(media_total=7, media_streams=3)
    whole, visited = run(rows, StreamTable(limits))
    parts, again = run(rows, StreamTable(limits), sizes)
    assert visited == again
    for flow in (0, 1):
        assert whole.streams(flow) == parts.streams(flow)
        assert whole.refused(flow) == parts.refused(flow)
        for stream in whole.streams(flow):
            assert 3 <= stream.packets <= len(rows)
            assert stream.lost >= 0
            assert sum(kind.packets for kind in stream.types) <= stream.packets
    assert set(visited) >= {index + 1 for index, row in enumerate(rows) if row.listed and row.data[0] >> 6 != 2}
