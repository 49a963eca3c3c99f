"""XMPP as far as STARTTLS: the streams open, features, the turn to TLS (RFC 6120).

No XML is parsed: tags are taken one by one, with the text in front of them.  Logins and stanzas are never shown, and
behind the first of either nothing more is read.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, listed, offers
from analyzer.protocols.starttls.names import HIDDEN, MECHANISMS

MAX_TAG_BYTES: Final = 8192
MAX_MECHANISMS: Final = 50

KINDS: Final = {
    "xmpp.stream": core.Kind("§4.2", "An end opens its stream, and says whom it wants or who it is.", "stream"),
    "xmpp.features": core.Kind("§4.3.2", "The server says what has to or may come next.", "features"),
    "xmpp.starttls": core.Kind("§5.4.2.1", "The client asks to begin TLS.", "starttls"),
    "xmpp.proceed": core.Kind("§5.4.2.3", "The server agrees: TLS begins.", "proceed"),
    "xmpp.failure": core.Kind("§5.4.2.2", "The server refuses, and closes.", "failure"),
    "xmpp.auth": core.Kind("§6.4.2", "The client logs in (what with is not shown).", "auth"),
    "xmpp.success": core.Kind("§6.4.6", "The server takes the login.", "success"),
    "xmpp.error": core.Kind("§4.9", "An end tells of an error of the stream, and closes.", "error"),
    "xmpp.close": core.Kind("§4.4", "An end closes its stream.", "close"),
    "xmpp.malformed": core.Kind("§4.2", "Bytes that are no stream of XML: from here on this is not read."),
}
REFUSAL: Final = "RFC 6120 5.4.2.2"  # where the protocol says how TLS is refused

STANZAS: Final = frozenset(("iq", "message", "presence"))
ERRORS: Final = frozenset(
    (
        *("bad-format", "bad-namespace-prefix", "conflict", "connection-timeout", "host-gone", "host-unknown"),
        *("improper-addressing", "internal-server-error", "invalid-from", "invalid-namespace", "invalid-xml"),
        *("not-authorized", "not-well-formed", "policy-violation", "remote-connection-failed", "reset"),
        *("resource-constraint", "restricted-xml", "see-other-host", "system-shutdown", "undefined-condition"),
        *("unsupported-encoding", "unsupported-feature", "unsupported-stanza-type", "unsupported-version"),
    )
)

_NAME: Final = re.compile(r"<(/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_ATTRIBUTE: Final = re.compile(r"\s(to|from|version)\s*=\s*(?:'([^'<>]*)'|\"([^\"<>]*)\")")
_DECLARATION: Final = b"<?xml"
_STREAM: Final = re.compile(rb"\s*(?:<\?xml[^<>]*\?>)?\s*<stream:stream\b[^<>]*")
_STREAM_MAYBE: Final = re.compile(rb"\s*(?:<\?xml[^<>]*(?:>\s*)?)?(?:<[a-z:]*)?\Z")


class Xmpp(core.Dissector):
    """One connection, to the turn to TLS or the login."""

    def __init__(self) -> None:
        self.up = Upgrade("xmpp", REFUSAL)
        self.features = False  # inside <features>
        self.tls = False  # offered there
        self.mechanisms: list[str] = []
        self.in_error = False
        self.login = False
        self.titled = False

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        up = self.up
        held = up.held(sender, head)
        if held != 0:
            return held
        end = head.find(b">", up.scanned[sender], MAX_TAG_BYTES)
        if end < 0:
            if len(head) >= MAX_TAG_BYTES:
                raise Malformed(f"no end of a tag in {MAX_TAG_BYTES} bytes (§4.2)")
            up.scanned[sender] = len(head)
            return None
        up.scanned[sender] = 0
        return end + 1

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            yield from self.up.beyond(unit)
            return
        text = decoded(bytes(unit))
        start = text.find("<")
        match = _NAME.match(text, max(start, 0))
        if match is None:  # a declaration, a comment, the end of a tag with '>' in a value
            return
        closing, name, before = bool(match[1]), match[2], text[:start]
        place = self.up.turn(sender, unit)
        if name == "stream" and not closing:
            yield from self._on_stream(sender, unit, text[start:], place)
        elif name == "stream":
            yield Note("xmpp.close", "closes its stream", place)
        elif sender is self.up.client:
            yield from self._on_client(name, closing, text[start:], place)
        else:
            yield from self._on_server(name, closing, before, place)

    def _on_stream(self, sender: Side, unit: Piece, tag: str, place: core.Place) -> core.Outputs:
        if self.up.client is None:
            self.up.client = sender
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        if "@" not in tag:  # else a user is named
            Reader(unit).rest("stream")
        values = {match[1]: match[2] or match[3] or "" for match in _ATTRIBUTE.finditer(tag)}
        domain = values.get("to" if sender is self.up.client else "from", "")
        # A name in front of the domain is a user's.
        fields: dict[str, Value] = {key: value.rpartition("@")[2][:255] for key, value in values.items()}
        domain = domain.rpartition("@")[2]
        text = f"{'to' if sender is self.up.client else 'from'} {cut(domain)}" if domain else "opens"
        yield Note("xmpp.stream", text, place, fields)
        if domain and not self.titled:
            self.titled = True
            yield About(f"xmpp://{cut(domain)}", {"application": "xmpp"})

    def _on_client(self, name: str, closing: bool, tag: str, place: core.Place) -> core.Outputs:
        if closing:
            return
        yield from self.up.settle(True, place.time_ns)
        if self.up.full() or name in STANZAS:
            yield from self.up.leave(place.time_ns)
        elif name == "starttls":
            yield Note("xmpp.starttls", "asks for TLS", place)
            self.up.ask(place)
        elif name in ("auth", "authenticate"):
            self.login = True
            found = re.search(r"\smechanism\s*=\s*['\"]([A-Z0-9_-]{1,20})['\"]", tag)
            shown = f"{found[1]} {HIDDEN}" if found is not None and found[1] in MECHANISMS else HIDDEN
            yield Note("xmpp.auth", shown, place)
        elif name == "error":
            yield Note("xmpp.error", "closes for an error", place)

    def _on_server(self, name: str, closing: bool, before: str, place: core.Place) -> core.Outputs:
        if name == "features":
            self.features = not closing
            if closing and not self.up.full():
                fields: dict[str, Value] = {"starttls": self.tls}
                listed(fields, "mechanisms", self.mechanisms)
                yield Note("xmpp.features", offers(self.tls), place, fields)
            self.tls, self.mechanisms = False, []
        elif self.features:
            self.tls = self.tls or name == "starttls"
            mechanism = before.strip()
            if name == "mechanism" and closing and mechanism in MECHANISMS and len(self.mechanisms) < MAX_MECHANISMS:
                self.mechanisms.append(mechanism)
        elif self.up.full() or name in STANZAS:
            yield from self.up.leave(place.time_ns)
        elif name == "proceed" and not closing and self.up.asked is not None:
            yield Note("xmpp.proceed", "begins TLS", place)
            yield from self.up.accepted(place)
        elif name == "failure" and not closing:
            asked, self.login = self.up.asked is not None, False
            yield Note("xmpp.failure", "refuses TLS" if asked else "refuses the login", place)
            if asked:
                self.up.refused("starttls was answered with failure", [place])
        elif name == "success" and not closing:
            yield Note("xmpp.success", "login accepted", place)
            yield from self.up.leave(place.time_ns)
        elif name == "error":
            self.in_error = not closing
        elif self.in_error and name in ERRORS and not closing:
            yield Note("xmpp.error", name, place, {"condition": name})

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with the tag of a stream of XMPP; None asks for more bytes."""
    if _STREAM.match(head):
        return True
    maybe = _DECLARATION.startswith(head.lstrip()) or _STREAM_MAYBE.match(head)
    return None if len(head) < 512 and maybe else False


PROTOCOL = core.Protocol(
    "xmpp",
    "XMPP",
    "RFC 6120",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Xmpp,
    ports=frozenset({5222, 5223, 5269, 5270}),
)
