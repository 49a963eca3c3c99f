"""Suites, worked out from their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.tls import suites
from analyzer.protocols.tls.suites import HASH_BYTES, forward_secrecy, strength, suite, weaknesses
from tests.protocols.tls.recorded import NAMES, named


def test_all_of_a_suite_with_cbc() -> None:
    made = suite(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256")
    assert made is not None
    assert made._asdict() == {
        "value": 0xC027,
        "name": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "version13": False,
        "key_exchange": "ECDHE_RSA",
        "authentication": "RSA",
        "cipher": "AES_128_CBC",
        "kind": "block",
        "key_bytes": 16,
        "fixed_iv_bytes": 0,
        "explicit_nonce_bytes": 0,
        "tag_bytes": 0,
        "block_bytes": 16,
        "mac": "SHA256",
        "mac_bytes": 32,
        "prf_hash": "SHA256",
        "supported": True,
    }


@pytest.mark.parametrize(
    ("name", "cipher", "sizes", "prf_hash"),
    [
        ("TLS_AES_128_GCM_SHA256", "AES_128_GCM", (16, 12, 0, 16), "SHA256"),
        ("TLS_AES_256_GCM_SHA384", "AES_256_GCM", (32, 12, 0, 16), "SHA384"),
        ("TLS_AES_128_CCM_8_SHA256", "AES_128_CCM_8", (16, 12, 0, 8), "SHA256"),
        ("TLS_CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305", (32, 12, 0, 16), "SHA256"),
        ("TLS_SM4_GCM_SM3", "SM4_GCM", (16, 12, 0, 16), "SM3"),
        ("TLS_RSA_WITH_AES_256_CCM", "AES_256_CCM", (32, 4, 8, 16), "SHA256"),
        ("TLS_RSA_WITH_AES_128_CCM_8", "AES_128_CCM_8", (16, 4, 8, 8), "SHA256"),
        ("TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "AES_128_CCM_8", (16, 4, 8, 8), "SHA256"),
        ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "AES_256_GCM", (32, 4, 8, 16), "SHA384"),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305", (32, 12, 0, 16), "SHA256"),
    ],
)
def test_aeads(name: str, cipher: str, sizes: tuple[int, ...], prf_hash: str) -> None:
    made = named(name)
    assert (made.cipher, made.kind, made.mac, made.prf_hash, made.supported) == (cipher, "aead", "", prf_hash, True)
    assert (made.key_bytes, made.fixed_iv_bytes, made.explicit_nonce_bytes, made.tag_bytes) == sizes
    assert made.version13 is ("_WITH_" not in name)


@pytest.mark.parametrize(
    ("name", "key_exchange", "authentication", "cipher", "mac"),
    [
        ("TLS_RSA_WITH_RC4_128_MD5", "RSA", "RSA", "RC4_128", "MD5"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "RSA", "RSA", "3DES_EDE_CBC", "SHA1"),
        ("TLS_DHE_DSS_WITH_DES_CBC_SHA", "DHE_DSS", "DSS", "DES_CBC", "SHA1"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE_ECDSA", "ECDSA", "AES_256_CBC", "SHA384"),
        ("TLS_ECDHE_PSK_WITH_NULL_SHA384", "ECDHE_PSK", "PSK", "NULL", "SHA384"),
        ("TLS_RSA_PSK_WITH_AES_128_CBC_SHA", "RSA_PSK", "RSA and PSK", "AES_128_CBC", "SHA1"),
        ("TLS_DH_anon_WITH_SEED_CBC_SHA", "DH_anon", "anon", "SEED_CBC", "SHA1"),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", "RSA", "RSA", "IDEA_CBC", "SHA1"),
        ("TLS_KRB5_WITH_3DES_EDE_CBC_SHA", "KRB5", "Kerberos", "3DES_EDE_CBC", "SHA1"),
        ("TLS_SRP_SHA_WITH_AES_128_CBC_SHA", "SRP_SHA", "password", "AES_128_CBC", "SHA1"),
        ("TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA", "SRP_SHA_RSA", "RSA", "AES_128_CBC", "SHA1"),
        ("TLS_ECCPWD_WITH_AES_128_GCM_SHA256", "ECCPWD", "password", "AES_128_GCM", ""),
        ("TLS_PSK_DHE_WITH_AES_128_CCM_8", "PSK_DHE", "PSK", "AES_128_CCM_8", ""),
        ("TLS_ECDH_RSA_WITH_CAMELLIA_128_CBC_SHA256", "ECDH_RSA", "RSA", "CAMELLIA_128_CBC", "SHA256"),
    ],
)
def test_what_the_other_parts_of_a_name_say(
    name: str, key_exchange: str, authentication: str, cipher: str, mac: str
) -> None:
    made = named(name)
    assert (made.key_exchange, made.authentication) == (key_exchange, authentication)
    assert (made.cipher, made.mac, made.mac_bytes) == (cipher, mac, HASH_BYTES.get(mac, 0))
    assert made.supported


@pytest.mark.parametrize(
    "name",
    [
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5",
        "TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA",
        "TLS_KRB5_EXPORT_WITH_DES_CBC_40_SHA",
        "TLS_RSA_WITH_ARIA_128_CBC_SHA256",
        "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384",
        "TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256",
        "TLS_SM4_CCM_SM3",
        "TLS_AEGIS_128L_SHA256",
        "TLS_SHA256_SHA256",
        "TLS_NULL_WITH_NULL_NULL",
        "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC",
        "TLS_GOSTR341112_256_WITH_28147_CNT_IMIT",
        "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L",
    ],
)
def test_what_is_described_but_not_opened(name: str) -> None:
    assert not named(name).supported
    assert strength(named(name))


@pytest.mark.parametrize(
    "name",
    [
        "TLS_FALLBACK_SCSV",
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        "GREASE",
        "Unassigned",
        "TLS_RSA_WITH_FOO_SHA",
        "TLS_AES_128_CBC_SHA256",
        "TLS_AES_128_GCM",
        "TLS_",
    ],
)
def test_what_is_no_suite(name: str) -> None:
    assert suite(1, name) is None


def test_strength() -> None:
    assert not weaknesses(named("TLS_AES_128_GCM_SHA256"))
    assert strength(named("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")).startswith("Forward secrecy and authenticated")
    assert strength(named("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")) == (
        "Has forward secrecy, but: CBC with a separate MAC, which has been attacked by timing (Lucky Thirteen)."
    )
    assert strength(named("TLS_RSA_WITH_RC4_128_MD5")).startswith("Weak: RC4 is broken and forbidden (RFC 7465); ")
    for name, word in [
        ("TLS_RSA_WITH_NULL_SHA", "no encryption"),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "nobody is authenticated"),
        ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "export grade"),
        ("TLS_RSA_WITH_DES_CBC_SHA", "56 bits"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "Sweet32"),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", "no forward secrecy"),
        ("TLS_AES_128_CCM_8_SHA256", "tag of 8 bytes"),
        ("TLS_NULL_WITH_NULL_NULL", "no key exchange"),
        ("TLS_KRB5_EXPORT_WITH_RC4_40_SHA", "export grade"),
    ]:
        assert word in strength(named(name))


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", True),
        ("TLS_DH_RSA_WITH_AES_128_CBC_SHA", False),
        ("TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", False),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", True),
        ("TLS_PSK_WITH_AES_128_CBC_SHA", False),
        ("TLS_PSK_DHE_WITH_AES_128_CCM_8", True),
    ],
)
def test_forward_secrecy(name: str, holds: bool) -> None:
    assert forward_secrecy(named(name)) is holds


@given(st.text(alphabet="TLS_WIH0123456789ABCDE", max_size=60) | st.text(max_size=40))
def test_any_name_is_a_suite_or_none(name: str) -> None:
    for text in (name, f"TLS_{name}", f"TLS_RSA_WITH_{name}", f"TLS_{name}_WITH_AES_128_CBC_SHA"):
        made = suite(0, text)
        assert made is None or strength(made)


def test_every_cipher_has_the_sizes_of_its_kind() -> None:
    for name, cipher in suites.CIPHERS.items():
        assert (cipher.kind == "block") == (cipher.block_bytes > 0), name
        assert (cipher.kind == "aead") == (cipher.tag_bytes > 0), name
    assert all(suite(value, name) for value, name in NAMES.items())
