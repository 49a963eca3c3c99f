"""What is known of one TLS connection: what was offered and agreed, and how far each side has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from analyzer.core import Side
from analyzer.protocols.tls.messages import ECH, is_13

if TYPE_CHECKING:
    from analyzer.core import Pass, Piece, Place, Spot
    from analyzer.protocols.tls.certificates import Certificate
    from analyzer.protocols.tls.messages import ClientHello, ServerHello
    from analyzer.protocols.tls.protection import Opener
    from analyzer.protocols.tls.suites import Suite

    #: Where a message or a record was captured: a `Place`, or what makes one when it is asked for.
    Where = Place | Spot

INITIATOR: Final[Side] = Side.INITIATOR
RESPONDER: Final[Side] = Side.RESPONDER

# How the records of a side can be read.
CLEAR: Final = 0
OPEN: Final = 1  # protected, and there are keys
SHUT: Final = 2  # protected, and there are none

# What became of early data (RFC 9846 §4.3.10).
NOT_OFFERED: Final = 0
OFFERED: Final = 1
ACCEPTED: Final = 2
REJECTED: Final = 3


@mypyc_attr(acyclic=True)
class Run:
    """Records of one kind that one side sent in a row: told in one line."""

    __slots__ = ("bytes", "early", "first", "kind", "last", "opened", "passed", "records")

    def __init__(self, kind: str, first: Where, opened: bool) -> None:
        self.kind = kind
        self.first = first
        self.last = first
        self.opened = opened
        self.records = 0
        self.bytes = 0
        self.early = False
        self.passed: Pass | None = None  # the last that went to a room inside


@mypyc_attr(acyclic=True)
class Half:
    """One side of a connection: its records, and what holds for those to come."""

    __slots__ = (
        "alerted",
        "closed",
        "data_bytes",
        "epoch",
        "finished",
        "first",
        "foreign",
        "given_up",
        "last_size",
        "lost",
        "missing",
        "need",
        "opener",
        "partial",
        "partial_bytes",
        "records",
        "run",
        "state",
        "trials",
    )

    def __init__(self) -> None:
        self.state = CLEAR
        self.opener: Opener | None = None
        self.given_up = False  # shut for another reason than want of keys
        self.epoch = 0
        self.trials = 0  # records that were tried with keys of a later epoch, in vain
        self.records = 0
        self.first: Spot | None = None  # of the first record
        self.last_size = 0  # of the last record
        self.data_bytes = 0  # of application data, as plaintext where it was opened
        self.finished = False
        self.closed = False  # by close_notify
        self.alerted = False  # by a fatal alert
        self.lost = False  # bytes are missing: the next record has to be found again
        self.missing = 0  # records are missing, nobody knows how many: records to search their number for
        self.foreign = False  # the unit that comes is no record
        self.run: Run | None = None
        self.partial: list[Piece] = []  # of a handshake message
        self.partial_bytes = 0
        self.need = 0


@mypyc_attr(acyclic=True)
class Link:
    """What both hellos and the messages after them agreed on.  Pairs are by who sends: client, server."""

    __slots__ = (
        "alerts",
        "alpn",
        "answer",
        "ccs",
        "certificate_requested",
        "chains",
        "client",
        "compression",
        "done_ns",
        "early",
        "encrypt_then_mac",
        "encrypted_premaster",
        "group",
        "hello",
        "hello_at",
        "hello_bytes",
        "hellos",
        "inner",
        "key_bits",
        "ocsp",
        "offered_version",
        "outer",
        "renegotiations",
        "request_at",
        "resumed",
        "retries",
        "retry_at",
        "scheme",
        "server_at",
        "server_hello_done",
        "session_id",
        "suite",
        "suite_value",
        "tickets",
        "transcript",
        "truncated_hmac",
        "version",
    )

    def __init__(self) -> None:
        self.client = Side.INITIATOR
        self.hello: ClientHello | None = None
        self.hello_at: Where | None = None  # of the first ClientHello
        self.hello_bytes = 0
        self.hellos = 0
        self.outer = b""  # a ClientHello that may have another inside, kept only where a secret may open that
        self.inner: ClientHello | None = None  # the one inside
        self.answer: ServerHello | None = None
        self.server_at: Where | None = None  # of the ServerHello
        self.retry_at: Where | None = None
        self.retries = 0
        self.version = 0  # negotiated; 0: not known
        self.offered_version = 0  # of the ClientHello, as an RSA premaster secret repeats it
        self.suite: Suite | None = None
        self.suite_value = 0
        self.group: int | None = None
        self.key_bits = 0  # of finite field Diffie-Hellman
        self.scheme: int | None = None  # with which the server signed
        self.alpn: str | None = None
        self.compression = 0
        self.encrypt_then_mac = False
        self.truncated_hmac = False
        self.resumed: bool | None = None
        self.session_id = b""  # of the server
        self.early = NOT_OFFERED
        self.chains: tuple[list[Certificate], ...] = ([], [])
        self.certificate_requested = False
        self.request_at: Where | None = None
        self.ocsp: dict[str, object] | None = None
        self.tickets = 0
        self.ccs = [False, False]
        self.server_hello_done = False
        self.encrypted_premaster = b""
        self.transcript = bytearray()  # kept only where a private key may need it
        self.renegotiations = 0
        self.done_ns = 0  # when both sides were finished
        self.alerts: list[tuple[Side, int, int, Where]] = []

    @property
    def server(self) -> Side:
        return RESPONDER if self.client is INITIATOR else INITIATOR

    @property
    def client_random(self) -> bytes:
        return b"" if self.hello is None else self.hello.random

    @property
    def server_random(self) -> bytes:
        return b"" if self.answer is None else self.answer.random

    @property
    def offered_suites(self) -> list[int]:
        return [] if self.hello is None else self.hello.suites

    @property
    def ticket(self) -> bytes:
        return b"" if self.hello is None else self.hello.ticket

    @property
    def ech_offered(self) -> bool:
        return self.hello is not None and ECH in self.hello.values

    @property
    def is_13(self) -> bool:
        return is_13(self.version)

    def agreed(self, extension: int) -> bool:
        """Whether both hellos have it."""
        return (
            self.hello is not None
            and self.answer is not None
            and extension in self.hello.values
            and extension in self.answer.values
        )
