"""IMAP as far as STARTTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.imap import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")
PLAIN = (RES, b"* OK ready\r\n")
ASK_WHAT = (INI, b"a CAPABILITY\r\n")
OFFER = (RES, b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n")
ASK = (INI, b"b STARTTLS\r\n")
READY = (RES, b"b OK begin\r\n")
REFUSED = (RES, b"b NO not here\r\n")
DIALOG = [PLAIN, ASK_WHAT, OFFER, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == [
        "OK ready",
        "CAPABILITY",
        "offers STARTTLS",
        "OK done",
        "STARTTLS",
        "OK begin",
        "hello",
        "olleh",
    ]
    assert said.notes[2].fields["capability"] == ["IMAP4rev1", "STARTTLS"]
    assert said.facts == {"application": "imap", "starttls": True}
    assert said.title == "imap://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)
    assert texts(play(PROTOCOL, GREETING)) == ["OK, offers STARTTLS"]


def test_a_refusal() -> None:
    said = play(PROTOCOL, PLAIN, ASK, REFUSED, (INI, b"c LOGOUT\r\n"))
    assert said.findings[0].text == "STARTTLS was answered with NO not here"
    assert (said.findings[0].spec, said.phases[0].outcome) == ("RFC 9051 6.2.1", Outcome.FAILED)
    said = play(PROTOCOL, PLAIN, ASK, REFUSED, (INI, b"c LOGIN bob secret\r\n"))
    assert said.findings[0].severity is Severity.WARNING


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        PLAIN,
        (INI, b"a LOGIN {3}\r\n"),
        (RES, b"+ go on\r\n"),
        (INI, b"bob {6}\r\n"),
        (RES, b"+ go on\r\n"),
        (INI, b"secret\r\n"),
        (RES, b"a NO bob\r\n"),
        (INI, b"b AUTHENTICATE PLAIN\r\nYm9i\r\n"),
        (RES, b"+ \r\n* CAPABILITY Ym9i\r\nb BAD Ym9i\r\nz bob\r\nz OK bob\r\n"),
        (INI, b"Ym9i\r\nc LOGIN bob secret\r\n"),
        (RES, b"c OK bob\r\n"),
        (INI, b"d SELECT INBOX\r\n"),
        trace=True,
    )
    assert hides(said, "bob", "Ym9i", "secret")
    assert texts(said)[1:] == [
        "LOGIN (credentials not shown)",
        "NO",
        "AUTHENTICATE PLAIN (credentials not shown)",
        "BAD",
        "an answer to nothing that was asked",
        "OK",
        "unknown command (not shown)",
        "LOGIN (credentials not shown)",
        "OK",
    ]


def test_inside_tls_in_half_and_in_bulk() -> None:
    assert texts(play(PROTOCOL, ASK_WHAT, OFFER, over="tls")) == ["CAPABILITY", "offers STARTTLS", "OK done"]
    assert play(PROTOCOL, PLAIN, ASK).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], PLAIN, (INI, 6), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, PLAIN, *[ASK_WHAT, OFFER] * 50).notes) == 41
    assert len(play(PROTOCOL, PLAIN, (RES, b"a OK\r\n" * 50)).notes) == 41
    assert texts(play(PROTOCOL, PLAIN, (INI, b"\r\na SELECT x\r\nb NOOP\r\n")))[1:] == ["SELECT"]
    # literals of the server are passed over
    said = play(PROTOCOL, PLAIN, (INI, b"a ID NIL\r\n"), (RES, b'* ID ("name" {4}\r\na OK)\r\na OK yes\r\n'))
    assert texts(said)[1:] == ["ID NIL", "OK yes"]
    # answers that are not in the capture
    assert texts(play(PROTOCOL, PLAIN, (INI, b"a NOOP\r\nb NOOP\r\n"), (RES, b"b OK\r\na OK x\r\n")))[-2:] == [
        "OK",
        "OK",
    ]


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"* OK hi\r\n", True),
        (b"* preauth hi\r\n", True),
        (b"* O", None),
        (b"* OK hi", None),
        (b"* 1 EXISTS\r\n", False),
        (b"*3\r\n$3\r\nSET\r\n", False),
        (b"* OKAY\r\n", False),
        (b"a1 capability\r\n", True),
        (b"a1 capab", None),
        (b"a1 LOGIN bob x\r\n", True),
        (b"a1 LOGIN bob x", None),
        (b"a1 FOO bar", False),
        (b"a1", None),
        (b"GET / HTTP/1.1\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"\x16\x03", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [PLAIN, ASK, REFUSED], [ASK_WHAT, OFFER]],
    [b"* OK x\r\n", b"c LOGIN {5}\r\n", b"c OK\r\n", b"b OK\r\n", b"b STARTTLS\r\n", b"+ x\r\n", b"{3}\r\n"],
)
