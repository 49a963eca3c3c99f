"""What is concluded of an association: why it ended, what was never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import About, Finding, Outcome, Phase, Side
from analyzer.protocols.sctp.names import CAUSES, USER_ABORT

if TYPE_CHECKING:
    from analyzer.core import Flow, Note, Output, Outputs, Piece, Value
    from analyzer.protocols.sctp.dissector import Sctp

NS: Final = 1_000_000_000
#: An INIT that stays without an answer for so long was sent again at least once (RTO.Initial, §16).
PATIENCE_NS: Final = NS
#: Association.Max.Retrans is 10, Path.Max.Retrans 5 (§16).
MANY_TIMES: Final = 5
#: The T bit of an ABORT: its sender has no association for what it answers (§8.4, §3.3.7).
REFLECTED: Final = 1
STREAM, STALE_COOKIE, UNRECOGNIZED_CHUNK = 1, 3, 6
#: Errors that have a finding of their own.
OWN: Final = {
    STREAM: "sctp.stream-out-of-range",
    STALE_COOKIE: "sctp.stale-cookie",
    UNRECOGNIZED_CHUNK: "sctp.unsupported-chunk",
}


def codes(note: Note) -> list[int]:
    return [cause["code"]["value"] for cause in note.fields["causes"]]


def who(sender: Side, room: Sctp) -> str:
    """What the sender is called: by its address, since neither is a server."""
    flow = room.flow
    if flow is None:
        return "One side"
    return str(flow.initiator if sender is Side.INITIATOR else flow.responder)


def abort(room: Sctp, sender: Side, note: Note, out: list[Output]) -> None:
    """§9.1: an ABORT with the cause of the application is an ordinary end in WebRTC."""
    found = codes(note)
    stranger = bool(note.fields["flags"] & REFLECTED)
    said = f"{note.text}, in answer to a packet of an association that it does not know" if stranger else note.text
    known = next((OWN[code] for code in found if code in OWN), None)
    if known is not None:
        code = known
    elif USER_ABORT in found or (not found and not stranger and (room.established or room.asked is None)):
        code = "sctp.user-abort"  # a cause may be left out; where no INIT was seen, the association stood before
    else:
        code = "sctp.abort"
    text = f"{who(sender, room)} aborted the association in frame {note.frames[-1]}: {said}."
    if code in room.told:
        return
    room.told.add(code)
    meaning = " ".join(CAUSES[one][1] for one in found if one in CAUSES)
    out.append(Finding(code, text, note.at, cause=meaning if code == "sctp.abort" else ""))


def error(room: Sctp, sender: Side, note: Note, out: list[Output]) -> None:
    """§3.3.10: problems that don't end the association."""
    for number in codes(note):
        code = OWN.get(number)
        if code is not None and code not in room.told:
            room.told.add(code)
            text = f"{who(sender, room)} reports in frame {note.frames[-1]}: {CAUSES[number][0]}."
            out.append(Finding(code, text, note.at))


def at_end(room: Sctp, last: Piece) -> Outputs:
    """Facts, and the phase of a handshake that did not come to its end."""
    halves = room.halves
    facts: dict[str, Value] = {
        "sctp_messages": [half.messages for half in halves],
        "sctp_bytes": [half.bytes for half in halves],
    }
    if room.ports is not None:
        facts["sctp_ports"] = list(room.ports)
    if any(room.offered_streams):
        facts["sctp_streams"] = list(room.offered_streams)
    if all(half.init is not None for half in halves):
        facts["sctp_init_collision"] = True
    if room.asked is None and any(half.messages for half in halves):
        facts["sctp_without_handshake"] = True
    dropped = sum(half.parts.dropped for half in halves)
    if dropped:
        facts["sctp_parts_given_up"] = dropped
    yield About(None, facts)
    if room.asked is not None and not room.established:
        answered = any(half.tag is not None and half.init is None for half in halves)
        outcome = Outcome.FAILED if room.aborted else Outcome.OPEN if answered else Outcome.UNANSWERED
        yield Phase("sctp", room.asked.time_ns, max(last.time_ns, room.asked.time_ns), outcome)


def when_over(room: Sctp, flow: Flow) -> Outputs:
    """What was sent again and again."""
    end_ns = max(room.end_ns, flow.last_ns)
    asked = room.asked
    silent = asked is not None and not room.established and not room.aborted
    if silent and asked is not None and all(half.tag is None or half.init is not None for half in room.halves):
        inits = sum(half.inits for half in room.halves)
        waited = end_ns - asked.time_ns
        if waited >= PATIENCE_NS and sum(half.init is not None for half in room.halves) == 1:
            text = f"INIT was sent {inits} time{'' if inits == 1 else 's'} in {waited / NS:.3g} s, and never answered."
            yield Finding("sctp.init-unanswered", text, asked)
    worst = max((one for one in room.worst if one is not None), key=lambda one: one[0], default=None)
    if worst is not None and worst[0] > MANY_TIMES:
        times, tsn, place = worst
        text = f"The chunk with TSN {tsn} was sent {times} times, the last time in frame {place.frames[-1]}."
        yield Finding("sctp.peer-failed", text, place)
