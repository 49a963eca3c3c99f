"""The data channels of a call: what the rooms of its paths tell, as A and B have it (RFC 8831)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Side
from analyzer.sessions.webrtc.view import NAMES, SIDE_NAMES

if TYPE_CHECKING:
    from analyzer.core import Story, Value
    from analyzer.sessions.webrtc.view import View

MAX_CHANNELS: Final = 64
COUNTS: Final = ("messages", "bytes")
#: What is known where the OPEN was seen.
OPENED: Final = ("label", "protocol", "type", "opened_by", "open_ns")


def rows(view: View) -> list[Value]:
    """A row for each channel; numbers in pairs are those of A, then of B.

    What one path lacks of a channel another may have, since an association goes wherever ICE sends it.  A relay shows
    all twice: channels of which two paths have the OPEN, or none, are counted where most was seen.
    """
    found: dict[tuple[Value, int], dict[str, Value]] = {}
    for story in view.call:
        times: dict[Value, int] = {}
        for row in told(view, story):
            stream = row.get("stream")
            number = times[stream] = times.get(stream, -1) + 1
            before = found.get((stream, number))
            if before is not None:
                merge(before, row)
            elif len(found) < MAX_CHANNELS:
                found[stream, number] = row
    return list(found.values())


def told(view: View, story: Story) -> list[dict[str, Value]]:
    """The rows of one path, turned so that A comes first."""
    listed = story.facts.get("channels")
    rows = [dict(row) for row in listed[:MAX_CHANNELS] if isinstance(row, dict)] if isinstance(listed, list) else []
    first = view.side_in(story.flow.id, Side.INITIATOR)
    for row in rows:
        opener = row.get("opened_by")
        if first >= 0 and opener in SIDE_NAMES:
            row["opened_by"] = NAMES[SIDE_NAMES.index(opener) ^ first]
        for name in COUNTS:
            if first == 1 and isinstance(row.get(name), list):
                row[name] = row[name][::-1]
    return rows


def merge(row: dict[str, Value], other: dict[str, Value]) -> None:
    """Add to `row` what `other` knows of the same channel."""
    one_sided = (row.get("open_ns") is None) != (other.get("open_ns") is None)
    if row.get("open_ns") is None and other.get("open_ns") is not None:
        row.update({name: other[name] for name in OPENED if name in other})
    for name in COUNTS:
        if isinstance(row.get(name), list) and isinstance(other.get(name), list):
            pairs = list(zip(row[name], other[name], strict=True))
            row[name] = [sum(pair) if one_sided else max(pair) for pair in pairs]
    for name in ("ack_ns", "first_message_ns"):
        if name in row or name in other:
            row[name] = min((one for one in (row.get(name), other.get(name)) if one is not None), default=None)
