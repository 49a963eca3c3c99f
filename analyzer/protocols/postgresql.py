"""PostgreSQL as far as SSLRequest: the client asks for TLS before anything else, the server answers by one byte.

The sections cited are those of the PostgreSQL 17 documentation, chapter 53 (Frontend/Backend Protocol).
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade
from analyzer.protocols.starttls.names import HIDDEN

#: What stands where a StartupMessage has its version, 53.7.
CANCEL: Final = 80877102
SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104
MAJOR_VERSION: Final = 3
REQUESTS: Final = {CANCEL: "CancelRequest", SSL_REQUEST: "SSLRequest", GSSENC_REQUEST: "GSSENCRequest"}
MAX_STARTUP_BYTES: Final = 10000
MAX_ANSWER_BYTES: Final = 65536

YES: Final = ord("S")
YES_GSS: Final = ord("G")
NO: Final = ord("N")
ERROR: Final = ord("E")
AUTHENTICATION: Final = ord("R")
NEGOTIATE: Final = ord("v")
ANSWERS: Final = {YES: "S: begins TLS", YES_GSS: "G: begins GSSAPI encryption", NO: "N: no"}
#: 53.7, AuthenticationOk and its kin.
LOGINS: Final = {0: "no login wanted", 3: "password wanted", 5: "MD5 wanted", 7: "GSSAPI wanted", 10: "SASL wanted"}

KINDS: Final = {
    "postgresql.ssl-request": core.Kind("§53.2.10", "The client asks to begin TLS.", "SSLRequest"),
    "postgresql.gssenc-request": core.Kind("§53.2.11", "The client asks to begin GSSAPI encryption.", "GSSENCRequest"),
    "postgresql.answer": core.Kind("§53.2.10", "The server says by one byte whether it does so.", "answer"),
    "postgresql.startup": core.Kind("§53.2.1", "The client says who it is and which database it wants.", "startup"),
    "postgresql.cancel": core.Kind("§53.2.8", "The client asks to cancel what another connection does.", "cancel"),
    "postgresql.authentication": core.Kind("§53.2.1", "The server says how to log in.", "authentication"),
    "postgresql.error": core.Kind("§53.8", "The server gives a reason and closes.", "error"),
    "postgresql.malformed": core.Kind("§53.7", "Bytes that break the protocol: from here on this stream is not read."),
}
REFUSAL: Final = "PostgreSQL 17 53.2.10"  # where the protocol says how TLS is refused


class Postgresql(core.Dissector):
    """One connection, to the turn to TLS or to the login."""

    def __init__(self) -> None:
        self.up = Upgrade("postgresql", REFUSAL)
        self.gssenc = False  # it was GSSAPI encryption that was asked for
        self.titled = False

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        held = self.up.held(sender, head)
        if held != 0:
            return held
        if self.up.client is None:
            self.up.client = sender
        if sender is self.up.client:
            return startup_size(head)
        if self.up.asked is not None and head[0] in ANSWERS:
            return 1
        if head[0] not in (ERROR, AUTHENTICATION, NEGOTIATE):
            raise Malformed(f"an answer of type {head[0]:#04x} (53.7)")
        if len(head) < 5:
            return None
        size = 1 + int.from_bytes(head[1:5], "big")
        if not 5 <= size <= MAX_ANSWER_BYTES:
            # Servers before 7.4 send an error as text that ends in a zero.
            raise Malformed(f"an answer of {size} bytes (53.7)")
        return size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            yield from self.up.beyond(unit)
            return
        place = self.up.turn(sender, unit)
        if not self.titled:
            self.titled = True
            title = f"postgresql://{self.flow.responder}" if self.flow is not None else None
            yield About(title, {"application": "postgresql"})
        if sender is self.up.client:
            yield from self._on_request(Reader(unit), place)
        elif self.up.asked is not None:
            yield from self._on_answer(Reader(unit), place)
        else:
            yield from self._on_message(Reader(unit), place)

    def _on_request(self, reader: Reader, place: core.Place) -> core.Outputs:
        reader.uint("length", 4)
        code = reader.uint("code", 4)
        if code in (SSL_REQUEST, GSSENC_REQUEST):
            self.gssenc = code == GSSENC_REQUEST
            yield Note("postgresql.gssenc-request" if self.gssenc else "postgresql.ssl-request", REQUESTS[code], place)
            self.up.ask(place)
        elif code == CANCEL:
            yield Note("postgresql.cancel", "cancels what another connection does", place)
            yield from self.up.leave(place.time_ns)
        else:
            major, minor = code >> 16, code & 0xFFFF
            text = f"protocol {major}.{minor} {HIDDEN}"
            yield from self.up.settle(True, place.time_ns)
            yield Note("postgresql.startup", text, place, {"protocol_version": f"{major}.{minor}"})

    def _on_answer(self, reader: Reader, place: core.Place) -> core.Outputs:
        code = reader.uint("answer", 1)
        text = ANSWERS.get(code, "an error")
        asked = "GSSENCRequest" if self.gssenc else "SSLRequest"
        yield Note("postgresql.answer", text, place, {"answer": chr(code)})
        if code == YES_GSS and self.gssenc:
            yield from self.up.leave(place.time_ns)  # encrypted by other means
        elif code == YES and not self.gssenc:
            yield from self.up.accepted(place)
        elif self.gssenc:
            self.up.asked = None  # clients ask for this first, and for TLS then
        else:
            self.up.refused(f"{asked} was answered by {text}", [place])

    def _on_message(self, reader: Reader, place: core.Place) -> core.Outputs:
        kind = reader.uint("type", 1)
        reader.uint("length", 4)
        if kind == NEGOTIATE:
            return
        if kind == AUTHENTICATION:
            code = reader.uint("authentication", 4)
            yield Note("postgresql.authentication", LOGINS.get(code, f"login {code} wanted"), place, {"code": code})
        else:
            fields = read_error(reader)
            text = " ".join(str(fields[name]) for name in ("severity", "sqlstate") if name in fields)
            yield Note("postgresql.error", text or "no reason given", place, fields)
        yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def startup_size(head: bytes | bytearray) -> int | None:
    """Size of a message without a type, 53.7."""
    if len(head) < 8:
        return None
    size, code = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    if code not in REQUESTS and code >> 16 != MAJOR_VERSION:
        raise Malformed(f"neither a request nor a startup message: code {code} (53.7)")
    if not 8 <= size <= MAX_STARTUP_BYTES:
        raise Malformed(f"a startup message of {size} bytes (53.7)")
    return size


def read_error(reader: Reader) -> dict[str, Value]:
    """Severity and code of an ErrorResponse: its text may name users (53.8)."""
    fields: dict[str, Value] = {}
    for part in reader.unit.data[reader.unit.start + reader.at : reader.unit.stop].split(b"\0"):
        if part[:1] == b"S":
            fields["severity"] = part[1:20].decode("ascii", "backslashreplace")
        elif part[:1] == b"C":
            fields["sqlstate"] = part[1:6].decode("ascii", "backslashreplace")
    return fields


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a request of a PostgreSQL client; None asks for more bytes."""
    if head[:2] != b"\0\0"[: len(head)]:
        return False
    if len(head) < 8:
        return None
    size, code = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    if code in (SSL_REQUEST, GSSENC_REQUEST):
        return size == 8
    if code == CANCEL:
        return 16 <= size <= 268
    if code >> 16 != MAJOR_VERSION or not 9 <= size <= MAX_STARTUP_BYTES:
        return False
    # Then names and values, each ending in zero: the first name is a word of letters.
    name, end, _ = head[8:40].partition(b"\0")
    if name.strip(b"abcdefghijklmnopqrstuvwxyz_.0123456789"):
        return False
    return bool(name) if end else None if len(head) < 40 else False


PROTOCOL = core.Protocol(
    "postgresql",
    "PostgreSQL",
    "PostgreSQL 17",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Postgresql,
    ports=frozenset({5432}),
)
