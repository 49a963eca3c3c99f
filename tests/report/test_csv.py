"""Sessions as CSV."""

import csv
import io

import pytest

from analyzer.report.csv import write_csv
from tests.report import sample


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
