"""HTTP/1.x heads."""

from __future__ import annotations

import gzip
import zlib

import pytest

from analyzer import core
from analyzer.core import Outcome, Side, Span
from analyzer.protocols.http.names import MAX_BODY_BYTES
from analyzer.protocols.http1 import PROTOCOL, dissector
from tests.engine.rooms import protocol
from tests.play import Said, play

INI, RES = Side.INITIATOR, Side.RESPONDER
GET = b"GET /a HTTP/1.1\r\nHost: example.org\r\nUser-Agent: test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello"


def texts(said: Said) -> list[str]:
    """What the notes say, but for the rules that heads break: these are for test_heads."""
    return [note.text for note in said.notes if note.kind != "http.violation"]


def test_request_and_response() -> None:
    said = play(PROTOCOL, (INI, GET), (RES, OK))
    assert said.lines == [("http.request", "GET /a"), ("http.response", "200 OK, text/plain, 5 bytes")]
    request, response = said.notes
    assert request.fields == {
        "method": "GET",
        "target": "/a",
        "version": "HTTP/1.1",
        "host": "example.org",
        "user_agent": "test",
        "body_bytes": 0,
    }
    assert (response.fields["status"], response.fields["reason"], response.fields["body_bytes"]) == (200, "OK", 5)
    assert response.fields["content_length"] == 5
    assert response.spans == (Span(2, 54, 54 + len(OK) - 5),)
    assert said.title == "http://example.org/a"
    assert said.facts["status"] == 200
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.round_trips, phase.end_ns - phase.start_ns) == (
        "http",
        Outcome.ESTABLISHED,
        1,
        1_000_000,
    )
    assert (said.kind, request.path, request.spec) == ("http", ("tcp", "http1"), "RFC 9112 3")


def test_several_requests_in_flight_are_answered_in_order() -> None:
    head = b"HEAD /b HTTP/1.1\r\nHost: b\r\n\r\n"
    answers = (
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    )
    said = play(PROTOCOL, (INI, GET + head + GET), (RES, answers))
    assert [note.fields["request_method"] for note in said.notes[3:]] == ["GET", "HEAD", "GET"]
    assert texts(said)[4:] == ["200 OK, 1,000 bytes", "404 Not Found, 0 bytes"]


def test_interim_answers_do_not_count() -> None:
    put = b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    said = play(PROTOCOL, (INI, put), (RES, b"HTTP/1.1 100 Continue\r\n\r\n"), (INI, b"abc"), (RES, OK + OK))
    assert texts(said)[1:3] == ["100 Continue", "200 OK, text/plain, 5 bytes"]
    assert len(said.phases) == 1
    assert said.notes[3].fields.get("request_method") is None


@pytest.mark.parametrize("lf", [b"\r\n", b"\n"])
def test_chunked_bodies_are_counted(lf: bytes) -> None:
    head = lf.join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: gzip, chunked", b"", b""])
    body = lf.join([b"5;name=value", b"hello", b"1a", b"x" * 26, b"0", b"Trailer: yes", b"", b""])
    said = play(PROTOCOL, (INI, GET), (RES, head + body + OK))
    assert texts(said)[1:] == ["200 OK", "200 OK, text/plain, 5 bytes"]
    assert said.notes[1].fields["body_bytes"] == 31


def test_a_body_until_the_end_is_wanted_no_more() -> None:
    said = play(PROTOCOL, (INI, GET), (RES, b"HTTP/1.0 200 OK\r\n\r\nand so on"), (RES, b"HTTP/1.1 no head"))
    assert texts(said) == ["GET /a", "200 OK"]
    assert play(PROTOCOL, (INI, GET), (RES, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx")).lines[1:] == [
        ("http.response", "200 OK")
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 0, 0\r\n\r\n",
    ],
)
def test_answers_without_a_body(head: bytes) -> None:
    said = play(PROTOCOL, (INI, GET + GET), (RES, head + OK))
    assert texts(said)[3] == "200 OK, text/plain, 5 bytes"


def test_tolerated_heads() -> None:
    odd = b"\r\n\nGET /a b HTTP/1.1\nhost :  x \nno colon\nx-forwarded-for: 1\n  2\nX-Forwarded-For: 3\n\tmore\n\n"
    said = play(PROTOCOL, (INI, odd))
    fields = said.notes[0].fields
    assert (fields["target"], fields["host"], fields["x_forwarded_for"]) == ("/a b", "x", "1 2, 3 more")
    said = play(PROTOCOL, (RES, b"HTTP/1.1 200\n folded\n\n"), (RES, b""))
    assert (said.notes[0].fields["reason"], texts(said)) == ("", ["200"])
    assert said.phases[0].outcome is Outcome.PARTIAL
    assert said.facts["http_version"] == "HTTP/1.1"


