"""SIP over datagrams and streams, and what it says of the descriptions in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Outcome, Pass, Piece, Side
from analyzer.protocols import sdp, sip
from analyzer.protocols.sip import HEAD_END, MAX_HEAD_BYTES, PROTOCOL, headers_of, probe, sequence_of
from captures.sip import description, message, request, response
from tests.play import Frame, Said, again, play

A, B = Side.INITIATOR, Side.RESPONDER
OFFER, ANSWER = description("192.0.2.10", 40_000), description("198.51.100.20", 42_000)


def played(*frames: Frame, over: str = "udp") -> Said:
    return play([sip.PROTOCOL, sdp.PROTOCOL], *frames, over=over, port=5060)


def kinds(said: Said) -> list[str]:
    return [note.kind for note in said.notes]


def test_a_call() -> None:
    said = played(
        (A, request("INVITE", body=OFFER)),
        (B, response(100, "Trying")),
        (B, response(200, "OK", body=ANSWER)),
        (A, request("ACK")),
        (A, request("BYE", number=2)),
        (B, response(200, "OK", number=2, method="BYE")),
    )
    assert said.lines == [
        ("sip.request", "INVITE sip:bob@example.net"),
        ("sdp.offer", "audio (PCMA, telephone-event)"),
        ("sip.response", "100 Trying (INVITE)"),
        ("sip.response", "200 OK (INVITE)"),
        ("sdp.answer", "audio (PCMA, telephone-event); answers frame 1 after 2 ms"),
        ("sip.request", "ACK sip:bob@example.net"),
        ("sip.request", "BYE sip:bob@example.net"),
        ("sip.response", "200 OK (BYE)"),
    ]
    assert said.notes[0].fields == {
        "method": "INVITE",
        "request_uri": "sip:bob@example.net",
        "call_id": "17@client.example",
        "from": "Ann <sip:ann@example.net>;tag=1",
        "to": "Bob <sip:bob@example.net>",
        "content_type": "application/sdp",
        "cseq": "1 INVITE",
        "body_bytes": len(OFFER),
    }
    assert said.title == "SIP, INVITE sip:bob@example.net"
    assert said.facts["sip"] == {"INVITE": 1, "100": 1, "200": 2, "ACK": 1, "BYE": 1}
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.end_ns - phase.start_ns) == ("invite", Outcome.ESTABLISHED, 2_000_000)


def test_an_invite_without_an_offer_gets_it_with_the_answer() -> None:
    said = played((A, request("INVITE")), (B, response(200, "OK", body=ANSWER)), (A, request("ACK", body=OFFER)))
    assert [kind for kind in kinds(said) if kind.startswith("sdp.")] == ["sdp.offer", "sdp.answer"]


def test_calls_of_one_flow_are_told_apart() -> None:
    said = played(
        (A, request("INVITE", body=OFFER, call="one")),
        (B, request("INVITE", body=ANSWER, call="two")),
        (A, response(200, "OK", body=OFFER, call="two")),
        (B, response(200, "OK", body=ANSWER, call="one")),
    )
    assert [text.partition("; ")[2] for kind, text in said.lines if kind == "sdp.answer"] == [
        "answers frame 2 after 1 ms",
        "answers frame 1 after 3 ms",
    ]


def test_a_call_that_is_refused_and_one_that_has_to_say_who_it_is() -> None:
    said = played(
        (A, request("INVITE", more=("Authorization: Digest secret",))),
        (B, response(401, "Unauthorized")),
        (A, request("INVITE", number=2)),
        (B, response(486, "Busy Here", number=2)),
        (B, response(486, "Busy Here", number=2)),
        (A, request("INVITE", number=3)),
        (B, response(200, "OK", number=3)),
    )
    assert [phase.outcome for phase in said.phases] == [Outcome.FAILED], "the first that was decided"
    assert "secret" not in str([note.fields for note in said.notes])
    assert said.lines[4] == ("sip.response", "486 Busy Here (INVITE), sent again")
    assert said.notes[4].fields["retransmission"] is True
    assert said.facts["sip"]["486"] == 1


def test_compact_forms_folded_lines_and_several_parts() -> None:
    body = "--x\r\nContent-Type: application/sdp\r\n\r\n" + OFFER + "--x--\r\n"
    head = "INVITE sip:b SIP/2.0\r\ni: 5@x\r\nCSeq: 1\r\n INVITE\r\nc: multipart/mixed;boundary=x\r\n"
    text = f"{head}l: {len(body)}\r\n\r\n{body}"
    said = played((A, text.encode()))
    assert kinds(said) == ["sip.request", "sdp.offer"]
    assert (said.notes[0].fields["call_id"], said.notes[0].fields["cseq"]) == ("5@x", "1 INVITE")


def test_what_keeps_a_mapping_alive_is_passed_over() -> None:
    assert kinds(played((A, request("OPTIONS")), (A, b"\r\n\r\n"), (B, b"\0\0"))) == ["sip.request"]


class Carrier(core.Dissector):
    """Passes each message inwards, as a WebSocket with this subprotocol does."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        yield Pass("websocket:sip", unit, stream=False)


