"""Words of DTLS explained."""

from analyzer.protocols.dtls import PROTOCOL
from analyzer.protocols.dtls.words import WORDS


def test_words_are_told_in_full_with_whole_references() -> None:
    assert all(word.title and word.meaning.endswith(".") for word in WORDS.values())
    for spec in (*(word.spec for word in WORDS.values()), *(kind.spec for kind in PROTOCOL.findings.values())):
        assert "§" not in PROTOCOL.reference(spec)
