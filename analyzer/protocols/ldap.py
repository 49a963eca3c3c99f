"""LDAP as far as StartTLS: what is asked before, the turn to TLS (RFC 4511).

Names, passwords, filters and entries are never shown, and behind a successful bind nothing more is read.
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade
from analyzer.protocols.starttls.names import HIDDEN

SEQUENCE: Final = 0x30
INTEGER: Final = 0x02
ENUMERATED: Final = 0x0A
OCTETS: Final = 0x04
REQUEST_NAME: Final = 0x80  # [0] of an ExtendedRequest
MAX_MESSAGE_BYTES: Final = 1 << 20
MAX_IN_FLIGHT: Final = 100  # extended requests without an answer that are remembered

BIND: Final = 0x60
BIND_RESPONSE: Final = 0x61
UNBIND: Final = 0x42
EXTENDED: Final = 0x77
EXTENDED_RESPONSE: Final = 0x78
REQUESTS: Final = {
    BIND: "bind",
    UNBIND: "unbind",
    0x63: "search",
    0x66: "modify",
    0x68: "add",
    0x4A: "delete",
    0x6C: "modify DN",
    0x6E: "compare",
    0x50: "abandon",
    EXTENDED: "extended request",
}
RESPONSES: Final = {
    BIND_RESPONSE: "bind",
    0x64: "entry",
    0x65: "search done",
    0x67: "modify",
    0x69: "add",
    0x6B: "delete",
    0x6D: "modify DN",
    0x6F: "compare",
    0x73: "reference",
    EXTENDED_RESPONSE: "extended response",
    0x79: "intermediate",
}
NO_RESULT: Final = frozenset((0x64, 0x73, 0x79))
START_TLS: Final = "1.3.6.1.4.1.1466.20037"  # §4.14.1
NOTICE_OF_DISCONNECTION: Final = 0  # the message ID of unasked messages
OPERATIONS: Final = {
    START_TLS: "StartTLS",
    "1.3.6.1.4.1.4203.1.11.1": "modify password",
    "1.3.6.1.4.1.4203.1.11.3": "who am I",
    "1.3.6.1.1.8": "cancel",
}
#: Result codes, §4.1.9 and appendix A.
RESULTS: Final = {
    0: "success",
    1: "operationsError",
    2: "protocolError",
    7: "authMethodNotSupported",
    8: "strongerAuthRequired",
    13: "confidentialityRequired",
    14: "saslBindInProgress",
    32: "noSuchObject",
    48: "inappropriateAuthentication",
    49: "invalidCredentials",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
}
#: What it means as an answer to StartTLS, §4.14.2.
CAUSES: Final = {
    1: "TLS is in use already, or operations are still under way on this connection",
    2: "the server does not know StartTLS, or it is not set up with a certificate",
    52: "the server's TLS is not ready, its certificate or key could not be loaded say",
}

KINDS: Final = {
    "ldap.request": core.Kind("§4.1.1", "The client asks for something.", "request"),
    "ldap.response": core.Kind("§4.1.9", "The server answers, with a result code.", "response"),
    "ldap.malformed": core.Kind("§5.1", "Bytes that break LDAP: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 4511 4.14.2"  # where the protocol says how TLS is refused


class Ldap(core.Dissector):
    """One connection, to the turn to TLS or the bind."""

    def __init__(self) -> None:
        self.up = Upgrade("ldap", REFUSAL)
        self.tls_id: int | None = None
        self.names: dict[int, str] = {}  # of extended requests, by message ID
        self.titled = False

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        held = self.up.held(sender, head)
        if held != 0:
            return held
        if head[0] != SEQUENCE:
            raise Malformed("not a message: no SEQUENCE (§5.1)")
        if len(head) < 2 or len(head) < 2 + (head[1] & 0x7F if head[1] & 0x80 else 0):
            return None
        size = message_size(bytes(head[:6]))
        if size is None:
            raise Malformed("a message whose length is not definite, or too large (§5.1)")
        return size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            yield from self.up.beyond(unit)
            return
        reader = Reader(unit)
        read_tag(reader, SEQUENCE)
        number = read_integer(reader, INTEGER)
        tag = reader.uint("protocolOp", 1)
        inside = reader.sub("content", read_length(reader))
        if self.up.client is None:
            self.up.client = sender if tag in REQUESTS else sender.other
        place = self.up.turn(sender, unit)
        if not self.titled:
            self.titled = True
            title = f"ldap://{self.flow.responder}" if self.flow is not None else None
            yield About(title, {"application": "ldap"})
        if self.up.full():
            yield from self.up.leave(place.time_ns)
        elif sender is self.up.client:
            yield from self._on_request(number, tag, inside, place)
        else:
            yield from self._on_response(number, tag, inside, place)

    def _on_request(self, number: int, tag: int, inside: Reader, place: core.Place) -> core.Outputs:
        text = REQUESTS.get(tag)
        if text is None:
            raise Malformed(f"a request of tag {tag:#04x} (§4.2)")
        if tag != UNBIND:
            yield from self.up.settle(True, place.time_ns)
        fields: dict[str, Value] = {"message_id": number, "protocol_op": text}
        if tag == BIND:
            text = f"bind {HIDDEN}"
        elif tag == EXTENDED:
            oid = read_text(inside, REQUEST_NAME)
            fields["request_name"] = oid
            text = OPERATIONS.get(oid, f"extended request {oid}")
            if len(self.names) < MAX_IN_FLIGHT:
                self.names[number] = text
        yield Note("ldap.request", text, place, fields)
        if tag == EXTENDED and oid == START_TLS:
            self.tls_id = number
            self.up.ask(place)

    def _on_response(self, number: int, tag: int, inside: Reader, place: core.Place) -> core.Outputs:
        text = RESPONSES.get(tag)
        if text is None:
            raise Malformed(f"a response of tag {tag:#04x} (§4.2)")
        fields: dict[str, Value] = {"message_id": number, "protocol_op": text}
        if tag in NO_RESULT:
            yield Note("ldap.response", text, place, fields)
            return
        code = read_integer(inside, ENUMERATED)
        result = RESULTS.get(code, f"result {code}")
        fields["result_code"] = {"value": code, "name": result}
        if tag == EXTENDED_RESPONSE:
            text = self.names.pop(number, "disconnects" if number == NOTICE_OF_DISCONNECTION else text)
        yield Note("ldap.response", f"{text}: {result}", place, fields)
        if tag == EXTENDED_RESPONSE and self.up.asked is not None and number == self.tls_id:
            if code == 0:
                yield from self.up.accepted(place)
            else:
                text = f"StartTLS was answered with {result}"
                self.up.refused(f"{text}: {CAUSES[code]}" if code in CAUSES else text, [place])
        elif tag == BIND_RESPONSE and code == 0:
            yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


# --- BER, as far as it is used (§5.1: definite lengths only) ----------------------------------------------------------


def message_size(head: bytes) -> int | None:
    """Size of the message whose first bytes these are; None where that can't be told."""
    if head[1] < 0x80:
        return 2 + head[1]
    count = head[1] & 0x7F
    if not 1 <= count <= 4:
        return None
    size = 2 + count + int.from_bytes(head[2 : 2 + count], "big")
    return size if size <= MAX_MESSAGE_BYTES else None


