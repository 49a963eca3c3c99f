"""What is concluded of a WebSocket at its end: how it was used, who closed it, what was never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import About, Finding, Outcome, Phase, Place, Side
from analyzer.protocols.websocket.names import ABNORMAL, BAD_CODES, NO_STATUS, TOO_BIG, close_name

if TYPE_CHECKING:
    from analyzer.core import Flow, Outputs, Spot, Value
    from analyzer.protocols.websocket.dissector import WebSocket

NS: Final = 1_000_000_000
#: So long an answer to a ping may take before somebody should worry.
PONG_NS: Final = 5 * NS
#: A silence before the end that is shorter is nobody's time-out.
IDLE_LEAST_NS: Final = 5 * NS
#: Time-outs are set in whole steps of this, and met within a fiftieth.
IDLE_STEP_NS: Final = 5 * NS


def lasting(ns: int) -> str:
    """A duration as people say it."""
    if ns < NS:
        return f"{ns / 1e6:.3g} ms"
    return f"{ns / NS:.3g} s" if ns < 100 * NS else f"{round(ns / NS):,} s"


def mask_text(masked: bool) -> str:
    return f"A frame of the {'server is' if masked else 'client is not'} masked."


def name(room: WebSocket, side: Side) -> str:
    return "client" if side is room.client else "server"


def close_code(room: WebSocket, sender: Side, code: int, reason: str, place: Place) -> Finding | None:
    """A finding on a close that says that something was wrong.  §7.4.1"""
    if code not in BAD_CODES:
        return None
    who, other = name(room, sender), room.halves[sender.other]
    said = f"The {who} closed with {code} {close_name(code)}{f': {reason[:120]!r}' if reason else ''}."
    before = other.last_message
    places = [place] if before is None else [before, place]
    if code == TOO_BIG:
        if other.last_message_bytes:
            said += f" The last message to it had {other.last_message_bytes:,} bytes."
        return Finding("websocket.too-big", said, places)
    return Finding("websocket.close-code", said, places)


# --- at the end -------------------------------------------------------------------------------------------------------


def at_end(room: WebSocket) -> Outputs:
    """Facts and phases; the verdict on a missing close needs the sums of the flow, and comes later."""
    yield About(None, facts(room))
    life = room.life
    begin = life.opened_ns or life.first_ns
    closes = [half.close_place for half in room.halves if half.close_place is not None]
    if not begin:
        return
    if not closes:
        yield Phase("open", begin, max(life.last_ns, begin), Outcome.OPEN if room.exchange else Outcome.PARTIAL)
        return
    times = sorted(place.time_ns for place in closes)
    yield Phase("open", begin, times[0], Outcome.ESTABLISHED if room.exchange else Outcome.PARTIAL)
    yield Phase("close", times[0], times[-1], Outcome.ESTABLISHED, 1 if len(times) > 1 else None)


def facts(room: WebSocket) -> dict[str, Value]:
    """Numbers of the whole session; pairs are by sender, client first."""
    life = room.life
    client = room.client or Side.INITIATOR
    ends = (room.halves[client], room.halves[client.other])
    begin = life.opened_ns or life.first_ns
    lasted_ns = max(life.last_ns - begin, 0) if life.last_ns else 0
    found: dict[str, Value] = {
        "messages": [end.messages for end in ends],
        "message_bytes": [end.bytes for end in ends],
        "frames": [end.frames for end in ends],
        "open_ns": lasted_ns,
        "longest_silence_ns": life.silence_ns,
        "last_frame_ns": life.last_ns,
    }
    if room.application:
        found["application"] = room.application
    if life.trips:
        trips = sorted(life.trips)
        found["ping_round_trip_ns"] = {"least": trips[0], "median": trips[len(trips) // 2], "most": trips[-1]}
    if life.closed_by is not None:
        first = room.halves[life.closed_by]
        found["close_begun_by"] = name(room, life.closed_by)
        found["close_code"] = first.close_code
        found["close_reason"] = first.close_reason
    if not life.last_ns and room.exchange is not None and room.exchange.facts.get("faulty"):
        return found  # it never was one
    found["summary"] = [summary(room, ends[0].messages, ends[1].messages, ends[0].bytes, ends[1].bytes, lasted_ns)]
    return found


def summary(room: WebSocket, asked: int, told: int, asked_bytes: int, told_bytes: int, lasted_ns: int) -> str:
    """One sentence: who said how much in what time, and how it ended."""
    life = room.life
    parts = [f"{count(asked)} from the client ({asked_bytes:,} bytes), {count(told)} from the server ({told_bytes:,})"]
    if not asked and not told:
        parts = ["No message"]
    if lasted_ns:
        parts.append(f"in {lasting(lasted_ns)}")
        rate = (asked + told) * NS / lasted_ns
        if asked + told >= 20:
            parts.append(f"({rate:.3g} a second)" if rate < 1000 else f"({round(rate):,} a second)")
    said = " ".join(parts)
    if life.silence_ns > NS:
        said += f"; longest silence {lasting(life.silence_ns)}"
    if life.trips:
        said += f"; a ping took {sorted(life.trips)[len(life.trips) // 2] / 1e6:.3g} ms"
    closer = life.closed_by
    if closer is not None:
        half, other = room.halves[closer], room.halves[closer.other]
        code = "without a code" if half.close_code is None else f"with {half.close_code}"
        said += f"; closed by the {name(room, closer)} {code}"
        if other.close_place is None:
            said += ", which was not answered"
    return f"{said}."


def count(messages: int) -> str:
    return f"{messages:,} message{'' if messages == 1 else 's'}"


# --- once the flow is over --------------------------------------------------------------------------------------------


def when_over(room: WebSocket, flow: Flow) -> Outputs:
    """How TCP ended, if there was no Close; pings that nobody answered."""
    life, tcp = room.life, flow.tcp
    closed = life.closed_by is not None
    ended = tcp is not None and tcp.end is not None
    if room.exchange is not None and (closed or ended):
        yield About(None, {"close_codes_seen": seen(room, ended)})
    if not closed and tcp is not None and tcp.end is not None and room.exchange is not None:
        idle = flow.last_ns - (life.last_ns or life.opened_ns)
        yield Phase("close", flow.last_ns, flow.last_ns, Outcome.FAILED)
        yield About(None, {"idle_before_end_ns": max(idle, 0)})
        if not room.exchange.facts.get("faulty"):  # else it is clear why the client left
            yield abnormal(room, flow, max(idle, 0))
    end_ns = flow.last_ns if tcp is not None and tcp.end is not None else max(room.end_ns, flow.last_ns)
    for side in (Side.INITIATOR, Side.RESPONDER):
        half = room.halves[side]
        late = [(when, place) for when, place in half.pings.values() if end_ns - when >= PONG_NS]
        if late and half.close_place is None:
            when = late[0][0]
            text = f"{len(late)} ping{'' if len(late) == 1 else 's'} of the {name(room, side)} got no pong; the first "
            text += f"was sent {lasting(end_ns - when)} before the end."
            yield Finding("websocket.ping-unanswered", text, [place for _, place in late[:8]])


def seen(room: WebSocket, ended: bool) -> list[Value]:
    """The close codes that the applications see, the client's first: 1005 and 1006 never stand in a frame.  §7.1.5"""
    client = room.client or Side.INITIATOR
    codes: list[Value] = []
    for side in (client, client.other):
        half = room.halves[side.other]
        if half.close_place is not None:
            codes.append(NO_STATUS if half.close_code is None else half.close_code)
        else:
            codes.append(ABNORMAL if ended else None)
    return codes


