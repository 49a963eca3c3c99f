"""Words of STUN and TURN explained."""

from analyzer.protocols.stun import registries, words
from analyzer.protocols.stun.findings import FINDINGS, KINDS


def test_every_method_attribute_and_error_is_explained() -> None:
    for table in (registries.METHODS, registries.ATTRIBUTES, registries.ERROR_CODES):
        for name in table.values():
            assert words.WORDS[name].meaning
            assert words.WORDS[name].title
    assert len(words.WORDS) == len(list(words.WORDS))
    assert words.WORDS["Stale Nonce"].title == "STUN error 438"
    assert words.WORDS["XOR-MAPPED-ADDRESS"].spec == "RFC 8489 14.2"


def test_kinds_and_findings_are_told_in_full() -> None:
    assert all(kind.meaning for kind in KINDS.values())
    assert all(kind.cause and kind.advice and kind.spec for kind in FINDINGS.values())


def test_words_of_ice_are_found_as_they_are_typed() -> None:
    for word in ("STUN", "TURN", "ICE", "host", "srflx", "prflx", "relay", "nomination", "permission", "channel"):
        assert words.WORDS[word].meaning.endswith(".")
    assert all(word.meaning and word.title for word in words.WORDS.values())
    assert not [
        name
        for number, name in registries.ATTRIBUTES.items()
        if number < 0xC000 and number not in words.ATTRIBUTES and not name.startswith("MS-")
    ]
