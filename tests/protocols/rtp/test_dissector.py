"""RTP and RTCP of one path: demultiplexing, sums at the end, and the keys that SRTP gets from DTLS."""

from __future__ import annotations

import struct
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.core import Limits, Shared, Side
from analyzer.protocols.rtp import PROTOCOL, dissector
from analyzer.protocols.stun import PROTOCOL as STUN
from captures.dtls import RANDOMS
from captures.rtp import (
    MASTER,
    Call,
    Keys,
    _p_sha256,
    block,
    bye,
    description,
    handshake,
    key_log,
    middle,
    receiver_report,
    rtcp,
    rtp,
    sender_report,
)
from tests.play import Frame, play

if TYPE_CHECKING:
    from analyzer.core import Note, Report

A, B = Side.INITIATOR, Side.RESPONDER
ONE, OTHER = 0x1A2B3C4D, 0x5E6F7081


def exporter(label: bytes, size: int) -> bytes | None:
    return _p_sha256(MASTER, label + RANDOMS[0] + RANDOMS[1], size)


def agreed(flow: int = 0, client: int = 0) -> Shared:
    shared = Shared(Limits())
    shared.remember("srtp", flow.to_bytes(8, "big"), ((flow, 7, client, exporter),))
    return shared


def of(call: Call, keys: str = "") -> Report:
    call.capture.sort()
    with NamedTemporaryFile("w", suffix=".keys") as file:
        file.write(keys)
        file.flush()
        return analyzer.analyze(call.capture.bytes(), keylog=file.name if keys else None)


def notes(report: Report, kind: str) -> list[Note]:
    return [note for session in report.sessions for note in session.notes if note.kind == kind]


# --- RTCP -------------------------------------------------------------------------------------------------------------


def test_each_packet_of_a_compound_is_a_note() -> None:
    said = play(PROTOCOL, (A, sender_report(ONE, 1, 0, 5, 100) + description(ONE, "ann")), (B, bye(OTHER)))
    kinds = ["rtcp.sender-report", "rtcp.source-description", "rtcp.bye"]
    assert [note.kind for note in said.notes] == kinds
    assert said.facts["rtcp_cnames"] == [{"0x1a2b3c4d": "ann"}, {}]
    assert said.notes[1].spans[0].start == 54 + 28


def test_a_round_trip_by_reports() -> None:
    report = receiver_report(OTHER, block(ONE, 9, last=middle(1), since=0))
    said = play(PROTOCOL, (A, sender_report(ONE, 1, 0, 5, 100)), (B, report))
    assert said.notes[1].fields["report_blocks"][0]["round_trip_ns"] == 1_000_000
    assert said.facts["rtcp_round_trip_ns"] == 1_000_000
    late = receiver_report(OTHER, block(ONE, 9, last=middle(1), since=65536))
    assert "rtcp_round_trip_ns" not in play(PROTOCOL, (A, sender_report(ONE, 1, 0, 5, 100)), (B, late)).facts
    assert "rtcp_round_trip_ns" not in play(PROTOCOL, (A, sender_report(ONE, 1, 0, 5, 100)), (A, report)).facts


def test_many_sender_reports_are_not_all_remembered() -> None:
    frames: list[Frame] = [(A, sender_report(ONE, at_s, 0, 5, 100)) for at_s in range(300)]
    report = receiver_report(OTHER, block(ONE, 9, last=middle(2)))
    assert "rtcp_round_trip_ns" not in play(PROTOCOL, *frames, (B, report)).facts


@pytest.mark.parametrize(("shares", "told"), [((60, 60), 1), ((60, 0, 60), 0), ((60,), 0), ((60, 50, 70), 1)])
def test_loss_that_is_reported_again_and_again(shares: tuple[int, ...], told: int) -> None:
    frames: list[Frame] = [(B, receiver_report(OTHER, block(ONE, 1, fraction=share))) for share in shares]
    found = play(PROTOCOL, *frames).findings
    assert [finding.code for finding in found] == ["rtcp.reported-loss"] * told
    if told:
        assert f"{max(shares[1:]) * 100 / 256:.0f} % lost" in found[0].text


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\xc9\x00\x09" + bytes(8),
        rtcp(200, 0, bytes(24))[:-8],
        rtcp(201, 3, bytes(4)),
    ],
)
def test_what_contradicts_itself_is_told(data: bytes) -> None:
    said = play(PROTOCOL, (A, receiver_report(ONE)), (A, data))
    assert [note.kind for note in said.notes] == ["rtcp.receiver-report", "rtp.malformed"]


