"""What people read: at any width, whatever was captured, and the same words in every form."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Outcome, Phase, Severity
from analyzer.report import ink, markdown, text, timeline, words
from analyzer.report.csv import write_csv
from analyzer.report.ink import Ink, Line
from tests.report import sample

KINDS = {
    "tcp.syn": core.Kind("§3.5", "Asks for a connection, and says where its sequence numbers begin.", "SYN"),
    "tcp.syn-ack": core.Kind("§3.5", "Agrees.", "SYN-ACK"),
}
WIDTHS = (60, 80, 100, 120, 160, 240)


def printed(report: core.Report, width: int = 80, **how: bool) -> list[str]:
    out = io.StringIO()
    text.write_text(report, out, Ink(width), **how)
    return out.getvalue().splitlines()


def ladder(report: core.Report, width: int = 80, show: timeline.Show | None = None, session: int = 0) -> list[str]:
    paper = Ink(width)
    lines = timeline.session_lines(report.sessions[session], report, KINDS, paper, show or timeline.Show())
    return [line.painted(paper) for line in lines]


def everything(report: core.Report, width: int) -> Iterator[str]:
    yield from printed(report, width, notices=True)
    for session in range(len(report.sessions)):
        yield from ladder(report, width, timeline.Show(explain=True, bytes=True), session)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    report = sample.report()
    report.sessions[0].notes.append(sample.traced())
    for line in everything(report, width):
        assert ink.cells(line) <= width, line


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
    report.sessions = [fine] * 1000 + [report.sessions[1]] * 100
    lines = printed(report)
    assert sum(1 for line in lines if "unanswered" in line) == text.ROWS + 1
    assert "Not listed: 1,000 http established, 40 tcp unanswered (--all lists every one)." in " ".join(lines)
    assert sum(1 for line in printed(report, everything=True) if re.match(r" *\d+  (http|tcp)", line)) == 1100


def test_many_findings_of_one_code_are_counted() -> None:
    report = sample.report()
    report.findings = [
        sample.verdict(number, "tcp.syn-no-reply", Severity.ERROR, number % 3, "again", (1,)) for number in range(500)
    ]
    lines = printed(report)
    assert sum(1 for line in lines if line.startswith("error")) == text.SAME_FINDINGS
    assert "497 more tcp.syn-no-reply in sessions 1, 2, 3 (--all tells each)." in lines
    assert sum(1 for line in printed(report, everything=True) if line.startswith("error")) == 500


# --- timelines --------------------------------------------------------------------------------------------------------


def test_a_timeline_is_a_ladder() -> None:
    lines = ladder(sample.report(), 120)
    assert lines[0].startswith("1  http  http://www.example.org")
    syn = next(line for line in lines if "SYN -----" in line)
    assert re.search(r"^ +1 +0\.000 .* b SYN -+>  MSS 1460.*RFC 9293 3\.5$", syn)
    answer = next(line for line in lines if "SYN-ACK" in line)
    assert re.search(r"\+0\.027 ms +b <-+ SYN-ACK  MSS 1460", answer)
    assert "RFC" not in answer, "a section is told once"
    assert any(re.search(r"\+1\.213 s +\+1\.2s .*<-+ response", line) for line in lines), "a long gap stands out"
    assert any("· gap  ·" in line.replace("·  gap", "· gap") for line in lines)
    assert any("! tcp.odd" in line for line in lines)


def test_long_words_go_below_the_arrow_on_a_narrow_terminal() -> None:
    lines = ladder(sample.report(), 80)
    at = next(index for index, line in enumerate(lines) if "SYN ------" in line)
    assert lines[at + 1].strip() == "MSS 1460, window scale 10, SACK, timestamps"


def test_explain_says_what_a_message_is_for() -> None:
    lines = ladder(sample.report(), 160, timeline.Show(explain=True))
    assert any("Asks for a connection" in line for line in lines)
    assert any("200 bytes in frames 4 and 5." in line for line in lines)


def test_bytes_show_the_tree_of_fields() -> None:
    report = sample.report()
    report.sessions[0].notes.append(sample.traced())
    lines = ladder(report, 80, timeline.Show(bytes=True))
    assert any(re.search(r"4:34-36 +source_port = 80 +00 50$", line) for line in lines)
    assert any(re.search(r"4:38-41 +raw = \"GET\" +47 45 54$", line) for line in lines)
    assert any("frame 4 bytes 54-154, frame 5 bytes 54-154" in line for line in lines)


def test_a_session_without_notes_says_so() -> None:
    assert any("nothing to tell" in line for line in ladder(sample.report(), session=2))


# --- hostile text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 160])
def test_nothing_captured_reaches_the_terminal_as_control(width: int) -> None:
    report = sample.report()
    for line in everything(report, width):
        assert line.isprintable(), line
    out = io.StringIO()
    markdown.write_markdown(report, out, notices=True)
    write_csv(report, out)
    assert all(line.isprintable() for line in out.getvalue().replace("\r\n", "\n").split("\n"))


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=())), st.integers(60, 170))
def test_any_text_is_printed_within_the_width(said: str, width: int) -> None:
    report = sample.report()
    report.sessions[0].title = said
    report.sessions[0].notes = [sample.note("tcp.syn", said, (1,), 0), sample.note(f"x.{said}", said, (2,), 1, None)]
    report.findings[0].text = said
    report.findings[0].code = said
    report.capture.files[0].name = said
    for line in everything(report, width):
        assert line.isprintable()
        assert ink.cells(line) <= width
    out = io.StringIO()
    markdown.write_markdown(report, out)
    write_csv(report, out)


def test_markup_of_rich_means_nothing() -> None:
    assert Line("[bold]x[/bold]").painted(Ink(80, colour=True)) == "[bold]x[/bold]"


def test_markdown_is_escaped() -> None:
    assert markdown.escaped("<b>*x*</b> [a](http://e) www.e") == r"\<b\>\*x\*\</b\> \[a\](http:\//e) www\.e"
    assert markdown.escaped("- x") == r"\- x"
    assert markdown.escaped("1. x") == r"1\. x"
    assert markdown.code("a|b`c``") == "``` a\\|b`c`` ```"
    out = io.StringIO()
    markdown.write_markdown(sample.report(), out, notices=True)
    rows = [line for line in out.getvalue().splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 9 for row in rows)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "\r@"])
def test_csv_has_no_formulas(start: str) -> None:
    report = sample.report()
    report.sessions[0].title = f"{start}cmd|' /C calc'!A0"
    out = io.StringIO()
    write_csv(report, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert not rows[0]["title"].lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert len(rows) == 3
    assert rows[0]["set_up_ms"] == "1212.6"
    assert rows[0]["start"] == "2023-11-14T22:13:20.000000000Z"


# --- ink and words ----------------------------------------------------------------------------------------------------


def test_colours_are_those_that_survive() -> None:
    paper = Ink(80, colour=True)
    out = "".join(line.painted(paper) for line in text.lines(sample.report(), paper, notices=True))
    codes = {code for found in re.findall(r"\x1b\[([\d;]+)m", out) for code in found.split(";")}
    assert codes <= {"0", "1", "2", "31", "32", "33", "36"}
    assert "31" in codes


def test_without_colour_there_is_no_escape_and_without_unicode_only_ascii() -> None:
    paper = Ink(60, unicode=False)
    for line in text.lines(sample.report(), paper):
        assert line.painted(paper).isascii()


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0, "0 ms"),
        (42_000, "0.042 ms"),
        (420_000, "0.42 ms"),
        (3_440_000, "3.44 ms"),
        (19_460_000, "19.5 ms"),
        (388_000_000, "388 ms"),
        (999_900_000, "1.00 s"),
        (15_510_000_000, "15.5 s"),
        (125_000_000_000, "2 min 5 s"),
        (7_500_000_000_000, "2 h 5 min"),
        (200_000_000_000_000, "2 d 7 h"),
        (-42_000, "-0.042 ms"),
    ],
)
def test_durations_are_said_as_a_person_would(ns: int, said: str) -> None:
    assert words.duration(ns) == said


def test_frames_are_listed() -> None:
    assert words.frames(()) == ""
    assert words.frames((4,)) == "frame 4"
    assert words.frames((4, 6)) == "frames 4 and 6"
    assert words.frames((4, 6, 9)) == "frames 4, 6 and 9"
    assert words.frames(tuple(range(26, 268))) == "frames 26 to 267"


def test_what_a_capture_lacks_is_said() -> None:
    report = sample.report()
    assert words.covered(report)[:3] == ["both directions", "from the first SYN", "1,448 bytes missing"]
    tcp = report.flows[0].tcp
    assert tcp is not None
    tcp.syn = None
    report.flows[0].packets = (5, 0)
    said = words.covered(report)
    assert said[0] == "one direction only in 1 of 2 TCP connections"
    assert said[1] == "1 of 2 TCP connections without the beginning"
    assert words.covered(core.Report(core.Capture(), [], [], [])) == []


def test_time_between_phases_is_told() -> None:
    report = sample.report()
    report.sessions[0].phases[1] = Phase(
        "http", sample.START_NS + 500_000_000, sample.START_NS + 1_000_000_000, Outcome.ESTABLISHED
    )
    assert "between them 500 ms" in words.breakdown(report.sessions[0], None)[0]


def test_cutting_keeps_to_cells() -> None:
    assert ink.cut("abcdef", 4) == "abc…"
    assert ink.cells(ink.cut("漢字漢字漢字", 5)) <= 5
    assert (
        ink.cut_middle("[2001:db8::1]:443", 12) == "[200…1]:443"
        or ink.cells(ink.cut_middle("[2001:db8::1]:443", 12)) == 12
    )
    assert ink.wrap("a b\nc", 8) == ["a b", "c"]
    assert all(ink.cells(line) <= 10 for line in ink.wrap("漢字" * 20 + " abc " * 5, 10))
