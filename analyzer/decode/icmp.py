"""What ICMP and ICMPv6 errors quote: the packet that caused them, often cut to its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzer.decode.columns import Status

if TYPE_CHECKING:
    from analyzer.core import Batch
    from analyzer.decode.columns import Columns

ICMP: Final = 1
ICMPV6: Final = 58
HEADER_BYTES: Final = 8  # type, code, checksum and four more, RFC 792, RFC 4443 §3
#: Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792).
QUOTING: Final = frozenset({3, 4, 5, 11, 12})
#: Unreachable, packet too big, time exceeded, parameter problem (RFC 4443 §3).
QUOTING_V6: Final = frozenset({1, 2, 3, 4})
FRAGMENTATION_NEEDED: Final = (3, 4)  # type and code
PACKET_TOO_BIG: Final = 2
EXTENSIONS: Final = frozenset({0, 43, 60})  # hop-by-hop, routing, destination options
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
WITH_PORTS: Final = frozenset({6, 17, 33, 132, 136})  # TCP, UDP, DCCP, SCTP, UDP-Lite
TCP: Final = 6


@dataclass(frozen=True, slots=True)
class Quoted:
    """An error, and the packet in it.  Addresses are split as in the columns; what the quote lacks is -1."""

    icmp_version: int  # 4 or 6
    type: int
    code: int
    mtu: int  # of the next hop, 0 where none is told
    version: int
    transport: int
    source_high: int
    source_low: int
    target_high: int
    target_low: int
    source_port: int
    target_port: int
    seq: int  # TCP
    ttl: int


def quoted(columns: Columns, batch: Batch, row: int) -> Quoted | None:
    """The packet that row `row` quotes; None if that is no ICMP error, or quotes too little to tell a flow."""
    message = _message(columns, batch, row)
    if message is None or len(message) < HEADER_BYTES:
        return None
    icmp_version, kind, code, rest = int(columns.version[row]), message[0], message[1], message[HEADER_BYTES:]
    if kind not in (QUOTING if icmp_version == 4 else QUOTING_V6):
        return None
    mtu = 0
    if icmp_version == 4 and (kind, code) == FRAGMENTATION_NEEDED:
        mtu = int.from_bytes(message[6:8], "big")  # RFC 1191 §4
    elif icmp_version == 6 and kind == PACKET_TOO_BIG:
        mtu = int.from_bytes(message[4:8], "big")
    return _packet(rest, icmp_version, kind, code, mtu)


def _message(columns: Columns, batch: Batch, row: int) -> bytes | None:
    version, transport = int(columns.version[row]), int(columns.transport[row])
    if columns.status[row] != Status.WHOLE or (version, transport) not in ((4, ICMP), (6, ICMPV6)):
        return None
    start, stop = int(columns.header_at[row]), int(columns.payload_at[row]) + int(columns.payload_bytes[row])
    side = columns.side.get(row)
    return bytes((batch.data if side is None else side.data)[start:stop])


def _packet(data: bytes, icmp_version: int, kind: int, code: int, mtu: int) -> Quoted | None:
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        source, target = int.from_bytes(data[12:16], "big"), int.from_bytes(data[16:20], "big")
        ttl, transport, at = data[8], data[9], (data[0] & 15) * 4
        first = not int.from_bytes(data[6:8], "big") & 0x1FFF
    elif version == 6 and len(data) >= 40:
        source, target = int.from_bytes(data[8:24], "big"), int.from_bytes(data[24:40], "big")
        ttl, transport, at = data[7], data[6], 40
        first = True
    else:
        return None
    while (
        (version == 6 and transport in EXTENSIONS)
        or transport == AUTHENTICATION
        or (version, transport) == (6, FRAGMENT)
    ):
        if at + 4 > len(data):
            break
        if transport == FRAGMENT:
            size = 8
            first = first and not int.from_bytes(data[at + 2 : at + 4], "big") & 0xFFF8
        else:
            size = (data[at + 1] + 2) * 4 if transport == AUTHENTICATION else (data[at + 1] + 1) * 8
        transport = data[at]
        at += size
    ports = data[at : at + 4] if first and transport in WITH_PORTS else b""
    number = data[at + 4 : at + 8] if first and transport == TCP else b""
    low = (1 << 64) - 1
    return Quoted(
        icmp_version=icmp_version,
        type=kind,
        code=code,
        mtu=mtu,
        version=version,
        transport=transport,
        source_high=source >> 64,
        source_low=source & low,
        target_high=target >> 64,
        target_low=target & low,
        source_port=int.from_bytes(ports[:2], "big") if len(ports) == 4 else -1,
        target_port=int.from_bytes(ports[2:], "big") if len(ports) == 4 else -1,
        seq=int.from_bytes(number, "big") if len(number) == 4 else -1,
        ttl=ttl,
    )
