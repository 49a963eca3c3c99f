"""Sizes of frames, and how a stream of HTTP/2 is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Side
from analyzer.protocols.http2 import PROTOCOL
from analyzer.protocols.http2.frames import probe
from captures.http2 import (
    ACK,
    ACKED,
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    data,
    frame,
    ping,
    settings,
    window_update,
)
from captures.http2 import Side as Sender
from tests.play import play

INI, RES = Side.INITIATOR, Side.RESPONDER
HELLO = PREFACE + settings()


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (frame(PING, 0, 0, b"1234567"), "PING has 7 bytes, and not 8"),
        (frame(PRIORITY, 0, 3, b"1234"), "PRIORITY of stream 3 has 4 bytes, and not 5"),
        (frame(RST_STREAM, 0, 3, b"12345"), "RST_STREAM of stream 3 has 5 bytes, and not 4"),
        (frame(WINDOW_UPDATE, 0, 0, b"123"), "WINDOW_UPDATE has 3 bytes, and not 4"),
        (frame(SETTINGS, 0, 0, bytes(7)), "SETTINGS has 7 bytes, which is no multiple of 6"),
        (frame(SETTINGS, ACK, 0, bytes(6)), "SETTINGS acknowledges and has 6 bytes, and not none"),
        (frame(GOAWAY, 0, 0, bytes(7)), "GOAWAY has 7 bytes, and not at least 8"),
        (frame(DATA, PADDED, 1), "DATA of stream 1 has 0 bytes, and not at least 1"),
        (frame(DATA, PADDED, 1, b"\5abc"), "DATA of stream 1 has 5 bytes of padding, and room for 3"),
        (frame(PUSH_PROMISE, PADDED, 1, b"\0\0\0"), "PUSH_PROMISE of stream 1 has 3 bytes, and not at least 5"),
        (frame(HEADERS, HAS_PRIORITY, 1, bytes(4)), "HEADERS of stream 1 has 4 bytes, and not at least 5"),
    ],
)
def test_a_frame_of_wrong_size_is_told_and_the_next_one_read(sent: bytes, text: str) -> None:
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + sent + ping()))
    assert ("http2.wrong-size", text) in said.lines
    assert said.lines[-1] == ("http2.ping", "asks")
    (finding,) = said.findings
    assert finding.code == "http2.frame-size"
    assert "sent by the server" in finding.text
    assert finding.at.spans[0].start == 54 + 9
    assert len(finding.at.spans) == 1


def test_a_frame_larger_than_the_other_side_takes() -> None:
    large = data(1, bytes(16385))
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + large))
    assert said.findings[0].text.endswith("has 16,385 bytes; the other side takes 16,384.")
    said = play(PROTOCOL, (INI, PREFACE + settings((5, 20000))), (RES, settings() + large))
    assert said.findings == []
    # what the client takes is not known where its SETTINGS are not in the capture
    assert play(PROTOCOL, (RES, settings() + large)).findings == []
    assert play(PROTOCOL, (RES, settings() + large), (INI, ping() + settings()), (RES, large)).findings == []


def test_the_finding_is_told_once_and_the_lines_each_time() -> None:
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + 3 * frame(PING, 0, 0, b"1")))
    assert [kind for kind, _ in said.lines].count("http2.wrong-size") == 3
    assert len(said.findings) == 1


def test_fields_behind_a_frame_of_wrong_size_are_not_guessed() -> None:
    server = Sender()
    frames = settings() + frame(HEADERS, END_HEADERS | PADDED, 1) + server.answer(1, 200) + server.answer(3, 200)
    said = play(PROTOCOL, (INI, HELLO), (RES, frames))
    assert said.lines[-2:] == [
        ("http2.headers", "from here on the fields of the server can't be read: a frame of wrong size"),
        ("http2.headers", "fields that can't be read"),
    ]


LATE = data(5, b"x" * 20) + window_update(0, 20)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (PREFACE, True),
        (PREFACE[:5], None),
        (b"PUT / HTTP/1.1\r\n", False),
        (b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n ", False),
        (settings((3, 100)), True),
        (settings((3, 100))[:9], True),
        (b"\0\0\6\4\0", None),
        (frame(SETTINGS, 0, 0, bytes(606)), False),
        (frame(SETTINGS, 0, 0, bytes(7)), False),
        (LATE, True),
        (LATE[:20], None),
        (LATE[:29], None),
        (ACKED + ACKED, True),
        (ping() + ping(ack=True), True),
        (Sender().get(7, "/") + window_update(0, 1), True),
        (data(5, b"", end=True) + ping(), True),
        (data(5, b"") + ping(), False),
        (data(0, b"x") + ping(), False),
        (frame(PING, 0, 1, bytes(8)) + ping(), False),
        (frame(PING, 2, 0, bytes(8)) + ping(), False),
        (frame(HEADERS, 0, 1, b"abc") + ping(), False),
        (frame(10, 0, 1, b"abc") + ping(), False),
        (frame(DATA, 0, 1 << 31 | 1, b"abc") + ping(), False),
        (window_update(0, 1) + b"\0\0\5\x06\0\0\0\0\0", False),
        (b"", None),
        (b"\0\0\0\x85\xffSMB\x72" + bytes(30), False),  # SMB over TCP
        (b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(30), False),  # STUN over TCP
        (b"\0\0\0\x08\x04\xd2\x16\x2f" + bytes(3), False),  # PostgreSQL asks for TLS
        (b"GET / HTTP/1.1\r\n", False),
    ],
)
def test_how_a_stream_is_known(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


@given(st.binary(max_size=60))
def test_the_probe_takes_any_bytes(head: bytes) -> None:
    assert probe(head) in (True, False, None)
    if probe(head):
        assert head[0] in (PROTOCOL.starts or ())


def test_frames_of_unknown_types_are_passed_over() -> None:
    unknown = frame(0x0A, 0xFF, 0, b"altsvc") + frame(PRIORITY, 0, 3, bytes(5)) + frame(0xFE, 0, 77, b"?")
    said = play(PROTOCOL, (INI, HELLO + unknown + ping()))
    assert [kind for kind, _ in said.lines] == ["http2.preface", "http2.settings", "http2.ping"]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (frame(CONTINUATION, END_HEADERS, 1, b"\x88"), "a CONTINUATION of stream 1 without HEADERS (§6.10)"),
        (frame(HEADERS, 0, 1, b"\x88") + ping(), "PING within the fields of stream 1 (§6.10)"),
        (frame(HEADERS, 0, 1, b"\x88") + frame(0xEE), "frame type 238 within the fields of stream 1 (§6.10)"),
        (frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 4, 3), "CONTINUATION within the fields of stream 1 (§6.10)"),
        (b"\x7f\xff\xff\x01\4\0\0\0\1", "a frame of 8,388,607 bytes (§4.2)"),
    ],
)
def test_what_breaks_the_order_of_frames_is_malformed(sent: bytes, text: str) -> None:
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + sent))
    assert said.lines[-1] == ("http2.malformed", text)


def test_a_preface_that_is_none() -> None:
    said = play(PROTOCOL, (INI, b"PRINT THIS"), over="tls:h2")
    assert said.lines == [("http2.malformed", "the connection does not begin with the preface of HTTP/2 (§3.4)")]
