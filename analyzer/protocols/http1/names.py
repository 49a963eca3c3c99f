"""Statuses, methods and field names of HTTP (RFC 9110), and what `explain` knows of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from analyzer.core import Word

#: What the first digit of a status says, RFC 9110 §15.
CLASSES: Final = ("", "Informational", "Successful", "Redirection", "Client error", "Server error")
WORDS: Final = {
    str(status.value): Word(
        f"{status.value} {status.phrase}",
        f"{CLASSES[status.value // 100]}: {(status.description or status.phrase).rstrip('.')}.",
        f"RFC 9110 15.{status.value // 100 + 1}",
    )
    for status in HTTPStatus
}

#: Field lines whose values stand in the notes, in snake_case.
FIELDS: Final = {
    name: name.replace("-", "_")
    for name in (
        "accept",
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "forwarded",
        "http2-settings",
        "location",
        "origin",
        "proxy-authenticate",
        "referer",
        "retry-after",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "server",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "www-authenticate",
        "x-forwarded-for",
        "x-forwarded-proto",
    )
}
#: Field lines that are secrets: no view shows what they say.
SECRETS: Final = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie"})
#: Methods that may be recognised from their first bytes alone, before the request line is complete.
METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL"),
    *("COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MERGE", "CHECKOUT", "M-SEARCH", "NOTIFY", "SUBSCRIBE"),
)
