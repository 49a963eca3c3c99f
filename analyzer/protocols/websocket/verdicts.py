"""What is concluded of a WebSocket at its end: how it was used, who closed it, what was never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import About, Finding, Outcome, Phase, Place, Side
from analyzer.protocols.websocket.names import ABNORMAL, BAD_CODES, CLOSE_CODES, NO_STATUS, TOO_BIG, close_name

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


#: What is told of each of several WebSockets on one connection.
ROW: Final = ("messages", "message_bytes", "open_ns", "close_begun_by", "close_code", "close_reason")


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
    cause = CLOSE_CODES[code][1]
    if not reason:
        cause += " No reason was given with it."
    return Finding("websocket.close-code", said, places, cause=cause)


# --- at the end -------------------------------------------------------------------------------------------------------


def at_end(room: WebSocket, now: int) -> Outputs:
    """Facts and phases; the verdict on a missing close comes later, with the sums of TCP, unless a stream ended."""
    told = facts(room)
    exchange = room.exchange
    if exchange is not None and exchange.method == "CONNECT" and "summary" in told:
        # There may be several on one connection: the facts are those of the last, the rows of all.
        told["websockets"] = [{"target": exchange.target, **{name: told[name] for name in ROW if name in told}}]
        told["summary"] = [f"{exchange.target[:80]}: {sentence}" for sentence in told["summary"]]
    yield About(None, told)
    life = room.life
    begin = life.opened_ns or life.first_ns
    if begin:
        closes = sorted(half.close_place.time_ns for half in room.halves if half.close_place is not None)
        known = Outcome.PARTIAL if exchange is None else Outcome.ESTABLISHED
        if closes:
            yield Phase("open", begin, closes[0], known)
            yield Phase("close", closes[0], closes[-1], Outcome.ESTABLISHED, 1 if len(closes) > 1 else None)
        else:
            still = Outcome.OPEN if exchange is not None and not exchange.ended else known
            yield Phase("open", begin, max(life.last_ns, begin), still)
    if exchange is not None and exchange.ended:
        yield About(None, {"close_codes_seen": seen(room, ended=True)})
        if life.closed_by is None:
            yield from abnormal(room, exchange.ended, now)


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
    if asked or told:
        parts = [f"{sent(asked, asked_bytes, 'client')}, {sent(told, told_bytes, 'server')}"]
    else:
        parts = ["no message"]
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
        elif other.close_code != half.close_code:
            mine, yours = (str(code) for code in seen(room, ended=True)[:: 1 if closer is room.client else -1])
            said += f": it sees {mine}, the {name(room, closer.other)} {yours}"
    return f"{said[0].upper()}{said[1:]}."


def sent(messages: int, size: int, who: str) -> str:
    if not messages:
        return f"no message from the {who}"
    return f"{count(messages)} from the {who} ({size:,} byte{'' if size == 1 else 's'})"


def count(messages: int) -> str:
    return f"{messages:,} message{'' if messages == 1 else 's'}"


# --- once the flow is over --------------------------------------------------------------------------------------------


def when_over(room: WebSocket, flow: Flow) -> Outputs:
    """How TCP ended, if there was no Close; pings that nobody answered."""
    tcp, exchange = flow.tcp, room.exchange
    over = tcp is not None and tcp.end is not None
    if exchange is not None and not exchange.ended:
        closed = room.life.closed_by is not None
        if closed or over:
            yield About(None, {"close_codes_seen": seen(room, over)})
        if not closed and tcp is not None and over:
            first = next((letter for letter in tcp.history if letter in "FfRr"), "")
            who = name(room, Side.INITIATOR if first.isupper() else Side.RESPONDER)
            how = "a RST" if first in "Rr" else "a FIN"
            yield from abnormal(room, f"the {who} ended the connection with {how}", flow.last_ns)
    end_ns = flow.last_ns if over else max(room.end_ns, flow.last_ns)
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


def abnormal(room: WebSocket, how: str, end_ns: int) -> Outputs:
    """The connection went without a word; `how` says who ended it.  §7.1.5"""
    life, exchange = room.life, room.exchange
    idle = max(end_ns - (life.last_ns or life.opened_ns), 0)
    yield Phase("close", end_ns, end_ns, Outcome.FAILED)
    yield About(None, {"idle_before_end_ns": idle})
    if exchange is not None and exchange.facts.get("faulty"):
        return  # it is clear why the client left
    who = how.split()[1]
    text = f"{how[0].upper()}{how[1:]}, and nobody had sent a Close frame; the last frame was {lasting(idle)} before."
    if is_time_out(idle):
        cause = f"After {round(idle / NS):,} s of silence, a time-out of a proxy or of the {who} is likely."
    elif exchange is not None and exchange.ended:
        cause = f"The {who} dropped this stream and kept the connection: a page was left, or a proxy gave up its peer."
    elif how.endswith("RST"):
        cause = f"The process of the {who} crashed or was killed, or a proxy or firewall cut the connection."
    else:
        cause = f"The {who} went away without closing: its process ended, or its code closed the socket below."
    places: list[Spot | Place] = [half.last_message for half in room.halves if half.last_message is not None]
    places = places or ([exchange.answered] if exchange is not None and exchange.answered else [])
    yield Finding("websocket.close-abnormal", text, places, cause=cause)


def is_time_out(idle: int) -> bool:
    """Whether a silence was as long as people set time-outs: a multiple of 5 s, or a little more."""
    if idle < IDLE_LEAST_NS:
        return False
    over = idle % IDLE_STEP_NS
    return over <= idle // 50 or IDLE_STEP_NS - over <= idle // 200
