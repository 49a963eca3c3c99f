"""What is kept of a message under way."""

from __future__ import annotations

from analyzer.core import Piece
from analyzer.protocols.websocket.dissector import HELD_BYTES
from analyzer.protocols.websocket.state import CHUNK_PARTS, Message
from tests.protocols.websocket.opened import TEXT, opened, server


def test_many_small_parts_become_one() -> None:
    message = Message(TEXT, compressed=False)
    count = 3 * CHUNK_PARTS
    for number in range(count):
        message.add(Piece(bytes([number % 251]), [(0, number + 1, 54, number)]))
        assert len(message.small) < CHUNK_PARTS
    assert len(message.parts) == 3
    whole = message.whole()
    assert whole is not None
    assert bytes(whole) == bytes(number % 251 for number in range(count))
    spans = whole.place.spans
    assert (message.held, spans[0].frame, spans[-1].frame) == (count, 1, count)
    assert Message(TEXT, compressed=False).whole() is None


def test_a_message_in_very_many_frames() -> None:
    count = 2 * CHUNK_PARTS
    frames = [server(TEXT if not number else 0, b"x", fin=number == count - 1) for number in range(count)]
    note = opened(*frames).notes[-1]
    assert (note.fields["message_bytes"], note.fields["message"]) == (count, "x" * 1024)
    assert note.text.endswith(f"in {count:,} frames")


def test_what_follows_a_part_that_was_not_held_is_not_put_behind_it() -> None:
    said = opened(server(TEXT, b"a" * (HELD_BYTES + 1), fin=False), server(0, b"b"), server(TEXT, b"c"))
    assert said.notes[3].fields["message_bytes"] == HELD_BYTES + 2
    assert said.notes[4].text == '1 byte: "c"'
