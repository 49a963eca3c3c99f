"""What stands in the extensions of hellos, certificates and tickets: each as a value fit for a report.

`decode` reads one extension by the structure of its RFC, and `decoded` does the same but keeps what is malformed to
itself, so that one broken extension does not cost the whole message.  Secrets' worth of bytes (keys, tickets, binders)
are told by their lengths.  Values may be shared between messages: they are to be read only.

A list longer than `MAX_LISTED` becomes `{"count": n, "first": [...]}`; `listed` and `numbers` read either form.
"""

# ruff: noqa: ARG001 - all decoders are called alike, though some need only one of their arguments

from __future__ import annotations

from array import array
from sys import byteorder
from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.tls import registries
from analyzer.protocols.tls.names import (
    COMPRESSION,
    EXTENSION,
    GREASE,
    GREASE_MODES,
    GROUPS,
    SCHEMES,
    SUITES,
    VERSION,
    Table,
    extension_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Value

MAX_LISTED: Final = 512  # entries of one list that are told one by one
MAX_HEX_BYTES: Final = 64  # bytes of what is not understood that are shown
MAX_NAME_CHARACTERS: Final = 256  # of one distinguished name
MAX_KEPT: Final = 2048  # values of extensions that are kept, to be given again for the same bytes
MAX_KEPT_BYTES: Final = 512  # of an extension whose value is kept

ECH_VERSION: Final = 0xFE0D  # of an ECHConfig, RFC 9849 §4

# The messages that carry extensions, as the notes of the timeline call them.
CLIENT_HELLO: Final = "client-hello"
SERVER_HELLO: Final = "server-hello"
HELLO_RETRY_REQUEST: Final = "hello-retry-request"
ENCRYPTED_EXTENSIONS: Final = "encrypted-extensions"
CERTIFICATE: Final = "certificate"
CERTIFICATE_REQUEST: Final = "certificate-request"
NEW_SESSION_TICKET: Final = "new-session-ticket"

_POINT_FORMATS: Final = Table(registries.EC_POINT_FORMATS)
_CERTIFICATE_TYPES: Final = Table(registries.CERTIFICATE_TYPES)
_STATUS_TYPES: Final = Table(registries.CERTIFICATE_STATUS_TYPES)
_SRTP_PROFILES: Final = Table(registries.SRTP_PROFILES)
_HEARTBEAT_MODES: Final = Table(registries.HEARTBEAT_MODES)
_FRAGMENT_LENGTHS: Final = Table(registries.MAX_FRAGMENT_LENGTHS)
_USER_MAPPINGS: Final = Table(registries.USER_MAPPING_TYPES)
_AUTHORITY_TYPES: Final = Table(registries.TRUSTED_AUTHORITY_TYPES)
_BINDING_KEYS: Final = Table(registries.TOKEN_BINDING_KEYS)
_KEMS: Final = Table(registries.HPKE_KEMS)
_KDFS: Final = Table(registries.HPKE_KDFS)
_AEADS: Final = Table(registries.HPKE_AEADS)
_QUIC_VERSIONS: Final = Table(registries.QUIC_VERSIONS)
_PSK_MODES: Final = Table({**registries.PSK_MODES, **dict.fromkeys(sorted(GREASE_MODES), GREASE)})
_ECH_TYPES: Final = Table({0: "outer", 1: "inner"})

_SWAPPED: Final = byteorder == "little"

# --- the pieces that extensions are made of ---------------------------------------------------------------------------


def listed(value: Value) -> list[Value]:
    """The entries of a list that `decode` gave, also of one that was cut; nothing where it is no list."""
    if isinstance(value, dict):
        value = value.get("first")
    return value if isinstance(value, list) else []


def numbers(value: Value) -> list[int]:
    """The numbers of a list of `{"value": ...}` that `decode` gave."""
    return [entry["value"] for entry in listed(value) if isinstance(entry, dict) and "value" in entry]


def _cut(entries: list[Value]) -> Value:
    """`entries`, or how many there are and the first of them."""
    if len(entries) <= MAX_LISTED:
        return entries
    return {"count": len(entries), "first": entries[:MAX_LISTED]}


def _hex(data: bytes) -> str:
    """`data` in hexadecimal, cut."""
    return data.hex() if len(data) <= MAX_HEX_BYTES else data[:MAX_HEX_BYTES].hex() + "..."


def _uint16s(reader: Reader, name: str, entry: str, size: int) -> list[int]:
    """The next `size` bytes, called `name`, as 16-bit numbers, each called `entry`."""
    if size & 1:
        raise Malformed(f"{name}: {size} bytes are no whole number of entries of 2")
    if reader.trace is not None:
        with reader.group(name):
            inner = reader.sub(name, size)
            return [inner.uint(entry, 2) for _ in inner.each(name)]
    found = array("H", reader.raw(name, size))
    if _SWAPPED:
        found.byteswap()
    return found.tolist()


def _named16(reader: Reader, name: str, entry: str, table: Table, prefix: int = 2) -> Value:
    """A vector of 16-bit numbers of `table`, after a length of `prefix` bytes."""
    return _cut(table.all_named(_uint16s(reader, name, entry, reader.uint(name + "_length", prefix))))


def _named8(reader: Reader, name: str, entry: str, table: Table, prefix: int = 1) -> Value:
    """A vector of 8-bit numbers of `table`, after a length of `prefix` bytes."""
    size = reader.uint(name + "_length", prefix)
    if reader.trace is None:
        return _cut(table.all_named(list(reader.raw(name, size))))
    with reader.group(name):
        inner = reader.sub(name, size)
        return _cut([table.named(inner.uint(entry, 1)) for _ in inner.each(name)])


def _opaque(reader: Reader, name: str, prefix: int) -> bytes:
    """The bytes of opaque name<..>, after a length of `prefix` bytes."""
    return reader.raw(name, reader.uint(name + "_length", prefix))


def _vector(reader: Reader, name: str, prefix: int) -> Reader:
    """A reader of the vector `name`, which has a length of `prefix` bytes before it."""
    return reader.sub(name, reader.uint(name + "_length", prefix))


def _skipped(reader: Reader, name: str, prefix: int) -> int:
    """The length of opaque name<..>, which is passed over."""
    size = reader.uint(name + "_length", prefix)
    reader.skip(name, size)
    return size


def identifier(data: bytes) -> str:
    """A protocol's identifier as text; what cannot be printed, and a backslash, as an escape of Python's."""
    text = data.decode("latin-1")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii")


def identifier_bytes(text: str) -> bytes:
    """The bytes that `identifier` made `text` from."""
    if "\\" not in text:
        return text.encode("latin-1", "replace")
    return text.encode("ascii", "replace").decode("unicode_escape").encode("latin-1", "replace")


def distinguished_name(data: bytes) -> str:
    """A DER Name (RFC 5280 §4.1.2.4) as text, most specific part last: "C=US, O=Example, CN=Example Root".

    Raises Malformed.  Cut at `MAX_NAME_CHARACTERS`.
    """
    outer = _der(Reader(Piece(data, [])), 0x30)
    parts: list[str] = []
    for _ in outer.each("RDNSequence"):
        inner = _der(outer, 0x31)
        for _ in inner.each("RelativeDistinguishedName"):
            attribute = _der(inner, 0x30)
            kind = object_identifier(_der(attribute, 0x06).rest("type"))
            tag = attribute.peek(1)
            value = _der(attribute, -1).rest("value")
            text = value.decode("utf-16-be" if tag == b"\x1e" else "utf-8", "backslashreplace")
            parts.append(f"{_ATTRIBUTES.get(kind, kind)}={text}")
    whole = ", ".join(parts)
    return whole if len(whole) <= MAX_NAME_CHARACTERS else whole[:MAX_NAME_CHARACTERS] + "..."


#: Attribute types of names, RFC 4514 §3.
_ATTRIBUTES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
    "1.2.840.113549.1.9.1": "emailAddress",
}


