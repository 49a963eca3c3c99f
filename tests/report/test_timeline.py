"""Timelines, and everything printed at any width, whatever was captured."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.report import ink, markdown, timeline
from analyzer.report.csv import write_csv
from tests.report import sample
from tests.report.shown import WIDTHS, everything, ladder


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
    report.sessions[0].notes = [*report.sessions[0].notes, sample.traced()]
    lines = ladder(report, 80, timeline.Show(bytes=True))
    assert any(re.search(r"4:34-36 +source_port = 80 +00 50$", line) for line in lines)
    assert any(re.search(r"4:38-41 +raw = \"GET\" +47 45 54$", line) for line in lines)
    assert any("frame 4 bytes 54-154, frame 5 bytes 54-154" in line for line in lines)


def test_a_session_without_notes_says_so() -> None:
    assert any("nothing to tell" in line for line in ladder(sample.report(), session=2))


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    report = sample.report()
    report.sessions[0].notes = [*report.sessions[0].notes, sample.traced()]
    for line in everything(report, width):
        assert ink.cells(line) <= width, line


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


def with_run(count: int, verdicts: tuple[int, ...] = ()) -> core.Report:
    """A session in which `count` notes of one protocol follow each other, between two of others."""
    report = sample.report()
    notes = [sample.note("websocket.text", f"said {at}", (100 + at,), at, core.SIDES[at % 2]) for at in range(count)]
    for at in verdicts:
        notes[at].verdict = "websocket.odd"
    report.sessions[0].notes = [sample.note("tcp.syn", "", (1,), 0), *notes, sample.note("tcp.fin", "", (9999,), 9)]
    return report


def told(lines: list[str]) -> list[int]:
    return [int(found[1]) for line in lines if (found := re.search(r"said (\d+)", line))]


def test_a_long_run_is_folded() -> None:
    lines = ladder(with_run(1000), 120)
    assert told(lines) == [*range(30), *range(990, 1000)]
    at = next(index for index, line in enumerate(lines) if "…" in line)
    assert "960 text: 480 to the right, 480 to the left" in lines[at]
    assert "frames 130 to 1089 (--all shows them)" in " ".join(" ".join(lines[at : at + 2]).split())
    assert "said 29" in lines[at - 1]


@pytest.mark.parametrize(("count", "shown"), [(59, 59), (60, 40), (61, 40)])
def test_a_run_is_folded_where_it_saves_lines(count: int, shown: int) -> None:
    assert len(told(ladder(with_run(count), 120))) == shown


def test_what_has_a_verdict_is_never_folded() -> None:
    lines = ladder(with_run(1000, (500,)), 120)
    assert told(lines) == [*range(30), *range(490, 530), *range(990, 1000)]


def test_all_lines_are_shown_when_asked() -> None:
    lines = ladder(with_run(1000), 120, timeline.Show(everything=True))
    assert told(lines) == [*range(1000)]


def test_messages_are_shown_whole_when_asked() -> None:
    report = with_run(3)
    first, second, third = report.sessions[0].notes[1:4]
    first.fields = {"message": "one\ntwo " + "z" * 100, "message_type": "text"}
    second.fields = {"message": "00ff", "message_type": "binary"}
    third.fields = {"message": "said 2", "message_type": "text"}  # its line says so already
    lines = [line.strip() for line in ladder(report, 80, timeline.Show(messages=True))]
    assert "one" in lines
    assert sum(line.count("z") for line in lines if not line.strip("z")) == 100
    assert "00 ff" in lines
    assert told(lines) == [0, 1, 2]
    assert "one" not in [line.strip() for line in ladder(report, 80)]
