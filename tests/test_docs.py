"""The documentation is true: examples run, outputs and generated pages are current, links lead somewhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL)


def script(name: str) -> ModuleType:
    """A script of docs/, loaded."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_python_examples_run(example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example, "docs/python.md", "exec"), {})
    assert capsys.readouterr().out or "def " in example


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "guide.md"], ids=lambda page: page.name)
def test_outputs_shown_are_those_of_the_commands(page: Path) -> None:
    assert script("make_examples").shown(page.read_text()) == page.read_text(), "run: python docs/make_examples.py"


def test_the_page_of_findings_is_current() -> None:
    made = script("make_findings")
    assert made.FILE.read_text() == made.page(), "run: python docs/make_findings.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_captures_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in target or (page.parent / target).exists(), target
    for name in re.findall(r"captures/[\w/]+\.pcapng", text):
        assert (ROOT / name).exists(), name