def _der(reader: Reader, tag: int) -> Reader:
    """A reader of the contents of the next DER element, whose tag must be `tag` (-1: any)."""
    found = reader.uint("tag", 1)
    if tag not in (-1, found):
        raise Malformed(f"DER: tag {found:#04x} where {tag:#04x} was due")
    size = reader.uint("length", 1)
    if size >= 0x80:
        if not 0x81 <= size <= 0x84:
            raise Malformed(f"DER: a length of {size & 0x7F} bytes")
        size = reader.uint("length", size & 0x7F)
    return reader.sub("contents", size)


def object_identifier(data: bytes) -> str:
    """The contents of a DER OBJECT IDENTIFIER, dotted."""
    arcs: list[int] = []
    value = 0
    for byte in data[:MAX_HEX_BYTES]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if arcs:
        first = min(arcs[0] // 40, 2)
        arcs[:1] = [first, arcs[0] - 40 * first]
    return ".".join(map(str, arcs))


def _varint(reader: Reader, name: str) -> int:
    """A variable-length integer of QUIC, RFC 9000 §16."""
    head = reader.peek(1)
    if not head:
        raise Malformed(f"{name}: 1 byte wanted, 0 left")
    size = 1 << (head[0] >> 6)
    return reader.uint(name, size) & ((1 << (8 * size - 2)) - 1)


# --- extensions that only say that they are there, or that are not read ----------------------------------------------


def _flag(reader: Reader, message: str) -> Value:
    """An extension without content."""
    return True


def _opaque_extension(reader: Reader, message: str) -> Value:
    size = reader.left
    return {"bytes": size, "data": _hex(reader.rest("extension_data"))}


# --- names and protocols ----------------------------------------------------------------------------------------------


def _server_name(reader: Reader, message: str) -> Value:
    """RFC 6066 §3: the host name, None where there is none; True when a server says that it took it."""
    if not reader.left:
        return None if message == CLIENT_HELLO else True
    entries = _vector(reader, "server_name_list", 2)
    host: str | None = None
    for _ in entries.each("server_name_list"):
        with entries.group("server_name"):
            kind = entries.uint("name_type", 1)
            size = entries.uint("host_name_length", 2)
            if kind == 0 and host is None:
                host = entries.text("host_name", size)
            else:
                entries.skip("name", size)
    return host


def _protocols(reader: Reader, name: str) -> list[Value]:
    """Names of protocols, each after its length, up to the end."""
    if reader.trace is None:
        return [identifier(reader.raw(name, reader.uint("length", 1))) for _ in reader.each(name)]
    found: list[Value] = []
    for _ in reader.each(name):
        found.append(identifier(_opaque(reader, name, 1)))  # noqa: PERF401 - its twin above is the fast one
    return found


def _alpn(reader: Reader, message: str) -> Value:
    """RFC 7301 §3.1: the protocols offered, or the one chosen, in a list."""
    return _cut(_protocols(_vector(reader, "protocol_name_list", 2), "ProtocolName"))


def _next_protocols(reader: Reader, message: str) -> Value:
    """draft-agl-tls-nextprotoneg: asked for without content; the server lists its protocols."""
    return _cut(_protocols(reader, "protocol")) if reader.left else True


def _application_settings(reader: Reader, message: str) -> Value:
    """draft-vvv-tls-alps: the protocols that settings are offered for; later the settings themselves."""
    if message == CLIENT_HELLO:
        return _cut(_protocols(_vector(reader, "supported_protocols", 2), "ProtocolName"))
    size = reader.left
    reader.skip("application_settings", size)
    return {"settings_bytes": size}


# --- versions, groups, keys -------------------------------------------------------------------------------------------


def _supported_versions(reader: Reader, message: str) -> Value:
    """RFC 9846 §4.3.1: a list by the client, `selected_version` by the server."""
    if message == CLIENT_HELLO:
        return _named16(reader, "versions", "ProtocolVersion", VERSION, 1)
    return {"selected_version": VERSION.named(reader.uint("selected_version", 2))}


def _supported_groups(reader: Reader, message: str) -> Value:
    return _named16(reader, "named_group_list", "NamedGroup", GROUPS)


def _point_formats(reader: Reader, message: str) -> Value:
    return _named8(reader, "ec_point_format_list", "ECPointFormat", _POINT_FORMATS)


def _signature_algorithms(reader: Reader, message: str) -> Value:
    return _named16(reader, "supported_signature_algorithms", "SignatureScheme", SCHEMES)


def _share(reader: Reader) -> dict[str, Value]:
    """KeyShareEntry, RFC 9846 §4.3.8: the group, and how long the key is."""
    group = reader.uint("group", 2)
    size = reader.uint("key_exchange_length", 2)
    reader.skip("key_exchange", size)
    return {"group": GROUPS.named(group), "key_exchange_bytes": size}


def _key_share(reader: Reader, message: str) -> Value:
    """RFC 9846 §4.3.8: a list by the client, one by the server, `selected_group` to ask for another."""
    if message == CLIENT_HELLO:
        entries = _vector(reader, "client_shares", 2)
        shares: list[Value] = []
        for _ in entries.each("client_shares"):
            with entries.group("KeyShareEntry"):
                shares.append(_share(entries))
        return _cut(shares)
    if message == HELLO_RETRY_REQUEST or reader.left == 2:
        return {"selected_group": GROUPS.named(reader.uint("selected_group", 2))}
    return _share(reader)


def _cookie(reader: Reader, message: str) -> Value:
    return {"cookie_bytes": _skipped(reader, "cookie", 2)}


# --- resumption -------------------------------------------------------------------------------------------------------


def _pre_shared_key(reader: Reader, message: str) -> Value:
    """RFC 9846 §4.3.11: identities and lengths of binders by the client; which was taken, by the server."""
    if message != CLIENT_HELLO:
        return {"selected_identity": reader.uint("selected_identity", 2)}
    entries = _vector(reader, "identities", 2)
    identities: list[Value] = []
    for _ in entries.each("identities"):
        with entries.group("PskIdentity"):
            size = _skipped(entries, "identity", 2)
            age = entries.uint("obfuscated_ticket_age", 4)
            identities.append({"identity_bytes": size, "obfuscated_ticket_age": age})
    inner = _vector(reader, "binders", 2)
    binders: list[Value] = [_skipped(inner, "PskBinderEntry", 1) for _ in inner.each("binders")]
    return {"identities": _cut(identities), "binder_bytes": _cut(binders)}


def _psk_modes(reader: Reader, message: str) -> Value:
    return _named8(reader, "ke_modes", "PskKeyExchangeMode", _PSK_MODES)


def _early_data(reader: Reader, message: str) -> Value:
    """RFC 9846 §4.3.10: in a ticket, how much may be sent early; else nothing but its presence."""
    if message == NEW_SESSION_TICKET:
        return {"max_early_data_size": reader.uint("max_early_data_size", 4)}
    return True


def _session_ticket(reader: Reader, message: str) -> Value:
    """RFC 5077 §3.2: without bytes it asks for a ticket, or promises one."""
    size = reader.left
    reader.skip("ticket", size)
    return {"ticket_bytes": size}


def _ticket_request(reader: Reader, message: str) -> Value:
    """RFC 9149 §3."""
    if message == CLIENT_HELLO:
        new = reader.uint("new_session_count", 1)
        return {"new_session_count": new, "resumption_count": reader.uint("resumption_count", 1)}
    return {"expected_count": reader.uint("expected_count", 1)}


def _renegotiation_info(reader: Reader, message: str) -> Value:
    """RFC 5746 §3.2: no bytes in the first handshake of a connection."""
    return {"renegotiated_connection_bytes": _skipped(reader, "renegotiated_connection", 1)}


# --- sizes and padding ------------------------------------------------------------------------------------------------


def _record_size_limit(reader: Reader, message: str) -> Value:
    return reader.uint("RecordSizeLimit", 2)


def _max_fragment_length(reader: Reader, message: str) -> Value:
    return _FRAGMENT_LENGTHS.named(reader.uint("MaxFragmentLength", 1))


def _padding(reader: Reader, message: str) -> Value:
    size = reader.left
    reader.skip("padding", size)
    return {"padding_bytes": size}


def _heartbeat(reader: Reader, message: str) -> Value:
    return _HEARTBEAT_MODES.named(reader.uint("HeartbeatMode", 1))


def _connection_id(reader: Reader, message: str) -> Value:
    """RFC 9146 §3: the identifier that the sender wants to be reached by."""
    return {"cid": _hex(_opaque(reader, "cid", 1))}


def _tls_flags(reader: Reader, message: str) -> Value:
    """draft-ietf-tls-tlsflags: the numbers of the flags that are set."""
    flags = _opaque(reader, "flags", 1)
    return {"flags": [8 * index + bit for index, byte in enumerate(flags) for bit in range(8) if byte >> bit & 1]}


def _use_srtp(reader: Reader, message: str) -> Value:
    """RFC 5764 §4.1.1."""
    profiles = _named16(reader, "SRTPProtectionProfiles", "SRTPProtectionProfile", _SRTP_PROFILES)
    return {"protection_profiles": profiles, "srtp_mki": _hex(_opaque(reader, "srtp_mki", 1))}


# --- certificates -----------------------------------------------------------------------------------------------------


def _status_request(reader: Reader, message: str) -> Value:
    """RFC 6066 §8: what the client asks for; in a certificate message (RFC 9846 §4.5.1.1) the answer."""
    if not reader.left:
        return True
    kind = _STATUS_TYPES.named(reader.uint("status_type", 1))
    if message not in (CLIENT_HELLO, CERTIFICATE_REQUEST):
        response = reader.raw("response", reader.uint("response_length", 3))
        found: dict[str, Value] = {"status_type": kind, "response_bytes": len(response)}
        if kind["value"] == 1:
            from analyzer.protocols.tls.certificates import ocsp_response

            found["ocsp_response"] = ocsp_response(response)
        return found
    if kind["value"] != 1:
        return {"status_type": kind, "request": _hex(reader.rest("request"))}
    return {"status_type": kind, **_ocsp_request(reader)}


def _ocsp_request(reader: Reader) -> dict[str, Value]:
    return {
        "responder_id_list_bytes": _skipped(reader, "responder_id_list", 2),
        "request_extensions_bytes": _skipped(reader, "request_extensions", 2),
    }


def _status_request_v2(reader: Reader, message: str) -> Value:
    """RFC 6961 §2.2."""
    if not reader.left:
        return True
    entries = _vector(reader, "certificate_status_req_list", 2)
    found: list[Value] = []
    for _ in entries.each("certificate_status_req_list"):
        with entries.group("CertificateStatusRequestItemV2"):
            kind = _STATUS_TYPES.named(entries.uint("status_type", 1))
            request = _vector(entries, "request", 2)
            found.append({"status_type": kind, **(_ocsp_request(request) if kind["value"] in (1, 2) else {})})
    return _cut(found)


def _signed_certificate_timestamp(reader: Reader, message: str) -> Value:
    """RFC 6962 §3.3: asked for without content; then which log promised when (ms since 1970)."""
    if not reader.left:
        return True
    entries = _vector(reader, "sct_list", 2)
    found: list[Value] = []
    for _ in entries.each("sct_list"):
        with entries.group("SerializedSCT"):
            sct = _vector(entries, "SerializedSCT", 2)
            version = sct.uint("sct_version", 1)
            log, when = sct.raw("id", 32), sct.uint("timestamp", 8)
            sct.skip("extensions_and_signature", sct.left)
            found.append({"sct_version": version, "id": log.hex(), "timestamp": when})
    return _cut(found)


def _compress_certificate(reader: Reader, message: str) -> Value:
    return _named16(reader, "algorithms", "CertificateCompressionAlgorithm", COMPRESSION, 1)


def _certificate_type(reader: Reader, message: str) -> Value:
    """RFC 7250 §3, RFC 6091 §3.1: a list by the client, one by the server."""
    if message == CLIENT_HELLO:
        return _named8(reader, "certificate_types", "CertificateType", _CERTIFICATE_TYPES)
    return _CERTIFICATE_TYPES.named(reader.uint("certificate_type", 1))


def _delegated_credential(reader: Reader, message: str) -> Value:
    """RFC 9345 §4.1: schemes by the client; with a certificate, the credential, valid for so many seconds."""
    if message != CERTIFICATE:
        return _signature_algorithms(reader, message)
    valid = reader.uint("valid_time", 4)
    algorithm = reader.uint("dc_cert_verify_algorithm", 2)
    key_bytes = _skipped(reader, "ASN1_subjectPublicKeyInfo", 3)
    signed = reader.uint("algorithm", 2)
    return {
        "valid_time": valid,
        "dc_cert_verify_algorithm": SCHEMES.named(algorithm),
        "subject_public_key_info_bytes": key_bytes,
        "algorithm": SCHEMES.named(signed),
        "signature_bytes": _skipped(reader, "signature", 2),
    }


def authorities(reader: Reader) -> Value:
    """The names of DistinguishedName authorities<..>, as text (hexadecimal where one is no name).

    Also what a CertificateRequest of TLS 1.2 has, RFC 5246 §7.4.4.
    """
    entries = _vector(reader, "authorities", 2)
    found: list[Value] = []
    count = 0
    for index in entries.each("authorities"):
        name = _opaque(entries, "DistinguishedName", 2)
        count = index + 1
        if count <= MAX_LISTED:
            try:
                found.append(distinguished_name(name))
            except Malformed:
                found.append(_hex(name))
    return found if count <= MAX_LISTED else {"count": count, "first": found}


def _certificate_authorities(reader: Reader, message: str) -> Value:
    return authorities(reader)


def _oid_filters(reader: Reader, message: str) -> Value:
    """RFC 9846 §4.3.5."""
    entries = _vector(reader, "filters", 2)
    found: list[Value] = []
    for _ in entries.each("filters"):
        with entries.group("OIDFilter"):
            # The identifier comes with its own DER tag and length.
            oid = object_identifier(_opaque(entries, "certificate_extension_oid", 1)[2:])
            size = _skipped(entries, "certificate_extension_values", 2)
            found.append({"certificate_extension_oid": oid, "certificate_extension_values_bytes": size})
    return _cut(found)


def _trusted_ca_keys(reader: Reader, message: str) -> Value:
    """RFC 6066 §6."""
    if not reader.left:
        return True
    entries = _vector(reader, "trusted_authorities_list", 2)
    found: list[Value] = []
    for _ in entries.each("trusted_authorities_list"):
        with entries.group("TrustedAuthority"):
            kind = entries.uint("identifier_type", 1)
            identity = b""
            if kind in (1, 3):
                identity = entries.raw("SHA1Hash", 20)
            elif kind == 2:
                identity = _opaque(entries, "DistinguishedName", 2)
            elif kind:
                raise Malformed(f"trusted_ca_keys: identifier type {kind}")
            found.append({"identifier_type": _AUTHORITY_TYPES.named(kind), "identifier": _hex(identity)})
    return _cut(found)


def _trust_anchors(reader: Reader, message: str) -> Value:
    """draft-ietf-tls-trust-anchor-ids: identifiers, which are dotted numbers below the arc of their owners."""
    if not reader.left:
        return True
    entries = _vector(reader, "trust_anchors", 2)
    found: list[Value] = []
    for _ in entries.each("trust_anchors"):
        found.append(_relative(_opaque(entries, "TrustAnchorIdentifier", 1)))  # noqa: PERF401 - reads as its siblings
    return _cut(found)


def _relative(data: bytes) -> str:
    """A relative object identifier, dotted."""
    arcs: list[int] = []
    value = 0
    for byte in data[:MAX_HEX_BYTES]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))


