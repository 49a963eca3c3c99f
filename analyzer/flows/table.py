"""The flow table: which conversation each packet belongs to, and what TCP is doing there, in one pass over the columns.

This source is compiled by Cython as it stands and gives the same rows uncompiled.  Nothing is allocated for a packet.
A flow is a few numbers in tables that grow as flows appear: its addresses and counts for each, and a state of TCP for
those that are TCP.  TCP, UDP and SCTP make flows; ICMP does not, its errors are joined to the flow they quote.

Who opened a flow: the sender of the SYN, or the one to whom the SYN-ACK goes.  Without either it is the sender of the
first packet, unless that one comes from a port below 1024 and goes to one above.

Inside, a side is 0 or 1 by the order of addresses and ports; `sender` in the columns is 0 for the initiator.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzer.core import Limits, TcpSummary
from analyzer.flows.streams import StreamTable

try:
    import cython
except ImportError:
    from analyzer import shadow as cython  # type: ignore[no-redef, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from analyzer.core import Batch
    from analyzer.decode.columns import Columns

# --- numbers ----------------------------------------------------------------------------------------------------------
# Typed, and so not visible to Python once compiled: what others need stands further down as `Final`.

M32 = cython.declare(cython.longlong, 0xFFFFFFFF)
M64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
MIX = cython.declare(cython.ulonglong, 0x2545F4914F6CDD1D)
MIX_32 = cython.declare(cython.longlong, 0x1E3779B1)

# TCP flags, RFC 9293 §3.1
FIN = cython.declare(cython.longlong, 0x01)
SYN = cython.declare(cython.longlong, 0x02)
RST = cython.declare(cython.longlong, 0x04)
ACK = cython.declare(cython.longlong, 0x10)

# Bits of core.Event; a test holds them to it.
E_NEW_FLOW = cython.declare(cython.longlong, 1 << 0)
E_SYN = cython.declare(cython.longlong, 1 << 1)
E_SYN_ACK = cython.declare(cython.longlong, 1 << 2)
E_HANDSHAKE_ACK = cython.declare(cython.longlong, 1 << 3)
E_SYN_AGAIN = cython.declare(cython.longlong, 1 << 4)
E_SYN_ACK_AGAIN = cython.declare(cython.longlong, 1 << 5)
E_SYN_OTHER = cython.declare(cython.longlong, 1 << 6)
E_FIN = cython.declare(cython.longlong, 1 << 7)
E_RST = cython.declare(cython.longlong, 1 << 8)
E_RETRANSMISSION = cython.declare(cython.longlong, 1 << 9)
E_OUT_OF_ORDER = cython.declare(cython.longlong, 1 << 10)
E_DUPLICATE = cython.declare(cython.longlong, 1 << 11)
E_FAST_RETRANSMISSION = cython.declare(cython.longlong, 1 << 12)
E_HOLE = cython.declare(cython.longlong, 1 << 13)
E_ACK_UNSEEN = cython.declare(cython.longlong, 1 << 14)
E_KEEP_ALIVE = cython.declare(cython.longlong, 1 << 15)
E_KEEP_ALIVE_ACK = cython.declare(cython.longlong, 1 << 16)
E_ZERO_WINDOW = cython.declare(cython.longlong, 1 << 17)
E_WINDOW_PROBE = cython.declare(cython.longlong, 1 << 18)
E_WINDOW_OPEN = cython.declare(cython.longlong, 1 << 19)
E_DSACK = cython.declare(cython.longlong, 1 << 20)
E_FIRST_PAYLOAD = cython.declare(cython.longlong, 1 << 21)
E_AFTER_FIN = cython.declare(cython.longlong, 1 << 22)
E_AFTER_RST = cython.declare(cython.longlong, 1 << 23)
E_BARE_ACK_TO_SYN = cython.declare(cython.longlong, 1 << 24)
E_SYN_DATA = cython.declare(cython.longlong, 1 << 26)
E_DUPLICATE_ACK = cython.declare(cython.longlong, 1 << 27)
E_FIN_AGAIN = cython.declare(cython.longlong, 1 << 28)
E_AFTER_IDLE = cython.declare(cython.longlong, 1 << 29)
E_RELEASED = cython.declare(cython.longlong, 1 << 30)
#: Not an event: reassembly should hear of this row, as it may settle what became of a hole.
E_VISIT = cython.declare(cython.longlong, 1 << 32)

# Bits of columns.Option
O_MSS = cython.declare(cython.longlong, 1)
O_WINDOW_SCALE = cython.declare(cython.longlong, 2)
O_SACK_PERMITTED = cython.declare(cython.longlong, 4)
O_TIMESTAMPS = cython.declare(cython.longlong, 16)

#: Nothing sent for this long: what comes next ends a silence.
IDLE_NS = cython.declare(cython.longlong, 30_000_000_000)
#: A SYN of another number after this long is another attempt, whatever became of the first.
REUSE_NS = cython.declare(cython.longlong, 60_000_000_000)
#: Two copies of one packet are no further apart: by the same IP identification, or without one to compare.
COPY_US = cython.declare(cython.longlong, 100_000)
COPY_BLIND_US = cython.declare(cython.longlong, 1_000)
#: A hole filled within this time, or within the initial round trip if that is longer, was reordering.
REORDER_US = cython.declare(cython.longlong, 3_000)
#: Identifications of one sender this far apart tell which packet was sent first.
NEAR_IDS = cython.declare(cython.longlong, 1024)
#: An ACK this much later than a round trip was held back (RFC 9293 §3.8.6.3 allows 500 ms); more is something else.
HELD_US = cython.declare(cython.longlong, 20_000)
HELD_MOST_US = cython.declare(cython.longlong, 600_000)
#: Data this soon after an ACK had waited for it.
RELEASED_US = cython.declare(cython.longlong, 2_000)
#: What is smaller than this is small, where no MSS is known.
SMALL_BYTES = cython.declare(cython.longlong, 1200)
#: Numbers further away than this belong to another connection: the state follows them, and counts nothing lost.
JUMP = cython.declare(cython.longlong, 1 << 28)
#: Rows that still go to reassembly after the peer acknowledged past a hole.
WATCH_ROWS = cython.declare(cython.longlong, 4)
#: An ACK seen before the SYN-ACK can only be among the first packets.
EARLY_PACKETS = cython.declare(cython.longlong, 6)
#: No Ethernet carries a longer frame: 9,000 bytes of payload, header and check sequence.
JUMBO_BYTES = cython.declare(cython.longlong, 9018)
FAST_DUPLICATES = cython.declare(cython.longlong, 3)  # RFC 5681 §3.2

# --- one flow: FLOW numbers in `flows`, four in `keys` (addresses of side 0, then side 1, upper half first) ----------

PORTS = cython.declare(cython.longlong, 0)  # port of side 0, port of side 1 << 16, transport << 32, version << 40
FIRST_NS = cython.declare(cython.longlong, 1)
LAST_NS = cython.declare(cython.longlong, 2)
FIRST_FRAME = cython.declare(cython.longlong, 3)
LAST_FRAME = cython.declare(cython.longlong, 4)
PACKETS = cython.declare(cython.longlong, 5)  # and of side 1
BYTES = cython.declare(cython.longlong, 7)  # and of side 1
TCP = cython.declare(cython.longlong, 9)  # index of its TCP state, -1: none
BITS = cython.declare(cython.longlong, 10)  # 1: side 1 is the initiator; 2, 4: payload of side 0, 1 is wanted
SKIP = cython.declare(cython.longlong, 11)  # and of side 1: 1 << 32 | sequence number where looking goes on; 0: here
FLOW = cython.declare(cython.longlong, 13)

# --- its TCP state: WORDS 32-bit numbers in `words`, of which SIDE for each side come first ------------------------

NEXT = cython.declare(cython.longlong, 0)  # sequence number expected next
FIRST = cython.declare(cython.longlong, 1)  # of the first byte seen
ACKED = cython.declare(cython.longlong, 2)  # the highest acknowledgement this side sent
WINDOW = cython.declare(cython.longlong, 3)  # as last sent, not scaled
STATE = cython.declare(cython.longlong, 4)  # bits, see below
END = cython.declare(cython.longlong, 5)  # sequence number of the FIN
AGAIN = cython.declare(cython.longlong, 6)  # retransmissions
LATE = cython.declare(cython.longlong, 7)  # out of order
COPIES = cython.declare(cython.longlong, 8)
ZEROS = cython.declare(cython.longlong, 9)  # runs of zero windows
DUPLICATE_ACKS = cython.declare(cython.longlong, 10)
RUN = cython.declare(cython.longlong, 11)  # duplicate ACKs in a row
LARGEST = cython.declare(cython.longlong, 12)  # payload
MSS = cython.declare(cython.longlong, 13)
SCALE = cython.declare(cython.longlong, 14)
LAST_ID = cython.declare(cython.longlong, 15)  # IP identification of the last new data, + 1
HOLES = cython.declare(cython.longlong, 16)  # how many of the four
WATCH = cython.declare(cython.longlong, 17)  # rows that reassembly still has to hear of
GAPS = cython.declare(cython.longlong, 18)  # holes acknowledged by the peer
HOLE = cython.declare(cython.longlong, 19)  # four times start, stop, time of sight in µs
SEEN = cython.declare(cython.longlong, 31)  # three times a digest of a packet, its time in µs
SENT_AT = cython.declare(cython.longlong, 37)  # time in µs of its last new data
HELD = cython.declare(cython.longlong, 38)  # how long in µs the ACK of its last small segment took, if too long
HELD_AT = cython.declare(cython.longlong, 39)  # when that ACK came
STALLS = cython.declare(cython.longlong, 40)  # times that its next data came at once after such an ACK
STALL_US = cython.declare(cython.longlong, 41)  # what they cost
SIDE = cython.declare(cython.longlong, 42)
SYN_SEQ = cython.declare(cython.longlong, 84)  # the first SYN of side 0, of side 1
SYN_BYTES = cython.declare(cython.longlong, 86)  # its payload, likewise
OTHER_SEQ = cython.declare(cython.longlong, 88)  # the latest SYN of another number
EARLY_SEQ = cython.declare(cython.longlong, 89)  # an ACK seen before any SYN-ACK
EARLY_ACK = cython.declare(cython.longlong, 90)
BEST = cython.declare(cython.longlong, 91)  # the SYN-ACK that was answered, from 1; 0: none yet
STAGE = cython.declare(cython.longlong, 92)  # bits, see below
OFFERS = cython.declare(cython.longlong, 93)  # SYN-ACKs of different numbers, at most four
OFFER = cython.declare(cython.longlong, 94)  # four times seq, ack, payload, side
SYNS_AGAIN = cython.declare(cython.longlong, 110)
SYN_ACKS_AGAIN = cython.declare(cython.longlong, 111)
WORDS = cython.declare(cython.longlong, 112)

# --- and LONGS 64-bit numbers in `longs` --------------------------------------------------------------------------

PAYLOAD = cython.declare(cython.longlong, 0)  # of side 0, of side 1
LOST = cython.declare(cython.longlong, 2)
SYN_FRAME = cython.declare(cython.longlong, 4)
SYN_NS = cython.declare(cython.longlong, 6)
SYN_LAST_NS = cython.declare(cython.longlong, 8)
OTHER_NS = cython.declare(cython.longlong, 10)
EARLY_FRAME = cython.declare(cython.longlong, 11)
EARLY_NS = cython.declare(cython.longlong, 12)
ACK_FRAME = cython.declare(cython.longlong, 13)
ACK_NS = cython.declare(cython.longlong, 14)
RTT = cython.declare(cython.longlong, 15)  # initial round trip in ns, -1: not known
HISTORY = cython.declare(
    cython.longlong, 16
)  # three numbers of twelve letters, lowest bits first: letter and side << 4
OFFER_FRAME = cython.declare(cython.longlong, 19)  # four times frame, time, time of the SYN it answers (-1: none)
LONGS = cython.declare(cython.longlong, 31)

# bits of STATE
KNOWN = cython.declare(cython.longlong, 1 << 0)  # NEXT and FIRST hold
GUESSED = cython.declare(cython.longlong, 1 << 1)  # but come from what the peer acknowledged
ACKS = cython.declare(cython.longlong, 1 << 2)  # ACKED holds
ENDED = cython.declare(cython.longlong, 1 << 3)  # FIN seen
RESET = cython.declare(cython.longlong, 1 << 4)  # RST seen
ZERO = cython.declare(cython.longlong, 1 << 5)  # in a run of zero windows
ASKED = cython.declare(cython.longlong, 1 << 6)  # its last segment was a keep-alive
PROBED = cython.declare(cython.longlong, 1 << 7)  # or a window probe
DATA = cython.declare(cython.longlong, 1 << 8)  # payload seen
SACK = cython.declare(cython.longlong, 1 << 9)
STAMPS = cython.declare(cython.longlong, 1 << 10)
SCALES = cython.declare(cython.longlong, 1 << 11)
SYN_SEEN = cython.declare(cython.longlong, 1 << 12)
SYN_ACK_SEEN = cython.declare(cython.longlong, 1 << 13)
SMALL = cython.declare(cython.longlong, 1 << 14)  # its last new data did not fill a segment
LETTERS = cython.declare(cython.longlong, 16)  # from this bit on: letters of the history already written

# bits of STAGE
DONE = cython.declare(cython.longlong, 1 << 0)  # handshake complete
OTHER = cython.declare(cython.longlong, 1 << 1)  # OTHER_SEQ holds
OTHER_SIDE = cython.declare(cython.longlong, 1 << 2)
EARLY = cython.declare(cython.longlong, 1 << 3)  # EARLY_* hold
EARLY_SIDE = cython.declare(cython.longlong, 1 << 4)
BROKEN = cython.declare(cython.longlong, 1 << 5)  # ended by a RST

# letters of the history, in the order of HISTORY_LETTERS
L_SYN = cython.declare(cython.longlong, 1)
L_SYN_ACK = cython.declare(cython.longlong, 2)
L_ACK = cython.declare(cython.longlong, 3)
L_DATA = cython.declare(cython.longlong, 4)
L_FIN = cython.declare(cython.longlong, 5)
L_RST = cython.declare(cython.longlong, 6)
L_ODD = cython.declare(cython.longlong, 7)
L_MULTI = cython.declare(cython.longlong, 8)
L_AGAIN = cython.declare(cython.longlong, 9)
L_ZERO = cython.declare(cython.longlong, 10)
L_GAP = cython.declare(cython.longlong, 11)
L_FLIP = cython.declare(cython.longlong, 12)
LETTERS_A_NUMBER = cython.declare(cython.longlong, 12)
HISTORY_NUMBERS = cython.declare(cython.longlong, 3)

# what `walk_rows` counts
FLOWS = cython.declare(cython.longlong, 0)
STATES = cython.declare(cython.longlong, 1)
LISTED = cython.declare(cython.longlong, 2)
REFUSED = cython.declare(cython.longlong, 3)
ICMPS = cython.declare(cython.longlong, 4)
OVERSIZE = cython.declare(cython.longlong, 5)
# and what it is told: which flows are looked into (`FlowTable.share`)
PART = cython.declare(cython.longlong, 6)
PARTS = cython.declare(cython.longlong, 7)
SHARED = cython.declare(cython.longlong, 8)

#: Version, transport, and (address bits 127 to 64, 63 to 0, port) of both ends.
Ends = tuple[int, int, tuple[int, int, int], tuple[int, int, int]]
#: First and last frame, first and last time, packets and bytes by sender.
Counts = tuple[int, int, int, int, tuple[int, int], tuple[int, int]]
#: row, flow, transport, sender, flags, events, payload in the capture and on the wire, seq, ack, window, ttl, ip_id,
#: offset of header, payload and frame in the buffer, time in ns
Visit = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int]
HISTORY_LETTERS: Final = " shadfriqtwg^"
FIRST_FLOWS: Final = 256
#: ICMP types that report an error and quote the packet (RFC 792; RFC 4443 §2.1: those below 128)
ICMP_ERRORS: Final = frozenset({3, 4, 5, 11, 12})
ICMPV6_ERRORS: Final = frozenset({1, 2, 3, 4})


# --- arithmetic -------------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _ahead(seq: cython.longlong, than: cython.longlong) -> cython.longlong:
    """How far `seq` lies ahead of `than`, modulo 2^32 (RFC 9293 §3.4)."""
    return ((seq - than + HALF) & M32) - HALF


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _digest(
    seed: cython.ulonglong,
    high: cython.ulonglong,
    low: cython.ulonglong,
    other_high: cython.ulonglong,
    other_low: cython.ulonglong,
    ports: cython.ulonglong,
) -> cython.ulonglong:
    value: cython.ulonglong
    value = ((seed ^ high) * MIX) & M64
    value = (((value ^ (value >> 29)) ^ low) * MIX) & M64
    value = (((value ^ (value >> 31)) ^ other_high) * MIX) & M64
    value = (((value ^ (value >> 30)) ^ other_low) * MIX) & M64
    value = (((value ^ (value >> 29)) ^ ports) * MIX) & M64
    return value ^ (value >> 32)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _slot(
    slots: cython.int[::1],
    keys: cython.const_ulonglong[::1],
    flows: cython.const_longlong[::1],
    digest: cython.ulonglong,
    high: cython.ulonglong,
    low: cython.ulonglong,
    other_high: cython.ulonglong,
    other_low: cython.ulonglong,
    ports: cython.longlong,
) -> cython.longlong:
    """The slot of the flow with this key, or the empty one where it belongs (a slot holds flow + 1)."""
    last: cython.longlong = len(slots) - 1
    slot: cython.longlong = cython.cast(cython.longlong, digest & cython.cast(cython.ulonglong, last))
    flow: cython.longlong
    while slots[slot] != 0:  # half of the slots are empty
        flow = slots[slot] - 1
        if (
            keys[4 * flow + 1] == low
            and keys[4 * flow + 3] == other_low
            and flows[FLOW * flow + PORTS] == ports
            and keys[4 * flow] == high
            and keys[4 * flow + 2] == other_high
        ):
            break
        slot = (slot + 1) & last
    return slot


def fill_slots(
    slots: cython.int[::1],
    keys: cython.const_ulonglong[::1],
    flows: cython.const_longlong[::1],
    seed: cython.ulonglong,
    count: cython.longlong,
) -> None:
    """Enter flows [0, count) into `slots`, later ones in place of earlier ones where a port was used again."""
    flow: cython.longlong
    ports: cython.longlong
    slot: cython.longlong
    digest: cython.ulonglong
    for flow in range(count):
        ports = flows[FLOW * flow + PORTS]
        digest = _digest(
            seed,
            keys[4 * flow],
            keys[4 * flow + 1],
            keys[4 * flow + 2],
            keys[4 * flow + 3],
            cython.cast(cython.ulonglong, ports),
        )
        slot = _slot(
            slots,
            keys,
            flows,
            digest,
            keys[4 * flow],
            keys[4 * flow + 1],
            keys[4 * flow + 2],
            keys[4 * flow + 3],
            ports,
        )
        slots[slot] = cython.cast(cython.int, flow + 1)


# --- TCP --------------------------------------------------------------------------------------------------------------


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _letter(
    longs: cython.longlong[::1], at: cython.longlong, letter: cython.longlong, side: cython.longlong
) -> cython.longlong:
    """Add a letter to the history, if there is room."""
    number: cython.longlong
    place: cython.longlong
    held: cython.longlong
    for number in range(HISTORY_NUMBERS):
        held = longs[at + HISTORY + number]
        if held >> (5 * (LETTERS_A_NUMBER - 1)):
            continue
        place = 0
        while held >> (5 * place):
            place += 1
        longs[at + HISTORY + number] = held | ((letter | (side << 4)) << (5 * place))
        return 1
    return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def _is_round(count: cython.longlong) -> cython.longlong:
    """Whether `count` is a power of ten: how often the history repeats a letter."""
    while count >= 10 and count % 10 == 0:
        count //= 10
    return 1 if count == 1 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _copied(
    words: cython.uint[::1],
    x: cython.longlong,
    digest: cython.longlong,
    clock: cython.longlong,
    within: cython.longlong,
) -> cython.longlong:
    """Whether one of the last packets of this side was the same."""
    index: cython.longlong
    for index in range(3):
        if words[x + SEEN + 2 * index] == digest and ((clock - words[x + SEEN + 2 * index + 1]) & M32) <= within:
            return 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _open_hole(
    words: cython.uint[::1], x: cython.longlong, start: cython.longlong, stop: cython.longlong, clock: cython.longlong
) -> cython.longlong:
    """Remember that bytes `start` to `stop` are missing; of more than four holes the oldest is forgotten."""
    index: cython.longlong
    count: cython.longlong = words[x + HOLES]
    if count == 4:
        for index in range(9):
            words[x + HOLE + index] = words[x + HOLE + index + 3]
        count = 3
    words[x + HOLE + 3 * count] = cython.cast(cython.uint, start)
    words[x + HOLE + 3 * count + 1] = cython.cast(cython.uint, stop)
    words[x + HOLE + 3 * count + 2] = cython.cast(cython.uint, clock)
    words[x + HOLES] = cython.cast(cython.uint, count + 1)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _close_hole(words: cython.uint[::1], x: cython.longlong, index: cython.longlong) -> cython.longlong:
    word: cython.longlong
    count: cython.longlong = words[x + HOLES]
    for word in range(3 * index, 3 * (count - 1)):
        words[x + HOLE + word] = words[x + HOLE + word + 3]
    words[x + HOLES] = cython.cast(cython.uint, count - 1)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _fill(
    words: cython.uint[::1],
    x: cython.longlong,
    seq: cython.longlong,
    stop: cython.longlong,
    clock: cython.longlong,
) -> cython.longlong:
    """Take bytes `seq` to `stop` out of the holes: how many, and << 32 the age in µs of the youngest hole; 0: none."""
    index: cython.longlong = 0
    start: cython.longlong
    end: cython.longlong
    low: cython.longlong
    high: cython.longlong
    taken: cython.longlong = 0
    seen: cython.longlong
    since: cython.longlong
    age: cython.longlong = M32 >> 1
    while index < words[x + HOLES]:  # each turn goes on to the next or closes one; a split adds one behind
        start = words[x + HOLE + 3 * index]
        end = words[x + HOLE + 3 * index + 1]
        low = max(_ahead(start, seq), 0)
        high = _ahead(end if _ahead(end, stop) < 0 else stop, seq)
        if high <= low:
            index += 1
            continue
        low = (seq + low) & M32
        high = (seq + high) & M32
        seen = words[x + HOLE + 3 * index + 2]
        taken += _ahead(high, low)
        since = (clock - seen) & M32
        if since >> 31:  # the clock of the capture went back
            since = 0
        if since < age:
            age = since
        if low == start and high == end:
            _close_hole(words, x, index)
        elif low == start:
            words[x + HOLE + 3 * index] = cython.cast(cython.uint, high)
            index += 1
        else:
            words[x + HOLE + 3 * index + 1] = cython.cast(cython.uint, low)
            if high != end:
                _open_hole(words, x, high, end, seen)
            index += 1
    return taken | (age << 32) if taken else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _answers(
    words: cython.const_uint[::1], base: cython.longlong, offer: cython.longlong, lenient: cython.longlong
) -> cython.longlong:
    """Whether a SYN-ACK answers a SYN: 1 the first one of its peer, 2 the other one, 0 neither.

    `lenient`: 1 also where there is no SYN to compare with, because the capture began later.
    """
    peer: cython.longlong = 1 - words[base + OFFER + 4 * offer + 3]
    ack: cython.longlong = words[base + OFFER + 4 * offer + 1]
    stage: cython.longlong = words[base + STAGE]
    if not words[base + peer * SIDE + STATE] & SYN_SEEN:
        return lenient
    # Data in the SYN may be acknowledged with it or not, RFC 7413 §4.2.
    if 0 < _ahead(ack, words[base + SYN_SEQ + peer]) <= 1 + words[base + SYN_BYTES + peer]:
        return 1
    if stage & OTHER and (1 if stage & OTHER_SIDE else 0) == peer and _ahead(ack, words[base + OTHER_SEQ]) == 1:
        return 2
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _match_syn(
    words: cython.const_uint[::1],
    longs: cython.longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    offer: cython.longlong,
) -> cython.longlong:
    """Note which SYN a SYN-ACK answers, unless that is known, and with that the initial round trip."""
    which: cython.longlong
    peer: cython.longlong = 1 - words[base + OFFER + 4 * offer + 3]
    if longs[at + OFFER_FRAME + 3 * offer + 2] < 0:
        which = _answers(words, base, offer, 0)
        if which == 1:
            longs[at + OFFER_FRAME + 3 * offer + 2] = longs[at + SYN_LAST_NS + peer]
        elif which == 2:
            longs[at + OFFER_FRAME + 3 * offer + 2] = longs[at + OTHER_NS]
    if words[base + BEST] == offer + 1 and longs[at + OFFER_FRAME + 3 * offer + 2] >= 0:
        longs[at + RTT] = longs[at + ACK_NS] - longs[at + OFFER_FRAME + 3 * offer + 2]
        if longs[at + RTT] < 0:
            longs[at + RTT] = 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _complete(
    words: cython.uint[::1],
    longs: cython.longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    side: cython.longlong,
    initiator: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
    seq: cython.longlong,
    ack: cython.longlong,
) -> cython.longlong:
    """Whether an ACK of `side` answers a SYN-ACK that answers a SYN: the handshake is complete, once.

    Where both ends sent a SYN-ACK (simultaneous open), the responder's counts, even if the other was answered first.
    """
    offer: cython.longlong
    fresh: cython.longlong
    of_side: cython.longlong
    size: cython.longlong
    for offer in range(words[base + OFFERS]):
        of_side = words[base + OFFER + 4 * offer + 3]
        size = _ahead(ack, words[base + OFFER + 4 * offer])
        if (
            of_side == side
            or seq != words[base + OFFER + 4 * offer + 1]
            # Data in the SYN-ACK is acknowledged with it, or later.
            or (size != 1 and size != 1 + words[base + OFFER + 4 * offer + 2])
            or not _answers(words, base, offer, 1)
        ):
            continue
        fresh = 0 if words[base + STAGE] & DONE else 1
        if not fresh and of_side == initiator:
            return 0
        words[base + STAGE] |= cython.cast(cython.uint, DONE)
        words[base + BEST] = cython.cast(cython.uint, offer + 1)
        longs[at + ACK_FRAME] = frame
        longs[at + ACK_NS] = time
        _match_syn(words, longs, base, at, offer)
        # Of several SYN-ACKs, this is the one whose numbers count.
        if not words[base + of_side * SIDE + STATE] & (DATA | ENDED):
            words[base + of_side * SIDE + NEXT] = cython.cast(cython.uint, ack)
            words[base + of_side * SIDE + FIRST] = cython.cast(cython.uint, ack)
        return fresh
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _opening(
    words: cython.uint[::1],
    longs: cython.longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    side: cython.longlong,
    initiator: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
    flags: cython.longlong,
    seq: cython.longlong,
    ack: cython.longlong,
    wire: cython.longlong,
    options: cython.longlong,
    mss: cython.longlong,
    scale: cython.longlong,
) -> cython.longlong:
    """The events of a SYN or SYN-ACK."""
    x: cython.longlong = base + side * SIDE
    y: cython.longlong = base + (1 - side) * SIDE
    state: cython.longlong = words[x + STATE]
    events: cython.longlong = 0
    offer: cython.longlong
    count: cython.longlong = words[base + OFFERS]
    following: cython.longlong = (seq + 1 + wire) & M32
    if not flags & ACK:
        if not state & SYN_SEEN:
            events = E_SYN
            state |= SYN_SEEN
            words[base + SYN_SEQ + side] = cython.cast(cython.uint, seq)
            words[base + SYN_BYTES + side] = cython.cast(cython.uint, wire)
            longs[at + SYN_FRAME + side] = frame
            longs[at + SYN_NS + side] = time
            longs[at + SYN_LAST_NS + side] = time
            words[x + STATE] = cython.cast(cython.uint, state)
            for offer in range(count):  # those captured before it
                _match_syn(words, longs, base, at, offer)
        elif words[base + SYN_SEQ + side] == seq:
            events = E_SYN_AGAIN
            words[base + SYNS_AGAIN] += 1
            longs[at + SYN_LAST_NS + side] = time
            # Refused and tried again with the same number, as Windows does: the attempt goes on.
            state &= ~RESET
            words[y + STATE] &= cython.cast(cython.uint, ~RESET & M32)
            words[base + STAGE] &= cython.cast(cython.uint, ~BROKEN & M32)
        else:
            events = E_SYN_OTHER
            words[base + OTHER_SEQ] = cython.cast(cython.uint, seq)
            longs[at + OTHER_NS] = time
            words[base + STAGE] &= cython.cast(cython.uint, ~OTHER_SIDE & M32)
            words[base + STAGE] |= cython.cast(cython.uint, OTHER | (OTHER_SIDE if side else 0))
    else:
        for offer in range(count):
            if (
                words[base + OFFER + 4 * offer] == seq
                and words[base + OFFER + 4 * offer + 1] == ack
                and words[base + OFFER + 4 * offer + 3] == side
            ):
                events = E_SYN_ACK_AGAIN
                words[base + SYN_ACKS_AGAIN] += 1
                break
        if events == 0:
            events = E_SYN_OTHER if state & SYN_ACK_SEEN else E_SYN_ACK
            state |= SYN_ACK_SEEN
            if count < 4:
                words[base + OFFERS] = cython.cast(cython.uint, count + 1)
                words[base + OFFER + 4 * count] = cython.cast(cython.uint, seq)
                words[base + OFFER + 4 * count + 1] = cython.cast(cython.uint, ack)
                words[base + OFFER + 4 * count + 2] = cython.cast(cython.uint, wire)
                words[base + OFFER + 4 * count + 3] = cython.cast(cython.uint, side)
                longs[at + OFFER_FRAME + 3 * count] = frame
                longs[at + OFFER_FRAME + 3 * count + 1] = time
                longs[at + OFFER_FRAME + 3 * count + 2] = -1
                _match_syn(words, longs, base, at, count)
                if words[base + STAGE] & EARLY and (
                    _complete(
                        words,
                        longs,
                        base,
                        at,
                        1 if words[base + STAGE] & EARLY_SIDE else 0,
                        initiator,
                        longs[at + EARLY_FRAME],
                        longs[at + EARLY_NS],
                        words[base + EARLY_SEQ],
                        words[base + EARLY_ACK],
                    )
                ):
                    events |= E_HANDSHAKE_ACK
            if not words[base + STAGE] & DONE:
                words[x + ACKED] = cython.cast(cython.uint, ack)
                state |= ACKS
    if options & O_MSS:
        words[x + MSS] = cython.cast(cython.uint, mss)
    if options & O_WINDOW_SCALE:
        words[x + SCALE] = cython.cast(cython.uint, scale)
        state |= SCALES
    if options & O_SACK_PERMITTED:
        state |= SACK
    if options & O_TIMESTAMPS:
        state |= STAMPS
    if wire:
        events |= E_SYN_DATA
    # What was captured before its SYN stays; another number starts anew.
    if (
        not state & KNOWN
        or state & GUESSED
        or (
            not words[base + STAGE] & DONE
            and events & (E_SYN | E_SYN_ACK | E_SYN_OTHER)
            and not 0 <= _ahead(words[x + NEXT], following) < JUMP
        )
    ):
        words[x + NEXT] = cython.cast(cython.uint, following)
        words[x + FIRST] = cython.cast(cython.uint, (seq + 1) & M32)
        words[x + HOLES] = 0
        state = (state | KNOWN) & ~GUESSED
    words[x + STATE] = cython.cast(cython.uint, state)
    return events


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _starts_anew(
    words: cython.const_uint[::1],
    base: cython.longlong,
    side: cython.longlong,
    flags: cython.longlong,
    seq: cython.longlong,
    idle: cython.longlong,
) -> cython.longlong:
    """Whether a SYN or SYN-ACK on the addresses and ports of a known flow begins another connection."""
    x: cython.longlong = base + side * SIDE
    y: cython.longlong = base + (1 - side) * SIDE
    state: cython.longlong = words[x + STATE]
    peer: cython.longlong = words[y + STATE]
    done: cython.longlong = words[base + STAGE] & DONE
    over: cython.longlong = (state | peer) & (RESET | ENDED)
    offer: cython.longlong
    if flags & ACK:
        if not over:
            return 0
        for offer in range(words[base + OFFERS]):
            if words[base + OFFER + 4 * offer] == seq and words[base + OFFER + 4 * offer + 3] == side:
                return 0
        return 0 if peer & SYN_SEEN and not done else 1
    if state & SYN_SEEN:
        if words[base + SYN_SEQ + side] == seq:
            # The same number can only be a new connection after a complete one: tools and replays do so.
            return 1 if over and (done or (state | peer) & ENDED) else 0
        return 1 if over or done or idle > REUSE_NS or (state & ACKS and not state & SYN_ACK_SEEN) else 0
    if over or done:
        return 1
    if peer & SYN_SEEN:  # the SYNs crossed
        return 1 if idle > REUSE_NS else 0
    if state & KNOWN:  # its SYN comes late
        return 0 if words[x + FIRST] == ((seq + 1) & M32) else 1
    return 0 if peer & SYN_ACK_SEEN and idle <= REUSE_NS else 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _released(
    words: cython.uint[::1],
    longs: cython.longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    side: cython.longlong,
    clock: cython.longlong,
) -> cython.longlong:
    """New data came after an ACK that was held back: the event if it had waited for it (Nagle, RFC 9293 §3.7.4)."""
    x: cython.longlong = base + side * SIDE
    gap: cython.longlong = (clock - words[x + HELD_AT]) & M32
    trip: cython.longlong = longs[at + RTT] // 1000
    event: cython.longlong = 0
    # At once where the capture is near the sender, a round trip later where it is near the receiver.
    if gap <= RELEASED_US or trip - RELEASED_US <= gap <= trip + RELEASED_US:
        words[x + STALLS] += 1
        words[x + STALL_US] += words[x + HELD]
        event = E_RELEASED
    words[x + HELD] = 0
    return event


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _segment(
    words: cython.uint[::1],
    longs: cython.longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    side: cython.longlong,
    initiator: cython.longlong,
    packets: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
    flags: cython.longlong,
    seq: cython.longlong,
    ack: cython.longlong,
    window: cython.longlong,
    wire: cython.longlong,
    ip_id: cython.longlong,
    options: cython.longlong,
    mss: cython.longlong,
    scale: cython.longlong,
    sack_start: cython.longlong,
    sack_stop: cython.longlong,
) -> cython.longlong:
    """Carry one segment into the state of its connection; gives its events."""
    x: cython.longlong = base + side * SIDE
    y: cython.longlong = base + (1 - side) * SIDE
    state: cython.longlong = words[x + STATE]
    peer: cython.longlong = words[y + STATE]
    events: cython.longlong = 0
    fin: cython.longlong = flags & FIN
    span: cython.longlong = wire + fin
    delta: cython.longlong
    filled: cython.longlong
    age: cython.longlong
    order: cython.longlong
    index: cython.longlong
    old: cython.longlong
    letters: cython.longlong
    clock: cython.longlong = (time // 1000) & M32
    digest: cython.longlong = (
        seq * MIX_32
        + ack * 0x2C1B3C6D
        + (wire * 64 + (flags & 0x3F)) * 0x297A2D39
        + (ip_id + 1) * 0x1B873593
        + (sack_start & 0xFFFF) * 0x165667B1
    ) & M32
    delta = _ahead(seq, words[x + NEXT])

    # The very same packet (a mirror port, two interfaces): not what moves on, nor an ACK that nothing tells apart.
    if (
        (span == 0 or delta != 0 or flags & (SYN | RST))
        and (ip_id > 0 or sack_start >= 0 or span > 0 or flags & (SYN | RST))
        and _copied(words, x, digest, clock, COPY_US if ip_id > 0 else COPY_BLIND_US)
    ):
        words[x + COPIES] += 1
        return E_DUPLICATE
    words[x + SEEN + 4] = words[x + SEEN + 2]
    words[x + SEEN + 5] = words[x + SEEN + 3]
    words[x + SEEN + 2] = words[x + SEEN]
    words[x + SEEN + 3] = words[x + SEEN + 1]
    words[x + SEEN] = cython.cast(cython.uint, digest)
    words[x + SEEN + 1] = cython.cast(cython.uint, clock)

    if state & RESET and not flags & SYN:
        events |= E_AFTER_RST
        if wire and not flags & RST:
            words[base + STAGE] &= cython.cast(cython.uint, ~BROKEN & M32)  # forged, or the peer never got it
    letters = 0

    if flags & RST:
        events |= E_RST
        if not (state & ENDED and peer & ENDED):
            words[base + STAGE] |= cython.cast(cython.uint, BROKEN)
        letters = (1 << L_RST) | ((1 << L_MULTI) if flags & SYN else 0) | ((1 << L_ODD) if fin else 0)
        state |= RESET
    elif flags & SYN:
        events |= _opening(
            words, longs, base, at, side, initiator, frame, time, flags, seq, ack, wire, options, mss, scale
        )
        state = words[x + STATE]
        letters = (1 << (L_SYN_ACK if flags & ACK else L_SYN)) | ((1 << L_MULTI) if fin else 0)
        if wire:
            longs[at + PAYLOAD + side] += wire
            letters |= 1 << L_DATA
            if not state & DATA:
                events |= E_FIRST_PAYLOAD
                state |= DATA
    else:
        letters = ((1 << L_ACK) if flags & ACK else 0) | ((1 << L_DATA) if wire else 0) | ((1 << L_FIN) if fin else 0)
        old = state & (ASKED | PROBED)
        if old:
            state &= ~(ASKED | PROBED)
        # --- what it sends ---
        if not state & KNOWN:
            state |= KNOWN
            words[x + FIRST] = cython.cast(cython.uint, seq)
            words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
        elif delta == 0:
            words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
            state &= ~GUESSED
            if peer & ZERO and wire == 1:
                events |= E_WINDOW_PROBE
                state |= PROBED
            if span and ip_id > 0:
                words[x + LAST_ID] = cython.cast(cython.uint, ip_id + 1)
            if wire:
                if words[x + HELD]:
                    events |= _released(words, longs, base, at, side, clock)
                words[x + SENT_AT] = cython.cast(cython.uint, clock)
                state &= ~SMALL
                if wire < (words[y + MSS] or SMALL_BYTES):
                    state |= SMALL
        elif state & GUESSED:
            state &= ~GUESSED
            words[x + FIRST] = cython.cast(cython.uint, seq)
            if delta + span > 0 or delta < -JUMP:
                words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
        elif delta > JUMP or delta < -JUMP:
            if span:
                words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
                words[x + HOLES] = 0
        elif delta > 0:
            events |= E_HOLE
            longs[at + LOST + side] += delta
            _open_hole(words, x, words[x + NEXT], seq, clock)
            words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
            if span and ip_id > 0:
                words[x + LAST_ID] = cython.cast(cython.uint, ip_id + 1)
        elif (
            delta == -1
            and wire <= 1
            and not fin
            and not state & ENDED
            and peer & ACKS
            and words[y + ACKED] == words[x + NEXT]
        ):
            # RFC 9293 §3.8.4, and §3.8.6.1: Linux probes a closed window by the same segment.
            if peer & ZERO:
                events |= E_WINDOW_PROBE
                state |= PROBED
            else:
                events |= E_KEEP_ALIVE
                state |= ASKED
        elif span:
            filled = _fill(words, x, seq, (seq + span) & M32, clock)
            age = filled >> 32
            filled &= M32
            order = 0
            if ip_id > 0 and words[x + LAST_ID] > 0:
                order = ((ip_id - (words[x + LAST_ID] - 1) + 0x8000) & 0xFFFF) - 0x8000
                if order >= NEAR_IDS or order <= -NEAR_IDS:
                    order = 0
            if fin and state & ENDED:
                events |= E_FIN_AGAIN
            if filled:
                longs[at + LOST + side] -= filled
            if (
                words[y + RUN] >= FAST_DUPLICATES
                and peer & ACKS
                and words[y + ACKED] == seq
                and not (filled and order < 0)
            ):
                events |= E_FAST_RETRANSMISSION | E_RETRANSMISSION
            elif filled and (
                order < 0
                or (order == 0 and (age <= REORDER_US or (longs[at + RTT] >= 0 and age * 1000 <= longs[at + RTT])))
            ):
                events |= E_OUT_OF_ORDER
                words[x + LATE] += 1
            elif wire:
                events |= E_RETRANSMISSION
            if events & (E_RETRANSMISSION | E_FIN_AGAIN) and not events & E_OUT_OF_ORDER:
                words[x + AGAIN] += 1
                if _is_round(words[x + AGAIN]):
                    _letter(longs, at, L_AGAIN, side)
            if delta + span > 0:
                words[x + NEXT] = cython.cast(cython.uint, (seq + span) & M32)
        if wire:
            longs[at + PAYLOAD + side] += wire
            if wire > words[x + LARGEST]:
                words[x + LARGEST] = cython.cast(cython.uint, wire)
            if not state & DATA and not state & ASKED:
                events |= E_FIRST_PAYLOAD
                state |= DATA
            if state & ENDED and _ahead((seq + wire) & M32, words[x + END]) > 0:
                events |= E_AFTER_FIN
        if fin and not state & ENDED:
            events |= E_FIN
            state |= ENDED
            words[x + END] = cython.cast(cython.uint, (seq + wire) & M32)

        # --- what it acknowledges ---
        if flags & ACK:
            if not words[base + STAGE] & DONE or (
                words[base + OFFERS] > 1 and words[base + OFFER + 4 * (words[base + BEST] - 1) + 3] == initiator
            ):
                if _complete(words, longs, base, at, side, initiator, frame, time, seq, ack):
                    events |= E_HANDSHAKE_ACK
                elif (
                    not words[base + STAGE] & (DONE | EARLY) and words[base + OFFERS] == 0 and packets <= EARLY_PACKETS
                ):
                    words[base + STAGE] |= cython.cast(cython.uint, EARLY | (EARLY_SIDE if side else 0))
                    words[base + EARLY_SEQ] = cython.cast(cython.uint, seq)
                    words[base + EARLY_ACK] = cython.cast(cython.uint, ack)
                    longs[at + EARLY_FRAME] = frame
                    longs[at + EARLY_NS] = time
                # A peer that sent nothing but its SYN gets no SYN-ACK for it.
                if (
                    peer & SYN_SEEN
                    and not peer & ACKS
                    and not state & (SYN_SEEN | SYN_ACK_SEEN)
                    and wire == 0
                    and not fin
                ):
                    events |= E_BARE_ACK_TO_SYN
            if not peer & KNOWN:
                words[y + NEXT] = cython.cast(cython.uint, ack)
                words[y + FIRST] = cython.cast(cython.uint, ack)
                peer |= KNOWN | GUESSED
                words[y + STATE] = cython.cast(cython.uint, peer)
            if not state & ACKS or not -JUMP < _ahead(ack, words[x + ACKED]) < JUMP:
                delta = 1 if not state & ACKS else 0
                state |= ACKS
                old = ack
                words[x + ACKED] = cython.cast(cython.uint, ack)
            else:
                old = words[x + ACKED]
                delta = _ahead(ack, old)
            if delta > 0:
                words[x + ACKED] = cython.cast(cython.uint, ack)
                words[x + RUN] = 0
                age = _ahead(ack, words[y + NEXT])
                if age == 0 and span == 0 and peer & SMALL:
                    order = (clock - words[y + SENT_AT]) & M32
                    filled = order - longs[at + RTT] // 1000
                    if longs[at + RTT] >= 0 and filled >= HELD_US and order <= HELD_MOST_US:
                        words[y + HELD] = cython.cast(cython.uint, order)
                        words[y + HELD_AT] = cython.cast(cython.uint, clock)
                if 0 < age < JUMP and not events & E_BARE_ACK_TO_SYN:
                    events |= E_ACK_UNSEEN
                    longs[at + LOST + 1 - side] += age
                    _open_hole(words, y, words[y + NEXT], ack, clock)
                    words[y + NEXT] = cython.cast(cython.uint, ack)
                for index in range(words[y + HOLES]):
                    filled = words[y + HOLE + 3 * index + 1]
                    if _ahead(filled, old) > 0 and _ahead(ack, filled) >= 0:
                        words[y + WATCH] = cython.cast(cython.uint, WATCH_ROWS)
                        words[y + GAPS] += 1
                        if _is_round(words[y + GAPS]):
                            _letter(longs, at, L_GAP, 1 - side)
            elif delta == 0:
                if peer & (ASKED | PROBED):
                    if span == 0 and peer & ASKED:
                        events |= E_KEEP_ALIVE_ACK
                    words[y + STATE] = cython.cast(cython.uint, peer & ~(ASKED | PROBED))
                elif (
                    # RFC 5681 §2; with SACK the window may change (RFC 6675 §2).
                    span == 0
                    and (window == words[x + WINDOW] or sack_start >= 0)
                    and _ahead(words[y + NEXT], ack) > 0
                    and not events & (E_KEEP_ALIVE | E_WINDOW_PROBE | E_HANDSHAKE_ACK)
                ):
                    events |= E_DUPLICATE_ACK
                    words[x + DUPLICATE_ACKS] += 1
                    words[x + RUN] += 1
            # RFC 2883 §4: what it received twice lies below what it acknowledges.
            # That of a SYN repeated in a SYN-ACK (simultaneous open) is no news.
            if (
                sack_start >= 0
                and _ahead(sack_stop, ack) <= 0
                and not (peer & (SYN_SEEN | SYN_ACK_SEEN) and _ahead(sack_stop, words[y + FIRST]) <= 0)
            ):
                events |= E_DSACK
            # --- how much it takes ---
            if window == 0:
                if not state & ZERO:
                    events |= E_ZERO_WINDOW
                    state |= ZERO
                    words[x + ZEROS] += 1
                    if _is_round(words[x + ZEROS]):
                        _letter(longs, at, L_ZERO, side)
            elif state & ZERO:
                events |= E_WINDOW_OPEN
                state &= ~ZERO
            words[x + WINDOW] = cython.cast(cython.uint, window)
        if words[x + WATCH]:
            words[x + WATCH] -= 1
            events |= E_VISIT
        if words[y + WATCH]:
            words[y + WATCH] -= 1
            events |= E_VISIT

    letters &= ~(state >> LETTERS)
    if letters:
        state |= letters << LETTERS
        for index in range(L_SYN, L_MULTI + 1):
            if letters >> index & 1:
                _letter(longs, at, index, side)
    words[x + STATE] = cython.cast(cython.uint, state)
    return events


# --- the pass ---------------------------------------------------------------------------------------------------------


def walk_rows(
    row: cython.longlong,
    count: cython.longlong,
    first_frame: cython.longlong,
    mask: cython.longlong,
    seed: cython.ulonglong,
    flow_limit: cython.longlong,
    time_ns: cython.const_longlong[::1],
    length: cython.const_longlong[::1],
    status: cython.const_uchar[::1],
    version: cython.const_uchar[::1],
    transport: cython.const_uchar[::1],
    options: cython.const_uchar[::1],
    scale: cython.const_uchar[::1],
    flags: cython.const_int[::1],
    ip_id: cython.const_int[::1],
    source_port: cython.const_int[::1],
    target_port: cython.const_int[::1],
    window: cython.const_int[::1],
    mss: cython.const_int[::1],
    payload_bytes: cython.const_int[::1],
    payload_wire: cython.const_int[::1],
    source_high: cython.const_ulonglong[::1],
    source_low: cython.const_ulonglong[::1],
    target_high: cython.const_ulonglong[::1],
    target_low: cython.const_ulonglong[::1],
    seq: cython.const_longlong[::1],
    ack: cython.const_longlong[::1],
    sack_start: cython.const_longlong[::1],
    sack_stop: cython.const_longlong[::1],
    out_sender: cython.uchar[::1],
    out_flow: cython.int[::1],
    out_events: cython.int[::1],
    out_rows: cython.int[::1],
    slots: cython.int[::1],
    keys: cython.ulonglong[::1],
    flows: cython.longlong[::1],
    words: cython.uint[::1],
    longs: cython.longlong[::1],
    counts: cython.longlong[::1],
) -> int:
    """Go through rows [row, count) until a table is full: gives the row to go on with once it has grown."""
    protocol: cython.longlong
    side: cython.longlong
    source: cython.longlong
    target: cython.longlong
    ports: cython.longlong
    slot: cython.longlong
    flow: cython.longlong
    at: cython.longlong
    index: cython.longlong
    state: cython.longlong = 0
    events: cython.longlong
    now: cython.longlong
    flag: cython.longlong
    listed: cython.longlong
    until: cython.longlong
    initiator: cython.longlong
    fresh: cython.longlong
    idle: cython.longlong
    wire: cython.longlong
    takes: cython.longlong
    high: cython.ulonglong
    low: cython.ulonglong
    other_high: cython.ulonglong
    other_low: cython.ulonglong
    flow_room: cython.longlong = len(flows) // FLOW
    state_room: cython.longlong = len(words) // WORDS
    with cython.nogil:
        while row < count:
            out_flow[row] = -1
            out_sender[row] = 0
            out_events[row] = 0
            protocol = transport[row]
            if status[row] != 1:
                if length[row] > JUMBO_BYTES:
                    counts[OVERSIZE] += 1
                row += 1
                continue
            if protocol != 6 and protocol != 17 and protocol != 132:
                if length[row] > JUMBO_BYTES:
                    counts[OVERSIZE] += 1
                if protocol == 1 or protocol == 58:
                    out_rows[counts[LISTED]] = cython.cast(cython.int, row)
                    counts[LISTED] += 1
                    counts[ICMPS] += 1
                row += 1
                continue
            source = source_port[row]
            target = target_port[row]
            side = 0
            if source_high[row] != target_high[row]:
                side = 1 if source_high[row] > target_high[row] else 0
            elif source_low[row] != target_low[row]:
                side = 1 if source_low[row] > target_low[row] else 0
            elif source > target:
                side = 1
            if side == 0:
                high = source_high[row]
                low = source_low[row]
                other_high = target_high[row]
                other_low = target_low[row]
                ports = source | (target << 16)
            else:
                high = target_high[row]
                low = target_low[row]
                other_high = source_high[row]
                other_low = source_low[row]
                ports = target | (source << 16)
            ports |= protocol << 32
            ports |= cython.cast(cython.longlong, version[row]) << 40
            slot = _slot(
                slots,
                keys,
                flows,
                _digest(seed, high, low, other_high, other_low, cython.cast(cython.ulonglong, ports)),
                high,
                low,
                other_high,
                other_low,
                ports,
            )
            now = time_ns[row]
            wire = payload_wire[row]
            flag = flags[row]
            fresh = 1 if slots[slot] == 0 else 0
            idle = 0
            flow = slots[slot] - 1
            if not fresh:
                idle = now - flows[FLOW * flow + LAST_NS]
                state = flows[FLOW * flow + TCP]
                if protocol == 6 and flag & SYN and not flag & RST:
                    fresh = _starts_anew(words, WORDS * state, side, flag, seq[row], idle)
            if fresh:
                flow = counts[FLOWS]
                if flow >= flow_limit:
                    counts[REFUSED] += 1
                    row += 1
                    continue
                if flow >= flow_room or (protocol == 6 and counts[STATES] >= state_room):
                    break
                counts[FLOWS] += 1
                slots[slot] = cython.cast(cython.int, flow + 1)
                keys[4 * flow] = high
                keys[4 * flow + 1] = low
                keys[4 * flow + 2] = other_high
                keys[4 * flow + 3] = other_low
                at = FLOW * flow
                flows[at + PORTS] = ports
                flows[at + FIRST_NS] = now
                flows[at + FIRST_FRAME] = first_frame + row
                flows[at + TCP] = -1
                idle = 0
                initiator = side
                if protocol == 6 and flag & SYN and not flag & RST:
                    if flag & ACK:
                        initiator = 1 - side
                elif source < 1024 <= target:
                    initiator = 1 - side
                flows[at + BITS] = initiator | 6
                if protocol == 6:
                    state = counts[STATES]
                    counts[STATES] += 1
                    flows[at + TCP] = state
                    longs[LONGS * state + RTT] = -1
                    if initiator != side and not flag & SYN:
                        _letter(longs, LONGS * state, L_FLIP, side)
            at = FLOW * flow
            flows[at + LAST_NS] = now
            flows[at + LAST_FRAME] = first_frame + row
            flows[at + PACKETS + side] += 1
            flows[at + BYTES + side] += length[row]
            initiator = flows[at + BITS] & 1
            events = 0
            listed = 0
            if protocol != 6:
                if length[row] > JUMBO_BYTES:
                    counts[OVERSIZE] += 1
            else:
                index = WORDS * state
                # Where the peer said what it takes (RFC 9293 §3.7.1), that tells better than any size of frame.
                takes = words[index + (1 - side) * SIDE + MSS]
                if (wire > takes) if takes else (length[row] > JUMBO_BYTES):
                    counts[OVERSIZE] += 1
                # A guess at who opened it is put right by the first SYN, as long as neither side has said anything.
                if (
                    flag & SYN
                    and not flag & RST
                    and not fresh
                    and not (words[index + STATE] | words[index + SIDE + STATE]) & (SYN_SEEN | SYN_ACK_SEEN | DATA)
                    and initiator != (1 - side if flag & ACK else side)
                ):
                    initiator = 1 - initiator
                    flows[at + BITS] ^= 1
                    _letter(longs, LONGS * state, L_FLIP, side)
                events = _segment(
                    words,
                    longs,
                    index,
                    LONGS * state,
                    side,
                    initiator,
                    flows[at + PACKETS] + flows[at + PACKETS + 1],
                    first_frame + row,
                    now,
                    flag,
                    seq[row],
                    ack[row],
                    window[row],
                    wire,
                    ip_id[row],
                    options[row],
                    mss[row],
                    scale[row],
                    sack_start[row],
                    sack_stop[row],
                )
                if idle >= IDLE_NS and not flag & SYN:
                    events |= E_AFTER_IDLE
                if events & E_VISIT:
                    events ^= E_VISIT
                    listed = flows[at + BITS] & 6
            if fresh and protocol == 6:
                events |= E_NEW_FLOW
            if protocol != 6:
                wire = payload_bytes[row]  # a datagram of which nothing was captured says nothing
            if events & mask:
                listed = 1
            elif wire > 0 and flows[at + BITS] >> (1 + side) & 1:
                until = flows[at + SKIP + side]
                # Payload that ends before that sequence number is part of what nobody looks at.
                if until == 0 or _ahead(seq[row] + wire, until) > 0:
                    listed = 1
            out_flow[row] = cython.cast(cython.int, flow)
            out_sender[row] = cython.cast(cython.uchar, side ^ initiator)
            out_events[row] = cython.cast(cython.int, events)
            if listed and (0 if flow < counts[SHARED] else flow % counts[PARTS]) == counts[PART]:
                out_rows[counts[LISTED]] = cython.cast(cython.int, row)
                counts[LISTED] += 1
            row += 1
    return row


# --- out of the columns and tables, many at a time -------------------------------------------------------------------


def visits(
    rows: cython.const_int[::1],
    flow: cython.const_int[::1],
    transport: cython.const_uchar[::1],
    sender: cython.const_uchar[::1],
    flags: cython.const_int[::1],
    events: cython.const_int[::1],
    payload_bytes: cython.const_int[::1],
    payload_wire: cython.const_int[::1],
    seq: cython.const_longlong[::1],
    ack: cython.const_longlong[::1],
    window: cython.const_int[::1],
    ttl: cython.const_uchar[::1],
    ip_id: cython.const_int[::1],
    header_at: cython.const_longlong[::1],
    payload_at: cython.const_longlong[::1],
    start: cython.const_longlong[::1],
    time_ns: cython.const_longlong[::1],
) -> list[Visit]:
    """What the columns have of each of these rows."""
    found: list[Visit] = []
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    for index in range(len(rows)):
        row = rows[index]
        found.append(
            (
                row,
                flow[row],
                transport[row],
                sender[row],
                flags[row],
                events[row],
                payload_bytes[row],
                payload_wire[row],
                seq[row],
                ack[row],
                window[row],
                ttl[row],
                ip_id[row],
                header_at[row],
                payload_at[row],
                start[row],
                time_ns[row],
            )
        )
    return found


def ends_of(
    keys: cython.const_ulonglong[::1],
    flows: cython.const_longlong[::1],
    numbers: Sequence[int],
) -> list[Ends]:
    """`FlowTable.ends` of these flows."""
    found: list[Ends] = []
    flow: cython.longlong
    ports: cython.longlong
    for flow in numbers:
        ports = flows[FLOW * flow + PORTS]
        one = (keys[4 * flow], keys[4 * flow + 1], ports & 0xFFFF)
        other = (keys[4 * flow + 2], keys[4 * flow + 3], (ports >> 16) & 0xFFFF)
        if flows[FLOW * flow + BITS] & 1:
            found.append((ports >> 40, (ports >> 32) & 0xFF, other, one))
        else:
            found.append((ports >> 40, (ports >> 32) & 0xFF, one, other))
    return found


def counts_of(flows: cython.const_longlong[::1], numbers: Sequence[int]) -> list[Counts]:
    """`FlowTable.counts` of these flows."""
    found: list[Counts] = []
    flow: cython.longlong
    at: cython.longlong
    side: cython.longlong
    for flow in numbers:
        at = FLOW * flow
        side = flows[at + BITS] & 1
        found.append(
            (
                flows[at + FIRST_FRAME],
                flows[at + LAST_FRAME],
                flows[at + FIRST_NS],
                flows[at + LAST_NS],
                (flows[at + PACKETS + side], flows[at + PACKETS + 1 - side]),
                (flows[at + BYTES + side], flows[at + BYTES + 1 - side]),
            )
        )
    return found


def summaries_of(
    flows: cython.const_longlong[::1],
    words: cython.const_uint[::1],
    longs: cython.const_longlong[::1],
    numbers: Sequence[int],
) -> list[TcpSummary | None]:
    """`FlowTable.tcp` of these flows."""
    found: list[TcpSummary | None] = []
    flow: cython.longlong
    state: cython.longlong
    for flow in numbers:
        state = flows[FLOW * flow + TCP]
        found.append(
            None if state < 0 else _summary(words, longs, WORDS * state, LONGS * state, flows[FLOW * flow + BITS] & 1)
        )
    return found


@cython.cfunc
def _pair(words: cython.const_uint[::1], one: cython.longlong, other: cython.longlong) -> object:
    """Both numbers; most pairs are zeros, of which there is one for all flows."""
    return (words[one], words[other]) if words[one] or words[other] else NONE


@cython.cfunc
def _summary(
    words: cython.const_uint[::1],
    longs: cython.const_longlong[::1],
    base: cython.longlong,
    at: cython.longlong,
    first: cython.longlong,
) -> object:
    """The state of TCP at `base` and `at` in words for others; `first` is the initiator's side."""
    one: cython.longlong = base + first * SIDE
    other: cython.longlong = base + (1 - first) * SIDE
    bits: cython.longlong = words[one + STATE]
    its: cython.longlong = words[other + STATE]
    best: cython.longlong = words[base + BEST]
    best -= 1
    offer: cython.longlong
    syn: Any = None
    syn_ns: Any = None
    syn_ack: Any = None
    syn_ack_ns: Any = None
    ack: Any = None
    ack_ns: Any = None
    round_trip: Any = None
    end: Any = None
    if words[base + STAGE] & BROKEN:
        end = "rst"
    elif bits & ENDED and its & ENDED:
        end = "fin"
    if bits & SYN_SEEN:
        syn = longs[at + SYN_FRAME + first]
        syn_ns = longs[at + SYN_NS + first]
    if best >= 0:
        ack = longs[at + ACK_FRAME]
        ack_ns = longs[at + ACK_NS]
        if longs[at + RTT] >= 0:
            round_trip = longs[at + RTT]
    else:
        # Of the answers to a SYN, the first; one of the responder before any of the initiator.
        for offer in range(words[base + OFFERS]):
            if _answers(words, base, offer, 1):
                if words[base + OFFER + 4 * offer + 3] != first:
                    best = offer
                    break
                if best < 0:
                    best = offer
    if best >= 0:
        syn_ack = longs[at + OFFER_FRAME + 3 * best]
        syn_ack_ns = longs[at + OFFER_FRAME + 3 * best + 1]
    return TcpSummary(
        syn,
        syn_ack,
        ack,
        syn_ns,
        syn_ack_ns,
        ack_ns,
        words[base + SYNS_AGAIN],
        words[base + SYN_ACKS_AGAIN],
        round_trip,
        end,
        _pair(words, one + AGAIN, other + AGAIN),
        _pair(words, one + LATE, other + LATE),
        (longs[at + LOST + first], longs[at + LOST + 1 - first]),
        _pair(words, one + COPIES, other + COPIES),
        (longs[at + PAYLOAD + first], longs[at + PAYLOAD + 1 - first]),
        _pair(words, one + ZEROS, other + ZEROS),
        _pair(words, one + DUPLICATE_ACKS, other + DUPLICATE_ACKS),
        (words[one + SCALE] if bits & SCALES else -1, words[other + SCALE] if its & SCALES else -1),
        _pair(words, one + MSS, other + MSS),
        (bits & SACK != 0, its & SACK != 0),
        (bits & STAMPS != 0, its & STAMPS != 0),
        _pair(words, one + LARGEST, other + LARGEST),
        _pair(words, one + STALLS, other + STALLS),
        _pair(words, one + STALL_US, other + STALL_US),
        _history(longs[at + HISTORY], longs[at + HISTORY + 1], longs[at + HISTORY + 2], first),
    )


