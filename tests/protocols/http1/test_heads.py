"""Heads of messages: what is taken, what is blamed, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece
from analyzer.protocols.http1 import heads
from analyzer.protocols.http1.heads import CHUNKED, Head, body_size, probe, read_head, request_line, status_line


def read(data: bytes, name: str = "request_line") -> Head:
    return read_head(Piece(data, [(0, 1, 54, 0)]), name)


def blame(data: bytes) -> list[str]:
    head = read(data)
    (status_line if data[:5].upper() == b"HTTP/" else request_line)(head)
    return head.faults


GET = b"GET / HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (GET + b"\r\n", []),
        (b"GET / HTTP/1.0\r\n\r\n", []),
        (b"HTTP/1.1 200 OK\r\n\r\n", []),
        (b"HTTP/1.1 200 \r\n\r\n", []),
        (b"HTTP/1.1 200\r\n\r\n", []),
        (b"GET / HTTP/1.1\nHost: h\n\n", ["ends lines with LF alone (§2.2)"]),
        (GET + b"A: 1\n\r\n", ["ends lines with LF alone (§2.2)"]),
        (b"GET  /  HTTP/1.1\r\nHost: h\r\n\r\n", ["has odd spacing in its first line (§3)"]),
        (b"GET\t/ HTTP/1.1 \r\nHost: h\r\n\r\n", ["has odd spacing in its first line (§3)"]),
        (b"HTTP/1.1  200\tOK\r\n\r\n", ["has odd spacing in its first line (§4)"]),
        (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", ["has white space in its target (§3.2)"]),
        (b"GET / http/1.1\r\nHost: h\r\n\r\n", ["writes its version http/1.1 (§2.3)"]),
        (b"http/1.1 200 OK\r\n\r\n", ["writes its version http/1.1 (§2.3)"]),
        (b"GET / HTTP/1.1\r\n\r\n", ["has no Host (§3.2)"]),
        (GET + b"Host: i\r\n\r\n", ["has more than one Host (§3.2)"]),
        (GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", ["has more than one Content-Length (§6.3)"]),
        (GET + b"A : 1\r\n\r\n", ["has white space between a and its colon (§5.1)"]),
        (GET + b"A: 1\r\n 2\r\n\t3\r\n\r\n", ["folds a over several lines (§5.2)"]),
        (b"GET / HTTP/1.0\r\n folded\r\n\r\n", ["has white space before its first field (§2.2)"]),
        (GET + b"junk\r\n\r\n", ["has a line without a colon, 'junk' (§5)"]),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
         ["has Transfer-Encoding in HTTP/1.0, which does not know it (§6.1)"]),
        (GET + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         ["has Transfer-Encoding and Content-Length: whoever heeds the other one sees another message (§6.3)"]),
    ],
)  # fmt: skip
def test_rules_that_heads_break(data: bytes, faults: list[str]) -> None:
    assert blame(data) == faults


def test_faults_of_one_head_are_bounded() -> None:
    lines = b"".join(b"junk %d\r\n" % number for number in range(50))
    assert len(blame(GET + lines + b"\r\n")) == heads.MAX_FAULTS


def test_fields_that_repeat_or_fold_are_one_value() -> None:
    assert read(GET + b"A: 1\r\na: 2\r\nB:\r\n x\r\n\r\n").fields == {"host": "h", "a": "1, 2", "b": "x"}


@pytest.mark.parametrize("line", [b"", b"GET", b"GET /", b"GET / HTTP/2.0", b"G(T / HTTP/1.1", b"GET HTTP/1.1"])
def test_what_is_no_request_line(line: bytes) -> None:
    with pytest.raises(Malformed, match="not a request line"):
        request_line(read(line + b"\r\n\r\n"))


@pytest.mark.parametrize("line", [b"HTTP/1.1", b"HTTP/1.1 20", b"HTTP/1.1 099 X", b"HTTP/1.1 2000", b"HTTP/2.0 200 OK"])
def test_what_is_no_status_line(line: bytes) -> None:
    with pytest.raises(Malformed, match="not a status line"):
        status_line(read(line + b"\r\n\r\n"))


@pytest.mark.parametrize(
    ("fields", "status", "method", "size"),
    [
        ({}, None, None, 0),
        ({"content-length": "7"}, None, None, 7),
        ({"content-length": "7, 7"}, None, None, 7),
        ({"transfer-encoding": "gzip, chunked", "content-length": "7"}, None, None, CHUNKED),
        ({}, 200, "GET", -1),
        ({"transfer-encoding": "gzip"}, 200, "GET", -1),
        ({"content-length": "7"}, 200, "HEAD", None),
        ({"content-length": "7"}, 304, "GET", None),
        ({"content-length": "7"}, 204, "GET", None),
        ({}, 101, "GET", None),
    ],
)
def test_sizes_of_bodies(fields: dict[str, str], status: int | None, method: str | None, size: int | None) -> None:
    assert body_size(fields, status, method) == size


@pytest.mark.parametrize("fields", [{"content-length": "7, 8"}, {"content-length": "x"}, {"transfer-encoding": "gzip"}])
def test_bodies_whose_end_nobody_knows(fields: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        body_size(fields, None, None)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / http/1.1\n", True),
        (b"\r\nFOO / HTTP/1.0\r\n", True),
        (b"GET / HTTP/1.1", None),
        (b"GE", None),
        (b"", None),
        (b"FOO bar", None),
        (b"HTTP/1.", True),
        (b"HTTP", None),
        (b"HTTP/2.0 200", False),
        (b"PRI * HTTP/2.0\r\n", False),
        (b"DESCRIBE rtsp://h RTSP/1.0\r\n", False),
        (b"INVITE sip:h SIP/2.0\r\n", False),
        (b"SSH-2.0-OpenSSH_9\r\n", False),
        (b"\x16\x03\x01\x02\x00", False),
        (b"220 mail.example ESMTP and a long greeting", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


@pytest.mark.parametrize(
    ("head", "asked", "verdict"),
    [
        (b"GET /x HT", True, True),
        (b"GE", True, None),
        (b"rest of a body", True, False),
        (b"HTTP/1.1 200 OK", False, True),
        (b"HTT", False, None),
        (b"GET / ", False, False),
        (b"", False, None),
    ],
)
def test_where_messages_begin_again(head: bytes, asked: bool, verdict: bool | None) -> None:
    assert heads.resumes(head, asked) is verdict


@pytest.mark.parametrize(
    ("status", "tries", "part"),
    [
        (407, 1, "no credentials"),
        (407, 2, "does not take the credentials"),
        (403, 1, "policy"),
        (503, 1, "reach"),
        (418, 1, ""),
    ],
)
def test_why_a_proxy_refuses(status: int, tries: int, part: str) -> None:
    why = heads.why_refused(status, tries)
    assert part in why
    assert bool(part) is bool(why)


def test_words_on_requests_and_responses() -> None:
    lines = {"authorization": "Bearer secret", "proxy-authorization": "Basic secret", "via": "1.1 a"}
    said = heads.request_text("GET", "/", "", lines)
    assert said == "GET /, logs in by Bearer, logs in at the proxy by Basic, via 1.1 a"
    assert heads.response_text(401, "No", {"www-authenticate": "Digest realm=x", "via": "1.0 b"}) == (
        "401 No, wants Digest, via 1.0 b"
    )
    assert heads.response_text(302, "Found", {"location": "/y", "content-type": "text/html; x"}) == (
        "302 Found, text/html, to /y"
    )
    assert heads.response_text(407, "No", {}) == "407 No"


@given(st.binary(max_size=300))
def test_any_head_is_read(data: bytes) -> None:
    head = read(data + b"\r\n\r\n")
    assert len(head.faults) <= heads.MAX_FAULTS
    assert all(name == name.lower() for name in head.fields)
