"""The tables of protocols/tls and protocols/stun are those of docs/registries."""

import re
from pathlib import Path

import pytest

from analyzer.protocols.tls import references, registries
from tests.test_docs import ROOT, script


def test_modules_are_current() -> None:
    made = script("make_registries")
    assert made.NAMES.read_text() == made.names_module(), "run: python docs/make_registries.py"
    assert made.REFERENCES.read_text() == made.references_module(), "run: python docs/make_registries.py"
    assert made.STUN_NAMES.read_text() == made.stun_module(), "run: python docs/make_registries.py"


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "registries").rglob("*.csv")), ids=lambda path: path.stem)
def test_every_registry_says_where_it_is_from_and_has_each_value_once(path: Path) -> None:
    registry = script("make_registries").Registry(path)
    assert registry.about["registry"]
    assert registry.about["source"]
    assert re.fullmatch(r"\d{4}-\d\d", registry.about["date"])
    keys = [registry.key(row["value"]) for row in registry.rows]
    assert len(keys) == len(set(keys))
    names = [row["name"] for row in registry.rows]
    assert len(names) == len(set(names))
    assert all(None not in row for row in registry.rows), "a line with more columns than its header names"


def test_well_known_numbers() -> None:
    assert registries.CIPHER_SUITES[0x1301] == "TLS_AES_128_GCM_SHA256"
    assert registries.CIPHER_SUITES[0xC02F] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert registries.SUPPORTED_GROUPS[4588] == "X25519MLKEM768"
    assert registries.SIGNATURE_SCHEMES[0x0905] == "mldsa65"
    assert registries.SIGNATURE_SCHEMES[0x0301] == "rsa_pkcs1_sha224"
    assert registries.EXTENSIONS[65037] == "encrypted_client_hello"
    assert registries.ALERTS[120] == "no_application_protocol"
    assert references.CIPHER_SUITES[0x1301] == ("Y", "RFC 9846")
    assert 0x0005 in references.NOT_FOR_DTLS
