"""The report as lines of JSON."""

import io
import json

import jsonschema
import pytest

from analyzer.report import model, schema
from analyzer.report.jsonl import Writer, write_jsonl
from tests.report import sample
from tests.report.shown import DETAILS, as_json


@pytest.mark.parametrize("detail", DETAILS)
def test_lines_are_valid_by_their_schema_and_tagged(detail: model.Detail) -> None:
    report = sample.report()
    report.sessions[0].notes = [*report.sessions[0].notes, sample.traced()]
    out = io.BytesIO()
    write_jsonl(report, out, detail)
    whole = schema.schema()
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/Line", "$defs": whole["$defs"]})
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    for line in lines:
        validator.validate(line)
    assert [line["type"] for line in lines] == ["capture"] + ["flow"] * 3 + ["session"] * 3 + ["finding"] * 3
    one = as_json(report, detail)
    untagged = [{name: value for name, value in line.items() if name != "type"} for line in lines]
    assert untagged == [one["capture"], *one["flows"], *one["sessions"], *one["findings"]]


def test_a_note_by_itself_is_a_line() -> None:
    out = io.BytesIO()
    Writer(out).note(sample.http_notes()[0])
    line = json.loads(out.getvalue())
    assert (line["type"], line["kind"]) == ("note", "tcp.syn")
