"""What several connections through one proxy show together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Endpoint, Story

REFUSED: Final = "http.proxy-connect-refused"
TUNNEL: Final = "proxy"


def judge_refusals(stories: Iterable[Story]) -> None:
    """A proxy that opens other tunnels works: that it refuses a target is its policy, which is less than an error."""
    told = list(stories)
    open_here: set[Endpoint] = set()
    for story in told:
        if any(phase.name == TUNNEL and phase.outcome is Outcome.ESTABLISHED for phase in story.phases):
            open_here.add(story.flow.responder)
    for story in told:
        if story.flow.responder in open_here:
            for finding in story.findings:
                if finding.code == REFUSED:
                    finding.severity = Severity.NOTICE
                    finding.cause = (
                        "The proxy opened other tunnels in this capture: its policy does not allow this target."
                    )
