"""The handshake messages of TLS, read field by field (RFC 9846 §4, RFC 5246 §7.4).

Everything here reads one message and keeps no state of a connection, so that DTLS and QUIC can use it too.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import mypyc_attr

from analyzer.core import Malformed, Pattern, Reader, Value
from analyzer.protocols.tls import extensions, names
from analyzer.protocols.tls.registries import (
    ALERTS,
    CERTIFICATE_STATUS_TYPES,
    CLIENT_CERTIFICATE_TYPES,
    COMPRESSION_METHODS,
    EC_CURVE_TYPES,
    HEARTBEAT_TYPES,
)

SSL20: Final = 0x0002
SSL30: Final = 0x0300
TLS10: Final = 0x0301
TLS11: Final = 0x0302
TLS12: Final = 0x0303
TLS13: Final = 0x0304
DTLS10: Final = 0xFEFF
DTLS13: Final = 0xFEFC

#: The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (§4.2.3).
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
#: How the random ends of a server that could do better than what was negotiated (§4.2.3).
SENTINELS: Final = {b"DOWNGRD\x01": "TLS 1.3", b"DOWNGRD\x00": "TLS 1.2"}

# Extensions that the course of a handshake depends on.
SERVER_NAME: Final = 0
STATUS_REQUEST: Final = 5
SUPPORTED_GROUPS: Final = 10
EC_POINT_FORMATS: Final = 11
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
PADDING: Final = 21
ENCRYPT_THEN_MAC: Final = 22
EXTENDED_MASTER_SECRET: Final = 23
TRUNCATED_HMAC: Final = 4
SESSION_TICKET: Final = 35
PRE_SHARED_KEY: Final = 41
EARLY_DATA: Final = 42
SUPPORTED_VERSIONS: Final = 43
COOKIE: Final = 44
KEY_SHARE: Final = 51
NEXT_PROTOCOL: Final = 13172
ECH: Final = 0xFE0D
RENEGOTIATION_INFO: Final = 0xFF01

#: Suites that say something and are none.
EMPTY_RENEGOTIATION_INFO: Final = 0x00FF  # RFC 5746 §3.3
FALLBACK: Final = 0x5600  # RFC 7507 §3

#: What stands in the notes under another name than the extension's.
FIELD_NAMES: Final = {ALPN: "alpn", KEY_SHARE: "key_shares"}
#: Lists of suites and of extensions that are remembered: clients of one kind send the same ones.
MAX_KNOWN: Final = 4096
MAX_HEX_BYTES: Final = 64
HEARTBEATS: Final = names.Table(HEARTBEAT_TYPES)
HEARTBEAT_REQUEST: Final = 1
HEARTBEAT_RESPONSE: Final = 2
HEARTBEAT_HEADER_BYTES: Final = 3
HEARTBEAT_PADDING_BYTES: Final = 16  # at least, RFC 6520 §4

_known_suites: Final[dict[bytes, tuple[list[int], list[Value]]]] = {}
_known_types: Final[dict[tuple[int, ...], list[Value]]] = {}


@mypyc_attr(acyclic=True)
class ClientHello:
    """A ClientHello: numbers as on the wire, `values` what its extensions say, by type, `fields` all for a note."""

    __slots__ = (
        "compression",
        "cookie",
        "fields",
        "pattern",
        "random",
        "remark",
        "session_id",
        "suites",
        "text",
        "ticket",
        "types",
        "values",
        "version",
    )

    def __init__(self) -> None:
        self.version = 0
        self.random = b""
        self.session_id = b""
        self.ticket = b""  # that it wants to resume with, up to TLS 1.2
        self.cookie = b""  # DTLS
        self.suites: list[int] = []
        self.compression = b""
        self.types: list[int] = []
        self.values: dict[int, Value] = {}
        self.fields: dict[str, Value] = {}
        self.pattern: Pattern | None = None  # which these follow
        self.text = ""  # what is said of it, and of what is remarkable in it (`hellos`)
        self.remark = ""

    def numbers(self, kind: int) -> list[int]:
        """The plain numbers of an extension that is a list of named ones; empty where it is missing."""
        return extensions.numbers(self.values.get(kind))

    @property
    def server_name(self) -> str | None:
        name = self.values.get(SERVER_NAME)
        return name if isinstance(name, str) else None

    @property
    def alpn(self) -> list[str]:
        return [name for name in extensions.listed(self.values.get(ALPN)) if isinstance(name, str)]

    @property
    def versions(self) -> list[int]:
        """The versions it offers, without GREASE: of supported_versions, or else the one in the hello itself."""
        found = [version for version in self.numbers(SUPPORTED_VERSIONS) if not names.is_grease(version)]
        return found or [self.version]

    @property
    def key_shares(self) -> list[int]:
        """The groups it sends key shares for, without GREASE."""
        shares = extensions.listed(self.values.get(KEY_SHARE))
        groups = [share["group"]["value"] for share in shares if isinstance(share, dict) and "group" in share]
        return [group for group in groups if not names.is_grease(group)]


@mypyc_attr(acyclic=True)
class ServerHello:
    """A ServerHello or HelloRetryRequest; `version` is what is negotiated, `legacy_version` what stands first."""

    __slots__ = (
        "compression",
        "fields",
        "legacy_version",
        "pattern",
        "random",
        "retry",
        "session_id",
        "suite",
        "text",
        "types",
        "values",
        "version",
    )

    def __init__(self) -> None:
        self.legacy_version = 0
        self.version = 0
        self.random = b""
        self.session_id = b""
        self.suite = 0
        self.compression = 0
        self.retry = False
        self.types: list[int] = []
        self.values: dict[int, Value] = {}
        self.fields: dict[str, Value] = {}
        self.pattern: Pattern | None = None  # which these follow
        self.text = ""  # what is said of it, unless it resumes a session by its id (`hellos`)

    @property
    def group(self) -> int | None:
        """The group of its key share, or the one a HelloRetryRequest asks for."""
        found = self.values.get(KEY_SHARE)
        if not isinstance(found, dict):
            return None
        group = found.get("group") or found.get("selected_group")
        return group["value"] if isinstance(group, dict) else None


def is_13(version: int) -> bool:
    """Whether a version is TLS 1.3, one of its drafts (0x7Fnn; Facebook's 0xFBnn), or DTLS 1.3."""
    return version in (TLS13, DTLS13) or version >> 8 in (0x7F, 0xFB)


def names_schemes(version: int) -> bool:
    """Whether a signature says its algorithm: since TLS 1.2 and DTLS 1.2, whose versions count down."""
    return version >= TLS12 and version != DTLS10


# --- extensions -------------------------------------------------------------------------------------------------------


def read_extensions(reader: Reader, message: str, types: list[int], values: dict[int, Value]) -> None:
    """Read a list of extensions with its length: `types` in order, `values` what they say.  RFC 9846 §4.3"""
    size = reader.uint("extensions_length", 2)
    if size > reader.left:
        raise Malformed(f"extensions: {size} bytes wanted, {reader.left} left")
    inner = reader.sub("extensions", size)
    for _ in inner.each("extension"):
        kind = inner.uint("extension_type", 2)
        length = inner.uint("extension_data_length", 2)
        types.append(kind)
        with inner.group(names.extension_name(kind)):
            value = extensions.read(kind, length, inner, message)
        values.setdefault(kind, value)


def try_extensions(reader: Reader, message: str, types: list[int], values: dict[int, Value]) -> str:
    """As `read_extensions`, but gives what is malformed: the rest of a hello says enough by itself."""
    try:
        read_extensions(reader, message, types, values)
    except Malformed as why:
        return str(why)
    return ""


def add_extensions(fields: dict[str, Value], types: list[int], values: dict[int, Value]) -> None:
    """Put extensions into the fields of a note: their types in order, and what each says under its own name."""
    key = tuple(types)
    known = _known_types.get(key)
    if known is None:
        known = [names.EXTENSION.named(kind) for kind in types]
        if len(_known_types) >= MAX_KNOWN:
            _known_types.clear()
        _known_types[key] = known
    fields["extensions"] = known
    for kind, value in values.items():
        if value is None or names.is_grease(kind):
            continue
        name = field_name(kind)
        if isinstance(value, dict) and "malformed" in value:
            name = f"{name}_malformed"
        fields[name] = value


def field_name(kind: int) -> str:
    return FIELD_NAMES.get(kind) or names.extension_name(kind).replace(" ", "_")


# --- hellos -----------------------------------------------------------------------------------------------------------


def client_hello(reader: Reader, dtls: bool = False) -> ClientHello:
    """Read a ClientHello, RFC 9846 §4.2.2 (with `dtls` its cookie, RFC 6347 §4.2.1)."""
    hello = ClientHello()
    malformed = ""
    hello.version = reader.uint("legacy_version", 2)
    hello.random = reader.raw("random", 32)
    hello.session_id = reader.raw("legacy_session_id", reader.uint("legacy_session_id_length", 1))
    if dtls:
        hello.cookie = reader.raw("cookie", reader.uint("cookie_length", 1))
    size = reader.uint("cipher_suites_length", 2)
    suites = reader.raw("cipher_suites", size)
    hello.compression = reader.raw("legacy_compression_methods", reader.uint("legacy_compression_methods_length", 1))
    if reader.left:
        rest = reader.peek(reader.left)
        malformed = try_extensions(reader, "client-hello", hello.types, hello.values)
        if SESSION_TICKET in hello.values:
            hello.ticket = ticket_of(rest)
    known = _known_suites.get(suites)
    if known is None:
        numbers = [suites[at] << 8 | suites[at + 1] for at in range(0, len(suites) - 1, 2)]
        known = (numbers, names.SUITES.all_named(numbers))
        if len(_known_suites) >= MAX_KNOWN:
            _known_suites.clear()
        _known_suites[suites] = known
    hello.suites = known[0]
    fields: dict[str, Value] = {
        "legacy_version": names.VERSION.named(hello.version),
        "random": hello.random.hex(),
        "session_id": hello.session_id.hex(),
        "server_name": None,
        "alpn": [],
        "cipher_suites": known[1],
    }
    if hello.compression != b"\0":
        fields["compression_methods"] = [names.named(method, COMPRESSION_METHODS) for method in hello.compression]
    if dtls:
        fields["cookie"] = hello.cookie.hex()
    if malformed:
        fields["malformed"] = malformed
    add_extensions(fields, hello.types, hello.values)
    hello.fields = fields
    return hello


def ticket_of(extensions_bytes: bytes) -> bytes:
    """The session ticket in a list of extensions, which is kept nowhere else: it may be long (RFC 5077 §3.2)."""
    at = 2
    for _ in range(len(extensions_bytes) // 4):
        kind = int.from_bytes(extensions_bytes[at : at + 2], "big")
        size = int.from_bytes(extensions_bytes[at + 2 : at + 4], "big")
        if kind == SESSION_TICKET:
            return extensions_bytes[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


def has_no_session_id(version: int) -> bool:
    """Whether a ServerHello that begins so is of drafts 0x7F10 to 0x7F15: it has neither session id nor compression."""
    return version >> 8 == 0x7F


def server_hello(reader: Reader) -> ServerHello:
    """Read a ServerHello or a HelloRetryRequest, RFC 9846 §4.2.3 (drafts before 22 have no session id)."""
    hello = ServerHello()
    malformed = ""
    hello.legacy_version = hello.version = reader.uint("legacy_version", 2)
    hello.random = reader.raw("random", 32)
    short = has_no_session_id(hello.version)
    if not short:
        hello.session_id = reader.raw("legacy_session_id_echo", reader.uint("legacy_session_id_echo_length", 1))
    hello.suite = reader.uint("cipher_suite", 2)
    if not short:
        hello.compression = reader.uint("legacy_compression_method", 1)
    hello.retry = hello.random == RETRY_RANDOM
    if reader.left:
        message = "hello-retry-request" if hello.retry else "server-hello"
        malformed = try_extensions(reader, message, hello.types, hello.values)
    chosen = hello.values.get(SUPPORTED_VERSIONS)
    if isinstance(chosen, dict) and "selected_version" in chosen:
        hello.version = chosen["selected_version"]["value"]
    fields: dict[str, Value] = {
        "random": hello.random.hex(),
        "session_id": hello.session_id.hex(),
        "legacy_version": names.VERSION.named(hello.legacy_version),
        "version": names.VERSION.named(hello.version),
        "cipher_suite": names.SUITES.named(hello.suite),
    }
    if hello.compression:
        fields["compression_method"] = names.named(hello.compression, COMPRESSION_METHODS)
    if malformed:
        fields["malformed"] = malformed
    add_extensions(fields, hello.types, hello.values)
    hello.fields = fields
    return hello


def draft_retry(reader: Reader) -> tuple[int, dict[str, Value]]:
    """A HelloRetryRequest of the drafts before 22, which has a type of its own: its version and fields."""
    version = reader.uint("server_version", 2)
    fields: dict[str, Value] = {"version": names.VERSION.named(version)}
    if version not in (0x7F10, 0x7F11, 0x7F12):  # until draft 18 it names no suite
        fields["cipher_suite"] = names.SUITES.named(reader.uint("cipher_suite", 2))
    types: list[int] = []
    values: dict[int, Value] = {}
    if reader.left:
        read_extensions(reader, "hello-retry-request", types, values)
    add_extensions(fields, types, values)
    return version, fields


# --- certificates -----------------------------------------------------------------------------------------------------


def certificate_list(reader: Reader, version13: bool) -> tuple[list[bytes], dict[str, Value], dict[int, Value]]:
    """The certificates (DER) of a Certificate message, fields of it, and the extensions of the first.

    RFC 9846 §4.5.1 (with a context, and extensions for each), RFC 5246 §7.4.2.
    """
    fields: dict[str, Value] = {}
    first: dict[int, Value] = {}
    if version13:
        context = reader.raw("certificate_request_context", reader.uint("certificate_request_context_length", 1))
        if context:
            fields["certificate_request_context"] = context.hex()
    found: list[bytes] = []
    inner = reader.sub("certificate_list", reader.uint("certificate_list_length", 3))
    for index in inner.each("certificate_entry"):
        found.append(inner.raw("cert_data", inner.uint("cert_data_length", 3)))
        if version13:
            types: list[int] = []
            values: dict[int, Value] = {}
            read_extensions(inner, "certificate", types, values)
            if index == 0:
                first = values
    return found, fields, first


def compressed_certificate(reader: Reader) -> tuple[int, int, bytes]:
    """Algorithm, uncompressed length and compressed bytes of a CompressedCertificate, RFC 8879 §4."""
    algorithm = reader.uint("algorithm", 2)
    size = reader.uint("uncompressed_length", 3)
    return algorithm, size, reader.raw("compressed_certificate_message", reader.uint("compressed_length", 3))


def certificate_request(reader: Reader, version: int) -> dict[str, Value]:
    """RFC 9846 §4.4.2, RFC 5246 §7.4.4."""
    fields: dict[str, Value] = {}
    if is_13(version):
        context = reader.raw("certificate_request_context", reader.uint("certificate_request_context_length", 1))
        if context:
            fields["certificate_request_context"] = context.hex()
        types: list[int] = []
        values: dict[int, Value] = {}
        read_extensions(reader, "certificate-request", types, values)
        add_extensions(fields, types, values)
        return fields
    kinds = reader.raw("certificate_types", reader.uint("certificate_types_length", 1))
    fields["certificate_types"] = [names.named(kind, CLIENT_CERTIFICATE_TYPES) for kind in kinds]
    if names_schemes(version):
        schemes = reader.raw("supported_signature_algorithms", reader.uint("supported_signature_algorithms_length", 2))
        numbers = [schemes[at] << 8 | schemes[at + 1] for at in range(0, len(schemes) - 1, 2)]
        fields["signature_algorithms"] = names.SCHEMES.all_named(numbers)
    if reader.left:
        inner = reader.sub("certificate_authorities", reader.uint("certificate_authorities_length", 2))
        count = 0
        for _ in inner.each("distinguished_name"):
            inner.skip("distinguished_name", inner.uint("distinguished_name_length", 2))
            count += 1
        fields["certificate_authorities"] = count
    return fields


def certificate_status(reader: Reader) -> tuple[dict[str, Value], bytes]:
    """Fields, and the OCSP response itself, of a CertificateStatus, RFC 6066 §8 (RFC 6961 for several)."""
    kind = reader.uint("status_type", 1)
    fields: dict[str, Value] = {"status_type": names.named(kind, CERTIFICATE_STATUS_TYPES)}
    if kind == 1:
        response = reader.raw("ocsp_response", reader.uint("ocsp_response_length", 3))
        fields["ocsp_response_bytes"] = len(response)
        return fields, response
    fields["bytes"] = reader.left
    reader.skip("response", reader.left)
    return fields, b""


# --- keys -------------------------------------------------------------------------------------------------------------


def server_key_exchange(reader: Reader, key_exchange: str, version: int) -> tuple[dict[str, Value], int | None]:
    """Fields of a ServerKeyExchange, and the group it is about, RFC 5246 §7.4.3 and RFC 8422 §5.4 (now RFC 9846)."""
    fields: dict[str, Value] = {"bytes": reader.left}
    group: int | None = None
    if key_exchange.endswith("PSK"):
        hint = reader.raw("psk_identity_hint", reader.uint("psk_identity_hint_length", 2))
        if hint:
            fields["psk_identity_hint"] = shown(hint)
    if key_exchange.startswith("EC"):
        kind = reader.uint("curve_type", 1)
        fields["curve_type"] = names.named(kind, EC_CURVE_TYPES)
        if kind != 3:
            reader.skip("parameters", reader.left)
            return fields, None
        group = reader.uint("namedcurve", 2)
        fields["named_group"] = names.GROUPS.named(group)
        fields["public_key_bytes"] = size = reader.uint("public_length", 1)
        reader.skip("public", size)
    elif key_exchange.startswith("DH"):
        fields["dh_bits"] = 8 * len(reader.raw("dh_p", reader.uint("dh_p_length", 2)).lstrip(b"\0"))
        reader.skip("dh_g", reader.uint("dh_g_length", 2))
        reader.skip("dh_ys", reader.uint("dh_ys_length", 2))
    if reader.left and names_schemes(version) and not key_exchange.endswith(("anon", "PSK")):
        fields["signature_algorithm"] = names.SCHEMES.named(reader.uint("algorithm", 2))
    if reader.left:
        reader.skip("signature", reader.left)
    return fields, group


def client_key_exchange(reader: Reader, key_exchange: str, version: int) -> tuple[dict[str, Value], bytes]:
    """Fields of a ClientKeyExchange, and for RSA key exchange the encrypted premaster secret, RFC 5246 §7.4.7."""
    fields: dict[str, Value] = {"bytes": reader.left}
    if key_exchange in ("PSK", "DHE_PSK", "ECDHE_PSK", "RSA_PSK") and reader.left >= 2:
        identity = reader.raw("psk_identity", reader.uint("psk_identity_length", 2))
        fields["psk_identity"] = shown(identity)
    if key_exchange == "RSA":
        encrypted = reader.rest("encrypted_premaster_secret")
        if version > SSL30 and len(encrypted) > 2 and int.from_bytes(encrypted[:2], "big") == len(encrypted) - 2:
            encrypted = encrypted[2:]
        return fields, encrypted
    reader.skip("exchange_keys", reader.left)
    return fields, b""


def certificate_verify(reader: Reader, version: int) -> dict[str, Value]:
    """RFC 9846 §4.5.2, RFC 5246 §7.4.8."""
    fields: dict[str, Value] = {}
    if names_schemes(version):
        fields["algorithm"] = names.SCHEMES.named(reader.uint("algorithm", 2))
        fields["signature_bytes"] = reader.uint("signature_length", 2)
    reader.skip("signature", reader.left)
    return fields


def new_session_ticket(reader: Reader, version: int) -> tuple[dict[str, Value], bytes]:
    """Fields, and the ticket, RFC 9846 §4.7.1 and RFC 5077 §3.3."""
    fields: dict[str, Value] = {"ticket_lifetime": reader.uint("ticket_lifetime", 4)}
    if is_13(version):
        fields["ticket_age_add"] = reader.uint("ticket_age_add", 4)
        if version not in (0x7F10, 0x7F11, 0x7F12, 0x7F13, 0x7F14):  # since draft 21
            reader.skip("ticket_nonce", reader.uint("ticket_nonce_length", 1))
    ticket = reader.raw("ticket", reader.uint("ticket_length", 2))
    fields["ticket_bytes"] = len(ticket)
    if is_13(version) and reader.left:
        types: list[int] = []
        values: dict[int, Value] = {}
        read_extensions(reader, "new-session-ticket", types, values)
        add_extensions(fields, types, values)
    return fields, ticket


def next_protocol(reader: Reader) -> dict[str, Value]:
    """The protocol a client chose by NPN: draft-agl-tls-nextprotoneg 3."""
    chosen = reader.text("selected_protocol", reader.uint("selected_protocol_length", 1))
    if reader.left:
        reader.skip("padding", reader.left)
    return {"selected_protocol": chosen}


def shown(value: bytes) -> str:
    """Bytes that are often text: as text where they are, else as hex, cut at a limit."""
    cut = value[:MAX_HEX_BYTES]
    text = cut.decode("ascii", "replace")
    return text if text.isprintable() and cut.isascii() else cut.hex()


# --- alerts -----------------------------------------------------------------------------------------------------------

WARNING: Final = 1
FATAL: Final = 2
CLOSE_NOTIFY: Final = 0


def heartbeat(reader: Reader) -> tuple[str, dict[str, Value]]:
    """What a heartbeat message claims to hold, and how much of that is missing (RFC 6520 §4)."""
    whole = reader.left
    if whole < HEARTBEAT_HEADER_BYTES:
        return f"malformed: {whole} bytes", {"bytes": whole}
    kind, size = reader.uint("type", 1), reader.uint("payload_length", 2)
    left = reader.left
    reader.skip("payload and padding", left)
    fields: dict[str, Value] = {"type": HEARTBEATS.named(kind), "payload_length": size, "bytes": whole}
    what = {HEARTBEAT_REQUEST: "request", HEARTBEAT_RESPONSE: "response"}.get(kind, f"type {kind}")
    text = f"{what}, {size:,} bytes of payload"
    missing = size + HEARTBEAT_PADDING_BYTES - left
    if missing > 0:
        fields["missing_bytes"] = missing
        text += f": {missing:,} more, with the padding, than the record has"
    return text, fields


def alert_words(level: int, description: int) -> str:
    """As in "fatal handshake_failure (40)"."""
    name = ALERTS.get(description)
    what = f"{name} ({description})" if name is not None else f"alert {description}"
    if description == CLOSE_NOTIFY:
        return what
    return f"{'warning' if level == WARNING else 'fatal' if level == FATAL else f'level {level}'} {what}"


# --- SSL 2.0 ----------------------------------------------------------------------------------------------------------

SSL2_CLIENT_HELLO: Final = 1
SSL2_CLIENT_MASTER_KEY: Final = 2
SSL2_SERVER_HELLO: Final = 4
SSL2_EVENTS: Final = {
    0: "ssl2-error",
    1: "ssl2-client-hello",
    2: "ssl2-client-master-key",
    3: "ssl2-client-finished",
    4: "ssl2-server-hello",
    5: "ssl2-server-verify",
    6: "ssl2-server-finished",
    7: "ssl2-request-certificate",
    8: "ssl2-client-certificate",
}


def ssl2_client_hello(reader: Reader) -> tuple[int, bytes, dict[str, Value]]:
    """Version, client random and fields of an SSL 2.0 CLIENT-HELLO; it may offer up to TLS 1.2 (RFC 5246 §E.2)."""
    version = reader.uint("version", 2)
    suites_size = reader.uint("cipher_spec_length", 2)
    session_size = reader.uint("session_id_length", 2)
    challenge_size = reader.uint("challenge_length", 2)
    specs = reader.raw("cipher_specs", suites_size)
    session_id = reader.raw("session_id", session_size)
    challenge = reader.raw("challenge", challenge_size)
    numbers = [int.from_bytes(specs[at : at + 3], "big") for at in range(0, len(specs) - 2, 3)]
    fields: dict[str, Value] = {
        "version": names.VERSION.named(version),
        "cipher_specs": [names.SUITES.named(spec) if spec < 0x10000 else {"value": spec} for spec in numbers],
        "session_id": session_id.hex(),
        "challenge": challenge.hex(),
    }
    return version, challenge[-32:].rjust(32, b"\0"), fields


def ssl2_server_hello(reader: Reader) -> tuple[int, list[bytes], dict[str, Value]]:
    """Version, certificate and fields of an SSL 2.0 SERVER-HELLO."""
    hit = reader.uint("session_id_hit", 1)
    kind = reader.uint("certificate_type", 1)
    version = reader.uint("version", 2)
    certificate_size = reader.uint("certificate_length", 2)
    specs_size = reader.uint("cipher_specs_length", 2)
    id_size = reader.uint("connection_id_length", 2)
    certificate = reader.raw("certificate", certificate_size)
    reader.skip("cipher_specs", specs_size)
    connection_id = reader.raw("connection_id", id_size)
    fields: dict[str, Value] = {
        "session_id_hit": bool(hit),
        "certificate_type": kind,
        "version": names.VERSION.named(version),
        "connection_id": connection_id.hex(),
    }
    return version, [certificate] if certificate else [], fields
