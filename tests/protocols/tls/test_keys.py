"""From secrets to openers: key logs, private keys, and why a connection stays closed."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from analyzer.core import Limits, Shared, Side
from analyzer.protocols.tls import keys
from analyzer.protocols.tls.messages import ClientHello
from analyzer.protocols.tls.state import Link
from tests.protocols.tls.dialogs import (
    CLIENT,
    HANDSHAKE,
    NO_ENCRYPT_THEN_MAC,
    NO_EXTENDED_MASTER_SECRET,
    SERVER,
    TLS10,
    TLS11,
    TLS12,
    TRAFFIC,
    Dialog,
    Ends,
    Forged,
    client_hello,
    extension,
    heard,
    kinds,
    knowing,
    message,
    offers13,
    plain12,
    plain13,
    private_key,
    record,
    server_hello,
    takes13,
)
from tests.protocols.tls.recorded import rsa_key

if TYPE_CHECKING:
    from tests.play import Said


def why(said: Said) -> str:
    assert said.facts["decrypted"] is False
    return str(said.facts["not_decrypted_because"])


def opened(said: Said) -> bool:
    return said.facts["decrypted"] is True and said.facts["data_bytes"] == [4, 4]


# --- private keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [TLS10, TLS11, TLS12])
@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET, NO_EXTENDED_MASTER_SECRET | NO_ENCRYPT_THEN_MAC])
@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES256-SHA"])
def test_rsa_key_exchange(version: ssl.TLSVersion, options: int, ciphers: str) -> None:
    said = heard(Dialog(Ends(version, ciphers, options)).frames, knowing(private=(private_key(),)))
    assert opened(said)
    assert kinds(said).count("finished") == 2


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA256", "AES256-CCM8"])
def test_rsa_key_exchange_with_newer_ciphers(ciphers: str) -> None:
    assert opened(heard(Dialog(Ends(TLS12, ciphers)).frames, knowing(private=(private_key(),))))


@pytest.mark.parametrize("version", [TLS10, TLS11, TLS12])
@pytest.mark.parametrize("ticket", [True, False])
@pytest.mark.parametrize("extended", [True, False])
def test_resumed_sessions(version: ssl.TLSVersion, ticket: bool, extended: bool) -> None:
    options = (0 if ticket else ssl.OP_NO_TICKET) | (0 if extended else NO_EXTENDED_MASTER_SECRET)
    ends = Ends(version, "AES128-SHA", options)
    first = Dialog(ends)
    second = Dialog(ends, first.session)
    third = Dialog(ends, second.session)
    shared = knowing(private=(private_key(),))
    assert opened(heard(first.frames, shared))
    for resumed in (second, third):
        said = heard(resumed.frames, shared)
        assert said.facts["resumed"] is True
        assert opened(said)
    said = heard(second.frames, knowing(private=(private_key(),)))
    assert why(said) == "it resumes a session whose own handshake was not opened"


def test_a_ticket_that_is_renewed_when_it_is_used() -> None:
    """A server may answer a ticket with a new one, which comes before there are keys (RFC 5077 §3.3)."""
    ends = Ends(TLS12, "AES128-SHA")
    first = Dialog(ends)
    second, third = Dialog(ends, first.session), Dialog(ends, first.session)
    shared = knowing(private=(private_key(),))
    (note,) = (one for one in heard(first.frames, shared).notes if one.kind == "tls.new-session-ticket")
    size = note.fields["ticket_bytes"]
    hello = third.frames[0][1]
    at = hello.index(b"\0\x23" + size.to_bytes(2, "big")) + 4
    old, new = hello[at : at + size], bytes(size)
    side, flight = second.frames[1]
    hello_bytes = 5 + int.from_bytes(flight[3:5], "big")
    renewed = record(22, message(4, bytes(4) + size.to_bytes(2, "big") + new))
    frames = [second.frames[0], (side, flight[:hello_bytes] + renewed + flight[hello_bytes:]), *second.frames[2:]]
    assert opened(heard(frames, shared))
    assert opened(heard([(CLIENT, hello.replace(old, new)), *third.frames[1:]], shared))


def test_sessions_that_are_remembered_are_bounded() -> None:
    shared = knowing(private=(private_key(),), limits=Limits(shared_entries=2))
    for _ in range(3):
        heard(Dialog(Ends(TLS12, "AES128-SHA")).frames, shared)
    assert len(shared.tables[keys.SESSIONS]) == 2


@pytest.mark.parametrize("form", ["pkcs8", "pkcs1", "der", "pkcs12", "pkcs12 with a password", "among others"])
def test_forms_of_private_keys(form: str) -> None:
    key = rsa_key()
    plain = (PrivateFormat.PKCS8, NoEncryption())
    data = {
        "pkcs8": key.private_bytes(Encoding.PEM, *plain),
        "pkcs1": key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "der": key.private_bytes(Encoding.DER, *plain),
        "pkcs12": pkcs12.serialize_key_and_certificates(b"x", key, None, None, NoEncryption()),
        "pkcs12 with a password": pkcs12.serialize_key_and_certificates(
            b"x", key, None, None, BestAvailableEncryption(b"secret")
        ),
        "among others": ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, *plain)
        + other_key()
        + key.private_bytes(Encoding.PEM, *plain),
    }[form]
    said = heard(Dialog(Ends(TLS12, "AES128-SHA")).frames, knowing(private=(b"no key", data)))
    assert opened(said) is (form != "pkcs12 with a password")


@cache
def other_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_key_logs_come_first() -> None:
    ends = Ends(TLS12, "AES128-SHA")
    assert opened(heard(Dialog(ends).frames, knowing(ends.keys, private=(other_key(),))))


# --- why not ----------------------------------------------------------------------------------------------------------


def test_nothing_was_given() -> None:
    for frames, _ in (plain12(), plain13()):
        assert why(heard(frames)) == "no key log was given"
        assert "tls.keylog-no-match" not in {one.code for one in heard(frames).findings}


def test_no_line_for_this_connection() -> None:
    for (frames, _), (_, other) in ((plain12(), plain13()), (plain13(), plain12())):
        said = heard(frames, knowing(other))
        assert why(said) == "the key log has no line for the random of this ClientHello"
        assert "tls.keylog-no-match" in {one.code for one in said.findings}


def test_no_line_with_encrypted_client_hello() -> None:
    forged = Forged()
    forged.hellos(offered=extension(0xFE0D, b"\0" + bytes(4) + b"\1" + b"\0\0" + b"\0\0"))
    forged.finish()
    said = heard(forged.frames, knowing(forged.keys(random=b"\x77" * 32)))
    assert "with Encrypted ClientHello its lines name the inner one" in why(said)


@pytest.mark.parametrize(
    "label",
    [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    ],
)
def test_a_label_is_missing(label: str) -> None:
    forged = Forged()
    forged.hellos()
    forged.finish()
    for side in (CLIENT, SERVER):
        forged.data(side, b"data")
    said = heard(forged.frames, knowing(forged.keys(label)))
    assert why(said) == f"the key log lacks {label} for this connection"
    # What the other lines are for is opened all the same.
    assert said.facts["encrypted_records"] == 1


def test_the_master_secret_is_missing() -> None:
    frames, logged = plain12()
    wrong = logged.replace(b"CLIENT_RANDOM", b"EXPORTER_SECRET")
    assert why(heard(frames, knowing(wrong))) == "the key log lacks CLIENT_RANDOM for this connection"


def test_the_hello_is_missing() -> None:
    for frames, logged in (plain12(), plain13()):
        assert why(heard(frames[-3:], knowing(logged))) == keys.NO_HELLO
        assert why(heard(frames[1:], knowing(logged))) == keys.NO_HELLO
        assert why(heard(frames[1:])) == keys.NO_KEY_LOG


def test_the_server_hello_is_missing() -> None:
    for frames, logged in (plain12(), plain13()):
        said = heard([frames[0], *((side, data) for side, data in frames[2:] if side is CLIENT)], knowing(logged))
        assert why(said) == keys.NO_ANSWER


def test_an_unknown_suite() -> None:
    forged = Forged()
    forged.clear(CLIENT, client_hello(offers13()))
    forged.clear(SERVER, server_hello(takes13(), suite=0xBEEF))
    forged.finish()
    assert why(heard(forged.frames, knowing(forged.keys()))) == "the cipher suite 0xbeef is not known"
    frames = [
        (CLIENT, record(22, client_hello())),
        (SERVER, record(22, server_hello(suite=0xBEEF))),
        (SERVER, record(22, message(14, b""))),
        (CLIENT, record(20, b"\1")),
        (CLIENT, record(22, bytes(40))),
    ]
    line = f"CLIENT_RANDOM {'11' * 32} {'ab' * 48}\n".encode()
    for shared in (knowing(line), knowing(private=(private_key(),))):
        assert why(heard(frames, shared)) == "the cipher suite 0xbeef is not known"


def test_a_private_key_does_not_open_forward_secrecy() -> None:
    for frames, _ in (plain12(), plain13()):
        assert "has forward secrecy: a private key does not open it" in why(
            heard(frames, knowing(private=(private_key(),)))
        )


@pytest.mark.parametrize("suite", [0x008C, 0x00AE])  # TLS_PSK_WITH_AES_128_CBC_SHA and _SHA256
def test_a_private_key_does_not_open_a_pre_shared_key(suite: int) -> None:
    frames = [
        (CLIENT, record(22, client_hello(suites=(suite,)))),
        (SERVER, record(22, server_hello(suite=suite) + message(14, b""))),
        (CLIENT, record(22, message(16, b"\0\1x"))),
        (CLIENT, record(20, b"\1")),
        (CLIENT, record(22, bytes(64))),
    ]
    said = why(heard(frames, knowing(private=(private_key(),))))
    assert "forward secrecy" not in said
    assert "pre-shared key" in said


def test_none_of_the_private_keys_fits() -> None:
    said = heard(Dialog(Ends(TLS12, "AES128-SHA")).frames, knowing(private=(other_key(), b"no key")))
    assert why(said) == "none of the private keys belongs to the server's certificate"


def test_the_key_exchange_is_missing() -> None:
    frames = Dialog(Ends(TLS12, "AES128-SHA")).frames
    side, flight = frames[2]
    size = 5 + int.from_bytes(flight[3:5], "big")
    lost: list[tuple[Side, bytes] | tuple[Side, int]] = [*frames[:2], (side, size), (side, flight[size:]), *frames[3:]]
    assert why(heard(lost, knowing(private=(private_key(),)))) == "the ClientKeyExchange is not in the capture"


def test_a_suite_that_is_not_opened_says_so() -> None:
    """GOST, say: known by name, and not taken apart."""
    frames = [
        (CLIENT, record(22, client_hello())),
        (SERVER, record(22, server_hello(suite=0xC102) + message(14, b""))),
        (CLIENT, record(20, b"\1")),
        (CLIENT, record(22, bytes(64))),
    ]
    line = f"CLIENT_RANDOM {'11' * 32} {'ab' * 48}\n".encode()
    assert why(heard(frames, knowing(line)))


def test_secrets_of_a_wrong_size() -> None:
    forged = Forged()
    forged.hellos()
    forged.finish()
    lines = b"".join(line[:-8] + b"\n" for line in forged.keys().splitlines(keepends=True))
    assert why(heard(forged.frames, knowing(lines)))


def test_renegotiation_has_keys_of_its_own() -> None:
    """The second handshake is inside the first one's protection, and a private key opens both."""
    shared = Shared()
    link_keys = keys.Keys(shared, keys_link())
    assert link_keys.pair() is None
    assert link_keys.why == keys.NO_KEY_LOG
    shared.secrets.given = True
    link_keys.renew()
    assert link_keys.pair() is None
    assert link_keys.why == keys.NO_HELLO


def keys_link() -> Link:
    return Link()


def test_hope() -> None:
    shared = Shared()
    link = keys_link()
    own = keys.Keys(shared, link)
    shared.secrets.expected = True
    assert not own.hopeful  # without a hello no line can be told to be its own
    link.hello = ClientHello()
    link.hello.random = bytes(32)
    assert own.hopeful
    shared.secrets.expected = False
    assert not own.hopeful


def test_files_with_many_keys() -> None:
    found = keys.rsa_keys(other_key() + private_key())
    assert len(found) == 2
    assert all(len(identity) == 64 for identity, _ in found)
    assert keys.rsa_keys(b"nothing") == ()


def test_epochs_of_one_side_only() -> None:
    forged = Forged()
    forged.hellos()
    forged.say(SERVER, HANDSHAKE, message(8, b"\0\0") + message(20, bytes(32)))
    forged.say(SERVER, TRAFFIC, b"early answer", 23)
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["decrypted"] is True
