"""One message read: its header, its attributes by name, and whether its FINGERPRINT is right (RFC 8489 §5, §14).

Three generations are read: with the magic cookie (RFC 5389 and 8489), without it (RFC 3489), and what [MS-TURN] made of
drafts between them.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from analyzer.core import Malformed, Reader
from analyzer.protocols.stun import names
from analyzer.protocols.stun.names import (
    DATA,
    DESTINATION_ADDRESS,
    FIELDS,
    FINGERPRINT,
    MAGIC_COOKIE,
    MESSAGE_INTEGRITY,
    NONCE,
    OLD_COOKIE,
    REALM,
    XOR_PEER_ADDRESS,
)
from analyzer.protocols.stun.registries import PASSWORD_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Piece, Value

HEADER_BYTES: Final = 20
MAX_ATTRIBUTES: Final = 256  # of one message that are read
MAX_PEERS: Final = 64  # XOR-PEER-ADDRESS of one message that are listed
MAX_TEXT_BYTES: Final = 763  # §14.3, §14.9: what USERNAME, REALM, SOFTWARE may have, and reason phrases
MAX_SHOWN_BYTES: Final = 64  # of an attribute whose form is not known
NONCE_SHOWN: Final = 12
FINGERPRINT_XOR: Final = 0x5354554E  # §14.7

#: The field of attribute 0xC001, as the registry names it.
ENF_FLOW: Final = "enf_flow_description"
#: The type of MAGIC-COOKIE, which [MS-TURN] has first in each message.
OLD_MAGIC: Final = b"\0\x0f"

_HEAD: Final = Struct(">HH")
_WORDS: Final = Struct(">8H")


class InStun(NamedTuple):
    """The context of datagrams that messages carry in an attribute; those beside them have just `peer` as theirs."""

    peer: tuple[str, int] | None  # beyond a relay


class Message:
    """What stands in a message.  `fields` is what its note tells; the rest is for the room."""

    __slots__ = (
        "body_at",
        "broken",
        "channel",
        "check",
        "classic",
        "data_at",
        "data_bytes",
        "dtls_at",
        "dtls_bytes",
        "error",
        "fields",
        "fingerprint",
        "integrity",
        "integrity_at",
        "kind",
        "message_class",
        "method",
        "peer",
        "peers",
        "size",
        "transaction",
        "type",
        "unusual",
    )

    def __init__(self, message_type: int, size: int, transaction: bytes, classic: bool) -> None:
        self.type = message_type
        self.method = names.method_of(message_type)
        self.message_class = names.class_of(message_type)
        self.kind = names.kind_of(message_type)
        self.size = size  # with its header
        self.transaction = transaction
        self.classic = classic  # without the magic cookie: RFC 3489
        self.unusual = False  # it is of [MS-TURN], carries DTLS, or renominates
        self.check = False  # a connectivity check of ICE: set where requests are looked at
        self.fields: dict[str, Value] = {
            "message_type": names.type_named(message_type),
            "transaction_id": transaction.hex(),
        }
        self.broken = ""  # why the rest of the attributes is not read
        self.fingerprint: bool | None = None  # whether it is right, None where there is none
        self.integrity = 0  # the first attribute of integrity, 0 where there is none
        self.integrity_at = 0  # where it begins, counted from the start of the message
        self.error = 0
        self.channel = 0
        self.peer: tuple[str, int] | None = None  # the first XOR-PEER-ADDRESS
        self.peers: list[tuple[str, int]] = []
        self.data_at = -1  # where DATA begins, counted from the start of the message
        self.data_bytes = 0
        self.dtls_at = -1  # where META-DTLS-IN-STUN begins, likewise
        self.dtls_bytes = 0


def read(data: bytes, start: int, stop: int) -> Message:
    """The message of `data[start:stop]`; raises `Malformed` where its header is not whole or says more than there is.

    An attribute that breaks its bounds ends the reading, and is told in `broken`.  Linear work.
    """
    if stop - start < HEADER_BYTES:
        raise Malformed(f"a message of {stop - start} bytes, its header has {HEADER_BYTES} (§5)")
    message_type, length = _HEAD.unpack_from(data, start)
    if message_type & 0xC000:
        raise Malformed("the first two bits are not zero (§5)")
    size = HEADER_BYTES + length
    if size > stop - start:
        raise Malformed(f"a message of {size} bytes, {stop - start} are there (§5)")
    classic = data[start + 4 : start + 8] != MAGIC_COOKIE
    message = Message(message_type, size, data[start + (4 if classic else 8) : start + HEADER_BYTES], classic)
    if classic:
        message.fields["classic"] = True
    _read_attributes(message, data, start)
    if message.unusual and ENF_FLOW in message.fields:
        nomination(message)
    return message


def is_padded(data: bytes, start: int, stop: int, classic: bool) -> bool:
    """Whether attributes are padded to 4 bytes (§14).  RFC 3489 and [MS-TURN] did not, nor do WhatsApp's messages."""
    return not classic and not (stop - start) & 3 and data[start + 20 : start + 22] != OLD_MAGIC


