"""WebSocket (RFC 6455), with permessage-deflate (RFC 7692), over whatever carries it (RFC 8441, RFC 9220)."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.websocket.dissector import WebSocket
from analyzer.protocols.websocket.findings import FINDINGS, KINDS
from analyzer.protocols.websocket.frames import STARTS, probe
from analyzer.protocols.websocket.handshake import lead
from analyzer.protocols.websocket.names import WORDS

PROTOCOL = core.Protocol(
    "websocket",
    "WebSocket",
    "RFC 6455",
    ("upgrade:websocket", "protocol:websocket", "tcp"),
    KINDS,
    FINDINGS,
    probe,
    WebSocket,
    session="websocket",
    words=WORDS,
    lead=lead,
    late=True,
    starts=STARTS,
)
