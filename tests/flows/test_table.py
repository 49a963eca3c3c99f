"""The flow table: flows, roles, the handshake, and what TCP segments are, situation by situation."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Event, Limits
from analyzer.decode.columns import Columns, Option, SidePayload, Status
from analyzer.flows import table as module
from analyzer.flows.table import FlowTable

from .rows import ACK, ALL, FIN, M32, MS, PSH, RST, SYN, A, B, Row, Talk, batch_of, followed


def interpreted() -> Any:
    """The Python source of the table, also where its compiled form is imported."""
    path = Path(core.__file__).parent / "flows" / "table.py"
    spec = importlib.util.spec_from_file_location("table_source", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["table_source"] = found
    spec.loader.exec_module(found)
    return found


SOURCE = interpreted()


def test_numbers_are_those_of_core_and_columns() -> None:
    for name, value in vars(SOURCE).items():
        if name.startswith("E_") and name != "E_VISIT":
            assert getattr(Event, name[2:]) == value
        if name.startswith("O_"):
            assert getattr(Option, name[2:]) == value
    assert Status.WHOLE == 1


# --- flows ------------------------------------------------------------------------------------------------------------


def test_both_directions_are_one_flow_and_counted_by_sender() -> None:
    talk = Talk().handshake().a(ACK | PSH, 1001, 5001, 100).b(ACK, 5001, 1101)
    seen = followed(talk)
    assert seen.flows == [0] * 5
    assert seen.senders == [0, 1, 0, 0, 1]
    first_frame, last_frame, first_ns, last_ns, packets, octets = seen.table.counts(0)
    assert (first_frame, last_frame, last_ns - first_ns) == (1, 5, 4 * MS)
    assert packets == (3, 2)
    assert octets == (54 * 3 + 100, 54 * 2)
    assert seen.table.ends(0) == (4, 6, (0, *A), (0, *B))
    assert "NEW_FLOW" in seen.events[0]
    assert sum("NEW_FLOW" in events for events in seen.events) == 1


def test_addresses_ports_transport_and_version_tell_flows_apart() -> None:
    rows = [
        Row(A, B),
        Row((A[0] + 7, A[1]), B),
        Row((A[0], A[1] + 1), B),
        Row(A, B, transport=17),
        Row(A, B, transport=132),
        Row(A, B, version=6),
        Row(A, B, version=6, high=1 << 63),
    ]
    assert followed(rows).flows == list(range(7))


def test_other_transports_and_undecoded_rows_have_no_flow() -> None:
    rows = [Row(transport=47), Row(status=Status.OTHER), Row(status=Status.CUT), Row(status=Status.FRAGMENT)]
    assert followed(rows).flows == [-1] * 4


def test_a_packet_to_itself_is_a_flow() -> None:
    assert followed([Row(A, A, SYN, 5), Row(A, A, SYN | ACK, 5, 6)]).flows == [0, 0]


def test_who_opened_it() -> None:
    assert followed([Row(B, A, SYN | ACK)]).table.ends(0)[2][1:] == A  # the SYN-ACK's target
    assert followed([Row(B, A, ACK)]).table.ends(0)[2][1:] == A  # a port below 1024 serves
    assert followed([Row(B, A, SYN)]).table.ends(0)[2][1:] == B  # unless it sends a SYN
    assert followed([Row(A, (B[0], 5000), ACK)]).table.ends(0)[2][1:] == A  # the first to speak
    assert followed([Row(B, A, transport=17)]).table.ends(0)[2][1:] == A
    assert followed([Row(A, (B[0], 70), ACK), Row((B[0], 70), A, ACK)]).senders == [0, 1]


def test_a_guess_is_put_right_by_the_syn_ack() -> None:
    talk = Talk(A, (B[0], 8080)).b(ACK, 5001, 1001).b(SYN | ACK, 5000, 1001).a(ACK, 1001, 5001)
    seen = followed(talk)
    assert seen.senders == [0, 1, 0]
    assert seen.table.ends(0)[2][1:] == A
    assert "^" in seen.summary().history.lower()


def test_flow_limit_refuses_the_rest() -> None:
    rows = [Row((A[0], port), B, SYN, ms=port) for port in range(2000, 2010)]
    seen = followed([*rows, rows[0]], limits=Limits(flows=4))
    assert seen.flows == [0, 1, 2, 3, *[-1] * 6, 0]
    assert seen.table.refused_packets == 6


def test_thousands_of_flows_keep_their_state_while_tables_grow() -> None:
    rows = [Row((A[0], 1024 + port), B, SYN, port) for port in range(3000)]
    rows += [Row(B, (A[0], 1024 + port), SYN | ACK, 7, port + 1) for port in range(3000)]
    rows += [Row((A[0], 1024 + port), B, ACK, port + 1, 8) for port in range(3000)]
    for seed in (1, 2):
        seen = followed(rows, seed=seed)
        assert seen.flows == [*range(3000)] * 3
        assert all(seen.frames(flow) == (flow + 1, flow + 3001, flow + 6001) for flow in range(3000))
        assert seen.table.find(4, 6, (0, A[0], 1024 + 2999), (0, *B)) == (2999, 0)


def test_find_gives_the_newest_flow_and_who_the_source_is() -> None:
    talk = Talk().handshake().a(RST, 1001).a(SYN, 9000)
    table = followed(talk).table
    assert table.find(4, 6, (0, *A), (0, *B)) == (1, 0)
    assert table.find(4, 6, (0, *B), (0, *A)) == (1, 1)
    assert table.find(4, 17, (0, *B), (0, *A)) is None
    assert table.find(6, 6, (0, *B), (0, *A)) is None


# --- rows to visit ----------------------------------------------------------------------------------------------------


def test_payload_is_visited_until_nobody_wants_it() -> None:
    talk = Talk().handshake().a(ACK, 1001, 5001, 10).b(ACK, 5001, 1011, 20).a(ACK, 1011, 5021)
    assert followed(talk, mask=0).visited == [3, 4]
    assert followed(talk, mask=0, cuts=[1], unwanted=[(0, 0)]).visited == [4]
    assert followed(talk, mask=0, cuts=[1], unwanted=[(0, 1)]).visited == [3]
    assert followed(talk, mask=0, cuts=[1], unwanted=[(0, None)]).visited == []
    assert followed(talk, mask=Event.SYN | Event.HANDSHAKE_ACK, cuts=[1], unwanted=[(0, None)]).visited == [0, 2]


def test_payload_that_ends_before_a_number_is_not_visited() -> None:
    talk = (
        Talk().handshake().b(ACK, 5001, 1001, 10).b(ACK, 5011, 1001, 10).a(ACK, 1001, 5021, 10).b(ACK, 5021, 1001, 10)
    )
    assert followed(talk, mask=0).visited == [3, 4, 5, 6]
    assert followed(talk, mask=0, cuts=[1], skipped=[(0, 1, 5021)]).visited == [5, 6]
    assert followed(talk, mask=0, cuts=[1], skipped=[(0, 1, 5020)]).visited == [4, 5, 6]
    assert followed(talk, mask=0, cuts=[1], skipped=[(0, 1, 5021), (0, 1, None)]).visited == [3, 4, 5, 6]
    assert followed(talk, mask=0, cuts=[1], skipped=[(0, 0, 2000)]).visited == [3, 4, 6]


def test_data_that_waited_for_a_late_ack_is_told() -> None:
    def exchange(late_us: int, after_us: int, size: int = 100, answer: int = 0) -> Talk:
        talk = Talk().handshake()
        talk.a(ACK, 1001, 5001, size)
        talk.b(ACK, 5001, 1001 + size, answer, after=late_us / 1000)
        return talk.a(ACK, 1001 + size, 5001 + answer, 50, after=after_us / 1000)

    assert "RELEASED" in followed(exchange(40_000, 100)).events[-1]
    summary = followed(exchange(40_000, 100)).summary()
    assert (summary.nagle_stalls, summary.nagle_us) == ((1, 0), (40_000, 0))
    for other in (
        exchange(10_000, 100),  # no later than an ACK may be
        exchange(700_000, 100),  # later than any that is held back
        exchange(40_000, 5_000),  # not at once
        exchange(40_000, 100, size=1460),  # not small
        exchange(40_000, 100, answer=10),  # the ACK came with an answer
    ):
        assert "RELEASED" not in followed(other).events[-1]


def test_unwant_knows_roles_where_the_responder_has_the_lower_address() -> None:
    talk = Talk((B[0] + 5, 40000), B).a(SYN, 1).a(ACK, 2, 1, 10).b(ACK, 1, 12, 10)
    assert followed(talk, mask=0, cuts=[1], unwanted=[(0, 0)]).visited == [2]


def test_datagrams_are_visited_if_something_of_them_was_captured() -> None:
    rows = [
        Row(transport=17, size=5),
        Row(transport=17),
        Row(transport=17, size=5, captured=0),
        Row(transport=132, size=1),
    ]
    seen = followed(rows)
    assert seen.visited == [0, 3]
    assert seen.raw == [0] * 4
    assert seen.table.tcp(0) is None
    assert followed(rows, cuts=[1], unwanted=[(0, 0), (0, 1)]).visited == [0, 3]


def test_of_icmp_errors_are_visited() -> None:
    rows = [Row(transport=1, head=bytes([kind])) for kind in (0, 3, 4, 5, 8, 11, 12, 13)]
    rows += [Row(transport=58, version=6, head=bytes([kind])) for kind in (1, 2, 3, 4, 128, 135)]
    rows += [Row(size=3)]
    seen = followed(rows)
    assert seen.visited == [1, 2, 3, 5, 6, 8, 9, 10, 11, 14]
    assert seen.flows[:14] == [-1] * 14


def test_icmp_is_read_where_it_lies() -> None:
    batch, columns = batch_of([Row(transport=1, head=b"\0"), Row(transport=1), Row(transport=1, head=b"\3")])
    columns.side[0] = SidePayload(b"\3" + bytes(20), [])
    columns.header_at[1] = 99
    table = FlowTable(Limits())
    table.update(columns, batch)
    assert table.rows.tolist() == [0, 2]


def test_acks_that_settle_a_hole_are_visited() -> None:
    talk = Talk().handshake().a(ACK, 1101, 5001, 10)  # 1001 to 1101 is missing
    for number in range(8):
        talk.b(ACK, 5001, 1111, window=1000 + number)
    seen = followed(talk, mask=0)
    assert seen.visited == [3, 4, 5, 6, 7]
    assert followed(talk, mask=0, cuts=[4], unwanted=[(0, None)]).visited == [3]


def test_without_rows_nothing_happens() -> None:
    seen = followed([])
    assert seen.table.flow_count == 0
    assert seen.visited == []


# --- the handshake ----------------------------------------------------------------------------------------------------


def test_three_way_handshake() -> None:
    seen = followed(Talk().handshake(mss=1460, scale=7, sack_permitted=True, timestamps=True))
    assert [events - {"NEW_FLOW"} for events in seen.events] == [{"SYN"}, {"SYN_ACK"}, {"HANDSHAKE_ACK"}]
    summary = seen.summary()
    assert (summary.syn, summary.syn_ack, summary.ack) == (1, 2, 3)
    assert summary.initial_rtt_ns == 2 * MS
    assert summary.syn_ack_ns - summary.syn_ns == MS
    assert summary.mss == (1460, 1460)
    assert summary.window_scale == (7, 7)
    assert summary.sack_permitted == summary.timestamps == (True, True)
    assert summary.end is None
    assert summary.history == "ShA"


def test_options_that_were_not_offered() -> None:
    summary = followed(Talk().handshake()).summary()
    assert summary.mss == (0, 0)
    assert summary.window_scale == (-1, -1)
    assert summary.sack_permitted == summary.timestamps == (False, False)


def test_ack_with_data_completes_it() -> None:
    seen = followed(Talk().a(SYN, 1).b(SYN | ACK, 9, 2).a(ACK, 2, 10, 50))
    assert {"HANDSHAKE_ACK", "FIRST_PAYLOAD"} <= seen.events[2]
    assert seen.frames() == (1, 2, 3)


def test_ack_of_other_numbers_does_not() -> None:
    talk = Talk().a(SYN, 1).b(SYN | ACK, 9, 2).a(ACK, 2, 11).a(ACK, 3, 10).b(ACK, 10, 2).a(ACK, 2, 10)
    seen = followed(talk)
    assert seen.frames() == (1, 2, 6)
    assert ["HANDSHAKE_ACK" in events for events in seen.events] == [False] * 5 + [True]


def test_it_completes_once() -> None:
    seen = followed(Talk().handshake().a(ACK, 1001, 5001, 5).a(ACK, 1001, 5001, 5))
    assert sum("HANDSHAKE_ACK" in events for events in seen.events) == 1
    assert seen.frames() == (1, 2, 3)


def test_numbers_wrap() -> None:
    seen = followed(Talk().handshake(M32, M32).a(ACK, 0, 0, 10).b(ACK, 0, 10))
    assert seen.frames() == (1, 2, 3)
    assert seen.events[3] == {"FIRST_PAYLOAD"}
    assert seen.events[4] == set()


def test_syn_ack_captured_before_its_syn() -> None:
    seen = followed(Talk().b(SYN | ACK, 9, 2).a(SYN, 1).a(ACK, 2, 10))
    assert seen.frames() == (2, 1, 3)
    assert seen.senders == [1, 0, 0]
    assert seen.summary().initial_rtt_ns == MS
    assert seen.table.flow_count == 1


def test_syn_captured_last() -> None:
    seen = followed(Talk().b(SYN | ACK, 9, 2).a(ACK, 2, 10).a(SYN, 1))
    assert seen.table.flow_count == 2  # a complete handshake, so a SYN begins another
    late = followed(Talk().a(ACK, 2, 10).a(SYN, 1).b(SYN | ACK, 9, 2))
    assert late.frames() == (2, 3, 1)
    assert "HANDSHAKE_ACK" in late.events[2]
    assert late.summary().initial_rtt_ns == 0


def test_a_first_ack_of_something_else_is_no_handshake() -> None:
    seen = followed(Talk().a(ACK, 2, 99).a(SYN, 1).b(SYN | ACK, 9, 2))
    assert seen.frames() == (2, 3, None)


def test_retransmitted_syn_and_syn_ack() -> None:
    talk = Talk().a(SYN, 1).a(SYN, 1, after=1000).b(SYN | ACK, 9, 2, after=20).b(SYN | ACK, 9, 2, after=1000)
    seen = followed(talk.a(ACK, 2, 10, after=5))
    assert seen.events[1] == {"SYN_AGAIN"}
    assert seen.events[3] == {"SYN_ACK_AGAIN"}
    assert seen.frames() == (1, 3, 5)
    summary = seen.summary()
    assert (summary.syn_retransmits, summary.syn_ack_retransmits) == (1, 1)
    assert summary.initial_rtt_ns == 1025 * MS  # from the SYN that was answered


def test_several_syn_acks_the_answered_one_counts() -> None:
    talk = Talk().a(SYN, 1)
    for number in (100, 200, 300, 400, 500):
        talk.b(SYN | ACK, number, 2)
    talk.a(ACK, 2, 301, 10).b(ACK, 301, 12, 5)
    seen = followed(talk)
    assert seen.events[1] == {"SYN_ACK"}
    assert all(events == {"SYN_OTHER"} for events in seen.events[2:6])
    assert seen.frames() == (1, 4, 7)
    assert seen.events[7] == {"FIRST_PAYLOAD"}
    # The fifth was too many to keep.
    assert followed(Talk().a(SYN, 1).rows + talk.rows[1:6] + Talk().a(ACK, 2, 501).rows).frames() == (1, 2, None)


def test_syn_ack_of_the_wrong_number_is_none() -> None:
    seen = followed(
        Talk().a(SYN, 1).b(SYN | ACK, 9, 777).a(RST, 777).a(SYN, 1, after=1000).b(SYN | ACK, 50, 2).a(ACK, 2, 51)
    )
    assert seen.frames() == (1, 5, 6)
    assert seen.summary().end is None
    assert followed(Talk().a(SYN, 1).b(SYN | ACK, 9, 777)).frames() == (1, None, None)


def test_the_first_that_answers_where_none_is_answered() -> None:
    talk = Talk().a(SYN, 1).b(SYN | ACK, 9, 777).b(SYN | ACK, 10, 2).b(SYN | ACK, 11, 2)
    assert followed(talk).frames() == (1, 3, None)


def test_simultaneous_open() -> None:
    talk = Talk(A, (B[0], 5000)).a(SYN, 1).b(SYN, 9).a(SYN | ACK, 1, 10).b(SYN | ACK, 9, 2).a(ACK, 2, 10).b(ACK, 10, 2)
    seen = followed(talk)
    assert seen.frames() == (1, 4, 5)
    assert [events - {"NEW_FLOW"} for events in seen.events] == [
        {"SYN"},
        {"SYN"},
        {"SYN_ACK"},
        {"SYN_ACK"},
        {"HANDSHAKE_ACK"},
        set(),
    ]
    assert seen.summary().initial_rtt_ns == 4 * MS
    # Seen from the other end, the initiator's SYN-ACK is answered first; the responder's counts all the same.
    talk = Talk(A, (B[0], 5000)).a(SYN, 1).b(SYN, 9).b(SYN | ACK, 9, 2).a(SYN | ACK, 1, 10).b(ACK, 10, 2).a(ACK, 2, 10)
    assert followed(talk).frames() == (1, 3, 6)
    assert [("HANDSHAKE_ACK" in events) for events in followed(talk).events] == [False] * 4 + [True, False]
    assert followed(talk.rows[:5]).frames() == (1, 4, 5)
    assert followed(talk.rows[:4]).frames() == (1, 3, None)


def test_dsack_of_a_syn_is_no_news() -> None:
    talk = Talk(A, (B[0], 5000)).a(SYN, 1).b(SYN, 9).a(SYN | ACK, 1, 10).b(SYN | ACK, 9, 2)
    assert "DSACK" not in followed(talk.a(ACK, 2, 10, sack=(9, 10))).events[4]


def test_split_handshake() -> None:
    seen = followed(Talk().a(SYN, 1000).b(SYN, 3000).a(SYN | ACK, 1000, 3001).b(ACK, 3001, 1001).a(ACK, 1001, 3001, 4))
    assert seen.frames() == (1, 3, 4)
    assert seen.table.flow_count == 1
    # In five packets: the responder first answers by an ACK.
    seen = followed(Talk().a(SYN, 1000).b(ACK, 0, 1001).b(SYN, 3000).a(SYN | ACK, 1000, 3001).b(ACK, 3001, 1001))
    assert seen.events[1] == {"BARE_ACK_TO_SYN"}
    assert seen.table.flow_count == 1
    assert seen.frames() == (1, 4, 5)


def test_fast_open() -> None:
    talk = Talk().a(SYN, 1000, size=30).b(SYN | ACK, 5000, 1031).a(ACK, 1031, 5001)
    seen = followed(talk)
    assert {"SYN", "SYN_DATA", "FIRST_PAYLOAD"} <= seen.events[0]
    assert seen.frames() == (1, 2, 3)
    assert seen.summary().payload_bytes == (30, 0)
    # The server did not take the data.
    seen = followed(Talk().a(SYN, 1000, size=30).b(SYN | ACK, 5000, 1001).a(ACK, 1001, 5001, 30))
    assert seen.frames() == (1, 2, 3)
    assert {"HANDSHAKE_ACK", "RETRANSMISSION"} <= seen.events[2]


def test_data_in_the_syn_ack() -> None:
    seen = followed(Talk().a(SYN, 10).b(SYN | ACK, 50, 11, 110).a(ACK, 11, 161))
    assert seen.events[1] == {"SYN_ACK", "SYN_DATA", "FIRST_PAYLOAD"}
    assert seen.frames() == (1, 2, 3)
    assert seen.summary().history == "ShdA"


def test_mid_stream_start() -> None:
    seen = followed(Talk().a(ACK | PSH, 500, 900, 20).b(ACK, 900, 520, 30).a(ACK, 520, 930))
    assert seen.frames() == (None, None, None)
    assert [events - {"NEW_FLOW"} for events in seen.events] == [{"FIRST_PAYLOAD"}, {"FIRST_PAYLOAD"}, set()]
    assert seen.summary().lost_bytes == (0, 0)


def test_mid_stream_the_peer_was_further_or_not_so_far() -> None:
    assert followed(Talk().a(ACK, 500, 900).b(ACK, 950, 500, 30)).events[1] == {"FIRST_PAYLOAD"}
    assert followed(Talk().a(ACK, 500, 900).b(ACK, 850, 500, 30)).events[1] == {"FIRST_PAYLOAD"}


def test_syn_missing() -> None:
    seen = followed(Talk().b(SYN | ACK, 9, 2).a(ACK, 2, 10))
    assert seen.frames() == (None, 1, 2)
    assert seen.summary().initial_rtt_ns is None


def test_challenge_ack() -> None:
    assert followed(Talk().a(SYN, 1).b(ACK, 5000, 700)).events[1] == {"BARE_ACK_TO_SYN"}
    assert followed(Talk().a(SYN, 1).a(ACK, 2, 10).b(ACK, 10, 2)).events[2] == set()  # the SYN-ACK was not captured
    assert followed(Talk().a(SYN, 1).b(ACK, 5000, 2, 3)).events[1] == {"FIRST_PAYLOAD"}


# --- ports used again -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        Talk().handshake(),
        Talk().handshake().a(FIN | ACK, 1001, 5001),
        Talk().handshake().b(RST, 5001),
        Talk().a(SYN, 1000).b(RST | ACK, 0, 1001),
        Talk().a(ACK, 50, 60, 10).b(ACK, 60, 60),
        Talk().b(ACK, 60, 60),
    ],
)
def test_a_syn_of_another_number_begins_a_flow(before: Talk) -> None:
    rows = [
        *before.rows,
        Row(A, B, SYN, 77_000, ms=before.ms + 100),
        Row(B, A, SYN | ACK, 1, 77_001, ms=before.ms + 101),
    ]
    seen = followed(rows)
    count = len(before.rows)
    assert seen.flows == [0] * count + [1, 1]
    assert {"NEW_FLOW", "SYN"} <= seen.events[count]
    assert seen.frames(1) == (count + 1, count + 2, None)


def test_in_an_unfinished_handshake_it_stays() -> None:
    seen = followed(Talk().a(SYN, 1).a(SYN, 500, after=1000).b(SYN | ACK, 9, 501, after=10).a(ACK, 501, 10))
    assert seen.flows == [0] * 4
    assert seen.events[1] == {"SYN_OTHER"}
    assert seen.frames() == (1, 3, 4)
    assert seen.summary().initial_rtt_ns == 11 * MS
    assert followed(Talk().a(SYN, 1).a(SYN, 500, after=61_000)).flows == [0, 1]
    assert followed(Talk(B, A).a(SYN, 1).a(SYN, 500).b(SYN | ACK, 9, 501)).frames() == (1, 3, None)


def test_the_same_number_again() -> None:
    refused = Talk().a(SYN, 1).b(RST | ACK, 0, 2).a(SYN, 1, after=500).b(SYN | ACK, 9, 2).a(ACK, 2, 10)
    seen = followed(refused)
    assert seen.flows == [0] * 5
    assert seen.frames() == (1, 4, 5)
    assert seen.summary().end is None
    assert followed(Talk().handshake().a(RST, 1001).a(SYN, 1000, after=500)).flows[-1] == 1
    assert followed(Talk().handshake().a(FIN | ACK, 1001, 5001).a(SYN, 1000, after=500)).flows[-1] == 1
    assert followed(Talk().handshake().a(SYN, 1000, after=500)).flows[-1] == 0


def test_a_syn_from_the_other_end() -> None:
    assert followed(Talk().a(SYN, 1).b(SYN, 9, after=61_000)).flows == [0, 1]
    assert followed(Talk().handshake().b(SYN, 9)).flows[-1] == 1
    assert followed(Talk().a(SYN, 1).b(RST, 0).b(SYN, 9)).flows[-1] == 1


def test_a_syn_ack_after_the_end() -> None:
    assert followed(Talk().handshake().a(RST, 1001).b(SYN | ACK, 5000, 1001, after=500)).flows[-1] == 0
    assert followed(Talk().handshake().a(RST, 1001).b(SYN | ACK, 8000, 7001, after=500)).flows[-1] == 1
    assert followed(Talk().a(SYN, 1).b(RST, 1).b(SYN | ACK, 8000, 2)).flows[-1] == 0
    assert followed(Talk().handshake().b(SYN | ACK, 8000, 7001)).flows[-1] == 0


def test_an_old_syn_ack_and_a_new_syn() -> None:
    seen = followed(Talk().b(SYN | ACK, 9, 2).a(SYN, 1, after=61_000))
    assert seen.flows == [0, 1]
    seen = followed(Talk().a(ACK, 30, 40).a(SYN, 29))
    assert seen.flows == [0, 0]


# --- data -------------------------------------------------------------------------------------------------------------


def opened() -> Talk:
    """A handshake whose round trip takes 2 ms; A continues at 1001, B at 5001."""
    return Talk().handshake()


def test_retransmission() -> None:
    seen = followed(opened().a(ACK, 1001, 5001, 100).a(ACK, 1001, 5001, 100, after=300))
    assert seen.events[4] == {"RETRANSMISSION"}
    summary = seen.summary()
    assert summary.retransmits == (1, 0)
    assert summary.payload_bytes == (200, 0)
    assert summary.max_payload == (100, 0)
    assert summary.history == "ShADT"


def test_retransmission_with_more_behind() -> None:
    seen = followed(opened().a(ACK, 1001, 5001, 100).a(ACK, 1051, 5001, 100, after=300).a(ACK, 1151, 5001, 10))
    assert seen.events[4] == {"RETRANSMISSION"}
    assert seen.events[5] == set()


def test_out_of_order_within_a_round_trip() -> None:
    talk = opened().a(ACK, 1101, 5001, 100, ip_id=0).a(ACK, 1001, 5001, 100, ip_id=0)
    seen = followed(talk)
    assert seen.events[3] == {"HOLE", "FIRST_PAYLOAD"}
    assert seen.events[4] == {"OUT_OF_ORDER"}
    summary = seen.summary()
    assert summary.out_of_order == (1, 0)
    assert summary.retransmits == summary.lost_bytes == (0, 0)


def test_filled_late_it_was_sent_again() -> None:
    talk = opened().a(ACK, 1101, 5001, 100, ip_id=0).a(ACK, 1001, 5001, 100, after=5, ip_id=0)
    assert followed(talk).events[4] == {"RETRANSMISSION"}
    slow = Talk().a(SYN, 1).b(SYN | ACK, 9, 2, after=50).a(ACK, 2, 10, after=50)
    slow.a(ACK, 102, 10, 100, ip_id=0).a(ACK, 2, 10, 100, after=90, ip_id=0)
    assert followed(slow).events[4] == {"OUT_OF_ORDER"}
    unknown = Talk().a(ACK, 2, 10, 100, ip_id=0).a(ACK, 202, 10, 100, ip_id=0).a(ACK, 102, 10, 100, after=4, ip_id=0)
    assert followed(unknown).events[2] == {"RETRANSMISSION"}


def test_the_identification_tells_which_was_sent_first() -> None:
    def filled(ip_id: int, after: float) -> set[str]:
        return followed(
            opened().a(ACK, 1101, 5001, 100, ip_id=300).a(ACK, 1001, 5001, 100, after=after, ip_id=ip_id)
        ).events[4]

    assert filled(299, after=500) == {"OUT_OF_ORDER"}
    assert filled(301, after=1) == {"RETRANSMISSION"}
    assert filled(60_000, after=1) == {"OUT_OF_ORDER"}  # too far off to tell
    assert filled(0xFF00 + 200, after=1) == {"OUT_OF_ORDER"}


def test_fast_retransmission() -> None:
    talk = opened().a(ACK, 1001, 5001, 100).a(ACK, 1201, 5001, 100, after=0.1)
    for _ in range(3):
        talk.b(ACK, 5001, 1101, after=0.1)
    talk.b(ACK, 5001, 1101, after=0.1).a(ACK, 1101, 5001, 100, after=0.1)
    seen = followed(talk)
    assert [len(events & {"DUPLICATE_ACK"}) for events in seen.events[5:9]] == [0, 1, 1, 1]
    assert seen.events[9] == {"RETRANSMISSION", "FAST_RETRANSMISSION"}
    assert seen.summary().dup_acks == (0, 3)
    assert seen.summary().retransmits == (1, 0)


def test_the_very_same_packet_is_no_retransmission() -> None:
    talk = (
        opened().a(ACK, 1001, 5001, 100).again(after=50).b(ACK, 5001, 1101).again(after=0.01).a(FIN | ACK, 1101, 5001)
    )
    seen = followed(talk.again())
    assert seen.events[4] == seen.events[6] == seen.events[8] == {"DUPLICATE"}
    assert seen.summary().duplicates == (2, 1)
    assert seen.summary().retransmits == (0, 0)
    assert seen.summary().payload_bytes == (100, 0)


def test_copies_of_handshake_and_reset() -> None:
    talk = Talk().a(SYN, 1).again().again(after=99).b(SYN | ACK, 9, 2).again().a(ACK, 2, 10).a(RST, 2).again()
    seen = followed(talk)
    assert [row for row, events in enumerate(seen.events) if events == {"DUPLICATE"}] == [1, 2, 4, 7]
    assert seen.summary().syn_retransmits == seen.summary().syn_ack_retransmits == 0


def test_without_identification_only_what_follows_at_once_is_a_copy() -> None:
    talk = Talk(ip_id=0).handshake().a(ACK, 1001, 5001, 100).again(after=0.5).again(after=1.5)
    assert [events & {"DUPLICATE", "RETRANSMISSION"} for events in followed(talk).events[4:]] == [
        {"DUPLICATE"},
        {"RETRANSMISSION"},
    ]
    # Of plain ACKs nothing tells a copy from a duplicate ACK, unless they carry SACK.
    waiting = Talk(ip_id=-1).handshake().a(ACK, 1001, 5001, 100)
    assert followed(waiting.b(ACK, 5001, 1001).again()).events[5] == {"DUPLICATE_ACK"}
    waiting = Talk(ip_id=-1).handshake().a(ACK, 1001, 5001, 100).b(ACK, 5001, 1001, sack=(1050, 1060))
    assert followed(waiting.again()).events[5] == {"DUPLICATE"}


def test_four_holes_are_remembered() -> None:
    talk = opened()
    for number in range(6):  # holes at 1001, 1201, ... each of 100
        talk.a(ACK, 1101 + 200 * number, 5001, 100)
    assert followed(talk).summary().lost_bytes == (600, 0)
    for number in range(6):
        talk.a(ACK, 1001 + 200 * number, 5001, 100, ip_id=0)
    seen = followed(talk)
    # Of the two oldest nothing is known any more.
    assert seen.summary().lost_bytes == (200, 0)
    assert all("RETRANSMISSION" in events for events in seen.events[9:11])


def test_a_hole_filled_from_the_middle() -> None:
    talk = opened().a(ACK, 1101, 5001, 100).a(ACK, 1040, 5001, 20, ip_id=0, after=0.1)
    assert followed(talk).summary().lost_bytes == (80, 0)
    talk.a(ACK, 1001, 5001, 10, ip_id=0, after=0.1).a(ACK, 1090, 5001, 11, ip_id=0, after=0.1)
    assert followed(talk).summary().lost_bytes == (59, 0)
    talk.a(ACK, 1001, 5001, 200, ip_id=0, after=0.1)
    assert followed(talk).summary().lost_bytes == (0, 0)


def test_acknowledged_but_not_seen() -> None:
    seen = followed(opened().b(ACK, 5001, 1501).a(ACK, 1501, 5001, 10))
    assert seen.events[3] == {"ACK_UNSEEN"}
    assert seen.events[4] == {"FIRST_PAYLOAD"}
    summary = seen.summary()
    assert summary.lost_bytes == (500, 0)
    assert summary.history == "ShAGaD"


def test_captured_after_its_acknowledgement() -> None:
    seen = followed(opened().b(ACK, 5001, 1101).a(ACK, 1001, 5001, 100, ip_id=0, after=0.01))
    assert seen.events[4] == {"OUT_OF_ORDER", "FIRST_PAYLOAD"}
    assert seen.summary().lost_bytes == (0, 0)


def test_a_forged_number_loses_nothing() -> None:
    talk = opened().a(ACK, 1001 + (1 << 29), 5001, 10).a(ACK, 1001, 5001, 10).b(ACK, 5001, 1001 + (1 << 30))
    talk.a(ACK, 1001 + (1 << 31), 5001)
    seen = followed(talk)
    assert seen.summary().lost_bytes == (0, 0)
    assert [events - {"FIRST_PAYLOAD"} for events in seen.events[3:]] == [set()] * 4


def test_acknowledgements_of_another_connection() -> None:
    seen = followed(opened().b(ACK, 5001, 1001).b(ACK, 5001, 1001 + (1 << 29)).b(ACK, 5001, 900))
    assert [events & {"ACK_UNSEEN"} for events in seen.events] == [set()] * 6


def test_keep_alive_and_its_answer() -> None:
    talk = opened().a(ACK, 1001, 5001, 10).b(ACK, 5001, 1011)
    talk.a(ACK, 1010, 5001, after=1000).b(ACK, 5001, 1011).a(ACK, 1010, 5001, 1, after=1000).b(ACK, 5001, 1011, 5)
    seen = followed(talk)
    assert seen.events[5] == {"KEEP_ALIVE"}
    assert seen.events[6] == {"KEEP_ALIVE_ACK"}
    assert seen.events[7] == {"KEEP_ALIVE"}
    assert seen.events[8] == {"FIRST_PAYLOAD"}
    assert seen.summary().retransmits == (0, 0)


def test_a_last_byte_that_was_not_acknowledged_is_sent_again() -> None:
    assert followed(opened().a(ACK, 1001, 5001, 1).a(ACK, 1001, 5001, 1, after=300)).events[4] == {"RETRANSMISSION"}


def test_an_old_plain_ack_says_nothing() -> None:
    assert followed(opened().a(ACK, 1001, 5001, 100).a(ACK, 1001, 5001)).events[4] == set()


def test_zero_window() -> None:
    talk = opened().a(ACK, 1001, 5001, 10).b(ACK, 5001, 1011, window=0).b(ACK, 5001, 1011, window=0)
    talk.a(ACK, 1010, 5001).b(ACK, 5001, 1011, window=0).a(ACK, 1011, 5001, 1).b(ACK, 5001, 1011, window=0)
    talk.b(ACK, 5001, 1011, window=500).b(ACK, 5001, 1011, window=0)
    seen = followed(talk)
    assert seen.events[4:] == [
        {"ZERO_WINDOW"},
        set(),
        {"WINDOW_PROBE"},
        set(),
        {"WINDOW_PROBE"},
        set(),
        {"WINDOW_OPEN"},
        {"ZERO_WINDOW"},
    ]
    assert seen.summary().zero_windows == (0, 2)
    assert "w" in seen.summary().history


def test_duplicate_acks_need_something_outstanding_and_the_same_window() -> None:
    idle = opened().b(ACK, 5001, 1001).b(ACK, 5001, 1001)
    assert followed(idle).summary().dup_acks == (0, 0)
    talk = opened().a(ACK, 1001, 5001, 10).b(ACK, 5001, 1001).b(ACK, 5001, 1001, window=999)
    talk.b(ACK, 5001, 1001, window=998, sack=(1005, 1011))
    assert [events & {"DUPLICATE_ACK"} for events in followed(talk).events[4:]] == [
        set(),
        set(),
        {"DUPLICATE_ACK"},
    ]


def test_dsack() -> None:
    talk = opened().a(ACK, 1001, 5001, 100).a(ACK, 1001, 5001, 100, after=300).b(ACK, 5001, 1101, sack=(1001, 1101))
    assert followed(talk).events[5] == {"DSACK"}


def test_after_a_silence() -> None:
    seen = followed(opened().a(ACK, 1001, 5001, 10, after=29_000).a(ACK, 1011, 5001, 10, after=30_000))
    assert [events & {"AFTER_IDLE"} for events in seen.events[3:]] == [set(), {"AFTER_IDLE"}]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_both_fins() -> None:
    talk = opened().a(FIN | ACK, 1001, 5001, 5).b(ACK, 5001, 1007).b(FIN | ACK, 5001, 1007).a(ACK, 1007, 5002)
    seen = followed(talk)
    assert {"FIN", "FIRST_PAYLOAD"} == seen.events[3]
    assert seen.events[5] == {"FIN"}
    assert seen.summary().end == "fin"
    assert seen.summary().lost_bytes == (0, 0)
    assert seen.summary().history == "ShADFaf"
    assert followed(talk.rows[:5]).summary().end is None


def test_fin_again() -> None:
    seen = followed(
        opened().a(FIN | ACK, 1001, 5001).a(FIN | ACK, 1001, 5001, after=300).a(FIN | ACK, 1001, 5001, after=600)
    )
    assert seen.events[3:] == [{"FIN"}, {"FIN_AGAIN"}, {"FIN_AGAIN"}]
    assert seen.summary().retransmits == (2, 0)


def test_fin_out_of_order() -> None:
    talk = opened().a(ACK, 1002, 5001, 5, ip_id=0).a(FIN | ACK, 1001, 5001, ip_id=0)
    seen = followed(talk)
    assert seen.events[4] == {"FIN", "OUT_OF_ORDER"}
    assert seen.summary().retransmits == (0, 0)


def test_reset() -> None:
    assert followed(opened().a(RST, 1001)).summary().end == "rst"
    assert followed(opened().a(FIN | ACK, 1001, 5001).b(RST, 5001)).summary().end == "rst"
    closed = opened().a(FIN | ACK, 1001, 5001).b(FIN | ACK, 5001, 1002).a(RST, 1002)
    assert followed(closed).summary().end == "fin"


def test_going_on_after_a_reset() -> None:
    seen = followed(opened().b(RST, 5001).b(ACK, 5001, 1001).b(RST, 5001).b(ACK, 5001, 1001, 10))
    assert seen.events[4] == {"AFTER_RST"}
    assert seen.events[5] == {"AFTER_RST", "RST"}
    assert {"AFTER_RST", "FIRST_PAYLOAD"} <= seen.events[6]
    assert seen.summary().end is None


def test_payload_after_fin() -> None:
    seen = followed(opened().a(FIN | ACK, 1001, 5001).a(ACK, 1001, 5001, 50).a(ACK, 1002, 5001))
    assert "AFTER_FIN" in seen.events[4]
    assert "AFTER_FIN" not in seen.events[5]


def test_odd_flags_in_the_history() -> None:
    assert followed(Talk().a(SYN | FIN, 1)).summary().history == "SQ"
    assert followed(Talk().a(SYN | RST, 1)).summary().history.lower().strip("^") == "rq"
    assert followed(Talk().a(FIN | RST, 1)).summary().history.lower().strip("^") == "ri"


def test_history_has_room_for_36_letters() -> None:
    talk = Talk()
    for sender, own, peer in ((0, 1000, 5000), (1, 5000, 1000)):
        for flags in (SYN, SYN | ACK, SYN | FIN):
            talk.say(sender, flags, own, peer + 1)
    talk.a(ACK, 1001, 5001).b(ACK, 5001, 1001)
    for number in range(1200):  # every kind of repetition, up to the thousandth
        for sender, own, peer in ((0, 1001, 5001), (1, 5001, 1001)):
            talk.say(sender, ACK, own + 100 * number + 50, peer + 100 * number, 50, window=number % 2 * 100)
            talk.say(sender, ACK, own + 100 * number, peer + 100 * number, 10, window=1)
    talk.a(FIN | ACK, 500_000, 1).b(FIN | ACK, 500_000, 1).a(RST | FIN, 1).b(RST | FIN, 1)
    history = followed(talk).summary().history
    assert len(history) == 36
    assert history.count("T") == 4


def test_frames_larger_than_the_wire_takes() -> None:
    big = [Row(length=9019), Row(status=Status.OTHER, length=20000), Row(transport=17, length=9019)]
    big += [Row(transport=47, length=9019), Row(length=9018), Row(transport=17, length=1500), Row(transport=50)]
    assert followed(big).table.oversize_frames == 4
    loopback = Talk().handshake(mss=65495).a(ACK, 1001, 5001, 60000).b(ACK, 5001, 61001)
    assert followed(loopback).table.oversize_frames == 0
    offloaded = Talk().handshake(mss=1460).a(ACK, 1001, 5001, 1461)
    assert followed(offloaded).table.oversize_frames == 1


# --- for any rows -----------------------------------------------------------------------------------------------------

near = st.one_of(st.integers(0, 40), st.sampled_from([M32, M32 - 5, 1 << 31, 1 << 29]))
any_row = st.builds(
    Row,
    source=st.sampled_from([A, B, (A[0], 41000)]),
    target=st.sampled_from([B, A, (B[0], 443)]),
    flags=st.sampled_from([SYN, SYN | ACK, ACK, ACK, ACK, FIN | ACK, RST, RST | ACK, SYN | FIN, SYN | RST, 0, 0x1FF]),
    seq=near,
    ack=near,
    size=st.sampled_from([0, 0, 0, 1, 5, 20, 65000]),
    ms=st.floats(0, 200_000, allow_nan=False),
    window=st.sampled_from([0, 0, 100, 65535]),
    ip_id=st.sampled_from([-1, 0, 1, 2, 3, 40000]),
    transport=st.sampled_from([6, 6, 6, 6, 6, 6, 17, 132, 1, 58, 47]),
    version=st.sampled_from([4, 4, 4, 6]),
    status=st.sampled_from([1, 1, 1, 1, 1, 0, 4]),
    mss=st.sampled_from([None, 1460]),
    scale=st.sampled_from([None, 14]),
    sack=st.one_of(st.none(), st.tuples(near, near)),
)
any_rows = st.lists(any_row, max_size=60)


@given(any_rows, st.sets(st.integers(0, 60)), st.integers(0, 3))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_rows_give_the_same_however_they_are_cut(rows: list[Row], cuts: set[int], seed: int) -> None:
    whole = followed(rows)
    assert followed(rows, cuts, seed=seed).everything() == whole.everything()
    for flow in range(whole.table.flow_count):
        summary = whole.summary(flow)
        if summary is not None:
            assert min(summary.lost_bytes) >= 0
            assert summary.ack is None or summary.syn_ack is not None


@given(any_rows)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_compiled_and_interpreted_agree(rows: list[Row]) -> None:
    assert followed(rows, module=SOURCE).everything() == followed(rows, module=module).everything()


@given(any_rows)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_handshake_completes_at_most_once(rows: list[Row]) -> None:
    seen = followed(rows)
    for flow in range(seen.table.flow_count):
        completed = sum(
            "HANDSHAKE_ACK" in events for events, of in zip(seen.events, seen.flows, strict=True) if of == flow
        )
        summary = seen.summary(flow)
        assert completed <= 1
        assert summary is None or (completed == 1) == (summary.ack is not None)


def test_seeds_are_random_but_results_are_not() -> None:
    batch, columns = batch_of(Talk().handshake().rows)
    first, second = FlowTable(Limits(), ALL), FlowTable(Limits(), ALL)
    first.update(columns, batch)
    events = columns.events.copy()
    second.update(columns, batch)
    assert np.array_equal(events, columns.events)
    assert isinstance(columns, Columns)
