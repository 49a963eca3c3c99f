"""Data channels played message by message, as SCTP passes them on."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Limits, Outcome, Piece, Shared, Side
from analyzer.protocols.datachannel import PROTOCOL
from analyzer.protocols.datachannel.dissector import MAX_CHANNELS, MAX_PARTIAL_BYTES, PART_BYTES
from analyzer.protocols.sctp.dissector import User
from captures.datachannel import (
    ACK,
    BINARY,
    BINARY_EMPTY,
    BINARY_PARTIAL,
    DCEP,
    STRING,
    STRING_EMPTY,
    STRING_PARTIAL,
    opens,
)
from tests.play import START_NS, STEP_NS, Frame, Said, play

A, B = Side.INITIATOR, Side.RESPONDER
SECOND = 1_000_000_000
RESET = 255  # in place of an identifier


class Carrier(core.Dissector):
    """Passes on what follows the stream, the identifier and the flag of each unit."""

    association = b""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        stream, ppid, unordered = struct.unpack(">HBB", bytes(unit)[:4])
        user = User(stream, ppid, bool(unordered), sent_on=ppid == RESET, association=self.association)
        yield core.Pass("sctp:webrtc", unit.cut(4), stream=False, sender=sender, context=user)


class Known(Carrier):
    """The same, of an association that is known by its name."""

    association = b"client random"


KNOWN = core.Protocol("carrier", "Carrier", "", ("udp",), {}, {}, lambda head: True, Known)
CARRIER = core.Protocol("carrier", "Carrier", "", ("udp",), {}, {}, lambda head: True, Carrier)


def said(stream: int, ppid: int, message: bytes = b"", *, unordered: bool = False) -> bytes:
    return struct.pack(">HBB", stream, ppid, unordered) + message


def played(
    *frames: Frame, end_ns: int | None = None, limits: Limits | None = None, trace: bool = False
) -> Said:  # fmt: skip
    return play([CARRIER, PROTOCOL], *frames, over="udp", end_ns=end_ns, limits=limits, trace=trace)


def opened(stream: int = 0, label: str = "chat", side: Side = A, **how: int) -> list[Frame]:
    return [(side, said(stream, DCEP, opens(label, **how))), (side.other, said(stream, DCEP, ACK))]  # type: ignore[arg-type]


def codes(told: Said) -> list[str]:
    return [finding.code for finding in told.findings]


def rows(told: Said) -> list[tuple[int, str, list[int], list[int]]]:
    return [(one["stream"], one["label"], one["messages"], one["bytes"]) for one in told.facts["channels"]]


# --- opening and closing ----------------------------------------------------------------------------------------------


def test_opened_and_used() -> None:
    told = played(*opened(), (A, said(0, STRING, b"hello")), (B, said(0, BINARY, b"\0\1", unordered=True)))
    assert told.lines == [
        ("datachannel.open", '"chat" on stream 0, reliable, in order'),
        ("datachannel.ack", '"chat" is open after 1 ms'),
        ("datachannel.message", '"chat", 5 bytes: "hello"'),
        ("datachannel.message", '"chat", 2 bytes: 00 01'),
    ]
    assert told.notes[0].fields["priority"] == {"value": 256, "name": "normal"}
    assert told.notes[2].fields == {
        "stream_identifier": 0,
        "label": "chat",
        "ppid": 51,
        "unordered": False,
        "message_bytes": 5,
        "message_type": "text",
        "message": "hello",
    }
    assert told.notes[3].fields["message"] == "0001"
    assert told.notes[3].fields["message_type"] == "binary"
    assert told.notes[3].fields["unordered"] is True
    assert [(phase.name, phase.outcome, phase.end_ns - phase.start_ns) for phase in told.phases] == [
        ("channel", Outcome.ESTABLISHED, STEP_NS)
    ]
    assert told.facts["channels"] == [
        {
            "stream": 0,
            "label": "chat",
            "protocol": "",
            "type": "reliable, in order",
            "opened_by": "initiator",
            "messages": [1, 1],
            "bytes": [5, 2],
            "open_ns": START_NS + STEP_NS,
            "ack_ns": START_NS + 2 * STEP_NS,
            "first_message_ns": START_NS + 3 * STEP_NS,
        }
    ]


@pytest.mark.parametrize(
    ("kind", "limit", "text"),
    [
        (0x80, 0, "reliable, in any order"),
        (0x01, 3, "sent again 3 times at most, in order"),
        (0x81, 0, "never sent again, in any order"),
        (0x81, 1, "sent again once at most, in any order"),
        (0x02, 500, "sent again for 500 ms at most, in order"),
        (0x82, 20, "sent again for 20 ms at most, in any order"),
        (0x42, 20, "type 0x42"),
    ],
)
def test_how_reliable(kind: int, limit: int, text: str) -> None:
    message = opens("chat", "v1", kind=kind, limit=limit, priority=7)
    told = played((A, said(2, DCEP, message)))
    assert told.notes[0].text == f'"chat" on stream 2, {text}, protocol v1'
    assert told.notes[0].fields["reliability_parameter"] == limit
    assert told.notes[0].fields["priority"] == {"value": 7, "name": "of its own"}


def test_only_the_first_channel_makes_the_phase() -> None:
    told = played(*opened(), *opened(2, "more"))
    assert len(told.phases) == 1
    assert [one["stream"] for one in told.facts["channels"]] == [0, 2]


def test_acks_that_answer_nothing() -> None:
    told = played((B, said(4, DCEP, ACK)), *opened(), (B, said(0, DCEP, ACK)), (A, said(0, DCEP, ACK)))
    assert [note.text for note in told.notes if note.kind == "datachannel.ack"] == [
        *("stream 4", '"chat" is open after 1 ms', "stream 0", "stream 0")
    ]


def test_closing() -> None:
    told = played(*opened(), (A, said(0, RESET)), (A, said(0, RESET)), (B, said(0, RESET)), (B, said(6, RESET)))
    assert [note.text for note in told.notes if note.kind == "datachannel.close"] == [
        *('"chat"', '"chat", now closed on both sides', "stream 6")
    ]
    assert codes(told) == ["datachannel.closed-by-reset"]
    assert told.findings[0].text == 'The channel "chat" was closed by both sides.'


def test_a_stream_that_is_used_again_is_another_channel() -> None:
    told = played(
        *opened(),
        (A, said(0, STRING, b"one")),
        (A, said(0, RESET)),
        (B, said(0, RESET)),
        *opened(0, "again"),
        (A, said(0, STRING, b"three")),
        (A, said(0, RESET)),
    )
    assert rows(told) == [(0, "chat", [1, 0], [3, 0]), (0, "again", [1, 0], [5, 0])]
    assert told.notes[-2].text == '"again", 5 bytes: "three"'
    assert told.notes[-1].text == '"again"'


def test_a_second_open_changes_nothing() -> None:
    told = played(*opened(), (A, said(0, DCEP, opens("other"))), (A, said(0, STRING, b"x")))
    assert rows(told) == [(0, "chat", [1, 0], [1, 0])]


# --- messages ---------------------------------------------------------------------------------------------------------


def test_empty_messages() -> None:
    told = played(*opened(), (A, said(0, STRING_EMPTY, b"\0")), (A, said(0, BINARY_EMPTY, b"\0")), (A, said(0, STRING)))
    assert [(note.text, note.fields["message"], note.fields["message_bytes"]) for note in told.notes[2:]] == [
        ('"chat", empty', "", 0)
    ] * 3
    assert [note.fields["message_type"] for note in told.notes[2:]] == ["text", "binary", "text"]
    assert rows(told) == [(0, "chat", [3, 0], [0, 0])]


def test_partial_messages() -> None:
    told = played(
        *opened(),
        (A, said(0, STRING_PARTIAL, b"one ")),
        (B, said(0, BINARY_PARTIAL, b"\1")),
        (A, said(0, STRING_PARTIAL, b"two ")),
        (A, said(0, STRING, b"three")),
        (B, said(0, BINARY, b"\2")),
        (A, said(0, STRING, b"four")),
    )
    messages = [note for note in told.notes if note.kind == "datachannel.message"]
    assert [note.fields["message"] for note in messages] == ["one two three", "0102", "four"]
    assert messages[0].frames == (3, 5, 6)
    assert codes(told) == ["datachannel.deprecated-ppid"]


def test_parts_that_never_end_are_bounded() -> None:
    big = bytes(MAX_PARTIAL_BYTES // 16 - PART_BYTES - 4)  # 16 of them are all that is held
    count = 19
    frames: list[Frame] = [(A, said(0, STRING_PARTIAL, big))] * count
    told = played(*opened(), *frames, (A, said(0, STRING, b"end")), (A, said(0, STRING, b"next")))
    first, second = told.notes[-2:]
    assert first.fields["message_bytes"] == count * len(big) + 3
    assert first.text.startswith(f'"chat", {count * len(big) + 3:,} bytes: "')
    assert second.fields["message"] == "next"
    # What is held on one channel is not there for another; once it is told, it is.
    shared = played(*opened(), *opened(2, "b"), *frames, (A, said(2, STRING_PARTIAL, b"x")), (A, said(2, STRING, b"y")))
    assert shared.notes[-1].fields["message_bytes"] == 2
    assert "xy" not in shared.notes[-1].fields["message"]
    freed = played(
        *opened(), *frames, (A, said(0, STRING, b"")), (A, said(2, STRING_PARTIAL, b"x")), (A, said(2, STRING, b"y"))
    )
    assert freed.notes[-1].fields["message"] == "xy"


def test_parts_without_bytes_are_bounded() -> None:
    frames: list[Frame] = [(A, said(0, STRING_PARTIAL))] * (MAX_PARTIAL_BYTES // PART_BYTES + 5)
    told = played(*opened(), *frames, (A, said(0, STRING)), (A, said(0, STRING, b"next")))
    assert [note.fields["message_bytes"] for note in told.notes[-2:]] == [0, 4]
    assert len(told.notes[-2].frames) <= MAX_PARTIAL_BYTES // PART_BYTES + 1


def test_text_is_shown_as_it_is_and_cut() -> None:
    long = "é" * 2000
    told = played(*opened(), (A, said(0, STRING, long.encode())), (A, said(0, STRING, b"\xff!")))
    assert told.notes[2].text == f'"chat", 4,000 bytes: "{"é" * 69}..."'
    assert told.notes[2].fields["message"] == long[:1024]
    assert told.notes[3].fields["message"] == "\\xff!"
    whole = played(*opened(), (A, said(0, STRING, long.encode())), limits=Limits(message_bytes=5000))
    assert whole.notes[2].fields["message"] == long
    data = played(*opened(), (A, said(0, BINARY, bytes(2000))))
    assert data.notes[2].text == f'"chat", 2,000 bytes: {"00 " * 16}...'
    assert data.notes[2].fields["message"] == "00" * 1024


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_open_unacked() -> None:
    only = opened()[:1]
    assert codes(played(*only, end_ns=START_NS + 2 * SECOND)) == []
    told = played(*only, end_ns=START_NS + 5 * SECOND + STEP_NS)
    assert codes(told) == ["datachannel.open-unacked"]
    assert told.findings[0].text == 'The OPEN of "chat" in frame 1 got no ACK in 5 s.'
    assert codes(played(*opened(), end_ns=START_NS + 5 * SECOND)) == []
    # Whoever answers on it knows of it.
    assert codes(played(*only, (B, said(0, STRING, b"hi")), end_ns=START_NS + 5 * SECOND)) == []
    assert codes(played(*only, (A, said(0, STRING, b"hi")), end_ns=START_NS + 5 * SECOND)) == [
        "datachannel.open-unacked"
    ]


def test_parity() -> None:
    assert codes(played(*opened(0), *opened(1, side=B), *opened(2), *opened(3, side=B))) == []
    assert codes(played(*opened(0), *opened(2, side=B))) == ["datachannel.parity-conflict"]
    told = played(*opened(0), *opened(1), *opened(3))
    assert [finding.text for finding in told.findings] == [
        "Stream 1, opened in frame 3, is one of those of the other side."
    ]


@pytest.mark.parametrize("sizes", [(40, 0), (4, 9), (1, 1), (0, 0)])
def test_open_that_contradicts_itself(sizes: tuple[int, int]) -> None:
    told = played((A, said(0, DCEP, opens("chat", sizes=sizes))))
    assert codes(told) == ["datachannel.malformed"]
    assert f"a label of {sizes[0]} and a protocol of {sizes[1]}" in told.findings[0].text
    assert told.notes[0].fields["label"] == "chat"[: sizes[0]]


@pytest.mark.parametrize("message", [b"", b"\1", b"\3\0\0", b"\x09" + bytes(11)])
def test_malformed(message: bytes) -> None:
    told = played((A, said(0, DCEP, message)), *opened())
    assert [note.kind for note in told.notes] == ["datachannel.malformed", "datachannel.open", "datachannel.ack"]


def test_channel_that_nobody_opened() -> None:
    told = played((A, said(40, STRING, b"hi")), (B, said(40, STRING, b"hello")), (A, said(42, STRING, b"x")))
    assert codes(told) == ["datachannel.none-but-data"]
    assert told.findings[0].frames == (1,)
    assert told.notes[0].text == 'stream 40, 2 bytes: "hi"'
    assert told.facts["channels"][0]["type"] == "negotiated"
    assert told.facts["channels"][0]["opened_by"] is None


def test_more_channels_than_are_told_one_by_one() -> None:
    frames = [frame for number in range(MAX_CHANNELS + 3) for frame in opened(2 * number, f"c{number}")]
    told = played(*frames, (A, said(2 * MAX_CHANNELS + 2, STRING, b"x")), (A, said(4, STRING, b"y")))
    assert len(told.facts["channels"]) == 64
    assert told.notes[-1].text == '"c2", 1 byte: "y"'
    assert told.notes[-2].text == f'stream {2 * MAX_CHANNELS + 2}, 1 byte: "x"'
    assert codes(told) == []  # it was opened, though nobody remembers


def test_a_channel_opened_on_another_path_of_its_association() -> None:
    shared = Shared()
    play([KNOWN, PROTOCOL], *opened(), over="udp", shared=shared)
    told = play([KNOWN, PROTOCOL], (B, said(0, STRING, b"hi")), (B, said(2, STRING, b"x")), over="udp", shared=shared)
    assert [note.text for note in told.notes] == ['"chat", 2 bytes: "hi"', 'stream 2, 1 byte: "x"']
    assert [finding.text for finding in told.findings] == [
        "A message on stream 2 (frame 2), for which no OPEN was seen."
    ]
    assert [one["type"] for one in told.facts["channels"]] == ["", "negotiated"]
    assert told.facts["channels"][0]["ack_ns"] is None
    unknown = play([CARRIER, PROTOCOL], (B, said(0, STRING, b"hi")), over="udp", shared=shared)
    assert codes(unknown) == ["datachannel.none-but-data"]


def test_an_answer_on_another_path() -> None:
    class Both(core.Dissector):
        """Two paths of one association, by the first byte of each unit."""

        def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
            stream, ppid, _ = struct.unpack(">HBB", bytes(unit)[1:5])
            user = User(stream, ppid, False, False, b"client random")
            path = unit.data[unit.start]
            yield core.Pass("sctp:webrtc", unit.cut(5), stream=False, key=path, sender=sender, context=user)

    both = core.Protocol("both", "Both", "", ("udp",), {}, {}, lambda head: True, Both)
    end_ns = START_NS + 9 * SECOND
    asked, ack = b"\0" + said(0, DCEP, opens("chat")), said(0, DCEP, ACK)
    told = play([both, PROTOCOL], (A, asked), (B, b"\1" + ack), over="udp", end_ns=end_ns)
    assert [note.text for note in told.notes] == ['"chat" on stream 0, reliable, in order', '"chat" is open']
    assert codes(told) == []
    alone = play([both, PROTOCOL], (A, asked), over="udp", end_ns=end_ns)
    assert codes(alone) == ["datachannel.open-unacked"]


# --- hostile input ----------------------------------------------------------------------------------------------------

MESSAGE = st.one_of(
    st.binary(max_size=40),
    st.just(ACK),
    st.builds(
        lambda label, kind, limit, sizes: opens(label, kind=kind, limit=limit, sizes=sizes),
        st.text(max_size=8),
        st.integers(0, 255),
        st.integers(0, 0xFFFFFFFF),
        st.sampled_from([(), (0, 0), (65535, 65535)]),
    ),
)
FRAME = st.builds(
    lambda side, stream, ppid, message, unordered: (side, said(stream, ppid, message, unordered=unordered)),
    st.sampled_from(Side),
    st.integers(0, 3),
    st.sampled_from([DCEP, DCEP, *range(50, 58), RESET]),
    MESSAGE,
    st.booleans(),
)


@settings(max_examples=200)
@given(st.lists(FRAME, max_size=20))
def test_any_message_raises_nothing_but_malformed(frames: list[Frame]) -> None:
    told = played(*frames, end_ns=START_NS + 9 * SECOND)
    assert not any(note.kind.startswith("engine.") for note in told.notes)
    assert all(note.kind in PROTOCOL.kinds for note in told.notes)
    assert {finding.code for finding in told.findings} <= set(PROTOCOL.findings)
    assert played(*frames, end_ns=START_NS + 9 * SECOND, trace=True).lines == told.lines
    counted = sum(sum(one["messages"]) for one in told.facts.get("channels", []))
    assert counted == sum(note.kind == "datachannel.message" for note in told.notes)
