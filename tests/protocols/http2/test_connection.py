"""Settings, windows, resets, pings, and how a connection ends."""

from __future__ import annotations

import pytest

from analyzer.core import Endpoint, Flow, Outcome, Piece, Severity, Shared, Side
from analyzer.engine.channel import StreamChannel
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller
from analyzer.protocols.http2 import PROTOCOL
from captures.http2 import ACKED, PREFACE, data, frame, goaway, ping, reset, settings, window_update
from captures.http2 import Side as Sender
from tests.play import Said, play

INI, RES = Side.INITIATOR, Side.RESPONDER
HELLO = PREFACE + settings()
S = 1_000_000_000


def at_times(*frames: tuple[float, Side, bytes], end_s: float = 0.0) -> list[str]:
    """The texts of the findings of a conversation told with its times, in seconds."""
    ends = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 8080)
    teller = Teller(Flow(0, "tcp", *ends, "", 1, 1, 0, 0, (0, 0), (0, 0)), Shared(), False, None)
    channel = StreamChannel(Registry([PROTOCOL]), teller, "tcp", ("tcp",), (40000, 8080))
    last = Piece(b"", [])
    for number, (time_s, side, sent) in enumerate(frames, 1):
        last = Piece(sent, [(0, number, 54, S + round(time_s * S))])
        channel.feed(side, last)
    teller.end_ns = S + round(end_s * S)
    channel.end(last)
    assert {finding.code for finding in teller.findings} <= {"http2.flow-control-stall"}
    return [finding.text for finding in teller.findings]


def download(*settings_of_client: tuple[int, int], size: int = 1000) -> list[tuple[float, Side, bytes]]:
    """A response that has used up the window after `size` bytes."""
    return [
        (0.0, INI, PREFACE + settings(*settings_of_client) + Sender().get(1, "/large")),
        (0.1, RES, settings() + Sender().answer(1, 200) + data(1, bytes(size))),
    ]


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_wait_for_the_window_of_a_stream() -> None:
    more = [(2.1, INI, window_update(1, 500)), (2.2, RES, data(1, bytes(500), end=True))]
    assert at_times(*download((4, 1000)), *more) == [
        "The server had used up the window of stream 1 (GET /large) and waited 2 s for WINDOW_UPDATE of the client."
    ]
    assert PROTOCOL.findings["http2.flow-control-stall"].severity is Severity.NOTICE


def test_short_waits_add_up() -> None:
    more = []
    for turn in range(6):
        more.append((0.4 + 0.4 * turn, INI, window_update(1, 1000)))
        more.append((0.5 + 0.4 * turn, RES, data(1, bytes(1000), end=turn == 5)))
    text = "waited 1.8 s for WINDOW_UPDATE of the client, 6 times in all."
    assert at_times(*download((4, 1000)), *more)[0].endswith(text)
    assert at_times(*download((4, 1000)), *more[:4], (2.0, RES, data(1, b"", end=True))) == []


@pytest.mark.parametrize(
    "more",
    [
        [],  # a window that was left
        [(2.1, INI, window_update(1, 500)), (9.0, RES, data(1, bytes(500), end=True))],  # it had nothing to send
        [(0.1, RES, data(1, b"", end=True)), (9.0, INI, window_update(1, 500))],  # it was all
        [(3.0, INI, settings((4, 5000))), (3.1, RES, data(1, bytes(500), end=True))],  # SETTINGS gave more
        [(0.5, INI, window_update(1, 500)), (0.5, INI, window_update(1, 500))],
        [(0.5, INI, window_update(7, 500) + settings((4, 2000)))],
    ],
)
def test_what_is_no_wait(more: list[tuple[float, Side, bytes]]) -> None:
    size = 1000 if more else 999
    assert at_times(*download((4, 1000), size=size), *more, end_s=9.0) == []


def test_a_window_that_is_never_given() -> None:
    began = "The server had used up the window of stream 1 (GET /large), and no WINDOW_UPDATE of the client came in "
    assert at_times(*download((4, 1000)), end_s=5.1) == [began + "the 5 s until the end."]
    assert at_times(*download((4, 1000)), (4.1, INI, reset(1, 8))) == [began + "the 4 s until the stream was reset."]
    assert at_times(*download((4, 1000)), end_s=1.0) == []


