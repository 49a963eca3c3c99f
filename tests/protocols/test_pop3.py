"""POP3 as far as STLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.pop3 import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b"+OK mail.example.org POP3 ready <1.2@example.org>\r\n")
CAPA = (INI, b"CAPA\r\n")
OFFER = (RES, b"+OK list follows\r\nSTLS\r\nUIDL\r\n.\r\n")
ASK = (INI, b"STLS\r\n")
READY = (RES, b"+OK begin\r\n")
REFUSED = (RES, b"-ERR no TLS here\r\n")
DIALOG = [GREETING, CAPA, OFFER, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said)[1:] == ["CAPA", "+OK, offers STLS", "STLS", "+OK begin", "hello", "olleh"]
    assert said.notes[2].fields["capabilities"] == ["STLS", "UIDL"]
    assert said.facts == {"application": "pop3", "starttls": True}
    assert said.title == "pop3://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)


def test_a_refusal() -> None:
    said = play(PROTOCOL, *DIALOG[:4], REFUSED, (INI, b"QUIT\r\n"), (RES, b"+OK\r\n"))
    assert (said.findings[0].text, said.findings[0].spec) == ("STLS was answered with -ERR no TLS here", "RFC 2595 4")
    assert (said.findings[0].severity, said.phases[0].outcome) == (Severity.ERROR, Outcome.FAILED)
    said = play(PROTOCOL, *DIALOG[:4], REFUSED, (INI, b"USER bob\r\n"), trace=True)
    assert said.findings[0].severity is Severity.WARNING
    assert hides(said, "bob")


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        (INI, b"AUTH PLAIN\r\n"),
        (RES, b"+ \r\n"),
        (INI, b"Ym9i\r\n"),
        (RES, b"-ERR Ym9i\r\n"),
        (INI, b"APOP bob c4c9334b\r\nuser bob\r\nYm9i\r\nPASS secret\r\n"),
        (RES, b"-ERR bob\r\n+OK bob\r\n-ERR bob\r\n+OK bob has mail\r\n"),
        (INI, b"LIST\r\n"),
        trace=True,
    )
    assert hides(said, "bob", "Ym9i", "secret", "c4c9")
    assert texts(said)[1:] == [
        "AUTH PLAIN (credentials not shown)",
        "+ (challenge), (credentials not shown)",
        "-ERR",
        "APOP (credentials not shown)",
        "USER (credentials not shown)",
        "unknown command (not shown)",
        "PASS (credentials not shown)",
        "-ERR",
        "+OK",
        "-ERR",
        "+OK",
    ]


def test_inside_tls_and_in_half() -> None:
    assert texts(play(PROTOCOL, CAPA, OFFER, over="tls")) == ["CAPA", "+OK, offers STLS"]
    assert texts(play(PROTOCOL, CAPA, (RES, b"+OK\r\nUIDL\r\n.\r\n")))[1:] == ["+OK, no STLS"]
    assert texts(play(PROTOCOL, CAPA, (RES, b"-ERR\r\n")))[1:] == ["-ERR"]
    assert play(PROTOCOL, *DIALOG[:4]).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], GREETING, (INI, 6), (RES, 9), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, GREETING, *[CAPA, OFFER] * 50).notes) == 40
    assert len(play(PROTOCOL, GREETING, (INI, b"\r\n" + b"NOOP\r\n" * 50)).notes) == 40


def test_malformed() -> None:
    said = play(PROTOCOL, GREETING, CAPA, (RES, b"hello\r\n"))
    assert said.lines[-1] == ("pop3.malformed", "not a reply: neither +OK nor -ERR (§3)")
    said = play(PROTOCOL, GREETING, CAPA, (RES, b"+OK\r\n" + b"a\r\n" * 30000))
    assert said.lines[-1] == ("pop3.malformed", "a reply of more than 65536 bytes")


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (GREETING[1], True),
        (b"+OK ready\r\n", None),
        (b"+OK rea", None),
        (b"+OKAY\r\n", False),
        (b"+PONG\r\n", False),
        (b"capa\r\n", True),
        (b"CAPA", None),
        (b"CAPABILITY", False),
        (b"USER bob\r\n", None),
        (b"USE", None),
        (b"USERS\n" + b"x" * 20, None),
        (b"APOP" + b"x" * 600, False),
        (b"HTTP/1.1", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [*DIALOG[:4], REFUSED], [CAPA, OFFER]],
    [b"+OK\r\n", b"-ERR\r\n", b"+ \r\n", b"AUTH PLAIN\r\n", b"x\r\n", b".\r\n", b"CAPA\r\n", b"STLS\r\n", b"+O"],
)
