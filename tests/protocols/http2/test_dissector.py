"""Requests, responses, tunnels; whatever the bytes are, and however they are cut."""

from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from analyzer.core import Outcome, Side
from analyzer.protocols import http1, sdp, websocket
from analyzer.protocols.http2 import PROTOCOL, dissector
from captures.http2 import (
    ACKED,
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADERS,
    PADDED,
    PREFACE,
    data,
    frame,
    goaway,
    ping,
    reset,
    settings,
    window_update,
)
from captures.http2 import Side as Sender
from captures.http2.healthy import masked, unmasked
from tests.engine.rooms import protocol
from tests.play import Frame, Said, again, play

INI, RES = Side.INITIATOR, Side.RESPONDER
HELLO = PREFACE + settings()


def lines(said: Said) -> list[tuple[str, str]]:
    return [line for line in said.lines if line[0] not in ("http2.preface", "http2.settings")]


def test_a_response_and_what_is_known_of_the_session() -> None:
    more = (("content-type", "text/html; charset=utf-8"), ("content-length", "1234"), ("server", "test"))
    said = play(
        PROTOCOL,
        (INI, HELLO + Sender().get(1, "/a")),
        (RES, settings() + Sender().answer(1, 200, *more) + data(1, bytes(1234), end=True)),
    )
    note = said.notes[-1]
    assert (note.kind, note.text) == ("http.response", "200, text/html, 1,234 bytes")
    assert (note.fields["status"], note.fields["request_method"], note.fields["server"]) == (200, "GET", "test")
    assert (said.kind, note.path, note.spec) == ("http", ("tls:h2", "http2"), "RFC 9113 8.3.2")
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.end_ns - phase.start_ns) == ("http", Outcome.ESTABLISHED, 1_000_000)
    assert said.facts["status"] == 200


def test_interim_answers_do_not_count() -> None:
    other = Sender()
    answers = other.answer(1, 103) + other.answer(1, 200) + other.answer(1, 500)
    said = play(PROTOCOL, (INI, HELLO + Sender().get(1, "/a")), (RES, settings() + answers))
    assert lines(said)[1:] == [("http.response", "103"), ("http.response", "200"), ("http.response", "500")]
    assert said.facts["status"] == 200
    assert len(said.phases) == 1


def test_a_status_that_is_none() -> None:
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + Sender().headers(1, (":status", "2x0"))))
    assert lines(said) == [("http.response", "2x0")]
    assert said.notes[-1].fields["status"] == 0