def _read_attributes(message: Message, data: bytes, start: int) -> None:
    fields = message.fields
    key = data[start + 4 : start + HEADER_BYTES]
    stop = start + message.size
    at = start + HEADER_BYTES
    padded = is_padded(data, start, stop, message.classic)
    swapped = data[at : at + 2] == OLD_MAGIC  # [MS-TURN] has the numbers of REALM and NONCE the other way round
    if swapped:
        message.unusual = True
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > stop:
            if at < stop:
                message.broken = f"{stop - at} bytes are left, an attribute begins with 4 (§14)"
            return
        number, size = _HEAD.unpack_from(data, at)
        begin = at + 4
        if begin + size > stop:
            name = names.attribute_name(number)
            message.broken = f"{name} of {size} bytes, {stop - begin} are left (§14)"
            return
        at = begin + (size + 3 & ~3 if padded else size)
        if swapped and number in (REALM, NONCE):
            number = REALM + NONCE - number
        name = FIELDS.get(number) or f"attribute_0x{number:04x}"
        if number == DATA:
            if message.data_at < 0:
                message.data_at, message.data_bytes = begin - start, size
                fields[name] = {"bytes": size}
            continue
        if number == FINGERPRINT:
            if size == 4 and message.fingerprint is None:
                value = int.from_bytes(data[begin : begin + 4], "big")
                right = value == crc32(data[start : begin - 4]) ^ FINGERPRINT_XOR
                message.fingerprint = right
                fields[name] = {"value": value, "valid": right}
            continue
        if name in fields and number != XOR_PEER_ADDRESS:
            continue  # §14: of several only the first counts
        body = data[begin : begin + size]
        try:
            if number in XORED:
                # Drafts before RFC 5389 xored nothing.
                value_of = address(body) if message.classic else xor_address(body, key)
            elif number in FLAGS:
                value_of = True
            else:
                decode = DECODERS.get(number)
                value_of = shown(body) if decode is None else decode(body)
        except Malformed as why:
            message.broken = message.broken or f"{names.attribute_name(number)}: {why}"
            fields[f"attribute_0x{number:04x}"] = shown(body)  # a name always has a value of its kind
            continue
        if number not in NOTED:
            fields[name] = value_of
        elif number == MESSAGE_INTEGRITY:
            fields[name] = value_of
            if not message.integrity:
                message.integrity, message.integrity_at = number, begin - 4 - start
        elif number in PEERS:
            _add_peer(message, name, value_of)
        else:
            fields[name] = value_of
            _noted(message, number, value_of, begin - start, size)
    if at < stop:
        message.broken = f"more than {MAX_ATTRIBUTES} attributes, the rest is not read"


def _noted(message: Message, number: int, value: Value, at: int, size: int) -> None:
    """Keep for the room what the attribute at `at` of the message says, or where it is."""
    if number == names.MESSAGE_INTEGRITY_SHA256:
        if not message.integrity:
            message.integrity, message.integrity_at = number, at - 4
    elif number == names.ERROR_CODE:
        message.error = value["value"]
    elif number == names.CHANNEL_NUMBER:
        message.channel = value
    elif number == names.DTLS_IN_STUN:
        message.dtls_at, message.dtls_bytes, message.unusual = at, size, True
    elif number == names.ENF_FLOW:
        message.unusual = True