def _cached_info(reader: Reader, message: str) -> Value:
    """RFC 7924 §3: fingerprints of what the client has already; the server names what it leaves out."""
    entries = _vector(reader, "cached_info", 2)
    found: list[Value] = []
    for _ in entries.each("cached_info"):
        with entries.group("CachedObject"):
            kind: dict[str, Value] = {"type": entries.uint("type", 1)}
            if message == CLIENT_HELLO:
                kind["hash_value"] = _hex(_opaque(entries, "hash_value", 1))
            found.append(kind)
    return _cut(found)


# --- users and authorization ------------------------------------------------------------------------------------------


def _srp(reader: Reader, message: str) -> Value:
    """RFC 5054 §2.8.1: the user's name."""
    return {"srp_i": reader.text("srp_I", reader.uint("srp_I_length", 1))} if reader.left else True


def _user_mapping(reader: Reader, message: str) -> Value:
    return _named8(reader, "user_mapping_types", "UserMappingType", _USER_MAPPINGS)


def _authorization(reader: Reader, message: str) -> Value:
    """RFC 5878 §2: the formats of authorization data, by number."""
    return list(_opaque(reader, "authz_format_list", 1))


def _token_binding(reader: Reader, message: str) -> Value:
    """RFC 8472 §2."""
    major, minor = reader.uint("major", 1), reader.uint("minor", 1)
    keys = _named8(reader, "key_parameters_list", "TokenBindingKeyParameters", _BINDING_KEYS)
    return {"token_binding_version": f"{major}.{minor}", "key_parameters_list": keys}


