"""The name lookup that a connection waited for: a phase of it, though the query went another way."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.core import Story, Value

#: Who connects later than this after the answer did not wait for it.
WAITED_NS: Final = 1_000_000_000
#: The last answers with its address that are compared with a connection.
COMPARED: Final = 16
#: Facts that say which name a connection was made for.
NAMES: Final = ("server_name", "host")


def add_lookups(stories: Sequence[Story]) -> None:
    """Give each connection whose SYN came right after an answer with its address a phase `dns`.

    Where the name is known on both sides, it has to be the same.  RFC 8305 §3
    """
    answers: dict[str, list[tuple[int, int, dict[str, Value], Story]]] = {}
    for story in stories:
        for lookup in story.facts.get("lookups", ()):
            for address in lookup["addresses"]:
                known = answers.setdefault(address, [])
                known.append((lookup["answered_ns"], len(known), lookup, story))
    for known in answers.values():
        known.sort()
    for story in stories if answers else ():
        flow = story.flow
        if flow.tcp is None or flow.tcp.syn_ns is None or flow.responder.address not in answers:
            continue
        known = answers[flow.responder.address]
        end = bisect_right(known, flow.tcp.syn_ns, key=itemgetter(0))
        begin = bisect_left(known, flow.tcp.syn_ns - WAITED_NS, key=itemgetter(0))
        for _, _, lookup, asker in reversed(known[max(begin, end - COMPARED) : end]):
            if led_to(lookup, asker, story):
                story.facts.setdefault("name", lookup["name"])
                story.phases.append(Phase("dns", lookup["asked_ns"], lookup["answered_ns"], Outcome.ESTABLISHED, 1))
                break


def led_to(lookup: dict[str, Value], asker: Story, story: Story) -> bool:
    """Whether this answer went to the same host, and was of the name that the connection is for."""
    if lookup["asked_ns"] is None:
        return False
    if asker.flow.initiator.address != story.flow.initiator.address and not is_local(asker):
        return False
    name = next((story.facts[fact] for fact in NAMES if story.facts.get(fact)), None)
    return name is None or plain(str(name)) == plain(lookup["name"])


def is_local(asker: Story) -> bool:
    """Whether the resolver is on the host that asks (systemd-resolved listens on 127.0.0.53)."""
    return asker.flow.responder.address.startswith("127.") or asker.flow.responder.address == "::1"


def plain(name: str) -> str:
    """Without the port, the final dot, and differences of case."""
    return name.partition(":")[0].rstrip(".").lower()
