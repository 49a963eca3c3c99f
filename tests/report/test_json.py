"""The report as one JSON object."""

import jsonschema

from analyzer import core
from analyzer.report import model, schema
from tests.report import sample
from tests.report.shown import as_json


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


def test_many_notes_are_cut_into_pieces_without_a_seam() -> None:
    report = sample.report()
    report.sessions[0].notes = [*report.sessions[0].notes] * 400
    read = as_json(report)
    assert len(read["sessions"][0]["notes"]) == 2800 > 2 * model.NOTES_AT_ONCE
    assert max(len(piece) for piece in model.session_bytes(report.sessions[0], "full")) < 1 << 20


def test_an_empty_report_is_a_report() -> None:
    empty = core.Report(core.Capture(), [], [], [])
    read = as_json(empty)
    jsonschema.Draft202012Validator(schema.schema()).validate(read)
    assert read["flows"] == read["sessions"] == read["findings"] == []