def nomination(message: Message) -> None:
    """Browsers renominate with a number for which the registry has another name (draft-thatcher-ice-renomination)."""
    fields = message.fields
    value = fields[ENF_FLOW]
    if message.method == names.BINDING and "ice_controlling" in fields and len(value) == 8:
        fields["nomination"] = int(value, 16)
        del fields[ENF_FLOW]


def _add_peer(message: Message, name: str, value: Value) -> None:
    peer = (value["address"], value["port"])
    if message.peer is None:
        message.peer = peer
        message.fields[name] = value
    elif len(message.peers) == 1:
        message.fields["xor_peer_addresses"] = [message.fields[name], value]
    elif len(message.peers) < MAX_PEERS:
        message.fields["xor_peer_addresses"].append(value)
    if len(message.peers) < MAX_PEERS:
        message.peers.append(peer)


# --- attributes -------------------------------------------------------------------------------------------------------


def shown(body: bytes) -> str:
    """Bytes of unknown form as hex, cut at a limit."""
    return body.hex() if len(body) <= MAX_SHOWN_BYTES else f"{body[:MAX_SHOWN_BYTES].hex()}... ({len(body)} bytes)"


def _wanted(body: bytes, size: int) -> None:
    if len(body) < size:
        raise Malformed(f"{len(body)} bytes, at least {size} are wanted")


def _host(family: int, octets: bytes) -> str:
    if family == 1 and len(octets) >= 4:
        return f"{octets[0]}.{octets[1]}.{octets[2]}.{octets[3]}"
    if family == 2 and len(octets) >= 16:
        return host_6(octets[:16])
    raise Malformed(f"an address of family {family} with {len(octets)} bytes")


def host_6(octets: bytes) -> str:
    """An IPv6 address as text, RFC 5952 §4."""
    words: tuple[int, ...] = _WORDS.unpack(octets)
    best, best_size, run = -1, 1, 0
    for index, word in enumerate(words):
        run = run + 1 if word == 0 else 0
        if run > best_size:
            best, best_size = index + 1 - run, run
    texts = [f"{word:x}" for word in words]
    if best < 0:
        return ":".join(texts)
    return f"{':'.join(texts[:best])}::{':'.join(texts[best + best_size :])}"


def address(body: bytes) -> Value:
    """§14.1."""
    _wanted(body, 8)
    return {"address": _host(body[1], body[4:]), "port": body[2] << 8 | body[3]}


def xor_address(body: bytes, key: bytes) -> Value:
    """§14.2: the address xored with `key`, cookie and transaction id, and the port with its first two bytes."""
    _wanted(body, 8)
    size = min(len(body) - 4, 16)
    octets = int.from_bytes(body[4 : 4 + size], "big") ^ int.from_bytes(key[:size], "big")
    port = (body[2] << 8 | body[3]) ^ (key[0] << 8 | key[1])
    return {"address": _host(body[1], octets.to_bytes(size, "big")), "port": port}


def text(body: bytes) -> Value:
    cut = body[:MAX_TEXT_BYTES].decode("utf-8", "backslashreplace").rstrip("\0")
    if body and body[0] < 32:
        return shown(body)  # the tickets that some use as user names
    return cut if cut.isprintable() else "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in cut)


