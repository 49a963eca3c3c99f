"""What `analyzer explain` knows of TLS."""

import re

import pytest

from analyzer.protocols.tls import registries, terms, words
from analyzer.protocols.tls.findings import FINDINGS
from analyzer.protocols.tls.words import WORDS


def test_every_number_of_the_registries_has_its_word() -> None:
    tables = (
        registries.ALERTS,
        registries.EXTENSIONS,
        registries.CIPHER_SUITES,
        registries.SUPPORTED_GROUPS,
        registries.SIGNATURE_SCHEMES,
        registries.VERSIONS,
        registries.ALPN,
        registries.HANDSHAKE_TYPES,
        registries.CONTENT_TYPES,
        registries.CERTIFICATE_COMPRESSION,
        registries.PSK_MODES,
        registries.QUIC_TRANSPORT_PARAMETERS,
        terms.LABELS,
        terms.ERRORS,
        terms.TERMS,
    )
    assert len(WORDS) == sum(len(table) for table in tables) + len(words._OTHERS)
    assert all(word.title for word in WORDS.values())
    assert all(word.meaning.endswith((".", ")", "]")) for word in WORDS.values())


def test_what_is_said_is_of_numbers_that_there_are() -> None:
    assert words.ALERTS.keys() == registries.ALERTS.keys()
    assert words.EXTENSIONS.keys() == registries.EXTENSIONS.keys()
    assert words.GROUPS.keys() <= registries.SUPPORTED_GROUPS.keys()
    assert words.VERSIONS.keys() <= registries.VERSIONS.keys()
    assert terms.RECORDS.keys() == registries.CONTENT_TYPES.keys()
    assert terms.MESSAGES.keys() <= registries.HANDSHAKE_TYPES.keys()


def test_findings_that_are_pointed_to_exist() -> None:
    said = " ".join(word.meaning for word in WORDS.values())
    pointed = set(re.findall(r"\btls\.[a-z-]+", said))
    assert len(pointed) > 8
    assert pointed <= FINDINGS.keys()


@pytest.mark.parametrize(
    ("word", "title", "said"),
    [
        ("handshake_failure", "alert 40", "cipher suite"),
        ("server_name", "extension 0", "SNI"),
        ("truncated_hmac", "extension 4", "discouraged"),
        ("TLS_AES_128_GCM_SHA256", "cipher suite 4865 (0x1301)", "IANA: recommended"),
        (
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "cipher suite 49199 (0xC02F)",
            "OpenSSL calls it ECDHE-RSA-AES128-GCM",
        ),
        ("TLS_RSA_WITH_RC4_128_SHA", "cipher suite 5 (0x0005)", "Not for DTLS"),
        ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "cipher suite 52 (0x0034)", "signed by nobody"),
        ("TLS_RSA_EXPORT1024_WITH_RC4_56_SHA", "cipher suite 100 (0x0064)", "weak on purpose"),
        ("TLS_ECCPWD_WITH_AES_128_CCM_SHA256", "cipher suite 49330 (0xC0B2)", "password"),
        ("TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "cipher suite 255 (0x00FF)", "signal"),
        ("TLS_FALLBACK_SCSV", "cipher suite 22016 (0x5600)", "inappropriate_fallback"),
        ("x25519", "group 29 (0x001D)", "Curve25519"),
        ("MLKEM768", "group 513 (0x0201)", "quantum"),
        ("ffdhe2048", "group 256 (0x0100)", "2048 bits"),
        ("arbitrary_explicit_prime_curves", "group 65281 (0xFF01)", "Not to be used"),
        ("brainpoolP256r1", "group 26 (0x001A)", "elliptic curve"),
        ("rsa_pkcs1_sha1", "signature scheme 513 (0x0201)", "SHA-1 is broken"),
        ("rsa_pkcs1_md5", "signature scheme 257 (0x0101)", "MD5 is broken"),
        ("rsa_pkcs1_sha256_legacy", "signature scheme 1056 (0x0420)", "smart cards"),
        ("rsa_pss_pss_sha256", "signature scheme 2057 (0x0809)", "PSS only"),
        ("ed25519", "signature scheme 2055 (0x0807)", "Edwards"),
        ("mldsa65", "signature scheme 2309 (0x0905)", "quantum"),
        ("dsa_sha1", "signature scheme 514 (0x0202)", "Only in TLS 1.2"),
        ("TLS 1.3", "version 772 (0x0304)", "one round trip"),
        ("TLS 1.3 draft 28", "version 32540 (0x7F1C)", "draft"),
        ("TLCP 1.1", "version 257 (0x0101)", "relative"),
        ("h2", "ALPN h2", "HTTP/2"),
        ("GREASE", "reserved values", "0x0A0A"),
        ("client_hello", "handshake type 1", "what it can do"),
        ("message_hash", "handshake type 254", "HelloRetryRequest"),
        ("handshake record", "record content type 22 (0x16)", "16 03 01"),
        ("zstd", "certificate compression 3", "Zstandard"),
        ("psk_ke", "PSK mode 0", "no forward secrecy"),
        ("max_idle_timeout", "QUIC transport parameter 1 (0x01)", "a number"),
        ("CLIENT_RANDOM", "label of a key log (SSLKEYLOGFILE)", "TLS 1.2"),
        ("wrong version number", "said by OpenSSL", "plain HTTP"),
        ("mTLS", "mutual TLS: certificates of both sides", "CertificateRequest"),
        ("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "cipher suite 22 (0x0016)", "EDH-RSA-DES-CBC3-SHA"),
    ],
)
def test_words(word: str, title: str, said: str) -> None:
    found = WORDS[word]
    assert found.title == title
    assert said in found.meaning


@pytest.mark.parametrize(
    ("name", "openssl"),
    [
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_DHE_RSA_WITH_AES_256_CCM_8", "DHE-RSA-AES256-CCM8"),
        ("TLS_DH_anon_WITH_AES_256_GCM_SHA384", "ADH-AES256-GCM-SHA384"),
        ("TLS_AES_128_GCM_SHA256", ""),
        ("TLS_KRB5_WITH_RC4_128_SHA", ""),
        ("TLS_PSK_WITH_AES_128_CBC_SHA", "PSK-AES128-CBC-SHA"),
        ("TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-PSK-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", "ECDHE-ARIA256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256", "ECDHE-ECDSA-ARIA128-GCM-SHA256"),
        ("TLS_RSA_WITH_ARIA_128_CBC_SHA256", ""),
        ("TLS_PSK_DHE_WITH_AES_128_CCM_8", "DHE-PSK-AES128-CCM8"),
        ("TLS_PSK_WITH_CAMELLIA_128_CBC_SHA256", "PSK-CAMELLIA128-SHA256"),
        ("TLS_PSK_WITH_3DES_EDE_CBC_SHA", "PSK-3DES-EDE-CBC-SHA"),
        ("TLS_SRP_SHA_RSA_WITH_AES_256_CBC_SHA", "SRP-RSA-AES-256-CBC-SHA"),
        ("TLS_RSA_WITH_NULL_SHA", "NULL-SHA"),
    ],
)
def test_names_of_openssl(name: str, openssl: str) -> None:
    assert words.openssl_names(name)[:1] == ((openssl,) if openssl else ())
