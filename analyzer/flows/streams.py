"""Media in columns: the streams of RTP that flows carry, counted without an object for a packet (RFC 3550).

This source is compiled by Cython as it stands and gives the same numbers uncompiled.  RTP has no mark of its own: what
looks like it (version 2, a payload type in use, lengths that fit) is on trial, by sender and SSRC, until three packets
with running sequence numbers and timestamps came.  From there on its packets are counted and only samples are listed:
those whose number is a power of two.  A stream on trial is known by its first packets and counted from them on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.core import MediaStream, MediaType

try:
    import cython
except ImportError:
    from analyzer import shadow as cython  # type: ignore[no-redef, unused-ignore]

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from analyzer.core import Batch, Limits
    from analyzer.decode.columns import Columns

# What a datagram is; `Verdict` has them for others.
NOTHING = cython.declare(cython.longlong, 0)
COUNTED = cython.declare(cython.longlong, 1)
SHOWN = cython.declare(cython.longlong, 2)
FULL = cython.declare(cython.longlong, 3)  # there is no record free: go on when there are more

FIXED_BYTES = cython.declare(cython.longlong, 12)  # RFC 3550 §5.1
#: Distinct packets that make a stream.
ENOUGH = cython.declare(cython.longlong, 3)
#: The same, next to a stream of the same sender in the same flow.
FEW: Final = 2
#: On trial: sequence numbers and timestamps no further apart, and no longer a silence.
NEAR = cython.declare(cython.longlong, 16)
NEAR_STAMPS = cython.declare(cython.longlong, 3_000_000)
TRIAL_NS = cython.declare(cython.longlong, 30_000_000_000)
#: Streams on trial of one sender in one flow.
TRIALS = cython.declare(cython.longlong, 4)
MAX_DROPOUT = cython.declare(cython.longlong, 3000)  # RFC 3550 §A.1
MAX_MISORDER = cython.declare(cython.longlong, 100)
HISTORY = cython.declare(cython.longlong, 62)  # sequence numbers below the highest that are known one by one
HISTORY_MASK = cython.declare(cython.longlong, (1 << 62) - 1)
RATES = cython.declare(cython.longlong, 5)  # clocks for which jitter is measured
ONE_BYTE = cython.declare(cython.longlong, 0xBEDE)  # RFC 8285 §4.2
TWO_BYTE = cython.declare(cython.longlong, 0x100)  # §4.3, upper 12 bits
MAX_ELEMENTS = cython.declare(cython.longlong, 32)  # of one header extension
SECOND_NS = cython.declare(cython.longlong, 1_000_000_000)
TYPES = cython.declare(cython.longlong, 4)  # payload types told apart

# --- one record: numbers in `records` ------------------------------------------------------------------------------

NEXT = cython.declare(cython.longlong, 0)  # of the same flow: index + 1; 0: the last
KEY = cython.declare(cython.longlong, 1)  # flow << 1 | sender
SSRC = cython.declare(cython.longlong, 2)
STATE = cython.declare(cython.longlong, 3)  # 0 on trial, 1 a stream
OLDER = cython.declare(cython.longlong, 4)  # on trial: index + 1 of the one begun before
NEWER = cython.declare(cython.longlong, 5)
PACKETS = cython.declare(cython.longlong, 6)
COPIES = cython.declare(cython.longlong, 7)
LATE = cython.declare(cython.longlong, 8)
BYTES = cython.declare(cython.longlong, 9)
FIRST_FRAME = cython.declare(cython.longlong, 10)
LAST_FRAME = cython.declare(cython.longlong, 11)
FIRST_NS = cython.declare(cython.longlong, 12)
LAST_NS = cython.declare(cython.longlong, 13)
BASE = cython.declare(cython.longlong, 14)  # first sequence number
HIGHEST = cython.declare(cython.longlong, 15)  # with the cycles
SEEN = cython.declare(cython.longlong, 16)  # bits of the numbers at and below the highest
LOST_BEFORE = cython.declare(cython.longlong, 17)  # until the numbers began anew
RECEIVED = cython.declare(cython.longlong, 18)  # since then, without copies
BAD_SEQ = cython.declare(cython.longlong, 19)  # the number that would follow one far away, + 1
RESTARTS = cython.declare(cython.longlong, 20)
STAMP = cython.declare(cython.longlong, 21)  # of the last packet
STAMPS = cython.declare(cython.longlong, 22)  # how far they went
STAMP_NS = cython.declare(cython.longlong, 23)  # and in what time
JITTER = cython.declare(cython.longlong, 24)  # in ns << 4, one for each rate
OTHER_RATE = cython.declare(cython.longlong, 29)
SILENCE_NS = cython.declare(cython.longlong, 30)  # the longest
SILENCE_FRAME = cython.declare(cython.longlong, 31)  # where it ended
MARKERS = cython.declare(cython.longlong, 32)
PROFILE = cython.declare(cython.longlong, 33)  # of the header extension, + 1
ELEMENTS = cython.declare(cython.longlong, 34)  # bits of its ids below 62
SOURCES = cython.declare(cython.longlong, 35)  # the most CSRCs
PLACE = cython.declare(cython.longlong, 36)  # of the first packet: offset in its frame << 32, bytes
TYPE = cython.declare(cython.longlong, 37)  # four times payload type and packets << 8, frame, time, place
LOST_RUN = cython.declare(cython.longlong, 53)  # the most in a row
LOST_FRAME = cython.declare(cython.longlong, 54)
PADDED = cython.declare(cython.longlong, 55)  # packets with padding
LARGEST = cython.declare(cython.longlong, 56)
RECORD = cython.declare(cython.longlong, 57)

# --- what is counted for all ---------------------------------------------------------------------------------------

USED = cython.declare(cython.longlong, 0)  # records
OLDEST = cython.declare(cython.longlong, 1)  # on trial, index + 1
NEWEST = cython.declare(cython.longlong, 2)
MOST = cython.declare(cython.longlong, 3)  # records there may be
MOST_A_FLOW = cython.declare(cython.longlong, 4)
INPUT = cython.declare(cython.longlong, 5)  # rows taken from the list
OUTPUT = cython.declare(cython.longlong, 6)
STREAMS = cython.declare(cython.longlong, 7)  # no longer on trial
COUNTS: Final = 8

# bits of a flow's head, above the index + 1 of its latest record
CONFIRMED = cython.declare(cython.longlong, 1 << 32)
REFUSED = cython.declare(cython.longlong, 1 << 33)
INDEX = cython.declare(cython.longlong, (1 << 32) - 1)

#: Clock rates for which jitter is measured side by side; which one holds is known at the end.  The last is that of
#: static payload types with yet another one.
CLOCKS: Final = (8000, 16000, 48000, 90000, 44100)
FIRST_RECORDS: Final = 16
FIRST_HEADS: Final = 256


class Verdict:
    """What `StreamTable.take` says of a datagram."""

    NOTHING: Final = 0  # nothing that is known to be media
    COUNTED: Final = 1  # of a stream: nobody has to look at it
    SHOWN: Final = 2  # the same, and a sample


# --- one datagram -----------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _rate(index: cython.longlong, other: cython.longlong) -> cython.longlong:
    if index == 0:
        return 8000
    if index == 1:
        return 16000
    if index == 2:
        return 48000
    if index == 3:
        return 90000
    return other


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _other_rate(kind: cython.longlong) -> cython.longlong:
    """The clock of a static payload type that is none of the usual (RFC 3551 §6), else that of a CD."""
    if kind == 16:
        return 11025
    if kind == 17:
        return 22050
    return 44100


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _near(difference: cython.longlong, bits: cython.longlong) -> cython.longlong:
    """A difference of numbers of so many bits, as a signed number."""
    half: cython.longlong = cython.cast(cython.longlong, 1) << (bits - 1)
    return ((difference + half) & ((half << 1) - 1)) - half


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _drop_trial(records: cython.longlong[::1], counts: cython.longlong[::1], index: cython.longlong) -> cython.longlong:
    """Take a record out of the queue of those on trial."""
    at: cython.longlong = RECORD * index
    older: cython.longlong = records[at + OLDER]
    newer: cython.longlong = records[at + NEWER]
    if older:
        records[RECORD * (older - 1) + NEWER] = newer
    else:
        counts[OLDEST] = newer
    if newer:
        records[RECORD * (newer - 1) + OLDER] = older
    else:
        counts[NEWEST] = older
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _add_trial(records: cython.longlong[::1], counts: cython.longlong[::1], index: cython.longlong) -> cython.longlong:
    at: cython.longlong = RECORD * index
    last: cython.longlong = counts[NEWEST]
    records[at + OLDER] = last
    records[at + NEWER] = 0
    if last:
        records[RECORD * (last - 1) + NEWER] = index + 1
    else:
        counts[OLDEST] = index + 1
    counts[NEWEST] = index + 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _forget(
    records: cython.longlong[::1], heads: cython.longlong[::1], counts: cython.longlong[::1], index: cython.longlong
) -> cython.longlong:
    """Take a record on trial out of its flow and out of the queue."""
    flow: cython.longlong = records[RECORD * index + KEY] >> 1
    one: cython.longlong = heads[flow] & INDEX
    after: cython.longlong = records[RECORD * index + NEXT]
    _drop_trial(records, counts, index)
    if one == index + 1:
        heads[flow] = (heads[flow] & ~INDEX) | after
        return 0
    while one:  # a flow has a limited number of records
        if records[RECORD * (one - 1) + NEXT] == index + 1:
            records[RECORD * (one - 1) + NEXT] = after
            break
        one = records[RECORD * (one - 1) + NEXT]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _begin(
    records: cython.longlong[::1],
    at: cython.longlong,
    frame: cython.longlong,
    now: cython.longlong,
    place: cython.longlong,
    seq: cython.longlong,
    stamp: cython.longlong,
    kind: cython.longlong,
) -> cython.longlong:
    """Set what a record counts to nothing, before its first packet."""
    word: cython.longlong
    for word in range(PACKETS, RECORD):
        records[at + word] = 0
    records[at + FIRST_FRAME] = frame
    records[at + FIRST_NS] = now
    records[at + LAST_NS] = now
    records[at + PLACE] = place
    records[at + BASE] = seq
    records[at + HIGHEST] = seq - 1
    records[at + STAMP] = stamp
    records[at + OTHER_RATE] = _other_rate(kind)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _number(
    records: cython.longlong[::1], at: cython.longlong, seq: cython.longlong, frame: cython.longlong
) -> cython.longlong:
    """Enter a sequence number (RFC 3550 §A.1): 0 it goes on, 1 it comes late, 2 it is a copy, 3 it is far away."""
    ahead: cython.longlong = _near(seq - records[at + HIGHEST], 16)
    if 0 < ahead < MAX_DROPOUT or not records[at + RECEIVED]:
        if ahead > 1 and records[at + RECEIVED] and ahead - 1 > records[at + LOST_RUN]:
            records[at + LOST_RUN] = ahead - 1
            records[at + LOST_FRAME] = frame
        records[at + SEEN] = ((records[at + SEEN] & (HISTORY_MASK >> ahead)) << ahead) | 1 if ahead < HISTORY else 1
        records[at + HIGHEST] += ahead
        records[at + RECEIVED] += 1
        records[at + BAD_SEQ] = 0
        return 0
    if -MAX_MISORDER < ahead <= 0:
        if -ahead < HISTORY:
            if records[at + SEEN] >> -ahead & 1:
                return 2
            records[at + SEEN] |= cython.cast(cython.longlong, 1) << -ahead
        records[at + RECEIVED] += 1
        if records[at + HIGHEST] + ahead < records[at + BASE]:
            records[at + BASE] = records[at + HIGHEST] + ahead
        return 1
    if records[at + BAD_SEQ] == seq + 1:
        # Two in a row: the sender began anew.
        records[at + LOST_BEFORE] += max(records[at + HIGHEST] - records[at + BASE] + 1 - records[at + RECEIVED], 0)
        records[at + RESTARTS] += 1
        records[at + BASE] = seq - 1  # the one before was of these
        records[at + HIGHEST] = seq
        records[at + SEEN] = 3
        records[at + RECEIVED] = 2
        records[at + BAD_SEQ] = 0
        return 0
    records[at + BAD_SEQ] = ((seq + 1) & 0xFFFF) + 1
    return 3


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _extension(
    records: cython.longlong[::1],
    at: cython.longlong,
    data: cython.const_uchar[::1],
    start: cython.longlong,
    stop: cython.longlong,
    profile: cython.longlong,
) -> cython.longlong:
    """Note which ids a header extension has (RFC 8285 §4.2, §4.3)."""
    element: cython.longlong
    found: cython.longlong = records[at + ELEMENTS]
    one: cython.longlong = cython.cast(cython.longlong, 1)
    wide: cython.longlong = 1 if profile >> 4 == TWO_BYTE else 0
    records[at + PROFILE] = profile + 1
    if profile != ONE_BYTE and not wide:
        return 0
    for _ in range(MAX_ELEMENTS):
        if start >= stop:
            break
        if data[start] == 0:  # padding
            start += 1
            continue
        if wide:
            if start + 1 >= stop:
                break
            element = data[start]
            start += 2 + data[start + 1]
        else:
            element = data[start] >> 4
            if element == 15:
                break
            start += 2 + (data[start] & 15)
        if start > stop:
            break
        if element < HISTORY:
            found |= one << element
    records[at + ELEMENTS] = found
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _count(
    records: cython.longlong[::1],
    at: cython.longlong,
    kind: cython.longlong,
    marker: cython.longlong,
    seq: cython.longlong,
    stamp: cython.longlong,
    wire: cython.longlong,
    frame: cython.longlong,
    now: cython.longlong,
    place: cython.longlong,
) -> cython.longlong:
    """Count a packet of the record at `at`: 1, unless it is a copy."""
    order: cython.longlong
    index: cython.longlong
    steps: cython.longlong
    drift: cython.longlong
    moved: cython.longlong
    gap: cython.longlong = now - records[at + LAST_NS]
    first: cython.longlong = 1 if records[at + PACKETS] == 0 else 0
    records[at + PACKETS] += 1
    records[at + BYTES] += wire
    records[at + LAST_FRAME] = frame
    if wire > records[at + LARGEST]:
        records[at + LARGEST] = wire
    for index in range(TYPES):
        order = at + TYPE + 4 * index
        if records[order] == 0:
            records[order] = kind
            records[order + 1] = frame
            records[order + 2] = now
            records[order + 3] = place
        if records[order] & 0xFF == kind:
            records[order] += 256
            break
    order = _number(records, at, seq, frame)
    if order == 2:
        records[at + COPIES] += 1
        if gap > 0:
            records[at + LAST_NS] = now
        return 0
    records[at + MARKERS] += marker
    if order == 1:
        records[at + LATE] += 1
    steps = _near(stamp - records[at + STAMP], 32)
    if not first and order != 3:
        if gap > records[at + SILENCE_NS]:
            records[at + SILENCE_NS] = gap
            records[at + SILENCE_FRAME] = frame
        # RFC 3550 §6.4.1 and §A.8, in ns for each clock that it may be.
        for index in range(RATES):
            moved = (steps if steps >= 0 else -steps) * SECOND_NS // _rate(index, records[at + OTHER_RATE])
            drift = gap - moved if steps >= 0 else gap + moved
            if drift < 0:
                drift = -drift
            if drift < 3600 * SECOND_NS:  # a clock that was set
                records[at + JITTER + index] += drift - ((records[at + JITTER + index] + 8) >> 4)
        if steps > -NEAR_STAMPS and gap >= 0:
            records[at + STAMPS] += steps
            records[at + STAMP_NS] += gap
    records[at + STAMP] = stamp
    if gap > 0:
        records[at + LAST_NS] = now
    return 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _packet(
    records: cython.longlong[::1],
    heads: cython.longlong[::1],
    counts: cython.longlong[::1],
    data: cython.const_uchar[::1],
    begin: cython.longlong,
    size: cython.longlong,
    wire: cython.longlong,
    key: cython.longlong,
    frame: cython.longlong,
    offset: cython.longlong,
    now: cython.longlong,
) -> cython.longlong:
    """What a datagram is that begins with the version of RTP: `size` bytes of it are in the capture, of `wire`."""
    first: cython.longlong = data[begin]
    kind: cython.longlong = data[begin + 1] & 0x7F
    marker: cython.longlong = data[begin + 1] >> 7
    header: cython.longlong = FIXED_BYTES + 4 * (first & 15)
    extended: cython.longlong = 0
    profile: cython.longlong = 0
    seq: cython.longlong
    stamp: cython.longlong
    ssrc: cython.longlong
    one: cython.longlong
    at: cython.longlong = 0
    flow: cython.longlong = key >> 1
    index: cython.longlong = -1
    last: cython.longlong = -1
    trials: cython.longlong = 0
    streams: cython.longlong = 0
    place: cython.longlong = offset << 32 | wire
    ahead: cython.longlong
    if 64 <= kind < 96 or kind == 19 or 20 <= kind <= 24 or kind == 27 or kind == 29 or kind == 30:
        return NOTHING  # RFC 5761 §4; RFC 3551 §6
    if first & 16:
        if size < header + 4:
            return NOTHING
        profile = (cython.cast(cython.longlong, data[begin + header]) << 8) | data[begin + header + 1]
        extended = 4 * ((cython.cast(cython.longlong, data[begin + header + 2]) << 8) | data[begin + header + 3])
        header += 4
    if header + extended > wire:
        return NOTHING
    seq = (cython.cast(cython.longlong, data[begin + 2]) << 8) | data[begin + 3]
    stamp = (
        (cython.cast(cython.longlong, data[begin + 4]) << 24)
        | (cython.cast(cython.longlong, data[begin + 5]) << 16)
        | (cython.cast(cython.longlong, data[begin + 6]) << 8)
        | data[begin + 7]
    )
    ssrc = (
        (cython.cast(cython.longlong, data[begin + 8]) << 24)
        | (cython.cast(cython.longlong, data[begin + 9]) << 16)
        | (cython.cast(cython.longlong, data[begin + 10]) << 8)
        | data[begin + 11]
    )
    one = heads[flow] & INDEX
    while one:  # a flow has a limited number of records
        at = RECORD * (one - 1)
        if records[at + KEY] == key:
            if records[at + SSRC] == ssrc:
                index = one - 1
                break
            if not records[at + STATE]:
                trials += 1
                last = one - 1  # the list begins with the latest
        streams += records[at + STATE]
        one = records[at + NEXT]
    if index < 0:
        # Numbers that nobody has drawn at random are hardly those of a stream.
        if ssrc == 0 and kind < 96:
            return NOTHING
        if streams >= counts[MOST_A_FLOW]:
            heads[flow] |= REFUSED
            return NOTHING
        if trials >= TRIALS:
            index = last
            _forget(records, heads, counts, index)
        elif counts[USED] < counts[MOST]:
            index = counts[USED]
            if RECORD * (index + 1) > len(records):
                return FULL
            counts[USED] += 1
        elif counts[OLDEST]:
            index = counts[OLDEST] - 1
            _forget(records, heads, counts, index)
        else:
            heads[flow] |= REFUSED
            return NOTHING
        at = RECORD * index
        records[at + KEY] = key
        records[at + SSRC] = ssrc
        records[at + STATE] = 0
        records[at + NEXT] = heads[flow] & INDEX
        heads[flow] = (heads[flow] & ~INDEX) | (index + 1)
        _add_trial(records, counts, index)
        _begin(records, at, frame, now, place, seq, stamp, kind)
    elif not records[at + STATE]:
        ahead = _near(seq - records[at + HIGHEST], 16)
        if (
            ahead > NEAR
            or ahead < -NEAR
            # Packets that only probe the path may come with a timestamp of 0.
            or (
                records[at + STAMP] != 0
                and stamp != 0
                and not -NEAR_STAMPS < _near(stamp - records[at + STAMP], 32) < NEAR_STAMPS
            )
            or now - records[at + LAST_NS] > TRIAL_NS
        ):
            _begin(records, at, frame, now, place, seq, stamp, kind)
    _count(records, at, kind, marker, seq, stamp, wire, frame, now, place)
    if (first & 15) > records[at + SOURCES]:
        records[at + SOURCES] = first & 15
    if first & 32:
        records[at + PADDED] += 1
    if first & 16 and header + extended <= size:
        _extension(records, at, data, begin + header, begin + header + extended, profile)
    if not records[at + STATE]:
        if records[at + PACKETS] - records[at + COPIES] < ENOUGH:
            return NOTHING
        records[at + STATE] = 1
        counts[STREAMS] += 1
        heads[flow] |= CONFIRMED
        _drop_trial(records, counts, index)
        return SHOWN
    return COUNTED if records[at + PACKETS] & (records[at + PACKETS] - 1) else SHOWN


# --- many rows, or one ------------------------------------------------------------------------------------------------


def walk_streams(
    row: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    first_frame: cython.longlong,
    part: cython.longlong,
    parts: cython.longlong,
    shared: cython.longlong,
    data: cython.const_uchar[::1],
    start: cython.const_longlong[::1],
    time_ns: cython.const_longlong[::1],
    transport: cython.const_uchar[::1],
    flow: cython.const_int[::1],
    sender: cython.const_uchar[::1],
    payload_at: cython.const_longlong[::1],
    payload_bytes: cython.const_int[::1],
    payload_wire: cython.const_int[::1],
    rows: cython.const_int[::1],
    out_rows: cython.int[::1],
    out_flags: cython.int[::1],
    heads: cython.longlong[::1],
    records: cython.longlong[::1],
    counts: cython.longlong[::1],
    aside: cython.longlong,
) -> int:
    """Go through rows [row, count) until the records are full: gives the row to go on with.

    `rows` are those listed before; those to visit go to `out_rows`.  `aside`: the rows lie outside the buffer of the
    batch, and what is known of their frames is not where in them they begin.
    """
    listed: cython.longlong
    number: cython.longlong
    verdict: cython.longlong
    begin: cython.longlong
    offset: cython.longlong
    limit: cython.longlong = len(rows)
    size: cython.longlong = len(data)
    with cython.nogil:
        while row < count:
            listed = 1 if counts[INPUT] < limit and rows[counts[INPUT]] == row else 0
            number = flow[row]
            if (
                transport[row] == 17
                and number >= 0
                and payload_bytes[row] > 0
                and (0 if number < shared else number % parts) == part
            ):
                begin = payload_at[row]
                verdict = NOTHING
                if (
                    payload_bytes[row] >= FIXED_BYTES
                    and begin >= 0
                    and begin + payload_bytes[row] <= size
                    and data[begin] >> 6 == 2
                ):
                    offset = 0 if aside else begin - start[row]
                    verdict = _packet(
                        records,
                        heads,
                        counts,
                        data,
                        begin,
                        payload_bytes[row],
                        max(cython.cast(cython.longlong, payload_wire[row]), payload_bytes[row]),
                        number << 1 | sender[row],
                        first_frame + row,
                        offset,
                        time_ns[row],
                    )
                    if verdict == FULL:
                        break
                out_flags[row] = 1 if verdict else 0
                if verdict == COUNTED:
                    counts[INPUT] += listed
                    row += 1
                    continue
                if verdict == SHOWN or heads[number] & CONFIRMED:
                    # What else comes with media is looked at, whatever was thought of the flow before.
                    out_rows[counts[OUTPUT]] = cython.cast(cython.int, row)
                    counts[OUTPUT] += 1
                    counts[INPUT] += listed
                    row += 1
                    continue
            if listed:
                out_rows[counts[OUTPUT]] = cython.cast(cython.int, row)
                counts[OUTPUT] += 1
                counts[INPUT] += 1
            row += 1
    return row


def take_one(
    data: cython.const_uchar[::1],
    start: cython.longlong,
    stop: cython.longlong,
    wire: cython.longlong,
    key: cython.longlong,
    frame: cython.longlong,
    offset: cython.longlong,
    now: cython.longlong,
    heads: cython.longlong[::1],
    records: cython.longlong[::1],
    counts: cython.longlong[::1],
) -> int:
    """`StreamTable.take`, once it is clear that there are 12 bytes; `FULL` where there is no record left."""
    return _packet(records, heads, counts, data, start, stop - start, wire, key, frame, offset, now)


# --- the table --------------------------------------------------------------------------------------------------------


class StreamTable:
    """Every stream of RTP in flows of UDP, or in one channel of datagrams."""

    def __init__(self, limits: Limits, heads: int = FIRST_HEADS) -> None:
        self._counts = np.zeros(COUNTS, np.int64)
        self._counts[MOST] = limits.media_total
        self._counts[MOST_A_FLOW] = limits.media_streams
        self._heads = np.zeros(heads, np.int64)
        self._records = np.zeros(RECORD * FIRST_RECORDS, np.int64)
        self._room = np.zeros(0, np.int32)

    @property
    def stream_count(self) -> int:
        return int(self._counts[STREAMS])

    def update(
        self,
        columns: Columns,
        batch: Batch,
        rows: NDArray[np.int32],
        flow_count: int,
        share: tuple[int, int, int],
    ) -> NDArray[np.int32]:
        """The rows of a batch to visit: those of `rows` that are no media, and samples of the media.

        Of these `flags` is 1.  `share` as in `FlowTable.share`.
        """
        count = batch.count
        if count > len(self._room):
            self._room = np.zeros(count, np.int32)
        if flow_count > len(self._heads):
            self._heads = _larger(self._heads, flow_count + flow_count // 2)
        self._counts[INPUT] = self._counts[OUTPUT] = 0
        row = 0
        for other in sorted(columns.side):
            if columns.transport[other] == 17:
                row = self._walk(columns, batch, rows, share, row, other, batch.data, 0)
                row = self._walk(columns, batch, rows, share, row, other + 1, columns.side[other].data, 1)
        self._walk(columns, batch, rows, share, row, count, batch.data, 0)
        return self._room[: int(self._counts[OUTPUT])]

    def _walk(
        self,
        columns: Columns,
        batch: Batch,
        rows: NDArray[np.int32],
        share: tuple[int, int, int],
        row: int,
        stop: int,
        data: bytes | bytearray,
        aside: int,
    ) -> int:
        """Go through the rows from `row` to `stop`, whose bytes are in `data`; gives `stop`."""
        while row < stop:
            row = walk_streams(
                row,
                stop,
                batch.first_frame,
                share[0],
                share[1],
                share[2],
                memoryview(data),
                _view(batch.start),
                _view(batch.time_ns),
                _view(columns.transport),
                _view(columns.flow),
                _view(columns.sender),
                _view(columns.payload_at),
                _view(columns.payload_bytes),
                _view(columns.payload_wire),
                _view(rows),
                _view(self._room),
                _view(columns.flags),
                _view(self._heads),
                _view(self._records),
                _view(self._counts),
                aside,
            )
            if row < stop:
                self._records = _larger(self._records, 2 * len(self._records))
        return stop

    def take(
        self,
        data: bytes,
        start: int,
        stop: int,
        wire: int,
        flow: int,
        sender: int,
        frame: int,
        offset: int,
        time_ns: int,
    ) -> int:
        """One of `Verdict` for the datagram from `start` to `stop`, of `wire` bytes, `offset` into its frame."""
        if stop - start < FIXED_BYTES or data[start] >> 6 != 2:
            return Verdict.NOTHING
        while True:
            verdict = take_one(
                memoryview(data),
                start,
                stop,
                max(wire, stop - start),
                flow << 1 | sender,
                frame,
                offset,
                time_ns,
                _view(self._heads),
                _view(self._records),
                _view(self._counts),
            )
            if verdict != FULL:
                return verdict
            self._records = _larger(self._records, 2 * len(self._records))

    def carries(self, flow: int) -> bool:
        """Whether a flow has streams."""
        return flow < len(self._heads) and bool(int(self._heads[flow]) & CONFIRMED)

    def refused(self, flow: int) -> bool:
        """Whether streams of a flow were not followed, as there were too many."""
        return flow < len(self._heads) and bool(int(self._heads[flow]) & REFUSED)

    def streams(self, flow: int) -> list[MediaStream]:
        """The streams of a flow, in the order of their first packets.

        Beside those of the same sender, two packets in a row are one, too: media often begin on a path that they leave.
        """
        found: list[MediaStream] = []
        one = int(self._heads[flow]) & INDEX if flow < len(self._heads) else 0
        short: list[MediaStream] = []
        while one:
            at = RECORD * (one - 1)
            record = [int(word) for word in self._records[at : at + RECORD]]
            if record[STATE]:
                found.append(_summary(record))
            elif record[PACKETS] - record[COPIES] >= FEW and record[HIGHEST] - record[BASE] + 1 == record[RECEIVED]:
                short.append(_summary(record))
            one = record[NEXT]
        if short:
            senders = {stream.sender for stream in found}
            found.extend(stream for stream in short if stream.sender in senders)
        found.sort(key=lambda stream: (stream.first_frame, stream.ssrc))
        return found


def _summary(record: list[int]) -> MediaStream:
    """A record in words for others."""
    types: list[MediaType] = []
    for index in range(TYPES):
        at = TYPE + 4 * index
        packets, place = record[at] >> 8, record[at + 3]
        if packets:
            kind = record[at] & 0xFF
            types.append(MediaType(kind, packets, record[at + 1], place >> 32, place & 0xFFFFFFFF, record[at + 2]))
    expected = record[HIGHEST] - record[BASE] + 1
    clocks = (*CLOCKS[:4], record[OTHER_RATE])
    return MediaStream(
        sender=record[KEY] & 1,
        ssrc=record[SSRC],
        types=tuple(types),
        packets=record[PACKETS],
        copies=record[COPIES],
        late=record[LATE],
        lost=record[LOST_BEFORE] + max(expected - record[RECEIVED], 0),
        lost_run=record[LOST_RUN],
        lost_frame=record[LOST_FRAME],
        restarts=record[RESTARTS],
        bytes=record[BYTES],
        largest=record[LARGEST],
        first_frame=record[FIRST_FRAME],
        last_frame=record[LAST_FRAME],
        first_ns=record[FIRST_NS],
        last_ns=record[LAST_NS],
        first_at=record[PLACE] >> 32,
        first_bytes=record[PLACE] & 0xFFFFFFFF,
        first_seq=record[BASE] & 0xFFFF,
        last_seq=record[HIGHEST] & 0xFFFF,
        stamps=record[STAMPS],
        stamps_ns=record[STAMP_NS],
        jitters=tuple((rate, record[JITTER + index] >> 4) for index, rate in enumerate(clocks)),
        silence_ns=record[SILENCE_NS],
        silence_frame=record[SILENCE_FRAME],
        markers=record[MARKERS],
        padded=record[PADDED],
        sources=record[SOURCES],
        extension=record[PROFILE] - 1 if record[PROFILE] else None,
        extension_ids=tuple(number for number in range(HISTORY) if record[ELEMENTS] >> number & 1),
    )


def _view(array: NDArray[Any]) -> Any:
    """A view whose elements are integers without a width, as the interpreted form needs."""
    return memoryview(array)  # type: ignore[arg-type, unused-ignore]


def _larger(array: NDArray[Any], size: int) -> NDArray[Any]:
    larger = np.zeros(size, array.dtype)
    larger[: len(array)] = array
    return larger
