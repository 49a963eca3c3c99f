"""The opening handshake, and what is concluded of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Outcome, Side
from analyzer.protocols.websocket.handshake import accept_of, extensions
from captures.websocket import ACCEPT, KEY, Fields, head
from tests.play import Said, play
from tests.protocols.websocket.opened import INI, RES, ROOMS, agreeing, asking, codes, notes, opened, server


def refused(status: str, answered: Fields | None = None, asked: Fields | None = None) -> Said:
    answer = head(f"HTTP/1.1 {status}", {"Content-Length": "0", **(answered or {})})
    return play(ROOMS, asking(asked), (RES, answer), over="tcp")


def test_the_answer_to_the_key_of_the_rfc() -> None:
    assert accept_of(KEY) == ACCEPT
    assert accept_of(f" {KEY} ") == ACCEPT


def test_request_and_answer() -> None:
    said = opened(
        asked={"Origin": "http://h", "Sec-WebSocket-Protocol": "a, b"}, answered={"Sec-WebSocket-Protocol": "b"}
    )
    asked, accepted = said.notes
    assert (asked.kind, asked.text) == ("websocket.upgrade", "asks for ws://h/chat, subprotocol a, b, from http://h")
    assert (asked.fields["target"], asked.fields["host"], asked.fields["sec_websocket_key"]) == ("/chat", "h", KEY)
    assert accepted.kind == "websocket.accept"
    assert accepted.text == "101 Switching Protocols, Sec-WebSocket-Accept fits the key, subprotocol b"
    assert (accepted.fields["status"], accepted.fields["sec_websocket_accept"]) == (101, ACCEPT)
    assert accepted.fields["accept_fits"] is True
    phase = said.phases[0]
    assert (phase.name, phase.outcome, phase.round_trips) == ("upgrade", Outcome.ESTABLISHED, 1)
    assert (said.title, said.kind) == ("ws://h/chat", "websocket")
    assert (said.facts["subprotocol"], said.facts["sec_websocket_key"]) == ("b", KEY)


def test_titles() -> None:
    said = play(ROOMS, asking(target="http://other/x?y"), over="tcp")
    assert said.title == "ws://other/x?y"
    assert play(ROOMS, asking({"Host": None}), over="tcp").title == "ws:///chat"


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"Sec-WebSocket-Key": "short"}, "has a Sec-WebSocket-Key that is not 16 bytes in base64"),
        ({"Sec-WebSocket-Key": None}, "has no Sec-WebSocket-Key"),
        ({"Sec-WebSocket-Version": None}, "has no Sec-WebSocket-Version"),
        ({"Sec-WebSocket-Version": "8"}, "asks for version 8, and not 13"),
        ({"Host": None}, "has no Host"),
    ],
)
def test_what_a_request_lacks(asked: Fields, what: str) -> None:
    said = play(ROOMS, asking(asked), over="tcp")
    (finding,) = said.findings
    assert (finding.code, finding.text) == ("websocket.upgrade-malformed", f"The request {what}.")


def test_other_methods_and_versions() -> None:
    request = asking()[1].replace(b"GET", b"POST").replace(b"HTTP/1.1", b"HTTP/1.0")
    (finding,) = play(ROOMS, (INI, request), over="tcp").findings
    assert finding.text == ("The request has the method POST in place of GET, is HTTP/1.0, which has no Upgrade.")


@pytest.mark.parametrize("lost", [{"Upgrade": None}, {"Connection": "close"}, {"Upgrade": None, "Connection": None}])
def test_an_upgrade_that_was_lost_on_the_way(lost: Fields) -> None:
    said = refused("400 Bad Request", asked=lost)
    assert codes(said)[0] == "upgrade-stripped"
    assert "upgrade-refused" not in codes(said)
    assert said.facts["upgrade_lost"] is True


@pytest.mark.parametrize(
    ("status", "answered", "asked", "code", "part"),
    [
        ("426 Upgrade Required", {"Sec-WebSocket-Version": "13, 8"}, {"Sec-WebSocket-Version": "7"},
         "upgrade-version-unsupported", "the server speaks version 13, 8, the request asks for 7."),
        ("401 Unauthorized", {"WWW-Authenticate": "Bearer x"}, None, "upgrade-unauthorised", "(Bearer)."),
        ("407 Login", {"Proxy-Authenticate": "Basic"}, None, "upgrade-unauthorised", "(Basic)."),
        ("403 Forbidden", {}, {"Origin": "http://evil"}, "upgrade-forbidden", "its Origin is http://evil."),
        ("301 Moved", {"Location": "/x/"}, None, "upgrade-redirected", "to /x/."),
        ("308 Moved", {}, None, "upgrade-redirected", "308 Moved."),
        ("200 OK", {}, None, "upgrade-stripped", "as if it had not asked for one."),
        ("426 Upgrade Required", {}, None, "upgrade-stripped", "as if it had not asked for one."),
        ("404 Not Found", {}, None, "upgrade-refused", "404 Not Found."),
        ("503 Down", {}, None, "upgrade-refused", "503 Down."),
    ],
)  # fmt: skip
def test_refusals(status: str, answered: Fields, asked: Fields | None, code: str, part: str) -> None:
    said = refused(status, answered, asked)
    finding = said.findings[-1]
    assert finding.code == f"websocket.{code}"
    assert finding.text.endswith(part)
    assert finding.frames == (1, 2)
    (note,) = notes(said, "refuse")
    assert note.fields["status"] == int(status[:3])
    assert said.phases[0].outcome is Outcome.FAILED
    assert said.facts["close_codes_seen"] == [1006, None]


def test_the_proxy_that_answered_is_named() -> None:
    said = refused("426 Upgrade Required", {"Via": "1.0 squid"})
    assert "Via: 1.0 squid" in said.findings[0].cause
    assert notes(said, "refuse")[0].text.endswith("via 1.0 squid")


@pytest.mark.parametrize(
    ("asked", "answered", "code", "outcome"),
    [
        ({}, {"Sec-WebSocket-Accept": "x"}, "upgrade-bad-accept", Outcome.FAILED),
        ({}, {"Sec-WebSocket-Accept": None}, "upgrade-bad-accept", Outcome.FAILED),
        ({}, {"Upgrade": None}, "upgrade-malformed", Outcome.FAILED),
        ({}, {"Sec-WebSocket-Protocol": "mqtt"}, "upgrade-subprotocol-not-offered", Outcome.FAILED),
        ({"Sec-WebSocket-Protocol": "mqtt"}, {}, "upgrade-no-subprotocol", Outcome.ESTABLISHED),
        ({}, {"Sec-WebSocket-Extensions": "permessage-deflate"}, "upgrade-extension-not-offered", Outcome.FAILED),
    ],
)
def test_answers_that_a_client_must_not_take(asked: Fields, answered: Fields, code: str, outcome: Outcome) -> None:
    said = opened(asked=asked, answered=answered)
    assert codes(said) == [code]
    assert said.phases[0].outcome is outcome


def test_an_answer_whose_request_was_not_captured() -> None:
    said = play(ROOMS, agreeing(), server(1, b"hi"), over="tcp")
    assert [note.kind for note in said.notes] == ["websocket.accept", "websocket.text"]
    assert said.notes[0].text == "101 Switching Protocols"
    assert (said.phases[0].outcome, said.phases[0].round_trips, codes(said)) == (Outcome.PARTIAL, None, [])
    assert said.notes[1].sender is Side.RESPONDER


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("permessage-deflate", [("permessage-deflate", {})]),
        (
            'Permessage-Deflate; client_max_window_bits="10" ;server_no_context_takeover, x-y; a=1',
            [
                ("permessage-deflate", {"client_max_window_bits": "10", "server_no_context_takeover": ""}),
                ("x-y", {"a": "1"}),
            ],
        ),
        (" , ; a", []),
    ],
)
def test_extensions(value: str, found: list[tuple[str, dict[str, str]]]) -> None:
    assert extensions(value) == found


@given(st.text(max_size=200))
def test_any_extensions_are_read(value: str) -> None:
    assert all(name for name, _ in extensions(value))


@given(
    st.dictionaries(
        st.sampled_from(["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Via", "Origin",
                         "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "Location"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40),
    ),
    st.sampled_from(["101 S", "200 OK", "400 B", "401 U", "403 F", "426 U", "302 L", "503 D", "999 X"]),
)  # fmt: skip
def test_any_fields_are_judged(fields: dict[str, str], status: str) -> None:
    more: Fields = dict(fields)
    said = play(ROOMS, asking(more), (RES, head(f"HTTP/1.1 {status}", {"Content-Length": "0", **more})), over="tcp")
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]
