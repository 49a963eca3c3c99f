"""The JSON forms: valid by the schema, complete, written piece by piece."""

import io
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import core
from analyzer.report import model, schema
from analyzer.report.json import write_json
from analyzer.report.jsonl import Writer, write_jsonl
from tests.report import sample

DETAILS: tuple[model.Detail, ...] = ("full", "summary", "bytes")


def as_json(report: core.Report, detail: model.Detail = "full") -> dict[str, Any]:
    out = io.BytesIO()
    write_json(report, out, detail)
    read = json.loads(out.getvalue())
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize("detail", DETAILS)
def test_json_is_valid_by_its_schema(detail: model.Detail) -> None:
    report = sample.report()
    report.sessions[0].notes.append(sample.traced())
    jsonschema.Draft202012Validator(schema.schema()).validate(as_json(report, detail))


@pytest.mark.parametrize("detail", DETAILS)
def test_lines_are_valid_by_their_schema_and_tagged(detail: model.Detail) -> None:
    report = sample.report()
    report.sessions[0].notes.append(sample.traced())
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


def test_json_says_what_the_contract_says() -> None:
    read = as_json(sample.report())
    assert read["schema"] == "analyzer.report/1"
    assert list(read) == ["schema", "capture", "flows", "sessions", "findings"]
    flow, session = read["flows"][0], read["sessions"][0]
    assert flow["initiator"] == {"address": "10.77.0.1", "port": 46288}
    assert (flow["tcp"]["syn"], flow["tcp"]["syn_ack"], flow["tcp"]["ack"]) == (1, 2, 3)
    assert flow["tcp"]["lost_bytes"] == [0, 1448]
    assert read["flows"][2]["tcp"] is None
    assert session["phases"][0] == {
        "name": "tcp",
        "start_ns": sample.START_NS,
        "end_ns": sample.START_NS + 42_000,
        "round_trips": 1,
        "outcome": "established",
    }
    request = session["notes"][3]
    assert request["frames"] == [4, 5]
    assert request["spans"] == [[4, 54, 154], [5, 54, 154]]
    assert (request["sender"], request["path"], request["verdict"]) == ("initiator", ["tcp", "http1"], None)
    assert session["notes"][4]["sender"] is None
    assert read["findings"][0]["frames"] == [11, 12, 13, 14]
    assert read["findings"][1]["session"] is None


def test_summary_leaves_out_notes_and_bytes_adds_the_tree() -> None:
    report = sample.report()
    report.sessions[0].notes.append(sample.traced())
    assert "notes" not in as_json(report, "summary")["sessions"][0]
    assert "bytes" not in as_json(report)["sessions"][0]["notes"][-1]
    tree = as_json(report, "bytes")["sessions"][0]["notes"][-1]["bytes"]
    assert tree[0] == {"name": "source_port", "spans": [[4, 34, 36]], "value": 80, "hex": "0050"}
    assert [field["name"] for field in tree[1]["fields"]] == ["kind", "raw"]
    assert tree[1]["fields"][1]["value"] == "474554"


def test_many_notes_are_cut_into_pieces_without_a_seam() -> None:
    report = sample.report()
    report.sessions[0].notes *= 400
    read = as_json(report)
    assert len(read["sessions"][0]["notes"]) == 2800 > 2 * model.NOTES_AT_ONCE
    assert max(len(piece) for piece in model.session_bytes(report.sessions[0], "full")) < 1 << 20


def test_an_empty_report_is_a_report() -> None:
    empty = core.Report(core.Capture(), [], [], [])
    read = as_json(empty)
    jsonschema.Draft202012Validator(schema.schema()).validate(read)
    assert read["flows"] == read["sessions"] == read["findings"] == []


def test_a_note_by_itself_is_a_line() -> None:
    out = io.BytesIO()
    Writer(out).note(sample.http_notes()[0])
    line = json.loads(out.getvalue())
    assert (line["type"], line["kind"]) == ("note", "tcp.syn")


def test_names_of_files_may_be_no_text() -> None:
    report = sample.report()
    report.capture.files[0].name = "a\udcff.pcap"
    assert as_json(report)["capture"]["files"][0]["name"] == "a\\udcff.pcap"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=8), values, max_size=4), st.text())
def test_any_fields_become_json(fields: dict[str, Any], text: str) -> None:
    report = sample.report()
    report.sessions[0].notes = [sample.note("tcp.syn", text + "\ud800", (1,), 0, fields=fields)]
    report.sessions[0].facts = fields
    read = as_json(report)
    assert set(read["sessions"][0]["notes"][0]["fields"]) == {model.clean(name) for name in fields}


def test_the_schema_in_the_documentation_is_current() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: python -m analyzer.report.schema"


def test_types_of_the_model_read_what_was_written() -> None:
    out = io.BytesIO()
    write_json(sample.report(), out)
    read = msgspec.json.decode(out.getvalue(), type=model.Report)
    assert read.sessions[0].title == sample.report().sessions[0].title
