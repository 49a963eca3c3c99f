"""What several WebSockets show together."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Endpoint, Finding, Flow, Place, Severity, Span, Story
from analyzer.sessions.websocket_joined import joined_findings

S = 1_000_000_000


def story(number: int, server: str = "s", code: str = "", client: str = "c", **facts: Any) -> Story:
    ends = Endpoint(client, 1000 + number), Endpoint(server, 80)
    flow = Flow(number, "tcp", *ends, "", 1 + number, 10 + number, 0, 100 + number, (1, 1), (9, 9))
    place = Place((Span(1 + number, 0, 9),), 50)
    findings = [Finding(code, "said.", place, severity=Severity.ERROR)] if code else []
    return Story(flow, findings=findings, facts=facts)


def killed(*seconds: float, server: str = "s") -> list[Story]:
    return [story(number, server, idle_before_end_ns=int(one * S)) for number, one in enumerate(seconds)]


def test_the_same_silence_each_time_is_a_time_out() -> None:
    alone = story(9, code="websocket.close-abnormal", idle_before_end_ns=60 * S)
    (finding,) = joined_findings([*killed(60.01, 12, 60.4), alone, story(8, idle_before_end_ns=None)])
    assert alone.findings[0].severity is Severity.NOTICE
    assert "the same silence" in alone.findings[0].cause
    assert finding.code == "websocket.idle-killed"
    assert finding.text == (
        "3 WebSockets with s:80 ended without a Close frame, each after 60 to 60.4 s in which nobody sent anything."
    )
    assert (finding.flow, finding.frames, finding.at.time_ns) == (0, (10, 12, 19), 0)


@pytest.mark.parametrize("seconds", [(60,), (60, 30), (1, 1, 1), (10, 20, 30, 40)])
def test_other_silences_are_none(seconds: tuple[float, ...]) -> None:
    assert joined_findings(killed(*seconds)) == []


def test_each_server_has_its_own() -> None:
    assert joined_findings([*killed(60), *killed(60, server="t")]) == []
    found = joined_findings([*killed(60, 60), *killed(30, 30, server="t")])
    assert [finding.text.partition(" s in")[0].rpartition(" ")[2] for finding in found] == ["60", "30"]


def test_the_proxy_that_loses_the_upgrade_is_named() -> None:
    before = story(0, "proxy", sec_websocket_key="k")
    behind = story(1, "server", "websocket.upgrade-stripped", client="proxy", sec_websocket_key="k", upgrade_lost=True)
    assert joined_findings([before, behind]) == []
    (finding,) = behind.findings
    assert finding.text == "said. On its way from c:1000 to proxy:80 the same request had them."
    assert finding.cause == "proxy:80 is a proxy that does not pass on Upgrade and Connection."


def test_another_request_says_nothing_of_the_proxy() -> None:
    before = story(0, "proxy", sec_websocket_key="other")
    behind = story(1, "server", "websocket.upgrade-stripped", sec_websocket_key="k", upgrade_lost=True)
    both_lost = story(2, "server", sec_websocket_key="k", upgrade_lost=True)
    joined_findings([before, behind, both_lost])
    assert behind.findings[0].text == "said."