def test_srtcp_without_keys_is_told_once_a_side() -> None:
    sealed = [receiver_report(ONE) + struct.pack(">I", 1 << 31 | index) + bytes(10) for index in (1, 2)]
    said = play(PROTOCOL, (A, sealed[0]), (A, sealed[1]), (B, rtcp(206, 1, bytes(8)) + bytes(14)))
    assert [(note.kind, note.frames) for note in said.notes] == [("rtcp.encrypted", (1,)), ("rtcp.encrypted", (3,))]
    assert said.notes[0].fields["first_packets"] == {"receiver-report": 2}
    assert said.notes[1].text == "1 datagram of SRTCP, closed; they begin with 1 pli"
    assert said.findings == []


# --- SRTP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flow", "client"), [(0, 0), (0, 1), (5, 0), (5, 1)])
def test_srtcp_opens_with_the_keys_of_any_handshake(flow: int, client: int) -> None:
    keys = Keys(0), Keys(1)
    # In a handshake of another flow the sides may be the other way round.
    frames: list[Frame] = [(side, keys[side ^ client].control(receiver_report(ONE))) for side in (A, B, A)]
    said = play(PROTOCOL, *frames, shared=agreed(flow, client))
    assert [note.kind for note in said.notes] == ["rtcp.receiver-report"] * 3
    assert all(note.fields["srtcp"] for note in said.notes)
    assert said.facts["srtp_opened"] == "SRTP_AEAD_AES_128_GCM"


def test_srtcp_of_the_other_side_with_swapped_roles() -> None:
    keys = Keys(0), Keys(1)
    frames: list[Frame] = [(side, keys[1 - side].control(receiver_report(ONE))) for side in (A, B)]
    said = play(PROTOCOL, *frames, shared=agreed(5))
    assert [note.kind for note in said.notes] == ["rtcp.receiver-report"] * 2


def test_srtcp_that_opens_to_nonsense_is_malformed() -> None:
    said = play(PROTOCOL, (A, Keys(0).control(receiver_report(ONE) + b"abcd")), shared=agreed())
    assert said.notes[0].kind == "rtp.malformed"


def test_srtcp_that_does_not_fit_its_own_handshake() -> None:
    good, bad = Keys(0).control(receiver_report(ONE)), receiver_report(ONE) + bytes(20)
    assert play(PROTOCOL, (A, good), (A, bad), shared=agreed()).findings == []
    found = play(PROTOCOL, (A, good), (B, bad), (B, bad), shared=agreed()).findings
    assert [finding.code for finding in found] == ["srtp.auth-fail"]


def test_media_of_another_flows_handshake_are_no_failure() -> None:
    call = Call()
    call.talk(0, 0, 20, ONE)
    call.ports = (41_000, 51_000)
    handshake(call)
    report = of(call, key_log())
    assert [finding.code for finding in report.findings] == []
    assert notes(report, "srtp.opened") == []


def test_samples_of_media_are_checked_over_a_roll_over() -> None:
    call = Call()
    handshake(call)
    keys = Keys(0)
    for index in range(300):
        seq = 65500 + index
        call.send(0.1 + index / 50, 0, keys.media(rtp(seq, 160 * index, ONE), seq >> 16))
        call.send(0.11 + index / 50, 1, Keys(1).media(rtp(index, 160 * index, OTHER)))
    report = of(call, key_log())
    texts = [note.text for note in notes(report, "srtp.opened")]
    assert texts == ["8 of 8 packets looked at are authentic, SRTP_AEAD_AES_128_GCM"] * 2
    assert report.findings == []
    assert [note.fields["packets"] for note in notes(report, "rtp.stream")] == [300, 300]


