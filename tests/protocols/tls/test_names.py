"""What numbers are called."""

from analyzer.protocols.tls import names, registries


def test_a_number_stays_a_number_with_its_name_beside_it() -> None:
    assert names.named(4865, registries.CIPHER_SUITES) == {"value": 4865, "name": "TLS_AES_128_GCM_SHA256"}
    assert names.named(0x9999, registries.CIPHER_SUITES) == {"value": 0x9999}
    assert names.named(1, registries.PSK_MODES) == {"value": 1, "name": "psk_dhe_ke"}
    assert names.named(77, registries.PSK_MODES) == {"value": 77}


def test_what_was_made_once_is_shared() -> None:
    assert names.named(4865, registries.CIPHER_SUITES) is names.named(4865, registries.CIPHER_SUITES)
    assert names.SUITES.all_named([4865, 0x9998])[0] is names.SUITES.named(4865)


def test_what_is_kept_is_bounded() -> None:
    table = names.Table({1: "one"})
    assert [table.named(value) for value in range(names.MAX_KEPT + 10)][-1] == {"value": names.MAX_KEPT + 9}
    assert len(table._kept) == names.MAX_KEPT


def test_grease() -> None:
    found = {value for value in range(0x10000) if names.is_grease(value)}
    assert found == names.GREASE_VALUES
    assert len(found) == 16
    assert names.named(0x2A2A, registries.CIPHER_SUITES) == {"value": 0x2A2A, "name": "GREASE"}
    assert names.extension_name(0xFAFA) == names.group_name(0x0A0A) == "GREASE"
    assert names.alert_name(0x0A0A) == "alert 2570"
    assert min(names.GREASE_MODES) == 0x0B
    assert max(names.GREASE_MODES) == 0xE4
    assert names.protocol_name("\x0a\x0a") == "GREASE"


def test_names_of_what_is_known_and_what_is_not() -> None:
    assert names.suite_name(0x1302) == "TLS_AES_256_GCM_SHA384"
    assert names.suite_name(0x9999) == "0x9999"
    assert names.scheme_name(0x0804) == "rsa_pss_rsae_sha256"
    assert names.version_name(0x0304) == "TLS 1.3"
    assert names.version_name(0x0300) == "SSL 3.0"
    assert names.version_name(0x7F1C) == "TLS 1.3 draft 28"
    assert names.version_name(0x1234) == "0x1234"
    assert names.alert_name(40) == "handshake_failure"
    assert names.alert_name(99) == "alert 99"
    assert names.extension_name(0) == "server_name"
    assert names.extension_name(9999) == "extension 9999"
    assert names.handshake_name(1) == "client-hello"
    assert names.handshake_name(99) == "handshake-99"
    assert names.protocol_name("h2") == "HTTP/2 over TLS"
    assert names.protocol_name("mine") == "mine"


def test_groups_as_people_write_them() -> None:
    assert names.group_words(29) == "X25519"
    assert names.group_words(4588) == "X25519MLKEM768"
    assert names.group_words(0x9999) == "0x9999"
    assert names.is_post_quantum(4588)
    assert names.is_post_quantum(25497)
    assert not names.is_post_quantum(29)
