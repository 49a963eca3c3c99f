"""CAPWAP: DTLS behind its preamble."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Side
from analyzer.protocols import capwap, dtls
from captures.dtls import client_hello, message, record
from tests.play import play

INI = Side.INITIATOR
HELLO = record(22, message(1, client_hello()))


def test_dtls_behind_the_preamble() -> None:
    said = play([capwap.PROTOCOL, dtls.PROTOCOL], (INI, b"\1\0\0\0" + HELLO), (INI, b"\0\x10\2\0" + bytes(20)))
    (note,) = said.notes
    assert (note.kind, note.path) == ("dtls.client-hello", ("udp", "capwap", "dtls"))
    assert note.spans[0].start == 54 + 4 + 13


def test_a_preamble_in_a_preamble_goes_no_deeper() -> None:
    assert play([capwap.PROTOCOL, dtls.PROTOCOL], (INI, b"\1\0\0\0" * 2 + HELLO)).notes == []


def test_what_is_no_preamble_is_passed_over() -> None:
    said = play([capwap.PROTOCOL, dtls.PROTOCOL], (INI, b"\1\0\0\0" + HELLO), (INI, b"\1\0\0"), (INI, b""))
    assert len(said.notes) == 1


@given(st.binary(max_size=40))
def test_probe(data: bytes) -> None:
    assert capwap.probe(b"\0" + data) is False
    assert capwap.probe(b"\1\0\0\0" + HELLO + data) is True
    assert capwap.probe(data) in (True, False)
