"""Community IDs against the values published with the specification (its baseline captures, seed 0)."""

from __future__ import annotations

import pytest

from analyzer.flows.community_id import community_id

PUBLISHED = [
    # TCP, both directions, with other seeds
    (6, "128.232.110.120", "66.35.250.204", 34855, 80, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (6, "66.35.250.204", "128.232.110.120", 80, 34855, 0, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (6, "128.232.110.120", "66.35.250.204", 34855, 80, 1, "1:3V71V58M3Ksw/yuFALMcW0LAHvc="),
    # UDP
    (17, "192.168.1.52", "8.8.8.8", 54585, 53, 0, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (17, "8.8.8.8", "192.168.1.52", 53, 54585, 0, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (17, "192.168.1.52", "8.8.8.8", 54585, 53, 1, "1:Q9We8WO3piVF8yEQBNJF4uiSVrI="),
    # SCTP
    (132, "192.168.170.8", "192.168.170.56", 7, 80, 0, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
    (132, "192.168.170.56", "192.168.170.8", 80, 7, 0, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
    # ICMP: echo request and answer
    (1, "192.168.0.89", "192.168.0.1", 8, 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (1, "192.168.0.1", "192.168.0.89", 0, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    # ICMPv6
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
]


@pytest.mark.parametrize(("transport", "source", "target", "sport", "dport", "seed", "published"), PUBLISHED)
def test_published(transport: int, source: str, target: str, sport: int, dport: int, seed: int, published: str) -> None:
    assert community_id(transport, source, target, sport, dport, seed) == published


def test_a_one_way_message_is_not_turned() -> None:
    there = community_id(1, "192.168.0.89", "192.168.0.1", 3, 1)
    assert there != community_id(1, "192.168.0.1", "192.168.0.89", 3, 1)


def test_without_ports() -> None:
    plain = community_id(46, "10.1.12.1", "10.1.24.4")
    assert plain == community_id(46, "10.1.24.4", "10.1.12.1") == community_id(46, "10.1.12.1", "10.1.24.4", 1, 2)
    assert community_id(6, "10.1.12.1", "10.1.24.4", 1) == community_id(6, "10.1.12.1", "10.1.24.4")


def test_ipv6_and_equal_addresses() -> None:
    assert community_id(6, "2001:db8::1", "2001:db8::2", 5, 6) == community_id(6, "2001:db8::2", "2001:db8::1", 6, 5)
    assert community_id(17, "::1", "::1", 5, 6) == community_id(17, "::1", "::1", 6, 5)