def _external_id(reader: Reader, message: str) -> Value:
    """RFC 8844 §3, §4."""
    return _hex(_opaque(reader, "binding", 1))


def _dnssec_chain(reader: Reader, message: str) -> Value:
    """RFC 9102 §2.2."""
    if message == CLIENT_HELLO:
        return {"port_number": reader.uint("port_number", 2)}
    lifetime, size = reader.uint("ext_support_lifetime", 2), reader.left
    reader.skip("authentication_chain", size)
    return {"ext_support_lifetime": lifetime, "authentication_chain_bytes": size}


# --- encrypted hello --------------------------------------------------------------------------------------------------


def _encrypted_client_hello(reader: Reader, message: str) -> Value:
    """RFC 9849 §5: outer or inner; `retry_configs` by a server that could not open it; 8 bytes in a retry request."""
    if message == HELLO_RETRY_REQUEST:
        return {"confirmation": reader.raw("confirmation", 8).hex()}
    if message != CLIENT_HELLO:
        return {"retry_configs": ech_configs(reader)}
    kind = _ECH_TYPES.named(reader.uint("type", 1))
    if kind["value"] != 0:
        return {"type": kind}
    with reader.group("cipher_suite"):
        kdf, aead = reader.uint("kdf_id", 2), reader.uint("aead_id", 2)
    config = reader.uint("config_id", 1)
    enc_bytes = _skipped(reader, "enc", 2)
    return {
        "type": kind,
        "cipher_suite": {"kdf_id": _KDFS.named(kdf), "aead_id": _AEADS.named(aead)},
        "config_id": config,
        "enc_bytes": enc_bytes,
        "payload_bytes": _skipped(reader, "payload", 2),
    }


