"""Hellos that were seen before are read as if they had not been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Malformed, Piece, Reader, Trace
from analyzer.protocols.tls import hellos, messages
from tests.protocols.tls.rfc8448 import CLIENT_HELLO, SERVER_HELLO

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 4


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + sized(data, 2)


def sized(data: bytes, prefix: int) -> bytes:
    return len(data).to_bytes(prefix, "big") + data


def client_bytes(*found: bytes, random: bytes = bytes(32), session: bytes = b"s" * 32) -> bytes:
    suites = bytes.fromhex("0a0a130113021303c02bc02f")
    body = b"\3\3" + random + sized(session, 1) + sized(suites, 2) + b"\1\0" + sized(b"".join(found), 2)
    return b"\1" + sized(body, 3)


def server_bytes(*found: bytes, random: bytes = bytes(32), session: bytes = b"s" * 32) -> bytes:
    body = b"\3\3" + random + sized(session, 1) + b"\x13\1\0" + sized(b"".join(found), 2)
    return b"\2" + sized(body, 3)


def named(host: bytes) -> bytes:
    return extension(messages.SERVER_NAME, sized(b"\0" + sized(host, 2), 2))


def shares(*keys: bytes) -> bytes:
    return extension(messages.KEY_SHARE, sized(b"".join(b"\0\x1d" + sized(key, 2) for key in keys), 2))


def offered(identity: bytes, age: int, binder: bytes) -> bytes:
    return extension(41, sized(sized(identity, 2) + age.to_bytes(4, "big"), 2) + sized(sized(binder, 1), 2))


VERSIONS = extension(messages.SUPPORTED_VERSIONS, sized(b"\3\4\3\3", 1))
PROTOCOLS = extension(messages.ALPN, sized(b"\2h2\x08http/1.1", 2))
ECH = extension(messages.ECH, b"\0\0\1\0\1\7" + sized(b"e" * 32, 2) + sized(b"p" * 40, 2))

CLIENTS = (
    CLIENT_HELLO,
    client_bytes(named(b"one.example"), VERSIONS, PROTOCOLS, shares(b"k" * 32, b"m" * 65)),
    client_bytes(named(b"one.example"), VERSIONS, shares(b"k" * 32), ECH, extension(21, bytes(20))),
    client_bytes(named(b"one.example"), extension(messages.SESSION_TICKET, b"t" * 50)),
    client_bytes(VERSIONS, shares(b"k" * 32), extension(42, b""), offered(b"i" * 40, 1000, b"b" * 32)),
    client_bytes(named(b"a.example"), named(b"b.example")),
    client_bytes(extension(messages.SERVER_NAME, b""), shares()),
    client_bytes(extension(messages.KEY_SHARE, b"\0\1\0")),
    client_bytes(session=b""),
)
SERVERS = (
    SERVER_HELLO,
    server_bytes(extension(messages.SUPPORTED_VERSIONS, b"\3\4"), extension(51, b"\0\x1d" + sized(b"k" * 32, 2))),
    server_bytes(extension(messages.RENEGOTIATION_INFO, b"\0"), extension(messages.SESSION_TICKET, b"")),
    server_bytes(
        extension(messages.SUPPORTED_VERSIONS, b"\3\4"), extension(51, b"\0\x1d"), random=messages.RETRY_RANDOM
    ),
    server_bytes(extension(41, b"\0\0")),
)


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    hellos._clients.forget()
    hellos._servers.forget()


def said(hello: Any) -> dict[str, Any]:
    """All that a hello says, with the order of its fields."""
    public = [name for name in dir(hello) if not name.startswith("_")]
    found = {name: getattr(hello, name) for name in public if not callable(getattr(hello, name))}
    pattern = found.pop("pattern")
    if pattern is not None:
        assert list(hello.fields) == list(pattern.fields)
        changed = {name for name, value in hello.fields.items() if value != pattern.fields[name]}
        assert changed <= set(pattern.changing)
    return {**found, "order": list(hello.fields), "kinds": list(hello.values)}


def read(message: bytes, trace: bool = False) -> dict[str, Any] | str:
    piece = Piece(message, [(0, 1, 0, 0)], HEADER, trace=Trace() if trace else None)
    reader = Reader(piece)
    try:
        if message[0] == 1:
            hello: Any = hellos.client_hello(reader, False, len(message))
        else:
            hello = hellos.server_hello(reader)
    except Malformed as why:
        return str(why)
    assert reader.left == 0
    return said(hello)


def alike(first: bytes, second: bytes) -> None:
    """Whether `second` says the same after `first` as without it."""
    forget()
    alone = read(second)
    forget()
    read(first)
    assert read(second) == alone
    assert read(second) == alone


@pytest.mark.parametrize("message", CLIENTS + SERVERS)
def test_the_same_again(message: bytes) -> None:
    alike(message, message)
    assert read(message) == read(message, trace=True)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CLIENTS + SERVERS), st.data())
def test_any_byte_may_change(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(HEADER, len(message) - 1))
        changed[at] = data.draw(st.sampled_from((0, 1, 255, changed[at] ^ 1, changed[at] ^ 128)))
    alike(message, bytes(changed))


@pytest.mark.parametrize("message", CLIENTS + SERVERS)
def test_each_byte(message: bytes) -> None:
    for at in range(HEADER, len(message)):
        changed = bytearray(message)
        changed[at] ^= 1
        alike(message, bytes(changed))


def test_what_changes_is_read() -> None:
    first = client_bytes(named(b"one.example"), VERSIONS, shares(b"k" * 32), offered(b"i" * 40, 1000, b"b" * 32))
    second = client_bytes(
        named(b"two.example"),
        VERSIONS,
        shares(b"K" * 32),
        offered(b"I" * 40, 2000, b"B" * 32),
        random=b"r" * 32,
        session=b"S" * 32,
    )
    read(first)
    hello = read(second)
    assert isinstance(hello, dict)
    assert hello["text"] == "offers TLS 1.3, 1.2 for two.example, resumes a session (PSK)"
    assert hello["random"] == b"r" * 32
    assert hello["fields"]["server_name"] == "two.example"
    assert hello["fields"]["pre_shared_key"]["identities"][0]["obfuscated_ticket_age"] == 2000
    assert len(hellos._clients) == 1
    alike(first, second)


def test_what_breaks_is_read_anew() -> None:
    first = client_bytes(named(b"one.example"), shares(b"k" * 32))
    second = bytearray(first)
    second[second.index(b"one") - 1] = 200  # the length of the name
    alike(first, bytes(second))


def test_unusual_hellos_are_not_remembered() -> None:
    for message in (CLIENTS[5], CLIENTS[6], CLIENTS[7], SERVERS[3], client_bytes(extension(21, bytes(3000)))):
        read(message)
    assert len(hellos._clients) == len(hellos._servers) == 0


def test_memory_is_bounded() -> None:
    for number in range(hellos.MAX_KNOWN + 10):
        read(client_bytes(extension(0x5555, number.to_bytes(2, "big"))))
    assert len(hellos._clients) <= hellos.MAX_KNOWN
    forget()
    for size in range(hellos.MAX_LAYOUTS + 5):
        read(client_bytes(shares(b"k" * size), extension(0x5555, bytes(40 - size))))
    assert len(hellos._clients) == hellos.MAX_LAYOUTS


def test_values_are_not_shared_where_they_differ() -> None:
    first, second = (client_bytes(named(name), ECH) for name in (b"one.example", b"two.example"))
    one, two = read(first), read(second)
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert one["values"][0] == "one.example"
    assert two["values"][0] == "two.example"
    assert one["fields"]["server_name"] == "one.example"
