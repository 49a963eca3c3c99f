"""TLS and SSL over a stream, from ClientHello to close_notify, in clear and with keys (RFC 9846, RFC 5246)."""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.protocols.tls.dissector import Tls, probe
from analyzer.protocols.tls.findings import FINDINGS, KINDS
from analyzer.protocols.tls.words import WORDS

PORTS: Final = frozenset({443, 465, 563, 636, 853, 989, 990, 993, 995, 5061, 5349, 6697, 8443})

PROTOCOL = core.Protocol(
    "tls",
    "TLS",
    "RFC 9846",
    ("tcp", "tunnel"),
    KINDS,
    FINDINGS,
    probe,
    Tls,
    session="tls",
    ports=PORTS,
    words=WORDS,
    secure=True,
    starts=frozenset({20, 21, 22, 23, 24, *range(0x80, 0x100)}),
)