def test_in_a_websocket() -> None:
    carrier = core.Protocol("carrier", "", "", ("udp",), {}, {}, lambda head: True, Carrier)
    frames = [(A, request("INVITE", body=OFFER)), (B, response(200, "OK", body=ANSWER))]
    said = play([carrier, sip.PROTOCOL, sdp.PROTOCOL], *frames)
    assert kinds(said) == ["sip.request", "sdp.offer", "sip.response", "sdp.answer"]


def test_a_stream_is_cut_by_the_lengths_of_bodies() -> None:
    frames = [(A, request("INVITE", body=OFFER) + b"\r\n" + request("ACK")), (B, response(180, "Ringing"))]
    whole = played(*frames, over="tcp")
    assert kinds(whole) == ["sip.request", "sdp.offer", "sip.request", "sip.response"]
    for cuts in ([1], [7, 100], [300]):
        said = played(*again(frames, cuts), over="tcp")
        assert sorted(said.lines) == sorted(whole.lines)


@pytest.mark.parametrize(
    "broken",
    [
        b"INVITE sip:b SIP/2.0\r\n" + b"x" * MAX_HEAD_BYTES,
        b"INVITE sip:b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n",
        request("ACK") + b"something else entirely" + HEAD_END,
    ],
)
def test_what_breaks_a_stream(broken: bytes) -> None:
    assert kinds(played((A, broken), over="tcp"))[-1] == "sip.malformed"


def test_a_datagram_that_is_no_message_belongs_to_nobody_else() -> None:
    said = played((A, request("INVITE")), (A, b"INVITE sip:b SIP/2.0\r\nCall-ID: 1"))
    assert kinds(said) == ["sip.request", "sip.malformed"]


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"INVITE sip:bob@example.net SIP/2.0\r\n", True),
        (b"SIP/2.0 200 OK\r\n", True),
        (b"SIP/2.0 2", None),
        (b"INV", None),
        (b"INVITE sip:", None),
        (b"GET / HTTP/1.1\r\n", False),
        (b"OPTIONS * HTTP/1.1\r\n", False),
        (b"GET /", False),
        (b"SUBJECT", False),
        (b"INVITE " + b"x" * 4096, False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


def test_parts_of_a_head() -> None:
    assert headers_of("X\r\nA : 1\r\na: 2\r\nbroken\r\nm:\t<sip:x>") == {"a": "1", "contact": "<sip:x>"}
    assert sequence_of("7  BYE") == ("7", "BYE")
    assert sequence_of("BYE 7") == ("", "")


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=200)), max_size=6), st.booleans())
def test_any_bytes_raise_nothing(frames: list[tuple[Side, bytes]], stream: bool) -> None:
    for start in (b"", request("INVITE", body=OFFER), b"SIP/2.0 200 OK\r\n"):
        said = played(*((side, start + data) for side, data in frames), over="tcp" if stream else "udp")
        assert "engine.internal-error" not in kinds(said)


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_any_cut_of_the_stream_says_the_same(cuts: list[int]) -> None:
    frames = [(A, message("INVITE sip:b SIP/2.0", body=OFFER) + request("ACK") + request("BYE", number=2))]
    assert played(*again(frames, cuts), over="tcp").lines == played(*frames, over="tcp").lines
    assert PROTOCOL.session is None
