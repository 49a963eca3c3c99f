"""DTLS made for the tests: sealed records, and flows that share what the engine shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Endpoint, Flow, Note, Piece, Shared, Side
from analyzer.engine.channel import DatagramChannel
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller
from analyzer.protocols.dtls import PROTOCOL
from captures.dtls import RANDOMS, Sealer13, message, record, secrets13

if TYPE_CHECKING:
    from analyzer import core

INI, RES = Side.INITIATOR, Side.RESPONDER
START_NS: Final = 1_000_000_000
STEP_NS: Final = 1_000_000


def in_clear(kind: int, body: bytes, sequence: int = 0, number: int = 0) -> bytes:
    return record(22, message(kind, body, sequence), number)


def sealers13(value: int = 0x1301) -> dict[tuple[Side, int], Sealer13]:
    """By side and epoch; the initiator is the client."""
    found = secrets13(value)
    return {
        (INI, 2): Sealer13(value, found["CLIENT_HANDSHAKE_TRAFFIC_SECRET"], 2),
        (RES, 2): Sealer13(value, found["SERVER_HANDSHAKE_TRAFFIC_SECRET"], 2),
        (INI, 3): Sealer13(value, found["CLIENT_TRAFFIC_SECRET_0"], 3),
        (RES, 3): Sealer13(value, found["SERVER_TRAFFIC_SECRET_0"], 3),
    }


def shared_with(lines: dict[str, bytes] | None) -> Shared:
    shared = Shared()
    if lines is not None:
        shared.secrets.given = True
        shared.secrets.lines[RANDOMS[0]] = lines
    return shared


class Line:
    """A flow of datagrams; several may share what the engine shares."""

    def __init__(self, shared: Shared | None = None, *protocols: core.Protocol, trace: bool = False) -> None:
        self.flow = Flow(
            0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 4433), "", 1, 1, 0, 0, (1, 1), (0, 0)
        )
        self.teller = Teller(self.flow, shared or Shared(), trace, None)
        registry = Registry(protocols or [PROTOCOL])
        self.channel = DatagramChannel(registry, self.teller, "udp", ("udp",), (40000, 4433))
        self.last = Piece(b"", [(0, 1, 42, START_NS)])
        self.number = 0

    def send(self, side: Side, *records: bytes, at_ns: int | None = None) -> Line:
        self.number += 1
        when = START_NS + self.number * STEP_NS if at_ns is None else at_ns
        self.last = Piece(b"".join(records), [(0, self.number, 42, when)])
        self.channel.feed(side, self.last)
        return self

    def end(self, after_ns: int = 0) -> Line:
        self.teller.end_ns = self.last.runs[0][3] + after_ns
        self.channel.end(self.last)
        return self

    @property
    def notes(self) -> list[Note]:
        return self.teller.notes

    @property
    def kinds(self) -> list[str]:
        return [note.kind.removeprefix("dtls.") for note in self.notes]

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.teller.findings]
