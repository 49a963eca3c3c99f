"""Messages of STUN and TURN read attribute by attribute."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece, Trace
from analyzer.protocols.stun import messages, names
from captures.stun import (
    BINDING,
    CREATE_PERMISSION,
    ERROR,
    REQUEST,
    SUCCESS,
    address,
    error,
    message,
    packed,
    peer,
    text,
    transaction,
    uint,
    xored,
)
from tests.protocols.stun import rfc5769


def read(data: bytes) -> messages.Message:
    return messages.read(data, 0, len(data))


def fields(*attributes: tuple[int, bytes], number: int = 1) -> dict[str, Any]:
    return read(message(BINDING, REQUEST, number, *attributes)).fields


def test_request_of_rfc_5769() -> None:
    found = read(rfc5769.REQUEST)
    assert found.kind == "stun.binding-request"
    assert found.fingerprint is True
    assert found.integrity
    assert not found.broken
    assert found.fields == {
        "message_type": {"value": 1, "name": "Binding Request"},
        "transaction_id": "b7e7a701bc34d686fa87dfae",
        "software": "STUN test client",
        "priority": 0x6E0001FF,
        "ice_controlled": "932ff9b151263b36",
        "username": "evtj:h6vY",
        "message_integrity": {"bytes": 20},
        "fingerprint": {"value": 0xE57A3BCF, "valid": True},
    }


def test_responses_of_rfc_5769() -> None:
    assert read(rfc5769.RESPONSE_4).fields["xor_mapped_address"] == {"address": "192.0.2.1", "port": 32853}
    where = {"address": "2001:db8:1234:5678:11:2233:4455:6677", "port": 32853}
    assert read(rfc5769.RESPONSE_6).fields["xor_mapped_address"] == where
    found = read(rfc5769.LONG_TERM).fields
    assert found["username"] == "マトリックス"
    assert found["realm"] == "example.org"
    assert found["nonce"] == "f//499k954d6... (28 bytes)"


def test_changed_bytes_do_not_fit_the_fingerprint() -> None:
    changed = bytearray(rfc5769.RESPONSE_4)
    changed[25] ^= 1
    assert read(bytes(changed)).fingerprint is False


@pytest.mark.parametrize(
    ("number", "value", "expected"),
    [
        (0x0003, b"\0\0\0\6", {"change_ip": True, "change_port": True}),
        (0x0007, b"secret", {"bytes": 6}),
        (
            0x000A,
            b"\0\3\x12\x34",
            [{"value": 3, "name": "CHANGE-REQUEST"}, {"value": 0x1234, "name": "attribute 0x1234"}],
        ),
        (0x000C, b"\x40\0\0\0", 0x4000),
        (0x000D, b"\0\0\2\x58", 600),
        (0x0015, b"\1\2\3", "010203"),
        (0x0017, b"\2\0\0\0", {"value": 2, "name": "IPv6"}),
        (0x0018, b"\x80", {"reserve_next": True}),
        (0x0019, b"\x11\0\0\0", {"value": 17, "name": "UDP"}),
        (0x0019, b"\x84\0\0\0", {"value": 132, "name": "protocol 132"}),
        (0x001A, b"", True),
        (0x001D, b"\0\2\0\0", {"value": 2, "name": "SHA-256"}),
        (0x0022, bytes(range(8)), "0001020304050607"),
        (0x0025, b"", True),
        (0x0027, b"\x12\x34\0\0", 0x1234),
        (0x002A, b"\0\1\2\3", 66051),
        (
            0x8001,
            b"\2\0\4\x28No",
            {"value": 440, "name": "Address Family not Supported", "reason": "No", "family": "IPv6"},
        ),
        (0x8002, b"\0\1\0\0\0\2\0\1?\0\0\0\0\x63", [{"value": 1, "name": "MD5"}, {"value": 2, "name": "SHA-256"}]),
        (0x8004, b"\0\0\6\1", {"type": 3, "code": 1}),
        (0x8025, b"\0\0\3\1", {"req": 3, "resp": 1}),
        (0x8022, b"one\ntwo\0", "one\\x0atwo"),
        (0x8022, b"\xff", "\\xff"),
        (0x8030, b"ticket", {"bytes": 6}),
        (0xC057, b"\0\3\0\x0a", {"network_id": 3, "network_cost": 10}),
        (0xC059, b"\0\1\0\2", [1, 2]),
        (0xC070, b"\x16\xfe\xfd", {"bytes": 3}),
        (0xC071, b"\0\0\0\1\0\0\0\2", [1, 2]),
        (0x7777, b"\1\2", "0102"),
        (0x7777, bytes(100), f"{'00' * 64}... (100 bytes)"),
    ],
)
def test_attributes(number: int, value: bytes, expected: object) -> None:
    name = names.FIELDS.get(number, f"attribute_0x{number:04x}")
    assert fields((number, value))[name] == expected


@pytest.mark.parametrize(
    ("host", "text_"),
    [("2001:db8::1", "2001:db8::1"), ("::", "::"), ("1::", "1::"), ("fe80::1:0:0:1", "fe80::1:0:0:1"), ("::1", "::1")],
)
def test_addresses_of_ipv6(host: str, text_: str) -> None:
    assert fields(address(0x8023, host, 5))["alternate_server"] == {"address": text_, "port": 5}
    assert fields(xored(0x0020, host, 5, 9), number=9)["xor_mapped_address"] == {"address": text_, "port": 5}


@given(st.binary(min_size=16, max_size=16))
def test_any_address_of_ipv6_is_written_as_others_write_it(octets: bytes) -> None:
    assert socket.inet_pton(socket.AF_INET6, messages.host_6(octets)) == octets


def test_an_error_code() -> None:
    found = read(message(BINDING, ERROR, 1, error(401, "Unauthorized")))
    assert found.error == 401
    assert found.fields["error_code"] == {"value": 401, "name": "Unauthenticated", "reason": "Unauthorized"}


def test_of_several_the_first_counts_but_for_peers() -> None:
    found = read(
        message(CREATE_PERMISSION, REQUEST, 1, text(0x0006, "a"), text(0x0006, "b"), peer("10.0.0.1"), peer("10.0.0.2"))
    )
    assert found.fields["username"] == "a"
    assert found.fields["xor_peer_address"]["address"] == "10.0.0.1"
    assert [one["address"] for one in found.fields["xor_peer_addresses"]] == ["10.0.0.1", "10.0.0.2"]
    many = read(message(CREATE_PERMISSION, REQUEST, 1, *[peer(f"10.0.0.{index}") for index in range(100)]))
    assert len(many.peers) == len(many.fields["xor_peer_addresses"]) == messages.MAX_PEERS


def test_what_breaks_its_bounds_is_told_and_what_came_before_is_kept() -> None:
    whole = message(BINDING, REQUEST, 1, text(0x8022, "abcd"), (0x0024, b"\0\0\0\1"))
    cut = bytearray(whole)
    cut[31] = 99  # PRIORITY claims 99 bytes
    found = read(bytes(cut))
    assert found.fields["software"] == "abcd"
    assert found.broken == "PRIORITY of 99 bytes, 4 are left (§14)"
    short = read(message(BINDING, REQUEST, 1, (0x0024, b"\1")))
    assert short.broken == "PRIORITY: 1 bytes, at least 4 are wanted"
    assert short.fields["attribute_0x0024"] == "01"
    left = bytearray(message(BINDING, REQUEST, 1)) + b"\0\0"
    left[3] = 2
    assert read(bytes(left)).broken == "2 bytes are left, an attribute begins with 4 (§14)"
    family = read(message(BINDING, SUCCESS, 1, (0x0020, b"\0\7\0\0\1\2\3\4")))
    assert family.broken == "XOR-MAPPED-ADDRESS: an address of family 7 with 4 bytes"


def test_more_attributes_than_are_read() -> None:
    found = read(message(BINDING, REQUEST, 1, *[(0x7000 + index, b"") for index in range(300)]))
    assert "more than 256 attributes" in found.broken


def test_what_is_no_message() -> None:
    for data, why in (
        (b"\0\1", "a message of 2 bytes"),
        (b"\xc0\1" + bytes(18), "first two bits"),
        (b"\0\1\0\4" + bytes(16), "a message of 24 bytes, 20 are there"),
    ):
        with pytest.raises(Malformed, match=why):
            read(data)


def test_a_message_of_rfc_3489_has_no_padding() -> None:
    body = b"\0\6\0\3abc" + b"\0\1\0\x08\0\1\x12\x34\x0a\0\0\1"
    data = b"\1\1" + len(body).to_bytes(2, "big") + bytes(range(16)) + body
    found = read(data)
    assert found.classic
    assert found.fields["classic"] is True
    assert found.fields["transaction_id"] == bytes(range(16)).hex()
    assert found.fields["username"] == "abc"
    assert found.fields["mapped_address"] == {"address": "10.0.0.1", "port": 0x1234}


def test_a_message_of_ms_turn_has_no_padding_and_its_own_numbers() -> None:
    body = b"\0\x0f\0\4\x72\xc6\x4b\xc6" + b"\0\x15\0\x07example" + b"\0\x14\0\1n"
    data = b"\0\3" + len(body).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + transaction(1) + body
    found = read(data)
    assert found.fields["magic_cookie"] == "72c64bc6"
    assert found.fields["realm"] == "example"
    assert found.fields["nonce"] == "n"
    assert not found.broken


def test_types_are_made_of_method_and_class() -> None:
    for method in (1, 3, 9, 0x80, 0xFFF):
        for class_ in range(4):
            kind = names.type_of(method, class_)
            assert (names.method_of(kind), names.class_of(kind)) == (method, class_)
    assert names.kind_of(0x0001) == "stun.binding-request"
    assert names.kind_of(0x0016) == "turn.send-indication"
    assert names.kind_of(0x0113) == "turn.allocate-error"
    assert names.kind_of(0x0109) == "turn.channel-bind-success"
    assert names.kind_of(names.type_of(0x0FF, 0)) == "stun.method-0x0ff-request"
    assert names.type_named(names.type_of(0x0FF, 2)) == {
        "value": 0x03EF & 0x3FFF,
        "name": "method 0x0ff Success Response",
    }
    assert names.error_name(499) == "error 499"


def test_the_tree_has_the_bytes_of_every_field() -> None:
    data = message(BINDING, REQUEST, 1, text(0x8022, "abc"), uint(0x0024, 5)) + b"\x70\0\0\x09"
    piece = Piece(data, [(0, 1, 54, 0)], trace=Trace())
    messages.trace(piece, 0, len(data))
    assert piece.trace is not None
    tree = piece.trace.fields
    assert [field.name for field in tree] == [
        "message_type",
        "message_length",
        "magic_cookie",
        "transaction_id",
        "SOFTWARE",
        "PRIORITY",
        "rest",
    ]
    assert [field.name for field in tree[4].children] == ["type", "length", "value", "padding"]
    assert tree[5].piece is not None
    assert tree[5].piece.spans[0][1:] == (54 + 28, 54 + 36)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\0\1\0\x40\x21\x12\xa4\x42", b"\0\1\0\x40"]))
def test_any_bytes_raise_nothing_but_malformed(data: bytes, head: bytes) -> None:
    whole = head + data
    try:
        found = read(whole)
    except Malformed:
        return
    piece = Piece(whole, [(0, 1, 0, 0)], trace=Trace())
    messages.trace(piece, 0, found.size)


@given(st.sampled_from(sorted(messages.DECODERS) + sorted(messages.XORED)), st.binary(max_size=60))
def test_any_value_of_any_attribute_is_read(number: int, value: bytes) -> None:
    found = read(message(BINDING, REQUEST, 1, (number, value), uint(0x0024, 7)))
    assert number in (0x0024, 0x000F) or found.fields["priority"] == 7
    assert packed(number, value)
