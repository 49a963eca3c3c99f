"""What stands in extensions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Field, Malformed, Piece, Reader, Trace, Value
from analyzer.protocols.tls import extensions, registries
from analyzer.protocols.tls.extensions import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS,
    HELLO_RETRY_REQUEST,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    decode,
    decoded,
)

MESSAGES = (
    CLIENT_HELLO,
    SERVER_HELLO,
    HELLO_RETRY_REQUEST,
    ENCRYPTED_EXTENSIONS,
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    NEW_SESSION_TICKET,
)


def sized(data: bytes, prefix: int = 2) -> bytes:
    """`data` after its length."""
    return len(data).to_bytes(prefix, "big") + data


def reader(data: bytes, trace: Trace | None = None) -> Reader:
    return Reader(Piece(data, [(0, 1, 0, 0)], trace=trace))


def read(kind: int, data: bytes, message: str = CLIENT_HELLO) -> Value:
    """What the extension says; the same whether the fields are traced or not."""
    said = decode(kind, reader(data), message)
    trace = Trace()
    assert decode(kind, reader(data, trace), message) == said
    assert not data or trace.fields
    assert decoded(kind, reader(data), message) == said
    return said


def name(value: Value) -> Value:
    """The names of a list of numbers."""
    return [entry.get("name", entry["value"]) for entry in value]


KEY = b"k" * 32
CN = bytes.fromhex("3012 3110 300e 0603550403 0c07").replace(b" ", b"") + b"Example"
SHARE = bytes.fromhex("001d") + sized(KEY)
ECH = bytes.fromhex("00 0001 0001 07") + sized(KEY) + sized(b"p" * 200)
CONFIG = (
    bytes.fromhex("07 0020")
    + sized(KEY)
    + sized(bytes.fromhex("0001 0001 0001 0003"))
    + b"\x40"
    + sized(b"public.example", 1)
    + sized(b"")
)

#: extension, content, message, what it says
CASES: list[tuple[int, bytes, str, Value]] = [
    (0, sized(b"\0" + sized(b"example.org")), CLIENT_HELLO, "example.org"),
    (0, sized(b"\1" + sized(b"x") + b"\0" + sized(b"a.example") + b"\0" + sized(b"b")), CLIENT_HELLO, "a.example"),
    (0, sized(b"\0" + sized(b"ex\xff")), CLIENT_HELLO, "ex\\xff"),
    (0, b"", CLIENT_HELLO, None),
    (0, b"", ENCRYPTED_EXTENSIONS, True),
    (1, b"\2", CLIENT_HELLO, {"value": 2, "name": "1024"}),
    (2, b"", CLIENT_HELLO, True),
    (3, b"", SERVER_HELLO, True),
    (
        3,
        sized(b"\0" + b"\1" + b"h" * 20 + b"\2" + sized(b"name")),
        CLIENT_HELLO,
        [
            {"identifier_type": {"value": 0, "name": "pre_agreed"}, "identifier": ""},
            {"identifier_type": {"value": 1, "name": "key_sha1_hash"}, "identifier": "68" * 20},
            {"identifier_type": {"value": 2, "name": "x509_name"}, "identifier": "6e616d65"},
        ],
    ),
    (
        5,
        b"\1" + sized(b"") + sized(b""),
        CLIENT_HELLO,
        {"status_type": {"value": 1, "name": "ocsp"}, "responder_id_list_bytes": 0, "request_extensions_bytes": 0},
    ),
    (5, b"\7ab", CLIENT_HELLO, {"status_type": {"value": 7}, "request": "6162"}),
    (5, b"", SERVER_HELLO, True),
    (
        5,
        b"\2" + sized(b"ocsp", 3),
        CERTIFICATE,
        {"status_type": {"value": 2, "name": "ocsp_multi"}, "response_bytes": 4},
    ),
    (6, b"\1\x40", CLIENT_HELLO, [{"value": 64, "name": "upn_domain_hint"}]),
    (7, b"\2\0\1", CLIENT_HELLO, [0, 1]),
    (9, b"\1\0", CLIENT_HELLO, [{"value": 0, "name": "X509"}]),
    (12, sized(b"user", 1), CLIENT_HELLO, {"srp_i": "user"}),
    (12, b"", SERVER_HELLO, True),
    (
        14,
        sized(bytes.fromhex("0007 0001")) + b"\0",
        CLIENT_HELLO,
        {
            "protection_profiles": [
                {"value": 7, "name": "SRTP_AEAD_AES_128_GCM"},
                {"value": 1, "name": "SRTP_AES128_CM_HMAC_SHA1_80"},
            ],
            "srtp_mki": "",
        },
    ),
    (15, b"\1", CLIENT_HELLO, {"value": 1, "name": "peer_allowed_to_send"}),
    (16, sized(sized(b"h2", 1) + sized(b"http/1.1", 1)), CLIENT_HELLO, ["h2", "http/1.1"]),
    (16, sized(sized(b"\x0a\x0a", 1) + sized(b"\xff\\", 1)), CLIENT_HELLO, ["\\n\\n", "\\xff\\\\"]),
    (
        17,
        sized(b"\2" + sized(sized(b"") + sized(b"")) + b"\7" + sized(b"")),
        CLIENT_HELLO,
        [
            {
                "status_type": {"value": 2, "name": "ocsp_multi"},
                "responder_id_list_bytes": 0,
                "request_extensions_bytes": 0,
            },
            {"status_type": {"value": 7}},
        ],
    ),
    (17, b"", SERVER_HELLO, True),
    (18, b"", CLIENT_HELLO, True),
    (
        18,
        sized(sized(b"\0" + b"i" * 32 + (1700000000000).to_bytes(8, "big") + b"rest")),
        CERTIFICATE,
        [{"sct_version": 0, "id": "69" * 32, "timestamp": 1700000000000}],
    ),
    (19, b"\2", ENCRYPTED_EXTENSIONS, {"value": 2, "name": "RawPublicKey"}),
    (21, b"\0" * 100, CLIENT_HELLO, {"padding_bytes": 100}),
    (23, b"", CLIENT_HELLO, True),
    (
        24,
        b"\1\0\1\2",
        CLIENT_HELLO,
        {"token_binding_version": "1.0", "key_parameters_list": [{"value": 2, "name": "ecdsap256"}]},
    ),
    (25, sized(b"\1" + sized(b"hash", 1)), CLIENT_HELLO, [{"type": 1, "hash_value": "68617368"}]),
    (25, sized(b"\1"), SERVER_HELLO, [{"type": 1}]),
    (28, b"\x40\x01", CLIENT_HELLO, 0x4001),
    (
        34,
        (3600).to_bytes(4, "big") + b"\x04\x03" + sized(b"spki", 3) + b"\x08\x04" + sized(b"signature"),
        CERTIFICATE,
        {
            "valid_time": 3600,
            "dc_cert_verify_algorithm": {"value": 0x0403, "name": "ecdsa_secp256r1_sha256"},
            "subject_public_key_info_bytes": 4,
            "algorithm": {"value": 0x0804, "name": "rsa_pss_rsae_sha256"},
            "signature_bytes": 9,
        },
    ),
    (35, b"t" * 192, CLIENT_HELLO, {"ticket_bytes": 192}),
    (
        41,
        sized(sized(b"i" * 100) + b"\0\0\1\0") + sized(sized(b"b" * 32, 1)),
        CLIENT_HELLO,
        {"identities": [{"identity_bytes": 100, "obfuscated_ticket_age": 256}], "binder_bytes": [32]},
    ),
    (41, b"\0\0", SERVER_HELLO, {"selected_identity": 0}),
    (42, b"", CLIENT_HELLO, True),
    (42, b"\0\0\x40\0", NEW_SESSION_TICKET, {"max_early_data_size": 16384}),
    (43, b"\3\x04", SERVER_HELLO, {"selected_version": {"value": 0x0304, "name": "TLS 1.3"}}),
    (44, sized(b"c" * 9), HELLO_RETRY_REQUEST, {"cookie_bytes": 9}),
    (
        45,
        b"\2\1\x0b",
        CLIENT_HELLO,
        [{"value": 1, "name": "psk_dhe_ke"}, {"value": 11, "name": "GREASE"}],
    ),
    (47, sized(sized(CN) + sized(b"\0")), CLIENT_HELLO, ["CN=Example", "00"]),
    (
        48,
        sized(sized(bytes.fromhex("0603551d25"), 1) + sized(b"values")),
        CERTIFICATE_REQUEST,
        [{"certificate_extension_oid": "2.5.29.37", "certificate_extension_values_bytes": 6}],
    ),
    (51, sized(SHARE), CLIENT_HELLO, [{"group": {"value": 29, "name": "x25519"}, "key_exchange_bytes": 32}]),
    (51, SHARE, SERVER_HELLO, {"group": {"value": 29, "name": "x25519"}, "key_exchange_bytes": 32}),
    (51, b"\0\x17", HELLO_RETRY_REQUEST, {"selected_group": {"value": 23, "name": "secp256r1"}}),
    (54, sized(b"cid", 1), CLIENT_HELLO, {"cid": "636964"}),
    (55, sized(b"hash", 1), CLIENT_HELLO, "68617368"),
    (58, b"\2\1", CLIENT_HELLO, {"new_session_count": 2, "resumption_count": 1}),
    (58, b"\2", ENCRYPTED_EXTENSIONS, {"expected_count": 2}),
    (59, b"\1\xbb", CLIENT_HELLO, {"port_number": 443}),
    (59, b"\0\1chain", CERTIFICATE, {"ext_support_lifetime": 1, "authentication_chain_bytes": 5}),
    (62, sized(b"\x01\x80", 1), CLIENT_HELLO, {"flags": [0, 15]}),
    (9999, b"\1\2", CLIENT_HELLO, {"bytes": 2, "data": "0102"}),
    (13172, b"", CLIENT_HELLO, True),
    (13172, sized(b"h2", 1) + sized(b"spdy/3", 1), SERVER_HELLO, ["h2", "spdy/3"]),
    (17613, sized(sized(b"h2", 1)), CLIENT_HELLO, ["h2"]),
    (17613, b"settings", ENCRYPTED_EXTENSIONS, {"settings_bytes": 8}),
    (51764, b"", CERTIFICATE, True),
    (51764, sized(sized(bytes.fromhex("81fd5901"), 1)), CLIENT_HELLO, ["32473.1"]),
    (64768, b"\2\0\x33", CLIENT_HELLO, [{"value": 51, "name": "key_share"}]),
    (
        65037,
        ECH,
        CLIENT_HELLO,
        {
            "type": {"value": 0, "name": "outer"},
            "cipher_suite": {
                "kdf_id": {"value": 1, "name": "HKDF-SHA256"},
                "aead_id": {"value": 1, "name": "AES-128-GCM"},
            },
            "config_id": 7,
            "enc_bytes": 32,
            "payload_bytes": 200,
        },
    ),
    (65037, b"\1", CLIENT_HELLO, {"type": {"value": 1, "name": "inner"}}),
    (65037, b"12345678", HELLO_RETRY_REQUEST, {"confirmation": "3132333435363738"}),
    (
        65037,
        sized(b"\xfe\x0d" + sized(CONFIG) + b"\xfe\x0a" + sized(b"old")),
        ENCRYPTED_EXTENSIONS,
        {
            "retry_configs": [
                {
                    "version": 0xFE0D,
                    "config_id": 7,
                    "kem_id": {"value": 0x20, "name": "DHKEM(X25519 HKDF-SHA256)"},
                    "public_key_bytes": 32,
                    "cipher_suites": [
                        {
                            "kdf_id": {"value": 1, "name": "HKDF-SHA256"},
                            "aead_id": {"value": 1, "name": "AES-128-GCM"},
                        },
                        {
                            "kdf_id": {"value": 1, "name": "HKDF-SHA256"},
                            "aead_id": {"value": 3, "name": "ChaCha20Poly1305"},
                        },
                    ],
                    "maximum_name_length": 64,
                    "public_name": "public.example",
                },
                {"version": 0xFE0A, "bytes": 3},
            ]
        },
    ),
    (65281, b"\0", CLIENT_HELLO, {"renegotiated_connection_bytes": 0}),
    (
        65486,
        b"\x13\x01" + SHARE + sized(b"d" * 32) + sized(b"e" * 100),
        CLIENT_HELLO,
        {
            "suite": {"value": 0x1301, "name": "TLS_AES_128_GCM_SHA256"},
            "key_share": {"group": {"value": 29, "name": "x25519"}, "key_exchange_bytes": 32},
            "record_digest_bytes": 32,
            "encrypted_sni_bytes": 100,
        },
    ),
    (65486, b"n", ENCRYPTED_EXTENSIONS, {"bytes": 1, "data": "6e"}),
]


def test_a_stapled_answer_is_read() -> None:
    said = read(5, b"\1" + sized(b"ocsp", 3), CERTIFICATE)
    assert (said["status_type"]["name"], said["response_bytes"], said["ocsp_response"]["bytes"]) == ("ocsp", 4, 4)
    assert "malformed" in said["ocsp_response"]


@pytest.mark.parametrize(("kind", "data", "message", "said"), CASES, ids=lambda value: str(value)[:24])
def test_extension(kind: int, data: bytes, message: str, said: Value) -> None:
    assert read(kind, data, message) == said


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (10, sized(bytes.fromhex("2a2a 11ec 001d 9999")), ["GREASE", "X25519MLKEM768", "x25519", 0x9999]),
        (11, b"\1\0", ["uncompressed"]),
        (13, sized(bytes.fromhex("0403 0905")), ["ecdsa_secp256r1_sha256", "mldsa65"]),
        (27, sized(b"\0\2\0\1", 1), ["brotli", "zlib"]),
        (34, sized(b"\x04\x03"), ["ecdsa_secp256r1_sha256"]),
        (43, sized(bytes.fromhex("4a4a 0304 7f1c"), 1), ["GREASE", "TLS 1.3", "TLS 1.3 draft 28"]),
        (50, sized(b"\x08\x04"), ["rsa_pss_rsae_sha256"]),
    ],
)
def test_lists_of_numbers(kind: int, data: bytes, said: list[Value]) -> None:
    found = read(kind, data)
    assert name(found) == said
    assert len(extensions.numbers(found)) == len(said)


def test_transport_parameters() -> None:
    values = (
        b"\x01"
        + sized(b"\x80\x00\x75\x30", 1)  # max_idle_timeout, a number of 4 bytes
        + b"\x0c\0"  # disable_active_migration
        + b"\x0f"
        + sized(b"cid", 1)
        + b"\x11"
        + sized(bytes.fromhex("00000001 6b3343cf 3a4a5a6a"), 1)
        + b"\x71\x28"
        + sized(b"\1", 1)
        + b"\x1b"
        + sized(b"x", 1)  # 31 * 0 + 27
        + b"\x71\x29\0"  # user_agent, empty
        + b"\x0d"
        + sized(b"\1\2\3\4\0\x50" + b"\0" * 15 + b"\1\0\x51" + sized(b"c", 1) + b"t" * 16, 1)
        + b"\x80\x00\x31\x28"
        + sized(b"ABCD", 1)
    )
    said = read(57, values)
    assert said["max_idle_timeout"] == 30000
    assert said["disable_active_migration"] is True
    assert said["initial_source_connection_id"] == "636964"
    assert said["version_information"]["chosen_version"] == {"value": 1, "name": "QUIC v1"}
    assert name(said["version_information"]["available_versions"]) == ["QUIC v2", "GREASE"]
    assert said["google_connection_options"] == "ABCD"
    assert said["user_agent"] == ""
    assert said["GREASE"] == "78"
    assert said["preferred_address"]["ipv4_address"] == "1.2.3.4"
    assert said["preferred_address"]["ipv6_address"] == "::1"
    assert said["preferred_address"]["ipv6_port"] == 0x51


def test_transport_parameters_of_drafts() -> None:
    old = sized(b"\0\1" + sized(b"\x44\0"))
    assert read(65445, old) == {"max_idle_timeout": 1024}
    assert read(65445, b"\1\2\x44\0") == {"max_idle_timeout": 1024}
    assert read(65445, b"") == {}


def test_transport_parameters_are_bounded() -> None:
    many = b"".join((0xC000000000000000 | 31 * index).to_bytes(8, "big") + b"\0" for index in range(1000, 1600))
    said = decode(57, reader(many), CLIENT_HELLO)
    assert len(said) == extensions.MAX_LISTED + 1
    assert said["more"] == 600 - extensions.MAX_LISTED


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (0, b"\0"),
        (3, sized(b"\x09")),
        (10, b"\0\3abc"),
        (16, sized(b"\5h2")),
        (23, b"x"),
        (43, b"\4\3\3"),
        (51, sized(b"\0\x1d\0\x20short")),
        (57, b"\x01\3\1ab"),
        (57, b"\x01"),
        (65281, b"\0more"),
    ],
)
def test_malformed_costs_itself_only(kind: int, data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(kind, reader(data), CLIENT_HELLO)
    unit = reader(data)
    said = decoded(kind, unit, CLIENT_HELLO)
    assert said["bytes"] == len(data)
    assert said["malformed"]
    assert unit.left == 0


def test_long_lists_are_cut_and_counted() -> None:
    said = decode(10, reader(sized(b"\0\x1d" * 1000)), CLIENT_HELLO)
    assert said["count"] == 1000
    assert len(said["first"]) == extensions.MAX_LISTED
    assert extensions.numbers(said) == [29] * extensions.MAX_LISTED
    named = decode(47, reader(sized(sized(CN) * 1000)), CLIENT_HELLO)
    assert named["count"] == 1000
    assert len(named["first"]) == extensions.MAX_LISTED
    assert extensions.listed("no list") == []


def test_the_same_bytes_give_the_same_value() -> None:
    data = sized(bytes.fromhex("001d 0017"))
    unit = reader(data)
    assert decoded(10, unit, CLIENT_HELLO) is decoded(10, reader(data), CLIENT_HELLO)
    assert unit.left == 0
    assert decoded(51, reader(sized(SHARE)), CLIENT_HELLO) == decode(51, reader(sized(SHARE)), CLIENT_HELLO)


def test_reading_from_a_message() -> None:
    groups, share = sized(bytes.fromhex("001d 0018")), sized(SHARE)
    for _ in range(2):
        message = reader(groups + share)
        assert extensions.numbers(extensions.read(10, len(groups), message, CLIENT_HELLO)) == [29, 24]
        assert extensions.read(51, len(share), message, CLIENT_HELLO)[0]["key_exchange_bytes"] == 32
        assert message.left == 0
    traced = Trace()
    assert extensions.read(10, len(groups), reader(groups, traced), CLIENT_HELLO)
    assert traced.fields
    with pytest.raises(Malformed):
        extensions.read(10, len(groups) + 1, reader(groups), CLIENT_HELLO)


def test_fields_have_the_names_of_the_rfc_and_their_bytes() -> None:
    trace = Trace()
    decode(10, reader(sized(bytes.fromhex("001d 0017")), trace), CLIENT_HELLO)
    length, groups = trace.fields
    assert (length.name, length.value) == ("named_group_list_length", 4)
    assert [(field.name, field.value) for field in groups.children] == [("NamedGroup", 29), ("NamedGroup", 23)]

    def deepest(field: Field) -> list[tuple[int, int]]:
        if field.children:
            return [place for child in field.children for place in deepest(child)]
        assert field.piece is not None
        return [(field.piece.start, field.piece.stop)]

    assert [place for field in trace.fields for place in deepest(field)] == [(0, 2), (2, 4), (4, 6)]


def test_identifiers_come_back() -> None:
    for data in (b"h2", b"", b"\x0a\x0a", b"\\x", bytes(range(256))):
        assert extensions.identifier_bytes(extensions.identifier(data)) == data


def test_distinguished_names() -> None:
    country = bytes.fromhex("310b300906035504061302") + b"DE"
    wide = bytes.fromhex("310d300b06032a03041e04") + "Aé".encode("utf-16-be")
    assert extensions.distinguished_name(b"\x30" + sized(country + wide, 1)) == "C=DE, 1.2.3.4=Aé"
    long = b"\x0c\x82" + sized(b"x" * 600)
    attribute = b"\x30\x82" + sized(bytes.fromhex("0603550403") + long)
    whole = b"\x30\x82" + sized(b"\x31\x82" + sized(attribute))
    assert len(extensions.distinguished_name(whole)) == extensions.MAX_NAME_CHARACTERS + 3
    with pytest.raises(Malformed):
        extensions.distinguished_name(b"\x30\x80\0\0")
    assert extensions.object_identifier(b"") == ""


@given(
    st.sampled_from([*registries.EXTENSIONS, 0x0A0A, 9999]),
    st.sampled_from(MESSAGES),
    st.binary(max_size=80),
    st.booleans(),
)
def test_any_bytes_raise_nothing_but_malformed(kind: int, message: str, data: bytes, traced: bool) -> None:
    unit = reader(data, Trace() if traced else None)
    said = decoded(kind, unit, message)
    assert unit.left == 0
    assert isinstance(said, dict | list | str | int | None)


@given(st.sampled_from(CASES), st.integers(0, 400), st.integers(0, 255))
def test_any_changed_byte_raises_nothing_but_malformed(
    case: tuple[int, bytes, str, Value], at: int, value: int
) -> None:
    kind, data, message, _ = case
    changed = bytearray(data)
    if changed:
        changed[at % len(changed)] = value
    decoded(kind, reader(bytes(changed)), message)
    decoded(kind, reader(bytes(changed), Trace()), message)
