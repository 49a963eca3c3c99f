"""Pages made from tables."""

from analyzer import core
from analyzer.core import FindingKind, Kind, Severity
from analyzer.report import pages

KNOCK = core.Protocol(
    "knock",
    "Knock",
    "RFC 0",
    ("tcp",),
    {"knock.open": Kind("§2.3", "The gate lets the caller in.")},
    {"knock.denied": FindingKind(Severity.ERROR, "Refused", "§2.4", cause="Unknown caller.", advice="Compare names.")},
    None,
    None,
)
CAPTURE = {"capture.drops": FindingKind(Severity.NOTICE, "Lost packets", "", cause="Too slow.", advice="Buffer.")}


def test_every_finding_has_its_entry() -> None:
    page = pages.findings_page(CAPTURE, [KNOCK])
    assert page.index("### `capture.drops`") < page.index("## Knock (RFC 0)") < page.index("### `knock.denied`")
    assert "**error**: Refused. (RFC 0 2.4)" in page
    assert "**notice**: Lost packets.\n" in page
    assert "- What to do: Compare names." in page


def test_without_findings_there_is_no_chapter() -> None:
    assert "##" not in pages.findings_page({}, [core.Protocol("x", "X", "RFC 1", (), {}, {}, None, None)])
