"""Lines for a terminal: colours, width, and nothing captured that acts on it."""

import re

from analyzer.report import ink, text
from analyzer.report.ink import Ink, Line
from tests.report import sample


def test_markup_of_rich_means_nothing() -> None:
    assert Line("[bold]x[/bold]").painted(Ink(80, colour=True)) == "[bold]x[/bold]"


def test_without_colour_there_is_no_escape_and_without_unicode_only_ascii() -> None:
    paper = Ink(60, unicode=False)
    for line in text.lines(sample.report(), paper):
        assert line.painted(paper).isascii()


def test_cutting_keeps_to_cells() -> None:
    assert ink.cut("abcdef", 4) == "abc…"
    assert ink.cells(ink.cut("漢字漢字漢字", 5)) <= 5
    assert (
        ink.cut_middle("[2001:db8::1]:443", 12) == "[200…1]:443"
        or ink.cells(ink.cut_middle("[2001:db8::1]:443", 12)) == 12
    )
    assert ink.wrap("a b\nc", 8) == ["a b", "c"]
    assert all(ink.cells(line) <= 10 for line in ink.wrap("漢字" * 20 + " abc " * 5, 10))


def test_colours_are_those_that_survive() -> None:
    paper = Ink(80, colour=True)
    out = "".join(line.painted(paper) for line in text.lines(sample.report(), paper, notices=True))
    codes = {code for found in re.findall(r"\x1b\[([\d;]+)m", out) for code in found.split(";")}
    assert codes <= {"0", "1", "2", "31", "32", "33", "36"}
    assert "31" in codes


def test_rows_of_words_keep_their_column() -> None:
    row = "The client offered   TLS 1.3, TLS_AES_128_GCM_SHA256 and some more that is long"
    assert ink.label(row, 40) == "The client offered   "
    first, *others = ink.wrap(row, 50)
    assert first.startswith("The client offered   TLS 1.3,")
    assert others
    assert all(line.startswith(" " * 21) and line[21] != " " for line in others)
    assert ink.wrap("The client offered   x", 50) == ["The client offered   x"]
    # A label wider than there is room for is no label, nor is what stands in a table.
    assert ink.label(row, 10) == ""
    assert ink.label("    a   b", 40) == ""
    assert all(len(line) <= 22 for line in ink.wrap(row, 22))
