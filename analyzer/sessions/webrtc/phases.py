"""The steps of a call from the offer to the first message or the first media, and what each waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Phase
from analyzer.sessions.webrtc import channels
from analyzer.sessions.webrtc.view import NAMES

if TYPE_CHECKING:
    from analyzer.core import Note, Place
    from analyzer.sessions.webrtc.signalling import Description
    from analyzer.sessions.webrtc.view import View

SIGNALLING: Final = "signalling"
GATHERING: Final = "gathering"
CHECKS: Final = "checks"
NOMINATION: Final = "nomination"
DTLS: Final = "dtls"
#: Those that rooms tell, in the order in which they come.
SCTP: Final = "sctp"
CHANNEL: Final = "channel"
INNER: Final = (SCTP, CHANNEL)
MAX_LABEL: Final = 40
FIRST_MESSAGE: Final = "first message"
FIRST_MEDIA: Final = "first media"


class Step:
    """A phase, with the words for what it waited for."""

    __slots__ = ("phase", "waited")

    def __init__(
        self,
        name: str,
        start_ns: int,
        end_ns: int,
        outcome: Outcome,
        round_trips: int | None = None,
        waited: str = "",
    ) -> None:
        self.phase = Phase(name, start_ns, max(end_ns, start_ns), outcome, round_trips)
        self.waited = waited


def steps(view: View) -> list[Step]:
    """All that can be told of, in order of time."""
    found = [signalling(view), gathering(view), checks(view), nomination(view), dtls(view), *inner(view)]
    found += [first_message(view), first_media(view)]
    told = [step for step in found if step is not None]
    told.sort(key=lambda step: step.phase.start_ns)
    return told


def generation(told: list[Description]) -> list[Description]:
    """The first description and its copies, without those that came later (a restart, another medium)."""
    if not told:
        return []
    first = told[0]
    return [one for one in told if one.is_offer is first.is_offer and one.ufrags.keys() == first.ufrags.keys()]


def first_exchange(view: View) -> tuple[list[Description], list[Description]]:
    """The first offer and its answer, each with its copies."""
    offers = generation([one for one in view.told[0] if one.is_offer])
    answers = generation([one for one in view.told[1] if not one.is_offer])
    return offers, answers


def signalling(view: View) -> Step | None:
    offers, answers = first_exchange(view)
    if not offers and not answers:
        return None
    if not offers:
        start_ns = answers[0].note.time_ns
        waited = f"the answer is in {where(answers[0].note)}; the offer is not in the capture"
        return Step(SIGNALLING, start_ns, answers[-1].note.time_ns, Outcome.PARTIAL, None, waited)
    start_ns = offers[0].note.time_ns
    if not answers:
        waited = f"no answer to the offer of {where(offers[0].note)}"
        return Step(SIGNALLING, start_ns, view.end_ns, Outcome.UNANSWERED, None, waited)
    asked_ns, said_ns = offers[-1].note.time_ns, answers[0].note.time_ns
    waited = f"offer {where(offers[0].note)}, answer {where(answers[-1].note)}"
    if said_ns > asked_ns:
        waited += f": B took {ms(said_ns - asked_ns)} to answer"
    return Step(SIGNALLING, start_ns, answers[-1].note.time_ns, Outcome.ESTABLISHED, 1, waited)


def gathering(view: View) -> Step | None:
    """From the first question to a server, or the first candidate that came by itself, to the last that was new."""
    starts: list[int] = []
    ends: list[int] = []
    said: list[str] = []
    outcomes: set[Outcome] = set()
    for asked in view.asked.values():
        if asked.first is None or (view.selected is not None and asked.first.time_ns > view.selected.nominated_ns > 0):
            continue
        starts.append(asked.first.time_ns)
        outcomes.add(asked.outcome)
        what = "relay" if asked.relay else "STUN server"
        if asked.granted is not None:
            ends.append(asked.granted.time_ns)
            said.append(f"{what} {asked.server}: {ms(asked.granted.time_ns - asked.first.time_ns)}")
        else:
            ends.append(view.end_ns if asked.last is None else asked.last.time_ns)
            said.append(f"{what} {asked.server}: {'refused' if asked.errors else 'no answer'}")
    exchange = first_exchange(view)
    for side in (0, 1):
        ufrags = exchange[side][0].ufrags if exchange[side] else {}
        alone = [one for one in view.offered[side] if one.note.kind == "sdp.candidate" and one.ufrag in ufrags]
        if alone:
            starts.append(alone[0].note.time_ns)
            ends.append(alone[-1].note.time_ns)
            outcomes.add(Outcome.ESTABLISHED)
            known = len({(one.at, one.protocol) for one in alone})
            said.append(f"{NAMES[side]} signalled {known} candidate{'' if known == 1 else 's'}")
    if not starts:
        return None
    best = (Outcome.ESTABLISHED, Outcome.FAILED, Outcome.UNANSWERED)
    outcome = next(one for one in best if one in outcomes)
    return Step(GATHERING, min(starts), max(ends), outcome, None, "; ".join(said))


def checks(view: View) -> Step | None:
    firsts = [way.first for pair in view.pairs for way in pair.ways if way.first is not None]
    if not firsts:
        return None
    start_ns = min(place.time_ns for place in firsts)
    answers = [way.first_answer for pair in view.pairs for way in pair.ways if way.first_answer is not None]
    if answers:
        answer = min(answers, key=lambda place: place.time_ns)
        waited = f"first check {at(min(firsts, key=lambda place: place.time_ns))}, first answer {at(answer)}"
        return Step(CHECKS, start_ns, answer.time_ns, Outcome.ESTABLISHED, 1, waited)
    sent = sum(way.sent for pair in view.pairs for way in pair.ways)
    many = f"{sent:,} check{'' if sent == 1 else 's'}"
    if any(way.errors for pair in view.pairs for way in pair.ways):
        return Step(CHECKS, start_ns, view.end_ns, Outcome.FAILED, None, f"{many}, all refused or unanswered")
    given_up = all(pair.state(view.end_ns) == "failed" for pair in view.pairs if pair.checked)
    outcome = Outcome.UNANSWERED if given_up else Outcome.OPEN
    return Step(CHECKS, start_ns, view.end_ns, outcome, None, f"{many}, no answer")


def nomination(view: View) -> Step | None:
    nominated = [way for pair in view.pairs for way in pair.ways if way.nominated is not None]
    if nominated:
        way = min(nominated, key=lambda way: way.nominated.time_ns if way.nominated is not None else 0)
        place = way.nominated
        assert place is not None
        waited = f"USE-CANDIDATE answered {at(place)}"
        return Step(NOMINATION, min(way.wanted_ns, place.time_ns), place.time_ns, Outcome.ESTABLISHED, 1, waited)
    wanted = [way.wanted_ns for pair in view.pairs for way in pair.ways if way.wanted_ns]
    if wanted and any(pair.works for pair in view.pairs):
        return Step(NOMINATION, min(wanted), view.end_ns, Outcome.UNANSWERED, None, "no answer to USE-CANDIDATE")
    return None


def dtls(view: View) -> Step | None:
    phase = view.dtls.phase
    if phase is None:
        return None
    found = view.dtls
    waited = ""
    if found.client >= 0 and found.hellos[found.client]:
        hellos = found.hellos[found.client]
        waited = f"{NAMES[found.client]} is client"
        if found.server_hello is not None:
            took = found.server_hello.time_ns - hellos[0].time_ns
            again = len({place.time_ns for place in hellos}) - 1
            waited += f"; the ServerHello came {ms(max(took, 0))} after its ClientHello"
            if again > 0:
                waited += f", which was sent {again + 1} times"
    return Step(DTLS, phase.start_ns, phase.end_ns, phase.outcome, phase.round_trips, waited)


def inner(view: View) -> list[Step]:
    """SCTP and the first channel, as their rooms told them; what two legs of a relay show is told once."""
    found: list[Step] = []
    for name in INNER:
        told = [phase for story in view.call for phase in story.phases if phase.name == name]
        if not told and name == CHANNEL:
            told = apart(view)
        if not told and name == SCTP:
            found += sent_ahead(view)
        if told:
            phase = min(told, key=lambda one: (one.outcome is not Outcome.ESTABLISHED, one.start_ns))
            waited = association(view) if name == SCTP else first_channel(view, phase)
            found.append(Step(name, phase.start_ns, phase.end_ns, phase.outcome, phase.round_trips, waited))
    return found


def sent_ahead(view: View) -> list[Step]:
    """An association without a handshake, since both sides signalled their INIT.  draft-hancke-tsvwg-snap"""
    spoken = [place.time_ns for place in view.sctp.data if place is not None]
    if not spoken or any(view.sctp.inits) or not all(any(one.sctp_init for one in told) for told in view.told):
        return []
    return [Step(SCTP, min(spoken), min(spoken), Outcome.ESTABLISHED, 0, "no handshake: both INITs were signalled")]


def apart(view: View) -> list[Phase]:
    """The first channel that both know of, where its OPEN and its ACK took different paths."""
    known = [(row["ack_ns"], row["open_ns"]) for row in channels.rows(view) if row.get("ack_ns") and row.get("open_ns")]
    return [Phase(CHANNEL, open_ns, ack_ns, Outcome.ESTABLISHED, 1) for ack_ns, open_ns in sorted(known)[:1]]


def association(view: View) -> str:
    """Who asked for the association, and where it stood."""
    asked = [(NAMES[side], place) for side, place in enumerate(view.sctp.inits) if place is not None]
    said = [f"INIT of {' and '.join(f'{name} in {at(place)}' for name, place in asked)}"] if asked else []
    if view.sctp.acknowledged is not None:
        said.append(f"COOKIE-ACK in {at(view.sctp.acknowledged)}")
    elif asked:
        said.append("no COOKIE-ACK")
    return ", ".join(said)


def first_channel(view: View, phase: Phase) -> str:
    """Which channel was the first that both sides know of."""
    opened = next((note for note in view.opens if note.time_ns == phase.start_ns), None)
    if opened is None:
        return ""
    side = view.side(opened)
    label = str(opened.fields.get("label") or "")
    name = f'"{label[:MAX_LABEL]}"' if label else f"stream {opened.fields.get('stream_identifier')}"
    who = f" of {NAMES[side]}" if side >= 0 else ""
    return f"OPEN of {name}{who} in {where(opened)}; its ACK took {ms(phase.end_ns - phase.start_ns)}"


def first_message(view: View) -> Step | None:
    if not view.messages:
        return None
    note = view.messages[0]
    side = view.side(note)
    who = f" of {NAMES[side]}" if side >= 0 else ""
    start_ns = min((opened.time_ns for opened in view.opens), default=note.time_ns)
    waited = f"that{who} in {where(note)}"
    return Step(FIRST_MESSAGE, min(start_ns, note.time_ns), note.time_ns, Outcome.ESTABLISHED, None, waited)


def first_media(view: View) -> Step | None:
    begun = [(beginning(note), note) for note in view.streams]
    if not begun:
        return None
    start_ns, note = min(begun, key=lambda one: one[0])
    phase = view.dtls.phase
    ready_ns = phase.end_ns if phase is not None and phase.outcome is Outcome.ESTABLISHED else start_ns
    side = view.side(note)
    who = f" of {NAMES[side]}" if side >= 0 else ""
    waited = f"that{who} in frame {note.frames[0]}" if note.frames else ""
    return Step(FIRST_MEDIA, min(ready_ns, start_ns), start_ns, Outcome.ESTABLISHED, None, waited)


def beginning(note: Note) -> int:
    """When what a note sums up began."""
    first = note.fields.get("first_ns")
    return first if isinstance(first, int) else note.time_ns


def where(note: Note) -> str:
    return at(note.at)


def at(place: Place) -> str:
    frames = place.frames
    return f"frame {frames[-1]}" if frames else "an unknown frame"


def ms(ns: int) -> str:
    """`0.42 ms`, `15.2 ms`, `3.02 s`."""
    if ns < 1_000_000_000:
        value = ns / 1e6
        return f"{value:.3f} ms" if value < 0.0995 else f"{value:.2f} ms" if value < 9.995 else f"{value:.1f} ms"
    return f"{ns / 1e9:.2f} s"
