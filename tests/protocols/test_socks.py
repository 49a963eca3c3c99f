"""SOCKS 4, 4a and 5."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Side
from analyzer.protocols.socks import MAX_HELD_BYTES, PROTOCOL, probe
from tests.play import play
from tests.protocols.starttls.dialogs import HELLO, INI, RECORDS, RES, SERVER_HELLO, cut_test, hides, texts

METHODS = (INI, b"\5\1\0")
LOGINS = (INI, b"\5\2\0\2")
CHOSEN = (RES, b"\5\0")
REQUEST = (INI, b"\5\1\0\3\x0bexample.org\x01\xbb")
DONE = (RES, b"\5\0\0\1\xc0\0\2\1\x01\xbb")
REFUSED = (RES, b"\5\5\0\1\0\0\0\0\0\0")
DIALOG = [METHODS, CHOSEN, REQUEST, DONE, (INI, HELLO), (RES, SERVER_HELLO)]
LOGIN = (INI, b"\1\3bob\6secret")
OLD = (INI, b"\4\1\x01\xbb\xc0\0\2\1bob\0")
OLD_A = (INI, b"\4\1\x01\xbb\0\0\0\1bob\0example.org\0")
GRANTED = (RES, b"\0\x5a\0\0\0\0\0\0")


def test_a_connection_through_the_proxy() -> None:
    said = play([PROTOCOL, RECORDS], *DIALOG)
    assert texts(said) == [
        "offers no login",
        "no login",
        "CONNECT example.org:443",
        "succeeded, from 192.0.2.1:443",
        "hello",
        "olleh",
    ]
    assert said.notes[-1].path == ("tcp", "socks", "record")
    assert said.facts == {"proxy": "socks5", "proxy_target": "example.org:443"}
    assert said.title == "proxy tunnel to example.org:443"
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.round_trips) == ("proxy", Outcome.ESTABLISHED, 2)


def test_a_refused_target_is_found() -> None:
    said = play(PROTOCOL, *DIALOG[:3], REFUSED)
    (finding,) = said.findings
    assert finding.code == "proxy.socks-refused"
    assert finding.text == "CONNECT example.org:443 was answered: connection refused"
    assert finding.cause.startswith("Nothing listens")
    assert finding.frames == (3, 4)
    assert said.phases[0].outcome is Outcome.FAILED
    said = play(PROTOCOL, *DIALOG[:3], (RES, b"\5\x63\0\4" + bytes(18)))
    assert said.findings[0].text.endswith("code 99")


def test_logins_are_not_shown() -> None:
    said = play([PROTOCOL, RECORDS], LOGINS, (RES, b"\5\2"), LOGIN, (RES, b"\1\0"), *DIALOG[2:], trace=True)
    assert texts(said)[:4] == [
        "offers no login, user name and password",
        "user name and password",
        "(credentials not shown)",
        "login accepted",
    ]
    assert texts(said)[-1] == "olleh"
    assert hides(said, "bob", "secret")
    said = play(PROTOCOL, LOGINS, (RES, b"\5\2"), LOGIN, (RES, b"\1\1"), trace=True)
    assert (said.findings[0].text, said.phases[0].outcome) == ("the proxy refused the login", Outcome.FAILED)
    said = play(PROTOCOL, METHODS, (RES, b"\5\xff"))
    assert said.findings[0].text == "the proxy takes none of the ways to log in that were offered"
    for old in (OLD, OLD_A):
        assert hides(play(PROTOCOL, old, GRANTED, trace=True), "bob")


def test_gssapi_is_passed_over() -> None:
    said = play(
        [PROTOCOL, RECORDS],
        (INI, b"\5\1\1"),
        (INI, b"\1\1\0\3abc"),
        (RES, b"\5\1"),
        (RES, b"\1\1\0\2de"),
        (RES, b"\1\xff"),
        *DIALOG[2:],
    )
    assert texts(said)[1:5] == ["GSSAPI", "(credentials not shown)", "GSSAPI", "GSSAPI"]
    assert texts(said)[-1] == "olleh"


def test_clients_that_do_not_wait() -> None:
    both = (INI, LOGINS[1] + LOGIN[1] + REQUEST[1])
    said = play([PROTOCOL, RECORDS], both, (RES, b"\5\2\1\0" + DONE[1]), (INI, HELLO))
    assert texts(said)[-3:] == ["login accepted", "succeeded, from 192.0.2.1:443", "hello"]


@pytest.mark.parametrize(("request_", "host"), [(OLD, "192.0.2.1"), (OLD_A, "example.org")])
def test_version_4(request_: tuple[Side, bytes], host: str) -> None:
    said = play([PROTOCOL, RECORDS], request_, GRANTED, (INI, HELLO))
    assert texts(said) == [f"CONNECT {host}:443", "granted", "hello"]
    assert said.facts == {"proxy": "socks4", "proxy_target": f"{host}:443"}
    said = play(PROTOCOL, request_, (RES, b"\0\x5c\0\0\0\0\0\0"))
    assert said.findings[0].text.endswith("rejected: no identd on the client")
    assert play(PROTOCOL, request_, (RES, b"\0\x63\0\0\0\0\0\0")).notes[-1].text == "code 99"
    assert play(PROTOCOL, request_, (RES, b"\1\x5a\0\0\0\0\0\0")).notes[-1].kind == "proxy.malformed"


def test_bind_and_udp() -> None:
    bind = (INI, b"\5\2\0\1\xc0\0\2\1\0\x15")
    said = play([PROTOCOL, RECORDS], METHODS, CHOSEN, bind, DONE, DONE, (RES, HELLO))
    assert texts(said)[2:] == ["BIND 192.0.2.1:21", *["succeeded, from 192.0.2.1:443"] * 2, "hello"]
    udp = (INI, b"\5\3\0\4" + bytes(16) + b"\0\0")
    said = play([PROTOCOL, RECORDS], METHODS, CHOSEN, udp, DONE, (RES, HELLO))
    assert texts(said)[2:] == ["UDP ASSOCIATE [::]:0", "succeeded, from 192.0.2.1:443"]


def test_half_of_it() -> None:
    said = play([PROTOCOL, RECORDS], METHODS, REQUEST, (INI, HELLO), (INI, HELLO))
    assert texts(said)[1:] == ["CONNECT example.org:443", "hello", "hello"]
    said = play([PROTOCOL, RECORDS], METHODS, REQUEST, (INI, HELLO), (INI, HELLO), (INI, 4), (INI, HELLO))
    assert len(said.notes) == 4
    assert play(PROTOCOL, METHODS, CHOSEN, REQUEST).phases[0].outcome is Outcome.UNANSWERED
    assert len(play([PROTOCOL, RECORDS], METHODS, CHOSEN, (INI, 10), (INI, HELLO)).notes) == 2
    assert len(play(PROTOCOL, METHODS, REQUEST, (INI, bytes(MAX_HELD_BYTES + 1))).notes) == 2


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([METHODS, (RES, b"\4\0")], "version 4 in the choice of a method (§3)"),
        ([METHODS, CHOSEN, (INI, b"\7\0")], "neither a login nor a request (§3)"),
        ([METHODS, CHOSEN, (INI, b"\5\1\0\7\0")], "neither a request nor a reply: version 5, address type 7 (§4, §6)"),
    ],
)
def test_malformed(frames: list[tuple[Side, bytes]], why: str) -> None:
    assert play(PROTOCOL, *frames).lines[-1] == ("proxy.malformed", why)


def test_a_request_of_version_4_has_an_end() -> None:
    assert play(PROTOCOL, (INI, OLD[1][:8] + b"a" * 600), port=1080).lines == []


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"", None),
        (b"\5", None),
        (b"\5\1", None),
        (b"\5\1\0", True),
        (b"\5\2\0\0", False),
        (b"\5\2\0\x20", False),
        (b"\5\1\xff", False),
        (b"\5\1\0\5", True),
        (b"\5\0\x0b\3", False),
        (b"\5\x40", False),
        (b"\4\1\x01\xbb", None),
        (b"\4\3", False),
        (OLD[1], True),
        (OLD[1][:-1], None),
        (OLD_A[1], True),
        (OLD_A[1][:-1], None),
        (b"\4\1\0\0\xc0\0\2\1\0", False),
        (b"\4\1\0\1\0\1\2\1\0", False),
        (b"\4\1\0\1\xc0\0\2\1\xff\0", False),
        (b"\4\1\0\1\0\0\0\1\0\0", False),
        (b"\4\1\0\1\0\0\0\1\0\1\2\0", False),
        (b"\4\1\0\1\xc0\0\2\1" + b"a" * 300, False),
        (b"GET", False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


test_any_cut_tells_the_same = cut_test(
    PROTOCOL,
    [DIALOG, [LOGINS, (RES, b"\5\2"), LOGIN, (RES, b"\1\0"), *DIALOG[2:]], [OLD, GRANTED], [OLD_A], [METHODS, LOGIN]],
    [b"\5\0", b"\5", b"\1\0", DONE[1], REQUEST[1], REFUSED[1]],
)