def ech_configs(reader: Reader) -> Value:
    """ECHConfigList, RFC 9849 §4: those of a version that is not known by their length only."""
    entries = _vector(reader, "ECHConfigList", 2)
    found: list[Value] = []
    for _ in entries.each("ECHConfigList"):
        with entries.group("ECHConfig"):
            version, size = entries.uint("version", 2), entries.uint("length", 2)
            contents = entries.sub("contents", size)
            told = _ech_config(contents) if version == ECH_VERSION else {"bytes": size}
            found.append({"version": version, **told})
    return _cut(found)


def _ech_config(contents: Reader) -> dict[str, Value]:
    """ECHConfigContents, RFC 9849 §4."""
    config, kem = contents.uint("config_id", 1), contents.uint("kem_id", 2)
    key_bytes = _skipped(contents, "public_key", 2)
    suites = _vector(contents, "cipher_suites", 2)
    pairs: list[Value] = [
        {"kdf_id": _KDFS.named(suites.uint("kdf_id", 2)), "aead_id": _AEADS.named(suites.uint("aead_id", 2))}
        for _ in suites.each("cipher_suites")
    ]
    longest = contents.uint("maximum_name_length", 1)
    name = contents.text("public_name", contents.uint("public_name_length", 1))
    _skipped(contents, "extensions", 2)
    return {
        "config_id": config,
        "kem_id": _KEMS.named(kem),
        "public_key_bytes": key_bytes,
        "cipher_suites": _cut(pairs),
        "maximum_name_length": longest,
        "public_name": name,
    }


