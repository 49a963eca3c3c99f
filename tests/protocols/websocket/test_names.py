"""Close codes, and what `explain` knows of WebSocket."""

from __future__ import annotations

import pytest

from analyzer.protocols.websocket.findings import FINDINGS, KINDS
from analyzer.protocols.websocket.names import BAD_CODES, CLOSE_CODES, OPCODES, WORDS, close_name, is_legal


@pytest.mark.parametrize(
    ("code", "name", "legal"),
    [
        (999, "not valid", False),
        (1000, "Normal Closure", True),
        (1004, "Reserved", False),
        (1005, "No Status Received", False),
        (1006, "Abnormal Closure", False),
        (1015, "TLS handshake", False),
        (2999, "not assigned", True),
        (3000, "registered by a library or framework", True),
        (4999, "the application's own", True),
        (5000, "not valid", False),
    ],
)
def test_close_codes(code: int, name: str, legal: bool) -> None:
    assert (close_name(code), is_legal(code)) == (name, legal)


def test_bad_codes_may_be_sent() -> None:
    assert all(code in CLOSE_CODES and is_legal(code) for code in BAD_CODES)


def test_every_opcode_and_code_is_explained() -> None:
    assert all(f"opcode {number}" in WORDS for number in OPCODES)
    assert all(str(code) in WORDS for code in CLOSE_CODES)
    assert all(word.meaning.endswith(".") and word.spec for word in WORDS.values())


def test_every_finding_says_what_to_do() -> None:
    assert all(kind.cause.endswith(".") and kind.advice.endswith(".") for kind in FINDINGS.values())
    assert all(code.startswith("websocket.") for code in (*FINDINGS, *KINDS))
