"""Recognising messages, in datagrams and in streams, with and without the magic cookie (RFC 8489 §6.3, RFC 7983 §7)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from analyzer.protocols.stun import messages
from analyzer.protocols.stun.messages import HEADER_BYTES
from analyzer.protocols.stun.names import MAGIC_COOKIE, OLD_COOKIE

CHANNELS_BEGIN: Final = 0x40  # first byte of channel numbers, RFC 8656 §12
CHANNELS_END: Final = 0x50
CHANNEL_HEADER_BYTES: Final = 4  # RFC 8656 §12.4
MIN_CLASSIC_BYTES: Final = 6  # different bytes in a transaction id, to be believed without a magic cookie
MAX_FRAME_HIGH: Final = 8  # upper byte of the length of a framed message: longer ones are not to be expected

#: How the messages of a stream are told from each other.
UNKNOWN: Final = 0
PLAIN: Final = 1
FRAMED: Final = 2

#: Types without the cookie, RFC 3489 §11.1; those of [MS-TURN] have an attribute MAGIC-COOKIE first.
CLASSIC_TYPES: Final = frozenset({0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112})
OLD_TYPES: Final = frozenset({0x0003, 0x0103, 0x0113, 0x0004, 0x0104, 0x0114, 0x0115})

_HEAD: Final = Struct(">HH")


def is_message(head: bytes, size: int) -> bool:
    """Whether `size` bytes that begin with `head` (8 of them) are a message with the magic cookie (RFC 7983 §7)."""
    return size >= HEADER_BYTES and head[0] <= 3 and head[4:8] == MAGIC_COOKIE


def framing_of(head: bytes) -> int:
    """How a stream is framed that begins with `head`; `UNKNOWN` where more bytes are needed."""
    if head and CHANNELS_BEGIN <= head[0] < CHANNELS_END:
        return PLAIN
    if len(head) >= 8 and head[4:8] == MAGIC_COOKIE:
        return PLAIN
    if len(head) >= 10:
        return FRAMED if head[6:10] == MAGIC_COOKIE and head[2] <= 3 else PLAIN
    return UNKNOWN


def probe(head: bytes) -> bool | None:
    """Tell whether a stream or a datagram begins with a message; None where only its port or its neighbours can tell.

    ChannelData has no mark of its own: it is taken where messages came before.
    """
    size = len(head)
    if size < 4:
        return None if size and head[0] <= MAX_FRAME_HIGH else False
    first = head[0]
    if first > 3:
        if CHANNELS_BEGIN <= first < CHANNELS_END:
            rest = size - CHANNEL_HEADER_BYTES - (head[2] << 8 | head[3])
            return None if 0 <= rest <= 3 else False
        return probe_framed(head)
    if size < 8:
        return None if head[4:] == MAGIC_COOKIE[: size - 4] else probe_framed(head)
    if head[4:8] == MAGIC_COOKIE:
        # Lengths are multiples of 4, but for those of some who do not pad attributes.
        return not head[3] & 3 or size == HEADER_BYTES + (head[2] << 8 | head[3])
    return probe_classic(head) or probe_framed(head)


def probe_framed(head: bytes) -> bool | None:
    """Whether a stream begins with a length and a message (RFC 4571 §2)."""
    if head[2] > 3 or head[0] > MAX_FRAME_HIGH:
        return False
    found = head[6:10]
    if found != MAGIC_COOKIE[: len(found)]:
        return False
    if len(found) < 4:
        return None
    return head[0] << 8 | head[1] == HEADER_BYTES + (head[4] << 8 | head[5])


def probe_classic(head: bytes) -> bool:
    """Whether a datagram is a message without the magic cookie: its type, its length and all its attributes fit."""
    kind, length = _HEAD.unpack_from(head, 0)
    size = len(head)
    if kind in OLD_TYPES:
        return head[20:28] == b"\0\x0f\0\x04" + OLD_COOKIE
    if kind not in CLASSIC_TYPES or HEADER_BYTES + length != size or len(set(head[4:20])) < MIN_CLASSIC_BYTES:
        return False
    at = HEADER_BYTES
    for _ in range(messages.MAX_ATTRIBUTES):
        if at + 4 > size:
            break
        at += 4 + (head[at + 2] << 8 | head[at + 3])
    return at == size
