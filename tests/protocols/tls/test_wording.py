"""How hellos, lists and times are put in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analyzer.core import Piece, Reader
from analyzer.protocols.tls import messages, wording
from analyzer.protocols.tls.certificates import certificate
from captures import handshakes as tls

if TYPE_CHECKING:
    from analyzer.protocols.tls.messages import ClientHello, ServerHello


def read(message: bytes) -> ClientHello:
    return messages.client_hello(Reader(Piece(message[4:], [(0, 1, 54, 1)])))


def answer(message: bytes) -> ServerHello:
    return messages.server_hello(Reader(Piece(message[4:], [(0, 1, 54, 1)])))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        ([0x0304], "TLS 1.3"),
        ([0x0303, 0x0304, 0x0303], "TLS 1.3, 1.2"),
        ([0x0300, 0x0301], "TLS 1.0, SSL 3.0"),
        ([0x0002, 0x0300], "SSL 3.0, 2.0"),
    ],
)
def test_versions(found: list[int], said: str) -> None:
    assert wording.versions(found) == said


def test_lists_are_cut() -> None:
    assert wording.listed([]) == ""
    assert wording.listed(["a", "b"]) == "a, b"
    assert wording.listed(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
    assert wording.listed(["a", "b"], 1) == "a and 1 more"


def test_what_means_nothing_is_left_out_of_lists() -> None:
    assert wording.named_suites([0x0A0A, 0x1301, 0x00FF, 0x5600]) == ["TLS_AES_128_GCM_SHA256"]
    assert wording.named_groups([0x1A1A, 29, 23]) == ["X25519", "P-256"]
    assert wording.named_schemes([0x2A2A, 0x0403]) == ["ecdsa_secp256r1_sha256"]


def test_a_client_hello_in_words() -> None:
    assert wording.client_hello(read(tls.client_hello())) == "offers TLS 1.3, 1.2 for shop.example, h2, http/1.1"
    bare = read(tls.client_hello(versions=(), name=None, alpn=()))
    assert wording.client_hello(bare) == "offers TLS 1.2"
    again = read(tls.client_hello(psk=b"ticket", early=True, alpn=()))
    assert (
        wording.client_hello(again) == "offers TLS 1.3, 1.2 for shop.example, resumes a session (PSK), sends early data"
    )
    ticket = read(tls.client_hello(versions=(), alpn=(), more=tls.extension(35, b"ticket")))
    assert wording.client_hello(ticket) == "offers TLS 1.2 for shop.example, resumes a session (ticket)"


def test_a_malformed_client_hello_says_so() -> None:
    hello = read(tls.client_hello(more=tls.u16(99, 200)))
    assert "malformed: " in wording.client_hello(hello)


def test_remarks_on_a_client_hello() -> None:
    plain = wording.client_hello_remark(read(tls.client_hello()), 200)
    assert plain == "Key shares: X25519."
    large = wording.client_hello_remark(read(tls.client_hello(share=(tls.MLKEM, 29), name=None)), 1_500)
    assert large.startswith("1,216 of its 1,500 bytes are the key share for X25519MLKEM768 (post-quantum). It names no")
    assert large.endswith("Key shares: X25519MLKEM768, X25519.")
    ech = read(tls.client_hello(versions=(), more=tls.extension(0xFE0D, b"\0" + bytes(7) + tls.vector(2, b"x" * 9))))
    assert "encrypted_client_hello" in wording.client_hello_remark(ech, 300)
    assert "Key shares" not in wording.client_hello_remark(ech, 300)


def test_a_server_hello_in_words() -> None:
    new = answer(tls.server_hello(0x1301, version=tls.TLS13))
    assert wording.server_hello(new, False) == "TLS 1.3, TLS_AES_128_GCM_SHA256, X25519"
    again = answer(tls.server_hello(0x1301, version=tls.TLS13, psk=True))
    assert wording.server_hello(again, True).endswith(", X25519, PSK accepted")
    old = answer(tls.server_hello())
    assert wording.server_hello(old, True) == "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, session resumed"


@pytest.mark.parametrize(
    ("nanoseconds", "said"),
    [
        (0, "under 0.001 ms"),
        (42_000, "0.042 ms"),
        (12_340_000, "12.3 ms"),
        (1_234_000_000, "1,234 ms"),
        (12_340_000_000, "12.3 s"),
    ],
)
def test_durations(nanoseconds: int, said: str) -> None:
    assert wording.duration(nanoseconds) == said


def test_counts() -> None:
    assert wording.count(1, "byte") == "1 byte"
    assert wording.count(1_000, "byte") == "1,000 bytes"


def test_remarks_on_a_chain() -> None:
    assert wording.chain_remark([]) == ""
    chain = [certificate(der) for der in tls.chain()]
    said = wording.chain_remark(chain)
    assert said.startswith("For ")
    assert "Valid 20" in said
    assert "Key EC, 256 bits; signed with " in said
    assert f"Behind it: {chain[1].subject_text}" in said
    assert "Behind it" not in wording.chain_remark(chain[:1])
    assert wording.chain_remark([certificate(b"no certificate")]) == ""
    assert wording.key_words({"type": "Ed25519"}) == "Ed25519"


def test_a_hello_that_was_asked_for_again() -> None:
    assert wording.hello_again(read(tls.client_hello(share=(23,)))) == "again, with a key share for P-256"
    asked = read(tls.client_hello(share=(23,), cookie=b"cookie"))
    assert wording.hello_again(asked) == "again, with a key share for P-256 and the cookie"
    assert wording.hello_again(read(tls.client_hello(versions=()))) == "again"
