"""Fields: what they are in notes, bounds of HPACK, and what is known of them behind a missing beginning."""

from __future__ import annotations

import hpack
import pytest

from analyzer.core import Side
from analyzer.protocols.http2 import PROTOCOL
from analyzer.protocols.http2.fields import MAX_BLOCK_BYTES, MAX_TABLE_BYTES, Fields
from captures.http2 import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PREFACE,
    PUSH_PROMISE,
    data,
    frame,
    ping,
    settings,
)
from captures.http2 import Side as Sender
from tests.play import Said, play

INI, RES = Side.INITIATOR, Side.RESPONDER
HELLO = PREFACE + settings()
GET = b"\x82\x86\x84\x41\x04host"  # from the static table: GET, http, /; and a literal :authority


def client(*frames: bytes) -> Said:
    return play(PROTOCOL, (INI, HELLO), (RES, settings()), (INI, b"".join(frames)))


def lines(said: Said) -> list[tuple[str, str]]:
    return [line for line in said.lines if line[0] not in ("http2.preface", "http2.settings")]


def test_fields_of_a_request() -> None:
    more = (("user-agent", "test"), ("cookie", "a=1"), ("cookie", "b=2"), ("accept", "a"), ("accept", "b"))
    said = client(Sender().get(1, "/a?b=c", *more))
    note = said.notes[-1]
    assert (note.kind, note.text) == ("http.request", "GET /a?b=c")
    assert note.fields == {
        "method": "GET",
        "target": "/a?b=c",
        "version": "HTTP/2",
        "host": "shop.example",
        "stream_id": 1,
        "user_agent": "test",
        "accept": "a, b",
    }
    assert said.title == "http://shop.example/a?b=c"
    assert (said.facts["method"], said.facts["http_version"], said.facts["requests"]) == ("GET", "HTTP/2", 1)


def test_padding_and_priority_are_no_fields() -> None:
    flags = END_HEADERS | PADDED | HAS_PRIORITY | END_STREAM
    assert lines(client(frame(HEADERS, flags, 1, b"\3" + bytes(5) + GET + bytes(3)))) == [("http.request", "GET /")]


def test_fields_over_several_frames_are_where_all_of_these_are() -> None:
    parts = (
        frame(HEADERS, END_STREAM, 1, GET[:2]),
        frame(CONTINUATION, 0, 1, GET[2:5]),
        frame(CONTINUATION, 4, 1, GET[5:]),
    )
    said = play(PROTOCOL, (INI, HELLO), *[(INI, part) for part in parts])
    assert said.notes[-1].text == "GET /"
    assert said.notes[-1].frames == (2, 3, 4)


def test_a_push_is_told() -> None:
    block = Sender().block((":method", "GET"), (":path", "/style.css"))
    pushed = frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block)
    padded = frame(PUSH_PROMISE, END_HEADERS | PADDED, 1, b"\1\0\0\0\2\x82\0")
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + pushed + padded))
    assert lines(said) == [("http2.push-promise", "/style.css"), ("http2.push-promise", "?")]


def test_trailers_say_nothing() -> None:
    server = Sender()
    trailers = server.headers(1, ("grpc-status", "0"))
    said = play(PROTOCOL, (INI, HELLO + Sender().get(1, "/")), (RES, settings() + server.answer(1, 200) + trailers))
    assert lines(said) == [("http.request", "GET /"), ("http.response", "200")]


# --- bounds -----------------------------------------------------------------------------------------------------------


def bomb(size: int, times: int) -> bytes:
    """A field of `size` bytes that the table then has, and a block that names it so many times."""
    first = hpack.Encoder().encode([("x", "y" * size)], huffman=False)
    return frame(HEADERS, END_HEADERS, 1, GET + first) + frame(HEADERS, END_HEADERS, 3, GET + b"\xbf" * times)


def test_a_list_of_fields_is_bounded() -> None:
    said = client(bomb(4000, 17), Sender().get(5, "/after"))
    why = "fields of more than 65,536 bytes, in 26 compressed ones"
    assert lines(said)[1:] == [
        ("http2.headers", f"from here on the fields of the client can't be read: {why}"),
        ("http2.fields-too-large", f"The client sent {why} on stream 3. From there on its fields are not read."),
        ("http2.headers", "fields that can't be read"),
    ]
    assert lines(client(bomb(4000, 16)))[1:] == [("http.request", "GET /")]


def test_changes_of_the_table_are_bounded() -> None:
    update = hpack.hpack.encode_integer(MAX_TABLE_BYTES + 1, 5)
    update[0] |= 0x20
    said = client(frame(HEADERS, END_HEADERS, 1, bytes(update) + GET))
    assert said.findings[0].text.startswith("The client sent a table of more than 65,536 bytes on stream 1.")
    said = client(frame(HEADERS, END_HEADERS, 1, b"\x20" * 33 + GET))
    assert said.findings[0].text.startswith("The client sent more than 32 changes of the table's size in a row")
    assert lines(client(frame(HEADERS, END_HEADERS, 1, b"\x20\x3f\xe1\x1f" + GET))) == [("http.request", "GET /")]


