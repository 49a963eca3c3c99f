"""Offers and answers of one channel, matched with each other."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Pass, Piece, Side
from analyzer.protocols.sdp import PROTOCOL
from analyzer.protocols.sdp.dissector import MAX_REMEMBERED, medium_text, took_text
from tests.play import Frame, Said, play

A, B = Side.INITIATOR, Side.RESPONDER


class Carrier(core.Dissector):
    """Passes each message inwards, as a WebSocket does."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        yield Pass("websocket", unit, stream=False)


CARRIER: Final = core.Protocol("carrier", "", "", ("udp",), {}, {}, lambda head: True, Carrier)


def sdp(setup: str = "actpass", *, ufrag: str = "abcd", version: int = 2, media: str = "", more: str = "") -> str:
    media = media or "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
    head = f"v=0\r\no=- 77 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    ice = f"a=ice-ufrag:{ufrag}\r\n" if ufrag else ""
    return head + media + ice + (f"a=setup:{setup}\r\n" if setup else "") + more


def signalled(kind: str, body: str) -> bytes:
    return json.dumps({"type": kind, "sdp": body}).encode()


def played(*frames: Frame) -> Said:
    return play([CARRIER, PROTOCOL], *frames)


def test_an_offer_and_its_answer() -> None:
    kinds = enumerate(("host", "srflx"), 5)
    candidates = "".join(f"a=candidate:{port} 1 udp 1 10.0.0.1 {port} typ {kind}\r\n" for port, kind in kinds)
    said = played(
        (A, signalled("offer", sdp(more=candidates + "a=ice-lite\r\n"))),
        (B, signalled("answer", sdp("active", ufrag="wxyz"))),
    )
    assert said.lines == [
        ("sdp.offer", "audio (opus); ICE ufrag abcd, ICE lite, setup actpass, 2 candidates (1 host, 1 srflx)"),
        ("sdp.answer", "audio (opus); ICE ufrag wxyz, setup active; answers frame 1 after 1 ms"),
    ]
    assert said.facts["sdp"] == {"offers": 1, "answers": 1, "candidates": 0}


def test_several_offers_are_told_from_each_other_by_their_media() -> None:
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    said = played(
        (A, signalled("offer", sdp())),
        (A, signalled("offer", sdp(ufrag="efgh", media=data))),
        (B, signalled("answer", sdp("active", ufrag="ijkl", media=data))),
        (B, signalled("answer", sdp("active", ufrag="mnop"))),
        (B, signalled("answer", sdp("active", ufrag="mnop"))),
    )
    assert [text.rpartition("; ")[2] for _, text in said.lines[2:4]] == [
        "answers frame 2 after 1 ms",
        "answers frame 1 after 3 ms",
    ]
    assert "answers" not in said.lines[4][1]


def test_an_offer_that_is_sent_again_takes_the_place_of_the_first() -> None:
    said = played(
        (A, signalled("offer", sdp())), (A, signalled("offer", sdp(version=3))), (B, signalled("answer", sdp("active")))
    )
    assert said.lines[2][1].endswith("answers frame 2 after 1 ms")


def test_a_provisional_answer_leaves_the_offer_open() -> None:
    answer = sdp("active")
    said = played((A, signalled("offer", sdp())), (B, signalled("pranswer", answer)), (B, signalled("answer", answer)))
    assert [text.rpartition("; ")[2] for _, text in said.lines[1:]] == [
        "answers frame 1 after 1 ms",
        "answers frame 1 after 2 ms",
    ]


def test_what_nobody_says_is_concluded() -> None:
    said = played((A, sdp().encode()), (B, sdp("passive").encode()), (B, sdp("").encode()), (A, sdp("").encode()))
    assert [note.kind for note in said.notes] == ["sdp.offer", "sdp.answer", "sdp.offer", "sdp.answer"]
    assert all("this is concluded from it" in note.remark for note in said.notes)


def test_a_restart_and_a_renegotiation() -> None:
    said = played(
        (A, signalled("offer", sdp())),
        (A, signalled("offer", sdp(version=3))),
        (A, signalled("offer", sdp(version=3, ufrag="efgh"))),
    )
    assert [note.remark for note in said.notes] == [
        "",
        "It renegotiates: version 3 after 2.",
        "Its ICE ufrag is new (efgh): ICE starts again.",
    ]


def test_broken_lines_are_told() -> None:
    (note,) = played((A, signalled("offer", sdp(more="nonsense\r\nmore\r\n")))).notes
    assert note.remark == "2 of its lines are no SDP (RFC 8866 5)."


def test_candidates() -> None:
    one = {"candidate": "candidate:1 1 tcp 1 fd77::1 9 typ host tcptype active", "sdpMid": "0"}
    two = {"candidate": "candidate:1 1 udp 1 203.0.113.1 61000 typ srflx raddr 10.0.0.1 rport 5000"}
    said = played((A, json.dumps([one, two, {"candidate": "", "sdpMid": "0"}]).encode()))
    assert [text for _, text in said.lines] == [
        "host [fd77::1]:9 tcp active",
        "srflx 203.0.113.1:61000 udp, of 10.0.0.1:5000",
        "no more candidates",
    ]
    assert said.facts["sdp"]["candidates"] == 3


def test_a_message_of_something_else_says_nothing() -> None:
    assert played((A, b'{"candidate": "Bob"}'), (A, b"hello")).lines == []


def test_media_in_words() -> None:
    medium = {"media": "audio", "port": 9, "proto": "RTP/AVP", "fmt": ["0", "8", "99", "x"]}
    assert medium_text(medium) == "audio (PCMU, PCMA, 99, x)"
    assert medium_text(medium | {"port": 0}) == "audio (PCMU, PCMA, 99, x) refused"
    assert medium_text(medium | {"fmt": [], "direction": "recvonly"}) == "audio recvonly"
    assert medium_text({"media": "image", "port": 9, "proto": "udptl", "fmt": ["t38"]}) == "image (t38)"
    bundled = {"media": "application", "port": 0, "bundle_only": True, "proto": "UDP/DTLS/SCTP", "fmt": []}
    assert medium_text(bundled) == "data channel"
    codecs = [{"encoding": name} for name in "abcde"]
    assert medium_text(medium | {"rtpmap": codecs}) == "audio (a, b, c, d, ...)"
    assert (took_text(1_500_000), took_text(6_842_000_000)) == ("1.5 ms", "6.84 s")
    said = played((A, signalled("offer", sdp("", ufrag="", media="\r\n"))))
    assert said.lines == [("sdp.offer", "no media")]


def test_what_is_remembered_is_limited() -> None:
    frames = [(A, signalled("offer", sdp(ufrag=f"u{number}"))) for number in range(MAX_REMEMBERED + 10)]
    assert len(played(*frames).notes) == MAX_REMEMBERED + 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=300)), max_size=5))
def test_any_bytes_raise_nothing(frames: list[tuple[Side, bytes]]) -> None:
    for start in (b"", b"v=0\r\n", b'{"type":"offer","sdp":"v=0\\r\\n', b"candidate:"):
        said = played(*((side, start + data) for side, data in frames))
        assert all(note.kind.startswith("sdp.") for note in said.notes)
