"""A few words on messages of subprotocols that many use: what kind of message it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Exchange

    #: Says what a message is, from its beginning; "" where that is not known.
    Describe = Callable[[bytes], str]

#: JSON further in than this is not searched.
HEAD_BYTES: Final = 512
#: Type of a packet, MQTT 5.0 §2.1.2 (3.1.1 has the same but AUTH).
MQTT: Final = (
    *("", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK"),
    *("UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"),
)
#: First number of a message, WAMP §6.5.
WAMP: Final = {
    1: "HELLO",
    2: "WELCOME",
    3: "ABORT",
    4: "CHALLENGE",
    5: "AUTHENTICATE",
    6: "GOODBYE",
    8: "ERROR",
    16: "PUBLISH",
    17: "PUBLISHED",
    32: "SUBSCRIBE",
    33: "SUBSCRIBED",
    34: "UNSUBSCRIBE",
    35: "UNSUBSCRIBED",
    36: "EVENT",
    48: "CALL",
    50: "RESULT",
    64: "REGISTER",
    65: "REGISTERED",
    68: "INVOCATION",
    70: "YIELD",
}
#: Engine.IO 4: packet types; Socket.IO 5: packet types inside an Engine.IO message.
ENGINE: Final = ("open", "close", "ping", "pong", "message", "upgrade", "noop")
SOCKET: Final = ("connect", "disconnect", "event", "ack", "connect error", "binary event", "binary ack")
#: SignalR's JSON protocol: `type`.
SIGNALR: Final = ("", "invocation", "stream item", "completion", "stream invocation", "cancel", "ping", "close")

_TYPE: Final = re.compile(rb'"type"\s*:\s*"([a-z_]{1,40})"')
_NUMBER: Final = re.compile(rb'"type"\s*:\s*([0-9])')
_MSG_TYPE: Final = re.compile(rb'"msg_type"\s*:\s*"([a-z_]{1,40})"')
_FIRST: Final = re.compile(rb"\s*\[\s*([0-9]{1,3})\s*[,\]]")
_COMMAND: Final = re.compile(rb"([A-Z]{3,12})\r?\n")
_EVENT: Final = re.compile(rb'\["([^"\\]{1,60})"')


def describer(exchange: Exchange | None) -> tuple[str, Describe] | None:
    """The subprotocol that the handshake shows, and what describes its messages; None where it is none of these."""
    if exchange is None:
        return None
    chosen = exchange.response.get("sec-websocket-protocol", "").strip().lower()
    target = exchange.target
    if chosen in ("graphql-transport-ws", "graphql-ws"):
        return chosen, graphql
    if chosen.startswith("mqtt"):
        return "MQTT", mqtt
    if chosen.startswith("wamp.") and "json" in chosen:
        return "WAMP", wamp
    if chosen.endswith("stomp"):
        return "STOMP", stomp
    if "EIO=" in target:
        return "Socket.IO" if "/socket.io" in target else "Engine.IO", engine
    if "/api/kernels/" in target:
        return "Jupyter", jupyter
    if "/negotiate" in target or ("id=" in target and "hub" in target.lower()):
        return "SignalR", signalr
    return None


def _found(pattern: re.Pattern[bytes], data: bytes) -> str:
    match = pattern.search(data, 0, HEAD_BYTES)
    return match[1].decode("utf-8", "backslashreplace") if match else ""


def graphql(data: bytes) -> str:
    return _found(_TYPE, data)


def mqtt(data: bytes) -> str:
    return MQTT[data[0] >> 4] if data else ""


def wamp(data: bytes) -> str:
    match = _FIRST.match(data)
    return WAMP.get(int(match[1]), "") if match else ""


def stomp(data: bytes) -> str:
    match = _COMMAND.match(data)
    return match[1].decode("ascii") if match else "heartbeat" if data in (b"\n", b"\r\n") else ""


def engine(data: bytes) -> str:
    kind = data[0] - 48 if data else -1
    if not 0 <= kind < len(ENGINE):
        return ""
    inner = data[1] - 48 if kind == 4 and len(data) > 1 else -1
    if not 0 <= inner < len(SOCKET):
        return ENGINE[kind]
    event = _found(_EVENT, data[2:HEAD_BYTES])
    return f"{SOCKET[inner]} {event}".rstrip()


def jupyter(data: bytes) -> str:
    return _found(_MSG_TYPE, data)


def signalr(data: bytes) -> str:
    number = _found(_NUMBER, data)
    return SIGNALR[int(number)] if number and int(number) < len(SIGNALR) else ""
