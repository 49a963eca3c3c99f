"""Filter expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Note, Outcome, Phase, Place, Session, Value
from analyzer.sessions.filter import Filter

FACTS: dict[str, Value] = {
    "server_name": "Chat.example.org",
    "status": 101,
    "resumed": True,
    "cipher_suite": {"value": 4865, "name": "TLS_AES_128_GCM_SHA256"},
    "alpn": ["h2", "http/1.1"],
    "inner": {"deep": 5},
}
SESSION = Session(
    4,
    "websocket",
    "wss://chat.example.org/",
    Outcome.FAILED,
    [7],
    1_000_000_000,
    1_250_000_000,
    [Phase("tcp", 0, 1, Outcome.ESTABLISHED)],
    FACTS,
    [Note("a.b", "text", Place((), 0))],
    [1, 2],
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("kind == websocket", True),
        ("kind == 'WebSocket'", True),
        ("kind == websocket and outcome != established", True),
        ("kind == tls or outcome == established", False),
        ("not (kind == tls)", True),
        ("kind in (tls, websocket)", True),
        ("kind not in [tls, http]", True),
        ("title ~ chat", True),
        ("title ~ 'CHAT.'", True),
        ("title !~ chat", False),
        ("title ~ '~'", False),
        ("duration_ms > 100", True),
        ("duration_ms > 100 and duration_ms < 200", False),
        ("0.2 < duration_s <= 0.25", True),
        ("duration_ns == 250000000", True),
        ("id == 4 and number == 5 and flows == [7]", True),
        ("findings >= 2 and notes == 1", True),
        ("tcp in phases", True),
        ("phases ~ TCP", True),
        ("start_ns < end_ns", True),
        ("facts.server_name == chat.example.org", True),
        ("facts.server_name ~ example", True),
        ("facts.status == 101", True),
        ("facts.status == '101'", True),
        ("facts.status > 99 and facts.status > -1", True),
        ("facts.cipher_suite ~ gcm", True),
        ("facts.cipher_suite.value == 4865", True),
        ("facts.inner.deep == 5", True),
        ("facts.inner.deep.er == 5", False),
        ("facts.alpn ~ h2", True),
        ("facts.resumed", True),
        ("facts.resumed == true", True),
        ("facts.missing == null", True),
        ("facts.missing ~ x", False),
        ("facts.missing > 3", False),
        ("facts.missing", False),
        ("title > 3", False),
        ("-facts.server_name == 3", False),
    ],
)
def test_matches(expression: str, expected: bool) -> None:
    assert Filter(expression)(SESSION) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "kind ==",
        "kind = tls",
        "kind == 10.0.0.1",
        "__import__('os')",
        "kind.__class__()",
        "[x for x in flows]",
        "lambda: 1",
        "kind is tls",
        "1 + 1",
        "~kind",
        "kind @ tls",
        "kind == b'tls'",
        "f'{kind}'",
        "kind == 'tls",
        "not " * 40 + "kind",
        "x" * 2000,
        "\0",
    ],
)
def test_errors_are_one_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match=r"^filter: ") as caught:
        Filter(expression)
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="kind==title~!()andornot'\"10.,[] -@factsx<>", max_size=40))
def test_any_text_either_filters_or_is_refused(expression: str) -> None:
    try:
        wanted = Filter(expression)
    except ValueError:
        return
    assert wanted(SESSION) in (True, False)