def test_a_wait_for_the_window_of_the_connection() -> None:
    first = [
        (0.0, INI, PREFACE + settings((4, 1 << 30)) + Sender().get(1, "/a")),
        (0.1, RES, settings() + Sender().answer(1, 200) + data(1, bytes(16000)) * 4),
        (0.2, RES, data(1, bytes(1535))),
    ]
    more = [(2.2, INI, window_update(0, 65535)), (2.3, RES, data(1, b"x", end=True))]
    began = "The server had used up the window of the whole connection"
    assert at_times(*first, *more) == [f"{began} and waited 2 s for WINDOW_UPDATE of the client."]
    assert at_times(*first, end_s=3.2) == [
        f"{began}, and no WINDOW_UPDATE of the client came in the 3 s until the end."
    ]
    assert at_times(*first, (0.3, RES, data(1, b"", end=True)), end_s=9.0) == []  # nothing is left to send


def test_a_client_may_wait_too() -> None:
    asked = (0.0, INI, Sender().get(1, "/up", method="PUT", end=False))
    sent, allowed = (0.2, INI, data(1, bytes(16000))), (0.1, RES, settings((4, 16000)))
    more = [(3.2, RES, window_update(1, 99)), (3.3, INI, data(1, b"y", end=True))]
    text = "The client had used up the window of stream 1 (PUT /up) and waited 3 s for WINDOW_UPDATE of the server."
    assert at_times((0.0, INI, HELLO), asked, allowed, sent, *more) == [text]
    assert at_times((0.0, INI, HELLO), asked, sent, (0.3, *allowed[1:]), *more) == []  # it was larger when it sent


def test_windows_are_not_told_where_they_are_not_known() -> None:
    stall = [(3.0, INI, window_update(1, 500)), (3.1, RES, data(1, b"x", end=True))]
    late = [(0.0, INI, Sender().get(1, "/large") + ping()), *download((4, 1000))[1:]]
    assert at_times(*late, *stall) == []
    assert at_times(*download((4, 1000))[1:], end_s=99) == []  # one side is not there


def test_large_frames_count_too() -> None:
    first = [
        (0.0, INI, PREFACE + settings((4, 70000), (5, 1 << 20)) + window_update(0, 1 << 20) + Sender().get(1, "/a")),
        (0.1, RES, settings() + Sender().answer(1, 200) + data(1, bytes(70000))),
        (2.1, INI, window_update(1, 70000)),
        (2.2, RES, data(1, bytes(70000), end=True)),
    ]
    assert at_times(*first)[0].endswith("waited 2 s for WINDOW_UPDATE of the client.")


# --- settings, pings --------------------------------------------------------------------------------------------------


def test_settings_by_name() -> None:
    said = play(PROTOCOL, (INI, PREFACE + settings((1, 65536), (2, 0), (3, 100), (6, 8192), (8, 1), (9, 1), (77, 5))))
    assert said.notes[-1].text == (
        "header table size 65,536, enable push 0, max concurrent streams 100, max header list size 8,192, "
        "enable connect protocol 1, no rfc7540 priorities 1, setting 77 5"
    )
    assert said.notes[-1].fields["settings"]["setting_77"] == 5
    said = play(PROTOCOL, (RES, settings() + ACKED))
    assert said.lines == [("http2.settings", "nothing but the defaults")]


def test_of_very_many_settings_some_are_told() -> None:
    said = play(PROTOCOL, (INI, PREFACE + settings(*[(number, 1) for number in range(100, 1000)])))
    assert len(said.notes[-1].fields["settings"]) == 64


def test_round_trips_of_pings() -> None:
    asked, answered = ping(), ping(ack=True)
    said = play(PROTOCOL, (INI, HELLO + asked), (RES, settings() + answered + ping()), (INI, ping(ack=True)))
    assert [note.text for note in said.notes if note.kind == "http2.ping"] == [
        "asks",
        "answers after 1 ms",
        "asks",
        "answers after 1 ms",
    ]
    said = play(PROTOCOL, (INI, HELLO), (RES, settings() + answered))
    assert said.notes[-1].text == "answers"
    assert said.notes[-1].fields["round_trip_ns"] is None


def test_pings_that_nobody_answers_are_forgotten() -> None:
    many = b"".join(ping(b"%8d" % number) for number in range(70))
    said = play(
        PROTOCOL, (INI, HELLO + many), (RES, settings() + ping(b"%8d" % 0, ack=True) + ping(b"%8d" % 69, ack=True))
    )
    assert [note.text for note in said.notes[-2:]] == ["answers", "answers after 1 ms"]


