"""The report for a terminal."""

import re

from analyzer import core
from analyzer.core import Severity
from analyzer.report import text
from analyzer.report.ink import Ink
from tests.report import sample
from tests.report.shown import printed


def test_the_report_reads_in_the_readers_order() -> None:
    lines = printed(sample.report())
    assert lines[0].startswith("wss-veth-chromium.pcapng   61 frames   7.00 s")
    assert "1,448 bytes missing" in lines[1]
    assert any(line.startswith("  damage   the last record is cut") for line in lines)
    heads = [index for index, line in enumerate(lines) if re.match(r"#|Set-up|error|warning|1 error", line)]
    assert [lines[index].split()[0] for index in heads] == ["#", "Set-up", "error", "warning", "1"]
    assert lines[-1] == "1 error, 1 warning. 1 notice (--notices): Odd text."


def test_a_table_row_has_what_matters_at_80_columns() -> None:
    row = next(line for line in printed(sample.report()) if line.startswith("1  http"))
    assert "10.77.0.1:46288" in row
    assert "http://www.example.org" in row
    assert row.rstrip().endswith("established  1.21 s")


def test_a_wide_terminal_is_used() -> None:
    wide = printed(sample.report(), 200)
    assert any("http://www.example.org:27550/quartz/lagoon?indigo=sable&amber=1" in line for line in wide)
    assert any("ShADadFf" in line for line in wide)


def test_the_set_up_is_explained() -> None:
    lines = " ".join(printed(sample.report(), 200))
    assert "Set-up of session 1 (http), 1.21 s:  tcp 0.042 ms · http 1.21 s" in lines
    assert "2 round trips of 0.042 ms" in lines
    assert "the server thought for 1.21 s, before frame 9" in lines


def test_a_finding_has_evidence_cause_advice_and_limits() -> None:
    lines = printed(sample.report(), 120)
    start = next(index for index, line in enumerate(lines) if line.startswith("error"))
    assert "tcp.syn-no-reply" in lines[start]
    assert "session 2, frames 11 to 14   RFC 9293 3.8.3" in lines[start]
    assert lines[start + 1] == "  Nobody answered the SYN"
    block = "\n".join(lines[start : start + 8])
    for label in ("Most likely", "What to do", "Limits"):
        assert label in block


def test_notices_are_counted_or_told() -> None:
    assert not any(line.startswith("notice") for line in printed(sample.report()))
    assert any(line.startswith("notice") for line in printed(sample.report(), notices=True))


def test_a_healthy_capture_says_so() -> None:
    report = sample.report()
    report.findings.clear()
    report.sessions = report.sessions[:1]
    report.sessions[0].findings.clear()
    assert printed(report)[-1] == "No finding of severity error or warning."


def test_many_sessions_show_what_is_wrong_and_count_the_rest() -> None:
    report = sample.report()
    fine = report.sessions[0]
    fine.findings = []
    report.sessions = [fine] * 1000 + [report.sessions[1]] * 140
    lines = printed(report)
    assert sum(1 for line in lines if "unanswered" in line) == text.ROWS + 1
    assert "Not listed: 1,000 http established, 40 tcp unanswered (--all lists every one)." in " ".join(lines)
    assert sum(1 for line in printed(report, everything=True) if re.match(r" *\d+  (http|tcp)", line)) == 1140


def test_many_findings_of_one_code_are_counted() -> None:
    report = sample.report()
    report.findings = [
        sample.verdict(number, "tcp.syn-no-reply", Severity.ERROR, number % 3, "again", (1,)) for number in range(500)
    ]
    lines = printed(report)
    assert sum(1 for line in lines if line.startswith("error")) == text.SAME_FINDINGS
    assert "497 more tcp.syn-no-reply in sessions 1, 2, 3 (--all tells each)." in lines
    assert sum(1 for line in printed(report, everything=True) if line.startswith("error")) == 500


def test_what_stays_encrypted_is_said_with_its_reason() -> None:
    told = sample.report()
    like = told.sessions[0]

    def said(*reasons: str) -> list[str]:
        told.sessions[:] = [
            core.Session(
                number, like.kind, like.title, like.outcome, [], 0, 0, [], {"not_decrypted_because": why}, [], []
            )
            for number, why in enumerate(reasons)
        ]
        return [str(line) for line in text.closed_lines(told, Ink(100))]

    why = "no key log was given"
    assert said() == []
    assert said(why) == ["", f"Not decrypted: session 1 ({why})."]
    assert said(why, why, why)[1:] == [f"Not decrypted: sessions 1, 2 and 3 ({why})."]
    assert said(*[why] * 20)[1:] == [f"Not decrypted: 20 sessions ({why})."]
    lines = said(*map(str, range(20)))
    assert len(lines) == 1 + text.REASONS + 1
    assert "15 other reasons" in lines[-1]
