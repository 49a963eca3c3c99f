"""ManageSieve as far as STARTTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.sieve import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

GREETING = (RES, b'"IMPLEMENTATION" "Pigeonhole"\r\n"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK "ready"\r\n')
ASK = (INI, b"STARTTLS\r\n")
READY = (RES, b'OK "begin"\r\n')
REFUSED = (RES, b'NO (REFERRAL "x") "not here"\r\n')
DIALOG = [GREETING, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == ["Pigeonhole, offers STARTTLS", "STARTTLS", 'OK "begin"', "hello", "olleh"]
    assert said.facts == {"application": "sieve", "starttls": True}
    assert said.title == "sieve://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 1)


def test_a_refusal() -> None:
    said = play(PROTOCOL, GREETING, ASK, REFUSED, (INI, b"LOGOUT\r\n"))
    assert said.findings[0].text == 'STARTTLS was answered with NO (REFERRAL "x") "not here"'
    assert (said.findings[0].spec, said.phases[0].outcome) == ("RFC 5804 2.2", Outcome.FAILED)
    said = play(PROTOCOL, GREETING, ASK, REFUSED, (INI, b"NOOP\r\n"))
    assert said.findings[0].severity is Severity.WARNING


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        GREETING,
        (INI, b'AUTHENTICATE "PLAIN" {4+}\r\nYm9i\r\n'),
        (RES, b'"Ym9i"\r\nNO "Ym9i"\r\n'),
        (INI, b'Ym9i\r\nAUTHENTICATE "x"\r\nYm9i\r\n'),
        (RES, b'OK "Ym9i"\r\n'),
        (INI, b"NOOP\r\n"),
        trace=True,
    )
    assert hides(said, "Ym9i")
    assert texts(said)[1:] == [
        "AUTHENTICATE PLAIN (credentials not shown)",
        "NO",
        "unknown command (not shown)",
        "AUTHENTICATE (credentials not shown)",
        "OK",
    ]


def test_what_else_there_is() -> None:
    said = play(
        PROTOCOL, GREETING, (INI, b"CAPABILITY\r\n"), (RES, b'"SIEVE" {1}\r\nx\r\nOK\r\n\r\nBYE\r\n'), over="tls"
    )
    assert texts(said)[1:] == ["CAPABILITY", "no STARTTLS", "BYE"]
    assert play(PROTOCOL, GREETING, ASK).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], GREETING, (INI, 6), (INI, HELLO)))[1:] == ["hello"]
    assert len(play(PROTOCOL, GREETING, (INI, b"\r\n" + b"NOOP\r\n" * 50)).notes) == 40
    assert len(play(PROTOCOL, GREETING, (RES, b"OK\r\n" * 50)).notes) == 40


@pytest.mark.parametrize(
    ("head", "verdict"),
    [(b"", None), (b'"impl', None), (GREETING[1], True), (b'"IMPLEMENTED"   "', False), (b"OK", False)],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [GREETING, ASK, REFUSED]],
    [b"{3}\r\n", b"OK\r\n", b"NO\r\n", b'AUTHENTICATE "x"\r\n', b'"a"\r\n'],
)
