"""Channels of a call that several paths tell of."""

from __future__ import annotations

from typing import Any

from analyzer.sessions.webrtc import channels


def row(opened: bool, messages: list[int], **more: Any) -> dict[str, Any]:
    known = {"label": "chat", "protocol": "v1", "type": "reliable, in order", "opened_by": "A", "open_ns": 5}
    unknown = {"label": "", "protocol": "", "type": "", "opened_by": None, "open_ns": None}
    counts = {"messages": messages, "bytes": [10 * one for one in messages]}
    return {"stream": 1, **(known if opened else unknown), **counts, "ack_ns": None, "first_message_ns": None, **more}


def test_the_other_way_of_an_association_is_added() -> None:
    one = row(False, [0, 2], ack_ns=9, first_message_ns=12)
    channels.merge(one, row(True, [3, 0], first_message_ns=11))
    assert one == row(True, [3, 2], ack_ns=9, first_message_ns=11)
    other = row(True, [3, 0])
    channels.merge(other, row(False, [0, 2]))
    assert (other["messages"], other["label"]) == ([3, 2], "chat")


def test_what_a_relay_shows_twice_is_counted_once() -> None:
    one = row(True, [3, 1])
    channels.merge(one, row(True, [2, 2]))
    assert one["messages"] == [3, 2]
    assert one["bytes"] == [30, 20]


def test_rows_without_numbers_are_left_alone() -> None:
    one: dict[str, Any] = {"label": "a", "messages": "none"}
    channels.merge(one, {"label": "b", "messages": [1, 2]})
    assert one == {"label": "a", "messages": "none"}
