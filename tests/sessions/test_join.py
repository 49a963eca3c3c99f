"""From stories to sessions and verdicts."""

from __future__ import annotations

from analyzer.core import (
    Capture,
    Endpoint,
    Finding,
    Flow,
    Note,
    Outcome,
    Phase,
    Place,
    Severity,
    Span,
    Story,
)
from analyzer.sessions import join
from analyzer.sessions.join import outcome_of, session_of


def flow(number: int, transport: str = "udp", packets: tuple[int, int] = (1, 1), port: int = 9) -> Flow:
    ends = Endpoint("10.0.0.1", 1000 + number), Endpoint("10.0.0.2", port)
    return Flow(number, transport, *ends, "", number + 1, number + 1, number, number + 5, packets, (60, 60))


def place(frame: int) -> Place:
    return Place((Span(frame, 0, 1),), frame)


def finding(code: str, frame: int, severity: Severity | None = None) -> Finding:
    found = Finding(code, "text", place(frame), severity=severity)
    found.title = "Title"
    return found


def test_each_story_is_a_session_in_order_of_frames() -> None:
    late = Story(flow(1), notes=[Note("a.b", "x", place(2))], title="late", kind="dns")
    early = Story(flow(0), notes=[Note("a.b", "x", place(1))], facts={"a": 1})
    sessions, verdicts = join([late, early], [flow(0), flow(1)], Capture())
    assert [(one.id, one.kind, one.title, one.flows) for one in sessions] == [
        (0, "udp", "udp://10.0.0.2:9", [0]),
        (1, "dns", "late", [1]),
    ]
    assert (sessions[0].start_ns, sessions[0].end_ns, sessions[0].facts) == (0, 5, {"a": 1})
    assert verdicts == []


def test_verdicts_are_sorted_by_gravity_and_time() -> None:
    stories = [
        Story(flow(0), findings=[finding("a.one", 5, Severity.ERROR), finding("a.two", 1, Severity.NOTICE)]),
        Story(flow(1), findings=[finding("a.three", 3, Severity.ERROR)]),
    ]
    sessions, verdicts = join(stories, [flow(0), flow(1)], Capture(clock_steps=1, clock_step_frame=1))
    codes = [(one.id, one.code, one.session) for one in verdicts]
    assert codes[:2] == [(0, "a.three", 1), (1, "a.one", 0)]
    assert {one.code for one in verdicts[2:]} == {"a.two", "capture.clock-step"}
    assert sessions[0].findings == [number for number, _, session in codes if session == 0]
    assert verdicts[2].title
    assert (verdicts[0].frames, verdicts[0].spans, verdicts[0].time_ns) == ((3,), (Span(3, 0, 1),), 3)


def test_what_is_harmless_is_told_once_in_its_earliest_session() -> None:
    stories = [
        Story(flow(number), findings=[finding("a.harmless-thing", 9 - number, Severity.INFO), finding("a.b", number)])
        for number in range(3)
    ]
    sessions, verdicts = join(stories, [flow(number) for number in range(3)], Capture())
    assert [(one.code, one.session) for one in verdicts if "harmless" in one.code] == [("a.harmless-thing", 2)]
    assert len(verdicts) == 4
    assert [one.id for one in verdicts] == list(range(4))
    assert [len(one.findings) for one in sessions] == [1, 1, 2]


def test_the_gravest_phase_is_the_outcome() -> None:
    phases = [Phase("a", 0, 1, Outcome.ESTABLISHED), Phase("b", 1, 2, Outcome.UNANSWERED)]
    assert outcome_of(phases, flow(0)) is Outcome.UNANSWERED
    assert outcome_of([*phases, Phase("c", 0, 0, Outcome.FAILED)], flow(0)) is Outcome.FAILED
    assert outcome_of(phases[:1], flow(0)) is Outcome.ESTABLISHED
    assert outcome_of([], flow(0)) is Outcome.ESTABLISHED
    assert outcome_of([], flow(0, packets=(1, 0))) is Outcome.OPEN
    assert outcome_of([], flow(0, "tcp")) is Outcome.PARTIAL


def test_several_stories_of_one_session() -> None:
    first = Story(flow(0), [Note("a.b", "1", place(1)), Note("a.b", "3", place(3))], facts={"a": 1, "b": 1})
    first.phases = [Phase("dns", 1, 3, Outcome.ESTABLISHED)]
    main = Story(flow(1), [Note("a.b", "2", place(2))], facts={"b": 2}, title="it", kind="tls")
    session = session_of(4, [first, main])
    assert (session.id, session.kind, session.title, session.flows) == (4, "tls", "it", [0, 1])
    assert [note.text for note in session.notes] == ["1", "2", "3"]
    assert session.facts == {"a": 1, "b": 2}


def test_a_proxy_that_opens_other_tunnels_has_a_policy() -> None:
    refused = Story(flow(0, port=8080), findings=[finding("http.proxy-connect-refused", 1, Severity.ERROR)])
    elsewhere = Story(flow(2, port=8081), findings=[finding("http.proxy-connect-refused", 1, Severity.ERROR)])
    opened = Story(flow(1, port=8080), phases=[Phase("proxy", 0, 1, Outcome.ESTABLISHED)])
    _, verdicts = join([refused, opened, elsewhere], [flow(0), flow(1), flow(2)], Capture())
    assert [(one.severity, one.session) for one in verdicts] == [(Severity.ERROR, 2), (Severity.NOTICE, 0)]
    assert "policy" in verdicts[1].cause