def test_upgrade_hands_over_and_holds_what_came_early() -> None:
    child = protocol("websocket", ("upgrade:websocket",), probe=None)
    ask = b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    said = play([PROTOCOL, child], (INI, ask + b"N\1a"), (RES, switch + b"N\1b"), (INI, b"N\1c"))
    assert texts(said) == [
        "GET /chat (upgrade to websocket)",
        "101 Switching Protocols",
        "N a",
        "N b",
        "N c",
        "end",
    ]
    assert said.notes[2].path == ("tcp", "http1", "websocket")
    assert said.phases[0].name == "upgrade"
    # a server that names nothing, and one that goes on without switching
    said = play([PROTOCOL, child], (INI, ask), (RES, b"HTTP/1.1 101 S\r\n\r\nN\1b"))
    assert texts(said)[-2:] == ["N b", "end"]
    said = play([PROTOCOL, child], (INI, ask + GET), (RES, OK), (RES, OK))
    assert texts(said)[1:] == ["200 OK, text/plain, 5 bytes", "GET /a", "200 OK, text/plain, 5 bytes"]


def test_a_switch_that_names_nothing_belongs_to_nobody() -> None:
    said = play(PROTOCOL, (INI, GET), (RES, b"HTTP/1.1 101 S\r\n\r\nanything"))
    assert texts(said) == ["GET /a", "101 S"]
    assert said.lines[2] == ("http.violation", "the response switches protocols, which nobody asked for (§7.8)")


def test_a_tunnel_carries_what_a_connection_would() -> None:
    ask = b"CONNECT example.org:80 HTTP/1.1\r\nHost: h\r\n\r\n"
    said = play(PROTOCOL, (INI, ask), (RES, b"HTTP/1.1 200 Connection established\r\n\r\n"), (INI, GET), (RES, OK))
    assert said.lines[0] == ("proxy.connect", "CONNECT example.org:80")
    assert said.notes[2].path == ("tcp", "http1", "http1")
    assert [phase.name for phase in said.phases] == ["proxy", "http"]
    assert said.title == "http://example.org/a"


def test_a_refused_tunnel_is_found() -> None:
    ask = b"CONNECT example.org:443 HTTP/1.1\r\n\r\n"
    said = play(PROTOCOL, (INI, ask), (RES, b"HTTP/1.1 407 Login please\r\nContent-Length: 0\r\n\r\n"))
    (finding,) = said.findings
    assert finding.code == "http.proxy-connect-refused"
    assert finding.text == "CONNECT example.org:443 was answered with 407 Login please"
    assert finding.frames == (1, 2)
    assert (said.phases[0].name, said.phases[0].outcome) == ("proxy", Outcome.FAILED)
    assert said.title == "proxy tunnel to example.org:443"


def test_a_bad_request_is_found() -> None:
    bad = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    said = play(PROTOCOL, (INI, GET), (RES, bad + bad))
    assert [finding.text for finding in said.findings] == [
        "GET /a was answered with 400 Bad Request",
        "a request was answered with 400 Bad Request",
    ]


