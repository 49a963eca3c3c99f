"""RDP as far as its security negotiation: the client says which protocols it can do, the server chooses (MS-RDPBCGR).

The negotiation rides in the connection request of X.224, in a TPKT (RFC 1006, now RFC 2126).  A user's name in it, and
what logs a client in, are never shown.
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import About, Enough, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade
from analyzer.protocols.starttls.names import HIDDEN

TPKT: Final = 3
TPKT_BYTES: Final = 4
X224_BYTES: Final = 7  # length, code, two references, class
CONNECTION_REQUEST: Final = 0xE0
CONNECTION_CONFIRM: Final = 0xD0
DATA: Final = 0xF0
SEQUENCE: Final = 0x30  # CredSSP inside TLS
CONNECT_INITIAL: Final = b"\x7f\x65"

NEG_REQUEST: Final = 1
NEG_RESPONSE: Final = 2
NEG_FAILURE: Final = 3
NEG_BYTES: Final = 8

RDP: Final = 0
#: Bits of requestedProtocols and values of selectedProtocol, 2.2.1.1.1; all but 0 begin with TLS.
PROTOCOLS: Final = {1: "TLS", 2: "CredSSP", 4: "RDSTLS", 8: "CredSSP with early authorization", 16: "RDS-AAD"}
#: 2.2.1.2.2, and what it takes.
FAILURES: Final = {
    1: ("SSL_REQUIRED_BY_SERVER", "The server wants TLS, and the client did not offer it."),
    2: ("SSL_NOT_ALLOWED_BY_SERVER", "The server is set up for its own security layer, without TLS."),
    3: ("SSL_CERT_NOT_ON_SERVER", "The server has no certificate that it could use for TLS."),
    4: ("INCONSISTENT_FLAGS", "What the client asked for contradicts itself."),
    5: ("HYBRID_REQUIRED_BY_SERVER", "The server wants network level authentication, and the client did not offer it."),
    6: ("SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER", "The server wants TLS and a client certificate."),
}

KINDS: Final = {
    "rdp.connection-request": core.Kind(
        "§2.2.1.1", "The client asks for a connection, and says which security it can do.", "connection request"
    ),
    "rdp.connection-confirm": core.Kind(
        "§2.2.1.2", "The server says which security it takes, or why it takes none.", "connection confirm"
    ),
    "rdp.credssp": core.Kind("§5.4.5.2", "The client logs in inside TLS (what with is not shown).", "CredSSP"),
    "rdp.connect-initial": core.Kind("§2.2.1.3", "The client says what it can do; the session begins.", "connect"),
    "rdp.malformed": core.Kind("§2.2.1", "Bytes that break RDP: from here on this stream is not read."),
}
REFUSAL: Final = "MS-RDPBCGR 2.2.1.2.2"  # where the protocol says how TLS is refused


class Rdp(core.Dissector):
    """One connection, to the turn to TLS."""

    def __init__(self) -> None:
        self.up = Upgrade("rdp", REFUSAL)
        self.asked = 0  # bits of the protocols that the client can do

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        held = self.up.held(sender, head)
        if held != 0:
            return held
        if head[0] == SEQUENCE:
            return len(head)
        if head[0] != TPKT:
            raise Malformed(f"version {head[0]} of a TPKT (RFC 2126 4.3)")
        if len(head) < TPKT_BYTES:
            return None
        size = int.from_bytes(head[2:4], "big")
        if size < X224_BYTES:
            raise Malformed(f"a TPKT of {size} bytes (RFC 2126 4.3)")
        return size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            yield from self.up.beyond(unit)
            return
        if unit.data[unit.start] == SEQUENCE:
            yield Note("rdp.credssp", HIDDEN, unit)
            yield Enough()
            return
        reader = Reader(unit)
        reader.uint("version", 1)
        reader.skip("reserved", 1)
        reader.uint("length", 2)
        reader.uint("length_indicator", 1)
        code = reader.uint("code", 1) & 0xF0
        if self.up.client is None:
            self.up.client = sender.other if code == CONNECTION_CONFIRM else sender
        place = self.up.turn(sender, unit)
        if code == CONNECTION_REQUEST:
            yield from self._on_request(reader, unit, place)
        elif code == CONNECTION_CONFIRM:
            yield from self._on_confirm(reader, place)
        elif code == DATA:
            if CONNECT_INITIAL in bytes(unit)[:12]:
                yield Note("rdp.connect-initial", "begins the session", place)
            yield from self.up.leave(place.time_ns)
        else:
            raise Malformed(f"a unit of X.224 of code {code:#04x} (§2.2.1)")

    def _on_request(self, reader: Reader, unit: Piece, place: core.Place) -> core.Outputs:
        reader.skip("references", min(5, reader.left))
        data = bytes(unit)
        rest = data[reader.at :]
        at = reader.at
        cookie = rest.startswith(b"Cookie:")
        if cookie or (rest[:1] and rest[0] != NEG_REQUEST):
            end = rest.find(b"\r\n")  # a routing token or a user's name
            at += end + 2 if end >= 0 else len(rest)
        request = data[at : at + NEG_BYTES]
        fields: dict[str, Value] = {"cookie": cookie}
        if len(request) == NEG_BYTES and request[0] == NEG_REQUEST:
            self.asked = int.from_bytes(request[4:8], "little")
            fields["requested_protocols"] = self.asked
        names = [name for bit, name in PROTOCOLS.items() if self.asked & bit]
        yield Note("rdp.connection-request", f"offers {', '.join(names) or 'no TLS'}", place, fields)
        title = f"rdp://{self.flow.responder}" if self.flow is not None else None
        yield About(title, {"application": "rdp"})
        if names:
            self.up.ask(place)

    def _on_confirm(self, reader: Reader, place: core.Place) -> core.Outputs:
        reader.skip("references", min(5, reader.left))
        kind, value = 0, RDP
        if reader.left >= NEG_BYTES:
            kind = reader.uint("type", 1)
            reader.uint("flags", 1)
            reader.uint_le("length", 2)
            value = reader.uint_le("value", 4)
        if kind == NEG_FAILURE:
            name, cause = FAILURES.get(value, (f"failure {value}", ""))
            yield Note("rdp.connection-confirm", name, place, {"failure_code": {"value": value, "name": name}})
            text = f"the security negotiation was answered with {name}"
            self.up.refused(f"{text}: {cause}" if cause else text, [place])
            return
        name = PROTOCOLS.get(value, "RDP's own security" if value == RDP else f"protocol {value}")
        yield Note("rdp.connection-confirm", f"takes {name}", place, {"selected_protocol": value})
        if value != RDP:
            yield from self.up.accepted(place)
        else:
            if self.up.asked is not None:
                self.up.refused("the server took RDP's own security and not TLS", [place])
            yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a connection request or confirm of RDP; None asks for more bytes."""
    if head[:1] == bytes((SEQUENCE,)):
        return probe_credssp(head)
    if head[:2] != b"\x03\0"[: len(head)]:
        return False
    if len(head) < 6:
        return None
    size, code = int.from_bytes(head[2:4], "big"), head[5]
    if code == DATA and head[4] == 2:
        return None if len(head) < 9 else head[7:9] == CONNECT_INITIAL
    if code not in (CONNECTION_REQUEST, CONNECTION_CONFIRM) or head[4] != size - 5 or size < 11:
        return False
    if size == 11:
        return None  # others begin so too: the port tells
    rest = head[11:19]
    if code == CONNECTION_REQUEST and b"Cookie: ".startswith(rest):
        return True if len(rest) == 8 else None
    kinds = (NEG_REQUEST,) if code == CONNECTION_REQUEST else (NEG_RESPONSE, NEG_FAILURE)
    if rest and rest[0] not in kinds:
        return False
    return None if len(rest) < 4 else rest[2:4] == b"\x08\0"


def probe_credssp(head: bytes) -> bool | None:
    """A TSRequest: its version, 2 to 6, behind a context tag."""
    if len(head) < 2:
        return None
    skip = 2 + (head[1] & 0x7F if head[1] & 0x80 else 0)
    if skip > 6:
        return False
    version = head[skip : skip + 5]
    start = b"\xa0\x03\x02\x01"
    if not start.startswith(version[:4]):
        return False
    return 2 <= version[4] <= 6 if len(version) == 5 else None


PROTOCOL = core.Protocol(
    "rdp",
    "RDP",
    "MS-RDPBCGR",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Rdp,
    ports=frozenset({3389}),
)
