"""One pass over the frames of a batch: from link layer to transport, a row of columns for each.

This source is compiled by Cython as it stands and gives the same rows uncompiled.  What it does not understand in full
(fragments, rare links, odd tunnels) it marks `Status.SLOW` for the slow path.  Nothing is allocated for a packet.

Offsets in here count from the start of the batch's buffer: `end` is where the captured bytes of a packet end, `wire`
where the packet ended on the wire, by the lengths of the headers around it.  The two differ when the capture cut it.
"""

from __future__ import annotations

from typing import Final

try:
    import cython
except ImportError:
    from analyzer import shadow as cython  # type: ignore[no-redef, unused-ignore]

#: The columns that `decode_rows` writes, in the order of its arguments.
WRITTEN: Final = (
    "status",
    "version",
    "transport",
    "ttl",
    "scale",
    "options",
    "flags",
    "ip_id",
    "source_port",
    "target_port",
    "window",
    "mss",
    "payload_bytes",
    "payload_wire",
    "source_high",
    "source_low",
    "target_high",
    "target_low",
    "header_at",
    "payload_at",
    "seq",
    "ack",
    "ts_value",
    "ts_echo",
    "sack_start",
    "sack_stop",
)

#: Whether this is the compiled form.
COMPILED: Final[bool] = cython.compiled

