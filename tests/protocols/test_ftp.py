"""FTP as far as AUTH TLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.ftp import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b"220-Welcome\r\n to the FTP server\r\n220 FTP ready\r\n")
SHORT = (RES, b"220 ftp.example.org FTP server\r\n")
FEAT = (INI, b"FEAT\r\n")
OFFER = (RES, b"211-Features:\r\n AUTH SSL;TLS\r\n UTF8\r\n211 End\r\n")
ASK = (INI, b"AUTH TLS\r\n")
READY = (RES, b"234 go\r\n")
REFUSED = (RES, b"502 not here\r\n")
DIALOG = [SHORT, FEAT, OFFER, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said)[1:] == ["FEAT", "211 offers AUTH TLS", "AUTH TLS", "234 go", "hello", "olleh"]
    assert said.facts == {"application": "ftp", "starttls": True}
    assert said.title == "ftp://ftp.example.org"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)


def test_a_refusal() -> None:
    said = play(PROTOCOL, SHORT, ASK, REFUSED, (INI, b"AUTH SSL\r\n"), REFUSED, (INI, b"QUIT\r\n"))
    assert [finding.text for finding in said.findings] == ["AUTH TLS was answered with 502 not here"]
    assert (said.findings[0].severity, said.phases[0].outcome) == (Severity.ERROR, Outcome.FAILED)
    said = play(PROTOCOL, SHORT, ASK, REFUSED, (INI, b"USER bob\r\n"))
    assert said.findings[0].severity is Severity.WARNING


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        (INI, b"USER bob\r\n"),
        (RES, b"331 password for bob\r\n"),
        (INI, b"PASS secret\r\nAUTH bob\r\nsecret\r\nAUTH GSSAPI\r\nRETR a\r\n"),
        (RES, b"230 bob is in\r\n504 bob\r\n500 secret\r\n334 ok\r\n150 wait\r\n226 done\r\n"),
        trace=True,
        port=21,
    )
    assert hides(said, "bob", "secret")
    assert texts(said)[1:] == [
        "USER (credentials not shown)",
        "331",
        "PASS (credentials not shown)",
        "AUTH (credentials not shown)",
        "unknown command (not shown)",
        "AUTH GSSAPI",
        "RETR a",
        "230",
        "504",
        "500",
        "334 ok",
        "150 wait",
        "226 done",
    ]
    assert said.title == "ftp://10.0.0.2:21"


def test_inside_tls_and_in_half() -> None:
    said = play(PROTOCOL, (INI, b"USER bob\r\n"), (RES, b"331 go on\r\n"), over="tls")
    assert texts(said) == ["USER (credentials not shown)", "331"]
    said = play(PROTOCOL, (RES, b"120 in a minute\r\n"), SHORT, port=21)
    assert said.lines == []
    said = play(PROTOCOL, ASK, (RES, b"120 in a minute\r\n"))
    assert texts(said) == ["AUTH TLS", "120 in a minute"]
    assert play(PROTOCOL, *DIALOG[:4]).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], SHORT, (INI, 6), (RES, 9), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, SHORT, *[FEAT, OFFER] * 50).notes) == 40
    assert len(play(PROTOCOL, SHORT, (INI, b"\r\n" + b"NOOP\r\n" * 50)).notes) == 40
    assert texts(play(PROTOCOL, SHORT, FEAT, (RES, b"211-F\r\n UTF8\r\n211 End\r\n")))[-1] == "211 no AUTH TLS"


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (SHORT[1], True),
        (b"220 ready\r\n", None),
        (b"220 ready\r\n33", None),
        (b"220 ready\r\n331 ", True),
        (b"220 ready\r\n250-", False),
        (b"220-ready\r\n220 ", None),
        (b"220 mx ESMTP\r\n", False),
        (b"220 " + b"x" * 600, False),
        (b"220 x", None),
        (b"221 ", False),
        (b"331", None),
        (b"331 ok", True),
        (b"331a", False),
        (b"auth tls\r\n", True),
        (b"AUTH TL", None),
        (b"USER bob\r\nPASS x\r\nSYST\r\n", True),
        (b"USER bob\r\n", None),
        (b"HOST a\r\n", None),
        (b"FEATURE", False),
        (b"GET ", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [SHORT, ASK, REFUSED], [ASK, READY]],
    [GREETING[1], b"120 x\r\n", b"220 x\r\n", b"USER x\r\n", b"AUTH TLS\r\n", b"234 x\r\n", b"211-a\r\n", b"211 b\r\n"],
)
