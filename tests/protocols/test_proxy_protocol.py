"""The PROXY protocol."""

from __future__ import annotations

import struct

import pytest

from analyzer.protocols.proxy_protocol import PROTOCOL, SIGNATURE, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, texts

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"
UNKNOWN = b"PROXY UNKNOWN\r\n"
NEITHER = "neither TCP4, TCP6 nor UNKNOWN, or not two addresses and two ports (§2.1)"


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def header(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest


V4 = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + struct.pack(">HH", 40000, 443)
SSL = tlv(0x20, b"\1\0\0\0\0" + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client") + tlv(0x26, b"x"))
FULL = header(0x21, 0x11, V4 + tlv(1, b"h2") + tlv(2, b"example.org") + tlv(5, b"\1\2") + SSL + tlv(4, b"\0\0"))


@pytest.mark.parametrize("head", [LINE, header(0x21, 0x11, V4)])
def test_whose_connection_it_is(head: bytes) -> None:
    said = play([PROTOCOL, RECORDS], (INI, head + HELLO), (RES, SERVER_HELLO))
    assert texts(said) == ["for 192.0.2.1:40000 to 198.51.100.2:443", "hello", "olleh"]
    assert said.facts["proxied_source"] == "192.0.2.1:40000"
    assert said.facts["proxied_destination"] == "198.51.100.2:443"
    assert said.notes[-1].path == ("tcp", "proxy_protocol", "record")


def test_more_is_said_in_tlvs() -> None:
    said = play(PROTOCOL, (INI, FULL), trace=True)
    assert texts(said) == ["for 192.0.2.1:40000 to 198.51.100.2:443 (TLSv1.3, h2, example.org)"]
    fields = said.notes[0].fields
    assert (fields["ssl"], fields["ssl_verified"], fields["ssl_cn"], fields["unique_id"]) == (
        True,
        True,
        "client",
        "0102",
    )


def test_other_addresses() -> None:
    six = bytes(15) + b"\1" + bytes(15) + b"\2" + b"\0\x50\0\x51"
    assert texts(play(PROTOCOL, (INI, header(0x21, 0x21, six)))) == ["for [::1]:80 to [::2]:81"]
    assert texts(play(PROTOCOL, (INI, b"PROXY TCP6 ::1 ::2 80 81\r\n"))) == ["for [::1]:80 to [::2]:81"]
    unix = b"/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0")
    assert texts(play(PROTOCOL, (INI, header(0x21, 0x31, unix)))) == ["for unix:/a to unix:/b"]
    assert texts(play(PROTOCOL, (INI, header(0x21, 0x09, b"rest")))) == ["of an unknown source"]
    own = play(PROTOCOL, (INI, header(0x20, 0x11, V4)))
    assert (texts(own), "source" in own.notes[0].fields) == (["the proxy's own connection, a health check say"], False)
    assert texts(play(PROTOCOL, (INI, UNKNOWN))) == ["of an unknown source"]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n", NEITHER),
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 x\r\n", "no address or no port: destination (§2.1)"),
        (b"PROXY TCP4 ::1 198.51.100.2 40000 1\r\n", "no address or no port: source (§2.1)"),
        (b"PROXY TCP4 a 198.51.100.2 40000 1\r\n", "no address or no port: source (§2.1)"),
        (b"PROXY TCP4 " + b"x" * 200, "a line of more than 107 bytes (§2.1)"),
        (header(0x23, 0x11, V4), "version 2, command 3 (§2.2)"),
        (header(0x21, 0x11, V4[:4]), "dst_addr: 4 bytes wanted, 0 left"),
    ],
)
def test_malformed(head: bytes, why: str) -> None:
    assert play(PROTOCOL, (INI, head)).lines == [("proxy.malformed", why)]


def test_a_line_of_another_kind() -> None:
    assert probe(b"PROXY FOO BAR\r\n") is False


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"PROXY", None),
        (b"PROXY TC", None),
        (LINE, True),
        (UNKNOWN, True),
        (b"POST / HTTP/1.1", False),
        (b"\r\n", None),
        (b"\r\nGET", False),
        (SIGNATURE, None),
        (SIGNATURE + b"\x21", True),
        (SIGNATURE + b"\x11", False),
        (b"\x16\x03", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL, [[(INI, LINE + HELLO)], [(INI, FULL), (INI, HELLO), (RES, SERVER_HELLO)]], [LINE, FULL[:30], UNKNOWN]
)
