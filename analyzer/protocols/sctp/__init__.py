"""SCTP (RFC 9260): in DTLS (RFC 8261), on IP, in UDP (RFC 6951)."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.sctp.dissector import Sctp, probe
from analyzer.protocols.sctp.findings import FINDINGS, KINDS
from analyzer.protocols.sctp.names import WORDS

PROTOCOL = core.Protocol(
    "sctp",
    "SCTP",
    "RFC 9260",
    ("dtls", "ip:sctp", "udp"),
    KINDS,
    FINDINGS,
    probe,
    Sctp,
    words=WORDS,
    ports=frozenset({9899}),
)
