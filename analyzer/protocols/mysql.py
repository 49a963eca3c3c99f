"""MySQL and MariaDB as far as SSLRequest: the server greets, the client says that TLS begins, and begins it.

The sections cited are pages of the MySQL source documentation, "Client/Server Protocol".
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade
from analyzer.protocols.starttls.names import HIDDEN

HEADER_BYTES: Final = 4  # length of three bytes and a number, least significant byte first
PROTOCOL_10: Final = 10
GREETING_BYTES: Final = 33  # without the server's version
MAX_GREETING_BYTES: Final = 1024
MAX_PACKET_BYTES: Final = 65536
SSL_REQUEST_BYTES: Final = 32

PROTOCOL_41: Final = 1 << 9  # capability flags
SSL: Final = 1 << 11

OK: Final = 0x00
MORE: Final = 0x01
SWITCH: Final = 0xFE
ERROR: Final = 0xFF

KINDS: Final = {
    "mysql.greeting": core.Kind(
        "Protocol::HandshakeV10", "The server says its version and what it can do.", "greeting"
    ),
    "mysql.ssl-request": core.Kind("§Protocol::SSLRequest", "The client begins TLS right behind this.", "SSLRequest"),
    "mysql.login": core.Kind("§Protocol::HandshakeResponse41", "The client logs in (what with is not shown).", "login"),
    "mysql.answer": core.Kind(
        "Protocol::OK_Packet", "The server takes the login, asks for more, or refuses.", "answer"
    ),
    "mysql.malformed": core.Kind(
        "§Protocol::Packet", "Bytes that break the protocol: from here on this stream is not read."
    ),
}


class Mysql(core.Dissector):
    """One connection, to the turn to TLS or to the end of the login."""

    def __init__(self) -> None:
        self.up = Upgrade("mysql")
        self.greeted = False
        self.gone = False

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if self.gone:
            return len(head)
        if len(head) < HEADER_BYTES:
            return None
        if self.up.client is None:
            self.up.client = sender.other if head[3] == 0 else sender
        size = int.from_bytes(head[:3], "little")
        if not 1 <= size <= MAX_PACKET_BYTES:
            raise Malformed(f"a packet of {size} bytes (Protocol::Packet)")
        return HEADER_BYTES + size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.gone:
            return self.up.leave(unit.time_ns)
        place = self.up.turn(sender, unit)
        if sender is self.up.client:
            return self._on_client(unit, place)
        if not self.greeted and unit.data[unit.start + 3] == 0 and unit.data[unit.start + 4] == PROTOCOL_10:
            return self._on_greeting(unit, place)
        return self._on_answer(unit, place)

    def _on_greeting(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.skip("header", HEADER_BYTES)
        fields: dict[str, Value] = {"protocol_version": reader.uint("protocol_version", 1)}
        end = unit.data.find(b"\0", unit.start + reader.at, unit.stop)
        if end < 0:
            raise Malformed("a server version without an end (Protocol::HandshakeV10)")
        version = reader.text("server_version", end - unit.start - reader.at)
        reader.skip("end", 1)
        fields["thread_id"] = reader.uint_le("thread_id", 4)
        reader.skip("auth_plugin_data_part_1", 8)
        reader.skip("filler", 1)
        flags = reader.uint_le("capability_flags_1", 2)
        self.greeted = True
        fields["server_version"] = version[:80]
        fields["ssl"] = bool(flags & SSL)
        offered = "offers TLS" if flags & SSL else "no TLS"
        yield Note("mysql.greeting", f"{version[:60]}, {offered}", place, fields)
        title = f"mysql://{self.flow.responder}" if self.flow is not None else None
        yield About(title, {"application": "mysql", "server_version": version[:80]})

    def _on_client(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.skip("header", HEADER_BYTES)
        flags = reader.uint_le("client_flag", 4) if reader.left >= 4 else 0
        # The login has the same beginning, and then the user's name.
        if reader.left == SSL_REQUEST_BYTES - 4 and flags & SSL and flags & PROTOCOL_41:
            yield Note("mysql.ssl-request", "TLS begins", place)
            yield from self.up.accepted(place)
            return
        yield Note("mysql.login", HIDDEN, place)
        if self.up.full():
            yield from self.up.leave(place.time_ns)

    def _on_answer(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.skip("header", HEADER_BYTES)
        kind = reader.uint("type", 1)
        fields: dict[str, Value] = {"type": kind}
        if kind == ERROR:
            fields["error_code"] = code = reader.uint_le("error_code", 2)
            yield Note("mysql.answer", f"error {code}", place, fields)
        elif kind == OK:
            yield Note("mysql.answer", "ok", place, fields)
        else:
            yield Note("mysql.answer", "asks for more" if kind in (MORE, SWITCH) else f"type {kind}", place, fields)
        if kind in (OK, ERROR) or self.up.full():
            yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        self.gone = True
        return ()

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a server's greeting or a client's first packet; None asks for more bytes."""
    if len(head) < HEADER_BYTES + 1:
        return None if head[2:3] in (b"", b"\0") and head[3:4] in (b"", b"\0", b"\1", b"\2") else False
    size = int.from_bytes(head[:3], "little")
    if head[3] == 0:
        if head[4] == ERROR:  # too many connections, or an address that may not come in: the port tells
            return None if 3 <= size <= MAX_GREETING_BYTES else False
        return probe_greeting(head, size)
    return probe_login(head, size)


def probe_greeting(head: bytes, size: int) -> bool | None:
    if head[4] != PROTOCOL_10 or not GREETING_BYTES <= size <= MAX_GREETING_BYTES:
        return False
    version, end, _ = head[5:101].partition(b"\0")
    if not (version.isascii() and version[:1].isdigit() and version.decode("ascii").isprintable()):
        return False if version or end else None
    return b"." in version if end else None if len(head) < 101 else False


def probe_login(head: bytes, size: int) -> bool | None:
    """The 19 bytes behind flags, largest packet and character set are zero."""
    if head[3] not in (1, 2) or not SSL_REQUEST_BYTES <= size <= MAX_PACKET_BYTES:
        return False
    if any(head[13:32]) or (len(head) > 5 and not head[5] & PROTOCOL_41 >> 8):
        return False
    return True if len(head) >= 32 else None


PROTOCOL = core.Protocol(
    "mysql",
    "MySQL",
    "MySQL",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Mysql,
    ports=frozenset({3306}),
)