def _outer_extensions(reader: Reader, message: str) -> Value:
    return _named16(reader, "OuterExtensions", "ExtensionType", EXTENSION, 1)


def _encrypted_server_name(reader: Reader, message: str) -> Value:
    """draft-ietf-tls-esni-02 §5: what came before the encrypted hello."""
    if message != CLIENT_HELLO:
        return _opaque_extension(reader, message)
    suite = reader.uint("suite", 2)
    with reader.group("key_share"):
        share = _share(reader)
    return {
        "suite": SUITES.named(suite),
        "key_share": share,
        "record_digest_bytes": _skipped(reader, "record_digest", 2),
        "encrypted_sni_bytes": _skipped(reader, "encrypted_sni", 2),
    }


# --- QUIC -------------------------------------------------------------------------------------------------------------


def _quic_transport_parameters(reader: Reader, message: str) -> Value:
    """RFC 9000 §18: each by name; those without one by number, "GREASE" for those reserved by §18.1."""
    found: dict[str, Value] = {}
    for _ in reader.each("TransportParameter"):
        with reader.group("TransportParameter"):
            kind = _varint(reader, "id")
            _add_parameter(found, kind, reader.sub("value", _varint(reader, "length")))
    return found


def _quic_transport_parameters_draft(reader: Reader, message: str) -> Value:
    """As above; before draft 27 lengths and numbers had 16 bits, and the length of them all came first."""
    head = reader.peek(2)
    if len(head) < 2 or int.from_bytes(head, "big") != reader.left - 2:
        return _quic_transport_parameters(reader, message)
    found: dict[str, Value] = {}
    inner = _vector(reader, "parameters", 2)
    for _ in inner.each("TransportParameter"):
        with inner.group("TransportParameter"):
            kind = inner.uint("parameter", 2)
            _add_parameter(found, kind, inner.sub("value", inner.uint("value_length", 2)))
    return found


