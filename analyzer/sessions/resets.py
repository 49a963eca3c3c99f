"""Resets that cost nobody anything: what was asked for had been answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Story

RESET: Final = "tcp.rst-midstream"
ANSWERED: Final = "all_answered"


def judge_resets(stories: Iterable[Story]) -> None:
    """A RST behind the whole answer to the last request aborted nothing that anybody waited for."""
    for story in stories:
        if story.facts.get(ANSWERED) is not True:
            continue
        for finding in story.findings:
            if finding.code == RESET:
                finding.severity = Severity.NOTICE
                finding.cause = (
                    "Every request had its whole answer by then: the side that sent the RST closed without reading "
                    "what was left, the rest of a request it had refused, say."
                )
