"""Lines and replies, and what the rooms that turn to TLS take for their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Outcome, Piece, Severity, Side
from analyzer.engine.registry import protocols
from analyzer.protocols.smtp import PROTOCOL as SMTP
from analyzer.protocols.starttls import messages
from analyzer.protocols.starttls.messages import MAX_HELD_BYTES, MAX_REPLY_BYTES, Upgrade, host_of, replied
from analyzer.protocols.starttls.names import FINDINGS, REFUSED, refusal
from tests.play import play
from tests.protocols import (
    test_ftp,
    test_imap,
    test_ldap,
    test_mysql,
    test_nntp,
    test_pop3,
    test_postgresql,
    test_proxy_protocol,
    test_rdp,
    test_sieve,
    test_smtp,
    test_socks,
    test_xmpp,
)
from tests.protocols.starttls.dialogs import HELLO, RECORDS

INI, RES = Side.INITIATOR, Side.RESPONDER
ROOMS = {
    "ftp": [test_ftp.SHORT, test_ftp.ASK],
    "imap": [test_imap.PLAIN, test_imap.GREETING, test_imap.ASK_WHAT],
    "ldap": [test_ldap.SEARCH, test_ldap.ASK, test_ldap.BIND, test_ldap.READY],
    "mysql": [test_mysql.GREETING, test_mysql.ASK, test_mysql.LOGIN],
    "nntp": [test_nntp.GREETING, test_nntp.ASK_WHAT],
    "pop3": [test_pop3.GREETING, test_pop3.CAPA],
    "postgresql": [test_postgresql.ASK, test_postgresql.STARTUP, test_postgresql.CANCEL],
    "proxy_protocol": [(INI, test_proxy_protocol.LINE), (INI, test_proxy_protocol.FULL)],
    "rdp": [test_rdp.ASK, test_rdp.READY, test_rdp.CREDSSP, test_rdp.START],
    "sieve": [test_sieve.GREETING],
    "smtp": [test_smtp.GREETING, test_smtp.EHLO],
    "socks": [test_socks.METHODS, test_socks.LOGINS, test_socks.OLD, test_socks.OLD_A],
    "xmpp": [test_xmpp.OPEN, test_xmpp.OPENED],
}
OTHERS = [
    HELLO,
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0",
    b"\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0",  # DCE/RPC bind
    b"\0\0\0\x45\xffSMBr\0\0\0\0",
    b"\x80\x2e\1\0\2\0\x15\0\0\0\x10",  # SSL 2.0
    b"\x13BitTorrent protocol",
    b"OPTIONS rtsp://a RTSP/1.0\r\n",
    b"\x03\0\0\x16\x11\xe0\0\0\0\1\0\xc1\2\1\0\xc2\2\1\2\xc0\1\x0a",  # S7
    b"\0\x1d\x124\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1",  # DNS
]


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_each_beginning_belongs_to_one_room(name: str) -> None:
    for _, head in ROOMS[name]:
        claims = [one.name for one in protocols() if "tcp" in one.over and one.probe is not None and one.probe(head)]
        assert claims == [name], head


@pytest.mark.parametrize("head", OTHERS, ids=range(len(OTHERS)))
def test_other_protocols_are_left_alone(head: bytes) -> None:
    for one in protocols():
        if one.name in ROOMS and one.probe is not None:
            assert one.probe(head) is False, one.name


HEADS = st.sampled_from([head for frames in ROOMS.values() for _, head in frames] + OTHERS)


@given(known=HEADS, size=st.integers(0, 40), more=st.binary(max_size=40))
def test_no_probe_changes_its_mind(known: bytes, size: int, more: bytes) -> None:
    head = known[:size] + more
    for one in protocols():
        if one.name in ROOMS and one.probe is not None:
            verdicts = [one.probe(head[:size]) for size in range(len(head) + 1)]
            decided = [verdict for verdict in verdicts if verdict is not None]
            assert len(set(decided)) < 2, one.name


def test_replies_end_with_the_line_of_their_own_code() -> None:
    up = Upgrade("x")
    assert up.reply(RES, b"220 a\r\nmore") == 7
    assert up.reply(RES, b"211-a\r\n 211 b\r\n230 c\r\n211 d\r\n220") == 29
    assert up.reply(RES, b"250-a\r\n250\r\n") == 12
    assert up.reply(RES, b"250-a\n250\n") == 10
    for size in range(1, 12):
        assert up.reply(RES, b"250-a\r\n250 b\r\n"[:size]) is None
    assert up.reply(RES, b"250-a\r\n250 b\r\n") == 14
    with pytest.raises(Malformed):
        up.reply(RES, b"250-" + b"a\r\n" * MAX_REPLY_BYTES)
    assert replied(b"250-a\r\n x\r\n250 b\r\n") == (250, ["a", "x", "b"])


def test_host_names() -> None:
    assert host_of("mx.example.org ESMTP") == "mx.example.org"
    assert host_of("mx.example.org") == "mx.example.org"
    assert host_of("localhost ready") is None
    assert host_of("ready at mx.example.org") is None
    assert host_of("a..b") is None
    assert host_of("") is None


def test_a_client_that_sends_on_and_on_is_not_held() -> None:
    up = Upgrade("x", "RFC 1 2", INI)
    piece = Piece(b"a", [(0, 1, 0, 5)])
    up.ask(up.turn(INI, piece))
    assert up.held(INI, b"a" * MAX_HELD_BYTES) is None
    assert up.held(INI, b"a" * (MAX_HELD_BYTES + 1)) == MAX_HELD_BYTES + 1
    assert up.over(piece)
    assert [type(one).__name__ for one in up.beyond(piece)] == ["Enough"]


def test_refusals_are_settled_once() -> None:
    up = Upgrade("x", "RFC 1 2", INI)
    place = up.turn(INI, Piece(b"a", [(0, 1, 0, 5)]))
    up.refused("no", [place])
    said = list(up.settle(False, 9))
    assert [type(one).__name__ for one in said] == ["About", "Finding", "Phase"]
    assert list(up.settle(False, 9)) == []
    assert up.phase(3, Outcome.PARTIAL).end_ns == 5


def test_the_finding_is_complete() -> None:
    kind = FINDINGS[REFUSED]
    finding = refusal("no", [], "RFC 1 2", Severity.WARNING)
    assert (finding.title, finding.cause, finding.advice) == (kind.title, kind.cause, kind.advice)
    assert (finding.code, finding.severity, finding.spec) == (REFUSED, Severity.WARNING, "RFC 1 2")
    tables = [one.name for one in protocols() if REFUSED in one.findings]
    assert len(tables) == 1, "it is explained once"
    assert messages.cut("a" * 90) == "a" * 77 + "..."


def test_lines_and_blocks_are_found_however_they_come() -> None:
    up = Upgrade("x")
    for head, size in ((b"a\r\nb", 3), (b"a\nb", 2)):
        assert up.line(INI, head) == size
    for stop in range(1, 6):
        assert up.line(INI, b"abcd\r\n"[:stop]) is None
    assert up.line(INI, b"abcd\r\n") == 6
    for stop in range(1, 13):
        assert up.block(RES, b"101 a\r\nb\r\n.\r\n"[:stop]) is None
    assert up.block(RES, b"101 a\r\nb\r\n.\r\n") == 13
    with pytest.raises(Malformed, match="8192"):
        up.line(INI, b"a" * 8192)
    with pytest.raises(Malformed, match="65536"):
        up.block(INI, b"a\n" * 40000)


def test_tls_without_an_answer() -> None:
    up = Upgrade("x", "RFC 1 2", INI)
    hello = Piece(HELLO, [(0, 1, 0, 5)])
    assert up.held(INI, b"\x16") is None
    assert up.held(INI, b"\x16\x03\x01\x00") is None
    assert up.held(INI, b"\x16a") == 0
    assert up.held(INI, b"hello") == 0
    assert up.held(INI, HELLO + b"more") == len(HELLO)
    up.ask(up.turn(INI, Piece(b"a", [(0, 1, 0, 5)])))
    assert up.held(INI, HELLO) is None  # the answer may only be late
    assert up.held(INI, HELLO + b"\x16") == len(HELLO)
    assert up.over(hello)
    assert [type(one).__name__ for one in up.beyond(hello)] == ["Phase", "About", "Pass"]
    assert [type(one).__name__ for one in up.beyond(hello)] == ["Pass"]
    assert up.held(RES, b"anything") == 8
    assert list(up.end(hello)) == []
    assert [type(one).__name__ for one in up.gap(INI, hello)] == ["Enough"]


def test_the_whole_way() -> None:
    said = play([SMTP, RECORDS], *test_smtp.DIALOG)
    assert (said.phases[0].outcome, said.phases[0].round_trips) == (Outcome.ESTABLISHED, 2)
    said = play([SMTP, RECORDS], *test_smtp.DIALOG[:3], (RES, 5), (RES, b"ok\r\n"), test_smtp.ASK)
    assert len(said.notes) == 3
    said = play(SMTP, *test_smtp.DIALOG[:4])
    assert said.phases[0].outcome is Outcome.UNANSWERED
    said = play(SMTP, *test_smtp.DIALOG[:4], test_smtp.REFUSED, test_smtp.EHLO)
    assert (said.findings[0].severity, said.findings[0].code) == (Severity.WARNING, REFUSED)
    assert play(SMTP, *[test_smtp.EHLO] * 60).phases == []
