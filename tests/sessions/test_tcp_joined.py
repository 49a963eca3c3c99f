"""What several connections show together, from flows made by hand."""

from __future__ import annotations

from analyzer.core import Endpoint, Finding, Flow, Place, Story, TcpSummary
from analyzer.sessions.tcp_joined import FINDINGS, joined_findings

S = 1_000_000_000


def flow(number: int, client: str, server: str, at_ns: int, tcp: TcpSummary, packets: tuple[int, int] = (5, 5)) -> Flow:
    ends = Endpoint(client, 50_000), Endpoint(server, 443)
    tcp.syn, tcp.syn_ns = 10 * number + 1, at_ns
    return Flow(number, "tcp", *ends, "", 10 * number + 1, 10 * number + 9, at_ns, at_ns + S, packets, (0, 0), tcp)


def silent(number: int, server: str = "2001:db8::2", at_ns: int = 0) -> Flow:
    return flow(number, "2001:db8::1", server, at_ns, TcpSummary(syn_retransmits=1), (2, 0))


def answered(number: int, at_ns: int, server: str = "192.0.2.2") -> Flow:
    sums = TcpSummary(syn_ack=10 * number + 2, syn_ack_ns=at_ns + 1, ack=10 * number + 3, ack_ns=at_ns + 2)
    return flow(number, "192.0.2.1", server, at_ns, sums)


def test_ipv4_after_silent_ipv6() -> None:
    (finding,) = joined_findings([silent(0), silent(1, at_ns=1), answered(2, S // 4)], [])
    assert finding.code == "tcp.v6-broken"
    assert finding.flow == 0
    assert "[2001:db8::2]:443 got no answer; 250 ms later the client tried 192.0.2.2:443" in finding.text
    assert finding.frames == (1, 21, 23)


def test_ipv4_long_after_or_before_is_another_matter() -> None:
    assert joined_findings([silent(0, at_ns=S), answered(1, S // 2), answered(2, 20 * S)], []) == []


def test_ipv6_that_answers_is_not_broken() -> None:
    fine = flow(0, "2001:db8::1", "2001:db8::2", 0, TcpSummary(ack=3, ack_ns=3))
    assert joined_findings([fine, answered(1, S // 4)], []) == []


def test_some_answers_without_options() -> None:
    def offered(number: int, scale: int, sack: bool) -> Flow:
        sums = TcpSummary(syn_ack=10 * number + 2, window_scale=(7, scale), sack_permitted=(True, sack))
        return flow(number, f"192.0.2.{number}", "198.51.100.1", number * S, sums)

    assert joined_findings([offered(1, -1, False), offered(2, -1, False)], []) == []
    assert joined_findings([offered(1, 7, True), offered(2, 7, False)], []) == []
    (finding,) = joined_findings([offered(1, 7, True), offered(2, -1, False), offered(3, -1, False)], [])
    assert (finding.code, finding.flow, finding.frames) == ("tcp.syn-cookies", 2, (22, 32))
    assert "answered 2 SYNs without" in finding.text


def test_port_used_again_too_early() -> None:
    old, new = answered(0, 0), answered(1, 2 * S)
    assert old.tcp is not None
    old.tcp.end = "fin"
    refused = Story(new, findings=[Finding("tcp.syn-challenge-ack", "", Place((), 0))])
    (finding,) = joined_findings([old, new], [Story(old), refused])
    assert (finding.code, finding.flow) == ("tcp.timewait-reuse", 1)
    assert finding.text.startswith("1.000 s after a connection of the same ports had ended (FIN)")
    assert joined_findings([old, new], [Story(old), Story(new)]) == []
    old.tcp.end = None
    assert joined_findings([old, new], [Story(old), refused]) == []


def test_other_transports_are_left_alone() -> None:
    one = silent(0)
    one.tcp = None
    assert joined_findings([one], []) == []


def test_table_is_whole() -> None:
    for kind in FINDINGS.values():
        assert kind.title
        assert kind.spec.startswith("RFC ")
        assert kind.cause.endswith(".")
        assert kind.advice.endswith(".")
