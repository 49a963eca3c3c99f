"""NNTP as far as STARTTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.nntp import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b"200 news.example.org InterNetNews NNRP server ready\r\n")
ASK_WHAT = (INI, b"CAPABILITIES\r\n")
OFFER = (RES, b"101 list:\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n")
ASK = (INI, b"STARTTLS\r\n")
READY = (RES, b"382 go on\r\n")
REFUSED = (RES, b"580 not now\r\n")
DIALOG = [GREETING, ASK_WHAT, OFFER, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said)[1:] == ["CAPABILITIES", "101 offers STARTTLS", "STARTTLS", "382 go on", "hello", "olleh"]
    assert said.facts == {"application": "nntp", "starttls": True}
    assert said.title == "nntp://news.example.org"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)


def test_a_refusal() -> None:
    said = play(PROTOCOL, *DIALOG[:4], REFUSED, (INI, b"QUIT\r\n"))
    assert said.findings[0].text == "STARTTLS was answered with 580 not now"
    assert said.phases[0].outcome is Outcome.FAILED
    said = play(PROTOCOL, *DIALOG[:4], REFUSED, (INI, b"GROUP a.b\r\n"), (RES, b"211 1 2 3 a.b\r\n"))
    assert said.findings[0].severity is Severity.WARNING
    assert texts(said)[-1] == "GROUP a.b"


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        (INI, b"AUTHINFO USER bob\r\n"),
        (RES, b"381 password of bob\r\n"),
        (INI, b"AUTHINFO PASS secret\r\n"),
        (RES, b"481 bob\r\n"),
        (INI, b"authinfo sasl LOGIN\r\n"),
        (RES, b"383 Ym9i\r\n"),
        (INI, b"Ym9i\r\n"),
        (RES, b"281 bob\r\n"),
        (INI, b"Ym9i\r\n\r\nDATE\r\n"),
        (RES, b"500 Ym9i\r\n111 20260101000000\r\n"),
        trace=True,
    )
    assert hides(said, "bob", "Ym9i", "secret")
    assert texts(said)[1:] == [
        "AUTHINFO (credentials not shown)",
        "381",
        "AUTHINFO (credentials not shown)",
        "481",
        "AUTHINFO SASL LOGIN (credentials not shown)",
        "383 (challenge), (credentials not shown)",
        "281",
        "unknown command (not shown)",
        "DATE",
        "500",
        "111 20260101000000",
    ]


def test_inside_tls_in_half_and_in_bulk() -> None:
    assert texts(play(PROTOCOL, ASK_WHAT, OFFER, over="tls")) == ["CAPABILITIES", "101 offers STARTTLS"]
    assert play(PROTOCOL, *DIALOG[:4]).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], GREETING, (INI, 6), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, GREETING, *[ASK_WHAT, OFFER] * 50).notes) == 40
    assert len(play(PROTOCOL, GREETING, *[(RES, b"400 x\r\n")] * 50).notes) == 40
    said = play(PROTOCOL, (RES, b"200 ready\r\n"), ASK_WHAT, port=119)
    assert (said.title, texts(said)) == ("nntp://10.0.0.2:119", ["200 ready", "CAPABILITIES"])
    said = play(PROTOCOL, GREETING, ASK_WHAT, (RES, b"x\r\n\r\n"))
    assert said.lines[-1] == ("nntp.malformed", "not a reply: no three digits (§3.2)")


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (GREETING[1], True),
        (b"200 ready\r\n", None),
        (b"200 rea", None),
        (b"20", None),
        (b"201 " + b"x" * 600, False),
        (b"220 x", False),
        (b"capabilities\r\n", True),
        (b"CAPA\r\n", False),
        (b"CAPA", None),
        (b"AUTHINFO USER b", None),
        (b"MODE READER\r\n", True),
        (b"AUTHINFO USER " + b"x" * 600, False),
        (b"GET", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [*DIALOG[:4], REFUSED], [ASK_WHAT, OFFER]],
    [b"101 a\r\n", b".\r\n", b"STARTTLS\r\n", b"383 x\r\n", b"AUTHINFO SASL PLAIN\r\n", b"382 x\r\n", b"38"],
)