def test_over_tls_it_is_https() -> None:
    asked = (INI, HELLO + Sender().headers(1, (":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "h")))
    assert play(PROTOCOL, asked).title == "https://h/"
    assert play(PROTOCOL, asked, over="tcp").notes[-1].path == ("tcp", "http2")


def test_an_ordinary_connect_goes_to_a_host() -> None:
    said = play(PROTOCOL, (INI, HELLO + Sender().headers(1, (":method", "CONNECT"), (":authority", "h:443"))))
    assert lines(said) == [("http.request", "CONNECT h:443")]


def test_large_frames_go_past() -> None:
    large = frame(DATA, END_STREAM, 1, bytes(100_000))
    one = Sender()
    said = play(PROTOCOL, (INI, PREFACE + settings((5, 1 << 20)) + one.get(1, "/")), (RES, settings() + large + ping()))
    assert lines(said)[-1] == ("http2.ping", "asks")


def test_streams_that_are_open_are_bounded() -> None:
    one, other = Sender(), Sender()
    asked = b"".join(one.get(number, f"/{number}") for number in range(1, 2203, 2))
    said = play(PROTOCOL, (INI, HELLO + asked), (RES, settings() + other.answer(1, 200) + other.answer(2201, 200)))
    assert [note.fields.get("request_method") for note in said.notes[-2:]] == [None, "GET"]


def test_the_client_may_be_the_side_that_answered() -> None:
    said = play(PROTOCOL, (RES, HELLO + Sender().get(1, "/")), (INI, settings() + reset(1, 7)))
    assert said.findings[0].text.startswith("The server reset stream 1 (GET /) with REFUSED_STREAM")


# --- WebSockets -------------------------------------------------------------------------------------------------------

OFFERED = settings((8, 1))
ROOMS = [PROTOCOL, websocket.PROTOCOL]


def chat(*more: tuple[Side, bytes], offer: bytes = OFFERED, status: int = 200) -> Said:
    frames = (INI, HELLO), (RES, offer), (INI, Sender().connect(1, "/chat")), (RES, Sender().answer(1, status))
    return play(ROOMS, *frames, *more)


def test_a_websocket_on_a_stream() -> None:
    padded = frame(DATA, PADDED, 1, b"\3" + masked(1, b"hi") + b"\0\0\0")
    said = chat((INI, padded), (RES, data(1, unmasked(1, b"hello"))))
    assert lines(said) == [
        ("websocket.upgrade", "asks for ws://shop.example/chat, from http://shop.example"),
        ("websocket.accept", "200, this stream of HTTP/2 is a WebSocket now"),
        ("websocket.text", '2 bytes: "hi"'),
        ("websocket.text", '5 bytes: "hello"'),
    ]
    assert said.notes[-1].path == ("tls:h2", "http2", "websocket")
    assert said.kind == "websocket"


def test_a_websocket_ends_with_its_stream() -> None:
    box = protocol("box", ("protocol:websocket",), probe=None, lead=websocket.PROTOCOL.lead)
    frames = (INI, HELLO), (RES, OFFERED), (INI, Sender().connect(1, "/chat")), (RES, Sender().answer(1, 200))
    ended = [(INI, data(1, b"N\1a", end=True)), (RES, data(1, b"N\1b", end=True) + ping())]
    for last in (ended, [(INI, data(1, b"N\1a")), (RES, data(1, b"N\1b") + reset(1, 8) + ping())]):
        said = play([PROTOCOL, box], *frames, *last)
        texts = [text for kind, text in said.lines if kind == "box.item"]
        assert texts == ["N a", "N b"]
        kinds = [kind for kind, _ in said.lines]
        assert kinds.index("box.end") < kinds.index("http2.ping")


def test_a_websocket_that_is_refused() -> None:
    said = chat(status=403)
    assert [finding.code for finding in said.findings] == ["websocket.upgrade-forbidden"]


def test_a_websocket_that_the_server_did_not_offer() -> None:
    said = chat(offer=settings((8, 0)))
    assert said.findings[0].text == (
        "Stream 1 asks for websocket by extended CONNECT, which the server's SETTINGS do not offer."
    )
    assert chat().findings == []
    # where the server's SETTINGS were not seen, nobody knows
    late = play(ROOMS, (INI, Sender().connect(5, "/chat") + ping()), (RES, ping(ack=True) + settings((3, 1))))
    assert late.findings == []


@pytest.mark.parametrize(
    ("field", "what"), [(("upgrade", "websocket"), "Upgrade"), (("sec-websocket-key", "x"), "Sec-WebSocket-Key")]
)
def test_a_websocket_as_in_http1(field: tuple[str, str], what: str) -> None:
    one = Sender()
    said = play(PROTOCOL, (INI, HELLO + one.get(1, "/", field) + one.get(3, "/", field)))
    (finding,) = said.findings
    assert finding.text.startswith(f"The request on stream 1 has {what}, which HTTP/2 does not have")


def test_a_protocol_that_nobody_tells_of() -> None:
    said = play(
        PROTOCOL, (INI, HELLO), (RES, OFFERED), (INI, Sender().connect(1, "/x", "webtransport") + data(1, b"?"))
    )
    assert lines(said) == [("http.request", "CONNECT /x")]


# --- by upgrade, gaps -------------------------------------------------------------------------------------------------

UPGRADE = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def test_what_was_asked_for_by_http1_is_answered_on_stream_1() -> None:
    one, other = Sender(), Sender()
    said = play(
        [http1.PROTOCOL, PROTOCOL],
        (INI, UPGRADE),
        (RES, SWITCH + settings() + other.answer(1, 204, end=True)),
        (INI, HELLO + one.get(3, "/b")),
        (RES, other.answer(3, 404)),
    )
    assert lines(said) == [
        ("http.request", "GET /a (upgrade to h2c)"),
        ("http.response", "101 Switching Protocols"),
        ("http.response", "204"),
        ("http.request", "GET /b"),
        ("http.response", "404"),
    ]
    assert (said.title, said.facts["status"], said.facts["requests"]) == ("http://h/a", 204, 2)
    assert said.facts["http_version"] == "HTTP/2"


def test_behind_a_gap_a_direction_is_not_read() -> None:
    one = Sender()
    said = play(PROTOCOL, (INI, HELLO), (INI, 100), (INI, one.get(1, "/")), (RES, settings() + Sender().answer(1, 200)))
    assert said.lines[2:] == [
        ("http2.gap", "100 bytes are missing"),
        ("http2.settings", "nothing but the defaults"),
        ("http.response", "200"),
    ]


def test_a_gap_within_a_body_costs_nothing() -> None:
    one = Sender()
    large = frame(DATA, 0, 1, bytes(100_000))
    said = play(
        PROTOCOL,
        (INI, PREFACE + settings((5, 1 << 20)) + one.get(1, "/")),
        (RES, settings() + large[:2000]),
        (RES, 90_000),
        (RES, large[92_000:] + ping()),
    )
    assert lines(said) == [("http.request", "GET /"), ("http2.ping", "asks")]


def test_a_side_that_begins_within_a_frame_is_not_read() -> None:
    body, asked = (RES, b"ordinary bytes of a body"), (INI, HELLO + Sender().get(1, "/"))
    late = INI, Sender().get(1, "/") + ping()
    for frames in ([body, asked, body], [asked, body, body], [body, late, body]):
        said = play(PROTOCOL, *frames)
        (note,) = [note for note in said.notes if note.text.startswith("what this side")]
        assert (note.kind, note.sender) == ("http2.late", RES)
        assert note.text == "what this side sends does not begin with a frame: it is not read"
        assert ("http.request", "GET /") in said.lines
        assert said.findings == []


def test_two_sides_that_do_not_speak_it() -> None:
    said = play(PROTOCOL, (INI, b"GET / HTTP/1.1\r\n\r\n"), (RES, b"HTTP/1.1 200 OK\r\n\r\n"))
    assert (said.lines, said.kind) == ([], None)


def test_fields_are_named_in_the_tree() -> None:
    said = play(PROTOCOL, (INI, HELLO + goaway(0)), trace=True)
    assert [field.name for field in said.notes[-1].tree or []] == [
        *("length", "type", "flags", "stream_identifier", "last_stream_id", "error_code", "additional_debug_data"),
    ]


# --- any bytes, any cut -----------------------------------------------------------------------------------------------

ANY_FRAME = st.builds(
    lambda kind, flags, stream, payload: frame(kind, flags, stream, payload),
    st.integers(0, 11),
    st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 4, 5])),
    st.one_of(st.integers(0, 7), st.integers(0, (1 << 32) - 1)),
    st.one_of(st.binary(max_size=24), st.sampled_from([bytes(4), bytes(8), b"\x82\x86\x84", b"\x88"])),
)
GARBLED = st.lists(st.tuples(st.sampled_from([INI, RES]), st.one_of(ANY_FRAME, st.binary(max_size=30))), max_size=12)


