"""RTCP packets: fields and words of each, and lengths that contradict each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece
from analyzer.protocols.rtp import PROTOCOL, names
from analyzer.protocols.rtp import rtcp as reading
from analyzer.protocols.rtp.dissector import probe
from captures.rtp import block, bye, description, receiver_report, rtcp, rtp, sender_report

ONE, OTHER = 0x1A2B3C4D, 0x5E6F7081
PAIR = OTHER.to_bytes(4, "big") + ONE.to_bytes(4, "big")


def read(data: bytes) -> reading.Packet:
    return reading.read(Piece(data, [(0, 1, 54, 0)]))


def test_a_sender_report_with_what_it_received() -> None:
    packet = read(sender_report(ONE, 2.5, 1234, 50, 8000, block(OTHER, 0x10005, fraction=64, lost=0xFFFFFF, jitter=77)))
    assert packet.event == "sender-report"
    fields = packet.fields
    assert fields["ntp_time_ns"] == pytest.approx((1_767_225_600 + 2.5) * 1e9)
    assert (fields["rtp_timestamp"], fields["sender_packet_count"], fields["sender_octet_count"]) == (1234, 50, 8000)
    assert fields["report_blocks"] == [
        {
            "ssrc": OTHER,
            "fraction_lost": 64,
            "cumulative_number_of_packets_lost": -1,
            "extended_highest_sequence_number": 0x10005,
            "jitter": 77,
            "lsr": 0,
            "dlsr": 0,
        }
    ]
    assert (
        packet.text == "0x1a2b3c4d has sent 50 packets, 8,000 bytes; of 0x5e6f7081 25.0 % lost (-1 in all), jitter 77"
    )


def test_a_sender_without_a_clock_gives_no_time() -> None:
    assert "ntp_time_ns" not in read(rtcp(200, 0, bytes(24))).fields


def test_receiver_reports() -> None:
    assert read(receiver_report(ONE)).text == "nothing received yet"
    many = read(receiver_report(ONE, *(block(number, 1) for number in range(5))))
    assert many.text.endswith("and of 2 more")


def test_descriptions() -> None:
    packet = read(description(ONE, "ann@example.org"))
    assert packet.fields["chunks"] == [{"ssrc": ONE, "cname": "ann@example.org"}]
    assert packet.text == "0x1a2b3c4d is 'ann@example.org'"
    more = read(rtcp(202, 4, b"".join(description(number, "a")[4:] for number in range(4))))
    assert [chunk["ssrc"] for chunk in more.fields["chunks"]] == [0, 1, 2, 3]
    assert more.text.endswith("; ...")
    assert read(rtcp(202, 1, bytes.fromhex("00000001 0701 41 00"))).fields["chunks"] == [{"ssrc": 1, "note": "A"}]
    assert read(rtcp(202, 1, bytes.fromhex("00000001 6301 41 00"))).fields["chunks"] == [{"ssrc": 1, "item_99": "A"}]


def test_byes() -> None:
    assert read(bye(ONE, "bored")).fields["reason_for_leaving"] == "bored"
    assert read(bye(ONE)).text == "0x1a2b3c4d leaves"
    assert read(rtcp(203, 2, PAIR)).text == "0x5e6f7081, 0x1a2b3c4d leave"
    assert read(rtcp(203, 0, b"")).ssrc == -1


@pytest.mark.parametrize(
    ("data", "event", "text"),
    [
        (rtcp(205, 1, PAIR + bytes.fromhex("ffff0001")), "nack", "lacks 2 packets of 0x1a2b3c4d: 65535, 0"),
        (rtcp(205, 1, PAIR + bytes.fromhex("0001000f")), "nack", "lacks 5 packets of 0x1a2b3c4d: 1, 2, 3, 4, ..."),
        (rtcp(205, 1, PAIR + bytes.fromhex("00010000")), "nack", "lacks 1 packet of 0x1a2b3c4d: 1"),
        (rtcp(206, 1, PAIR), "pli", "a whole picture of 0x1a2b3c4d, please"),
        (rtcp(206, 4, PAIR + PAIR[4:] + b"\1\0\0\0"), "fir", "a whole picture of 0x1a2b3c4d"),
        (rtcp(206, 2, PAIR + bytes(4)), "sli", "for 0x1a2b3c4d"),
        (rtcp(206, 9, PAIR), "roi", "for 0x1a2b3c4d"),
        (rtcp(206, 30, PAIR), "payload-feedback-30", "for 0x1a2b3c4d"),
        (rtcp(205, 30, PAIR), "transport-feedback-30", "for 0x1a2b3c4d"),
        (rtcp(206, 15, PAIR + b"abcd"), "application-feedback", "for 0x1a2b3c4d, 4 bytes"),
        (rtcp(206, 15, PAIR + b"REMB" + bytes.fromhex("010e2710") + PAIR[:4]), "remb", "can take 1.1 Mbit/s"),
        (rtcp(206, 15, PAIR + b"REMB" + bytes.fromhex("00002710")), "remb", "can take 10 kbit/s"),
        (rtcp(205, 3, PAIR + PAIR[:4] + bytes.fromhex("0e03e828")), "tmmbr", "0x5e6f7081 at most 528 kbit/s"),
        (rtcp(205, 4, PAIR), "tmmbn", "for 0x1a2b3c4d"),
        (rtcp(207, 0, PAIR[:4]), "extended-report", "no blocks"),
        (rtcp(207, 0, PAIR[:4] + bytes.fromhex("04000002") + bytes(8)), "extended-report",
         "receiver reference time"),
        (rtcp(207, 0, PAIR[:4] + b"\x63\0\0\0"), "extended-report", "block 99"),
        (rtcp(204, 3, PAIR[:4] + b"test" + bytes(8)), "app", "'test', 8 bytes"),
        (rtcp(209, 3, PAIR), "receiver-summary", "12 bytes"),
        (rtcp(223, 3, PAIR), "packet-223", "12 bytes"),
    ],
)  # fmt: skip
def test_feedback_and_others(data: bytes, event: str, text: str) -> None:
    packet = read(data)
    assert (packet.event, packet.text) == (event, text)


@pytest.mark.parametrize(
    ("chunks", "count", "received"),
    [
        ("2005", 5, 5),  # a run of small deltas
        ("0005", 5, 0),  # a run of nothing
        ("4003", 3, 3),  # large deltas
        ("a000", 14, 1),  # one bit each
        ("bfff", 3, 3),  # more symbols than packets
        ("d555", 7, 7),  # two bits each
        ("c000", 7, 0),
        ("2003 c000", 9, 3),
        ("3fff", 4, 4),  # a run beyond the end
        ("", 4, 0),
    ],
)
def test_transport_wide_feedback_counts_what_came(chunks: str, count: int, received: int) -> None:
    head = b"\0\x10" + count.to_bytes(2, "big") + b"\xff\xff\xff\7"
    body = head + bytes.fromhex(chunks)
    packet = read(rtcp(205, 15, PAIR + body + bytes(-len(body) % 4)))
    assert packet.fields["received"] == received
    assert packet.fields["reference_time_ms"] == -64
    assert packet.event == "twcc"


def test_voip_metrics() -> None:
    body = PAIR[4:] + bytes((25, 5, 0, 0, 0, 0, 0, 0)) + (180).to_bytes(2, "big") + (40).to_bytes(2, "big")
    body += bytes((0, 0, 0, 0, 93, 127, 41, 40)) + bytes(8)
    packet = read(rtcp(207, 0, PAIR[:4] + b"\7\0\0\x08" + body))
    found = packet.fields["blocks"][0]
    assert (found["round_trip_delay_ms"], found["r_factor"], found["mos_lq"], found["loss_rate"]) == (180, 93, 4.1, 25)


def test_padding_is_left_out() -> None:
    padded = bytearray(rtcp(201, 0, PAIR[:4] + b"\0\0\0\4"))
    padded[0] |= 0x20
    packet = read(bytes(padded))
    assert (packet.fields["padding_bytes"], packet.ssrc) == (4, OTHER)
    padded[-1] = 77
    with pytest.raises(Malformed, match="padding of 77 bytes"):
        read(bytes(padded))


@pytest.mark.parametrize(
    "data",
    [
        rtcp(200, 3, bytes(24)),  # blocks that are not there
        rtcp(201, 1, bytes(4)),
        rtcp(202, 1, bytes.fromhex("00000001 01ff4141")),  # an item beyond the end
        rtcp(203, 5, PAIR),
        rtcp(207, 0, PAIR[:4] + b"\4\0\0\x09"),
        rtcp(205, 15, PAIR + b"\0\0"),
        rtcp(206, 1, b""),
    ],
)
def test_lengths_that_contradict_each_other(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_a_compound_is_cut_where_its_lengths_say() -> None:
    data = sender_report(ONE, 1, 0, 0, 0) + description(ONE, "ann") + bye(ONE)
    assert reading.sizes(data, 0, len(data)) == [28, 16, 8]
    assert reading.sizes(data, 0, len(data) - 1) == []
    assert reading.sizes(data + b"\x80\xc9", 0, len(data) + 2) == []
    assert reading.sizes(b"", 0, 0) == []
    assert reading.sizes(rtp(1, 2, 3), 0, 32) == []


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (sender_report(ONE, 1, 0, 0, 0) + description(ONE, "ann"), True),
        (receiver_report(ONE), True),
        (rtcp(206, 1, PAIR), True),
        (rtcp(206, 4, PAIR + bytes(8)), True),
        (rtcp(205, 15, PAIR + bytes(12)), True),
        (receiver_report(ONE) + bytes(14), True),  # room for an index and a tag: SRTCP
        (rtcp(206, 1, PAIR) + bytes(14), True),
        (rtcp(204, 1, PAIR + b"name") + description(ONE, "ann"), True),
        (rtcp(204, 1, PAIR + b"name"), None),  # could be anybody's
        (rtcp(202, 1, PAIR) + bytes(20), None),
        (receiver_report(ONE)[:7], False),
        (rtp(1, 2, 3), None),  # RTP: the columns know better
        (b"\x16\xfe\xfd" + bytes(20), False),
        (b"", False),
    ],
)
def test_probe(data: bytes, found: bool | None) -> None:
    assert probe(data) is found


def test_what_the_probe_takes_begins_as_is_said() -> None:
    assert PROTOCOL.starts == frozenset(range(128, 192))


def test_names_of_packets() -> None:
    assert names.packet_event(205, 15) == ("transport-cc", "twcc")
    assert names.payload_type_of(8) == {"value": 8, "name": "PCMA"}
    assert names.payload_type_of(96) == 96


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 31), st.integers(192, 223), st.binary(max_size=80).map(lambda data: data[: len(data) // 4 * 4]))
def test_any_packet_is_read_or_malformed(count: int, kind: int, body: bytes) -> None:
    data = rtcp(kind, count, body)
    assert probe(data) in (True, False, None)
    try:
        packet = read(data)
    except Malformed:
        return
    assert packet.event
    assert isinstance(packet.text, str)
