"""Finds the records in a block of a capture file: where each frame begins, how long it is, when it was captured.

Compiled by Cython as it stands, and right uncompiled too.  A walk fills rows of the batch arrays, starting at `row`,
until the block ends, `capacity` rows are filled, or something comes up that its caller must look at; `state` says what.

pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from typing import Final

try:
    import cython
except ImportError:
    from analyzer import shadow as cython

# Places in `state`, which is int64[STATES].
AT: Final = 0  # in: where to begin; out: the first byte that was not walked
REASON: Final = 1  # why the walk ended
WANTED: Final = 2  # with NEED: bytes from `AT` on that must be there to go on
LONG_CAPTURED: Final = 3  # counts records that hold more bytes than the wire had
CLAMPED_TIME: Final = 4  # counts times that int64 ns cannot hold
LAST_NS: Final = 5  # in and out: time of the last frame, for those that have none
TIMELESS: Final = 6  # counts frames without a time (simple packet blocks)
ODD_ROW: Final = 7  # the first row that one of these counts is about, valid when one of them is not 0
STATES: Final = 8

# Values of `state[REASON]`.
NEED: Final = 0  # the next record is not all there
FULL: Final = 1  # no row is left
DAMAGED: Final = 2  # the record at `AT` cannot be one
OTHER: Final = 3  # pcapng: the block at `AT` is none of packets
BAD_PACKET: Final = 4  # pcapng: the block at `AT` is whole, but contradicts itself

# Columns of `interfaces`, which is int64[n, INTERFACE_COLUMNS]: how to read the packets of each interface of a section.
NUMBER: Final = 0  # among all interfaces of the capture
LINK: Final = 1
SNAP_BYTES: Final = 2  # 0: no limit
MULTIPLIER: Final = 3  # ns for each unit of time, or 0
DIVISOR: Final = 4  # units of time for each ns, or 0
SHIFT: Final = 5  # units are 2^-SHIFT seconds, when neither of the former is set
OFFSET_NS: Final = 6
DROPPED: Final = 7  # counts drops told by packet blocks
INTERFACE_COLUMNS: Final = 8

#: Later times (after February 2116) become this one: they are damage, and sums must stay within int64.
LATEST_NS: Final = (1 << 62) - 1


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _uint16(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.longlong:
    low: cython.longlong = data[at + 1] if big else data[at]
    high: cython.longlong = data[at] if big else data[at + 1]
    return high << 8 | low


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _uint32(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.longlong:
    first: cython.longlong = data[at]
    second: cython.longlong = data[at + 1]
    third: cython.longlong = data[at + 2]
    fourth: cython.longlong = data[at + 3]
    if big:
        return first << 24 | second << 16 | third << 8 | fourth
    return fourth << 24 | third << 16 | second << 8 | first


def walk_pcap(
    data: cython.uchar[::1],
    stop: cython.Py_ssize_t,
    big: cython.bint,
    unit_ns: cython.longlong,
    header_bytes: cython.longlong,
    swapped: cython.bint,
    record_bytes: cython.longlong,
    row: cython.Py_ssize_t,
    capacity: cython.Py_ssize_t,
    time_ns: cython.longlong[::1],
    start: cython.longlong[::1],
    captured: cython.longlong[::1],
    length: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.Py_ssize_t:
    """The number of rows filled after a walk over pcap records up to `data[stop]`.

    `unit_ns` is what the fraction of a second counts, `header_bytes` the size of a record's header, `record_bytes` the
    most that a record may hold; `swapped` says that the length on the wire stands before the other.
    """
    at: cython.longlong = state[0]
    reason: cython.longlong = 1
    wanted: cython.longlong = 0
    held: cython.longlong
    sent: cython.longlong
    with cython.nogil:
        while row < capacity:
            if at + header_bytes > stop:
                reason = 0
                wanted = header_bytes
                break
            held = _uint32(data, at + 12 if swapped else at + 8, big)
            if held > record_bytes:
                reason = 2
                break
            if at + header_bytes + held > stop:
                reason = 0
                wanted = header_bytes + held
                break
            sent = _uint32(data, at + 8 if swapped else at + 12, big)
            if sent < held:
                if state[3] == 0:
                    state[7] = row
                state[3] += 1
                sent = held
            time_ns[row] = _uint32(data, at, big) * 1000000000 + _uint32(data, at + 4, big) * unit_ns
            start[row] = at + header_bytes
            captured[row] = held
            length[row] = sent
            row += 1
            at += header_bytes + held
    state[0] = at
    state[1] = reason
    state[2] = wanted
    return row


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _nanoseconds(
    raw: cython.ulonglong, interfaces: cython.longlong[:, ::1], index: cython.Py_ssize_t, state: cython.longlong[::1]
) -> cython.longlong:
    """Time `raw`, in the units of an interface, as ns since 1970; no sum or product leaves int64."""
    latest: cython.ulonglong = 0x3FFFFFFFFFFFFFFF
    billion: cython.ulonglong = 1000000000
    factor: cython.ulonglong = interfaces[index, 3]
    shift: cython.ulonglong
    seconds: cython.ulonglong
    part: cython.ulonglong
    value: cython.ulonglong
    if factor:
        value = raw * factor if raw <= latest // factor else latest
    elif interfaces[index, 4]:
        factor = interfaces[index, 4]
        value = raw // factor
        value = min(value, latest)
    else:
        shift = interfaces[index, 5]
        seconds = raw >> shift if shift < 64 else 0
        if seconds >= latest // billion:
            value = latest
        else:
            part = raw - (seconds << shift if shift < 64 else 0)
            # Of a finer fraction its first 33 bits are enough for ns, and a product with 10^9 holds them.
            if shift > 33:
                part = part >> (shift - 33) if shift - 33 < 64 else 0
                shift = 33
            value = seconds * billion + (part * billion >> shift)
    if value >= latest:
        state[4] += 1
    return cython.cast(cython.longlong, value) + interfaces[index, 6]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _drops(data: cython.uchar[::1], at: cython.longlong, stop: cython.longlong, big: cython.bint) -> cython.longlong:
    """epb_dropcount among the options from `at` to `stop`, or 0."""
    kind: cython.longlong
    size: cython.longlong
    while at + 4 <= stop:
        kind = _uint16(data, at, big)
        size = _uint16(data, at + 2, big)
        if kind == 0:
            break
        if kind == 4 and size == 8 and at + 12 <= stop:
            # Counts beyond 2^32 are damage; the half that a sane count lies in is enough.
            return _uint32(data, at + 8, big) if big else _uint32(data, at + 4, big)
        at += 4 + (size + 3 & ~3)
    return 0


def walk_pcapng(
    data: cython.uchar[::1],
    stop: cython.Py_ssize_t,
    big: cython.bint,
    record_bytes: cython.longlong,
    interfaces: cython.longlong[:, ::1],
    interface_count: cython.Py_ssize_t,
    row: cython.Py_ssize_t,
    capacity: cython.Py_ssize_t,
    time_ns: cython.longlong[::1],
    start: cython.longlong[::1],
    captured: cython.longlong[::1],
    length: cython.longlong[::1],
    interface: cython.int[::1],
    link: cython.int[::1],
    state: cython.longlong[::1],
) -> cython.Py_ssize_t:
    """The number of rows filled after a walk over the packet blocks up to `data[stop]`.

    Stops with OTHER at a block of any other kind.  `record_bytes` is the most that a block may take.
    """
    at: cython.longlong = state[0]
    last_ns: cython.longlong = state[5]
    odd: cython.longlong = state[3] + state[4] + state[6]
    reason: cython.longlong = 1
    wanted: cython.longlong = 0
    kind: cython.longlong
    total: cython.longlong
    fixed: cython.longlong
    body: cython.longlong
    end: cython.longlong
    held: cython.longlong
    sent: cython.longlong
    index: cython.longlong
    drops: cython.longlong
    raw: cython.ulonglong
    with cython.nogil:
        while row < capacity:
            if at + 8 > stop:
                reason = 0
                wanted = 8
                break
            kind = _uint32(data, at, big)
            if kind != 6 and kind != 3 and kind != 2:
                reason = 3
                break
            total = _uint32(data, at + 4, big)
            fixed = 12 if kind == 3 else 28
            if total < fixed + 4 or total > record_bytes:
                reason = 2
                break
            if at + total > stop:
                reason = 0
                wanted = total
                break
            end = at + total - 4
            if _uint32(data, end, big) != total:
                reason = 2
                break
            body = at + fixed
            index = 0
            drops = 0
            if kind == 6:
                index = _uint32(data, at + 8, big)
            elif kind == 2:
                index = _uint16(data, at + 8, big)
                drops = _uint16(data, at + 10, big)
            if index >= interface_count:
                reason = 4
                break
            if kind == 3:
                sent = _uint32(data, at + 8, big)
                held = end - body
                if sent < held:
                    held = sent
                if 0 < interfaces[index, 2] < held:
                    held = interfaces[index, 2]
                time_ns[row] = last_ns
                state[6] += 1
            else:
                held = _uint32(data, at + 20, big)
                sent = _uint32(data, at + 24, big)
                if held > end - body:
                    reason = 4
                    break
                raw = _uint32(data, at + 12, big)
                raw = raw << 32 | cython.cast(cython.ulonglong, _uint32(data, at + 16, big))
                last_ns = _nanoseconds(raw, interfaces, index, state)
                time_ns[row] = last_ns
                if kind == 6:
                    if body + held + 12 <= end:
                        drops = _drops(data, body + (held + 3 & ~3), end, big)
                elif drops == 0xFFFF:  # not known
                    drops = 0
                interfaces[index, 7] += drops
            if sent < held:
                state[3] += 1
                sent = held
            if odd == 0 and state[3] + state[4] + state[6] != 0:
                odd = 1
                state[7] = row
            start[row] = body
            captured[row] = held
            length[row] = sent
            interface[row] = interfaces[index, 0]
            link[row] = interfaces[index, 1]
            row += 1
            at += total
    state[0] = at
    state[1] = reason
    state[2] = wanted
    state[5] = last_ns
    return row