def test_no_answer_is_a_phase_without_one() -> None:
    assert play(PROTOCOL, (INI, GET)).phases[0].outcome is Outcome.UNANSWERED


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(INI, GET + b"\x16\x03\x01")], "neither a request line nor a status line (§3, §4)"),
        ([(INI, GET), (RES, b"SSH-2.0")], "neither a request line nor a status line (§3, §4)"),
        ([(INI, GET + b"GET /\r\n\r\n")], "not a request line: 'GET /' (§3)"),
        ([(INI, GET), (RES, b"HTTP/1.1 okay\r\n\r\n")], "not a status line: 'HTTP/1.1 okay' (§4)"),
        ([(INI, GET + b"A" * 66000)], "neither a request line nor a status line (§3, §4)"),
        ([(INI, GET + b"GET / HTTP/1.1\r\na: " + b"b" * 66000 + b"\r\n\r\n")], "a head of more than 65536 bytes"),
        ([(INI, GET + b"GET / HTTP/1.1\r\na: " + b"b" * 66000)], "a head of more than 65536 bytes"),
        (
            [(INI, b"POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n")],
            "Content-Length '1, 2' is no length (§6.3)",
        ),
        (
            [(INI, b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n")],
            "the request's last transfer coding is not chunked, so its length is unknown (§6.3)",
        ),
        (
            [(INI, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")],
            "not the size of a chunk: 'xyz' (§7.1)",
        ),
        (
            [(INI, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"a" * 5000)],
            "a line of more than 4096 bytes in a chunked body (§7.1)",
        ),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str) -> None:
    said = play(PROTOCOL, *frames)
    assert said.lines[-1] == ("http.malformed", why)


def test_requests_in_flight_are_bounded() -> None:
    room = dissector.Http()
    room.client = INI
    for number in range(dissector.MAX_IN_FLIGHT + 2):
        piece = core.Piece(b"GET / HTTP/1.1\r\n\r\n", [(0, number, 54, 0)])
        assert list(room.on_unit(INI, piece))
    assert (len(room.asked), room.overflow) == (dissector.MAX_IN_FLIGHT, 2)


def test_long_targets_are_cut_in_words_only() -> None:
    said = play(PROTOCOL, (INI, b"GET http://h/" + b"a" * 200 + b" HTTP/1.1\r\n\r\n"))
    assert len(said.notes[0].text) == 84
    assert len(said.notes[0].fields["target"]) == 209


def test_the_client_is_whoever_asks() -> None:
    """Where the capture starts late, the initiator is a guess."""
    said = play(PROTOCOL, (RES, GET), (INI, OK))
    assert said.lines == [("http.request", "GET /a"), ("http.response", "200 OK, text/plain, 5 bytes")]
    said = play(PROTOCOL, (INI, OK[:3]), (INI, OK[3:]), (RES, GET))
    assert [note.kind for note in said.notes] == ["http.response", "http.request"]


def test_what_only_the_port_calls_http_is_not_malformed() -> None:
    assert play(PROTOCOL, (INI, b"hello"), (RES, b"world"), port=8080).lines == []


def test_traced_heads_name_their_lines() -> None:
    said = play(PROTOCOL, (INI, GET), trace=True)
    tree = said.notes[0].tree
    assert tree is not None
    assert [node.name for node in tree] == ["request_line", "field_line", "field_line", "field_line"]


class Reading(core.Dissector):
    """Tells each body that it is given."""

    def on_unit(self, sender: Side, unit: core.Piece) -> core.Outputs:
        yield core.Note("box.item", f"{sender.name} {bytes(unit).decode('latin-1')}", unit)


BODIES = protocol("box", ("http",), probe=lambda data: True, room=Reading)


def bodies(*frames: tuple[Side, bytes]) -> list[str]:
    return [note.text for note in play([PROTOCOL, BODIES], *frames).notes if note.kind == "box.item"]


def post(kind: str, body: bytes, *more: str) -> bytes:
    lines = [f"Content-Type: {kind}", *more]
    if not any(line.startswith("Transfer-Encoding") for line in more):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(["POST /whip HTTP/1.1", "Host: h", *lines, "", ""]).encode() + body


def test_bodies_that_may_signal_something_are_given_inwards_whole() -> None:
    ask = post("application/sdp", b"v=0 offer")
    answer = b"HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{}"
    for asked in ([(INI, ask)], [(INI, ask[:-4]), (INI, ask[-4:])]):
        assert bodies(*asked, (RES, answer)) == ["INITIATOR v=0 offer", "RESPONDER {}"]


def test_other_bodies_are_only_counted() -> None:
    assert bodies((INI, post("text/html", b"<p>")), (INI, post("image/png", b"png"))) == []
    assert bodies((INI, post("application/problem+json", b"{}"))) == ["INITIATOR {}"]
    assert bodies((INI, post("application/json", b"{}", "Content-Encoding: br"))) == []


def test_a_chunked_body_is_put_together() -> None:
    chunks = b"3\r\nv=0\r\n6\r\n offer\r\n0\r\n\r\n"
    ask = post("application/sdp", chunks, "Transfer-Encoding: chunked")
    assert bodies((INI, ask)) == ["INITIATOR v=0 offer"]
    assert bodies(*[(INI, ask[at : at + 1]) for at in range(len(ask))]) == ["INITIATOR v=0 offer"]


@pytest.mark.parametrize(("coding", "packed"), [("gzip", gzip.compress(b"v=0")), ("deflate", zlib.compress(b"v=0"))])
def test_a_packed_body_is_unpacked(coding: str, packed: bytes) -> None:
    assert bodies((INI, post("application/sdp", packed, f"Content-Encoding: {coding}"))) == ["INITIATOR v=0"]


def test_a_body_that_is_not_what_it_claims_is_left_alone() -> None:
    ask = post("application/sdp", b"v=0", "Content-Encoding: gzip")
    said = play([PROTOCOL, BODIES], (INI, ask), (RES, OK))
    assert [note.kind for note in said.notes] == ["http.request", "http.response", "box.item"]


def test_what_is_unpacked_has_a_limit() -> None:
    bomb = zlib.compress(bytes(10 * MAX_BODY_BYTES))
    (told,) = bodies((INI, post("text/plain", bomb, "Content-Encoding: deflate")))
    assert len(told) == len("INITIATOR ") + MAX_BODY_BYTES


def test_a_body_that_is_too_long_is_only_counted() -> None:
    long = bytes(MAX_BODY_BYTES + 1)
    assert bodies((INI, post("text/plain", long))) == []
    chunks = b"%x\r\n%s\r\n1\r\na\r\n0\r\n\r\n" % (MAX_BODY_BYTES, long[1:])
    assert bodies((INI, post("text/plain", chunks, "Transfer-Encoding: chunked")), (INI, GET)) == []


def test_no_view_shows_credentials() -> None:
    ask = GET[:-2] + b"Authorization: Basic c2VjcmV0\r\nCookie: id=secret\r\nX: y\r\n\r\n"
    said = play(PROTOCOL, (INI, ask), (RES, OK), trace=True)
    tree = said.notes[0].tree
    assert tree is not None
    lines = [field for field in tree if field.name == "field_line"]
    assert [field.value is None for field in lines] == [False, False, True, True, False, False]
    assert "secret" not in repr(said.notes[0].fields)
