"""What the numbers of STUN and TURN are called, and how a message type is made of a method and a class (§5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.stun.registries import ATTRIBUTES, ERROR_CODES, METHODS

if TYPE_CHECKING:
    from analyzer.core import Value

MAX_KEPT: Final = 4096

MAGIC_COOKIE: Final = b"\x21\x12\xa4\x42"  # §5
OLD_COOKIE: Final = b"\x72\xc6\x4b\xc6"  # [MS-TURN] 2.2.2.4: the value of an attribute MAGIC-COOKIE

# Classes, §5.
REQUEST: Final = 0
INDICATION: Final = 1
SUCCESS: Final = 2
ERROR: Final = 3
CLASSES: Final = ("request", "indication", "success", "error")
CLASS_NAMES: Final = ("Request", "Indication", "Success Response", "Error Response")

# Methods.
BINDING: Final = 0x001
SHARED_SECRET: Final = 0x002
ALLOCATE: Final = 0x003
REFRESH: Final = 0x004
OLD_SEND: Final = 0x004  # of the drafts before RFC 5766, which [MS-TURN] has kept
OLD_DATA: Final = 0x005
SET_ACTIVE_DESTINATION: Final = -1  # has the number of SEND
SEND: Final = 0x006
DATA_METHOD: Final = 0x007
CREATE_PERMISSION: Final = 0x008
CHANNEL_BIND: Final = 0x009
CONNECT: Final = 0x00A
CONNECTION_BIND: Final = 0x00B
CONNECTION_ATTEMPT: Final = 0x00C
GOOG_PING: Final = 0x080

#: Methods as they stand in the kind of a note.
EVENTS: Final = {
    BINDING: "stun.binding",
    SHARED_SECRET: "stun.shared-secret",
    ALLOCATE: "turn.allocate",
    REFRESH: "turn.refresh",
    SEND: "turn.send",
    DATA_METHOD: "turn.data",
    CREATE_PERMISSION: "turn.create-permission",
    CHANNEL_BIND: "turn.channel-bind",
    CONNECT: "turn.connect",
    CONNECTION_BIND: "turn.connection-bind",
    CONNECTION_ATTEMPT: "turn.connection-attempt",
    GOOG_PING: "stun.goog-ping",
}

# Attributes that the room itself looks at.
MAPPED_ADDRESS: Final = 0x0001
USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
CHANNEL_NUMBER: Final = 0x000C
LIFETIME: Final = 0x000D
OLD_MAGIC: Final = 0x000F
DESTINATION_ADDRESS: Final = 0x0011
XOR_PEER_ADDRESS: Final = 0x0012
DATA: Final = 0x0013
REALM: Final = 0x0014
NONCE: Final = 0x0015
MESSAGE_INTEGRITY_SHA256: Final = 0x001C
XOR_MAPPED_ADDRESS: Final = 0x0020
FINGERPRINT: Final = 0x8028
ENF_FLOW: Final = 0xC001
DTLS_IN_STUN: Final = 0xC070

TRANSPORTS: Final = {6: "TCP", 17: "UDP"}
FAMILIES: Final = {1: "IPv4", 2: "IPv6"}

#: attribute -> the field that has it: XOR-MAPPED-ADDRESS -> xor_mapped_address
FIELDS: Final[dict[int, str]] = {number: name.lower().replace("-", "_") for number, name in ATTRIBUTES.items()}

_KINDS: Final[dict[int, str]] = {}
_TYPES: Final[dict[int, dict[str, Value]]] = {}


def method_of(message_type: int) -> int:
    """The method of a message type: bits 0 to 3, 5 to 7 and 9 to 13."""
    return message_type & 0xF | message_type >> 1 & 0x70 | message_type >> 2 & 0xF80


def class_of(message_type: int) -> int:
    """The class of a message type: bits 4 and 8."""
    return message_type >> 4 & 1 | message_type >> 7 & 2


def type_of(method: int, class_: int) -> int:
    """The message type of a method and a class."""
    return method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2 | (class_ & 1) << 4 | (class_ & 2) << 7


def kind_of(message_type: int) -> str:
    """The kind of note: "stun.binding-request", "turn.send-indication", "stun.method-0x0ff-request"."""
    found = _KINDS.get(message_type)
    if found is None:
        method = method_of(message_type)
        found = f"{EVENTS.get(method) or f'stun.method-0x{method:03x}'}-{CLASSES[class_of(message_type)]}"
        if len(_KINDS) < MAX_KEPT:
            _KINDS[message_type] = found
    return found


def type_named(message_type: int) -> dict[str, Value]:
    """A message type with its name, shared by all who ask: `{"value": 257, "name": "Binding Success Response"}`."""
    found = _TYPES.get(message_type)
    if found is None:
        method = method_of(message_type)
        name = f"{METHODS.get(method) or f'method 0x{method:03x}'} {CLASS_NAMES[class_of(message_type)]}"
        found = {"value": message_type, "name": name}
        if len(_TYPES) < MAX_KEPT:
            _TYPES[message_type] = found
    return found


def attribute_name(number: int) -> str:
    """Such as "XOR-MAPPED-ADDRESS", or "attribute 0x1234"."""
    return ATTRIBUTES.get(number) or f"attribute 0x{number:04x}"


def error_name(code: int) -> str:
    """Such as "Stale Nonce", or "error 499"."""
    return ERROR_CODES.get(code) or f"error {code}"