def read_length(reader: Reader) -> int:
    first = reader.uint("length", 1)
    if first < 0x80:
        return first
    if not 1 <= first & 0x7F <= 4:
        raise Malformed("a length that is not definite, or too large (§5.1)")
    return reader.uint("length", first & 0x7F)


def read_tag(reader: Reader, tag: int) -> int:
    """The length of what follows, which must have this tag."""
    found = reader.uint("tag", 1)
    if found != tag:
        raise Malformed(f"tag {found:#04x} where {tag:#04x} was due (§4.1)")
    return read_length(reader)


def read_integer(reader: Reader, tag: int) -> int:
    size = read_tag(reader, tag)
    if not 1 <= size <= 5:
        raise Malformed(f"a number of {size} bytes (§4.1.1)")
    return reader.uint("number", size)


def read_text(reader: Reader, tag: int) -> str:
    return reader.text("text", read_tag(reader, tag))[:100]


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a message of LDAP; None asks for more bytes."""
    if head[:1] != bytes((SEQUENCE,))[: len(head)]:
        return False
    if len(head) < 2:
        return None
    skip = 2 + (head[1] & 0x7F if head[1] & 0x80 else 0)
    if skip > 6 or head[1] == 0x80:
        return False
    if len(head) < skip + 2:
        return None if head[skip : skip + 1] in (b"", b"\x02") else False
    size = head[skip + 1]
    if head[skip] != INTEGER or not 1 <= size <= 4 or message_size(head) is None:
        return False
    at = skip + 2 + size
    if len(head) < at + 2:
        return None
    # An unasked message has the ID 0; everything else starts at one.
    tag = head[at]
    if tag in (UNBIND, 0x50, 0x4A):
        return None  # too little to go by
    if tag == BIND:
        return probe_bind(head, at)
    return tag in REQUESTS or tag in RESPONSES


def probe_bind(head: bytes, at: int) -> bool | None:
    """A bind says its version first, which is 2 or 3: Kerberos and SNMP look alike up to there."""
    skip = at + 2 + (head[at + 1] & 0x7F if head[at + 1] & 0x80 else 0)
    if skip > at + 6:
        return False
    version = head[skip : skip + 3]
    return version in (b"\x02\x01\x02", b"\x02\x01\x03") if len(version) == 3 else None


PROTOCOL = core.Protocol(
    "ldap",
    "LDAP",
    "RFC 4511",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Ldap,
    ports=frozenset({389, 636, 3268, 3269}),
)
