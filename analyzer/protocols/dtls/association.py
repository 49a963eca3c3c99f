"""One DTLS association: its two sides and their keys, whatever path its datagrams take.

ICE may move it to another pair of addresses in the middle, and each side may send on a path of its own.  So what a room
knows of the association can be taken over by the room of another flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Side
from analyzer.protocols.dtls.flights import Flights
from analyzer.protocols.dtls.records import CONNECTION_ID, HANDSHAKE, EpochOpener, Record, open12
from analyzer.protocols.dtls.state import MAX_EPOCHS, Half
from analyzer.protocols.tls.handshake import CLIENT_HELLO, SERVER_HELLO, Handshake
from analyzer.protocols.tls.keys import EARLY, TRAFFIC
from analyzer.protocols.tls.keys import HANDSHAKE as HANDSHAKE_KEYS
from analyzer.protocols.tls.messages import DTLS13, is_13
from analyzer.protocols.tls.protection import Opener, Opener13, Undecryptable

if TYPE_CHECKING:
    from analyzer.core import Endpoint, Piece, Place, Shared, Value
    from analyzer.protocols.tls.state import Link

HELLO_VERIFY_REQUEST: Final = 3  # RFC 6347 §4.2.1
CONNECTION_ID_EXTENSION: Final = 54  # RFC 9146 §3

#: Epochs of DTLS 1.3, RFC 9147 §6.1.
EARLY_EPOCH: Final = 1
HANDSHAKE_EPOCH: Final = 2
TRAFFIC_EPOCH: Final = 3
EPOCH_KEYS: Final = {EARLY_EPOCH: EARLY, HANDSHAKE_EPOCH: HANDSHAKE_KEYS, TRAFFIC_EPOCH: TRAFFIC}

#: Records that may fail before it is said that the secrets are wrong.
MAX_FAILED: Final = 64
#: Hellos whose times are kept.
MAX_HELLOS: Final = 32

#: Where a ClientHello that is not in fragments has its random: header, version, random.
RANDOM_START: Final = 14
RANDOM_STOP: Final = 46

#: The table of associations that another flow may carry on, by client random, and how many it has.
OTHERS: Final = "dtls.associations"
MAX_OTHERS: Final = 32
#: Associations that began inside of STUN, by flow and peer: they go on beside it.
PATHS: Final = "dtls.paths"
#: How long after a ClientHello its answer may come on another path.
ANSWER_NS: Final = 30_000_000_000


class Association:
    """What is known of one association.  Sides are those of the flow in which it began."""

    __slots__ = (
        "both",
        "closed_why",
        "cookies",
        "copies",
        "echoed",
        "ends",
        "failed",
        "finals",
        "flights",
        "given",
        "halves",
        "hand",
        "hellos",
        "keyless",
        "opened",
        "phase_told",
        "retransmissions",
        "sequences",
        "slow",
        "srtp",
        "srtp_names",
        "srtp_offered",
        "unopened",
    )

    def __init__(self, shared: Shared) -> None:
        self.hand = Handshake(shared, "dtls.", True)
        self.halves = (Half(), Half())
        self.cookies = 0  # HelloVerifyRequests
        self.hellos: list[Place] = []  # of the client, each time it was sent
        self.sequences: list[int] = []  # of their records
        self.copies: list[Place] = []  # of the latest ClientHello, each time it was sent
        self.both: list[Place] = []  # ClientHellos of both sides
        self.given: list[str] = []  # cookies
        self.echoed: list[str] = []  # that the client sent
        self.flights = Flights()
        self.finals: list[Place] = []  # where the client's Finished was sent again
        self.slow = False  # that the first ClientHello was lost has been told
        self.ends: tuple[Endpoint, Endpoint] | None = None  # of the flow in which it began
        self.keyless = False  # the latest protected record stayed closed for want of keys
        self.retransmissions = 0
        self.opened = 0  # protected records
        self.unopened = 0
        self.closed_why = ""
        self.srtp_offered = False
        self.srtp_names = ""
        self.srtp: Value = None  # the profile that was chosen
        self.phase_told = False
        self.failed = False

    @property
    def link(self) -> Link:
        return self.hand.link

    @property
    def may_be_13(self) -> bool:
        link = self.link
        if link.answer is not None:
            return is_13(link.version)
        return link.hello is None or DTLS13 in link.hello.versions

    def why(self, why: str) -> None:
        if not self.closed_why:
            self.closed_why = why

    def learn_cids(self) -> None:
        """The identifiers in a side's records are those that the other asked for (RFC 9146 §3)."""
        link = self.link
        if link.hello is None or link.answer is None or not link.agreed(CONNECTION_ID_EXTENSION):
            return
        for side, values in ((link.server, link.hello.values), (link.client, link.answer.values)):
            wanted = values.get(CONNECTION_ID_EXTENSION)
            cid = wanted.get("cid") if isinstance(wanted, dict) else None
            if isinstance(cid, str):
                self.halves[side].cid_bytes = len(cid) // 2

    # --- opening ---

    def read(self, side: Side, record: Record) -> tuple[int, bytes] | None:
        """Content type and plaintext of a protected record; None where it can't be opened: `closed_why` says why."""
        half = self.halves[side]
        self.keyless = False
        if half.failed >= MAX_FAILED and not half.opened:
            return None
        try:
            found = self.open(side, record)
            self.keyless = found is None
            return found
        except Undecryptable as why:
            half.failed += 1
            self.why(str(why) if half.opened else f"the secrets in the key log don't fit: {why}")
            return None

    def open(self, side: Side, record: Record) -> tuple[int, bytes] | None:
        """The same; None only where there are no keys.  Raises Undecryptable, and is then as it was before."""
        half = self.halves[side]
        return self._open13(side, half, record) if record.unified else self._open12(side, half, record)

    def _open12(self, side: Side, half: Half, record: Record) -> tuple[int, bytes] | None:
        opener = half.openers12.get(record.epoch)
        if opener is None:
            pair = self.hand.keys.pair() if record.epoch else None
            if pair is None:
                self.why(self.hand.keys.why)
                return None
            opener = pair[0 if side is self.link.client else 1]
        found = open12(opener, record)
        if record.epoch not in half.openers12:
            if len(half.openers12) >= MAX_EPOCHS:
                del half.openers12[min(half.openers12)]
            half.openers12[record.epoch] = opener
        half.epoch = max(half.epoch, record.epoch)
        return found

    def _open13(self, side: Side, half: Half, record: Record) -> tuple[int, bytes] | None:
        # RFC 9147 §4.2.2: the epoch with these two bits that is not beyond the next one.
        latest = max(half.epoch, HANDSHAKE_EPOCH) + 1
        epoch = latest - (latest - record.epoch & 3)
        opener = self._opener13(side, half, epoch)
        if opener is None:
            self.why(self.hand.keys.why)
            return None
        kind, text, sequence = opener.open(record)
        record.epoch, record.sequence = epoch, sequence
        if epoch not in half.openers13:
            if len(half.openers13) >= MAX_EPOCHS:
                del half.openers13[min(half.openers13)]
            half.openers13[epoch] = opener
        half.epoch = max(half.epoch, epoch)
        return kind, text

    def _opener13(self, side: Side, half: Half, epoch: int) -> EpochOpener | None:
        found = half.openers13.get(epoch)
        if found is not None:
            return found
        keys, by_client = self.hand.keys, side is self.link.client
        if epoch > TRAFFIC_EPOCH:
            before = half.openers13.get(epoch - 1)
            return None if before is None else before.next()
        opener: Opener | None = None
        if epoch == EARLY_EPOCH:
            openers = keys.early_openers() if by_client else []
            opener = openers[0] if openers else None
        elif epoch in EPOCH_KEYS:
            opener = keys.opener(by_client, EPOCH_KEYS[epoch])
        return EpochOpener(opener) if isinstance(opener, Opener13) else None

    # --- other paths ---

    def offer(self) -> None:
        """Let rooms of other flows find this association."""
        shared = self.hand.shared
        table = shared.tables.get(OTHERS)
        if table is not None and len(table) >= MAX_OTHERS and self.link.client_random not in table:
            del table[next(iter(table))]
        shared.remember(OTHERS, self.link.client_random, self)

    def withdraw(self) -> None:
        table = self.hand.shared.tables.get(OTHERS)
        if table is not None and table.get(self.link.client_random) is self:
            del table[self.link.client_random]


