"""Handshake messages, read field by field."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece, Reader, Trace
from analyzer.protocols.tls import messages
from analyzer.protocols.tls.messages import SSL30, TLS10, TLS12, TLS13
from tests.protocols.tls.dialogs import (
    RETRY_RANDOM,
    client_hello,
    extension,
    offers13,
    server_hello,
    takes13,
    vector,
)
from tests.protocols.tls.rfc8448 import CLIENT_HELLO, SERVER_HELLO

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = 4


def reader(data: bytes) -> Reader:
    return Reader(Piece(data, [(0, 1, 54, 0)]))


def traced(data: bytes) -> tuple[Reader, Trace]:
    trace = Trace()
    return Reader(Piece(data, [(0, 1, 54, 0)], trace=trace)), trace


# --- hellos -----------------------------------------------------------------------------------------------------------


def test_hellos_of_rfc_8448() -> None:
    hello = messages.client_hello(reader(CLIENT_HELLO[HEADER:]))
    assert hello.version == TLS12
    assert hello.random.hex().startswith("cb34ecb1e78163ba")
    assert hello.suites == [0x1301, 0x1303, 0x1302]
    assert hello.server_name == "server"
    assert hello.versions == [TLS13]
    assert hello.key_shares == [0x001D]
    assert hello.numbers(messages.SUPPORTED_GROUPS)[:4] == [0x001D, 0x0017, 0x0018, 0x0019]
    assert (hello.alpn, hello.session_id, hello.ticket) == ([], b"", b"")
    assert hello.fields["random"] == hello.random.hex()
    assert [one["name"] for one in hello.fields["cipher_suites"]][:1] == ["TLS_AES_128_GCM_SHA256"]
    assert len(hello.types) == len(hello.fields["extensions"]) == 9
    answer = messages.server_hello(reader(SERVER_HELLO[HEADER:]))
    assert (answer.version, answer.legacy_version, answer.suite) == (TLS13, TLS12, 0x1301)
    assert answer.group == 0x001D
    assert not answer.retry
    assert answer.fields["version"]["name"] == "TLS 1.3"


def test_a_hello_without_extensions() -> None:
    hello = messages.client_hello(reader(client_hello(None, version=TLS10, compression=b"\1\0")[HEADER:]))
    assert hello.types == []
    assert hello.versions == [TLS10]
    assert (hello.server_name, hello.alpn, hello.key_shares) == (None, [], [])
    assert [one["value"] for one in hello.fields["compression_methods"]] == [1, 0]
    answer = messages.server_hello(reader(server_hello(None, version=TLS10, suite=0x2F, compression=1)[HEADER:]))
    assert (answer.version, answer.group) == (TLS10, None)
    assert answer.fields["compression_method"]["value"] == 1


def test_grease_is_left_out_where_it_would_mislead() -> None:
    versions = extension(43, vector(b"\x3a\x3a\x03\x04", 1))
    shares = extension(51, vector(b"\x2a\x2a" + vector(b"\0") + b"\0\x1d" + vector(b"k" * 32)))
    hello = messages.client_hello(reader(client_hello(extension(0x0A0A) + versions + shares)[HEADER:]))
    assert hello.versions == [TLS13]
    assert hello.key_shares == [0x001D]
    assert hello.types[0] == 0x0A0A


def test_the_ticket_is_found_among_other_extensions() -> None:
    ticket = bytes(range(200))
    for before in (b"", extension(23) + extension(0xFF01, b"\0")):
        hello = messages.client_hello(reader(client_hello(before + extension(35, ticket) + extension(22))[HEADER:]))
        assert hello.ticket == ticket
    assert messages.client_hello(reader(client_hello(extension(35))[HEADER:])).ticket == b""
    assert messages.ticket_of(b"") == b""
    assert messages.ticket_of(b"\0\x10" + extension(1, b"abc")) == b""


def test_broken_extensions_cost_only_themselves() -> None:
    whole = client_hello(offers13() + extension(16, vector(vector(b"h2", 1))) + b"\0\x10\xff\xff")
    hello = messages.client_hello(reader(whole[HEADER:]))
    assert "malformed" in hello.fields
    assert hello.versions == [TLS13]
    assert hello.alpn == ["h2"]
    answer = messages.server_hello(reader(server_hello(takes13() + b"\0\x33\0")[HEADER:]))
    assert "malformed" in answer.fields
    assert answer.version == TLS13
    short = client_hello(None)[HEADER:] + b"\0\xff\0\0"
    assert "extensions: 255 bytes wanted" in messages.client_hello(reader(short)).fields["malformed"]


def test_a_broken_extension_is_named_so() -> None:
    hello = messages.client_hello(reader(client_hello(extension(10, b"\0\5\0"))[HEADER:]))
    assert "supported_groups_malformed" in hello.fields
    assert hello.numbers(messages.SUPPORTED_GROUPS) == []


@pytest.mark.parametrize("size", range(40))
def test_hellos_that_are_cut_short(size: int) -> None:
    with pytest.raises(Malformed):
        messages.client_hello(reader(CLIENT_HELLO[HEADER:][:size]))
    with pytest.raises(Malformed):
        messages.server_hello(reader(SERVER_HELLO[HEADER:][: min(size, 37)]))


def test_dtls_hello_has_a_cookie() -> None:
    plain = client_hello(offers13())[HEADER:]
    at = 2 + 32 + 1
    hello = messages.client_hello(reader(plain[:at] + vector(b"cookie", 1) + plain[at:]), dtls=True)
    assert hello.cookie == b"cookie"
    assert hello.fields["cookie"] == b"cookie".hex()
    assert hello.versions == [TLS13]


def test_retries_and_drafts() -> None:
    retry = messages.server_hello(reader(server_hello(takes13() + extension(51, b"\0\x18"), random=RETRY_RANDOM)[4:]))
    assert retry.retry
    assert retry.group == 0x0018
    draft = messages.server_hello(reader(server_hello(version=0x7F12)[HEADER:]))
    assert (draft.version, draft.suite) == (0x7F12, 0x1301)
    assert draft.session_id == b""
    version, fields = messages.draft_retry(reader(b"\x7f\x12" + vector(extension(51, b"\0\x17"))))
    assert version == 0x7F12
    assert "cipher_suite" not in fields
    version, fields = messages.draft_retry(reader(b"\x7f\x13\x13\x01" + vector(extension(51, b"\0\x17"))))
    assert fields["cipher_suite"]["value"] == 0x1301
    assert messages.draft_retry(reader(b"\x7f\x13\x13\x01"))[1]["extensions"] == []


@pytest.mark.parametrize(
    ("version", "newer"), [(SSL30, False), (TLS12, False), (TLS13, True), (0x7F1C, True), (0xFB17, True), (0, False)]
)
def test_versions_of_the_new_kind(version: int, newer: bool) -> None:
    assert messages.is_13(version) is newer


def test_what_is_remembered_is_bounded() -> None:
    for number in range(messages.MAX_KNOWN + 20):
        one = client_hello(extension(0x4000 + number), suites=(0x1301, number))
        hello = messages.client_hello(reader(one[HEADER:]))
        assert hello.suites == [0x1301, number]
        assert hello.fields["extensions"][0]["value"] == 0x4000 + number
    assert len(messages._known_suites) <= messages.MAX_KNOWN + 1
    assert len(messages._known_types) <= messages.MAX_KNOWN + 1


# --- certificates -----------------------------------------------------------------------------------------------------


def test_certificate_lists() -> None:
    old = vector(vector(b"one", 3) + vector(b"two", 3), 3)
    assert messages.certificate_list(reader(old), False) == ([b"one", b"two"], {}, {})
    stapled = extension(5, b"\1" + vector(b"ocsp", 3))
    new = vector(b"ctx", 1) + vector(vector(b"one", 3) + vector(stapled) + vector(b"two", 3) + vector(b""), 3)
    chain, fields, first = messages.certificate_list(reader(new), True)
    assert chain == [b"one", b"two"]
    assert fields == {"certificate_request_context": b"ctx".hex()}
    assert list(first) == [5]
    assert messages.certificate_list(reader(b"\0\0\0\0"), True) == ([], {}, {})
    with pytest.raises(Malformed):
        messages.certificate_list(reader(vector(b"\0\0\xffx", 3)), False)


def test_compressed_certificate() -> None:
    body = b"\0\2" + (300).to_bytes(3, "big") + vector(b"packed", 3)
    assert messages.compressed_certificate(reader(body)) == (2, 300, b"packed")


def test_certificate_requests() -> None:
    names = vector(vector(b"a name") + vector(b"another"))
    new = messages.certificate_request(reader(b"\0" + vector(extension(13, vector(b"\4\3")))), TLS13)
    assert [one["value"] for one in new["signature_algorithms"]] == [0x0403]
    later = messages.certificate_request(reader(vector(b"ctx", 1) + vector(b"")), TLS13)
    assert later["certificate_request_context"] == b"ctx".hex()
    twelve = messages.certificate_request(reader(b"\2\1\x40" + vector(b"\4\3\x08\4") + names), TLS12)
    assert [one["value"] for one in twelve["certificate_types"]] == [1, 64]
    assert [one["value"] for one in twelve["signature_algorithms"]] == [0x0403, 0x0804]
    assert twelve["certificate_authorities"] == 2
    ten = messages.certificate_request(reader(b"\1\1" + vector(b"")), TLS10)
    assert ten["certificate_authorities"] == 0
    assert "signature_algorithms" not in ten
    assert "certificate_authorities" not in messages.certificate_request(reader(b"\1\1"), TLS10)


def test_certificate_status() -> None:
    fields, response = messages.certificate_status(reader(b"\1" + vector(b"response", 3)))
    assert (fields["ocsp_response_bytes"], response) == (8, b"response")
    fields, response = messages.certificate_status(reader(b"\2" + b"several"))
    assert (fields["bytes"], response) == (7, b"")


# --- keys -------------------------------------------------------------------------------------------------------------


def test_server_key_exchanges() -> None:
    ec = b"\3\0\x1d" + vector(b"k" * 32, 1) + b"\x08\4" + vector(b"sig")
    fields, group = messages.server_key_exchange(reader(ec), "ECDHE", TLS12)
    assert (fields["named_group"]["value"], fields["public_key_bytes"], group) == (0x1D, 32, 0x1D)
    assert fields["signature_algorithm"]["value"] == 0x0804
    fields, group = messages.server_key_exchange(reader(ec[:36] + vector(b"sig")), "ECDHE", TLS10)
    assert "signature_algorithm" not in fields
    fields, group = messages.server_key_exchange(reader(b"\1" + b"explicit"), "ECDHE", TLS12)
    assert group is None
    dh = vector(b"\0" + b"\xff" * 256) + vector(b"\2") + vector(b"y" * 256)
    fields, group = messages.server_key_exchange(reader(dh + b"\4\1" + vector(b"sig")), "DHE", TLS12)
    assert (fields["dh_bits"], group) == (2048, None)
    fields, _ = messages.server_key_exchange(reader(dh), "DH_anon", TLS12)
    assert "signature_algorithm" not in fields
    fields, _ = messages.server_key_exchange(reader(vector(b"hint") + dh), "DHE_PSK", TLS12)
    assert (fields["psk_identity_hint"], fields["dh_bits"]) == ("hint", 2048)
    fields, _ = messages.server_key_exchange(reader(vector(b"")), "PSK", TLS12)
    assert "psk_identity_hint" not in fields
    fields, group = messages.server_key_exchange(reader(b"whatever"), "", TLS12)
    assert fields["bytes"] == 8


def test_client_key_exchanges() -> None:
    assert messages.client_key_exchange(reader(vector(b"sealed")), "RSA", TLS12)[1] == b"sealed"
    assert messages.client_key_exchange(reader(b"sealed"), "RSA", SSL30)[1] == b"sealed"
    assert messages.client_key_exchange(reader(b"sealed"), "RSA", TLS12)[1] == b"sealed"
    fields, sealed = messages.client_key_exchange(reader(b"\x20" + b"k" * 32), "ECDHE", TLS12)
    assert (fields["bytes"], sealed) == (33, b"")
    fields, _ = messages.client_key_exchange(reader(vector(b"who") + b"rest"), "ECDHE_PSK", TLS12)
    assert fields["psk_identity"] == "who"


def test_certificate_verify() -> None:
    fields = messages.certificate_verify(reader(b"\4\3" + vector(b"signature")), TLS12)
    assert (fields["algorithm"]["value"], fields["signature_bytes"]) == (0x0403, 9)
    assert messages.certificate_verify(reader(vector(b"signature")), TLS10) == {}


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (TLS12, bytes(3) + b"\x64" + vector(b"ticket")),
        (0x7F12, bytes(3) + b"\x64" + bytes(4) + vector(b"ticket") + vector(b"")),
        (TLS13, bytes(3) + b"\x64" + bytes(4) + vector(b"n", 1) + vector(b"ticket") + vector(b"")),
    ],
)
def test_new_session_ticket(version: int, body: bytes) -> None:
    fields, ticket = messages.new_session_ticket(reader(body), version)
    assert (fields["ticket_lifetime"], fields["ticket_bytes"], ticket) == (100, 6, b"ticket")


def test_ticket_with_early_data() -> None:
    body = bytes(8) + b"\0" + vector(b"t") + vector(extension(42, b"\0\0\x10\0"))
    fields, _ = messages.new_session_ticket(reader(body), TLS13)
    assert fields["early_data"]["max_early_data_size"] == 4096


def test_next_protocol() -> None:
    assert messages.next_protocol(reader(vector(b"h2", 1) + vector(bytes(20), 1))) == {"selected_protocol": "h2"}
    assert messages.next_protocol(reader(vector(b"h2", 1))) == {"selected_protocol": "h2"}


def test_shown() -> None:
    assert messages.shown(b"identity") == "identity"
    assert messages.shown(b"\xff\0") == "ff00"
    assert len(messages.shown(b"x" * 1000)) == messages.MAX_HEX_BYTES


@pytest.mark.parametrize(
    ("level", "description", "words"),
    [
        (2, 40, "fatal handshake_failure (40)"),
        (1, 112, "warning unrecognized_name (112)"),
        (1, 0, "close_notify (0)"),
        (7, 40, "level 7 handshake_failure (40)"),
        (2, 199, "fatal alert 199"),
    ],
)
def test_alerts(level: int, description: int, words: str) -> None:
    assert messages.alert_words(level, description) == words


# --- SSL 2.0 ----------------------------------------------------------------------------------------------------------


def test_ssl_2_hellos() -> None:
    hello = b"\3\1\0\6\0\2\0\x08" + b"\1\0\x80" + b"\0\0\x2f" + b"id" + b"challeng"
    version, random, fields = messages.ssl2_client_hello(reader(hello))
    assert version == 0x0301
    assert random == b"challeng".rjust(32, b"\0")
    assert [one["value"] for one in fields["cipher_specs"]] == [0x010080, 0x2F]
    answer = b"\1\1\0\2\0\4\0\3\0\2" + b"cert" + b"\1\0\x80" + b"id"
    version, chain, fields = messages.ssl2_server_hello(reader(answer))
    assert (version, chain, fields["session_id_hit"]) == (2, [b"cert"], True)
    assert messages.ssl2_server_hello(reader(b"\0\0\0\2" + bytes(6)))[1] == []


# --- anything ---------------------------------------------------------------------------------------------------------

READERS: list[Callable[[Reader], Any]] = [
    messages.client_hello,
    lambda one: messages.client_hello(one, dtls=True),
    messages.server_hello,
    messages.draft_retry,
    lambda one: messages.certificate_list(one, True),
    lambda one: messages.certificate_list(one, False),
    messages.compressed_certificate,
    lambda one: messages.certificate_request(one, TLS13),
    lambda one: messages.certificate_request(one, TLS12),
    messages.certificate_status,
    lambda one: messages.server_key_exchange(one, "ECDHE", TLS12),
    lambda one: messages.server_key_exchange(one, "DHE_PSK", TLS12),
    lambda one: messages.client_key_exchange(one, "RSA", TLS12),
    lambda one: messages.client_key_exchange(one, "RSA_PSK", TLS12),
    lambda one: messages.certificate_verify(one, TLS13),
    lambda one: messages.new_session_ticket(one, TLS13),
    lambda one: messages.new_session_ticket(one, TLS12),
    messages.next_protocol,
    messages.ssl2_client_hello,
    messages.ssl2_server_hello,
]
SEEDS = [
    b"",
    CLIENT_HELLO[HEADER:],
    SERVER_HELLO[HEADER:],
    server_hello(takes13() + extension(51, b"\0\x18"), random=RETRY_RANDOM)[HEADER:],
    b"\0" + vector(vector(b"one", 3) + vector(extension(5, b"\1" + vector(b"ocsp", 3))), 3),
    b"\2\1\x40" + vector(b"\4\3\x08\4") + vector(vector(b"a name")),
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(READERS),
    st.one_of(st.binary(max_size=120), st.sampled_from(SEEDS)),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.booleans(),
)
def test_any_bytes_raise_nothing_but_malformed(
    read: Callable[[Reader], Any], data: bytes, changes: list[tuple[int, int]], with_trace: bool
) -> None:
    changed = bytearray(data)
    for at, value in changes:
        if changed:
            changed[at % len(changed)] = value
    one, trace = traced(bytes(changed))
    with suppress(Malformed):
        read(one if with_trace else reader(bytes(changed)))
    assert len(trace.open) == 1
