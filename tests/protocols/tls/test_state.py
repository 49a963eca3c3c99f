"""What is known of a connection before anything is, and what both hellos agree on."""

from __future__ import annotations

from analyzer.core import Side
from analyzer.protocols.tls.messages import (
    ECH,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    ClientHello,
    ServerHello,
)
from analyzer.protocols.tls.state import CLEAR, NOT_OFFERED, Half, Link


def test_nothing_is_known_at_first() -> None:
    link = Link()
    assert (link.client, link.server) == (Side.INITIATOR, Side.RESPONDER)
    assert (link.client_random, link.server_random, link.ticket) == (b"", b"", b"")
    assert link.offered_suites == []
    assert not link.ech_offered
    assert not link.is_13
    assert not link.agreed(EXTENDED_MASTER_SECRET)
    assert (link.early, link.resumed) == (NOT_OFFERED, None)
    half = Half()
    assert (half.state, half.opener, half.records) == (CLEAR, None, 0)


def test_the_server_may_have_opened_the_connection() -> None:
    link = Link()
    link.client = Side.RESPONDER
    assert link.server is Side.INITIATOR


def test_what_hellos_say() -> None:
    link = Link()
    link.hello, link.answer = ClientHello(), ServerHello()
    link.hello.random, link.answer.random = b"c" * 32, b"s" * 32
    link.hello.ticket = b"ticket"
    link.hello.suites = [0x1301]
    link.hello.values = {EXTENDED_MASTER_SECRET: None, ENCRYPT_THEN_MAC: None, ECH: {}}
    link.answer.values = {EXTENDED_MASTER_SECRET: None}
    assert (link.client_random, link.server_random, link.ticket) == (b"c" * 32, b"s" * 32, b"ticket")
    assert link.offered_suites == [0x1301]
    assert link.ech_offered
    assert link.agreed(EXTENDED_MASTER_SECRET)
    assert not link.agreed(ENCRYPT_THEN_MAC)
    for version, newer in ((0x0303, False), (0x0304, True), (0x7F12, True), (0xFB1A, True)):
        link.version = version
        assert link.is_13 is newer
