"""What is concluded at the end: how the WebSocket was used, who closed it, what was never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analyzer.core import Endpoint, Exchange, Finding, Flow, Outcome, Phase, Place, Side, Span, TcpSummary
from analyzer.protocols.websocket.dissector import WebSocket
from analyzer.protocols.websocket.verdicts import count, is_time_out, lasting, when_over
from tests.protocols.websocket.opened import INI, PING, PONG, RES, TEXT, client, close, codes, opened, server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Output

S = 1_000_000_000
START = 100 * S


@pytest.mark.parametrize(
    ("ns", "said"),
    [(1_234_000, "1.23 ms"), (999_000_000, "999 ms"), (S, "1 s"), (61 * S, "61 s"), (3600 * S, "3,600 s")],
)
def test_durations_as_people_say_them(ns: int, said: str) -> None:
    assert lasting(ns) == said


@pytest.mark.parametrize(
    ("seconds", "is_one"),
    [
        (60.0, True),
        (60.9, True),
        (62, False),
        (59.8, True),
        (30.2, True),
        (4, False),
        (5, True),
        (300.5, True),
        (33, False),
    ],
)
def test_silences_that_look_like_a_time_out(seconds: float, is_one: bool) -> None:
    assert is_time_out(int(seconds * S)) is is_one


def test_counts() -> None:
    assert (count(1), count(2000)) == ("1 message", "2,000 messages")


def sentence(*frames: tuple[Side, bytes]) -> str:
    (said,) = opened(*frames).facts["summary"]
    return str(said)


def test_one_sentence_says_it_all() -> None:
    assert sentence() == "No message."
    assert sentence(close(RES, 1001), close(INI, 1001)) == "No message in 2 ms; closed by the server with 1001."
    assert sentence(client(TEXT, b"hi"), close(INI, None)) == (
        "1 message from the client (2 bytes), no message from the server in 2 ms; "
        "closed by the client without a code, which was not answered."
    )
    assert "(1,000 a second)" in sentence(*[client(TEXT, b"x")] * 30)
    assert sentence(client(TEXT, b"a"), close(INI, None), close(RES)).endswith(
        "closed by the client without a code: it sees 1000, the server 1005."
    )
    assert sentence(close(RES, 1001), close(INI, None)).endswith("with 1001: it sees 1005, the client 1001.")
    pinged = sentence(server(PING), client(PONG))
    assert pinged == "No message in 2 ms; a ping took 1 ms."


def test_numbers_of_the_session() -> None:
    facts = opened(client(TEXT, b"abc"), client(TEXT, b"", fin=False), server(TEXT, b"de")).facts
    assert (facts["messages"], facts["message_bytes"], facts["frames"]) == ([1, 1], [3, 2], [2, 1])
    assert (facts["open_ns"], facts["longest_silence_ns"]) == (3_000_000, 1_000_000)


# --- once the flow is over --------------------------------------------------------------------------------------------


def findings(outputs: Iterable[Output]) -> list[Finding]:
    return [one for one in outputs if isinstance(one, Finding)]


def a_room(*, idle_s: float = 0.001, answered: bool = True) -> WebSocket:
    """A WebSocket whose last frame came this long before the end at 200 s."""
    room = WebSocket()
    place = Place((Span(4, 54, 60),), START)
    room.exchange = Exchange("GET", "/", "HTTP/1.1", {}, place, Side.INITIATOR, False)
    room.exchange.answered = place if answered else None
    room.client = Side.INITIATOR
    room.life.opened_ns = START
    room.life.last_ns = START + 100 * S - int(idle_s * S)
    return room


def a_flow(end: str | None = "rst", history: str = "ShADadr", last_s: float = 200) -> Flow:
    found = Flow(0, "tcp", Endpoint("c", 1), Endpoint("s", 80), "", 1, 9, 0, int(last_s * S), (5, 5), (9, 9))
    found.tcp = TcpSummary(end=end, history=history)
    return found


@pytest.mark.parametrize(
    ("history", "idle_s", "text", "cause"),
    [
        ("ShADadr", 0.5, "with a RST, and nobody had sent a Close frame; the last frame was 500 ms before.",
         "The process of the server crashed"),
        ("ShADadF", 0.5, "The client ended the connection with a FIN, and", "The client went away without closing"),
        ("ShADadfF", 60.1, "the last frame was 60.1 s before.", "After 60 s of silence, a time-out of a proxy"),
    ],
)  # fmt: skip
def test_an_end_without_a_close(history: str, idle_s: float, text: str, cause: str) -> None:
    outputs = list(when_over(a_room(idle_s=idle_s), a_flow(history=history)))
    (phase,) = [one for one in outputs if isinstance(one, Phase)]
    assert (phase.name, phase.outcome, phase.start_ns) == ("close", Outcome.FAILED, 200 * S)
    (finding,) = findings(outputs)
    assert text in finding.text
    assert cause in finding.cause
    assert finding.frames == (4,)


def facts_of(room: WebSocket, flow: Flow) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in when_over(room, flow):
        found.update(getattr(one, "facts", {}))
    return found


def test_the_codes_that_applications_see() -> None:
    room = a_room(idle_s=7)
    assert facts_of(room, a_flow()) == {"close_codes_seen": [1006, 1006], "idle_before_end_ns": 7 * S}
    room.halves[INI].close_place = Place((), 1)
    room.life.closed_by = INI
    assert facts_of(room, a_flow()) == {"close_codes_seen": [1006, 1005]}
    assert facts_of(room, a_flow(None)) == {"close_codes_seen": [None, 1005]}
    room.halves[RES].close_place, room.halves[RES].close_code = Place((), 2), 1001
    assert facts_of(room, a_flow()) == {"close_codes_seen": [1001, 1005]}


def test_nothing_is_said_of_what_may_still_be_open() -> None:
    assert list(when_over(a_room(), a_flow(None))) == []
    room = a_room()
    room.exchange = None  # it began before the capture
    assert list(when_over(room, a_flow())) == []


def test_after_a_faulty_answer_it_is_clear_why_the_client_left() -> None:
    room = a_room()
    assert room.exchange is not None
    room.exchange.facts["faulty"] = True
    assert [type(one).__name__ for one in when_over(room, a_flow())] == ["About", "Phase", "About"]


@pytest.mark.parametrize(("seconds", "told"), [(4, False), (60, True)])
def test_pings_that_nobody_answered(seconds: int, told: bool) -> None:
    flow_of_play = opened(server(PING, b"1"), server(PING, b"2"), end_ns=S + seconds * S)
    assert codes(flow_of_play) == (["ping-unanswered"] if told else [])
    room = a_room()
    room.end_ns = 200 * S
    for number in range(2):
        room.halves[RES].pings[b"%d" % number] = (200 * S - seconds * S, Place((), 1))
    found = findings(when_over(room, a_flow(None)))
    said = [f"2 pings of the server got no pong; the first was sent {seconds} s before the end."]
    assert [finding.text for finding in found] == (said if told else [])
    room.halves[RES].close_place = Place((), 1)
    assert findings(when_over(room, a_flow(None))) == []


def test_a_flow_without_tcp_ends_without_a_word() -> None:
    flow = a_flow()
    flow.tcp = None
    assert list(when_over(a_room(), flow)) == []
