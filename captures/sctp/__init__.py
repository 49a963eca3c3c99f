"""Packets and chunks of SCTP, byte by byte, and an association of two ends, for the makers here and for tests."""

from __future__ import annotations

import struct
from typing import Final

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from captures.maker import CLIENT, MACS, SERVER, Capture, udp

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR = range(10)
COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 10, 11, 14
I_DATA, RE_CONFIG, FORWARD_TSN, I_FORWARD_TSN = 64, 130, 192, 194
BEGINNING, ENDING, UNORDERED = 2, 1, 4
WHOLE: Final = BEGINNING | ENDING
IN_UDP: Final = 9899  # RFC 6951 5.1
TAGS: Final = (0x1A2B3C4D, 0x5E6F7081)
TSNS: Final = (1000, 7000)
COOKIE: Final = bytes(range(0x40, 0x58))
SCTP: Final = 132
TABLE: Final = [0] * 256
for _number in range(256):
    _value = _number
    for _ in range(8):
        _value = _value >> 1 ^ (0x82F63B78 if _value & 1 else 0)
    TABLE[_number] = _value


def crc32c(data: bytes) -> int:
    """RFC 9260 A"""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def packet(ports: tuple[int, int], tag: int, *chunks: bytes, checksum: int | None = None) -> bytes:
    """RFC 9260 3.1; the checksum is the right one unless given."""
    body = b"".join(chunks)
    head = struct.pack(">HHI", *ports, tag)
    if checksum is None:
        return head + struct.pack("<I", crc32c(head + bytes(4) + body)) + body
    return head + struct.pack(">I", checksum) + body


def chunk(kind: int, value: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">BBH", kind, flags, len(value) + 4) + value + bytes(-len(value) % 4)


def parameter(number: int, value: bytes = b"", *, last: bool = False) -> bytes:
    return struct.pack(">HH", number, len(value) + 4) + value + bytes(0 if last else -len(value) % 4)


def supported(*kinds: int) -> bytes:
    """RFC 5061 4.2.7"""
    return parameter(0x8008, bytes(kinds))


def init(
    side: int = 0, *parameters: bytes, tag: int = 0, streams: tuple[int, int] = (1024, 1024), answers: bool = False
) -> bytes:
    fixed = struct.pack(">IIHHI", tag or TAGS[side], 131_072, *streams, TSNS[side])
    return chunk(INIT_ACK if answers else INIT, fixed + b"".join(parameters))


def init_ack(side: int = 1, *parameters: bytes, **how: int) -> bytes:
    return init(side, *parameters, parameter(7, COOKIE), answers=True, **how)  # type: ignore[arg-type]


def data(
    tsn: int, payload: bytes, *, stream: int = 0, ssn: int = 0, ppid: int = 0, flags: int = WHOLE
) -> bytes:  # fmt: skip
    """RFC 9260 3.3.1"""
    return chunk(DATA, struct.pack(">IHHI", tsn & 0xFFFFFFFF, stream, ssn, ppid) + payload, flags)


def i_data(
    tsn: int, payload: bytes, *, stream: int = 0, mid: int = 0, ppid: int = 0, fsn: int = 0, flags: int = WHOLE
) -> bytes:
    """RFC 8260 2.1: the first part has the identifier of what it carries, the others their numbers."""
    third = ppid if flags & BEGINNING else fsn
    return chunk(I_DATA, struct.pack(">IHHII", tsn & 0xFFFFFFFF, stream, 0, mid, third) + payload, flags)


def sack(
    tsn: int, *gaps: tuple[int, int], window: int = 131_072, copies: tuple[int, ...] = ()
) -> bytes:  # fmt: skip
    head = struct.pack(">IIHH", tsn & 0xFFFFFFFF, window, len(gaps), len(copies))
    blocks = b"".join(struct.pack(">HH", *gap) for gap in gaps)
    return chunk(SACK, head + blocks + b"".join(struct.pack(">I", one) for one in copies))


def cause(number: int, information: bytes = b"") -> bytes:
    return parameter(number, information)


def outgoing_reset(request: int, *streams: int, response: int = 0, last: int = 0) -> bytes:
    """RFC 6525 4.1"""
    numbers = b"".join(struct.pack(">H", stream) for stream in streams)
    return chunk(RE_CONFIG, parameter(13, struct.pack(">III", request, response, last) + numbers))


def reset_answer(request: int, result: int = 1) -> bytes:
    return chunk(RE_CONFIG, parameter(16, struct.pack(">II", request, result)))


def forward_tsn(tsn: int, *streams: tuple[int, int]) -> bytes:
    return chunk(FORWARD_TSN, struct.pack(">I", tsn) + b"".join(struct.pack(">HH", *one) for one in streams))


class Association:
    """Two ends, on IP or (`in_udp`) in UDP, seen at the initiator; times are seconds."""

    def __init__(self, *, in_udp: bool = False, ports: tuple[int, int] = (5000, 5001)) -> None:
        self.capture = Capture()
        self.in_udp = in_udp
        self.ports = ports
        self.tags = list(TAGS)

    def send(self, at_s: float, side: int, *chunks: bytes, tag: int | None = None, checksum: int | None = None) -> None:
        ports = self.ports if side == 0 else (self.ports[1], self.ports[0])
        made = packet(ports, self.tags[1 - side] if tag is None else tag, *chunks, checksum=checksum)
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        if self.in_udp:
            self.capture.add(at_s, udp(*ends, (IN_UDP, IN_UDP), made))
        else:
            head = IP(src=ends[0], dst=ends[1], proto=SCTP, id=1, flags="DF")
            self.capture.add(at_s, Ether(src=MACS[side], dst=MACS[1 - side]) / head / Raw(made))

    def open(self, at_s: float = 0.0, *parameters: bytes, rtt_s: float = 0.02) -> None:
        """The four-way handshake, RFC 9260 5.1."""
        self.send(at_s, 0, init(0, *parameters), tag=0)
        self.send(at_s + rtt_s, 1, init_ack(1, *parameters))
        self.send(at_s + rtt_s + 0.0001, 0, chunk(COOKIE_ECHO, COOKIE))
        self.send(at_s + 2 * rtt_s, 1, chunk(COOKIE_ACK))

    def close(self, at_s: float, side: int = 0, *, last: int, rtt_s: float = 0.02) -> None:
        """The orderly end, RFC 9260 9.2; `last` is the TSN that `side` has seen of the other."""
        self.send(at_s, side, chunk(SHUTDOWN, struct.pack(">I", last)))
        self.send(at_s + rtt_s, 1 - side, chunk(SHUTDOWN_ACK))
        self.send(at_s + rtt_s + 0.0001, side, chunk(SHUTDOWN_COMPLETE))
