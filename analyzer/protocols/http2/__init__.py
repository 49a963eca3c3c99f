"""HTTP/2 (RFC 9113), by ALPN, by prior knowledge, or after an upgrade from HTTP/1.1."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.http2.dissector import Http2
from analyzer.protocols.http2.findings import FINDINGS, KINDS
from analyzer.protocols.http2.frames import probe
from analyzer.protocols.http2.names import WORDS

PROTOCOL = core.Protocol(
    "http2",
    "HTTP/2",
    "RFC 9113",
    ("tls:h2", "tcp", "tls", "upgrade:h2c"),
    KINDS,
    FINDINGS,
    probe,
    Http2,
    session="http",
    words=WORDS,
    starts=frozenset(b"P\0"),
)