@cython.cfunc
def _history(low: cython.longlong, middle: cython.longlong, high: cython.longlong, initiator: cython.longlong) -> str:
    key = (low, middle, high, initiator)
    known = _histories.get(key)
    if known is not None:
        return known
    letters = []
    number: cython.longlong
    for number in (low, middle, high):
        while number:
            letter = HISTORY_LETTERS[number & 15]
            letters.append(letter.upper() if number >> 4 & 1 == initiator else letter)
            number >>= 5
    told = "".join(letters)
    if len(_histories) < MOST_HISTORIES:
        _histories[key] = told
    return told


# --- the table --------------------------------------------------------------------------------------------------------

NONE: Final = (0, 0)
#: Histories by their numbers: most flows have one of a few.
_histories: dict[tuple[int, int, int, int], str] = {}
MOST_HISTORIES: Final = 4096


class FlowTable:
    """Every flow of a capture, and which rows of each batch somebody has to look at.

    `mask` (bits of core.Event) says which TCP rows are listed for what they are; besides, all rows with payload that is
    still wanted are, rows that settle what became of a hole in such payload, and ICMP errors.  Of the RTP that
    `streams` follows, only samples are.
    """

    def __init__(self, limits: Limits, mask: int = 0, seed: int | None = None) -> None:
        self.mask = mask
        self.rows: NDArray[np.int32] = np.zeros(0, np.int32)  # of the last batch, ascending
        self.flow_limit = limits.flows
        # Collisions can't be prepared by someone who doesn't know the seed; results don't depend on it.
        self._seed = int.from_bytes(os.urandom(7), "little") if seed is None else seed
        self._counts = np.zeros(9, np.int64)
        self._counts[PARTS] = 1
        self._room = np.zeros(0, np.int32)
        self.streams = StreamTable(limits)
        self._slots = np.zeros(2 * FIRST_FLOWS, np.int32)
        self._keys = np.zeros(4 * FIRST_FLOWS, np.uint64)
        self._flows = np.zeros(FLOW * FIRST_FLOWS, np.int64)
        self._words = np.zeros(WORDS * FIRST_FLOWS, np.uint32)
        self._longs = np.zeros(LONGS * FIRST_FLOWS, np.int64)

    @property
    def flow_count(self) -> int:
        return int(self._counts[FLOWS])

    @property
    def oversize_frames(self) -> int:
        """Frames larger than any on the wire: more TCP payload than the peer's MSS, or than a jumbo frame holds."""
        return int(self._counts[OVERSIZE])

    @property
    def refused_packets(self) -> int:
        """Packets of flows that came after `Limits.flows` was reached: they belong to none."""
        return int(self._counts[REFUSED])

    def update(self, columns: Columns, batch: Batch) -> None:
        """Fill `flow`, `sender` and `events` of all rows, and list those to visit in `rows`."""
        count = batch.count
        if count > len(self._room):
            self._room = np.zeros(count, np.int32)
        self._counts[LISTED] = self._counts[ICMPS] = 0
        row = 0
        while row < count:
            row = walk_rows(
                row,
                count,
                batch.first_frame,
                self.mask,
                self._seed,
                self.flow_limit,
                _view(batch.time_ns),
                _view(batch.length),
                _view(columns.status),
                _view(columns.version),
                _view(columns.transport),
                _view(columns.options),
                _view(columns.scale),
                _view(columns.flags),
                _view(columns.ip_id),
                _view(columns.source_port),
                _view(columns.target_port),
                _view(columns.window),
                _view(columns.mss),
                _view(columns.payload_bytes),
                _view(columns.payload_wire),
                _view(columns.source_high),
                _view(columns.source_low),
                _view(columns.target_high),
                _view(columns.target_low),
                _view(columns.seq),
                _view(columns.ack),
                _view(columns.sack_start),
                _view(columns.sack_stop),
                _view(columns.sender),
                _view(columns.flow),
                _view(columns.events),
                _view(self._room),
                _view(self._slots),
                _view(self._keys),
                _view(self._flows),
                _view(self._words),
                _view(self._longs),
                _view(self._counts),
            )
            if row < count:
                self._grow()
        self.rows = self._room[: int(self._counts[LISTED])]
        if self._counts[ICMPS]:
            self.rows = np.array([row for row in self.rows.tolist() if _is_visited(columns, batch, row)], np.int32)
        share = int(self._counts[PART]), int(self._counts[PARTS]), int(self._counts[SHARED])
        self.rows = self.streams.update(columns, batch, self.rows, self.flow_count, share)

    def _grow(self) -> None:
        """Make room for half as many flows again as there are.  What is not used yet costs no memory."""
        flows, states = self.flow_count, int(self._counts[STATES])
        if flows >= len(self._flows) // FLOW:
            room = flows + flows // 2
            self._keys = _larger(self._keys, 4 * flows, 4 * room)
            self._flows = _larger(self._flows, FLOW * flows, FLOW * room)
            if 2 * room > len(self._slots):
                self._slots = np.zeros(1 << (2 * room - 1).bit_length(), np.int32)
                fill_slots(_view(self._slots), _view(self._keys), _view(self._flows), self._seed, flows)
        if states >= len(self._words) // WORDS:
            room = states + states // 2
            self._words = _larger(self._words, WORDS * states, WORDS * room)
            self._longs = _larger(self._longs, LONGS * states, LONGS * room)

    def share(self, part: int, parts: int, start: int = 0) -> None:
        """From here on, list rows only of flows whose number leaves `part` when divided by `parts`.

        Those with a number below `start` are all of part 0.
        """
        self._counts[PART], self._counts[PARTS], self._counts[SHARED] = part, parts, start

    def unwant(self, flow: int, sender: int | None = None) -> None:
        """No longer list rows for the payload of `sender` (None: of both)."""
        at = FLOW * flow + BITS
        bits = int(self._flows[at])
        self._flows[at] = bits & ~6 if sender is None else bits & ~(2 << (sender ^ (bits & 1)))

    def skip(self, flow: int, sender: int, until: int | None) -> None:
        """Don't list payload of `sender` that ends before sequence number `until`; None: list it again."""
        side = sender ^ (int(self._flows[FLOW * flow + BITS]) & 1)
        self._flows[FLOW * flow + SKIP + side] = 0 if until is None else 1 << 32 | until

    def find(
        self,
        version: int,
        transport: int,
        source: tuple[int, int, int],
        target: tuple[int, int, int],
    ) -> tuple[int, int] | None:
        """The newest flow between two ends (address bits 127 to 64, 63 to 0, port), and which side `source` is."""
        side = 1 if source > target else 0
        low, high = (target, source) if side else (source, target)
        ports = low[2] | (high[2] << 16) | (transport << 32) | (version << 40)
        slot = find_slot(
            _view(self._slots),
            _view(self._keys),
            _view(self._flows),
            self._seed,
            low[0],
            low[1],
            high[0],
            high[1],
            ports,
        )
        flow = int(self._slots[slot]) - 1
        return None if flow < 0 else (flow, side ^ (int(self._flows[FLOW * flow + BITS]) & 1))

    def ends(self, flow: int) -> Ends:
        """Version, transport, and (address bits 127 to 64, 63 to 0, port) of the initiator and the responder."""
        return self.ends_of([flow])[0]

    def ends_of(self, numbers: Sequence[int]) -> list[Ends]:
        return ends_of(_view(self._keys), _view(self._flows), numbers)

    def counts(self, flow: int) -> Counts:
        """First and last frame, first and last time, packets and bytes by sender."""
        return self.counts_of([flow])[0]

    def counts_of(self, numbers: Sequence[int]) -> list[Counts]:
        return counts_of(_view(self._flows), numbers)

    def tcp(self, flow: int) -> TcpSummary | None:
        """What is known of a TCP connection by now; None for other transports."""
        return self.summaries_of([flow])[0]

    def summaries_of(self, numbers: Sequence[int]) -> list[TcpSummary | None]:
        return summaries_of(_view(self._flows), _view(self._words), _view(self._longs), numbers)

    def visits(self, columns: Columns, batch: Batch, rows: NDArray[np.int32]) -> list[Visit]:
        """What the columns have of these rows of the batch."""
        return visits(
            _view(rows),
            _view(columns.flow),
            _view(columns.transport),
            _view(columns.sender),
            _view(columns.flags),
            _view(columns.events),
            _view(columns.payload_bytes),
            _view(columns.payload_wire),
            _view(columns.seq),
            _view(columns.ack),
            _view(columns.window),
            _view(columns.ttl),
            _view(columns.ip_id),
            _view(columns.header_at),
            _view(columns.payload_at),
            _view(batch.start),
            _view(batch.time_ns),
        )


