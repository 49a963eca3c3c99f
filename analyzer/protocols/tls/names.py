"""What the numbers of TLS are called.

A number on the wire stays a number; `named` puts its name beside it.  RFC 8701 keeps some numbers unassigned for good
(GREASE): clients send them so that servers stay used to ignoring what they do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.tls.registries import (
    ALERT_LEVELS,
    ALERTS,
    ALPN,
    CERTIFICATE_COMPRESSION,
    CIPHER_SUITES,
    CONTENT_TYPES,
    EXTENSIONS,
    HANDSHAKE_TYPES,
    POST_QUANTUM_GROUPS,
    SIGNATURE_SCHEMES,
    SUPPORTED_GROUPS,
    VERSIONS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzer.core import Value

#: Numbers with their names are kept and shared, up to this many of each table.
MAX_KEPT: Final = 4096

GREASE: Final = "GREASE"
#: RFC 8701 §2: 0x0A0A, 0x1A1A, ... 0xFAFA.
GREASE_VALUES: Final = frozenset(0x0A0A + 0x1010 * step for step in range(16))
#: PskKeyExchangeModes that are GREASE, RFC 8701 §2.
GREASE_MODES: Final = frozenset(0x0B + 0x1F * step for step in range(8))
#: ALPN identifiers that are GREASE: the same two bytes, as text of ISO 8859-1.
GREASE_PROTOCOLS: Final = frozenset(chr(0x0A + 0x10 * step) * 2 for step in range(16))


class Table:
    """The names of one registry, and numbers with their names, made once: read them, do not change them."""

    __slots__ = ("_kept", "greased", "names")

    def __init__(self, names: Mapping[int, str], greased: bool = False) -> None:
        self.names = names
        self.greased = greased
        self._kept: dict[int, dict[str, Value]] = {}

    def name(self, value: int) -> str | None:
        """The name of `value`, "GREASE" for those kept unassigned, None for what is not known."""
        found = self.names.get(value)
        if found is None and self.greased and value in GREASE_VALUES:
            return GREASE
        return found

    def named(self, value: int) -> dict[str, Value]:
        """`{"value": ..., "name": ...}`, shared by all who ask; without a name where none is known."""
        found = self._kept.get(value)
        if found is None:
            name = self.name(value)
            found = {"value": value} if name is None else {"value": value, "name": name}
            if len(self._kept) < MAX_KEPT:
                self._kept[value] = found
        return found

    def all_named(self, values: list[int]) -> list[dict[str, Value]]:
        """Each of `values` with its name."""
        kept = self._kept
        return [kept.get(value) or self.named(value) for value in values]


SUITES: Final = Table(CIPHER_SUITES, greased=True)
GROUPS: Final = Table(SUPPORTED_GROUPS, greased=True)
SCHEMES: Final = Table(SIGNATURE_SCHEMES, greased=True)
VERSION: Final = Table(VERSIONS, greased=True)
EXTENSION: Final = Table(EXTENSIONS, greased=True)
ALERT: Final = Table(ALERTS)
ALERT_LEVEL: Final = Table(ALERT_LEVELS)
HANDSHAKE: Final = Table(HANDSHAKE_TYPES)
CONTENT: Final = Table(CONTENT_TYPES)
COMPRESSION: Final = Table(CERTIFICATE_COMPRESSION)

#: By registry: `named` keeps what it made for these.
_TABLES: Final[dict[int, Table]] = {
    id(table.names): table
    for table in (SUITES, GROUPS, SCHEMES, VERSION, EXTENSION, ALERT, ALERT_LEVEL, HANDSHAKE, CONTENT, COMPRESSION)
}
#: handshake type -> the event of its note: `client_hello` -> "client-hello".
_EVENTS: Final[dict[int, str]] = {value: name.replace("_", "-") for value, name in HANDSHAKE_TYPES.items()}

#: Groups as people write them, where that is not as the registry has them.
_SHORT_GROUPS: Final = {
    23: "P-256",
    24: "P-384",
    25: "P-521",
    29: "X25519",
    30: "X448",
    25497: "X25519Kyber768 (draft)",
    25498: "P-256Kyber768 (draft)",
    65072: "X25519Kyber512 (draft)",
    65073: "X25519Kyber768 (draft)",
}


def is_grease(value: int) -> bool:
    """Whether a 16-bit `value` is one that RFC 8701 keeps unassigned."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def named(value: int, table: Mapping[int, str]) -> dict[str, Value]:
    """`value` with its name of `table` (one of registries): `{"value": 4865, "name": "TLS_AES_128_GCM_SHA256"}`.

    Without "name" where there is none.  The result may be shared: it is to be read only.
    """
    known = _TABLES.get(id(table))
    if known is not None:
        return known.named(value)
    name = table.get(value)
    return {"value": value} if name is None else {"value": value, "name": name}


def _name(table: Table, value: int) -> str:
    return table.name(value) or f"0x{value:04x}"


def suite_name(value: int) -> str:
    """`TLS_AES_128_GCM_SHA256`, "GREASE", or "0x9999"."""
    return _name(SUITES, value)


def group_name(value: int) -> str:
    """The registry's name of a group, "GREASE", or "0x9999"."""
    return _name(GROUPS, value)


def group_words(value: int) -> str:
    """A group as people write it: "X25519", "P-256", "X25519MLKEM768"."""
    return _SHORT_GROUPS.get(value) or _name(GROUPS, value)


def scheme_name(value: int) -> str:
    """The registry's name of a signature scheme, "GREASE", or "0x9999"."""
    return _name(SCHEMES, value)


def version_name(value: int) -> str:
    """Such as "TLS 1.3", "SSL 3.0", "TLS 1.3 draft 28", "GREASE", "0x9999"."""
    return _name(VERSION, value)


def newness(version: int) -> int:
    """What versions are compared by: those of DTLS count down (RFC 6347 §4.1)."""
    return 0x1FFFF - version if version >> 8 == 0xFE else version


def alert_name(value: int) -> str:
    """`handshake_failure`, or "alert 99"."""
    return ALERTS.get(value) or f"alert {value}"


def extension_name(value: int) -> str:
    """The RFC's name of an extension: `server_name`, "GREASE", or "extension 9999"."""
    return EXTENSION.name(value) or f"extension {value}"


def handshake_name(value: int) -> str:
    """A handshake type as the event of a note: "client-hello", or "handshake-99"."""
    return _EVENTS.get(value) or f"handshake-{value}"


def protocol_name(alpn: str) -> str:
    """What an ALPN identifier stands for: "HTTP/2 over TLS"; else the identifier itself, "GREASE" for RFC 8701's."""
    if alpn in GREASE_PROTOCOLS:
        return GREASE
    return ALPN.get(alpn, alpn)


def is_post_quantum(group: int) -> bool:
    """Whether what two ends agree on by `group` stays secret from a quantum computer (ML-KEM, alone or hybrid)."""
    return group in POST_QUANTUM_GROUPS