def _add_parameter(found: dict[str, Value], kind: int, value: Reader) -> None:
    """Puts one transport parameter into `found`, which is bounded in number."""
    if len(found) >= MAX_LISTED:
        found["more"] = found.get("more", 0) + 1
        return
    name = registries.QUIC_TRANSPORT_PARAMETERS.get(kind)
    if name is None:
        found[GREASE if kind % 31 == 27 else f"0x{kind:x}"] = _hex(value.rest("value"))
        return
    form = registries.QUIC_TRANSPORT_PARAMETER_FORMS[kind]
    if form == "int":
        found[name] = _varint(value, name)
    elif form == "flag":
        found[name] = True
    elif form == "address":
        found[name] = _preferred_address(value)
    elif form == "versions":
        chosen = _QUIC_VERSIONS.named(value.uint("chosen_version", 4))
        others: list[Value] = [_quic_version(value.uint("available_version", 4)) for _ in value.each(name)]
        found[name] = {"chosen_version": chosen, "available_versions": _cut(others)}
    elif form == "text":
        found[name] = identifier(value.rest(name))
    else:
        found[name] = _hex(value.rest(name))
    if value.left:
        raise Malformed(f"{name}: {value.left} bytes too many")


def _quic_version(value: int) -> dict[str, Value]:
    """A version of QUIC by name; 0x?A?A?A?A are reserved, RFC 9000 §15."""
    if value & 0x0F0F0F0F == 0x0A0A0A0A:
        return {"value": value, "name": GREASE}
    return _QUIC_VERSIONS.named(value)


def _preferred_address(reader: Reader) -> dict[str, Value]:
    """RFC 9000 §18.2."""
    import socket

    ipv4, ipv4_port = reader.raw("ipv4_address", 4), reader.uint("ipv4_port", 2)
    ipv6, ipv6_port = reader.raw("ipv6_address", 16), reader.uint("ipv6_port", 2)
    connection = _opaque(reader, "connection_id", 1)
    return {
        "ipv4_address": socket.inet_ntop(socket.AF_INET, ipv4),
        "ipv4_port": ipv4_port,
        "ipv6_address": socket.inet_ntop(socket.AF_INET6, ipv6),
        "ipv6_port": ipv6_port,
        "connection_id": _hex(connection),
        "stateless_reset_token": reader.raw("stateless_reset_token", 16).hex(),
    }


# --- which is which ---------------------------------------------------------------------------------------------------

