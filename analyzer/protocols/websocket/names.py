"""Numbers of WebSocket and what they are called (RFC 6455 §11, and IANA's WebSocket registries)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

#: §11.8.
OPCODES: Final[dict[int, str]] = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
}

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
TOO_BIG: Final = 1009
NO_STATUS: Final = 1005
ABNORMAL: Final = 1006
TLS_FAILED: Final = 1015

#: §7.4.1 and the registry: name, and what it says.
CLOSE_CODES: Final[dict[int, tuple[str, str]]] = {
    1000: ("Normal Closure", "The purpose of the connection is fulfilled."),
    1001: ("Going Away", "The server goes down, or the browser leaves the page."),
    1002: ("Protocol error", "The peer broke the protocol: bad masking, reserved bits, a wrong order of frames."),
    1003: ("Unsupported Data", "The end takes no data of this type (binary where it wants text, say)."),
    1004: ("Reserved", "It has no meaning yet."),
    1005: ("No Status Received", "The Close frame had no code. It never stands in a frame itself."),
    1006: ("Abnormal Closure", "The connection ended without a Close frame. It never stands in a frame itself."),
    1007: ("Invalid frame payload data", "A text message was not UTF-8, or the data did not fit its type."),
    1008: ("Policy Violation", "A message broke a rule of the application: not logged in, say, or not allowed."),
    1009: ("Message Too Big", "The message is larger than the end takes: its limit has to be raised, or messages cut."),
    1010: ("Mandatory Extension", "The client wanted an extension that the server did not agree to."),
    1011: ("Internal Error", "The server met a condition that it could not handle: look at its log."),
    1012: ("Service Restart", "The server restarts; a client may come back after a random time."),
    1013: ("Try Again Later", "The server is overloaded."),
    1014: ("Bad Gateway", "A gateway got no valid answer from the server behind it."),
    1015: ("TLS handshake", "The TLS handshake failed. It never stands in a frame itself."),
}
#: Those that say that something went wrong.
BAD_CODES: Final = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 1011, 1014})


def close_name(code: int) -> str:
    """What a close code is called; §7.4.2 for the ranges."""
    if code in CLOSE_CODES:
        return CLOSE_CODES[code][0]
    if 3000 <= code <= 3999:
        return "registered by a library or framework"
    if 4000 <= code <= 4999:
        return "the application's own"
    return "not assigned" if 1000 <= code <= 2999 else "not valid"


def is_legal(code: int) -> bool:
    """Whether a Close frame may carry it.  §7.4.1, §7.4.2"""
    return 1000 <= code <= 4999 and code not in (1004, NO_STATUS, ABNORMAL, TLS_FAILED)


WORDS: Final[dict[str, Word]] = {
    **{str(code): Word(f"close {code} {name}", said, "§7.4.1") for code, (name, said) in CLOSE_CODES.items()},
    "opcode 0": Word("continuation frame", "Goes on with the message that a text or binary frame began.", "§5.4"),
    "opcode 1": Word("text frame", "Begins a message of UTF-8 text.", "§5.6"),
    "opcode 2": Word("binary frame", "Begins a message whose bytes mean what the application says.", "§5.6"),
    "opcode 8": Word(
        "close frame", "Begins or answers the closing handshake; a code and a reason may be in it.", "§5.5.1"
    ),
    "opcode 9": Word(
        "ping frame", "Asks for a pong: keeps the connection alive, and shows that the peer is.", "§5.5.2"
    ),
    "opcode 10": Word(
        "pong frame", "Answers a ping with the same bytes; unasked, it is a one-way heartbeat.", "§5.5.3"
    ),
    "permessage-deflate": Word(
        "permessage-deflate",
        "An extension that compresses each message with DEFLATE; RSV1 on a message's first frame says that it is "
        "compressed. Unless no_context_takeover is agreed on, each message builds on those before it, so that one "
        "which is lost costs all that follow.",
        "RFC 7692 7",
    ),
    "server_no_context_takeover": Word(
        "server_no_context_takeover", "The server compresses each message by itself.", "RFC 7692 7.1.1.1"
    ),
    "client_no_context_takeover": Word(
        "client_no_context_takeover", "The client compresses each message by itself.", "RFC 7692 7.1.1.2"
    ),
    "server_max_window_bits": Word(
        "server_max_window_bits", "How far back (2 to this power) the server's compression looks.", "RFC 7692 7.1.2.1"
    ),
    "client_max_window_bits": Word(
        "client_max_window_bits",
        "How far back (2 to this power) the client's compression looks; without a value, the server may choose.",
        "RFC 7692 7.1.2.2",
    ),
    "Sec-WebSocket-Key": Word(
        "Sec-WebSocket-Key",
        "16 random bytes of the client in base64; Sec-WebSocket-Accept answers them and proves that the server "
        "understood the request. It is no secret.",
        "§4.1",
    ),
    "Sec-WebSocket-Accept": Word("Sec-WebSocket-Accept", "The SHA-1 of the key and a fixed GUID, in base64.", "§4.2.2"),
    "masking": Word(
        "masking",
        "Every frame of a client is combined with four random bytes, so that no page can make a proxy see a request in "
        "it. A server never masks.",
        "§5.3",
    ),
}
