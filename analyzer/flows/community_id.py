"""Community ID: a name for a flow on which different tools agree (version 1, https://github.com/corelight/community-id-spec)."""

from __future__ import annotations

from binascii import b2a_base64
from hashlib import sha1
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

TCP: Final = 6
UDP: Final = 17
SCTP: Final = 132
ICMP: Final = 1
ICMPV6: Final = 58
WITH_PORTS: Final = frozenset({TCP, UDP, SCTP})
#: ICMP types and codes stand for ports; a request and its answer are one flow.
PAIRS: Final = {
    ICMP: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10},
    ICMPV6: {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 144: 145, 145: 144},
}


def community_id(
    transport: int,
    source: str,
    target: str,
    source_port: int | None = None,
    target_port: int | None = None,
    seed: int = 0,
) -> str:
    """The same text for both directions.  For ICMP the ports are type and code; None leaves ports out."""
    family = AF_INET6 if ":" in source else AF_INET
    ends = (inet_pton(family, source), inet_pton(family, target))
    one_way = False
    if source_port is not None and transport in PAIRS:
        answer = PAIRS[transport].get(source_port)
        one_way = answer is None
        target_port = answer if answer is not None else target_port
    if source_port is None or target_port is None or not (transport in WITH_PORTS or transport in PAIRS):
        ports = (b"", b"")
    else:
        ports = (source_port.to_bytes(2, "big"), target_port.to_bytes(2, "big"))
    return _hashed(seed, transport, (ends[0], ports[0]), (ends[1], ports[1]), one_way)


def community_id_of(version: int, transport: int, one: tuple[int, int, int], other: tuple[int, int, int]) -> str:
    """The same of two ends as the flow table has them: (address bits 127 to 64, 63 to 0, port)."""
    return _hashed(0, transport, _packed(version, one), _packed(version, other), False)


def _packed(version: int, end: tuple[int, int, int]) -> tuple[bytes, bytes]:
    high, low, port = end
    address = (
        (low & 0xFFFFFFFF).to_bytes(4, "big") if version == 4 else high.to_bytes(8, "big") + low.to_bytes(8, "big")
    )
    return address, port.to_bytes(2, "big")


def _hashed(seed: int, transport: int, first: tuple[bytes, bytes], second: tuple[bytes, bytes], one_way: bool) -> str:
    if not one_way and second < first:
        first, second = second, first
    hashed = seed.to_bytes(2, "big") + first[0] + second[0] + bytes((transport, 0)) + first[1] + second[1]
    return "1:" + b2a_base64(sha1(hashed, usedforsecurity=False).digest(), newline=False).decode()
