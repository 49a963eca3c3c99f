"""Frames on an open WebSocket: messages, control frames, what may not be, gaps."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Limits, Outcome, Side, Span
from analyzer.protocols import websocket
from analyzer.protocols.websocket.dissector import HELD_BYTES
from captures.websocket import ANSWER, MASK, REQUEST, Fields, closing, frame, head
from tests.play import Said, again, play
from tests.protocols.websocket.opened import (
    BINARY,
    CLOSE,
    DEFLATE,
    INI,
    PING,
    PONG,
    RES,
    ROOMS,
    TEXT,
    agreeing,
    asking,
    client,
    close,
    codes,
    lines,
    notes,
    opened,
    server,
)


def packed(*messages: bytes, takeover: bool = True) -> list[bytes]:
    """Messages as permessage-deflate has them."""
    packer = zlib.compressobj(wbits=-15)
    found = []
    for message in messages:
        found.append((packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff"))
        packer = packer if takeover else zlib.compressobj(wbits=-15)
    return found


# --- messages ---------------------------------------------------------------------------------------------------------


def test_messages_of_one_frame() -> None:
    said = opened(client(TEXT, b"Hello"), server(BINARY, bytes(range(20))), server(TEXT, "grüße".encode()))
    assert lines(said) == [
        ("text", '5 bytes: "Hello"'),
        ("binary", "20 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ..."),
        ("text", '7 bytes: "grüße"'),
    ]
    text, binary, _ = said.notes[2:]
    assert text.fields == {
        "opcode": {"value": 1, "name": "text"},
        "fin": True,
        "rsv": 0,
        "masked": True,
        "payload_bytes": 5,
        "message_bytes": 5,
        "message": "Hello",
        "message_type": "text",
    }
    assert (text.spans, text.sender, text.path) == ((Span(3, 54, 65),), Side.INITIATOR, ("tcp", "http1", "websocket"))
    assert (binary.fields["message"], binary.fields["masked"]) == (bytes(range(20)).hex(), False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, HELD_BYTES, HELD_BYTES + 1])
@pytest.mark.parametrize("side", list(Side))
def test_every_form_of_length(size: int, side: Side) -> None:
    said = opened((side, frame(TEXT, b"x" * size, masked=side is INI)), close(side))
    note = said.notes[2]
    assert (note.fields["payload_bytes"], note.fields["message_bytes"]) == (size, size)
    assert note.fields["message"] == "x" * min(size, 1024)
    assert [one.kind for one in said.notes[3:]] == ["websocket.close"]
    assert codes(said) == []


def test_lengths_in_too_many_bytes_are_told() -> None:
    ping = b"\x89\xfe\0\2" + MASK + MASK[:2]
    said = opened((RES, b"\x81\x7e\0\2hi"), (RES, b"\x82\x7f" + bytes(7) + b"\2hi"), (INI, ping))
    assert all(note.text.endswith(", its length in more bytes than it needs (§5.2)") for note in said.notes[2:])
    assert [note.fields["minimal_length"] for note in said.notes[2:]] == [False] * 3


def test_messages_in_pieces_with_control_frames_between() -> None:
    data = "ein schöner Tag".encode()
    said = opened(
        client(TEXT, data[:8], fin=False),
        server(PING, b"p"),
        client(PONG, b"p"),
        client(0, data[8:10], fin=False),
        client(0, data[10:]),
    )
    assert [text for _, text in lines(said)] == [
        "8 bytes of a message",
        "1 byte: 70",
        "1 byte: 70, answers the ping after 1 ms",
        "2 bytes of a message",
        '16 bytes: "ein schöner Tag" in 3 frames',
    ]
    assert (codes(said), said.notes[-1].fields["message"]) == ([], data.decode())
    assert said.facts["messages"] == [1, 0]


def test_what_is_shown_of_messages_has_a_limit() -> None:
    limits = Limits(message_bytes=4)
    said = opened(client(TEXT, b"a" * 10), client(BINARY, b"b" * 10), client(TEXT, "ä".encode() * 9), limits=limits)
    assert [note.fields["message"] for note in said.notes[2:]] == ["aaaa", "62626262", "ääää"]
    said = opened(server(TEXT, b"x" * 80))
    assert lines(said) == [("text", f'80 bytes: "{"x" * 69}..."')]


def test_long_messages_are_whole_where_that_is_asked_for() -> None:
    size = 3 * HELD_BYTES
    limits = Limits(message_bytes=4 * HELD_BYTES, unit_bytes=4 * HELD_BYTES)
    half = b"y" * (size // 2)
    said = opened(
        server(TEXT, b"x" * size), server(BINARY, half, fin=False), server(0, half), server(TEXT, b"z"), limits=limits
    )
    assert [len(note.fields.get("message", "")) for note in said.notes[2:]] == [size, 0, 2 * size, 1]


def test_of_messages_that_are_too_large_the_beginning_is_kept() -> None:
    part = b"a" * HELD_BYTES
    said = opened(server(TEXT, part, fin=False), *[server(0, part, fin=False)] * 5, server(0, b"\xff"))
    note = said.notes[-1]
    assert (note.fields["message_bytes"], len(note.fields["message"])) == (6 * HELD_BYTES + 1, 1024)
    assert codes(said) == []


def test_in_one_segment_with_the_answer_and_before_it() -> None:
    """RFC 6455 §4.1: a client has to wait for the answer; a server need not send it alone."""
    asked, answered = asking()[1] + client(TEXT, b"early")[1], agreeing()[1] + server(TEXT, b"at once")[1]
    said = play(ROOMS, (INI, asked), (RES, answered), over="tcp")
    assert lines(said) == [("text", '5 bytes: "early"'), ("text", '7 bytes: "at once"')]
    assert said.notes[2].remark == "It was sent before the answer to the upgrade had come (§4.1)."


# --- compressed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages(takeover: bool) -> None:
    first, second = packed(b"hello hello hello", b"hello hello", takeover=takeover)
    agreed: Fields = {
        "Sec-WebSocket-Extensions": "permessage-deflate" + ("" if takeover else "; client_no_context_takeover")
    }
    said = opened(
        client(TEXT, first, rsv=4),
        client(BINARY, second[:2], rsv=4, fin=False),
        client(0, second[2:]),
        client(TEXT, b"plain"),
        asked=DEFLATE,
        answered=agreed,
    )
    assert [text for _, text in lines(said)] == [
        '17 bytes: "hello hello hello", compressed',
        "2 bytes of a message",
        "11 bytes: 68 65 6c 6c 6f 20 68 65 6c 6c 6f in 2 frames, compressed",
        '5 bytes: "plain"',
    ]
    assert (codes(said), said.notes[2].fields["rsv"]) == ([], 4)
    assert (said.notes[2].fields["payload_bytes"], said.notes[2].fields["message_bytes"]) == (len(first), 17)


def test_frames_lost_in_between() -> None:
    one, two, three, four = packed(b"amber birch", b"cedar delta", b"cedar delta", b"fjord")
    lost = len(client(TEXT, two, rsv=4)[1])
    said = opened(
        client(TEXT, one, rsv=4), (INI, lost), client(TEXT, three, rsv=4), client(TEXT, four, rsv=4),
        asked=DEFLATE, answered=DEFLATE,
    )  # fmt: skip
    assert lines(said) == [
        ("text", '11 bytes: "amber birch", compressed'),
        ("gap", f"{lost} bytes are missing"),
        ("text", "a message that can't be read: it builds on messages before it that could not be read"),
        ("text", '5 bytes: "fjord", compressed'),
    ]
    assert codes(said) == []


def test_a_gap_within_a_compressed_message() -> None:
    one, two = packed(b"amber birch cedar delta ember fjord", b"grove", takeover=False)
    said = opened(
        client(TEXT, one[:9], rsv=4, fin=False), (INI, 12), client(0, one[15:]), client(TEXT, two, rsv=4),
        asked=DEFLATE, answered={"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"},
    )  # fmt: skip
    assert [kind for kind, _ in lines(said)] == ["text", "gap", "continuation", "text"]
    assert (lines(said)[-1][1], codes(said)) == ('5 bytes: "grove", compressed', [])


def test_what_can_not_be_inflated() -> None:
    said = opened(client(TEXT, b"plain text", rsv=4), client(TEXT, b"again", rsv=4), asked=DEFLATE, answered=DEFLATE)
    assert codes(said) == ["deflate-failed"]
    assert said.findings[0].text.startswith("A compressed message can't be inflated: it is not DEFLATE (")
    assert [note.verdict for note in said.notes[2:]] == ["websocket.deflate-failed", None]
    (bomb,) = packed(bytes(5000))
    said = opened(client(TEXT, bomb, rsv=4), asked=DEFLATE, answered=DEFLATE, limits=Limits(inflated_bytes=4000))
    assert said.findings[0].text.endswith("it comes to more than 4,000 bytes, which is not inflated.")


def test_a_compressed_frame_that_is_not_held_costs_its_message() -> None:
    noise, fresh = packed(random.Random(1).randbytes(HELD_BYTES + 9), b"amber")
    said = opened(server(BINARY, noise, rsv=4), server(TEXT, fresh, rsv=4), asked=DEFLATE, answered=DEFLATE)
    assert lines(said)[0][1] == f"a message that can't be read: a compressed frame of {len(noise):,} bytes is not held"
    assert (lines(said)[1][1], codes(said)) == ('5 bytes: "amber", compressed', [])


# --- control frames and the end ---------------------------------------------------------------------------------------


def test_pings() -> None:
    said = opened(
        server(PING, b"1"), server(PING, b"2"), client(PONG, b"2"), client(PONG), client(PING), server(PONG)
    )  # fmt: skip
    assert [note.fields.get("round_trip_ns") for note in said.notes[2:]] == [None, None, 10**6, None, None, 10**6]
    assert lines(said)[-1] == ("pong", "empty, answers the ping after 1 ms")
    assert said.facts["ping_round_trip_ns"] == {"least": 10**6, "median": 10**6, "most": 10**6}
    assert "websocket.ping-unanswered" not in said.facts


def test_the_closing_handshake() -> None:
    said = opened(close(INI, 1000, "bye"), close(RES, 1000, "bye"))
    assert lines(said) == [
        ("close", "1000 Normal Closure, 'bye', asks to close"),
        ("close", "1000 Normal Closure, 'bye', agrees"),
    ]
    fields = said.notes[2].fields
    assert (fields["close_code"], fields["close_reason"]) == ({"value": 1000, "name": "Normal Closure"}, "bye")
    facts = said.facts
    assert (facts["close_begun_by"], facts["close_code"], facts["close_reason"]) == ("client", 1000, "bye")
    assert said.facts["close_codes_seen"] == [1000, 1000]
    assert [(phase.name, phase.outcome, phase.round_trips) for phase in said.phases[1:]] == [
        ("open", Outcome.ESTABLISHED, None),
        ("close", Outcome.ESTABLISHED, 1),
    ]


def test_closes_without_a_code_twice_and_with_more_behind() -> None:
    said = opened(close(RES, None), close(RES, None), server(TEXT, b"late"), close(INI, 4321))
    assert [text for _, text in lines(said)] == [
        "without a code (the other side sees 1005), asks to close",
        "without a code (the other side sees 1005), once more",
        '4 bytes: "late"',
        "4321 the application's own, agrees",
    ]
    assert said.notes[2].fields["close_code"] is None
    assert said.notes[4].remark == "It comes after this side's Close: the other side ignores it (§5.5.1)."
    assert said.facts["close_codes_seen"] == [1005, 4321]


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (b"\x03", "close-illegal-code", "A close has one byte, which is no code."),
        (closing(1005), "close-illegal-code", "A close has the code 1005, which may not be sent."),
        (closing(1006), "close-illegal-code", "A close has the code 1006, which may not be sent."),
        (closing(999), "close-illegal-code", "A close has the code 999, which may not be sent."),
        (closing(5000), "close-illegal-code", "A close has the code 5000, which may not be sent."),
        (closing(1000) + b"\xff", "message-invalid-utf8", "The reason of a close is not UTF-8."),
        (closing(1011, "oops"), "close-code", "The client closed with 1011 Internal Error: 'oops'."),
        (closing(1009), "too-big", "The client closed with 1009 Message Too Big."),
    ],
)
def test_closes_that_say_that_something_is_wrong(data: bytes, code: str, text: str) -> None:
    said = opened(client(CLOSE, data))
    assert (codes(said), said.findings[0].text) == ([code], text)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1012, 1013, 3000, 4999])
def test_closes_that_are_in_order(code: int | None) -> None:
    assert codes(opened(close(RES, code), close(INI, code))) == []


def test_the_message_before_is_named() -> None:
    said = opened(client(TEXT, b"x" * 70), close(RES, 1009))
    assert said.findings[0].text == (
        "The server closed with 1009 Message Too Big. The last message to it had 70 bytes."
    )
    assert said.findings[0].frames == (3, 4)


# --- what may not be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "code", "text"),
    [
        ((INI, frame(TEXT, b"x")), "frame-unmasked-from-client", "A frame of the client is not masked."),
        ((RES, frame(TEXT, b"x", masked=True)), "frame-masked-from-server", "A frame of the server is masked."),
        (client(TEXT, b"x", rsv=4), "frame-reserved-bits", "A text frame has RSV1 set; no extension was agreed on."),
        (client(PING, rsv=3), "frame-reserved-bits", "A ping frame has RSV2 and RSV3 set; no extension was agreed on."),
        (client(3, b"x"), "frame-bad-opcode-or-sequence", "A frame has the opcode 3, which is reserved."),
        (client(15), "frame-bad-opcode-or-sequence", "A frame has the opcode 15, which is reserved."),
        (client(0, b"x"), "frame-bad-opcode-or-sequence",
         "A continuation goes on with a message that nobody has begun."),
        (client(PING, bytes(126)), "frame-control-invalid", "A ping has 126 bytes; 125 are allowed."),
        (client(PONG, fin=False), "frame-control-invalid", "A pong is fragmented."),
        (server(TEXT, b"caf\xe9 au lait"), "message-invalid-utf8",
         "A text message is not UTF-8 from byte 3 on (e9 20 61 75)."),
    ],
)  # fmt: skip
def test_faults(one: tuple[Side, bytes], code: str, text: str) -> None:
    said = opened(one, server(TEXT, b"more"))
    assert (codes(said), said.findings[0].text) == ([code], text)
    assert said.notes[2].verdict == f"websocket.{code}"
    assert said.findings[0].frames == (3,)
    assert said.notes[-1].text == '4 bytes: "more"'
    assert codes(opened(one, one)) == [code]  # told once


def test_reserved_bits_where_an_extension_was_agreed_on() -> None:
    (data,) = packed(b"x")
    said = opened(client(TEXT, data, rsv=6), client(0, rsv=4), asked=DEFLATE, answered=DEFLATE)
    assert said.findings[0].text == "A text frame has RSV2 set; the extension agreed on gives that no meaning."
    other: Fields = {"Sec-WebSocket-Extensions": "x-own"}
    assert codes(opened(client(TEXT, b"x", rsv=7), asked=other, answered=other)) == []
    assert codes(opened(client(PING, rsv=7), asked=other, answered=other)) == ["frame-reserved-bits"]


def test_a_message_within_another_one() -> None:
    said = opened(client(TEXT, b"a", fin=False), client(BINARY, b"b"), client(0, b"c"))
    assert said.findings[0].text == "A binary frame begins a message in the middle of another one."


def test_text_is_judged_as_a_whole() -> None:
    assert codes(opened(client(TEXT, b"\xc3", fin=False), client(0, b"\xa4"))) == []
    assert codes(opened(client(TEXT, b"\xc3", fin=False), client(0, b"x"))) == ["message-invalid-utf8"]


def test_a_length_beyond_63_bits_ends_it() -> None:
    said = opened((RES, b"\x81\x7f\x80" + bytes(7)), server(TEXT, b"x"))
    assert said.lines[-1] == (
        "websocket.malformed",
        "a payload of 9223372036854775808 bytes: the most significant bit must be 0 (§5.2)",
    )


def test_traced_frames_name_their_fields() -> None:
    said = opened(client(TEXT, b"x" * 126), server(TEXT, b"x"), trace=True)
    trees: list[Any] = [note.tree for note in notes(said, "text")]
    assert [[field.name for field in tree] for tree in trees] == [
        ["fin_rsv_opcode", "mask_payload_len", "extended_payload_length", "masking_key", "payload_data"],
        ["fin_rsv_opcode", "mask_payload_len", "payload_data"],
    ]


# --- what is inside ---------------------------------------------------------------------------------------------------


def test_a_payload_that_is_itself_tls() -> None:
    hello = (b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(32) + b"\0\0\2\xc0\x2f\1\0\0\0")[: 5 + 0x2F]
    cut = 20
    said = opened(client(BINARY, hello[:cut]), client(BINARY, hello[cut:]))
    (note,) = [one for one in said.notes if one.kind == "tls.client-hello"]
    assert note.path == ("tcp", "http1", "websocket", "tls")
    assert note.frames == (3, 4)
    # only a stream that begins so is one
    said = opened(client(TEXT, b"hi"), client(BINARY, hello))
    assert not [one for one in said.notes if one.kind.startswith("tls")]


# --- started late, and gaps -------------------------------------------------------------------------------------------


def late(*frames: tuple[Side, bytes] | tuple[Side, int]) -> Said:
    return play(websocket.PROTOCOL, *frames, over="upgrade:websocket")


def test_streams_that_began_before_the_capture_are_recognised() -> None:
    three = [client(TEXT, text) for text in (b"amber", b"birch", b"cedar")]
    rest = server(BINARY, bytes(300))[1][200:]
    said = play(ROOMS, (RES, rest), *three, server(TEXT, b"hello"), over="tcp", late=True)
    words = ("amber", "birch", "cedar", "hello")
    assert [text for _, text in said.lines] == [f'5 bytes: "{word}"' for word in words]
    assert (said.kind, said.notes[0].path, codes(said)) == ("websocket", ("tcp", "websocket"), [])
    # two are too few, and a stream that was seen from its start is none
    assert play(ROOMS, *three[:2], over="tcp", late=True).lines == []
    assert play(ROOMS, *three, over="tcp").lines == []


def test_frames_without_a_handshake() -> None:
    said = late(server(TEXT, b"one"), server(TEXT, b"two"), server(PING), client(TEXT, b"three"), client(TEXT, b"x"))
    assert [text for _, text in said.lines] == [
        '3 bytes: "one"', '3 bytes: "two"', "empty", '5 bytes: "three"', '1 byte: "x"',
    ]  # fmt: skip
    assert codes(said) == []
    assert [phase.outcome for phase in said.phases] == [Outcome.PARTIAL]
    # who masks is the client, whoever opened the connection
    said = late((RES, frame(TEXT, b"a", masked=True) * 3), (INI, frame(TEXT, b"b")))
    assert (codes(said), said.facts["messages"]) == ([], [3, 1])


def test_compressed_messages_without_a_handshake() -> None:
    first, second, third = packed(b"amber", b"birch birch", b"amber")
    said = late((RES, b"".join(frame(TEXT, data, rsv=4) for data in (second, third, second))))
    assert [text for _, text in said.lines][:1] == ['11 bytes: "birch birch", compressed']
    assert codes(said) == []
    assert first


def test_frames_are_found_again_behind_a_gap() -> None:
    one = server(TEXT, b"x" * 50)
    said = opened(one, (RES, one[1][:30]), (RES, 22), one, one)
    assert [text for _, text in lines(said)][1] == "52 bytes are missing"  # its size says where the next one begins
    assert [kind for kind, _ in lines(said)] == ["text", "gap", "text", "text"]
    said = opened(one, (RES, 7), (RES, b"\xff" * 20), one, server(TEXT, b"y"), client(TEXT, b"z"))
    assert [kind for kind, _ in lines(said)] == ["text", "gap", "text", "text", "text"]
    assert codes(said) == []


def test_a_continuation_behind_a_gap_is_nobodys_fault() -> None:
    said = opened(server(TEXT, b"a", fin=False), (RES, 5), server(0, b"b"), server(TEXT, b"c"))
    assert [text for _, text in lines(said)] == [
        "1 bytes of a message", "5 bytes are missing", "goes on with a message whose beginning is missing",
        '1 byte: "c"',
    ]  # fmt: skip
    assert codes(said) == []


def test_an_answer_that_is_missing() -> None:
    """The 101 was lost: what follows is recognised by itself."""
    three = [server(TEXT, text) for text in (b"one", b"two", b"three")]
    said = play(ROOMS, asking(), (RES, 129), *three, over="tcp")
    assert [note.kind for note in said.notes] == ["websocket.upgrade", "http.gap", *["websocket.text"] * 3]
    assert said.title == "ws://h/chat"


# --- whatever comes ---------------------------------------------------------------------------------------------------

SIDES = st.sampled_from(list(Side))
FRAMES = st.lists(st.tuples(SIDES, st.binary(max_size=40)), max_size=10)
OPCODES = st.sampled_from([0, TEXT, BINARY, CLOSE, PING, PONG, 3])
DATA = st.binary(max_size=150)
TALKS = st.lists(st.tuples(SIDES, OPCODES, DATA, st.booleans(), st.sampled_from([0, 0, 4])), max_size=9)


def whole(talk: list[tuple[Side, int, bytes, bool, int]]) -> list[tuple[Side, bytes]]:
    return [(side, frame(opcode, data, masked=side is INI, fin=fin, rsv=rsv)) for side, opcode, data, fin, rsv in talk]


@given(FRAMES, st.booleans())
def test_any_bytes_raise_nothing(frames: list[tuple[Side, bytes]], deflated: bool) -> None:
    more: Fields = DEFLATE if deflated else {}
    said = opened(*frames, asked=more, answered=more)
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]
    assert not [note for note in late(*frames).notes if note.kind == "engine.internal-error"]


@settings(max_examples=60)
@given(TALKS, st.lists(st.integers(1, 60), max_size=6), st.booleans())
def test_any_cut_of_the_stream_gives_the_same(
    talk: list[tuple[Side, int, bytes, bool, int]], cuts: list[int], deflated: bool
) -> None:
    frames = whole(talk)
    more: Fields = DEFLATE if deflated else {}
    for sender in Side:  # one side alone: who was first among the two is a matter of when
        one = [(side, data) for side, data in frames if side is sender]
        wanted = opened(*one, asked=more, answered=more).lines
        assert opened(*again(one, cuts), asked=more, answered=more).lines == wanted


@given(TALKS, st.integers(0, 8), st.integers(1, 200))
def test_any_gap_is_survived(talk: list[tuple[Side, int, bytes, bool, int]], number: int, size: int) -> None:
    frames: list[tuple[Side, bytes] | tuple[Side, int]] = [*whole(talk)]
    frames.insert(min(number, len(frames)), (RES, size))
    said = opened(*frames, asked=DEFLATE, answered=DEFLATE)
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]


def test_a_byte_at_a_time() -> None:
    talk = [(INI, head("GET /chat HTTP/1.1", {"Host": "h", **REQUEST})), (RES, head("HTTP/1.1 101 S", {**ANSWER}))]
    frames = [*talk, client(TEXT, b"x" * 200), server(BINARY, bytes(70)), client(PING, b"p"), close(INI), close(RES)]
    at_once = play(ROOMS, *frames, over="tcp")
    dripped = play(ROOMS, *again(frames, [1]), over="tcp")
    assert dripped.lines == at_once.lines
