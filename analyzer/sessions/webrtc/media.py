"""The streams of a call with the names that its descriptions give to their numbers (RFC 8866 §6.6, RFC 3550 §5.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Place, Side, Span
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.view import NAMES, SIDE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Note, Value
    from analyzer.sessions.webrtc.view import View

#: The fact in which the room of RTP leaves its streams.
STREAMS: Final = "rtp_streams"
LINES: Final = frozenset({"rtp.stream", "rtp.payload-type"})
MAX_STREAMS: Final = 64
RTX: Final = "rtx"  # its timestamps are those of what it repeats (RFC 4588 §4): they don't run evenly
MAX_DROPOUT: Final = 3000  # RFC 3550 §A.1
SECOND_NS: Final = 1_000_000_000
#: So many packets of a number that nobody named are no accident.
MANY_PACKETS: Final = 5
LISTED: Final = 4
#: What the names of drafts have around what they are about.
_DRAFT: Final = re.compile(r"^draft-[a-z]+-[a-z]+-|-extensions-[0-9]+$")
MAX_EXTENSIONS: Final = 16


def streams(view: View) -> list[dict[str, Value]]:
    """What was sent, a row for each stream, in order of time.

    A stream that took one path and then another is one, and so is one that is seen on both sides of a relay.
    """
    best: dict[tuple[int, int], dict[str, Value]] = {}
    for story in view.call:
        found = story.facts.get(STREAMS)
        for one in found[:MAX_STREAMS] if isinstance(found, list) else ():
            if not isinstance(one, dict) or not isinstance(one.get("packets"), int):
                continue
            sender = one.get("sender")
            side = view.side_in(story.flow.id, Side(SIDE_NAMES.index(sender))) if sender in SIDE_NAMES else -1
            key = (one.get("ssrc") or 0, side)
            before, own = best.get(key), one | {"side": side}
            best[key] = own if before is None else merged(before, own)
    return sorted(best.values(), key=lambda one: (one.get("first_ns") or 0, one.get("ssrc") or 0))[:MAX_STREAMS]


def merged(one: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
    """Two paths of a stream: the second goes on where the first ended, or shows the same packets again."""
    first, second = sorted((one, other), key=lambda each: each.get("first_ns") or 0)
    larger = max(one, other, key=lambda each: each["packets"])
    last, begins = first.get("last_sequence_number"), second.get("first_sequence_number")
    if not isinstance(last, int) or not isinstance(begins, int):
        return larger
    ahead = (begins - last) & 0xFFFF
    if not 0 < ahead < MAX_DROPOUT or second["first_ns"] < first["last_ns"]:
        return larger
    found = dict(larger)
    found["packets"] = first["packets"] + second["packets"]
    found["lost"] = (first.get("lost") or 0) + (second.get("lost") or 0) + ahead - 1
    found["bytes"] = (first.get("bytes") or 0) + (second.get("bytes") or 0)
    for name, origin in (("first_ns", first), ("first_frame", first), ("first_sequence_number", first)):
        found[name] = origin.get(name)
    for name in ("last_ns", "last_frame", "last_sequence_number"):
        found[name] = second.get(name)
    span_ns = found["last_ns"] - found["first_ns"]
    found["bitrate"] = found["bytes"] * 8 * SECOND_NS // span_ns if span_ns >= SECOND_NS else None
    types: dict[int, int] = {}
    for part in (*(first.get("payload_types") or ()), *(second.get("payload_types") or ())):
        kind = number_of(part.get("payload_type"))
        types[kind] = types.get(kind, 0) + (part.get("packets") or 0)
    found["payload_types"] = [{"payload_type": kind, "packets": packets} for kind, packets in types.items()]
    return found


def rows(view: View) -> list[Value]:
    """The table of streams."""
    names = named(view)
    known = extensions(view)
    found: list[Value] = []
    for one in streams(view):
        row = row_of(one, NAMES[one["side"]] if one["side"] >= 0 else "", names)
        elements = one.get("extension_ids")
        if known and isinstance(elements, list):
            row["header_extensions"] = [known.get(number, str(number)) for number in elements[:MAX_EXTENSIONS]]
        found.append(row)
    return found


def row_of(one: dict[str, Value], sender: str, names: dict[int, tuple[str, int]]) -> dict[str, Value]:
    """A stream as the table has it; `names` are codecs and clock rates by payload type."""
    kind = number_of(one.get("payload_type"))
    name, rate = names.get(kind, ("", 0))
    static = one.get("payload_type")
    if not name and isinstance(static, dict):
        name = str(static.get("name") or "")
    row: dict[str, Value] = {
        "from": sender,
        "codec": name or None,
        "ssrc": f"0x{one.get('ssrc') or 0:08x}",
        "packets": one["packets"],
        "lost": one.get("lost"),
    }
    jitters = one.get("jitter_ns_by_clock_rate")
    jitter = jitters.get(str(rate)) if isinstance(jitters, dict) and rate else None
    if jitter is None:
        jitter = one.get("jitter_ns")
    row["jitter_ms"] = round(jitter / 1e6, 2) if isinstance(jitter, int) and name.lower() != RTX else None
    bits = one.get("bitrate")
    row["kbit_s"] = round(bits / 1000, 1) if isinstance(bits, int) else None
    row["payload_type"] = kind
    row["first_ns"], row["last_ns"] = one.get("first_ns"), one.get("last_ns")
    if one.get("hint") and not name:  # by numbers alone, where nobody said what it is
        row["hint"] = one["hint"]
    return row


def name_notes(notes: Iterable[Note], names: dict[int, tuple[str, int]]) -> None:
    """Give the lines of streams the codecs that their payload types were agreed on to stand for."""
    for note in notes:
        if note.kind in LINES:
            fields = note.fields
            told = fields.get("payload_type")
            name = names.get(told, ("", 0))[0] if isinstance(told, int) else ""
            if name:
                fields["payload_type"] = {"value": told, "name": name}
                note.text = note.text.replace(f"payload type {told}", f"payload type {told} ({name})", 1)


def extensions(view: View) -> dict[int, str]:
    """Header extensions by their ids: the last part of the name that they were agreed on by.  RFC 8285 §5"""
    found: dict[int, str] = {}
    for told in view.told:
        for description in told:
            for number, uri in description.extensions.items():
                found.setdefault(number, short(uri))
    return found


def short(uri: str) -> str:
    """`transport-wide-cc` of a URI that ends in the name of the draft that it comes from."""
    last = uri.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    return _DRAFT.sub("", last)


def named(view: View) -> dict[int, tuple[str, int]]:
    """Codecs and clock rates by payload type, as either side described them."""
    names: dict[int, tuple[str, int]] = {}
    for told in view.told:
        for description in told:
            names |= description.codecs
    return names


def number_of(value: Value) -> int:
    """A payload type, which may stand beside its name."""
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, int) else -1


def unknown_type(view: View) -> Finding | None:
    """A stream whose payload type is in neither description.  RFC 3550 §5.1, RFC 9429 §5.2"""
    if not all(any(one.payload_types for one in told) for told in view.told):
        return None
    known = {number for told in view.told for one in told for number in one.payload_types}
    for one in streams(view):
        for part in one.get("payload_types") or ():
            kind = number_of(part.get("payload_type"))
            if kind < 0 or kind in known or (part.get("packets") or 0) < MANY_PACKETS:
                continue
            who = NAMES[one["side"]] if one["side"] >= 0 else "one side"
            offered = ", ".join(str(number) for number in sorted(known)[:LISTED])
            text = (
                f"{who} sent {part['packets']:,} packets of payload type {kind} (SSRC 0x{one.get('ssrc') or 0:08x}), "
                f"which neither description names; they have {offered}{', ...' if len(known) > LISTED else ''}."
            )
            frame = one.get("first_frame")
            spans = (Span(frame, 0, 0),) if isinstance(frame, int) else ()
            return Finding(codes.UNKNOWN_TYPE, text, Place(spans, one.get("first_ns") or view.session.start_ns))
    return None