def test_header_sizes() -> None:
    assert dissector.header_bytes(rtp(1, 2, 3)) == 12
    assert dissector.header_bytes(rtp(1, 2, 3, sources=(1, 2))) == 20
    assert dissector.header_bytes(rtp(1, 2, 3, extension=bytes.fromhex("bede000100000000"))) == 20
    assert dissector.header_bytes(rtp(1, 2, 3, b"", extension=bytes.fromhex("bede0009"))) == 0
    assert dissector.header_bytes(b"\x90" + bytes(11)) == 0


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_is_told_where_it_begins() -> None:
    call = Call()
    call.talk(0, 0, 60, ONE)
    report = of(call)
    (note,) = notes(report, "rtp.stream")
    assert (note.frames, note.path, note.sender, note.spec) == ((1,), ("udp", "rtp"), A, "RFC 3550 5.1")
    assert (note.spans[0].start, note.spans[0].stop) == (42, 42 + 32)
    fields = note.fields
    assert (fields["ssrc"], fields["payload_type"], fields["packets"]) == (ONE, {"value": 18, "name": "G729"}, 60)
    assert (fields["lost"], fields["jitter"], fields["clock_rate"]) == (0, 0.0, 8000)
    (fact,) = report.sessions[0].facts["rtp_streams"]
    assert (fact["flow"], fact["sender"], fact["first_frame"], fact["last_frame"]) == (0, "initiator", 1, 60)


def test_streams_behind_a_relay_are_told_like_others() -> None:
    from captures.stun import Path as Relay

    def sent(data: bytes) -> bytes:
        """A Send indication (RFC 8656 11.1)."""
        peer = struct.pack(">BBHI", 0, 1, 40_000 ^ 0x2112, 0xC0000205 ^ 0x2112A442)
        body = struct.pack(">HH", 0x0012, 8) + peer + struct.pack(">HH", 0x0013, len(data)) + data
        body += bytes(-len(data) % 4)
        return struct.pack(">HH", 0x0016, len(body)) + b"\x21\x12\xa4\x42" + bytes(12) + body

    path = Relay()
    for index in range(10):
        path.client(index / 50, sent(rtp(index, 160 * index, ONE)))
    path.client(1, sent(receiver_report(ONE)))
    report = analyzer.analyze(path.capture.bytes())
    (note,) = notes(report, "rtp.stream")
    assert (note.fields["packets"], note.path) == (10, ("udp", "stun", "rtp"))
    assert [note.path for note in notes(report, "rtcp.receiver-report")] == [("udp", "stun", "rtp")]


@pytest.mark.parametrize(
    ("seconds", "reports", "codes"),
    [(6, False, ["rtp.one-way"]), (6, True, ["rtp.one-way"]), (3, False, [])],
)
def test_media_one_way(seconds: int, reports: bool, codes: list[str]) -> None:
    call = Call()
    call.talk(0, 0, 50 * seconds, ONE)
    if reports:
        call.send(1, 1, receiver_report(OTHER, block(ONE, 50)))
    found = of(call).findings
    assert [finding.code for finding in found] == codes
    if codes:
        assert ("but reports" in found[0].text) == reports


def test_multicast_has_one_direction_by_design() -> None:
    from captures.maker import CLIENT, Capture, udp

    capture = Capture()
    for index in range(400):
        capture.add(index / 50, udp(CLIENT, "239.1.2.3", (5004, 5004), rtp(index, 160 * index, ONE)))
    assert analyzer.analyze(capture.bytes()).findings == []


def test_rtcp_does_not_wait_for_media() -> None:
    assert play(STUN, (A, receiver_report(ONE))).notes == []
    said = play([STUN, PROTOCOL], (A, receiver_report(ONE)))
    assert [note.kind for note in said.notes] == ["rtcp.receiver-report"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([A, B]), st.binary(min_size=1, max_size=60)), max_size=6))
def test_any_datagrams_raise_nothing(frames: list[tuple[Side, bytes]]) -> None:
    said = play(
        PROTOCOL, (A, receiver_report(ONE)), *[(side, b"\x80" + data) for side, data in frames], shared=agreed()
    )
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]
