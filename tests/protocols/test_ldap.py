"""LDAP as far as StartTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity, Side
from analyzer.protocols.ldap import PROTOCOL, START_TLS, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts


def tlv(tag: int, inside: bytes) -> bytes:
    if len(inside) < 128:
        return bytes((tag, len(inside))) + inside
    return bytes((tag, 0x82)) + len(inside).to_bytes(2, "big") + inside


def message(number: int, tag: int, inside: bytes) -> bytes:
    return tlv(0x30, b"\2\1" + bytes([number]) + tlv(tag, inside))


def result(code: int) -> bytes:
    return b"\x0a\1" + bytes([code]) + b"\4\0\4\0"


SEARCH = (INI, message(1, 0x63, b"\4\0" + b"bob" * 50))
FOUND = (RES, message(1, 0x64, b"\4\3bob") + message(1, 0x65, result(0)))
ASK = (INI, message(2, 0x77, tlv(0x80, START_TLS.encode())))
READY = (RES, message(2, 0x78, result(0)))
REFUSED = (RES, message(2, 0x78, result(2)))
BIND = (INI, message(3, 0x60, b"\2\1\3\4\3bob\x80\6secret"))
BOUND = (RES, message(3, 0x61, result(0)))
DENIED = (RES, message(3, 0x61, result(49)))
DIALOG = [SEARCH, FOUND, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG, trace=False)
    assert texts(said) == ["search", "entry", "search done: success", "StartTLS", "StartTLS: success", "hello", "olleh"]
    assert said.facts == {"application": "ldap", "starttls": True}
    assert said.title == "ldap://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)


def test_a_refusal() -> None:
    said = play(PROTOCOL, ASK, REFUSED, (INI, message(3, 0x42, b"")))
    assert said.findings[0].text.startswith("StartTLS was answered with protocolError: the server")
    assert (said.findings[0].spec, said.phases[0].outcome) == ("RFC 4511 4.14.2", Outcome.FAILED)
    said = play(PROTOCOL, ASK, REFUSED, BIND, DENIED, BIND, BOUND, SEARCH, trace=True)
    assert said.findings[0].severity is Severity.WARNING
    assert texts(said)[2:] == [
        "bind (credentials not shown)",
        "bind: invalidCredentials",
        "bind (credentials not shown)",
        "bind: success",
    ]
    assert hides(said, "bob", "secret")


def test_what_else_there_is() -> None:
    assert texts(play(PROTOCOL, BIND, BOUND, over="tls")) == ["bind (credentials not shown)", "bind: success"]
    unasked = (RES, message(0, 0x78, result(52)))
    assert texts(play(PROTOCOL, unasked)) == ["disconnects: unavailable"]
    assert texts(play(PROTOCOL, ASK, (RES, message(9, 0x78, result(99)))))[1:] == ["extended response: result 99"]
    odd = (INI, message(4, 0x77, tlv(0x80, b"1.2.3")))
    assert texts(play(PROTOCOL, odd)) == ["extended request 1.2.3"]
    assert play(PROTOCOL, ASK).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], SEARCH, (INI, 6), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, *[SEARCH, FOUND] * 50).notes) == 40


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(INI, b"\x31")], "not a message: no SEQUENCE (§5.1)"),
        ([(INI, b"\x30\x80")], "a message whose length is not definite, or too large (§5.1)"),
        ([(INI, b"\x30\x84\xff\xff\xff\xff")], "a message whose length is not definite, or too large (§5.1)"),
        ([(INI, message(1, 0x61, result(0)))], "a request of tag 0x61 (§4.2)"),
        ([(RES, message(1, 0x60, b""))], "a response of tag 0x60 (§4.2)"),
        ([(RES, message(1, 0x61, b"\4\1a"))], "tag 0x04 where 0x0a was due (§4.1)"),
        ([(RES, message(1, 0x61, b"\x0a\0"))], "a number of 0 bytes (§4.1.1)"),
        ([(RES, b"\x30\5\2\1\1\x61\x85")], "a length that is not definite, or too large (§5.1)"),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str) -> None:
    assert play(PROTOCOL, SEARCH, *frames).lines[-1] == ("ldap.malformed", why)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"\x30", None),
        (b"\x30\x0c", None),
        (b"\x30\x0c\2\1", None),
        (ASK[1], True),
        (SEARCH[1], True),
        (FOUND[1], True),
        (BIND[1], True),
        (BIND[1][:8], None),
        (message(1, 0x60, b"\2\1\7"), False),
        (b"\x30\x0c\2\1\1\x60\xff", False),
        (message(1, 0x42, b""), None),
        (b"\x30\x80\2\1\1", False),
        (b"\x30\xff", False),
        (b"\x30\x0c\4\1", False),
        (b"\x30\x0c\4", False),
        (b"\x30\x0c\2\x09", False),
        (b"\x30\x0c\2\1\0\4\6public", False),
        (b"GET", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL, [DIALOG, [ASK, REFUSED, BIND, BOUND]], [READY[1], ASK[1], BIND[1], b"\x30\x05\2\1", FOUND[1]]
)
