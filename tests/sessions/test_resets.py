"""Resets behind a whole answer, a relay that was given up, and a closing handshake."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Endpoint, Finding, Flow, Outcome, Phase, Place, Severity, Story
from analyzer.sessions.resets import judge_resets


def story(code: str, **facts: Any) -> Story:
    flow = Flow(0, "tcp", Endpoint("c", 1), Endpoint("s", 80), "", 1, 9, 0, 9, (1, 1), (1, 1))
    return Story(flow, findings=[Finding(code, "text", Place((), 0), severity=Severity.WARNING)], facts=facts)


@pytest.mark.parametrize(
    ("facts", "why"), [({"all_answered": True}, "whole answer"), ({"turn_released_ns": 5}, "allocation is gone")]
)
def test_a_reset_behind_the_last_answer_is_less(facts: dict[str, Any], why: str) -> None:
    told = story("tcp.rst-midstream", **facts)
    judge_resets([told])
    assert told.findings[0].severity is Severity.NOTICE
    assert why in told.findings[0].cause


@pytest.mark.parametrize(("round_trips", "severity"), [(1, Severity.NOTICE), (None, Severity.WARNING)])
def test_a_reset_behind_both_close_frames_is_less(round_trips: int | None, severity: Severity) -> None:
    told = story("tcp.rst-midstream")
    told.phases = [Phase("close", 3, 4, Outcome.ESTABLISHED, round_trips)]
    judge_resets([told])
    assert told.findings[0].severity is severity


@pytest.mark.parametrize(
    "told",
    [
        story("tcp.rst-midstream"),
        story("tcp.rst-midstream", all_answered=False),
        story("tcp.rst-injected", all_answered=True),
    ],
)
def test_any_other_stays_as_it_is(told: Story) -> None:
    judge_resets([told])
    assert told.findings[0].severity is Severity.WARNING
