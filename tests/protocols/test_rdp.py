"""RDP as far as its security negotiation."""

from __future__ import annotations

import struct

import pytest

from analyzer.core import Outcome, Severity, Side
from analyzer.protocols.rdp import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts


def tpkt(code: int, rest: bytes) -> bytes:
    return struct.pack(">BBHBBHHB", 3, 0, 11 + len(rest), 6 + len(rest), code, 0, 0x1234, 0) + rest


def negotiation(kind: int, value: int) -> bytes:
    return struct.pack("<BBHI", kind, 0, 8, value)


COOKIE = b"Cookie: mstshash=bob\r\n"
ASK = (INI, tpkt(0xE0, COOKIE + negotiation(1, 3)))
BARE = (INI, tpkt(0xE0, b""))
READY = (RES, tpkt(0xD0, negotiation(2, 2)))
FAILURE = (RES, tpkt(0xD0, negotiation(3, 5)))
OWN = (RES, tpkt(0xD0, b""))
START = (INI, b"\3\0\0\x10\2\xf0\x80\x7f\x65" + bytes(7))
CREDSSP = (INI, b"\x30\x37\xa0\x03\x02\x01\x06\xa1\x30bob")
DIALOG = [ASK, READY, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG, trace=True)
    assert texts(said) == ["offers TLS, CredSSP", "takes CredSSP", "hello", "olleh"]
    assert hides(said, "bob")
    assert said.facts == {"application": "rdp", "starttls": True}
    assert said.title == "rdp://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 1)


def test_refusals() -> None:
    said = play(PROTOCOL, ASK, FAILURE)
    assert said.findings[0].text.startswith("the security negotiation was answered with HYBRID_REQUIRED_BY_SERVER: The")
    assert (said.findings[0].severity, said.phases[0].outcome) == (Severity.ERROR, Outcome.FAILED)
    said = play(PROTOCOL, ASK, (RES, tpkt(0xD0, negotiation(3, 99))))
    assert said.findings[0].text.endswith("failure 99")
    said = play(PROTOCOL, ASK, OWN, START)
    assert said.findings[0].severity is Severity.WARNING
    assert texts(said)[1:] == ["takes RDP's own security"]


def test_what_else_there_is() -> None:
    said = play(PROTOCOL, BARE, OWN, START, port=3389)
    assert (texts(said), said.findings) == (["offers no TLS", "takes RDP's own security"], [])
    assert texts(play(PROTOCOL, START, over="tls")) == ["begins the session"]
    assert texts(play(PROTOCOL, CREDSSP, over="tls", trace=True)) == ["(credentials not shown)"]
    assert texts(play(PROTOCOL, READY)) == ["takes CredSSP"]
    assert texts(play(PROTOCOL, (RES, tpkt(0xD0, negotiation(2, 64))))) == ["takes protocol 64"]
    token = (INI, tpkt(0xE0, b"Cookie: msts=1.2.0000" + b"x"))
    assert texts(play(PROTOCOL, token)) == ["offers no TLS"]
    assert play(PROTOCOL, ASK).phases[0].outcome is Outcome.UNANSWERED
    assert (
        texts(play([PROTOCOL, RECORDS], ASK, (RES, 5), (INI, HELLO), (RES, HELLO), (INI, HELLO)))[1:] == ["hello"] * 3
    )


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(RES, b"\4")], "version 4 of a TPKT (RFC 2126 4.3)"),
        ([(RES, b"\3\0\0\3")], "a TPKT of 3 bytes (RFC 2126 4.3)"),
        ([(RES, tpkt(0x80, b""))], "a unit of X.224 of code 0x80 (§2.2.1)"),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str) -> None:
    assert play(PROTOCOL, ASK, *frames).lines[1] == ("rdp.malformed", why)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"\3\0\0", None),
        (ASK[1], True),
        (ASK[1][:15], None),
        (BARE[1], None),
        (tpkt(0xE0, negotiation(1, 3)), True),
        (tpkt(0xE0, negotiation(1, 3))[:13], None),
        (tpkt(0xE0, b"\xc0\1\x0a\xc1\2\1\0"), False),
        (READY[1], True),
        (START[1], True),
        (START[1][:8], None),
        (b"\3\0\0\x16\x02\xf0\x80\x32\x01", False),
        (b"\3\0\0\x20\x06\xe0", False),
        (b"\3\1", False),
        (CREDSSP[1], True),
        (b"\x30", None),
        (b"\x30\x37\xa0", None),
        (b"\x30\x0c\x02\x01\x01", False),
        (b"\x30\xff", False),
        (b"\x16\x03", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL, [DIALOG, [ASK, FAILURE], [ASK, OWN, START]], [START[1], OWN[1], ASK[1], tpkt(0x80, b""), b"\3\0"]
)
