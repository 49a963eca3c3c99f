"""MySQL as far as SSLRequest."""

from __future__ import annotations

import struct

import pytest

from analyzer.core import Outcome, Side
from analyzer.protocols.mysql import PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def greeting(flags: int) -> tuple[Side, bytes]:
    rest = struct.pack("<I8sBHBHHB10s", 7, b"saltsalt", 0, flags, 33, 2, 0xFFFF, 21, bytes(10)) + b"saltsaltsalt\0"
    return RES, packet(0, b"\x0a8.0.28\0" + rest)


HEAD = struct.pack("<IIB23s", 0x20FFAE85, 1 << 24, 33, bytes(23))
GREETING = greeting(0xFFFF)
ASK = (INI, packet(1, HEAD))
LOGIN = (INI, packet(2, HEAD + b"bob\0\6secret"))
OK = (RES, packet(3, b"\0\0\0\2\0\0\0"))
DENIED = (RES, packet(3, b"\xff\x15\x04#28000Access denied for bob"))
DIALOG = [GREETING, ASK, (INI, HELLO), (RES, SERVER_HELLO)]


def test_the_turn_to_tls() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == ["8.0.28, offers TLS", "TLS begins", "hello", "olleh"]
    assert said.facts == {"application": "mysql", "server_version": "8.0.28", "starttls": True}
    assert said.title == "mysql://10.0.0.2:9999"
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 0)


def test_a_login_in_clear() -> None:
    said = play(
        PROTOCOL, greeting(0xF7FF), LOGIN, (RES, packet(2, b"\xfe")), (INI, packet(3, b"bob")), DENIED, trace=True
    )
    assert texts(said) == [
        "8.0.28, no TLS",
        "(credentials not shown)",
        "asks for more",
        "(credentials not shown)",
        "error 1045",
    ]
    assert hides(said, "bob", "secret")
    assert texts(play(PROTOCOL, LOGIN, OK, over="tls"))[1:] == ["ok"]
    assert texts(play(PROTOCOL, LOGIN, (RES, packet(3, b"\x07"))))[1:] == ["type 7"]
    assert len(play(PROTOCOL, GREETING, *[LOGIN] * 60).notes) == 42
    assert len(play(PROTOCOL, GREETING, *[(RES, packet(3, b"\1"))] * 60).notes) == 42


def test_a_server_that_turns_the_client_away() -> None:
    refused = (RES, packet(0, b"\xff\x10\x04Too many connections"))
    assert texts(play(PROTOCOL, refused, port=3306)) == ["error 1040"]
    assert play(PROTOCOL, refused).lines == []


def test_gaps_and_nonsense() -> None:
    assert len(play([PROTOCOL, RECORDS], GREETING, (INI, 36), (INI, HELLO)).notes) == 1
    assert play(PROTOCOL, GREETING, (INI, bytes(4))).lines[-1] == (
        "mysql.malformed",
        "a packet of 0 bytes (Protocol::Packet)",
    )
    endless = (RES, packet(0, b"\x0a" + b"8" * 40))
    assert play(PROTOCOL, endless, port=3306).lines == []


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"\x4a\0", None),
        (b"\x4a\0\0\0", None),
        (b"\x4a\0\1", False),
        (b"\x4a\0\0\5", False),
        (GREETING[1], True),
        (GREETING[1][:8], None),
        (b"\x4a\0\0\0\x0a", None),
        (b"\x4a\0\0\0\x0aabc", False),
        (b"\x4a\0\0\0\x0a888\0", False),
        (b"\x4a\0\0\0\x0a" + b"8" * 100, False),
        (b"\x4a\0\0\0\x09", False),
        (b"\x05\0\0\0\x0a8.", False),
        (b"\x09\0\0\0\xff\1\1", None),
        (b"\1\0\0\0\xff", False),
        (ASK[1], True),
        (ASK[1][:20], None),
        (LOGIN[1], True),
        (packet(1, b"\xff" * 40), False),
        (packet(1, bytes(40)), False),
        (packet(1, bytes(4)), False),
        (packet(3, bytes(40)), False),
        (b"\x16\x03\x01", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL, [DIALOG, [GREETING, LOGIN, DENIED], [LOGIN, OK]], [GREETING[1][:9], ASK[1], OK[1], packet(2, b"\xfe")]
)
