"""STUN, ICE's checks and TURN: what an address looks like from outside, whether a path works, and relays (RFC 8489).

TURN is RFC 8656 (and 6062 for TCP), the attributes of ICE are RFC 8445's.
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.protocols.stun.dissector import Stun
from analyzer.protocols.stun.findings import FINDINGS, KINDS
from analyzer.protocols.stun.recognise import probe
from analyzer.protocols.stun.words import WORDS

PORTS: Final = frozenset({3478, 3479, 5349, 5350, 19302})

PROTOCOL = core.Protocol(
    "stun",
    "STUN and TURN",
    "RFC 8489",
    ("udp", "tcp", "tls"),
    KINDS,
    FINDINGS,
    probe,
    Stun,
    ports=PORTS,
    words=WORDS,
)