if TYPE_CHECKING:
    Decoder = Callable[[Reader, str], Value]

_DECODERS: Final[dict[int, Decoder]] = {
    0: _server_name,
    1: _max_fragment_length,
    2: _flag,  # client_certificate_url
    3: _trusted_ca_keys,
    4: _flag,  # truncated_hmac
    5: _status_request,
    6: _user_mapping,
    7: _authorization,
    8: _authorization,
    9: _certificate_type,
    10: _supported_groups,
    11: _point_formats,
    12: _srp,
    13: _signature_algorithms,
    14: _use_srtp,
    15: _heartbeat,
    16: _alpn,
    17: _status_request_v2,
    18: _signed_certificate_timestamp,
    19: _certificate_type,
    20: _certificate_type,
    21: _padding,
    22: _flag,  # encrypt_then_mac
    23: _flag,  # extended_master_secret
    24: _token_binding,
    25: _cached_info,
    27: _compress_certificate,
    28: _record_size_limit,
    33: _flag,  # tls_cert_with_extern_psk
    34: _delegated_credential,
    35: _session_ticket,
    40: _key_share,  # as drafts of TLS 1.3 numbered it
    41: _pre_shared_key,
    42: _early_data,
    43: _supported_versions,
    44: _cookie,
    45: _psk_modes,
    47: _certificate_authorities,
    48: _oid_filters,
    49: _flag,  # post_handshake_auth
    50: _signature_algorithms,
    51: _key_share,
    53: _connection_id,
    54: _connection_id,
    55: _external_id,
    56: _external_id,
    57: _quic_transport_parameters,
    58: _ticket_request,
    59: _dnssec_chain,
    61: _flag,  # rrc
    62: _tls_flags,
    13172: _next_protocols,
    17513: _application_settings,
    17613: _application_settings,
    30031: _flag,  # channel_id_old
    30032: _flag,  # channel_id
    51764: _trust_anchors,
    64768: _outer_extensions,
    65037: _encrypted_client_hello,
    65281: _renegotiation_info,
    65445: _quic_transport_parameters_draft,
    65486: _encrypted_server_name,
}
#: Whose values differ from one connection to the next: not worth keeping.
_CHANGING: Final = frozenset((21, 35, 41, 44, 51, 57, 65037, 65445, 65486))

_kept: Final[dict[tuple[int, str, bytes], Value]] = {}
_UNKNOWN: Final = object()


def decode(extension: int, reader: Reader, message: str) -> Value:
    """What `reader` (the extension's data, all of it) says, by the structure of `extension` in `message`.

    `message` is one of the constants above.  True stands for an extension that has no content; what is not known
    becomes `{"bytes": n, "data": hexadecimal}`.  Raises Malformed, also for bytes that are left over.
    """
    value = _DECODERS.get(extension, _opaque_extension)(reader, message)
    if reader.left:
        raise Malformed(f"{extension_name(extension)}: {reader.left} bytes too many")
    return value


def decoded(extension: int, reader: Reader, message: str) -> Value:
    """As `decode`, but what is malformed becomes `{"malformed": reason, "bytes": n}`, and is read to its end."""
    if reader.trace is not None or extension in _CHANGING or reader.left > MAX_KEPT_BYTES:
        return _decoded(extension, reader, message)
    return _keep(extension, reader, message, reader.peek(reader.left))


def read(extension: int, size: int, reader: Reader, message: str) -> Value:
    """As `decoded`, of the next `size` bytes of a message: most are known already, and need no reader of their own.

    Raises Malformed where the message ends before them.
    """
    if reader.trace is None and extension not in _CHANGING and size <= MAX_KEPT_BYTES:
        data = reader.peek(size)
        known = _kept.get((extension, message, data), _UNKNOWN)
        if known is not _UNKNOWN and len(data) == size:
            reader.skip("extension_data", size)
            return known
    return decoded(extension, reader.sub("extension_data", size), message)


def _keep(extension: int, reader: Reader, message: str, data: bytes) -> Value:
    """What was kept for `data`, which is all that `reader` has; else what it is decoded to, from now on."""
    key = (extension, message, data)
    known = _kept.get(key, _UNKNOWN)
    if known is not _UNKNOWN:
        reader.skip("extension_data", len(data))
        return known
    value = _decoded(extension, reader, message)
    # Names of hosts must not use up the room of what is the same in every hello.
    if len(_kept) < (MAX_KEPT if extension else MAX_KEPT // 2):
        _kept[key] = value
    return value


def _decoded(extension: int, reader: Reader, message: str) -> Value:
    size = reader.left
    try:
        return decode(extension, reader, message)
    except Malformed as wrong:
        reader.skip("malformed", reader.left)
        return {"malformed": str(wrong), "bytes": size}
