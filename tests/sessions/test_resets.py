"""Resets behind a whole answer."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Endpoint, Finding, Flow, Place, Severity, Story
from analyzer.sessions.resets import judge_resets


def story(code: str, **facts: Any) -> Story:
    flow = Flow(0, "tcp", Endpoint("c", 1), Endpoint("s", 80), "", 1, 9, 0, 9, (1, 1), (1, 1))
    return Story(flow, findings=[Finding(code, "text", Place((), 0), severity=Severity.WARNING)], facts=facts)


def test_a_reset_behind_the_answer_is_less() -> None:
    told = story("tcp.rst-midstream", all_answered=True)
    judge_resets([told])
    assert told.findings[0].severity is Severity.NOTICE
    assert "whole answer" in told.findings[0].cause


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
