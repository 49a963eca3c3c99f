"""`analyzer explain`."""

import pytest

from analyzer import core
from analyzer.engine import registry
from analyzer.protocols.tls.words import WORDS
from tests.cli.called import call


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tcp.syn-no-reply", "What to do"),
        ("syn-no-reply", "tcp.syn-no-reply"),
        ("RST", "RFC 9293"),
        ("icmp 3/13", "administratively prohibited"),
        ("ShADadFf", "initiator: SYN"),
        ("capture.one-direction", "Most likely"),
        ("http.request", "RFC 9112"),
        ("window", "tcp.zero-window"),
        ("cert expired", "tls.alert-certificate-expired"),
        ("name mismatch certificate", "tls.cert-name-mismatch"),
    ],
)
def test_explain(word: str, said: str) -> None:
    done = call("explain", *word.split())
    assert done.exit_code == 0
    assert said in done.stdout


def test_explain_suggests_what_may_be_meant() -> None:
    done = call("explain", "tcp.retransmision")
    assert done.exit_code == 2
    assert "did you mean tcp.retransmission" in done.stderr
    assert call("explain", "qqqqqqqq").exit_code == 2
    assert call("explain").exit_code == 2


def test_explain_lists_every_word() -> None:
    listed = call("explain", "--list")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) > 80


@pytest.fixture
def with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of TLS among the others."""
    others = tuple(protocol for protocol in registry.protocols() if protocol.name != "tls")
    tls = core.Protocol("tls", "TLS", "RFC 9846", (), {}, {}, None, None, words=WORDS)
    monkeypatch.setattr(registry, "protocols", lambda: (*others, tls))


@pytest.mark.usefixtures("with_tls")
@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("handshake_failure", ["handshake_failure"]),
        ("Handshake-Failure", ["handshake_failure"]),
        ("alert 40", ["handshake_failure"]),
        ("40", ["handshake_failure", "key_share_draft", "TLS_KRB5_EXPORT_WITH_RC4_40_SHA", "GC512C"]),
        ("0x1301", ["TLS_AES_128_GCM_SHA256"]),
        ("0x13,0x01", ["TLS_AES_128_GCM_SHA256"]),
        ("{0x13, 0x01}", ["TLS_AES_128_GCM_SHA256"]),
        ("4865", ["TLS_AES_128_GCM_SHA256"]),
        ("suite 0xc02f", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]),
        ("tls_aes_128_gcm_sha256", ["TLS_AES_128_GCM_SHA256"]),
        ("AES128-SHA", ["TLS_RSA_WITH_AES_128_CBC_SHA"]),
        ("extension 0", ["server_name"]),
        ("server name", ["server_name"]),
        ("X25519", ["x25519"]),
        ("group 29", ["x25519"]),
        ("prime256v1", ["secp256r1"]),
        ("scheme 0x0403", ["ecdsa_secp256r1_sha256"]),
        ("TLS 1.3", ["TLS 1.3"]),
        ("0x2a2a", ["GREASE"]),
        ("404", ["404"]),
        ("c0 2f", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]),
        ("13:01", ["TLS_AES_128_GCM_SHA256"]),
        ("tls alert 48", ["unknown_ca"]),
        ("sslv3 alert handshake failure", ["handshake_failure"]),
        ("Received fatal alert: certificate_unknown", ["certificate_unknown"]),
        ("unknown_ca alert", ["unknown_ca"]),
        ("the server_name extension", ["server_name"]),
        ("handshake 11", ["certificate"]),
        ("message type 1", ["client_hello"]),
        ("record type 23", ["application_data record"]),
        ("tls1.3", ["TLS 1.3"]),
        ("TLSv1.2", ["TLS 1.2"]),
        ("sslv3", ["SSL 3.0"]),
        ("SSL 3", ["SSL 3.0"]),
        ("0rtt", ["0-RTT"]),
        ("HRR", ["HRR"]),
        ("AES128-GCM-SHA256", ["TLS_RSA_WITH_AES_128_GCM_SHA256"]),
        ("NULL-SHA", ["TLS_RSA_WITH_NULL_SHA"]),
        ("P-256", ["secp256r1"]),
        ("EDH-RSA-DES-CBC3-SHA", ["TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"]),
        ("CLIENT_RANDOM", ["CLIENT_RANDOM"]),
        ("no cipher overlap", ["no shared cipher"]),
        ("SSL_ERROR_NO_CYPHER_OVERLAP", ["SSL_ERROR_NO_CYPHER_OVERLAP"]),
    ],
)
def test_numbers_and_names_of_tls(word: str, names: list[str]) -> None:
    done = call("explain", *word.split())
    assert done.exit_code == 0
    heads = [line.split("  ")[0].strip() for line in done.stdout.splitlines() if line and not line.startswith(" ")]
    assert heads == names


@pytest.mark.usefixtures("with_tls")
def test_explain_suggests_numbers_names_too() -> None:
    done = call("explain", "handshake_faliure")
    assert done.exit_code == 2
    assert "did you mean handshake_failure" in done.stderr
    assert call("explain", "alert", "250").exit_code == 2


def test_one_entry_for_what_is_the_same_in_several_rooms() -> None:
    done = call("explain", "ServerHello")
    assert done.exit_code == 0
    assert done.stdout.startswith("tls.server-hello, dtls.server-hello  ServerHello")
    assert done.stdout.count("RFC 9846 4.2.3") == 1


def test_short_parts_of_words_are_no_hits() -> None:
    assert call("explain", "qak").exit_code == 2
    assert call("explain", "ems").stdout.startswith("extended_master_secret")  # and not "themselves"
    assert "http2.flow-control" in call("explain", "win").stdout


def test_long_names_keep_their_distance_in_a_list() -> None:
    listed = call("explain", "ChaCha20-Poly1305 suite").stdout or call("explain", "WITH_CHACHA20").stdout
    assert "SHA256cipher" not in listed


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("1006", ["1006"]),
        ("code 1006", ["1006"]),
        ("ws 1006", ["1006", "ws"]),
        ("426", ["426"]),
        ("HTTP 426", ["426"]),
        ("opcode 9", ["opcode 9"]),
        ("opcode 0x9", ["opcode 9"]),
        ("opcode 3", ["opcode 3"]),
        ("4321", ["4000-4999"]),
        ("permessage-deflate", ["permessage-deflate"]),
        ("switching protocols", ["101"]),
        ("Expect: 100-continue", ["Expect"]),
        ("X-Forwarded-For: 192.0.2.1", ["X-Forwarded-For"]),
        ("Sec-WebSocket-Accept", ["Sec-WebSocket-Accept"]),
        ("masking key", ["masking"]),
        ("websocket handshake", ["websocket handshake"]),
        ("message too big", ["datachannel.message-too-big", "1009"]),
    ],
)
def test_words_of_http_and_websocket_as_people_type_them(word: str, names: list[str]) -> None:
    done = call("explain", *word.split())
    assert done.exit_code == 0
    heads = [line.split("  ")[0].strip() for line in done.stdout.splitlines() if line and not line.startswith(" ")]
    assert heads == names
