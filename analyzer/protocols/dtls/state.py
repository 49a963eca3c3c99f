"""What is known of each side of a DTLS connection, beyond what the handshake agreed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.dtls.fragments import Fragments
from analyzer.protocols.dtls.records import UNKNOWN

if TYPE_CHECKING:
    from analyzer.core import Note, Place
    from analyzer.protocols.dtls.records import EpochOpener
    from analyzer.protocols.tls.protection import Opener

#: Messages of one side that are remembered, to know those that are sent again.
MAX_TOLD: Final = 64
#: Epochs of which keys are kept.
MAX_EPOCHS: Final = 4


class Told:
    """A message that was told: sent again, it says the same."""

    __slots__ = ("digest", "note")

    def __init__(self, digest: int, note: Note) -> None:
        self.digest = digest
        self.note = note


class Half:
    """One side: its records, and what holds for those to come."""

    __slots__ = (
        "acks",
        "alerted",
        "big",
        "big_bytes",
        "big_first",
        "cid_bytes",
        "closed",
        "data_bytes",
        "epoch",
        "failed",
        "finished",
        "first",
        "fragments",
        "opened",
        "openers12",
        "openers13",
        "protected",
        "records",
        "repeats",
        "sealed_ns",
        "through_ns",
        "told",
        "unheard",
        "unheard_first",
        "unheard_last",
    )

    def __init__(self) -> None:
        self.records = 0
        self.first: Place | None = None  # of the first record
        self.fragments = Fragments()
        self.told: dict[int, Told] = {}  # by message_seq
        self.epoch = 0  # the highest that was opened
        self.opened = 0  # protected records
        self.failed = 0  # records that there were keys for, and that did not open
        self.protected = 0
        self.openers12: dict[int, Opener] = {}  # by epoch
        self.openers13: dict[int, EpochOpener] = {}
        self.cid_bytes = UNKNOWN  # of the connection ids in the records it sends
        self.sealed_ns = 0  # when it last sent a part of the handshake that stayed closed
        self.finished = False
        self.through_ns = 0  # when it first sent data before any Finished was seen
        self.closed = False  # by close_notify
        self.alerted = False  # by a fatal alert
        self.data_bytes = 0
        self.acks = 0
        self.repeats = 0  # messages that were sent again
        self.big = 0  # large datagrams of the handshake
        self.big_bytes = 0  # the largest
        self.big_first: Place | None = None
        self.unheard = 0  # datagrams since the other side last sent one
        self.unheard_first: Place | None = None
        self.unheard_last: Place | None = None

    def remember(self, sequence: int, told: Told) -> None:
        """Keep what was told of a message; the oldest is forgotten where there are many."""
        if sequence not in self.told and len(self.told) >= MAX_TOLD:
            del self.told[next(iter(self.told))]
        self.told[sequence] = told