def untimed(said: Said) -> list[tuple[str, str]]:
    """What was said, without the time that an answer took."""
    return [(kind, re.sub(r" after [\d.e-]+ ms", "", text)) for kind, text in said.lines]


@effort(deadline=None)
@given(GARBLED, st.booleans(), st.booleans())
def test_any_bytes_raise_nothing_but_malformed(frames: list[tuple[Side, bytes]], begun: bool, secure: bool) -> None:
    first = [(INI, HELLO), (RES, OFFERED)] if begun else []
    said = play(ROOMS, *first, *frames, over="tls:h2" if secure else "tcp")
    assert not [text for kind, text in said.lines if kind == "engine.internal-error"]
    assert {kind for kind, _ in said.lines if kind.startswith("http")} <= {*PROTOCOL.kinds, *PROTOCOL.findings}


def recorded() -> list[tuple[Side, bytes]]:
    """A conversation with some of everything."""
    one, other = Sender(), Sender()
    block = one.block((":method", "GET"), (":path", "/parts"), (":authority", "h"), (":scheme", "http"))
    parts = frame(HEADERS, END_STREAM, 5, block[:3]) + frame(CONTINUATION, 4, 5, block[3:])
    return [
        (INI, HELLO + one.get(1, "/a") + one.connect(3, "/chat")),
        (RES, OFFERED + ACKED + other.answer(1, 200) + data(1, bytes(3000), end=True)),
        (INI, parts + ping()),
        (RES, other.answer(3, 200) + ping(ack=True) + data(3, unmasked(1, b"hello"))),
        (INI, data(3, masked(1, b"abc")) + window_update(0, 3000) + frame(6, 0, 0, b"short")),
        (RES, frame(DATA, 0, 9, bytes(70000)) + data(3, unmasked(8, b"\x03\xe8")) + other.answer(5, 404, end=True)),
        (INI, data(3, masked(8, b"\x03\xe8"), end=True) + reset(7, 3) + frame(HEADERS, 4, 9, b"\xff\xff\xff")),
        (RES, data(3, b"", end=True) + goaway(5, 1, b"why")),
    ]


@effort(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=6))
def test_any_cut_gives_the_same_notes(cuts: list[int]) -> None:
    whole = untimed(play(ROOMS, *recorded()))
    assert len(whole) > 15
    assert untimed(play(ROOMS, *again(recorded(), cuts))) == whole


