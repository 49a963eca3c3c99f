"""Resets that cost nobody anything: all that was to be said had been said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Story

RESET: Final = "tcp.rst-midstream"
#: Facts that say that a connection had served its purpose, and what a RST behind that is.
SERVED: Final = {
    "all_answered": "Every request had its whole answer by then: the side that sent the RST closed without reading "
    "what was left, the rest of a request it had refused, say.",
    "turn_released_ns": "The relay had confirmed that the allocation is gone: the client let go of the connection in "
    "the short way.",
}
CLOSED: Final = "The closing handshake was complete by then: TCP was ended in the short way."


def judge_resets(stories: Iterable[Story]) -> None:
    """A RST behind the last thing that anybody waited for aborted nothing."""
    for story in stories:
        for finding in story.findings:
            if finding.code == RESET:
                why = excuse(story)
                if why:
                    finding.severity = Severity.NOTICE
                    finding.cause = why


def excuse(story: Story) -> str:
    for fact, why in SERVED.items():
        if story.facts.get(fact):
            return why
    # Both Close frames make a round trip of it.
    return CLOSED if any(phase.name == "close" and phase.round_trips for phase in story.phases) else ""
