"""How a frame is laid out, which sizes it may have, and how a connection begins (RFC 9113 §3.4, §4, §6)."""

from __future__ import annotations

from typing import Final

from analyzer.protocols.http2.names import (
    CONTINUATION,
    DATA,
    FRAMES,
    GOAWAY,
    HEADERS,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES: Final = 9
FIRST_MAX_FRAME: Final = 1 << 14  # §6.5.2
SETTING_BYTES: Final = 6
END_STREAM: Final = 1
ACK: Final = 1
END_HEADERS: Final = 4
PADDED: Final = 8
HAS_PRIORITY: Final = 32
MAX_STREAM: Final = 0x7FFFFFFF
MAX_SETTINGS_BYTES: Final = 600  # of a first frame of the server, to be known by it

#: The one size that these have.
SIZES: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
#: The flags that each type has.
FLAGS: Final = {
    DATA: END_STREAM | PADDED,
    HEADERS: END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY,
    PRIORITY: 0,
    RST_STREAM: 0,
    SETTINGS: ACK,
    PUSH_PROMISE: END_HEADERS | PADDED,
    PING: ACK,
    GOAWAY: 0,
    WINDOW_UPDATE: 0,
    CONTINUATION: END_HEADERS,
}
#: What belongs to the connection; WINDOW_UPDATE may, and all else belongs to a stream.
OF_CONNECTION: Final = frozenset({SETTINGS, PING, GOAWAY})


def name_of(kind: int) -> str:
    return FRAMES[kind][0] if kind in FRAMES else f"frame type {kind}"


def least(kind: int, flags: int) -> int:
    """How many bytes at least stand in a frame of this type, beside what it carries."""
    size = 1 if flags & PADDED and kind in (DATA, HEADERS, PUSH_PROMISE) else 0
    if kind == HEADERS and flags & HAS_PRIORITY:
        size += 5
    elif kind == PUSH_PROMISE:
        size += 4
    elif kind == GOAWAY:
        size = 8
    return size


def wrong_size(kind: int, flags: int, size: int, padding: int, largest: int) -> str:
    """What is wrong with the size of a frame, as the end of a sentence; "" where nothing is.  §4.2, §6

    `padding` is its Pad Length, `largest` what the receiver takes (0: not known).
    """
    if kind in SIZES:
        return f"has {size:,} bytes, and not {SIZES[kind]}" if size != SIZES[kind] else ""
    if kind == SETTINGS:
        if flags & ACK:
            return f"acknowledges and has {size:,} bytes, and not none" if size else ""
        return f"has {size:,} bytes, which is no multiple of {SETTING_BYTES}" if size % SETTING_BYTES else ""
    needed = least(kind, flags)
    if size < needed:
        return f"has {size} bytes, and not at least {needed}"
    if padding > size - needed:
        return f"has {padding} bytes of padding, and room for {size - needed}"
    if largest and size > largest:
        return f"has {size:,} bytes; the other side takes {largest:,}"
    return ""


def is_header(kind: int, flags: int, stream: int) -> bool:
    """Whether this may be the header of a frame at all, by its type, its flags, and whose it is."""
    if kind not in FLAGS or flags & ~FLAGS[kind] or stream > MAX_STREAM:
        return False
    return not (stream if kind in OF_CONNECTION else kind != WINDOW_UPDATE and not stream)


def plausible(kind: int, flags: int, size: int, stream: int) -> bool:
    """Whether this is the header of a frame as it is found in the middle of a connection."""
    if not is_header(kind, flags, stream) or wrong_size(kind, flags, size, 0, FIRST_MAX_FRAME):
        return False
    if kind in (HEADERS, PUSH_PROMISE):
        return size > 0 and bool(flags & END_HEADERS)
    return kind != DATA or size > 0 or bool(flags & END_STREAM)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream begins with the client's preface or a server's SETTINGS, or goes on with two frames.

    None asks for more bytes.
    """
    if head[:1] == b"P":
        if len(head) < len(PREFACE):
            return None if PREFACE.startswith(head) else False
        return head.startswith(PREFACE)
    if head[:1] not in (b"", b"\0"):
        return False
    at = 0
    for _ in range(2):
        if at + HEADER_BYTES > len(head):
            return None
        size = int.from_bytes(head[at : at + 3], "big")
        kind, flags, stream = head[at + 3], head[at + 4], int.from_bytes(head[at + 5 : at + 9], "big")
        if kind == SETTINGS and not at and not flags and not stream:
            return size % SETTING_BYTES == 0 and size <= MAX_SETTINGS_BYTES
        if not plausible(kind, flags, size, stream):
            return False
        at += HEADER_BYTES + size
    return True
