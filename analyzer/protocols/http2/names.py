"""Numbers of HTTP/2 and what they are called (RFC 9113 §6, §7, §11; RFC 8441 §3)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

FRAMES: Final[dict[int, tuple[str, str, str]]] = {
    DATA: ("DATA", "Bytes of a body; they count against the receiver's windows.", "§6.1"),
    HEADERS: ("HEADERS", "Opens a stream, or answers on one: fields compressed by HPACK.", "§6.2"),
    PRIORITY: ("PRIORITY", "A priority in the way of RFC 7540, which is deprecated.", "§6.3"),
    RST_STREAM: ("RST_STREAM", "Ends one stream at once, with a code; the connection goes on.", "§6.4"),
    SETTINGS: ("SETTINGS", "How the sender wants to be spoken to; the other side acknowledges.", "§6.5"),
    PUSH_PROMISE: ("PUSH_PROMISE", "A response to come that nobody asked for; browsers no longer take it.", "§6.6"),
    PING: ("PING", "Measures a round trip, and shows that the other side is there.", "§6.7"),
    GOAWAY: ("GOAWAY", "No new streams: the connection is about to end; the code says why.", "§6.8"),
    WINDOW_UPDATE: ("WINDOW_UPDATE", "The receiver takes so many bytes more.", "§6.9"),
    CONTINUATION: ("CONTINUATION", "Goes on with the fields of a HEADERS frame.", "§6.10"),
    10: ("ALTSVC", "The same origin is to be had elsewhere, by another protocol.", "RFC 7838 4"),
    12: ("ORIGIN", "For which origins this connection may be used too.", "RFC 8336 2"),
    16: ("PRIORITY_UPDATE", "Another priority for a stream.", "RFC 9218 7.1"),
}
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
ENABLE_CONNECT_PROTOCOL: Final = 8
SETTING_NAMES: Final[dict[int, tuple[str, str, str]]] = {
    1: ("header_table_size", "How large a table the sender's HPACK decoder keeps.", "§6.5.2"),
    2: ("enable_push", "Whether the server may push.", "§6.5.2"),
    3: ("max_concurrent_streams", "How many streams may be open at once.", "§6.5.2"),
    INITIAL_WINDOW_SIZE: ("initial_window_size", "How many bytes may be sent on a new stream.", "§6.5.2"),
    MAX_FRAME_SIZE: ("max_frame_size", "The largest payload of a frame that the sender takes.", "§6.5.2"),
    6: ("max_header_list_size", "How large a list of fields the sender takes.", "§6.5.2"),
    ENABLE_CONNECT_PROTOCOL: ("enable_connect_protocol", "Extended CONNECT may be used: WebSockets.", "RFC 8441 3"),
    9: ("no_rfc7540_priorities", "Priorities of the old kind are ignored.", "RFC 9218 2.1"),
}
NO_ERROR: Final = 0
REFUSED_STREAM: Final = 7
CANCEL: Final = 8
ERRORS: Final[dict[int, tuple[str, str]]] = {
    NO_ERROR: ("NO_ERROR", "Nothing is wrong: an orderly end."),
    1: ("PROTOCOL_ERROR", "The other side broke the protocol."),
    2: ("INTERNAL_ERROR", "The sender itself failed."),
    3: ("FLOW_CONTROL_ERROR", "More bytes came than the window allowed."),
    4: ("SETTINGS_TIMEOUT", "SETTINGS were not acknowledged in time."),
    5: ("STREAM_CLOSED", "A frame came on a stream that had been closed."),
    6: ("FRAME_SIZE_ERROR", "A frame has a size that it may not have."),
    REFUSED_STREAM: ("REFUSED_STREAM", "The stream was not worked on: it may be tried again."),
    CANCEL: ("CANCEL", "The stream is not needed any more: the user left, say."),
    9: ("COMPRESSION_ERROR", "The state of HPACK was lost."),
    10: ("CONNECT_ERROR", "The connection behind a CONNECT was reset, or ended abnormally."),
    11: ("ENHANCE_YOUR_CALM", "The other side asks for too much: it looks like an attack, or a limit is too low."),
    12: ("INADEQUATE_SECURITY", "TLS is not as good as HTTP/2 asks for."),
    13: ("HTTP_1_1_REQUIRED", "This can only be had by HTTP/1.1."),
}


def error_name(code: int) -> str:
    return ERRORS[code][0] if code in ERRORS else f"error {code:#x}"


def error_meaning(code: int) -> str:
    return ERRORS[code][1] if code in ERRORS else ""


def in_words(code: int) -> str:
    """The code and what it means, in brackets."""
    meaning = error_meaning(code)
    return f"{error_name(code)} ({meaning[:1].lower()}{meaning[1:-1]})" if meaning else error_name(code)


WORDS: Final[dict[str, Word]] = {
    **{name: Word(f"HTTP/2 frame {name} ({number})", said, spec) for number, (name, said, spec) in FRAMES.items()},
    **{
        name: Word(f"HTTP/2 setting SETTINGS_{name.upper()} ({number})", said, spec)
        for number, (name, said, spec) in SETTING_NAMES.items()
    },
    **{name: Word(f"HTTP/2 error {name} ({number})", said, "§7") for number, (name, said) in ERRORS.items()},
    "connection preface": Word(
        "connection preface",
        "The first 24 bytes of a client, which begin with PRI: a server that has no HTTP/2 refuses them as a request "
        "that it does not know. SETTINGS follow, of both sides.",
        "§3.4",
    ),
    "HPACK": Word(
        "HPACK",
        "Compresses fields: each side keeps a table of fields that were sent before, and refers to them by number. Who "
        "missed the beginning of a connection can't know what early references stand for.",
        "RFC 7541",
    ),
    "h2": Word("ALPN h2", "HTTP/2 over TLS.", "§3.2"),
    "h2c": Word("Upgrade: h2c", "HTTP/2 without TLS, by Upgrade from HTTP/1.1; nobody should use it any more.", "§3.1"),
    "flow-control window": Word(
        "flow-control window",
        "How many bytes of DATA a sender may still send, on a stream and on the whole connection: both begin with "
        "65,535 unless SETTINGS say otherwise for streams. A sender that has used up one of them waits for "
        "WINDOW_UPDATE.",
        "§5.2, 6.9",
    ),
    "extended CONNECT": Word(
        "extended CONNECT",
        "A CONNECT with the pseudo-header :protocol: opens a WebSocket (or WebTransport) on one stream, if the "
        "server's SETTINGS allow it. There is no Sec-WebSocket-Key then, and 200 in place of 101.",
        "RFC 8441 4",
    ),
}
