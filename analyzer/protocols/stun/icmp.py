"""ICMP errors about messages of STUN: routers and hosts that say why nothing can come back (RFC 8445 §7.2.5.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Note, Severity, Side
from analyzer.protocols.stun import findings, names, wording
from analyzer.protocols.stun.messages import HEADER_BYTES

if TYPE_CHECKING:
    from analyzer.core import IcmpError, Outputs, Place, Value
    from analyzer.protocols.stun.state import Half, Transaction

ICMP_HEADER_BYTES: Final = 8
IP4_BYTES: Final = 20
IP6_BYTES: Final = 40
UDP_HEADER_BYTES: Final = 8
UDP: Final = 17
SIDE_NAMES: Final = ("initiator", "responder")

#: By version of IP, type and code: RFC 792, RFC 1812 §5.2.7, RFC 4443 §3.
NAMES: Final = {
    (4, 3, 0): "network unreachable",
    (4, 3, 1): "host unreachable",
    (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable",
    (4, 3, 4): "fragmentation needed",
    (4, 3, 9): "network administratively prohibited",
    (4, 3, 10): "host administratively prohibited",
    (4, 3, 13): "administratively prohibited",
    (4, 11, 0): "time to live exceeded",
    (6, 1, 0): "no route",
    (6, 1, 1): "administratively prohibited",
    (6, 1, 3): "address unreachable",
    (6, 1, 4): "port unreachable",
    (6, 2, 0): "packet too big",
    (6, 3, 0): "hop limit exceeded",
}


def name_of(error: IcmpError) -> str:
    found = NAMES.get((error.version, error.type, error.code))
    return found or f"ICMP{'v6' if error.version == 6 else ''} type {error.type} code {error.code}"


def quoted(data: bytes, start: int, stop: int) -> int:
    """Where the payload of the UDP datagram begins that the ICMP message `data[start:stop]` quotes; 0: nowhere."""
    at = start + ICMP_HEADER_BYTES
    if at + IP4_BYTES > stop:
        return 0
    version = data[at] >> 4
    if version == 4 and data[at + 9] == UDP:
        at += (data[at] & 15) * 4
    elif version == 6 and data[at + 6] == UDP:
        at += IP6_BYTES
    else:
        return 0
    at += UDP_HEADER_BYTES
    return at if at <= stop else 0


def latest(transactions: dict[bytes, Transaction], sender: Side) -> Transaction | None:
    """The last request of `sender`, if nobody has answered it."""
    for asked in reversed(transactions.values()):
        if asked.sender is sender:
            return None if asked.answered else asked
    return None


class Errors:
    """The ICMP errors about one path."""

    __slots__ = ("counts", "first", "requests")

    def __init__(self) -> None:
        self.counts = [0, 0]  # by who sent what they quote
        self.requests = [0, 0]  # those that quote requests without an answer
        self.first: list[tuple[IcmpError, Place] | None] = [None, None]  # of the latter

    def told(self, error: IcmpError, transactions: dict[bytes, Transaction]) -> Outputs:
        """Tell of an error that quotes a message, or only the ports that it went to (RFC 792 wants no more)."""
        self.counts[error.sender] += 1
        data = error.at.data
        at = quoted(data, error.at.start, error.at.stop)
        fields: dict[str, Value] = {
            "icmp_type": error.type,
            "icmp_code": error.code,
            "name": name_of(error),
            "reported_by": error.source,
        }
        text = f"{name_of(error)}, says {error.source}"
        place = error.at.place
        asked: Transaction | None = None
        if at and error.at.stop - at < HEADER_BYTES:
            asked = latest(transactions, error.sender)
            if asked is None:
                return
        elif not at or data[at] > 3:
            return
        else:
            message_type = data[at] << 8 | data[at + 1]
            classic = data[at + 4 : at + 8] != names.MAGIC_COOKIE
            transaction = data[at + (4 if classic else 8) : at + HEADER_BYTES]
            asked = transactions.get(transaction)
            if classic and asked is None:
                return  # it may be anything
            named = names.type_named(message_type)
            fields["message_type"] = named
            fields["transaction_id"] = transaction.hex()
            text += f" of the {named['name']}"
        if asked is not None:
            fields["latency_ns"] = max(place.time_ns - asked.last_ns, 0)
            if asked.sender is error.sender and not asked.answered:
                self.requests[error.sender] += 1
                if self.first[error.sender] is None:
                    self.first[error.sender] = (error, asked.place)
        yield Note("stun.icmp-error", text, place, fields, sender=error.sender.other)

    def verdict(self, half: Half, side: Side) -> Outputs:
        """Requests that were refused by ICMP, where none was answered."""
        first = self.first[side]
        if first is None or half.answered:
            return
        error, place = first
        many, count = self.requests[side], half.sent
        what = "connectivity checks" if half.checks else "requests"
        text = f"{many:,} of {count:,} {what} came back as ICMP {name_of(error)} from {error.source}, none was answered"
        severity = Severity.NOTICE if half.checks else None
        found = Finding(findings.ICMP, wording.sentence(text), [place, error.at.place], severity=severity)
        found.cause = findings.ICMP_CAUSES.get(name_of(error), "")
        yield found

    def facts(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for side in (0, 1):
            first = self.first[side]
            if first is not None:
                error = first[0]
                found[SIDE_NAMES[side]] = {
                    "errors": self.counts[side],
                    "requests": self.requests[side],
                    "name": name_of(error),
                    "reported_by": error.source,
                    "first_ns": error.at.time_ns,
                    "first_frame": max(error.at.place.frames, default=0),
                }
        return {"stun_icmp": found} if found else {}
