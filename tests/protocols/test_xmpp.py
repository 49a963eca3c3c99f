"""XMPP as far as STARTTLS."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Severity
from analyzer.protocols.xmpp import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

OPEN = (INI, b"<?xml version='1.0'?><stream:stream from='bob@example.org' to='example.org' version='1.0'>")
OPENED = (RES, b'<?xml version="1.0"?><stream:stream from="example.org" id="x" version="1.0">')
MECHANISMS = b"<mechanisms><mechanism>PLAIN</mechanism><mechanism>X</mechanism></mechanisms>"
OFFERS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
FEATURES = (RES, b"<stream:features>" + OFFERS + MECHANISMS + b"</stream:features>")
ASK = (INI, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
READY = (RES, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
REFUSED = (RES, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
DIALOG = [OPEN, OPENED, FEATURES, ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG, trace=False)
    assert texts(said) == [
        "to example.org",
        "from example.org",
        "offers STARTTLS",
        "asks for TLS",
        "begins TLS",
        "hello",
        "olleh",
    ]
    assert said.notes[0].fields == {"from": "example.org", "to": "example.org", "version": "1.0"}
    assert said.notes[2].fields == {"starttls": True, "mechanisms": ["PLAIN"]}
    assert said.facts == {"application": "xmpp", "starttls": True}
    assert said.title == "xmpp://example.org"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)


def test_a_refusal() -> None:
    said = play(PROTOCOL, *DIALOG[:4], REFUSED)
    assert texts(said)[4:] == ["refuses TLS", "closes its stream"]
    assert said.findings[0].text == "starttls was answered with failure"
    assert (said.findings[0].spec, said.phases[0].outcome) == ("RFC 6120 5.4.2.2", Outcome.FAILED)


def test_credentials_are_never_shown() -> None:
    said = play(
        PROTOCOL,
        *DIALOG[:2],
        (RES, b"<stream:features></stream:features>"),
        (INI, b"<auth xmlns='a' mechanism='PLAIN'>Ym9i</auth>"),
        (RES, b"<challenge>Ym9i</challenge><failure><not-authorized/></failure>"),
        (INI, b"<response>Ym9i</response><auth mechanism='Ym9i'>Ym9i</auth>"),
        (RES, b"<success>Ym9i</success>"),
        (INI, b"<iq>secret</iq>"),
        trace=True,
    )
    assert hides(said, "Ym9i", "secret", "bob")
    assert texts(said)[2:] == [
        "no STARTTLS",
        "PLAIN (credentials not shown)",
        "refuses the login",
        "(credentials not shown)",
        "login accepted",
    ]
    said = play(PROTOCOL, OPEN, OPENED, (INI, b"<iq><username>bob</username></iq>"), (RES, b"<message/>"))
    assert len(said.notes) == 2


def test_what_else_there_is() -> None:
    error = b"<stream:error><host-unknown/><!-- a --><foo/></stream:error></stream:stream>"
    said = play(PROTOCOL, OPEN, OPENED, (RES, error), (INI, b"<stream:error><x/></stream:error>"), over="tls")
    assert texts(said)[2:] == ["host-unknown", "closes its stream", "closes for an error"]
    assert texts(play(PROTOCOL, (INI, b"<stream:stream>"))) == ["opens"]
    assert play(PROTOCOL, *DIALOG[:4]).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], OPEN, OPENED, (INI, 6), (INI, HELLO)))[2:] == ["hello"]
    assert len(play(PROTOCOL, OPEN, *[FEATURES] * 60).notes) == 40
    assert len(play(PROTOCOL, *[OPEN] * 60).notes) == 40
    assert len(play(PROTOCOL, OPEN, OPENED, (RES, b"<presence/><success/>")).notes) == 2
    assert play(PROTOCOL, *DIALOG[:4], REFUSED, (INI, b"<auth>")).findings[0].severity is Severity.WARNING
    said = play(PROTOCOL, OPEN, (RES, b"a" * 9000))
    assert said.lines[-1] == ("xmpp.malformed", "no end of a tag in 8192 bytes (§4.2)")


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (OPEN[1], True),
        (b"<stream:stream ", True),
        (b"<stream:str", None),
        (b"<?xml version='1.0'", None),
        (b"<?xml version='1.0'?>\n<", None),
        (b"<?xml version='1.0'?><policy-file-request/>", False),
        (b"<?xml " + b"x" * 600, False),
        (b"<html>", False),
        (b"GET", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [*DIALOG[:4], REFUSED]],
    [b"<auth>x</auth>", b"<a", b">", b"<failure/>", b"<proceed/>", b"<starttls/>", b"<stream:error>", b"<features>"],
)
