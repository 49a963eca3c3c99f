"""What several TCP connections show together: broken IPv6, SYN cookies, ports given out again too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, FindingKind, Place, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Endpoint, Flow, Story, TcpSummary

FINDINGS: Final[dict[str, FindingKind]] = {
    "tcp.v6-broken": FindingKind(
        Severity.WARNING,
        "IPv6 did not answer, IPv4 did",
        "RFC 8305 5",
        cause="The path over IPv6 is broken (route, firewall, tunnel), or the server does not listen there "
        "although its "
        "name has an AAAA record.",
        advice="Mend IPv6 on that path, or take the AAAA record away; clients lose that time on each connection.",
    ),
    "tcp.syn-cookies": FindingKind(
        Severity.INFO,
        "The server answers some SYNs with fewer options than others",
        "RFC 4987 3.6",
        cause="The server uses SYN cookies when its queue is full, and cannot remember options then; less "
        "likely several "
        "servers of different kinds stand behind one address.",
        advice="Look at the server's log for 'possible SYN flooding', at its backlog, and at how many SYNs arrive.",
    ),
    "tcp.timewait-reuse": FindingKind(
        Severity.NOTICE,
        "A port was used again while the old connection lingered",
        "RFC 9293 3.6; RFC 6191",
        cause="The client (or a NAT) runs through its ports so fast that the server still holds the old connection in "
        "TIME-WAIT.",
        advice="Keep connections open for several requests, widen the range of ports, or turn timestamps on at "
        "both ends: "
        "they allow the reuse.",
    ),
}

NS: Final = 1_000_000_000
FALLBACK_LEAST_NS: Final = 50_000_000  # RFC 8305 §5: a client waits at least 10 ms, usually 250
FALLBACK_MOST_NS: Final = 10 * NS
TIME_WAIT_NS: Final = 240 * NS  # twice the maximum segment lifetime, RFC 9293 §3.4.2
REMEMBERED: Final = 4096  # flows of each kind that are compared
EVIDENCE: Final = 8


def joined_findings(flows: Iterable[Flow], stories: Iterable[Story]) -> list[Finding]:
    """Verdicts that need more than one connection; `flow` of each is set to the one that it is told of."""
    talks = [(flow, flow.tcp) for flow in flows if flow.tcp is not None]
    refused = {story.flow.id for story in stories if any(one.code in NOT_MADE for one in story.findings)}
    return [*broken_v6(talks), *syn_cookies(talks), *reused_ports(talks, refused)]


#: What the TCP room says of a connection whose SYN met an old one.
NOT_MADE: Final = frozenset({"tcp.syn-challenge-ack", "tcp.synack-wrong-ack", "tcp.syn-refused"})


def broken_v6(talks: list[tuple[Flow, TcpSummary]]) -> Iterator[Finding]:
    """A SYN over IPv6 without answer, and soon after a connection over IPv4 to the same port.  RFC 8305 §5"""
    silent = [(flow, tcp) for flow, tcp in talks if ":" in flow.responder.address and is_silent(flow, tcp)]
    answered: dict[int, list[tuple[Flow, TcpSummary]]] = {}
    if silent:
        for flow, tcp in talks:
            if ":" not in flow.responder.address and tcp.syn_ns is not None and tcp.ack_ns is not None:
                answered.setdefault(flow.responder.port, []).append((flow, tcp))
    told: set[Endpoint] = set()
    for flow, tcp in silent[:REMEMBERED]:
        if flow.responder in told or tcp.syn_ns is None:
            continue
        for other, its in answered.get(flow.responder.port, [])[:REMEMBERED]:
            waited = (its.syn_ns or 0) - tcp.syn_ns
            if FALLBACK_LEAST_NS <= waited <= FALLBACK_MOST_NS:
                told.add(flow.responder)
                finding = Finding(
                    "tcp.v6-broken",
                    f"The SYN to {flow.responder} got no answer; {waited / 1e6:,.0f} ms later the client tried "
                    f"{other.responder}, which answered.",
                    [at(tcp.syn, tcp.syn_ns), at(its.syn, its.syn_ns), at(its.ack, its.ack_ns)],
                    limits="That both addresses are of one name is concluded from port and time only.",
                )
                finding.flow = flow.id
                yield finding
                break


def is_silent(flow: Flow, tcp: TcpSummary) -> bool:
    return tcp.syn is not None and not flow.packets[1] and flow.packets[0] == 1 + tcp.syn_retransmits


def syn_cookies(talks: list[tuple[Flow, TcpSummary]]) -> Iterator[Finding]:
    """The same server returns window scaling and SACK to some and not to others that offered them.  RFC 4987 §3.6"""
    full: dict[Endpoint, Flow] = {}
    poor: dict[Endpoint, list[tuple[Flow, TcpSummary]]] = {}
    for flow, tcp in talks:
        if tcp.syn_ack is None or tcp.window_scale[0] < 0 or not tcp.sack_permitted[0]:
            continue
        if tcp.window_scale[1] >= 0 and tcp.sack_permitted[1]:
            full.setdefault(flow.responder, flow)
        elif tcp.window_scale[1] < 0 and not tcp.sack_permitted[1]:
            poor.setdefault(flow.responder, []).append((flow, tcp))
    for server in [one for one in poor if one in full][:REMEMBERED]:
        flow, _ = poor[server][0]
        finding = Finding(
            "tcp.syn-cookies",
            f"{server} answered {len(poor[server]):,} SYN{'s' if len(poor[server]) > 1 else ''} without window "
            "scaling and "
            f"SACK, which it returned to others (for one in frame {full[server].first_frame}).",
            [at(tcp.syn_ack, tcp.syn_ack_ns) for _, tcp in poor[server][:EVIDENCE]],
        )
        finding.flow = flow.id
        yield finding


def reused_ports(talks: list[tuple[Flow, TcpSummary]], not_made: set[int]) -> Iterator[Finding]:
    """A SYN on the ports of a connection that had just ended, and that was not simply answered.  RFC 9293 §3.6"""
    last: dict[tuple[Endpoint, Endpoint], tuple[Flow, TcpSummary]] = {}
    for flow, tcp in talks:
        pair = (flow.initiator, flow.responder)
        before = last.get(pair)
        last[pair] = (flow, tcp)
        if before is None or flow.id not in not_made or tcp.syn is None:
            continue
        old, its = before
        waited = flow.first_ns - old.last_ns
        if its.end is not None and 0 <= waited <= TIME_WAIT_NS:
            finding = Finding(
                "tcp.timewait-reuse",
                f"{waited / 1e9:.3f} s after a connection of the same ports had ended ({its.end.upper()}), a "
                "new SYN came, "
                "and it was not accepted.",
                [at(old.last_frame, old.last_ns), at(tcp.syn, tcp.syn_ns)],
            )
            finding.flow = flow.id
            yield finding


def at(frame: int | None, time_ns: int | None) -> Place:
    return Place((Span(frame, 0, 0),) if frame else (), time_ns or 0)
