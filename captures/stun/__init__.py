"""Messages of STUN and TURN, byte by byte, for the makers of this folder and for tests."""

from __future__ import annotations

import hmac
import socket
import struct
import zlib
from hashlib import md5
from typing import TYPE_CHECKING, Final

from captures.maker import CLIENT, SERVER, Capture, udp

if TYPE_CHECKING:
    from collections.abc import Sequence

COOKIE: Final = 0x2112A442
REQUEST, INDICATION, SUCCESS, ERROR = range(4)
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
PORTS: Final = (40_000, 3478)
PEER: Final = "203.0.113.7"
RELAYED: Final = "198.51.100.21"
KEY: Final = md5(b"lab:example.org:secret", usedforsecurity=False).digest()

Attribute = tuple[int, bytes]


def message(
    method: int, class_: int, number: int, *attributes: Attribute, key: bytes = b"", fingerprint: bool = False
) -> bytes:
    """A message; `number` makes its transaction id, `key` a MESSAGE-INTEGRITY."""
    kind = method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2 | (class_ & 1) << 4 | (class_ & 2) << 7
    body = b"".join(packed(*attribute) for attribute in attributes)
    head = struct.pack(">I", COOKIE) + transaction(number)
    if key:
        covered = struct.pack(">HH", kind, len(body) + 24) + head + body
        body += packed(0x0008, hmac.digest(key, covered, "sha1"))
    if fingerprint:
        covered = struct.pack(">HH", kind, len(body) + 8) + head + body
        body += packed(0x8028, struct.pack(">I", zlib.crc32(covered) ^ 0x5354554E))
    return struct.pack(">HH", kind, len(body)) + head + body


def transaction(number: int) -> bytes:
    return md5(b"%d" % number, usedforsecurity=False).digest()[:12]


def packed(number: int, value: bytes) -> bytes:
    return struct.pack(">HH", number, len(value)) + value + bytes(-len(value) % 4)


def address(number: int, host: str, port: int) -> Attribute:
    family, octets = (2, socket.inet_pton(socket.AF_INET6, host)) if ":" in host else (1, socket.inet_aton(host))
    return number, struct.pack(">BBH", 0, family, port) + octets


def xored(number: int, host: str, port: int, of: int = 0) -> Attribute:
    """`of` is the number of the transaction, which only IPv6 needs."""
    plain = address(number, host, port)[1]
    key = struct.pack(">I", COOKIE) + transaction(of)
    octets = bytes(a ^ b for a, b in zip(plain[4:], key, strict=False))
    return number, plain[:2] + struct.pack(">H", port ^ COOKIE >> 16) + octets


def mapped(host: str = CLIENT, port: int = PORTS[0]) -> Attribute:
    return xored(0x0020, host, port)


def peer(host: str = PEER, port: int = 50_000) -> Attribute:
    return xored(0x0012, host, port)


def text(number: int, words: str) -> Attribute:
    return number, words.encode()


def uint(number: int, value: int) -> Attribute:
    return number, struct.pack(">I", value)


def error(code: int, reason: str = "") -> Attribute:
    return 0x0009, struct.pack(">HBB", 0, code // 100, code % 100) + reason.encode()


def check(number: int, user: str = "a1b2:c3d4", *, controlling: bool = True, nominate: bool = False) -> bytes:
    """A connectivity check of ICE."""
    role = (0x802A if controlling else 0x8029, struct.pack(">Q", 0x1122334455667788 + controlling))
    more = [(0x0025, b"")] if nominate else []
    attributes = [text(0x0006, user), role, uint(0x0024, 1_853_824_767), *more]
    return message(BINDING, REQUEST, number, *attributes, key=b"password", fingerprint=True)


def answered(number: int, host: str = CLIENT, port: int = PORTS[0]) -> bytes:
    return message(BINDING, SUCCESS, number, mapped(host, port), key=b"password", fingerprint=True)


def refused(method: int, number: int, code: int, reason: str, *more: Attribute) -> bytes:
    return message(method, ERROR, number, error(code, reason), *more)


def challenge(number: int, code: int = 401, reason: str = "Unauthorized", method: int = ALLOCATE) -> bytes:
    return refused(
        method, number, code, reason, text(0x0015, f"nonce-{number:04}-0123456789"), text(0x0014, "example.org")
    )


def login(nonce: str = "nonce-0001-0123456789") -> list[Attribute]:
    return [text(0x0006, "lab"), text(0x0014, "example.org"), text(0x0015, nonce)]


def allocate(number: int, *more: Attribute, signed: bool = True) -> bytes:
    attributes = [uint(0x0019, 17 << 24), *(login() if signed else []), *more]
    return message(ALLOCATE, REQUEST, number, *attributes, key=KEY if signed else b"")


def allocated(number: int) -> bytes:
    attributes = [xored(0x0016, RELAYED, 49_152), mapped(), uint(0x000D, 600), text(0x8022, "relay 1.0")]
    return message(ALLOCATE, SUCCESS, number, *attributes, key=KEY)


def channel_data(channel: int, data: bytes, pad: bool = False) -> bytes:
    return struct.pack(">HH", channel, len(data)) + data + (bytes(-len(data) % 4) if pad else b"")


class Path:
    """Datagrams between client and server, told in order; times are seconds."""

    def __init__(self, capture: Capture | None = None, client: str = CLIENT, server: str = SERVER) -> None:
        self.capture = Capture() if capture is None else capture
        self.ends = (client, server)
        self.ports = PORTS

    def client(self, at_s: float, data: bytes) -> None:
        self.capture.add(at_s, udp(self.ends[0], self.ends[1], self.ports, data))

    def server(self, at_s: float, data: bytes) -> None:
        self.capture.add(at_s, udp(self.ends[1], self.ends[0], (self.ports[1], self.ports[0]), data))

    def allocate(self) -> None:
        """Allocate, 401, Allocate with credentials, success."""
        self.client(0.0, allocate(1, signed=False))
        self.server(0.02, challenge(1))
        self.client(0.021, allocate(2))
        self.server(0.041, allocated(2))


def refused_allocation(code: int, reason: str, *more: Attribute) -> Capture:
    """A client with good credentials that gets no relayed address."""
    path = Path()
    path.client(0.0, allocate(1, signed=False))
    path.server(0.02, challenge(1))
    path.client(0.021, allocate(2, *more))
    path.server(0.041, message(ALLOCATE, ERROR, 2, error(code, reason), key=KEY))
    return path.capture


def joined(parts: Sequence[bytes]) -> bytes:
    return b"".join(parts)
