"""From what the analysis found to JSON."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analyzer.report import plain
from tests.report import sample
from tests.report.shown import as_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_summary_leaves_out_notes_and_bytes_adds_the_tree() -> None:
    report = sample.report()
    report.sessions[0].notes = [*report.sessions[0].notes, sample.traced()]
    assert "notes" not in as_json(report, "summary")["sessions"][0]
    assert "bytes" not in as_json(report)["sessions"][0]["notes"][-1]
    tree = as_json(report, "bytes")["sessions"][0]["notes"][-1]["bytes"]
    assert tree[0] == {"name": "source_port", "spans": [[4, 34, 36]], "value": 80, "hex": "0050"}
    assert [field["name"] for field in tree[1]["fields"]] == ["kind", "raw"]
    assert tree[1]["fields"][1]["value"] == "474554"


def test_names_of_files_may_be_no_text() -> None:
    report = sample.report()
    report.capture.files[0].name = "a\udcff.pcap"
    assert as_json(report)["capture"]["files"][0]["name"] == "a\\udcff.pcap"


@given(st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=8), values, max_size=4), st.text())
def test_any_fields_become_json(fields: dict[str, Any], text: str) -> None:
    report = sample.report()
    report.sessions[0].notes = [sample.note("tcp.syn", text + "\ud800", (1,), 0, fields=fields)]
    report.sessions[0].facts = fields
    read = as_json(report)
    assert set(read["sessions"][0]["notes"][0]["fields"]) == {plain.clean(name) for name in fields}
