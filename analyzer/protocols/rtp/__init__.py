"""RTP and RTCP: media in datagrams, and what receivers report of them (RFC 3550); SRTP with keys of DTLS (RFC 5764)."""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.protocols.rtp.dissector import Rtp, probe
from analyzer.protocols.rtp.findings import FINDINGS, KINDS
from analyzer.protocols.rtp.words import WORDS

#: First bytes of RTP and RTCP, RFC 7983 §7.
STARTS: Final = frozenset(range(128, 192))

PROTOCOL = core.Protocol(
    "rtp", "RTP and RTCP", "RFC 3550", ("udp",), KINDS, FINDINGS, probe, Rtp, words=WORDS, media=True, starts=STARTS
)
