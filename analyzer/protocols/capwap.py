"""CAPWAP, of which only the DTLS inside is read: between access points and their controller (RFC 5415).

Datagrams that are protected begin with a preamble of 4 bytes, and DTLS follows (§4.2).
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import Pass, Piece, Side

PREAMBLE: Final = b"\x01\x00\x00\x00"  # version 0, type 1: DTLS
CONTENT_TYPES: Final = range(20, 27)  # RFC 9147 §4.1
MAJOR: Final = 0xFE  # of every version of DTLS

KINDS: Final = {"capwap.malformed": core.Kind("§4.2", "A datagram that breaks CAPWAP.")}


class Capwap(core.Dissector):
    """One association: passes on what is behind the preamble."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if bytes(unit.cut(0, len(PREAMBLE))) == PREAMBLE:
            yield Pass("udp", unit.cut(len(PREAMBLE)), stream=False)


def probe(head: bytes) -> bool | None:
    """Tell whether a datagram is CAPWAP's preamble with a record of DTLS behind it."""
    at = len(PREAMBLE)
    return len(head) > at + 13 and head.startswith(PREAMBLE) and head[at] in CONTENT_TYPES and head[at + 1] == MAJOR


PROTOCOL = core.Protocol("capwap", "CAPWAP", "RFC 5415", ("udp",), KINDS, {}, probe, Capwap)
