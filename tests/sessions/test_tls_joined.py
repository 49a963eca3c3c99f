"""What several TLS connections show together."""

from __future__ import annotations

from typing import Any

from analyzer.core import Endpoint, Finding, Flow, Place, Severity, Span, Story
from analyzer.sessions.tls_joined import joined_findings


def story(number: int, server: str, code: str = "", **facts: Any) -> Story:
    flow = Flow(number, "tcp", Endpoint("a", 1), Endpoint(server, 443), "", 1, 9, 100 + number, 9, (1, 1), (9, 9))
    place = Place((Span(10 + number, 0, 9),), 500)
    findings = [Finding(code, "said", place, severity=Severity.ERROR)] if code else []
    return Story(flow, findings=findings, facts={"client_hello_frame": 10 + number, **facts})


def failed(number: int, server: str, size: int) -> Story:
    return story(number, server, "tls.no-server-hello", client_hello_bytes=size)


def passed(number: int, server: str, size: int, **facts: Any) -> Story:
    return story(number, server, client_hello_bytes=size, hello_to_hello_ns=5, **facts)


def test_a_large_hello_fails_where_a_small_one_passes() -> None:
    stories = [
        failed(0, "s", 1800),
        failed(1, "s", 1900),
        passed(2, "s", 300),
        passed(3, "s", 500),
        passed(4, "t", 400),
    ]
    (finding,) = joined_findings(stories)
    assert finding.code == "tls.client-hello-size-cliff"
    assert finding.text == (
        "A ClientHello of 1,800 bytes (frame 10) got no answer from s:443; one of 500 bytes (frame 13) did."
    )
    assert (finding.flow, finding.frames, finding.at.time_ns) == (0, (10, 13), 100)


def test_the_size_is_not_the_cause() -> None:
    assert joined_findings([failed(0, "s", 600), passed(1, "s", 300)]) == []
    assert joined_findings([failed(0, "s", 1800), passed(1, "s", 1700)]) == []
    assert joined_findings([failed(0, "s", 1800), passed(1, "t", 300)]) == []
    assert joined_findings([failed(0, "s", 1800), story(1, "s", client_hello_bytes=300)]) == []
    assert joined_findings([story(0, "s")]) == []


def test_what_the_server_took_elsewhere_is_told() -> None:
    def refused(number: int, name: str) -> Story:
        code = "tls.alert-no-application-protocol"
        return story(number, "s", code, client_hello_bytes=300, server_name=name)

    mine, other = refused(0, "www"), refused(1, "else")
    assert joined_findings([mine, other, passed(2, "s", 300, server_name="www", alpn="h2")]) == []
    assert mine.findings[0].text == "said\nTo the ClientHello in frame 12, for the same name, it answered with h2."
    assert mine.findings[0].cause == "The server has h2 for this name."
    assert other.findings[0].text == "said"


def test_what_the_server_agreed_on_elsewhere_is_told() -> None:
    code = "tls.alert-handshake-failure"
    mine, lonely = story(0, "s", code, client_hello_bytes=300), story(1, "t", code, client_hello_bytes=300)
    other = passed(2, "s", 300, handshake_ns=9, tls_version="TLS 1.2", cipher_suite="TLS_X", group="X25519")
    assert joined_findings([mine, lonely, other, passed(3, "t", 300, tls_version="TLS 1.2")]) == []
    assert mine.findings[0].text == (
        "said\nWith another ClientHello (frame 12) the same server agreed on TLS 1.2, TLS_X, X25519."
    )
    assert mine.findings[0].advice.startswith("Compare the two hellos (frames 10 and 12)")
    assert lonely.findings[0].text == "said"
    assert not other.findings
