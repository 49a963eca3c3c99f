"""HTTP/1.x (RFC 9112, RFC 9110)."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.http1.dissector import Http
from analyzer.protocols.http1.findings import FINDINGS, KINDS
from analyzer.protocols.http1.heads import probe
from analyzer.protocols.http1.names import WORDS

PROTOCOL = core.Protocol(
    "http1",
    "HTTP/1.1",
    "RFC 9112",
    ("tcp", "tls"),
    KINDS,
    FINDINGS,
    probe,
    Http,
    session="http",
    ports=frozenset({80, 8000, 8080}),
    words=WORDS,
    starts=frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\r\n "),
)
