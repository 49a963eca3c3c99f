"""What several WebSockets show together: a time-out that ends them all, an Upgrade that a proxy drops on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, FindingKind, Place, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Endpoint, Story

FINDINGS: Final[dict[str, FindingKind]] = {
    "websocket.idle-killed": FindingKind(
        Severity.ERROR,
        "WebSockets are cut after the same silence each time",
        "RFC 6455 5.5.2",
        cause="A proxy or load balancer on the way ends connections on which nothing was sent for that long.",
        advice="Send a ping more often than that, or raise the time-out (nginx: proxy_read_timeout; AWS: idle timeout "
        "of the load balancer).",
    ),
}

NS: Final = 1_000_000_000
#: A shorter silence is no time-out that anybody sets.
IDLE_LEAST_NS: Final = 3 * NS
#: Silences this close to each other are the same time-out.
ALIKE: Final = 0.02
ALIKE_NS: Final = NS // 4
ABNORMAL: Final = "websocket.close-abnormal"
STRIPPED: Final = "websocket.upgrade-stripped"
LISTED: Final = 8


def joined_findings(stories: Iterable[Story]) -> list[Finding]:
    """Verdicts that need more than one WebSocket; who dropped an Upgrade is added to what is said of that."""
    sockets = [story for story in stories if "sec_websocket_key" in story.facts or "idle_before_end_ns" in story.facts]
    add_droppers(sockets)
    return list(time_outs(sockets))


def time_outs(sockets: list[Story]) -> Iterator[Finding]:
    """WebSockets of one server that ended without a Close, each after the same silence."""
    ended: dict[Endpoint, list[Story]] = {}
    for story in sockets:
        if idle_of(story) >= IDLE_LEAST_NS:
            ended.setdefault(story.flow.responder, []).append(story)
    for server, told in ended.items():
        alike = most_alike(sorted(told, key=idle_of))
        if len(alike) < 2:
            continue
        least, most = idle_of(alike[0]), idle_of(alike[-1])
        silence = seconds(least)
        if silence != seconds(most):
            silence += f" to {seconds(most)}"
        alike.sort(key=lambda story: story.flow.last_ns)
        finding = Finding(
            "websocket.idle-killed",
            f"{len(alike):,} WebSockets with {server} ended without a Close frame, each after {silence} s in which "
            "nobody sent anything.",
            # As of the start of the first: it goes before what is said of each alone.
            Place(tuple(Span(story.flow.last_frame, 0, 0) for story in alike[:LISTED]), alike[0].flow.first_ns),
            limits="Nothing in the capture says who set the time-out: its sameness does.",
        )
        finding.flow = alike[0].flow.id
        for story in alike:
            for one in story.findings:
                if one.code == ABNORMAL:
                    one.severity = Severity.NOTICE
                    one.cause = f"Other WebSockets with {server} ended after the same silence: a time-out."
        yield finding


def seconds(ns: int) -> str:
    return f"{ns / NS:.3g}" if ns < 100 * NS else f"{round(ns / NS):,}"


def idle_of(story: Story) -> int:
    """How long nothing was sent before the end, in ns; -1 where there was a Close."""
    idle = story.facts.get("idle_before_end_ns")
    return idle if isinstance(idle, int) else -1


def most_alike(told: list[Story]) -> list[Story]:
    """The most of these (by silence, the shortest first) whose silences are about the same."""
    best: list[Story] = []
    first = 0
    for last, story in enumerate(told):
        idle = idle_of(story)
        while idle - idle_of(told[first]) > max(idle * ALIKE, ALIKE_NS):
            first += 1
        if last + 1 - first > len(best):
            best = told[first : last + 1]
    return best


def add_droppers(sockets: list[Story]) -> None:
    """Where the same request was captured before a proxy and behind it, say which one lost the Upgrade.

    The key is made of 16 random bytes (RFC 6455 §4.1): two requests that have it are one.
    """
    whole = {
        story.facts["sec_websocket_key"]: story
        for story in sockets
        if "sec_websocket_key" in story.facts and not story.facts.get("upgrade_lost")
    }
    for story in sockets:
        before = whole.get(story.facts.get("sec_websocket_key"))
        if before is None or not story.facts.get("upgrade_lost"):
            continue
        for finding in story.findings:
            if finding.code == STRIPPED:
                proxy = before.flow.responder
                finding.text = (
                    f"{finding.text} On its way from {before.flow.initiator} to {proxy} the same request had them."
                )
                finding.cause = f"{proxy} is a proxy that does not pass on Upgrade and Connection."
