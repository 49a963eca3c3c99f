"""What connections through one proxy show together."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Endpoint, Finding, Flow, Outcome, Phase, Place, Severity, Story
from analyzer.sessions.proxies import judge_refusals


def story(number: int, proxy: str, *codes: str, opened: bool = False, **facts: Any) -> Story:
    ends = Endpoint("10.0.0.1", 1000 + number), Endpoint(proxy, 8080)
    told = Story(Flow(number, "tcp", *ends, "", 1, 1, 0, 0, (1, 1), (1, 1)))
    told.findings = [Finding(code, "text", Place((), 0), severity=Severity.ERROR) for code in codes]
    told.facts = facts
    told.phases = [Phase("proxy", 0, 1, Outcome.ESTABLISHED if opened else Outcome.FAILED)]
    return told


def test_only_a_proxy_that_opens_others_is_let_off() -> None:
    refused = story(0, "a", "http.proxy-connect-refused", "http.other")
    elsewhere = story(1, "b", "http.proxy-connect-refused")
    judge_refusals([refused, elsewhere, story(2, "a", opened=True)])
    assert [finding.severity for finding in refused.findings] == [Severity.NOTICE, Severity.ERROR]
    assert "policy" in refused.findings[0].cause
    assert elsewhere.findings[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("target", "severity", "part"),
    [("x:443", Severity.INFO, "got through"), ("y:443", Severity.NOTICE, "wants a login for this target")],
)
def test_a_login_that_helped(target: str, severity: Severity, part: str) -> None:
    asked = story(0, "a", "http.proxy-connect-refused", status=407, tunnel_target="x:443")
    judge_refusals([asked, story(1, "a", opened=True, tunnel_target=target)])
    assert asked.findings[0].severity is severity
    assert part in asked.findings[0].cause
