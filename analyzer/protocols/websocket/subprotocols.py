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
MAX_TOPIC: Final = 60
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

RECORD_SEPARATOR: Final = b"\x1e"

_SIGNALR: Final = re.compile(rb'\{\s*"protocol"\s*:\s*"[a-z]+"\s*,\s*"version"\s*:')
_TYPE: Final = re.compile(rb'"type"\s*:\s*"([a-z_]{1,40})"')
_NUMBER: Final = re.compile(rb'"type"\s*:\s*([0-9])')
_TARGET: Final = re.compile(rb'"target"\s*:\s*"([^"\\]{1,60})"')
_MSG_TYPE: Final = re.compile(rb'"msg_type"\s*:\s*"([a-z_]{1,40})"')
_FIRST: Final = re.compile(rb"\s*\[\s*([0-9]{1,3})\s*[,\]]")
_PACKED: Final = re.compile(rb"[\x90-\x9f]([\x00-\x7f])|\xdc..([\x00-\x7f])", re.DOTALL)
_COMMAND: Final = re.compile(rb"([A-Z]{3,12})\r?\n")
_EVENT: Final = re.compile(rb'\["([^"\\]{1,60})"')


def describer(exchange: Exchange | None) -> tuple[str, Describe] | None:
    """The subprotocol that the handshake shows, and what describes its messages; None where it is none of these."""
    if exchange is None:
        return None
    chosen = exchange.response.get("sec-websocket-protocol", "").strip().lower()
    path, _, query = exchange.target.partition("?")
    known = CHOSEN.get(chosen)
    if known is not None:
        return known
    if chosen.startswith("mqtt"):
        return "MQTT", mqtt
    if chosen.startswith("wamp."):
        return "WAMP", wamp
    if chosen.endswith("stomp"):
        return "STOMP", stomp
    if "EIO=" in query:
        return "Socket.IO" if "/socket.io" in path else "Engine.IO", engine
    if "/api/kernels/" in path:
        return "Jupyter", jupyter
    return None


def by_first_message(data: bytes) -> tuple[str, Describe] | None:
    """The same by the first message, where only that shows it: SignalR begins with a handshake of its own."""
    if len(data) < HEAD_BYTES and data.endswith(RECORD_SEPARATOR) and _SIGNALR.match(data):
        return "SignalR", signalr
    return None


def _found(pattern: re.Pattern[bytes], data: bytes) -> str:
    match = pattern.search(data, 0, HEAD_BYTES)
    return match[1].decode("utf-8", "backslashreplace") if match else ""


def graphql(data: bytes) -> str:
    return _found(_TYPE, data)


def mqtt(data: bytes) -> str:
    kind = MQTT[data[0] >> 4] if data else ""
    if kind != "PUBLISH":
        return kind
    at = 1
    for _ in range(4):  # the remaining length, 7 bits a byte: §2.1.4
        at += 1
        if data[at - 1 : at] < b"\x80":
            break
    size = int.from_bytes(data[at : at + 2], "big")
    topic = data[at + 2 : at + 2 + min(size, MAX_TOPIC)].decode("utf-8", "backslashreplace")
    return f"{kind} {topic}".rstrip()


def wamp(data: bytes) -> str:
    """A message is a list, in JSON or MessagePack, whose first number says what it is."""
    match = _FIRST.match(data)
    if match:
        return WAMP.get(int(match[1]), "")
    match = _PACKED.match(data)
    return WAMP.get((match[1] or match[2])[0], "") if match else ""


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
    """Messages are JSON, or (v1.kernel.websocket.jupyter.org) parts with offsets before them, the header among them."""
    return _found(_MSG_TYPE, data)


def signalr(data: bytes) -> str:
    if _SIGNALR.match(data):
        return "handshake"
    if data == b"{}" + RECORD_SEPARATOR:
        return "handshake response"
    number = _found(_NUMBER, data)
    if not number or int(number) >= len(SIGNALR):
        return ""
    target = _found(_TARGET, data)
    return f"{SIGNALR[int(number)]} {target}".rstrip()


#: Subprotocols by the name that is agreed on.
CHOSEN: Final[dict[str, tuple[str, Describe]]] = {
    "graphql-transport-ws": ("GraphQL (graphql-transport-ws)", graphql),
    "graphql-ws": ("GraphQL (graphql-ws)", graphql),
    "v1.kernel.websocket.jupyter.org": ("Jupyter", jupyter),
}