# --- the end ----------------------------------------------------------------------------------------------------------


def conversation(*more: tuple[Side, bytes]) -> Said:
    one = Sender()
    return play(PROTOCOL, (INI, HELLO + one.get(1, "/a") + one.get(3, "/b")), (RES, settings()), *more)


def test_a_reset_says_what_was_reset_and_why() -> None:
    said = conversation((RES, reset(3, 11) + reset(1, 11)))
    note = said.notes[-1]
    assert (note.kind, note.text) == ("http2.rst-stream", "stream 1: ENHANCE_YOUR_CALM")
    assert note.fields["error_code"] == {"value": 11, "name": "ENHANCE_YOUR_CALM"}
    assert note.remark.startswith("The other side asks for too much")
    (finding,) = said.findings  # once for each code
    assert finding.text == (
        "The server reset stream 3 (GET /b) with ENHANCE_YOUR_CALM (the other side asks for too much: it looks like an "
        "attack, or a limit is too low)."
    )
    assert finding.frames == (1, 3)
    assert said.phases[-1].outcome is Outcome.UNANSWERED


@pytest.mark.parametrize("code", [0, 8])
def test_a_reset_that_says_nothing_bad(code: int) -> None:
    assert conversation((INI, reset(1, code))).findings == []


def test_codes_that_nobody_knows() -> None:
    said = conversation((RES, reset(9, 0xAB) + goaway(3, 0xCD)))
    assert [finding.text for finding in said.findings] == [
        "The server reset stream 9 with error 0xab.",
        "The server gave up the connection with error 0xcd.",
    ]
    assert said.notes[-1].remark == ""


@pytest.mark.parametrize(
    ("side", "sent", "text"),
    [
        (RES, goaway(3), "NO_ERROR, streams up to 3 may have been worked on"),
        (RES, goaway(0), "NO_ERROR, no stream was worked on, open ones that were not: 1, 3"),
        (
            RES,
            goaway(1, 0, b"bye"),
            "NO_ERROR: 'bye', streams up to 1 may have been worked on, open ones that were not: 3",
        ),
        (RES, goaway(0x7FFFFFFF), "NO_ERROR, a warning: new streams no more, those on their way are still taken"),
        (INI, goaway(0), "NO_ERROR"),
    ],
)
def test_an_orderly_end(side: Side, sent: bytes, text: str) -> None:
    said = conversation((side, sent))
    assert said.lines[-1] == ("http2.goaway", text)
    assert said.findings == []


def test_an_end_by_an_error_is_told_once() -> None:
    said = conversation((RES, goaway(1, 1, b"bad \xff" + bytes(300)) + goaway(1, 1)))
    (finding,) = said.findings
    assert finding.text.startswith("The server gave up the connection with PROTOCOL_ERROR (the other side broke the")
    assert finding.text.endswith(" Not worked on, of the open streams: 3.")
    assert "It says: 'bad \\\\xff" in finding.text
    assert len(said.notes[-2].fields["debug_data"]) < 220


def test_of_many_streams_that_were_not_worked_on_some_are_named() -> None:
    one = Sender()
    asked = b"".join(one.get(number, "/") for number in range(1, 25, 2))
    said = play(PROTOCOL, (INI, HELLO + asked), (RES, settings() + goaway(1, 2)))
    assert said.notes[-1].text.endswith("open ones that were not: 3, 5, 7, 9, 11, 13, 15, 17 and 3 more")


def test_of_very_many_ends_the_first_ones_name_streams() -> None:
    said = conversation((RES, goaway(1) * 20))
    named = [note.text.endswith("open ones that were not: 3") for note in said.notes if note.kind == "http2.goaway"]
    assert named == [True] * 8 + [False] * 12


def test_a_push_is_not_among_what_a_server_did_not_work_on() -> None:
    pushed = Sender().answer(2, 200)
    said = conversation((RES, pushed + goaway(3)))
    assert said.notes[-1].text == "NO_ERROR, streams up to 3 may have been worked on"


def test_frames_that_nothing_is_said_of() -> None:
    said = conversation((RES, window_update(0, 1000) + window_update(1, 5) + frame(2, 0, 1, bytes(5)) + ACKED))
    assert [kind for kind, _ in said.lines] == [
        "http2.preface",
        "http2.settings",
        *["http.request"] * 2,
        "http2.settings",
    ]
