"""Makes the session of a call: its title, phases, outcome, facts and timeline, and what is to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.core import Outcome
from analyzer.sessions.webrtc import associations, media, phases, verdicts
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.calls import Call
from analyzer.sessions.webrtc.facts import facts_of, title_of
from analyzer.sessions.webrtc.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analyzer.core import Finding, Note, Session, Story
    from analyzer.sessions.webrtc.phases import Step

KIND = "webrtc"


def tell(session: Session, group: Sequence[Story]) -> Iterable[Finding]:
    """Complete the session, if it is a call; gives the findings that none of its flows shows alone."""
    if not isinstance(group, Call):
        return []
    view = View(session, group)
    steps = phases.steps(view)
    session.kind = KIND
    session.phases = [step.phase for step in steps]
    session.outcome = outcome_of(view, steps)
    session.title = title_of(view, session.outcome)
    session.facts = facts_of(view, steps)
    session.notes = with_signalling(session, group)
    if view.streams:
        media.name_notes([*view.streams, *view.parts], media.named(view))
    if session.notes:
        session.start_ns = min(session.start_ns, session.notes[0].time_ns)
    found = verdicts.findings(view)
    associations.tell_once(view)
    if any(one.code == codes.FINGERPRINT_MISMATCH for one in found) and not view.messages and not view.streams:
        session.outcome = Outcome.FAILED  # an end is right to refuse, though its alert may be encrypted
    return found


def outcome_of(view: View, steps: list[Step]) -> Outcome:
    """How the call came out: by DTLS where there was one, else by its checks, else by signalling."""
    by_name = {step.phase.name: step.phase for step in steps}
    for name in (phases.FIRST_MESSAGE, phases.FIRST_MEDIA):
        if name in by_name:
            return Outcome.ESTABLISHED
    dtls = by_name.get(phases.DTLS)
    if dtls is not None:
        return dtls.outcome
    checks = by_name.get(phases.CHECKS)
    if checks is not None:
        if checks.outcome is Outcome.ESTABLISHED:
            return Outcome.ESTABLISHED if view.selected is not None and any(view.selected.data) else Outcome.OPEN
        signalled = by_name.get(phases.SIGNALLING)
        if checks.outcome is Outcome.UNANSWERED and signalled is not None:
            return Outcome.FAILED
        return checks.outcome
    gathering = by_name.get(phases.GATHERING)
    if gathering is not None and gathering.outcome is not Outcome.ESTABLISHED:
        return gathering.outcome
    return Outcome.OPEN


def with_signalling(session: Session, call: Call) -> Sequence[Note]:
    """The timeline, with what signalling and look-ups of names said of this call."""
    signalling = call.signalling
    names = set()
    notes: dict[int, Note] = {}
    for agent in call.agents:
        for description in signalling.told_of(agent) if agent else ():
            notes[id(description.note)] = description.note
        for candidate in signalling.offered_by(agent) if agent else ():
            notes[id(candidate.note)] = candidate.note
            if candidate.is_name:
                names.add(candidate.at.address.lower())
    for story in call.lookups:
        for note in story.notes:
            if str(note.fields.get("name") or "").lower() in names:
                notes[id(note)] = note
    if not notes:
        return session.notes
    return sorted([*session.notes, *notes.values()], key=lambda note: note.time_ns)