def nonce(body: bytes) -> Value:
    """Enough of it to tell two from each other."""
    begin = body[:NONCE_SHOWN].decode("latin-1")
    begin = begin if begin.isprintable() else body[: NONCE_SHOWN // 2].hex()
    return begin if len(body) <= NONCE_SHOWN else f"{begin}... ({len(body)} bytes)"


def number(body: bytes) -> Value:
    _wanted(body, 4)
    return int.from_bytes(body[:4], "big")


def first_16(body: bytes) -> Value:
    """A number of 16 bits, and two bytes that are reserved."""
    _wanted(body, 2)
    return body[0] << 8 | body[1]


def tie_breaker(body: bytes) -> Value:
    _wanted(body, 8)
    return body[:8].hex()


def size_only(body: bytes) -> Value:
    return {"bytes": len(body)}


def error(body: bytes) -> Value:
    """§14.8."""
    _wanted(body, 4)
    code = (body[2] & 7) * 100 + body[3]
    return {"value": code, "name": names.error_name(code), "reason": text(body[4:])}


def address_error(body: bytes) -> Value:
    """RFC 8656 §18.12."""
    found = error(body)
    found["family"] = names.FAMILIES.get(body[0], f"family {body[0]}")
    return found


def unknown(body: bytes) -> Value:
    """§14.13."""
    found = [body[at] << 8 | body[at + 1] for at in range(0, min(len(body) - 1, 64), 2)]
    return [{"value": one, "name": names.attribute_name(one)} for one in found]


def transport(body: bytes) -> Value:
    """RFC 8656 §18.8."""
    _wanted(body, 1)
    return {"value": body[0], "name": names.TRANSPORTS.get(body[0], f"protocol {body[0]}")}


def family(body: bytes) -> Value:
    """RFC 8656 §18.6."""
    _wanted(body, 1)
    return {"value": body[0], "name": names.FAMILIES.get(body[0], f"family {body[0]}")}


def even_port(body: bytes) -> Value:
    """RFC 8656 §18.7."""
    _wanted(body, 1)
    return {"reserve_next": bool(body[0] & 0x80)}


def change_request(body: bytes) -> Value:
    """RFC 5780 §7.2."""
    _wanted(body, 4)
    return {"change_ip": bool(body[3] & 4), "change_port": bool(body[3] & 2)}


def algorithm(body: bytes) -> Value:
    """§14.12."""
    _wanted(body, 4)
    return _algorithm(body[0] << 8 | body[1])


def _algorithm(value: int) -> dict[str, Value]:
    return {"value": value, "name": PASSWORD_ALGORITHMS.get(value, f"algorithm {value}")}


def algorithms(body: bytes) -> Value:
    """§14.11."""
    found: list[Value] = []
    at = 0
    for _ in range(16):
        if at + 4 > len(body):
            break
        value, size = _HEAD.unpack_from(body, at)
        found.append(_algorithm(value))
        at += 4 + (size + 3 & ~3)
    return found


def icmp(body: bytes) -> Value:
    """RFC 8656 §18.13."""
    _wanted(body, 4)
    return {"type": body[2] >> 1, "code": (body[2] & 1) << 8 | body[3]}


def network_info(body: bytes) -> Value:
    """GOOG-NETWORK-INFO: which of its networks the sender used, and what that costs (0 is best, 999 worst)."""
    _wanted(body, 4)
    return {"network_id": body[0] << 8 | body[1], "network_cost": body[2] << 8 | body[3]}


def numbers(body: bytes) -> Value:
    return [int.from_bytes(body[at : at + 4], "big") for at in range(0, min(len(body) - 3, 64), 4)]


def numbers_16(body: bytes) -> Value:
    return [body[at] << 8 | body[at + 1] for at in range(0, min(len(body) - 1, 64), 2)]


def counter(body: bytes) -> Value:
    """RFC 7982 §3: how often the request was sent, and how often the response."""
    _wanted(body, 4)
    return {"req": body[2], "resp": body[3]}


def cookie(body: bytes) -> Value:
    """The MAGIC-COOKIE of [MS-TURN]: always the same."""
    return "72c64bc6" if body == OLD_COOKIE else shown(body)


PEERS: Final = frozenset({XOR_PEER_ADDRESS, DESTINATION_ADDRESS})
#: Of which the room wants to know more than the field.
NOTED: Final = frozenset(
    {
        *PEERS,
        names.CHANNEL_NUMBER,
        names.DTLS_IN_STUN,
        names.ENF_FLOW,
        names.ERROR_CODE,
        MESSAGE_INTEGRITY,
        names.MESSAGE_INTEGRITY_SHA256,
    }
)
#: DONT-FRAGMENT and USE-CANDIDATE: to be there is all they say.
FLAGS: Final = frozenset({0x001A, 0x0025})
#: XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS, XOR-MAPPED-ADDRESS, XOR-REFLECTED-FROM, MS-XOR-MAPPED-ADDRESS.
XORED: Final = frozenset({0x0012, 0x0016, 0x0020, 0x0028, 0x8020})
DECODERS: Final[dict[int, Callable[[bytes], Value]]] = {
    0x0001: address,
    0x0002: address,
    0x0003: change_request,
    0x0004: address,
    0x0005: address,
    0x0006: text,
    0x0007: size_only,  # a password
    0x0008: size_only,
    0x0009: error,
    0x000A: unknown,
    0x000B: address,
    0x000C: first_16,
    0x000D: number,
    0x000E: address,
    0x000F: cookie,
    0x0010: number,
    0x0011: address,
    0x0014: text,
    0x0015: nonce,
    0x0017: family,
    0x0018: even_port,
    0x0019: transport,
    0x001B: size_only,  # a token
    0x001C: size_only,
    0x001D: algorithm,
    0x0021: number,
    0x0024: number,
    0x0026: size_only,
    0x0027: first_16,
    0x002A: number,
    0x8000: family,
    0x8001: address_error,
    0x8002: algorithms,
    0x8003: text,
    0x8004: icmp,
    0x8008: number,
    0x8022: text,
    0x8023: address,
    0x8025: counter,
    0x8027: number,
    0x8029: tie_breaker,
    0x802A: tie_breaker,
    0x802B: address,
    0x802C: address,
    0x8030: size_only,  # a ticket
    0x8054: text,
    0x8070: number,
    0x802E: text,
    0xC057: network_info,
    0xC059: numbers_16,
    0xC060: size_only,
    0xC070: size_only,
    0xC071: numbers,
}


# --- older numbers -------------------------------------------------------------------------------------------------


def old_draft(message: Message) -> None:
    """Put the types of [MS-TURN] 2.2.1 in their place: a Data Indication looks like an error, 4 was Send."""
    kind = message.type
    if kind == 0x0115:
        message.method, message.message_class = names.DATA_METHOD, names.INDICATION
        message.kind = "turn.data-indication"
        message.fields["message_type"] = {"value": kind, "name": "Data Indication"}
    elif kind in (0x0004, 0x0104, 0x0114):
        message.method = names.SEND
        name = names.type_named(names.type_of(names.SEND, message.message_class))["name"]
        message.fields["message_type"] = {"value": kind, "name": name}
        message.kind = f"turn.send-{names.CLASSES[message.message_class]}"
    elif kind in (0x0006, 0x0106, 0x0116):
        message.method = names.SET_ACTIVE_DESTINATION
        name = f"Set Active Destination {names.CLASS_NAMES[message.message_class]}"
        message.fields["message_type"] = {"value": kind, "name": name}
        message.kind = f"turn.set-active-destination-{names.CLASSES[message.message_class]}"


def is_old(message: Message) -> bool:
    """Whether a message is of [MS-TURN], which has a MAGIC-COOKIE in each."""
    return "magic_cookie" in message.fields


def relayed_of(message: Message) -> Value:
    """The address that an Allocate success gives; None where there is none.  [MS-TURN] 3.2.5.1 calls it mapped."""
    found = message.fields.get("xor_relayed_address")
    return message.fields.get("mapped_address") if found is None and is_old(message) else found


def mapped_of(message: Message) -> Value:
    """The address from which the server sees the client; None where it does not say."""
    return message.fields.get("ms_xor_mapped_address" if is_old(message) else "xor_mapped_address")


# --- the field tree ---------------------------------------------------------------------------------------------------


def trace(unit: Piece, at: int, size: int) -> None:
    """Read the message of `size` bytes at `at` of `unit` once more, field by field, for its tree.

    `read` works on bytes and is many times faster; this is only for units that are traced.
    """
    reader = Reader(unit)
    if at:
        reader.skip("framing", at)
    reader.uint("message_type", 2)
    reader.uint("message_length", 2)
    classic = reader.peek(4) != MAGIC_COOKIE
    if not classic:
        reader.raw("magic_cookie", 4)
    reader.raw("transaction_id", 16 if classic else 12)
    stop = at + size
    padded = is_padded(unit.data, unit.start + at, unit.start + stop, classic)
    for _ in range(MAX_ATTRIBUTES):
        if stop - reader.at < 4:
            break
        head = reader.peek(4)
        length = head[2] << 8 | head[3]
        if length > stop - reader.at - 4:
            break
        with reader.group(names.attribute_name(head[0] << 8 | head[1])):
            reader.uint("type", 2)
            reader.uint("length", 2)
            reader.raw("value", length)
            padding = min(-length % 4, stop - reader.at) if padded else 0
            if padding:
                reader.skip("padding", padding)
    if stop > reader.at:
        reader.skip("rest", stop - reader.at)
