"""The JSON Schema: current, and kept to."""

import io

import jsonschema
import msgspec
import pytest

from analyzer.report import model, schema
from analyzer.report.json import write_json
from tests.report import sample
from tests.report.shown import DETAILS, as_json


@pytest.mark.parametrize("detail", DETAILS)
def test_json_is_valid_by_its_schema(detail: model.Detail) -> None:
    report = sample.report()
    report.sessions[0].notes = [*report.sessions[0].notes, sample.traced()]
    jsonschema.Draft202012Validator(schema.schema()).validate(as_json(report, detail))


def test_the_schema_in_the_documentation_is_current() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: python -m analyzer.report.schema"


def test_types_of_the_model_read_what_was_written() -> None:
    out = io.BytesIO()
    write_json(sample.report(), out)
    read = msgspec.json.decode(out.getvalue(), type=model.Report)
    assert read.sessions[0].title == sample.report().sessions[0].title
