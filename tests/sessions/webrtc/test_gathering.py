"""Verdicts on what both ends offered, and on the servers they asked."""

from __future__ import annotations

from analyzer.core import Endpoint, Severity
from tests.sessions.webrtc.made import A6, B6, SERVER, A, B, Scene, candidate, healthy

OUTSIDE = Endpoint("198.51.100.7", 61_000)
NAME = "c588fe94-b7ec-4cd8-a0c2-d3468df02945.local"


def signalled(first: list[dict[str, object]], second: list[dict[str, object]]) -> Scene:
    """Offer and answer, with a question to a STUN server that makes a session of it, and nothing else for long."""
    scene = Scene()
    for side, found in ((0, first), (1, second)):
        scene.describe(side * 20, side, candidates=found)
        scene.describe(side * 20 + 1, side, candidates=found, socket=1 - side, received=True)
    scene.ask(5, A, mapped=A)
    scene.ask(20_000, A, mapped=A)
    return scene


def test_no_pairs() -> None:
    for first, second, why in (
        ([], [candidate(B)], "A offered no candidate"),
        ([], [], "A and B offered no candidate"),
        ([candidate(A)], [candidate(B6)], "A offered IPv4 over UDP and B IPv6 over UDP, which have nothing in common"),
        ([candidate(A, transport="tcp")], [candidate(B)], "A offered IPv4 over TCP and B IPv4 over UDP"),
        ([candidate(A)], [candidate(Endpoint(NAME, 1))], "B offered only names (.local)"),
    ):
        verdict = signalled(first, second).verdict("ice.no-pairs")
        assert why in verdict.text
        assert verdict.severity is Severity.ERROR


def test_pairs_that_could_have_been() -> None:
    assert signalled([candidate(A)], [candidate(B)]).codes() == []


def test_no_pairs_is_what_came_of_a_relay_that_refused() -> None:
    scene = signalled([], [candidate(B)])
    scene.say(10, 0, (A, SERVER), "turn.auth-failed")
    assert scene.verdict("ice.no-pairs").severity is Severity.NOTICE


def test_slow_gathering() -> None:
    scene = healthy()
    scene.ask(1, A, mapped=OUTSIDE, rtt=900)
    assert "a server-reflexive address after 900.0 ms" in scene.verdict("ice.slow-gathering").text


def test_symmetric_nat_by_two_servers() -> None:
    scene = healthy()
    scene.ask(1, A, mapped=OUTSIDE)
    scene.ask(2, A, Endpoint("203.0.113.6", 3478), mapped=Endpoint(OUTSIDE.address, 61_001))
    assert (
        "is 198.51.100.7:61000 for 203.0.113.5:3478 and 198.51.100.7:61001" in scene.verdict("ice.symmetric-nat").text
    )


def test_the_same_port_for_two_servers_is_none() -> None:
    scene = healthy()
    scene.ask(1, A, mapped=OUTSIDE)
    scene.ask(2, A, Endpoint("203.0.113.6", 3478), mapped=OUTSIDE)
    assert scene.codes() == []


def test_symmetric_nat_by_a_check_from_another_port() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A), candidate(OUTSIDE, "srflx", A)])
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.ice(30, (Endpoint(OUTSIDE.address, 62_000), B))
    assert "its check came from 198.51.100.7:62000" in scene.verdict("ice.symmetric-nat").text
    assert scene.call().facts["pairs"][0]["types"] == ["prflx", "host"]


def behind_one_nat(*, works: bool) -> Scene:
    other = Endpoint(OUTSIDE.address, 61_001)
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A), candidate(OUTSIDE, "srflx", A)])
    scene.describe(20, 1, candidates=[candidate(B), candidate(other, "srflx", B)])
    for at in range(12):
        scene.check(30 + 1000 * at, 0, (A, other), answer=False)
    if works:
        scene.ice(12_000)
        scene.secure(12_100)
    return scene


def test_hairpin() -> None:
    verdict = behind_one_nat(works=True).verdict("ice.nat-hairpin-needed")
    assert "A and B are both 198.51.100.7 outside" in verdict.text
    assert verdict.severity is Severity.INFO
    codes = behind_one_nat(works=False).codes()
    assert codes == ["ice.all-checks-failed", "ice.nat-hairpin-needed"]


def test_host_only() -> None:
    scene = healthy()
    for at in (1, 500, 1500):
        scene.ask(at, A)
    assert "203.0.113.5:3478 did not answer" in scene.verdict("ice.host-only").text
    scene.ask(2000, A, Endpoint("203.0.113.6", 3478), mapped=OUTSIDE)
    assert "ice.host-only" not in scene.codes()


def test_relay_only() -> None:
    relayed = Endpoint("203.0.113.30", 49_152)
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(relayed, "relay", Endpoint("0.0.0.0", 0))])
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.ice(30, (relayed, B))
    scene.secure(50, ends=(relayed, B))
    verdict = scene.verdict("ice.relay-only-policy")
    assert (verdict.severity, str(relayed) in verdict.text) == (Severity.INFO, True)


def allocated(scene: Scene, at: float, server: Endpoint, relayed: Endpoint, transport: str) -> None:
    client = Endpoint(A.address, 4444)
    scene.note(at, client, server, "turn.allocate-request", transport=transport)
    where = {"xor_relayed_address": {"address": relayed.address, "port": relayed.port}}
    _, story = scene.note(at + 20, server, client, "turn.allocate-success", where, transport=transport)
    story.facts |= {"turn_username": "me", "turn_relayed_address": str(relayed)}


def test_udp_blocked() -> None:
    relayed = Endpoint("203.0.113.30", 49_152)
    scene = Scene()
    for at in (1, 500, 1500):
        scene.ask(at, A)
    allocated(scene, 10, Endpoint("203.0.113.5", 443), relayed, "tcp")
    scene.ice(100, (relayed, B))
    scene.say(1, 0, (A, SERVER), "stun.no-response")
    (verdict,) = scene.told()[1]
    assert verdict.code == "ice.udp-blocked"
    assert "203.0.113.5:3478 gave no answer over UDP; the relay 203.0.113.5:443 did over TCP" in verdict.text


def test_udp_that_works_otherwise_is_not_blocked() -> None:
    scene = healthy()
    for at in (1, 500, 1500):
        scene.ask(at, A)
    allocated(scene, 10, Endpoint("203.0.113.5", 443), Endpoint("203.0.113.30", 49_152), "tcp")
    scene.check(100, 1, (Endpoint("203.0.113.30", 49_152), B))
    assert "ice.udp-blocked" not in scene.codes()


def test_both_families() -> None:
    scene = healthy()
    scene.check(40, 0, (A6, B6))
    assert [row["a"] for row in scene.call().facts["pairs"]] == [str(A), str(A6)]