def find_slot(
    slots: cython.int[::1],
    keys: cython.const_ulonglong[::1],
    flows: cython.const_longlong[::1],
    seed: cython.ulonglong,
    high: cython.ulonglong,
    low: cython.ulonglong,
    other_high: cython.ulonglong,
    other_low: cython.ulonglong,
    ports: cython.longlong,
) -> int:
    """The slot of a key, or the empty one where it would be."""
    digest: cython.ulonglong = _digest(seed, high, low, other_high, other_low, cython.cast(cython.ulonglong, ports))
    return _slot(slots, keys, flows, digest, high, low, other_high, other_low, ports)


def _view(array: NDArray[Any]) -> Any:
    """A view whose elements are integers without a width, as the interpreted form needs."""
    return memoryview(array)  # type: ignore[arg-type, unused-ignore]


def _larger(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """A copy of the first `used` elements with room for `size`, the rest zero."""
    larger = np.zeros(size, array.dtype)
    larger[:used] = array[:used]
    return larger


def _is_visited(columns: Columns, batch: Batch, row: int) -> bool:
    """Whether a listed row is to stay: of ICMP, only errors are."""
    transport = columns.transport[row]
    if transport not in (1, 58):
        return True
    side = columns.side.get(row)
    data = batch.data if side is None else side.data
    at = int(columns.header_at[row])
    if not 0 <= at < len(data):
        return False
    return data[at] in (ICMP_ERRORS if transport == 1 else ICMPV6_ERRORS)
