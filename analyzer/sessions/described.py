"""RTP that signalling without ICE described (SIP): found by the addresses in the descriptions, named by their numbers.

The flow that carried the descriptions stays a session of its own: it may be that of a server with the calls of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

from analyzer.core import Endpoint, Outcome, Side, Story
from analyzer.sessions.joiner import Joiner
from analyzer.sessions.webrtc.media import STREAMS, name_notes, row_of
from analyzer.sessions.webrtc.signalling import Description, notes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Finding, Session, Value

#: The fact of a flow that has RTCP: where it does not share a port with RTP, it is alone there.
REPORTS: Final = "rtcp_packets"
MAX_NOTES: Final = 65_536  # of signalling, in a capture
MAX_PER_END: Final = 64  # descriptions of one address
MAX_ROWS: Final = 32
LISTED: Final = 4
SIDES: Final = ("initiator", "responder")


class Media(Sequence[Story]):
    """A flow with RTP, and the descriptions of its two ends, in order of time."""

    def __init__(self, story: Story, told: tuple[list[Description], list[Description]]) -> None:
        self.story = story
        self.told = told

    @overload
    def __getitem__(self, index: int) -> Story: ...

    @overload
    def __getitem__(self, index: slice) -> list[Story]: ...

    def __getitem__(self, index: int | slice) -> Story | list[Story]:
        return (self.story,)[index] if isinstance(index, int) else [self.story][index]

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Story]:
        yield self.story


def groups(stories: Sequence[Story]) -> Iterable[Media]:
    """Flows of RTP, each by itself."""
    concerned = [story for story in stories if story.facts.get(STREAMS) or REPORTS in story.facts]
    if not concerned:
        return []
    wanted = {end for story in concerned for end in (story.flow.initiator, story.flow.responder)}
    told: dict[Endpoint, list[Description]] = {}
    for number, note in enumerate(notes_of(stories)):
        if number >= MAX_NOTES:
            break
        description = Description(note)
        for end in wanted.intersection(description.default):
            known = told.setdefault(end, [])
            if len(known) < MAX_PER_END:
                known.append(description)
    return [
        Media(story, (told.get(story.flow.initiator, []), told.get(story.flow.responder, []))) for story in concerned
    ]


def tell(session: Session, group: Sequence[Story]) -> Iterable[Finding]:
    """Name the streams, and say where they were described."""
    if not isinstance(group, Media):
        return []
    flow = group.story.flow
    names: dict[int, tuple[str, int]] = {}
    for told in group.told:
        for description in told:
            names |= description.codecs
    listed = group.story.facts.get(STREAMS)
    rows: list[Value] = []
    for one in listed[:MAX_ROWS] if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("packets"), int):
            sender = one.get("sender")
            end = (flow.initiator, flow.responder)[SIDES.index(sender)] if sender in SIDES else ""
            rows.append(row_of(one, str(end), names))
    if names:
        name_notes(session.notes, names)
    kinds = dict.fromkeys(kind for told in group.told for one in told for kind in one.media)
    codecs = dict.fromkeys(str(row["codec"]) for row in rows if row["codec"])
    what = " and ".join(kinds) or ("RTP" if rows else "RTCP")
    named = f" ({', '.join(codecs)})" if codecs else ""
    session.title = f"{flow.initiator} <-> {flow.responder}, {what}{named}"
    if rows:
        session.facts["streams"] = rows
        if session.outcome is Outcome.OPEN and all(flow.packets):  # requests to a relay are, say; media go all the same
            session.outcome = Outcome.ESTABLISHED
    said = []
    for side in Side:
        told = group.told[side]
        if told:
            said.append(f"{(flow.initiator, flow.responder)[side]} was named by signalling in {frames_of(told)}.")
    if said:
        session.facts["summary"] = said
    return []


def frames_of(told: list[Description]) -> str:
    """`frame 23`, or `frames 23, 49, 50 and later ones`."""
    frames = sorted({one.note.frames[-1] for one in told if one.note.frames})
    listed = ", ".join(map(str, frames[:LISTED]))
    return f"frame{'' if len(frames) == 1 else 's'} {listed}{' and later ones' if len(frames) > LISTED else ''}"


DESCRIBED: Final = Joiner(groups, tell, {})
