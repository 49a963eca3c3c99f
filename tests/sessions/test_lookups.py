"""The phase of a connection that was spent on looking up its name."""

from __future__ import annotations

from typing import Any

from analyzer.core import Endpoint, Flow, Story, TcpSummary
from analyzer.sessions.lookups import WAITED_NS, add_lookups

SYN_NS = 10 * WAITED_NS


def connection(address: str, syn_ns: int = SYN_NS, client: str = "a", **facts: Any) -> Story:
    flow = Flow(0, "tcp", Endpoint(client, 1), Endpoint(address, 443), "", 1, 9, 100, 9, (1, 1), (9, 9))
    flow.tcp = TcpSummary()
    flow.tcp.syn_ns = syn_ns
    return Story(flow, facts=facts)


def asker(*lookups: dict[str, Any], client: str = "a", resolver: str = "r") -> Story:
    flow = Flow(1, "udp", Endpoint(client, 2), Endpoint(resolver, 53), "", 1, 9, 100, 9, (1, 1), (9, 9))
    return Story(flow, facts={"lookups": list(lookups)})


def lookup(name: str, *addresses: str, before: int = 1000, took: int = 500) -> dict[str, Any]:
    answered = SYN_NS - before
    return {"name": name, "addresses": list(addresses), "asked_ns": answered - took, "answered_ns": answered}


def phases(story: Story, *others: Story) -> list[tuple[str, int, int]]:
    add_lookups([story, *others])
    return [(phase.name, SYN_NS - phase.start_ns, SYN_NS - phase.end_ns) for phase in story.phases]


def test_the_answer_right_before_the_connection_is_its_phase() -> None:
    story = connection("s")
    assert phases(story, asker(lookup("www", "t", "s"))) == [("dns", 1500, 1000)]
    assert story.facts["name"] == "www"


def test_the_last_answer_counts() -> None:
    old, new = lookup("www", "s", before=2000), lookup("www", "s", before=10)
    assert phases(connection("s"), asker(new), asker(old)) == [("dns", 510, 10)]


def test_what_was_not_waited_for_is_no_phase() -> None:
    assert phases(connection("s"), asker(lookup("www", "t"))) == []
    assert phases(connection("s"), asker(lookup("www", "s", before=-1))) == []
    assert phases(connection("s"), asker(lookup("www", "s", before=WAITED_NS + 1))) == []
    assert phases(connection("s"), asker({**lookup("www", "s"), "asked_ns": None})) == []
    assert phases(connection("s")) == []


def test_another_host_or_another_name_does_not_count() -> None:
    assert phases(connection("s", client="b"), asker(lookup("www", "s"))) == []
    assert phases(connection("s", client="b"), asker(lookup("www", "s"), client="127.0.0.1", resolver="127.0.0.53"))
    assert phases(connection("s", server_name="mail"), asker(lookup("www", "s"))) == []
    assert phases(connection("s", server_name="WWW"), asker(lookup("www.", "s"))) != []
    assert phases(connection("s", host="www:8080"), asker(lookup("www", "s"))) != []


def test_only_connections_that_began_in_the_capture_have_one() -> None:
    story = connection("s")
    story.flow.tcp = None
    assert phases(story, asker(lookup("www", "s"))) == []