@effort(deadline=None)
@given(GARBLED, st.booleans(), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_any_cut_of_any_bytes_gives_the_same_notes(
    frames: list[tuple[Side, bytes]], begun: bool, cuts: list[int]
) -> None:
    frames = [*([(INI, HELLO), (RES, OFFERED)] if begun else []), *frames]
    assert untimed(play(ROOMS, *again(frames, cuts))) == untimed(play(ROOMS, *frames))


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (reset(1, 8), "The client reset the stream of /chat by CANCEL, and nobody had sent a Close frame;"),
        (data(1, b"", end=True), "The client ended the stream of /chat, and nobody had sent a Close frame;"),
    ],
)
def test_a_stream_that_ends_without_a_close(end: bytes, text: str) -> None:
    said = chat((RES, data(1, unmasked(1, b"hello"))), (INI, end), (RES, data(1, b"", end=True)))
    (finding,) = said.findings
    assert finding.text.startswith(text)
    assert "dropped this stream" in finding.cause
    assert said.facts["close_codes_seen"] == [1006, 1006]
    assert (said.phases[-1].name, said.phases[-1].outcome) == ("close", Outcome.FAILED)


def test_several_websockets_on_one_connection() -> None:
    one, other = Sender(), Sender()
    frames = (INI, HELLO + one.connect(1, "/a") + one.connect(3, "/b")), (RES, OFFERED + other.answer(1, 200))
    more = (RES, other.answer(3, 200)), (INI, data(3, masked(1, b"hello")) + data(1, masked(8, b"\3\xe8")))
    said = play(ROOMS, *frames, *more)
    assert said.title == "ws://shop.example/a"
    rows = said.facts["websockets"]
    assert isinstance(rows, list)
    assert sorted((row["target"], row["messages"], row.get("close_code")) for row in rows) == [
        ("/a", [0, 0], 1000),
        ("/b", [1, 0], None),
    ]
    assert sorted(str(line).partition(":")[0] for line in said.facts["summary"]) == ["/a", "/b"]


# --- bodies that may signal something ---------------------------------------------------------------------------------

OFFER = b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:actpass\r\n"
ANSWER = OFFER.replace(b"actpass", b"active")
SDP = ("content-type", "application/sdp")


def described(said: Said) -> list[str]:
    return [kind for kind, _ in said.lines if kind.startswith("sdp.")]


def post(*more: tuple[str, str]) -> bytes:
    return Sender().headers(1, (":method", "POST"), (":scheme", "https"), (":path", "/whip"), *more, end=False)


def signalled(*asked: bytes, more: tuple[tuple[str, str], ...] = (SDP,)) -> Said:
    answer = Sender().answer(1, 201, SDP) + data(1, ANSWER, end=True)
    return play([PROTOCOL, sdp.PROTOCOL], (INI, HELLO + post(*more) + b"".join(asked)), (RES, settings() + answer))


def test_bodies_with_descriptions_go_inwards() -> None:
    assert described(signalled(data(1, OFFER, end=True))) == ["sdp.offer", "sdp.answer"]
    parts = [data(1, OFFER[:50]), data(3, b"of another stream"), data(1, OFFER[50:]), data(1, b"", end=True)]
    assert described(signalled(*parts)) == ["sdp.offer", "sdp.answer"]


def test_bodies_are_unpacked() -> None:
    more = (SDP, ("content-encoding", "gzip"))
    assert described(signalled(data(1, gzip.compress(OFFER), end=True), more=more)) == ["sdp.offer", "sdp.answer"]
    assert described(signalled(data(1, b"no gzip at all", end=True), more=more)) == ["sdp.answer"]


@pytest.mark.parametrize("more", [(), (("content-type", "text/html"),), (SDP, ("content-encoding", "br"))])
def test_other_bodies_do_not(more: tuple[tuple[str, str], ...]) -> None:
    assert described(signalled(data(1, OFFER, end=True), more=more)) == ["sdp.answer"]


def test_what_is_kept_of_bodies_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissector, "MAX_BODY_BYTES", len(ANSWER))  # the offer is one byte longer
    assert described(signalled(data(1, OFFER, end=True))) == ["sdp.answer"]
    monkeypatch.setattr(dissector, "MAX_BODY_BYTES", 1 << 18)
    monkeypatch.setattr(dissector, "MAX_KEPT_BYTES", 10)
    assert described(signalled(data(1, OFFER, end=True))) == []


def test_a_body_with_a_hole_or_a_huge_frame_is_only_counted() -> None:
    frames: list[Frame] = [(INI, HELLO + post(SDP) + data(1, OFFER[:50])), (INI, 7), (INI, OFFER[57:])]
    assert described(play([PROTOCOL, sdp.PROTOCOL], *frames)) == []
    assert described(signalled(data(1, OFFER), data(1, bytes(70_000), end=True))) == ["sdp.answer"]
