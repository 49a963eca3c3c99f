"""What the report has of notes, flows and sessions, as arguments for its types: made for each of perhaps a million.

Compiled this takes a third of the time, and the types themselves can't be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzer import core

SIDES: Final = ("initiator", "responder")


def notes(found: Sequence[core.Note], make: Callable[..., Any]) -> list[Any]:
    """What `make` makes of each note."""
    return [note(one, make) for one in found]


def note(found: core.Note, make: Callable[..., Any]) -> Any:
    spans, time_ns = found.at
    sender = found.sender
    return make(
        found.kind,
        time_ns,
        (spans[0][0],) if len(spans) == 1 else tuple(sorted({span[0] for span in spans})),
        spans,
        found.flow,
        None if sender is None else SIDES[sender],
        found.path,
        found.text,
        found.fields,
        found.verdict,
        found.spec,
        found.remark or UNSET,
    )


def flow(found: core.Flow, make: Callable[..., Any], make_tcp: Callable[..., Any], make_end: Callable[..., Any]) -> Any:
    tcp = found.tcp
    address, port = found.initiator
    other_address, other_port = found.responder
    return make(
        found.id,
        found.transport,
        make_end(address, port),
        make_end(other_address, other_port),
        found.community_id,
        found.first_frame,
        found.last_frame,
        found.first_ns,
        found.last_ns,
        found.packets,
        found.bytes,
        None
        if tcp is None
        else make_tcp(
            tcp.syn,
            tcp.syn_ack,
            tcp.ack,
            tcp.syn_retransmits,
            tcp.syn_ack_retransmits,
            tcp.initial_rtt_ns,
            tcp.end if tcp.end in ("fin", "rst") else None,
            tcp.retransmits,
            tcp.out_of_order,
            tcp.duplicates,
            tcp.lost_bytes,
            tcp.payload_bytes,
            tcp.history,
        ),
    )


def head(found: core.Session, title: str, make: Callable[..., Any], make_phase: Callable[..., Any]) -> Any:
    return make(
        found.id,
        found.kind,
        title,
        found.outcome.value,
        found.flows,
        found.start_ns,
        found.end_ns,
        [
            make_phase(phase.name, phase.start_ns, phase.end_ns, phase.round_trips, phase.outcome.value)
            for phase in found.phases
        ],
        found.facts,
    )
