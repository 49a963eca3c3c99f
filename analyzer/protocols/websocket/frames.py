"""Frames: their header, their mask, and how to recognise them where no handshake was seen (RFC 6455 §5.2)."""

from __future__ import annotations

from typing import Final

from analyzer.protocols.websocket.names import BINARY, CLOSE, CONTINUATION, OPCODES, PING, PONG, TEXT

MAX_CONTROL_BYTES: Final = 125
#: So many frames in a row are no chance.
CHAIN: Final = 3
#: A longer frame in the middle of a stream is not believed.
PLAUSIBLE_BYTES: Final = 1 << 24
RSV1: Final = 4
#: First bytes of frames that are believed without a handshake.
STARTS: Final = frozenset(
    (128 if fin else 0) | rsv << 4 | opcode
    for opcode in OPCODES
    for fin in (False, True)
    for rsv in (0, RSV1)
    if (fin and not rsv) or opcode in (TEXT, BINARY) or (opcode == CONTINUATION and not rsv)
)


def header_size(head: bytes | bytearray) -> int:
    """How many bytes the header has, by its first two."""
    length = head[1] & 0x7F
    return (2 if length < 126 else 4 if length == 126 else 10) + (4 if head[1] & 0x80 else 0)


def payload_size(head: bytes | bytearray) -> int:
    """How many bytes follow the header, all of which is in `head`."""
    length = head[1] & 0x7F
    if length < 126:
        return length
    if length == 126:
        return head[2] << 8 | head[3]
    return int.from_bytes(head[2:10], "big")


def is_minimal(head: bytes | bytearray, size: int) -> bool:
    """Whether the length is in its shortest form, as it has to be."""
    length = head[1] & 0x7F
    return length < 126 or (size > 125 if length == 126 else size > 0xFFFF)


def unmasked(data: bytes, key: bytes) -> bytes:
    """`data` combined with the masking key, §5.3."""
    size = len(data)
    if not size:
        return b""
    mask = key * (size + 3 >> 2)
    if size & 3:
        mask = mask[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(size, "little")


def chain(head: bytes | bytearray, masked: bool | None = None) -> tuple[int, bool]:
    """How many plausible frames stand in `head` one after the other, and whether they go on to its very end.

    `masked` says whether they have to be; None takes it from the first.  A frame whose header is not complete ends it.
    """
    found, at = 0, 0
    within: bool | None = None  # a message of several frames; None: not known
    for _ in range(CHAIN):
        part = head[at : at + 14]
        if len(part) < 2:
            return found, True
        if masked is None:
            masked = part[1] >= 0x80
        verdict = plausible(part, masked)
        if verdict is None:
            return found, True
        opcode, fin = part[0] & 15, part[0] >= 0x80
        if not verdict or (opcode < CLOSE and within is not None and within != (opcode == CONTINUATION)):
            return 0, False
        if opcode < CLOSE:
            within = not fin
        size = header_size(part)
        at += size + payload_size(part)
        found += 1
        if at >= len(head):
            return found, True
    return found, True


def plausible(head: bytes | bytearray, masked: bool) -> bool | None:
    """Whether a frame may begin so; None asks for more bytes."""
    opcode, rsv = head[0] & 15, head[0] >> 4 & 7
    if opcode not in OPCODES or (head[1] >= 0x80) != masked or rsv & ~RSV1:
        return False
    if opcode in (CLOSE, PING, PONG) and (head[0] < 0x80 or rsv or head[1] & 0x7F > MAX_CONTROL_BYTES):
        return False
    if (rsv and opcode == CONTINUATION) or (head[0] < 0x80 and head[1] & 0x7F == 0):
        return False  # nobody sends an empty piece, unless it is the last
    size = header_size(head)
    if len(head) < size:
        return None
    length = payload_size(head)
    return is_minimal(head, length) and length <= PLAUSIBLE_BYTES and not (opcode == CLOSE and length == 1)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream whose beginning was not captured goes on with frames; None asks for more bytes.

    Three frames in a row have to fit, and what they carry: text that is UTF-8, closes with a code that may be.
    """
    if head and head[0] not in STARTS:
        return False
    if len(head) < 2:
        return None
    found, goes_on = chain(head)
    if not goes_on:
        return False
    if not found and len(head) >= 14:
        return False
    at = 0
    for _ in range(found):
        part = head[at:]
        size, length = header_size(part), payload_size(part)
        payload = bytes(part[size : size + length])
        if length and not payload:
            return None  # of the last one nothing is here yet that could speak for it
        if part[1] >= 0x80:
            payload = unmasked(payload, bytes(part[size - 4 : size]))
        if not fits(part[0], payload, len(payload) == length):
            return False
        at += size + length
    return True if found >= CHAIN else None


def fits(first: int, payload: bytes, whole: bool) -> bool:
    """Whether the beginning of a payload is what a frame with this first byte carries."""
    opcode = first & 15
    if opcode == TEXT and not first & 0x40:
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError as why:
            # A frame that ends within a character may be one of several, or not be complete here.
            if why.end < len(payload) or (whole and first & 0x80):
                return False
            text = payload[: why.start].decode("utf-8")
        return text.replace("\n", "").replace("\r", "").replace("\t", "").replace("\x1e", "").isprintable()
    if opcode == CLOSE and len(payload) >= 2:
        return 1000 <= payload[0] << 8 | payload[1] <= 4999
    return True
