"""Channels of a call that several paths tell of."""

from __future__ import annotations

from typing import Any

from analyzer.sessions.webrtc import channels
from tests.sessions.webrtc.made import A6, B6, A, B, healthy


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


def test_rows_are_turned_so_that_a_comes_first() -> None:
    scene = healthy()
    one, _ = scene.story(A, B)
    one.facts |= {"channels": [row(True, [3, 0], opened_by="initiator"), "no row"]}
    scene.check(31, 1, (A6, B6))
    other, side = scene.story(B6, A6)
    assert side == 0  # its initiator is B
    other.facts |= {"channels": [row(False, [2, 0]), row(True, [1, 0], opened_by="initiator", stream=3)]}
    both = scene.call().facts["channels"]
    assert [(one["stream"], one["opened_by"], one["messages"]) for one in both] == [(1, "A", [3, 2]), (3, "B", [0, 1])]


def test_a_stream_that_was_used_again_has_two_rows() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    story.facts |= {"channels": [row(True, [1, 0]), row(True, [2, 0])]}
    assert [one["messages"] for one in scene.call().facts["channels"]] == [[1, 0], [2, 0]]


def test_channels_have_an_end() -> None:
    scene = healthy()
    one, _ = scene.story(A, B)
    one.facts |= {"channels": [row(True, [1, 0], stream=number) for number in range(100)]}
    scene.check(31, 0, (A6, B6))
    other, _ = scene.story(A6, B6)
    other.facts |= {"channels": [row(True, [1, 0], stream=number) for number in range(200, 300)]}
    assert len(scene.call().facts["channels"]) == 32
