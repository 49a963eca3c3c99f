"""The tables of lines and verdicts: complete, and written the way people read."""

from __future__ import annotations

import re

import pytest

from analyzer.core import Severity
from analyzer.protocols.tls import PROTOCOL
from analyzer.protocols.tls.findings import ALERT_CODES, FINDINGS, KINDS, OTHER_ALERT
from analyzer.protocols.tls.registries import ALERTS

#: Alerts that are no errors, that nobody sends any more, or that say nothing but their name.
NOT_JUDGED = {0, 21, 30, 41, 52, 60, 90, 100, 111, 114, 117}
SPEC = re.compile(r"(§[\dE][\d.]*|RFC \d{4,5}( [\dE][\d.]*)?)((, |; )(§?[\dE][\d.]*|RFC \d{4,5}( [\dE][\d.]*)?))*")
SENTENCES = re.compile(r"[A-Z].*[.?]", re.DOTALL)


def test_every_alert_that_is_an_error_has_a_finding() -> None:
    assert set(ALERT_CODES) == set(ALERTS) - NOT_JUDGED
    for code in (*ALERT_CODES.values(), OTHER_ALERT):
        assert FINDINGS[code].severity is Severity.ERROR


@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_a_finding_is_written_in_full(code: str) -> None:
    kind = FINDINGS[code]
    assert re.fullmatch(r"tls\.[a-z0-9-]+", code)
    assert SPEC.fullmatch(kind.spec), kind.spec
    assert SENTENCES.fullmatch(kind.cause)
    assert SENTENCES.fullmatch(kind.advice)
    assert kind.title[0].isupper() or kind.title.startswith("close")
    assert not kind.title.endswith(".")
    assert len(kind.title) <= 90


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_line_has_a_meaning_and_a_section(kind: str) -> None:
    entry = KINDS[kind]
    assert kind.startswith("tls.")
    assert SENTENCES.fullmatch(entry.meaning)
    assert entry.spec


def test_the_room_has_these_tables() -> None:
    assert PROTOCOL.findings is FINDINGS
    assert PROTOCOL.kinds is KINDS
