"""Candidate pairs, and what the checks on each came to."""

from __future__ import annotations

from analyzer.core import Endpoint
from analyzer.sessions.webrtc.pairs import (
    MAX_PAIRS,
    MAX_TRANSACTIONS,
    NO_ENDPOINT,
    Checks,
    Pair,
    endpoint_of,
    peer_of,
)
from tests.sessions.webrtc.made import A6, B6, A, B, Scene

RELAYED, TURN = Endpoint("203.0.113.5", 49_152), Endpoint("203.0.113.5", 3478)


def read(scene: Scene, relays: dict[int, Endpoint] | None = None) -> Checks:
    stories = list(scene.stories.values())
    sides = {"aaaa": 0, "bbbb": 1}
    checks = Checks({one.flow.id: one.flow for one in stories}, relays or {}, lambda name: sides.get(name, -1), {})
    checks.read(sorted((note for one in stories for note in one.notes), key=lambda note: note.time_ns))
    return checks


def only(checks: Checks) -> Pair:
    (pair,) = checks.pairs.values()
    return pair


def test_a_is_first_whoever_opened_the_flow() -> None:
    scene = Scene()
    scene.check(0, 1)
    pair = only(read(scene))
    assert pair.ends == (A, B)
    assert [way.sent for way in pair.ways] == [0, 1]
    assert (pair.ways[1].role, pair.ways[1].rtt_ns) == ("controlled", 2_000_000)


def test_one_known_ufrag_is_enough() -> None:
    scene = Scene()
    scene.check(0, 1, ufrags=("aaaa", "????"))
    assert only(read(scene)).ends == (A, B)


def test_without_a_known_ufrag_the_initiator_is_a() -> None:
    scene = Scene()
    scene.check(0, 1, ufrags=("????", "!!!!"))
    assert only(read(scene)).ends == (B, A)


def test_the_same_request_sent_again_is_one_transaction() -> None:
    scene = Scene()
    scene.check(0, 0, answer=False)
    (story,) = scene.stories.values()
    fields = dict(story.notes[0].fields)
    scene.note(500, A, B, "stun.binding-request", fields)
    scene.note(501, B, A, "stun.binding-success", {"transaction_id": fields["transaction_id"]})
    scene.note(502, B, A, "stun.binding-success", {"transaction_id": fields["transaction_id"]})
    way = only(read(scene)).ways[0]
    assert (way.sent, way.requests, way.answered, way.silent) == (2, 1, 1, 0)


def test_both_legs_of_a_relay_are_one_pair_and_one_check() -> None:
    scene = Scene()
    scene.check(5, 0, (RELAYED, B), answer=False)
    inner = dict(next(iter(scene.stories.values())).notes[0].fields)
    inner["relayed_peer"] = {"address": B.address, "port": B.port}
    note, story = scene.note(4, A, TURN, "stun.binding-request", inner)
    answer = {"transaction_id": inner["transaction_id"]}
    scene.note(6, B, RELAYED, "stun.binding-success", dict(answer))
    scene.note(7, TURN, A, "stun.binding-success", answer | {"relayed_peer": inner["relayed_peer"]})
    scene.note(8, TURN, A, "dtls.client-hello")
    pair = only(read(scene, {story.flow.id: RELAYED}))
    assert pair.ends == (RELAYED, B)
    assert pair.relayed
    assert len(pair.flows) == 2
    assert (pair.ways[0].sent, pair.ways[0].answered) == (1, 1)
    assert pair.data[1] == 8_000_000
    assert note.flow == story.flow.id


def test_an_answer_on_another_pair_is_kept_apart() -> None:
    scene = Scene()
    scene.check(0, 0, answered_from=Endpoint("10.0.0.3", 2000))
    checks = read(scene)
    ((asked, answered, _, _),) = checks.elsewhere
    assert (asked.ends[1], answered.ends[1].address) == (B, "10.0.0.3")
    assert not asked.works


def test_states() -> None:
    scene = Scene()
    scene.check(0, 0, answer=False)
    scene.check(1, 0, (A6, B6))
    scene.check(2, 0, (A, B6), error=400)
    scene.data(3, 0, (A6, B))
    pairs = list(read(scene).pairs.values())
    now, later = 100_000_000, 5_000_000_000
    assert [pair.state(now) for pair in pairs] == ["in progress", "succeeded", "failed", "unchecked"]
    assert pairs[0].state(later) == "failed"
    assert [pair.family for pair in pairs] == ["IPv4", "IPv6", "IPv6", "IPv6"]
    assert pairs[1].nominated_ns == 0


def test_generations_are_counted_by_new_ufrags() -> None:
    scene = Scene()
    scene.check(0, 0)
    scene.check(1, 0, (A6, B6), ufrags=("anew", "bbbb"))
    checks = read(scene)
    assert [pair.generation for pair in checks.pairs.values()] == [0, 1]


def test_what_is_no_check_makes_no_pair() -> None:
    scene = Scene()
    scene.note(0, A, B, "stun.binding-request", {"transaction_id": "1"})
    scene.note(1, B, A, "stun.binding-success", {"transaction_id": "1"})
    scene.note(2, A, B, "tcp.syn")
    assert read(scene).pairs == {}


def test_pairs_and_transactions_have_an_end() -> None:
    scene = Scene()
    for number in range(MAX_PAIRS + 5):
        scene.check(number, 0, (Endpoint("10.0.0.1", 5000 + number), B), answer=False)
    checks = read(scene)
    assert (len(checks.pairs), checks.dropped) == (MAX_PAIRS, 5)
    scene = Scene()
    for number in range(MAX_TRANSACTIONS + 5):
        scene.check(number, 0, answer=False)
    checks = read(scene)
    assert len(checks.waiting) == MAX_TRANSACTIONS
    assert only(checks).ways[0].sent == MAX_TRANSACTIONS + 5


def test_addresses_are_read_in_all_forms() -> None:
    assert endpoint_of("192.0.2.1:80") == Endpoint("192.0.2.1", 80)
    assert endpoint_of("[2001:db8::1]:80") == Endpoint("2001:db8::1", 80)
    assert endpoint_of({"address": "192.0.2.1", "port": 80}) == Endpoint("192.0.2.1", 80)
    for lie in (None, 7, "x", "x:y", "x:123456", {"address": 7, "port": 80}, {}):
        assert endpoint_of(lie) == NO_ENDPOINT
    assert peer_of({"relayed_peer": "192.0.2.1:80"}) == Endpoint("192.0.2.1", 80)


def test_a_note_of_an_unknown_flow_is_left_out() -> None:
    scene = Scene()
    scene.check(0, 0)
    for story in scene.stories.values():
        for note in story.notes:
            note.flow = 99
    assert read(scene).pairs == {}


def test_what_keeps_a_pair_alive() -> None:
    scene = Scene()
    scene.check(1, 0, nominate=True)
    for at in (1001, 3001, 7001):
        scene.check(at, 0)
    scene.check(5000, 1)
    scene.note(8000, A, B, "stun.binding-indication")
    assert only(read(scene)).kept_alive() == {
        "checks": [3, 0],
        "every_ms": [2000, None],
        "longest_without_answer_ms": [4000, None],
        "indications": 1,
    }
    assert Pair((A, B), "udp").kept_alive() == {}


def test_the_server_stands_for_an_address_that_it_gave_before() -> None:
    scene = Scene()
    fields = {"transaction_id": "01", "priority": 1, "relayed_peer": {"address": B.address, "port": B.port}}
    scene.note(0, A, TURN, "stun.binding-request", fields)
    pair = only(read(scene))
    assert pair.ends == (TURN, B)
    assert pair.relayed
