"""From what was said of each flow to sessions, and from findings to the verdicts of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Session, Severity, Verdict
from analyzer.sessions import capture as of_capture
from analyzer.sessions import lookups, proxies, resets, tcp_joined, tls_joined, websocket_joined
from analyzer.sessions.described import DESCRIBED
from analyzer.sessions.webrtc import WEBRTC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analyzer.core import Capture, Finding, FindingKind, Flow, Note, Phase, Story
    from analyzer.sessions.joiner import Joiner

#: An outcome counts for the whole session before those that follow it here.
GRAVEST_FIRST: Final = (Outcome.FAILED, Outcome.UNANSWERED, Outcome.PARTIAL, Outcome.OPEN, Outcome.ESTABLISHED)
#: In the codes of findings that explain what looks odd and is meant to: once is enough for a capture.
HARMLESS: Final = ".harmless-"
RANKS: Final = {severity: rank for rank, severity in enumerate(Severity)}
#: In this order: the first one that wants a flow for its sessions gets it.
JOINERS: Final[tuple[Joiner, ...]] = (WEBRTC, DESCRIBED)
TABLES: Final[Mapping[str, FindingKind]] = {
    **of_capture.FINDINGS,
    **tcp_joined.FINDINGS,
    **tls_joined.FINDINGS,
    **websocket_joined.FINDINGS,
    **{code: kind for joiner in JOINERS for code, kind in joiner.findings.items()},
}


def join(stories: Sequence[Story], flows: Sequence[Flow], capture: Capture) -> tuple[list[Session], list[Verdict]]:
    """Sessions by their first frame, and verdicts with the gravest first, then the earliest; ids count from 0."""
    sessions: list[Session] = []
    found: list[tuple[Finding, int | None]] = []
    by_flow: dict[int, int] = {}
    proxies.judge_refusals(stories)
    resets.judge_resets(stories)
    lookups.add_lookups(stories)
    for number, group in enumerate(grouped(stories)):
        session = session_of(number, group)
        sessions.append(session)
        for joiner in JOINERS:
            found.extend((finding, number) for finding in joiner.tell(session, group))
        for story in group:
            by_flow[story.flow.id] = number
            found.extend((finding, number) for finding in story.findings)
    joined = [
        *tcp_joined.joined_findings(flows, stories),
        *tls_joined.joined_findings(stories),
        *websocket_joined.joined_findings(stories),
    ]
    found.extend((finding, by_flow.get(finding.flow)) for finding in joined)
    found.extend((finding, None) for finding in of_capture.capture_findings(capture, flows, stories))
    verdicts = [verdict_of(finding, session) for finding, session in found]
    verdicts.sort(key=gravest)
    verdicts = told_once(verdicts)
    for number, verdict in enumerate(verdicts):
        verdict.id = number
        if verdict.session is not None:
            sessions[verdict.session].findings.append(number)
    return sessions, verdicts


def told_once(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Without the repeats of what is only explained: processes that share the work each say it for themselves."""
    told: set[str] = set()
    kept: list[Verdict] = []
    for verdict in verdicts:
        if HARMLESS in verdict.code:
            if verdict.code in told:
                continue
            told.add(verdict.code)
        kept.append(verdict)
    return kept


def gravest(verdict: Verdict) -> tuple[int, int, int]:
    session = -1 if verdict.session is None else verdict.session
    return RANKS[verdict.severity], verdict.time_ns, session


def grouped(stories: Iterable[Story]) -> list[Sequence[Story]]:
    """Which stories are one session, in order of their first frames: what no joiner wants is one by itself."""
    told = sorted(stories, key=_first_frame)
    taken: set[int] = set()
    groups: list[Sequence[Story]] = []
    for joiner in JOINERS:
        for wanted in joiner.groups(told):
            group = wanted
            if not taken.isdisjoint(story.flow.id for story in wanted):
                group = [story for story in wanted if story.flow.id not in taken]
            taken.update(story.flow.id for story in group)
            if group:
                groups.append(group)
    groups.extend([story] for story in told if story.flow.id not in taken)
    if taken:
        groups.sort(key=lambda group: min(map(_first_frame, group)))
    return groups


def _first_frame(story: Story) -> tuple[int, int]:
    return story.flow.first_frame, story.flow.id


def session_of(number: int, group: Sequence[Story]) -> Session:
    """One session of the stories of its flows, the last of which is what the others led to."""
    main = group[-1]
    phases = [phase for story in group for phase in story.phases]
    if len(phases) > 1:
        phases.sort(key=lambda phase: phase.start_ns)
    facts = dict(main.facts)
    for story in group[:-1]:
        for name, value in story.facts.items():
            facts.setdefault(name, value)
    notes = main.notes if len(group) == 1 else sorted((note for story in group for note in story.notes), key=_time)
    return Session(
        number,
        main.kind or main.flow.transport,
        main.title or title_of(main.flow),
        outcome_of(phases, main.flow),
        [story.flow.id for story in group],
        min(story.flow.first_ns for story in group),
        max(story.flow.last_ns for story in group),
        phases,
        facts,
        notes,
    )


def _time(note: Note) -> int:
    return note.time_ns


def title_of(flow: Flow) -> str:
    """What a session is called where no room has a name for it: the end that was asked."""
    return f"{flow.transport}://{flow.responder}"


def outcome_of(phases: Sequence[Phase], flow: Flow) -> Outcome:
    """The gravest of the phases; without any, the capture saw only a part, or one side spoke alone."""
    outcomes = {phase.outcome for phase in phases}
    for outcome in GRAVEST_FIRST:
        if outcome in outcomes:
            return outcome
    if flow.transport == "tcp":
        return Outcome.PARTIAL
    return Outcome.ESTABLISHED if all(flow.packets) else Outcome.OPEN


def verdict_of(finding: Finding, session: int | None) -> Verdict:
    """`finding` complete: what it lacks stands in the table of its kind."""
    kind = TABLES.get(finding.code)
    severity = finding.severity or (kind.severity if kind is not None else Severity.NOTICE)
    return Verdict(
        0,
        finding.code,
        severity,
        finding.title or (kind.title if kind is not None else finding.code),
        finding.text,
        finding.cause or (kind.cause if kind is not None else ""),
        finding.advice or (kind.advice if kind is not None else ""),
        finding.limits,
        finding.spec or (kind.spec if kind is not None else ""),
        session,
        finding.frames,
        finding.at.spans,
        finding.at.time_ns,
    )
