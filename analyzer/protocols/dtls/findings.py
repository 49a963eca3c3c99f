"""The lines and the verdicts of DTLS: what each means, why it is probably so, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from analyzer.core import FindingKind, Kind, Severity
from analyzer.protocols.dtls.verdicts import code_of
from analyzer.protocols.tls.findings import ALERT_CODES, OTHER_ALERT
from analyzer.protocols.tls.findings import FINDINGS as TLS_FINDINGS
from analyzer.protocols.tls.findings import KINDS as TLS_KINDS

#: Lines that only TLS has.
_NOT_HERE: Final = frozenset(("tls.malformed",))


def _reference(spec: str) -> str:
    """A section of TLS, written out for a room whose own RFC is another."""
    return f"RFC 9846 {spec[1:]}" if spec.startswith("§") else spec


KINDS: Final[dict[str, Kind]] = {
    "dtls.hello-verify-request": Kind(
        "RFC 6347 4.2.1",
        "The server has the client send its hello again with a cookie, before it spends anything on it.",
        "HelloVerifyRequest",
    ),
    "dtls.ack": Kind("§7", "Says which records arrived, so that the others alone are sent again.", "ACK"),
    "dtls.request-connection-id": Kind("§9", "Asks the other side for more connection ids.", "RequestConnectionId"),
    "dtls.new-connection-id": Kind("§9", "Gives the other side connection ids to write to.", "NewConnectionId"),
    **{
        f"dtls.{name.removeprefix('tls.')}": Kind(_reference(kind.spec), kind.meaning, kind.label)
        for name, kind in TLS_KINDS.items()
        if name not in _NOT_HERE and not name.startswith("tls.ssl2")
    },
    "dtls.change-cipher-spec": Kind(
        "RFC 5246 7.1", "Up to DTLS 1.2: from here on this side encrypts.", "ChangeCipherSpec"
    ),
    "dtls.malformed": Kind("§4", "Bytes that break DTLS."),
}

_ALERTS: Final[dict[str, FindingKind]] = {
    code_of(code): replace(TLS_FINDINGS[code], spec=_reference(TLS_FINDINGS[code].spec))
    for code in (*ALERT_CODES.values(), OTHER_ALERT)
}

FINDINGS: Final[dict[str, FindingKind]] = {
    **_ALERTS,
    "dtls.no-answer": FindingKind(
        Severity.ERROR,
        "Nobody answered the ClientHello",
        "RFC 6347 4.2.4; RFC 9147 5.8",
        cause="The other side is not ready for DTLS, takes itself for the client too and waits, hands these datagrams "
        "to something else, or the path lets nothing through one way.",
        advice="Capture on the other side: did the ClientHello arrive? In WebRTC compare a=setup of both sides, and "
        "look whether ICE had a working pair before.",
    ),
    "dtls.version-old": FindingKind(
        Severity.WARNING,
        "DTLS 1.0 was negotiated, which must not be used any more",
        "RFC 8996 5; RFC 8827 6.5",
        cause="One side knows nothing newer, or has DTLS 1.2 turned off.",
        advice="Update that side, or allow DTLS 1.2 there.",
    ),
}