def test_a_table_as_large_as_both_agreed_on_is_used() -> None:
    browser = Sender()
    browser.encoder.header_table_size = 65536
    more = [(f"x-{number}", f"{number}" * 900) for number in range(10)]
    frames = [(INI, browser.get(number, "/", *more)) for number in (1, 3)]
    assert len(frames[1][1]) < 100
    said = play(PROTOCOL, (INI, HELLO), (RES, settings((1, 65536))), frames[0], (RES, settings((1, 4096))), frames[1])
    assert lines(said) == [("http.request", "GET /")] * 2


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_flood_of_continuations_is_bounded(size: int) -> None:
    flood = frame(CONTINUATION, 0, 1, b"\0" * size) * 300
    said = client(frame(HEADERS, 0, 1, GET), flood, frame(CONTINUATION, END_HEADERS, 1), ping(), Sender().get(3, "/"))
    limit = "131,072 bytes" if size == 1000 else "256 frames"
    why = f"compressed fields of more than {limit}"
    assert lines(said) == [
        ("http2.headers", f"from here on the fields of the client can't be read: {why}"),
        ("http2.fields-too-large", f"The client sent {why} on stream 1. From there on its fields are not read."),
        ("http2.ping", "asks"),
        ("http2.headers", "fields that can't be read"),
    ]


def test_what_is_held_of_a_flood_is_bounded() -> None:
    said = client(frame(HEADERS, 0, 1), frame(CONTINUATION, 0, 1, bytes(10_000)) * 40)
    place = said.notes[-1].at
    assert sum(span.stop - span.start for span in place.spans) <= MAX_BLOCK_BYTES + 10_000


@pytest.mark.parametrize("block", [b"\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xbe", b"\x80", b"\x41\x8a", b"\x82\x20"])
def test_what_is_no_hpack_is_said_once(block: bytes) -> None:
    said = client(frame(HEADERS, END_HEADERS, 1, block), Sender().get(3, "/"))
    why = "bytes that are not HPACK, or refer to what is not there"
    assert lines(said) == [
        ("http2.headers", f"from here on the fields of the client can't be read: {why}"),
        ("http2.headers", "fields that can't be read"),
    ]
    assert said.findings == []


def test_texts_that_come_again_are_held_once() -> None:
    fields, sender = Fields(), Sender()
    one = fields.read(sender.block(("x-a", "v" * 300)))
    other = fields.read(sender.block(("x-a", "v" * 300)))
    assert one is not None
    assert other is not None
    assert one["x-a"] is other["x-a"]
    for number in range(100):
        fields.read(sender.block(("x-b", f"{number}")))
    assert len(fields.texts) < 100


def test_bytes_that_are_no_text_are_escaped() -> None:
    block = hpack.Encoder().encode([(b":path", b"/\xff")], huffman=False)
    assert lines(client(frame(HEADERS, END_HEADERS, 1, b"\x82" + block))) == [("http.request", "GET /\\xff")]


# --- a beginning that is not there ------------------------------------------------------------------------------------


def test_what_refers_to_what_came_since_is_right() -> None:
    one = Sender()
    one.get(1, "/early", ("x-early", "1"))
    said = play(
        PROTOCOL,
        (INI, one.get(3, "/early", ("x-early", "1"), ("user-agent", "late"))),
        (INI, one.get(5, "/late", ("x-early", "1"), ("user-agent", "late")) + ping()),
        (INI, one.get(7, "/late", ("x-early", "1"), ("user-agent", "late"), ("x-more", "2"))),
    )
    assert said.lines == [
        ("http2.late", "the capture begins within the connection: fields that refer to earlier ones can't be read"),
        ("http.request", "GET, the path is not known"),
        ("http.request", "GET /late"),
        ("http2.ping", "asks"),
        ("http.request", "GET /late"),
    ]
    assert said.notes[1].fields["target"] is None
    assert said.notes[1].fields["user_agent"] == said.notes[4].fields["user_agent"] == "late"
    assert said.title is None


def test_what_is_not_known_at_all_is_said() -> None:
    one, other = Sender(), Sender()
    one.get(1, "/", method="OPTIONS")
    other.answer(1, 418)
    said = play(PROTOCOL, (INI, one.get(3, "/", method="OPTIONS") + ping()), (RES, other.answer(3, 418) + ping()))
    texts = [text for kind, text in said.lines if kind == "http2.headers"]
    assert texts == ["fields that refer to what was not captured"] * 2


def test_the_side_that_answers_is_the_server() -> None:
    # the side that the flow calls the initiator answers here
    said = play(PROTOCOL, (INI, Sender().answer(3, 200) + data(3, b"x", end=True)), (INI, frame(3, 0, 5, b"\0\0\0\1")))
    assert said.findings[0].text == "The server reset stream 5 with PROTOCOL_ERROR (the other side broke the protocol)."


def test_a_beginning_within_fields() -> None:
    said = play(PROTOCOL, (INI, frame(CONTINUATION, END_HEADERS, 1, b"\x84") + ping() + Sender().get(3, "/")))
    assert [kind for kind, _ in said.lines] == ["http2.late", "http2.ping", "http2.headers"]
    assert said.lines[-1][1].endswith("can't be read: their beginning is not in the capture")