def abnormal(room: WebSocket, flow: Flow, idle: int) -> Finding:
    """The connection went without a word.  §7.1.5"""
    tcp = flow.tcp
    history = tcp.history if tcp is not None else ""
    first = next((letter for letter in history if letter in "FfRr"), "")
    side = Side.INITIATOR if first.isupper() else Side.RESPONDER
    how = "a RST" if first in "Rr" else "a FIN"
    who = name(room, side)
    text = f"The {who} ended the connection with {how}, and nobody had sent a Close frame; "
    text += f"the last frame was {lasting(idle)} before."
    cause = ""
    if is_time_out(idle):
        cause = f"After {round(idle / NS)} s of silence, a time-out of a proxy or of the {who} is likely."
    elif first in "Rr":
        cause = f"The process of the {who} crashed or was killed, or a proxy or firewall cut the connection."
    else:
        cause = f"The {who} went away without closing: its process ended, or its code closed the socket below."
    places: list[Spot | Place] = [half.last_message for half in room.halves if half.last_message is not None]
    places = places or ([room.exchange.answered] if room.exchange is not None and room.exchange.answered else [])
    return Finding("websocket.close-abnormal", text, places, cause=cause)


def is_time_out(idle: int) -> bool:
    """Whether a silence was as long as people set time-outs: a multiple of 5 s, or a little more."""
    if idle < IDLE_LEAST_NS:
        return False
    over = idle % IDLE_STEP_NS
    return over <= idle // 50 or IDLE_STEP_NS - over <= idle // 200
