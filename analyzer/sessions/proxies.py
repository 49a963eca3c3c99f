"""What several connections through one proxy show together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.core import Endpoint, Story

REFUSED: Final = "http.proxy-connect-refused"
TUNNEL: Final = "proxy"
#: Where a tunnel leads: what is inside may have a target of its own.
TARGET: Final = "tunnel_target"
WANTS_LOGIN: Final = 407


def judge_refusals(stories: Iterable[Story]) -> None:
    """A proxy that opens other tunnels works: that it refuses a target is its policy, which is less than an error.

    One that asks for a login, and opens the tunnel to the same target for whoever comes back with one, does its duty.
    """
    told = list(stories)
    open_here: dict[Endpoint, set[object]] = {}
    for story in told:
        if any(phase.name == TUNNEL and phase.outcome is Outcome.ESTABLISHED for phase in story.phases):
            open_here.setdefault(story.flow.responder, set()).add(story.facts.get(TARGET))
    for story in told:
        targets = open_here.get(story.flow.responder)
        if targets is None:
            continue
        login = story.facts.get("status") == WANTS_LOGIN
        for finding in story.findings:
            if finding.code != REFUSED:
                continue
            finding.severity = Severity.NOTICE
            if not login:
                finding.cause = "The proxy opened other tunnels in this capture: its policy does not allow this target."
            elif story.facts.get(TARGET) in targets:
                finding.severity = Severity.INFO
                finding.cause = "The proxy wanted a login first: another connection to the same target got through."
            else:
                finding.cause = "The proxy wants a login for this target; for others in this capture it had one."