# A place is `offset << 16 | EtherType` of an IP header.  Where there is none: -1 not IP, -2 left to the slow path,
# -3 cut short.  `status` is one of columns.Status, and `options` has bits of columns.Option.


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _u16(data: cython.const_uchar[::1], at: cython.longlong) -> cython.longlong:
    high: cython.longlong = data[at]
    return high << 8 | data[at + 1]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _u32(data: cython.const_uchar[::1], at: cython.longlong) -> cython.longlong:
    return (_u16(data, at) << 16) | _u16(data, at + 2)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _u64(data: cython.const_uchar[::1], at: cython.longlong) -> cython.ulonglong:
    high: cython.ulonglong = _u32(data, at)
    low: cython.ulonglong = _u32(data, at + 4)
    return high << 32 | low


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _by_version(data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """The place of an IP header whose version nobody announced."""
    nibble: cython.longlong
    if at >= end:
        return -3
    nibble = data[at] >> 4
    if nibble == 4:
        return (at << 16) | 0x0800
    if nibble == 6:
        return (at << 16) | 0x86DD
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _ether(
    data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong, ether: cython.longlong
) -> cython.longlong:
    """The place of the IP header behind VLAN tags, MPLS labels, PPPoE and SNAP; `at` follows the EtherType `ether`."""
    size: cython.longlong
    while True:
        if ether == 0x0800 or ether == 0x86DD:
            return (at << 16) | ether
        if ether == 0x8100 or ether == 0x88A8 or ether == 0x9100 or ether == 0x9200:
            if at + 4 > end:
                return -3
            ether = _u16(data, at + 2)
            at += 4
        elif ether == 0x8847 or ether == 0x8848:
            if at + 4 > end:
                return -3
            while not data[at + 2] & 1:  # bottom of the stack, RFC 3032 §2.1
                at += 4
                if at + 4 > end:
                    return -3
            at = _by_version(data, at + 4, end)
            return -2 if at == -1 else at
        elif ether == 0x8864:  # RFC 2516 §4
            if at + 8 > end:
                return -3
            if _u16(data, at) != 0x1100:
                return -1
            # Only where the length of PPPoE has room for that of IP; it is the slow path that knows what else to do.
            ether = _u16(data, at + 6)
            size = _u16(data, at + 4) - 2
            at += 8
            if ether == 0x0021 and at + 4 <= end and 20 <= _u16(data, at + 2) <= size:
                return (at << 16) | 0x0800
            if ether == 0x0057 and at + 6 <= end and 0 < _u16(data, at + 4) <= size - 40:
                return (at << 16) | 0x86DD
            return -2
        elif ether <= 1500:  # IEEE 802.3: a length, then LLC; IP comes in SNAP
            if (
                at + 8 > end
                or _u16(data, at) != 0xAAAA
                or _u16(data, at + 2) != 0x0300
                or data[at + 4] != 0
                or data[at + 5] != 0
            ):
                return -1
            ether = _u16(data, at + 6)
            at += 8
        else:
            return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _ppp(data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """The place of the IP header in a PPP frame, without compressed fields (RFC 1661 §2)."""
    protocol: cython.longlong
    if at + 4 <= end and _u16(data, at) == 0xFF03:
        at += 2
    if at + 2 > end:
        return -3
    protocol = _u16(data, at)
    if protocol == 0x0021:
        return ((at + 2) << 16) | 0x0800
    if protocol == 0x0057:
        return ((at + 2) << 16) | 0x86DD
    return -2


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _link(
    data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong, link: cython.longlong
) -> cython.longlong:
    """The place of the IP header in a frame of LINKTYPE `link`."""
    family: cython.longlong
    if link == 1:
        if at + 14 > end:
            return -3
        return _ether(data, at + 14, end, _u16(data, at + 12))
    if link == 113:
        if at + 16 > end:
            return -3
        return _ether(data, at + 16, end, _u16(data, at + 14))
    if link == 276:
        if at + 20 > end:
            return -3
        return _ether(data, at + 20, end, _u16(data, at))
    if link == 101 or link == 12 or link == 14:
        return _by_version(data, at, end)
    if link == 228:
        return (at << 16) | 0x0800
    if link == 229:
        return (at << 16) | 0x86DD
    if link == 0 or link == 108:  # the family in the byte order of whoever captured it
        if at + 4 > end:
            return -3
        family = _u32(data, at)
        if family > 0xFFFF:
            family = (family >> 24) | ((family >> 8) & 0xFF00) | ((family << 8) & 0xFF0000) | ((family & 0xFF) << 24)
        if family == 2:
            return ((at + 4) << 16) | 0x0800
        # AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS
        if family == 10 or family == 23 or family == 24 or family == 28 or family == 30:
            return ((at + 4) << 16) | 0x86DD
        return -1
    if link == 9:
        return _ppp(data, at, end)
    # PPP in HDLC framing, PPPoE, Cisco HDLC, 802.11, radiotap, pppd, PPI, PPP with direction, NFLOG
    if link in (50, 51, 104, 105, 127, 166, 192, 204, 239):
        return -2
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _gre(data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """The place of the IP header behind a GRE header in its common form (RFC 2784, RFC 2890)."""
    bits: cython.longlong
    ether: cython.longlong
    if at + 4 > end:
        return -2
    bits = _u16(data, at)
    if bits & ~0xB000:  # only checksum, key and sequence number
        return -2
    ether = _u16(data, at + 2)
    at += 4 + 4 * ((bits >> 15) + ((bits >> 13) & 1) + ((bits >> 12) & 1))
    if ether == 0x0800 or ether == 0x86DD:
        return (at << 16) | ether
    if ether == 0x6558 and at + 14 <= end:  # transparent Ethernet bridging
        return _ether(data, at + 14, end, _u16(data, at + 12))
    return -2


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _is_tunnel(port: cython.longlong) -> cython.bint:
    """VXLAN, VXLAN GPE, Geneve, GTP-U, Teredo, L2TP, GRE, GUE and MPLS in UDP."""
    return port in (4789, 8472, 4790, 6081, 2152, 3544, 1701, 4754, 6080, 6635)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _udp_tunnel(
    data: cython.const_uchar[::1], at: cython.longlong, end: cython.longlong, port: cython.longlong
) -> cython.longlong:
    """The place of the IP header in VXLAN, Geneve and GTP-U in their common forms."""
    ether: cython.longlong
    if at + 8 > end:
        return -2
    if port == 4789 or port == 8472:
        if data[at] == 0x08 and at + 22 <= end:  # RFC 7348 §5
            return _ether(data, at + 22, end, _u16(data, at + 20))
    elif port == 6081:
        if data[at] >> 6 == 0:  # RFC 8926 §3.4
            ether = _u16(data, at + 2)
            at += 8 + (data[at] & 0x3F) * 4
            if ether == 0x0800 or ether == 0x86DD:
                return (at << 16) | ether
            if ether == 0x6558 and at + 14 <= end:
                return _ether(data, at + 14, end, _u16(data, at + 12))
    # 3GPP TS 29.281 §5.1: version 1, GTP, no optional fields; G-PDU
    elif port == 2152 and data[at] == 0x30 and data[at + 1] == 0xFF:
        return _by_version(data, at + 8, end)
    return -2


def decode_rows(
    data: cython.const_uchar[::1],
    start: cython.const_longlong[::1],
    captured: cython.const_longlong[::1],
    length: cython.const_longlong[::1],
    link: cython.const_int[::1],
    count: cython.longlong,
    depth_limit: cython.longlong,
    out_status: cython.uchar[::1],
    out_version: cython.uchar[::1],
    out_transport: cython.uchar[::1],
    out_ttl: cython.uchar[::1],
    out_scale: cython.uchar[::1],
    out_options: cython.uchar[::1],
    out_flags: cython.int[::1],
    out_ip_id: cython.int[::1],
    out_source_port: cython.int[::1],
    out_target_port: cython.int[::1],
    out_window: cython.int[::1],
    out_mss: cython.int[::1],
    out_payload_bytes: cython.int[::1],
    out_payload_wire: cython.int[::1],
    out_source_high: cython.ulonglong[::1],
    out_source_low: cython.ulonglong[::1],
    out_target_high: cython.ulonglong[::1],
    out_target_low: cython.ulonglong[::1],
    out_header_at: cython.longlong[::1],
    out_payload_at: cython.longlong[::1],
    out_seq: cython.longlong[::1],
    out_ack: cython.longlong[::1],
    out_ts_value: cython.longlong[::1],
    out_ts_echo: cython.longlong[::1],
    out_sack_start: cython.longlong[::1],
    out_sack_stop: cython.longlong[::1],
) -> int:
    """Write rows [0, count) and give the number of those left to the slow path.

    `depth_limit` is how many IP headers may lie inside each other.
    """
    row: cython.longlong
    size_of_data: cython.longlong = len(data)
    left_to_slow: cython.longlong = 0
    at: cython.longlong
    end: cython.longlong
    wire: cython.longlong
    place: cython.longlong
    depth: cython.longlong
    size: cython.longlong
    total: cython.longlong
    stop: cython.longlong
    kind: cython.longlong
    port: cython.longlong
    status: cython.longlong
    version: cython.longlong
    transport: cython.longlong
    ttl: cython.longlong
    scale: cython.longlong
    options: cython.longlong
    flags: cython.longlong
    ip_id: cython.longlong
    source_port: cython.longlong
    target_port: cython.longlong
    window: cython.longlong
    mss: cython.longlong
    source_high: cython.ulonglong
    source_low: cython.ulonglong
    target_high: cython.ulonglong
    target_low: cython.ulonglong
    header_at: cython.longlong
    payload_at: cython.longlong
    seq: cython.longlong
    ack: cython.longlong
    ts_value: cython.longlong
    ts_echo: cython.longlong
    sack_start: cython.longlong
    sack_stop: cython.longlong
    with cython.nogil:
        for row in range(count):
            at = start[row]
            end = at + captured[row]
            wire = at + length[row]
            if end > size_of_data:
                end = size_of_data
            if wire < end:
                wire = end
            version = transport = ttl = scale = options = flags = source_port = target_port = window = mss = 0
            source_high = source_low = target_high = target_low = 0
            header_at = payload_at = seq = ack = 0
            ip_id = ts_value = ts_echo = sack_start = sack_stop = -1
            depth = 0
            place = _link(data, at, end, link[row])
            while True:  # once for each IP header inside another; ends by `depth_limit`
                if place < 0:
                    status = 0 if place == -1 else (2 if place == -2 else 4)
                    break
                depth += 1
                if depth > depth_limit:
                    status = 2
                    break
                at = place >> 16
                header_at = payload_at = 0
                if place & 0xFFFF == 0x0800:
                    if at + 20 > end:
                        status = 4
                        break
                    if data[at] >> 4 != 4:
                        status = 0
                        break
                    version = 4
                    size = (data[at] & 15) * 4
                    total = _u16(data, at + 2)
                    ip_id = _u16(data, at + 4)
                    ttl = data[at + 8]
                    transport = data[at + 9]
                    source_high = target_high = 0
                    source_low = _u32(data, at + 12)
                    target_low = _u32(data, at + 16)
                    # A length of zero is left by segmentation offload: the packet then fills the frame.
                    if total != 0 and at + total < wire:
                        wire = at + total
                        if end > wire:
                            end = wire  # Ethernet padding
                    if size < 20 or (total != 0 and total < size) or at + size > end:
                        status = 4
                        break
                    if _u16(data, at + 6) & 0x3FFF:
                        status = 2
                        break
                    at += size
                else:
                    if at + 40 > end:
                        status = 4
                        break
                    if data[at] >> 4 != 6:
                        status = 0
                        break
                    version = 6
                    total = _u16(data, at + 4)
                    ip_id = -1
                    transport = data[at + 6]
                    ttl = data[at + 7]
                    source_high = _u64(data, at + 8)
                    source_low = _u64(data, at + 16)
                    target_high = _u64(data, at + 24)
                    target_low = _u64(data, at + 32)
                    at += 40
                    # Zero: a jumbogram (RFC 2675 §2) or offload, unless there is nothing to follow.
                    if (total != 0 or transport == 59) and at + total < wire:
                        wire = at + total
                        if end > wire:
                            end = wire
                status = 1
                # Extension headers (RFC 8200 §4), and the authentication header (RFC 4302 §2) in either version.
                while True:
                    if transport == 51:
                        if at + 8 > end:
                            status = 4
                            break
                        size = (data[at + 1] + 2) * 4
                    elif version == 6 and (transport == 0 or transport == 43 or transport == 60):
                        if at + 8 > end:
                            status = 4
                            break
                        size = (data[at + 1] + 1) * 8
                    elif version == 6 and transport == 44:
                        if at + 8 > end:
                            status = 4
                            break
                        if _u16(data, at + 2) & 0xFFF9:  # all but atomic fragments, RFC 6946
                            status = 2
                            break
                        size = 8
                    else:
                        break
                    if at + size > end:
                        status = 4
                        break
                    transport = data[at]
                    at += size
                if status != 1:
                    break
                header_at = payload_at = at
                if transport == 6:
                    if at + 4 <= end:
                        source_port = _u16(data, at)
                        target_port = _u16(data, at + 2)
                    if at + 20 > end:
                        status = 4
                        break
                    seq = _u32(data, at + 4)
                    ack = _u32(data, at + 8)
                    size = (data[at + 12] >> 4) * 4
                    flags = ((data[at + 12] & 1) << 8) | data[at + 13]
                    window = _u16(data, at + 14)
                    if size < 20:
                        status = 4
                        break
                    if at + size > wire:  # longer than its segment: what is left of the header can still be read
                        options = 64
                        payload_at = wire = end
                        break
                    stop = at + size
                    payload_at = stop
                    if stop > end:  # the capture cuts the options
                        payload_at = end
                        wire -= stop - end
                    at += 20
                    if size == 32 and stop <= end and _u32(data, at) == 0x0101080A:
                        options = 16
                        ts_value = _u32(data, at + 4)
                        ts_echo = _u32(data, at + 8)
                        break
                    while at < stop and at < end:  # RFC 9293 §3.1
                        kind = data[at]
                        if kind == 0:
                            break
                        if kind == 1:
                            at += 1
                            continue
                        if at + 1 >= stop:
                            options |= 64
                            break
                        if at + 1 >= end:
                            break
                        size = data[at + 1]
                        if size < 2 or at + size > stop:
                            options |= 64
                            break
                        if at + size > end:
                            break
                        if kind == 8:
                            if size == 10:
                                options |= 16
                                ts_value = _u32(data, at + 2)
                                ts_echo = _u32(data, at + 6)
                            else:
                                options |= 64
                        elif kind == 5:
                            if size >= 10 and size & 7 == 2:
                                options |= 8
                                sack_start = _u32(data, at + 2)
                                sack_stop = _u32(data, at + 6)
                            else:
                                options |= 64
                        elif kind == 2:
                            if size == 4:
                                options |= 1
                                mss = _u16(data, at + 2)
                            else:
                                options |= 64
                        elif kind == 3:
                            if size == 3:
                                options |= 2
                                scale = data[at + 2]
                            else:
                                options |= 64
                        elif kind == 4:
                            if size == 2:
                                options |= 4
                            else:
                                options |= 64
                        # Fast Open, RFC 7413 §4.1.1, also by its experimental number
                        elif kind == 34 or (kind == 254 and size >= 4 and _u16(data, at + 2) == 0xF989):
                            options |= 32
                        at += size
                    break
                if transport == 17:
                    if at + 4 <= end:
                        source_port = _u16(data, at)
                        target_port = _u16(data, at + 2)
                    if at + 8 > end:
                        status = 4
                        break
                    total = _u16(data, at + 4)
                    if total != 0 and total < 8:
                        status = 4
                        break
                    if total != 0 and at + total < wire:
                        wire = at + total
                        if end > wire:
                            end = wire
                    payload_at = at + 8
                    port = target_port if _is_tunnel(target_port) else source_port
                    if _is_tunnel(port):
                        place = _udp_tunnel(data, payload_at, end, port)
                        source_port = target_port = 0
                        if place < 0:
                            status = 2
                            break
                        continue
                    break
                if transport == 132:
                    if at + 4 <= end:
                        source_port = _u16(data, at)
                        target_port = _u16(data, at + 2)
                    if at + 12 > end:
                        status = 4
                        break
                    payload_at = at
                    break
                if (transport == 1 and version == 4) or (transport == 58 and version == 6):
                    if at + 4 > end:
                        status = 4
                        break
                    payload_at = at + 8
                    if payload_at > end:
                        wire = end + (wire - payload_at if wire > payload_at else 0)
                        payload_at = end
                    break
                if transport == 4:
                    place = (at << 16) | 0x0800
                    continue
                if transport == 41:
                    place = (at << 16) | 0x86DD
                    continue
                if transport == 47:
                    place = _gre(data, at, end)
                    if place < 0:
                        status = 2
                        break
                    continue
                if transport == 97 or transport == 115 or transport == 137:  # Ethernet, L2TPv3 and MPLS in IP
                    status = 2
                break
            # A packet inside another that is not whole: only the slow path can tell whether it is one.
            if depth > 1 and status != 1:
                status = 2
            if status == 2:
                left_to_slow += 1
                version = transport = ttl = scale = options = flags = source_port = target_port = window = mss = 0
                source_high = source_low = target_high = target_low = 0
                header_at = payload_at = end = wire = seq = ack = 0
                ip_id = ts_value = ts_echo = sack_start = sack_stop = -1
            if status == 0 or version == 0 or header_at == 0:
                header_at = payload_at = end = wire = 0
            out_status[row] = status
            out_version[row] = version
            out_transport[row] = transport
            out_ttl[row] = ttl
            out_scale[row] = scale
            out_options[row] = options
            out_flags[row] = flags
            out_ip_id[row] = ip_id
            out_source_port[row] = source_port
            out_target_port[row] = target_port
            out_window[row] = window
            out_mss[row] = mss
            out_payload_bytes[row] = end - payload_at
            out_payload_wire[row] = wire - payload_at
            out_source_high[row] = source_high
            out_source_low[row] = source_low
            out_target_high[row] = target_high
            out_target_low[row] = target_low
            out_header_at[row] = header_at
            out_payload_at[row] = payload_at
            out_seq[row] = seq
            out_ack[row] = ack
            out_ts_value[row] = ts_value
            out_ts_echo[row] = ts_echo
            out_sack_start[row] = sack_start
            out_sack_stop[row] = sack_stop
    return left_to_slow
