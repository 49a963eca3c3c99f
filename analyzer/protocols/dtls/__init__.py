"""DTLS: TLS over datagrams, for WebRTC, VPNs and small devices (RFC 9147, RFC 6347)."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.dtls.dissector import Dtls, probe
from analyzer.protocols.dtls.findings import FINDINGS, KINDS
from analyzer.protocols.dtls.words import WORDS

#: No port is a hint: what DTLS looks like is clear, and a record of DTLS 1.3 by itself is anybody's.
PROTOCOL = core.Protocol("dtls", "DTLS", "RFC 9147", ("udp",), KINDS, FINDINGS, probe, Dtls, secure=True, words=WORDS)
