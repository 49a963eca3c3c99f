"""PostgreSQL as far as SSLRequest."""

from __future__ import annotations

import struct

import pytest

from analyzer.core import Outcome, Severity, Side
from analyzer.protocols.postgresql import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

ASK = (INI, struct.pack(">II", 8, 80877103))
ASK_GSS = (INI, struct.pack(">II", 8, 80877104))
CANCEL = (INI, struct.pack(">IIII", 16, 80877102, 7, 0x41424344))
BODY = b"user\0bob\0database\0secret\0\0"
STARTUP = (INI, struct.pack(">II", 8 + len(BODY), 0x30000) + BODY)
SASL = (RES, b"R" + struct.pack(">II", 23, 10) + b"SCRAM-SHA-256\0\0")
REASON = b"SFATAL\0VFATAL\0C28000\0Mno entry for bob\0\0"
ERROR = (RES, b"E" + struct.pack(">I", 4 + len(REASON)) + REASON)
DIALOG = [ASK, (RES, b"S"), (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == ["SSLRequest", "S: begins TLS", "hello", "olleh"]
    assert said.title == "postgresql://10.0.0.2:9999"
    assert said.facts == {"application": "postgresql", "starttls": True}
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 1)


def test_a_refusal() -> None:
    said = play(PROTOCOL, ASK, (RES, b"N"))
    assert (said.findings[0].severity, said.phases[0].outcome) == (Severity.ERROR, Outcome.FAILED)
    assert said.findings[0].text == "SSLRequest was answered by N: no"
    said = play(PROTOCOL, ASK, (RES, b"N"), STARTUP, SASL, trace=True)
    assert (said.findings[0].severity, said.phases[0].outcome) == (Severity.WARNING, Outcome.ESTABLISHED)
    assert texts(said)[2:] == ["protocol 3.0 (credentials not shown)", "SASL wanted"]
    assert hides(said, "bob", "secret")
    said = play(PROTOCOL, ASK, ERROR)
    assert said.findings[0].text == "SSLRequest was answered by an error"


def test_gssapi_is_asked_for_first() -> None:
    said = play([PROTOCOL, RECORDS], ASK_GSS, (RES, b"N"), *DIALOG)
    assert texts(said)[:3] == ["GSSENCRequest", "N: no", "SSLRequest"]
    assert (texts(said)[-1], said.findings) == ("olleh", [])
    said = play([PROTOCOL, RECORDS], ASK_GSS, (RES, b"G"), (INI, HELLO))
    assert texts(said) == ["GSSENCRequest", "G: begins GSSAPI encryption"]


def test_what_else_there_is() -> None:
    said = play(PROTOCOL, STARTUP, (RES, b"v" + struct.pack(">III", 12, 0, 0)), ERROR, over="tls", trace=True)
    assert texts(said) == ["protocol 3.0 (credentials not shown)", "FATAL 28000"]
    assert hides(said, "bob")
    assert texts(play(PROTOCOL, CANCEL, trace=True)) == ["cancels what another connection does"]
    empty = (RES, b"E" + struct.pack(">I", 5) + b"\0")
    assert texts(play(PROTOCOL, STARTUP, empty))[1:] == ["no reason given"]
    assert play(PROTOCOL, ASK).phases[0].outcome is Outcome.UNANSWERED
    assert texts(play([PROTOCOL, RECORDS], ASK, (INI, HELLO * 2)))[1:] == ["hello", "hello"]
    assert len(play([PROTOCOL, RECORDS], ASK, (RES, 1), (RES, b"abc")).notes) == 1


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(RES, b"X")], "an answer of type 0x58 (53.7)"),
        ([(RES, b"N"), (RES, b"E\0\0\0\0")], "an answer of 1 bytes (53.7)"),
        ([(RES, b"N"), (INI, bytes(8))], "neither a request nor a startup message: code 0 (53.7)"),
        ([(RES, b"N"), (INI, struct.pack(">II", 4, 0x30000))], "a startup message of 4 bytes (53.7)"),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str) -> None:
    assert play(PROTOCOL, ASK, *frames).lines[-1 if len(frames) == 1 else 2] == ("postgresql.malformed", why)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"\0\0\0\x08\x04", None),
        (ASK[1], True),
        (CANCEL[1], True),
        (STARTUP[1], True),
        (STARTUP[1][:10], None),
        (struct.pack(">II", 9, 80877103), False),
        (struct.pack(">II", 20, 0x30000) + b"\0", False),
        (struct.pack(">II", 20, 0x30000) + b"U", False),
        (struct.pack(">II", 90, 0x30000) + b"u" * 40, False),
        (struct.pack(">II", 20, 0x20000), False),
        (b"S", False),
        (b"\x16\x03", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [ASK, (RES, b"N"), STARTUP, SASL], [STARTUP, ERROR], [ASK_GSS, (RES, b"N")]],
    [b"S", b"N", b"G", b"E", STARTUP[1], ASK[1], SASL[1]],
)
