"""Numbers of WebSocket and what they are called (RFC 6455 §11, and IANA's WebSocket registries)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3

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
    1002: ("Protocol error", "The other side broke the protocol: masks, reserved bits, opcodes, order of frames."),
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


#: Opcodes that have no meaning yet.
RESERVED: Final = (*range(3, 8), *range(11, 16))

WORDS: Final[dict[str, Word]] = {
    **{str(code): Word(f"close code {code} {name}", said, "§7.4.1") for code, (name, said) in CLOSE_CODES.items()},
    "1005": Word(
        "close code 1005 No Status Received",
        "What an application is told when the Close frame had no code: in order, and what `close()` without arguments "
        "gives the other side. It never stands in a frame itself.",
        "§7.4.1",
    ),
    "1006": Word(
        "close code 1006 Abnormal Closure",
        "What an application is told when the connection ended without a Close frame, or when the handshake failed: a "
        "crash, a killed process, a proxy's time-out, a network that went away, a refused upgrade. It never stands in "
        "a frame: look which side ended TCP, how (FIN or RST), and after how long a silence.",
        "§7.1.5, 7.4.1",
    ),
    "3000-3999": Word(
        "close codes 3000 to 3999", "Registered with IANA by libraries and frameworks; 3000 is Unauthorized.", "§7.4.2"
    ),
    "4000-4999": Word(
        "close codes 4000 to 4999", "The application's own: only its documentation says what they mean.", "§7.4.2"
    ),
    "opcode 0": Word("continuation frame", "Goes on with the message that a text or binary frame began.", "§5.4"),
    "opcode 1": Word("text frame", "Begins a message of UTF-8 text.", "§5.6"),
    "opcode 2": Word("binary frame", "Begins a message whose bytes mean what the application says.", "§5.6"),
    "opcode 8": Word(
        "close frame",
        "Begins or answers the closing handshake; a code and a reason may be in it. Its sender sends nothing after it.",
        "§5.5.1",
    ),
    "opcode 9": Word(
        "ping frame",
        "Asks for a pong: keeps the connection alive, and shows that the peer is. Libraries answer it by themselves; "
        "pages in browsers can neither send nor see one.",
        "§5.5.2",
    ),
    "opcode 10": Word(
        "pong frame", "Answers a ping with the same bytes; unasked, it is a one-way heartbeat.", "§5.5.3"
    ),
    **{
        f"opcode {number}": Word(
            "reserved opcode",
            f"Reserved for further {'data' if number < 8 else 'control'} frames: who gets one closes with 1002.",
            "§5.2",
        )
        for number in RESERVED
    },
    "control frame": Word(
        "control frame",
        "Close, ping and pong: at most 125 bytes, never in pieces, and allowed between the pieces of a message.",
        "§5.5",
    ),
    "FIN": Word(
        "FIN bit of a WebSocket frame",
        "Set on the last frame of a message; one that has it at once is the whole message.",
        "§5.2",
    ),
    "RSV1": Word(
        "RSV1 bit",
        "Reserved for extensions. With permessage-deflate, set on a message's first frame: the message is compressed. "
        "RSV2 and RSV3 have no use yet; without an agreed extension none of the three may be set.",
        "§5.2; RFC 7692 6",
    ),
    "fragmentation": Word(
        "fragmentation of messages",
        "A message in several frames: text or binary without FIN, continuations, the last with FIN. Each message has "
        "to end before the next one begins.",
        "§5.4",
    ),
    "websocket handshake": Word(
        "opening handshake of a WebSocket",
        "GET with Upgrade: websocket, Connection: Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version: 13; then 101 "
        "with the Sec-WebSocket-Accept that fits. Over HTTP/2 an extended CONNECT, and 200.",
        "§1.3, 4",
    ),
    "closing handshake": Word(
        "closing handshake of a WebSocket",
        "Each side sends one Close frame; then the server ends TCP. The code that an application sees is the one that "
        "the other side sent, 1005 if it sent none, 1006 if no Close frame came.",
        "§1.4, 7",
    ),
    "WebSocket": Word(
        "messages both ways",
        "Opened by an upgrade of HTTP/1.1 (or extended CONNECT of HTTP/2), then frames in both directions until both "
        "sides have sent a Close. See: websocket handshake, closing handshake, opcode 9, 1006, masking.",
        "§1",
    ),
    "ws": Word("ws:// address", "A WebSocket without TLS, port 80 unless said otherwise. Proxies see it.", "§3"),
    "wss": Word(
        "wss:// address", "A WebSocket inside TLS, port 443 unless said otherwise. Proxies pass it on unseen.", "§3"
    ),
    "permessage-deflate": Word(
        "permessage-deflate",
        "An extension that compresses each message with DEFLATE; RSV1 on a message's first frame says that it is "
        "compressed. Unless no_context_takeover is agreed on, each message builds on those before it, so that one "
        "which is lost costs those that refer to it.",
        "RFC 7692 7",
    ),
    "context takeover": Word(
        "context takeover",
        "Each compressed message may refer to those before it. Where one side resets its context and the other does "
        "not, inflating fails: server_no_context_takeover and client_no_context_takeover settle who does what.",
        "RFC 7692 7.1.1",
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
    "Sec-WebSocket-Accept": Word(
        "Sec-WebSocket-Accept",
        f"base64(SHA-1(Sec-WebSocket-Key + {GUID})): it shows that the server understood the request and the answer is "
        "no cached one. Another value, and the client drops the connection.",
        "§4.2.2",
    ),
    "Sec-WebSocket-Version": Word(
        "Sec-WebSocket-Version", "13, always. A server of other versions answers 426 and names them.", "§4.1, 4.4"
    ),
    "Sec-WebSocket-Protocol": Word(
        "Sec-WebSocket-Protocol",
        "Subprotocols: the client lists those that it speaks, the server picks one of them or none. Browsers drop the "
        "connection if it picks another, or none though some were listed.",
        "§4.1, 11.3.4",
    ),
    "Sec-WebSocket-Extensions": Word(
        "Sec-WebSocket-Extensions",
        "Extensions that the client offers, with parameters; the server takes some of them (permessage-deflate is the "
        "only one in use).",
        "§9.1",
    ),
    "Origin": Word(
        "Origin field",
        "The page that opens the WebSocket. The same-origin policy does not apply to WebSockets: the server has to "
        "check it, and refuses others by 403.",
        "§4.1, 10.2",
    ),
    "masking": Word(
        "masking",
        "Every frame of a client is combined with four random bytes, its masking key, so that no page can make a "
        "proxy see a request in it. A server never masks.",
        "§5.3",
    ),
    **{
        name: Word(f"subprotocol {name}", said, spec)
        for name, said, spec in (
            (
                "graphql-transport-ws",
                "GraphQL: connection_init, connection_ack, subscribe, next, complete.",
                "graphql-ws PROTOCOL.md",
            ),
            (
                "graphql-ws",
                "GraphQL, the older form: connection_init, start, data, stop.",
                "subscriptions-transport-ws PROTOCOL.md",
            ),
            ("mqtt over websocket", "MQTT packets in binary messages; a packet may span messages.", "MQTT 5.0 6"),
            (
                "wamp.2.json",
                "WAMP: lists whose first number says what the message is (1 HELLO, 48 CALL, 36 EVENT).",
                "WAMP 6.5",
            ),
            ("stomp", "STOMP: frames of text, a command (CONNECT, SEND, MESSAGE) on the first line.", "STOMP 1.2"),
            (
                "socket.io",
                "Inside Engine.IO (EIO= in the path): 40 connect, 41 disconnect, 42 event, 43 ack.",
                "Socket.IO protocol 5",
            ),
            (
                "engine.io",
                "One digit before each message: 0 open, 2 ping, 3 pong, 4 message; 5 upgrade after polling.",
                "Engine.IO protocol 4",
            ),
            (
                "signalr",
                "JSON that ends in 0x1E: a handshake first, then 1 invocation, 3 completion, 6 ping, 7 close.",
                "SignalR HubProtocol",
            ),
            ("jupyter", "Messages of a kernel, each with a msg_type; /api/kernels/ID/channels.", "Jupyter messaging 5"),
        )
    },
}
