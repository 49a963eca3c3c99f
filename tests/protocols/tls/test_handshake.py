"""The course of a handshake: what each message settles, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Piece, Shared, Side
from analyzer.protocols.tls import handshake
from analyzer.protocols.tls.handshake import Handshake
from analyzer.protocols.tls.state import ACCEPTED, NOT_OFFERED, OFFERED, REJECTED
from tests.protocols.tls.dialogs import (
    CLIENT,
    RETRY_RANDOM,
    SERVER,
    client_hello,
    extension,
    message,
    offers13,
    server_hello,
    takes13,
    vector,
)
from tests.protocols.tls.made import issue

if TYPE_CHECKING:
    from analyzer.core import Note


class Talk:
    """A handshake and what it told."""

    def __init__(self, shared: Shared | None = None, prefix: str = "tls.") -> None:
        self.hand = Handshake(shared or Shared(), prefix)
        self.link = self.hand.link
        self.notes: list[Note] = []

    def say(self, sender: Side, whole: bytes) -> Note:
        piece = Piece(whole, [(0, len(self.notes) + 1, 54, len(self.notes))])
        note = self.hand.message(sender, whole[0], piece, piece.place)
        self.notes.append(note)
        return note

    def hellos(self, offered: bytes = b"", taken: bytes = b"", newer: bool = True, suite: int = 0) -> None:
        self.say(CLIENT, client_hello((offers13() if newer else b"") + offered))
        taken = (takes13() if newer else b"") + taken
        self.say(SERVER, server_hello(taken, suite=suite or (0x1301 if newer else 0xC02F)))


def test_hellos_settle_version_suite_and_names() -> None:
    talk = Talk()
    name = extension(0, vector(b"\0" + vector(b"a.test")))
    alpn = extension(16, vector(vector(b"h2", 1)))
    talk.hellos(name + alpn, extension(51, b"\0\x1d" + vector(b"k" * 32)))
    link = talk.link
    assert (link.version, link.suite_value, link.group, link.hellos) == (0x0304, 0x1301, 0x1D, 1)
    assert link.suite is not None
    assert link.suite.name == "TLS_AES_128_GCM_SHA256"
    assert link.resumed is False
    first, second = talk.notes
    assert first.text == "offers TLS 1.3 for a.test, h2"
    assert (first.kind, first.sender) == ("tls.client-hello", CLIENT)
    assert len(first.fields["ja3"]) == 32
    assert first.fields["ja4"].startswith("t13d")
    assert len(second.fields["ja3s"]) == 32
    assert second.kind == "tls.server-hello"


def test_the_prefix_names_what_carries_it() -> None:
    talk = Talk(prefix="quic.tls-")
    talk.hellos()
    assert [note.kind for note in talk.notes] == ["quic.tls-client-hello", "quic.tls-server-hello"]


def test_the_client_is_who_says_hello() -> None:
    talk = Talk()
    talk.say(SERVER, client_hello())
    assert talk.link.client is SERVER
    talk = Talk()
    talk.say(CLIENT, server_hello())
    assert talk.link.client is SERVER


def test_early_data() -> None:
    talk = Talk()
    talk.say(CLIENT, client_hello(offers13() + extension(42)))
    assert talk.link.early == OFFERED
    talk.say(SERVER, server_hello(takes13()))
    note = talk.say(SERVER, message(8, vector(extension(42))))
    assert talk.link.early == ACCEPTED
    assert note.text == "early data accepted"
    talk = Talk()
    talk.hellos(extension(42))
    note = talk.say(SERVER, message(8, vector(extension(16, vector(vector(b"h3", 1))) + extension(0))))
    assert talk.link.early == REJECTED
    assert (note.text, talk.link.alpn) == ("h3, early data rejected, server_name used", "h3")
    talk = Talk()
    talk.say(CLIENT, client_hello(offers13() + extension(42)))
    talk.say(CLIENT, client_hello(offers13()))
    assert talk.link.early == REJECTED
    talk = Talk()
    talk.say(CLIENT, client_hello(offers13() + extension(42)))
    talk.hand.early_is_over()
    assert talk.link.early == NOT_OFFERED


def test_retries() -> None:
    talk = Talk()
    talk.say(CLIENT, client_hello(offers13() + extension(42) + extension(51, vector(b"\0\x1d" + vector(b"k")))))
    note = talk.say(SERVER, server_hello(takes13() + extension(51, b"\0\x18"), random=RETRY_RANDOM))
    assert (note.kind, note.spec) == ("tls.hello-retry-request", "RFC 9846 4.2.4")
    assert note.text == "wants a key share for P-384, the client sent X25519"
    assert (talk.link.retries, talk.link.early, talk.link.answer) == (1, REJECTED, None)
    talk = Talk()
    talk.say(CLIENT, client_hello(offers13()))
    note = talk.say(SERVER, server_hello(takes13() + extension(44, vector(b"cookie")), random=RETRY_RANDOM))
    assert note.text == "send the hello again with this cookie"
    note = talk.say(SERVER, message(6, b"\x7f\x13\x13\x01" + vector(extension(51, b"\0\x17"))))
    assert note.text == "wants a key share for P-256"
    assert (talk.link.retries, talk.link.version) == (2, 0x7F13)


def test_resumption() -> None:
    talk = Talk()
    talk.hellos(taken=extension(41, b"\0\0"))
    assert talk.link.resumed is True
    assert "PSK accepted" in talk.notes[1].text


def test_renegotiation_begins_anew() -> None:
    talk = Talk()
    talk.hellos(newer=False)
    link = talk.link
    link.done_ns, link.ccs, link.server_hello_done, link.resumed = 5, [True, True], True, False
    talk.say(CLIENT, client_hello())
    assert (link.renegotiations, link.ccs, link.done_ns) == (1, [False, False], 0)
    assert link.answer is None
    assert link.resumed is None
    assert link.server_hello_done is False
    assert link.hellos == 2
    assert talk.notes[-1].remark == ""
    assert talk.notes[-1].text.startswith("renegotiates: offers TLS")


def test_certificates_of_both_sides() -> None:
    server, client = issue("server.test"), issue("client.test")
    talk = Talk()
    talk.hellos()
    talk.say(SERVER, message(13, b"\0" + vector(extension(13, vector(b"\4\3")))))
    note = talk.say(SERVER, message(11, b"\0" + vector(vector(server.der, 3) + vector(b""), 3)))
    assert note.text.startswith("server.test, by server.test; 1 certificate")
    assert note.fields["certificates"][0]["bytes"] == len(server.der)
    note = talk.say(CLIENT, message(11, b"\0" + vector(vector(client.der, 3) + vector(b""), 3)))
    assert [[one.subject_text for one in chain] for chain in talk.link.chains] == [["client.test"], ["server.test"]]
    assert talk.link.certificate_requested
    assert talk.link.request_at is not None
    note = talk.say(CLIENT, message(11, b"\0" + vector(b"", 3)))
    assert note.text == "no certificate"
    assert talk.link.chains[0] == []
    for side, scheme in ((SERVER, b"\x08\4"), (CLIENT, b"\4\3")):
        talk.say(side, message(15, scheme + vector(b"sig")))
    assert talk.link.scheme == 0x0804


def test_compressed_certificates() -> None:
    import zlib

    plain = b"\0" + vector(vector(issue("packed.test").der, 3) + vector(b""), 3)
    packed = zlib.compress(plain)
    body = b"\0\1" + len(plain).to_bytes(3, "big") + vector(packed, 3)
    talk = Talk()
    talk.hellos()
    note = talk.say(SERVER, message(25, body))
    assert note.kind == "tls.compressed-certificate"
    assert f"zlib made {len(packed):,} of {len(plain):,}" in note.text
    assert talk.link.chains[1][0].subject_text == "packed.test"
    note = talk.say(SERVER, message(25, b"\0\x09" + body[2:]))
    assert "compression algorithm 9 is not known" in note.fields["malformed"]


def test_stapled_status() -> None:
    talk = Talk()
    talk.hellos(newer=False)
    note = talk.say(SERVER, message(22, b"\1" + vector(b"no DER", 3)))
    assert note.kind == "tls.certificate-status"
    assert talk.link.ocsp is not None
    note = talk.say(SERVER, message(22, b"\2several"))
    assert note.text == "a stapled status"


def test_key_exchanges_of_tls_12() -> None:
    talk = Talk()
    talk.hellos(newer=False)
    note = talk.say(SERVER, message(12, b"\3\0\x17" + vector(b"k" * 65, 1) + b"\4\1" + vector(b"sig")))
    assert note.text == "the server's share for P-256, signed with rsa_pkcs1_sha256"
    assert (talk.link.group, talk.link.scheme) == (0x17, 0x0401)
    assert talk.say(SERVER, message(14, b"")).text == "the server has said all; the client's turn"
    assert talk.say(CLIENT, message(16, b"\1k")).text == "the client's share, 2 bytes"
    talk = Talk()
    talk.hellos(newer=False, suite=0x9F)
    note = talk.say(SERVER, message(12, vector(b"\xff" * 128) + vector(b"\2") + vector(b"y") + b"\4\1" + vector(b"s")))
    assert "for a group of 1,024 bits" in note.text
    assert talk.link.key_bits == 1024
    talk = Talk()
    talk.hellos(newer=False, suite=0x2F)
    note = talk.say(CLIENT, message(16, vector(b"sealed")))
    assert note.text == "the premaster secret, encrypted for the server's key, 8 bytes"
    assert talk.link.encrypted_premaster == b"sealed"


def test_small_messages() -> None:
    talk = Talk()
    talk.hellos(newer=False)
    assert talk.say(SERVER, message(0, b"")).text == "asks the client to begin a new handshake"
    assert talk.say(CLIENT, message(20, b"v" * 12)).fields["verify_data"] == (b"v" * 12).hex()
    assert talk.say(CLIENT, message(67, vector(b"h2", 1) + vector(bytes(4), 1))).text == "chooses h2"
    assert talk.link.alpn == "h2"
    assert talk.say(CLIENT, message(24, b"\1")).text.endswith("wants the other side to do the same")
    assert talk.say(CLIENT, message(24, b"\0")).fields == {"request_update": 0}
    assert "under the handshake's keys" in talk.say(CLIENT, message(5, b"")).text
    note = talk.say(CLIENT, message(200, b"what"))
    assert note.fields["bytes"] == 4


def test_tickets() -> None:
    talk = Talk()
    talk.hellos()
    body = (7200).to_bytes(4, "big") + bytes(4) + b"\0" + vector(b"t")
    note = talk.say(SERVER, message(4, body + vector(extension(42, b"\0\0\x10\0"))))
    assert note.text == "the session may be resumed for 7,200 seconds, with up to 4,096 bytes of early data"
    assert talk.say(SERVER, message(4, body + vector(b""))).text == "the session may be resumed for 7,200 seconds"
    assert talk.link.tickets == 2


def test_truncated_hmac_and_encrypt_then_mac() -> None:
    talk = Talk()
    talk.hellos(extension(22) + extension(4), extension(22) + extension(4), newer=False, suite=0xC013)
    assert talk.link.encrypt_then_mac
    assert talk.link.truncated_hmac
    talk = Talk()
    talk.hellos(extension(22), extension(22), newer=False, suite=0xC02F)
    assert not talk.link.encrypt_then_mac  # AEAD has no MAC


def test_what_follows_a_message_is_not_lost() -> None:
    talk = Talk()
    talk.hellos()
    note = talk.say(SERVER, message(8, vector(b"") + b"rest"))
    assert note.kind == "tls.encrypted-extensions"


@pytest.mark.parametrize("kind", [1, 2, 4, 6, 8, 11, 12, 13, 15, 22, 24, 25, 67])
def test_malformed_messages_are_told_with_what_could_be_read(kind: int) -> None:
    talk = Talk()
    talk.hellos(newer=kind not in (12, 22))
    note = talk.say(SERVER, message(kind, {12: b"\3", 24: b""}.get(kind, b"\1")))
    assert note.fields["malformed"]
    assert note.verdict is not None
    assert note.text.startswith("malformed: ")


def test_transcript_is_kept_for_private_keys_only() -> None:
    talk = Talk()
    talk.hellos(newer=False, suite=0x2F)
    assert not talk.link.transcript
    shared = Shared()
    shared.secrets.private_keys = [b"a key"]
    talk = Talk(shared)
    talk.say(SERVER, message(0, b""))
    talk.hellos(newer=False, suite=0x2F)
    exchange = message(16, vector(b"sealed"))
    talk.say(CLIENT, exchange)
    assert bytes(talk.link.transcript) == client_hello(b"") + server_hello(b"", suite=0x2F) + exchange
    talk.say(CLIENT, message(15, vector(b"after it")))
    assert bytes(talk.link.transcript).endswith(exchange)
    talk = Talk(shared)
    talk.hellos(newer=False, suite=0x2F)
    for _ in range(3):
        talk.say(SERVER, message(22, b"\2" + bytes(500_000)))
    assert len(talk.link.transcript) <= handshake.MAX_TRANSCRIPT_BYTES


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([CLIENT, SERVER]), st.integers(0, 70), st.binary(max_size=80)),
        max_size=6,
    ),
    st.booleans(),
)
def test_any_messages(said: list[tuple[Side, int, bytes]], newer: bool) -> None:
    shared = Shared()
    shared.secrets.private_keys = [b"a key"]
    talk = Talk(shared)
    talk.hellos(newer=newer)
    for sender, kind, body in said:
        assert talk.say(sender, message(kind, body)).kind.startswith("tls.")


def test_sizes_of_messages() -> None:
    assert handshake.message_size(b"\x0b\1\0\0") == 65_540
