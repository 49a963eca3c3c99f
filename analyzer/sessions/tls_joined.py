"""What several TLS connections show together: the size that a ClientHello must not have, protocols taken elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, FindingKind, Place, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Story

FINDINGS: Final[dict[str, FindingKind]] = {
    "tls.client-hello-size-cliff": FindingKind(
        Severity.ERROR,
        "A large ClientHello gets no answer where a smaller one does",
        "RFC 9846 4.2.2; RFC 9001 4.3",
        cause="A server or middlebox that expects the whole ClientHello in one segment: post-quantum key shares make "
        "it longer.",
        advice="Update that server or middlebox (tldr.fail tells more); until then turn the hybrid group off for this "
        "path.",
    ),
}

#: A hello that does not fit one segment of any path.
LARGE_HELLO_BYTES: Final = 1300
UNANSWERED: Final = "tls.no-server-hello"
NO_PROTOCOL: Final = "tls.alert-no-application-protocol"
#: Alerts of a server that found nothing to agree on.
NO_OVERLAP: Final = frozenset(
    ("tls.alert-handshake-failure", "tls.alert-protocol-version", "tls.alert-insufficient-security")
)


def joined_findings(stories: Iterable[Story]) -> list[Finding]:
    """Verdicts that need more than one connection; what others took is added to the alerts on protocols."""
    talks = [story for story in stories if "client_hello_bytes" in story.facts]
    add_protocols(talks)
    add_agreements(talks)
    return list(size_cliffs(talks))


def size_cliffs(talks: list[Story]) -> Iterator[Finding]:
    """A large hello failed and a smaller one to the same server passed: the size may be why.  RFC 9846 §4.2.2"""
    failed: dict[str, tuple[Story, Finding]] = {}
    for story in talks:
        server = str(story.flow.responder)
        if story.facts["client_hello_bytes"] >= LARGE_HELLO_BYTES and server not in failed:
            for finding in story.findings:
                if finding.code == UNANSWERED:
                    failed[server] = story, finding
    if not failed:
        return
    passed: dict[str, Story] = {}
    for story in talks:
        size, server = story.facts["client_hello_bytes"], str(story.flow.responder)
        if server in failed and size < LARGE_HELLO_BYTES and "hello_to_hello_ns" in story.facts:
            before = passed.get(server)
            if before is None or size > before.facts["client_hello_bytes"]:
                passed[server] = story
    for server, small in passed.items():
        large, evidence = failed[server]
        sent, frame = small.facts["client_hello_bytes"], small.facts["client_hello_frame"]
        finding = Finding(
            "tls.client-hello-size-cliff",
            f"A ClientHello of {large.facts['client_hello_bytes']:,} bytes (frame {evidence.frames[-1]}) got no answer "
            f"from {server}; one of {sent:,} bytes (frame {frame}) did.",
            # As of the start of the connection that failed: it goes before what is said of that one alone.
            Place((*evidence.at.spans, Span(frame, 0, 0)), large.flow.first_ns),
            limits="The two hellos may differ in more than their size, and the server may have been down for a while.",
        )
        finding.flow = large.flow.id
        yield finding


def add_protocols(talks: list[Story]) -> None:
    """Where a server refused all protocols, say which it took in another connection to the same name.  RFC 7301 §3.2"""
    refused = [(story, one) for story in talks for one in story.findings if one.code == NO_PROTOCOL]
    if not refused:
        return
    took = {story.facts.get("server_name"): story for story in talks if story.facts.get("alpn")}
    for story, finding in refused:
        name = story.facts.get("server_name")
        other = took.get(name)
        if other is None:
            continue
        protocol = other.facts["alpn"]
        finding.text = (
            f"{finding.text}\nTo the ClientHello in frame {other.facts['client_hello_frame']}, for the same name, it "
            f"answered with {protocol}."
        )
        finding.cause = f"The server has {protocol} for this name."


def add_agreements(talks: list[Story]) -> None:
    """Where a server found nothing to agree on, say what it agreed on with another client.  RFC 9846 §4.2.1"""
    refused = [(story, one) for story in talks for one in story.findings if one.code in NO_OVERLAP]
    if not refused:
        return
    agreed = {
        str(story.flow.responder): story
        for story in talks
        if "handshake_ns" in story.facts and not any(one.code in NO_OVERLAP for one in story.findings)
    }
    for story, finding in refused:
        other = agreed.get(str(story.flow.responder))
        if other is not None:
            facts = other.facts
            told = [facts[name] for name in ("tls_version", "cipher_suite", "group") if name in facts]
            frame = facts["client_hello_frame"]
            finding.text = (
                f"{finding.text}\nWith another ClientHello (frame {frame}) the same server agreed on {', '.join(told)}."
            )
            finding.advice = (
                f"Compare the two hellos (frames {story.facts['client_hello_frame']} and {frame}): what the one lacks "
                "of this is what the server wants."
            )