def carried_on(
    shared: Shared, sender: Side, record: Record, unit: Piece, in_stun: bool = False
) -> tuple[Association, bool] | None:
    """The association of another flow that `record` belongs to, and whether sides are the other way round here.

    A ClientHello is known by its random, protected records by opening them.  An answer is taken for that to the only
    ClientHello without one.  What is carried `in_stun` goes along with checks of several pairs.
    """
    table = shared.tables.get(OTHERS)
    if not table:
        return None
    if record.unified or record.epoch or record.kind == CONNECTION_ID:
        return _by_keys(list(table.values()), sender, record)
    head = bytes(record.content.cut(0, RANDOM_STOP)) if record.kind == HANDSHAKE else b""
    if not head:
        return None
    if head[0] == CLIENT_HELLO:
        known = table.get(head[RANDOM_START:RANDOM_STOP])
        # The very same record is a copy, captured on its way at another place.
        if isinstance(known, Association) and (in_stun or record.sequence not in known.sequences):
            return known, sender is not known.link.client
    elif head[0] in (SERVER_HELLO, HELLO_VERIFY_REQUEST):
        waiting: list[Association] = [one for one in table.values() if _waits(one, unit.time_ns)]
        if len(waiting) == 1:
            return waiting[0], sender is not waiting[0].link.server
    return None


def may_be_carried_on(shared: Shared, record: Record) -> bool:
    """Whether `record` may belong to an association whose secrets may still come."""
    if not (record.unified or record.epoch or record.kind == CONNECTION_ID) or not shared.secrets.expected:
        return False
    return any(one.keyless for one in (shared.tables.get(OTHERS) or {}).values())


def _waits(one: Association, time_ns: int) -> bool:
    """Whether an association has had no answer so far, and may get one."""
    link = one.link
    if link.hello_at is None or one.halves[link.server].records:
        return False
    return 0 <= time_ns - link.hello_at.time_ns <= ANSWER_NS


def _by_keys(others: list[Association], sender: Side, record: Record) -> tuple[Association, bool] | None:
    for one in reversed(others):
        if not one.opened:
            continue
        for side in SIDES:
            try:
                if one.open(side, record) is not None:
                    return one, side is not sender
            except Undecryptable:
                continue
    return None
