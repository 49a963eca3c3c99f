"""Where test captures come from: our own in `captures/`, and two folders that may be missing."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("ANALYZER_CORPUS", ROOT.parent / "shared" / "corpus"))
LAB = Path(os.environ.get("ANALYZER_LAB", ROOT.parent / "shared" / "lab"))
#: Set where a missing folder is a failure and not a reason to skip.
REQUIRED = os.environ.get("ANALYZER_REQUIRE_CAPTURES") == "1"
#: The same for tests that capture on an interface.
LIVE_REQUIRED = os.environ.get("ANALYZER_REQUIRE_LIVE") == "1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `live` run where this process may capture."""
    if item.get_closest_marker("live") is None:
        return
    from analyzer.capture import interfaces

    if sys.platform != "linux" or not interfaces.may_capture():
        if LIVE_REQUIRED:
            pytest.fail("capturing is not allowed and ANALYZER_REQUIRE_LIVE is set")
        pytest.skip("needs the right to capture")


def present(path: Path) -> Path:
    """`path`, or the test is skipped (or failed, where the captures are required)."""
    if not path.exists():
        if REQUIRED:
            pytest.fail(f"{path.name} is missing and ANALYZER_REQUIRE_CAPTURES is set")
        pytest.skip(f"{path.name} is not here")
    return path


def corpus_file(name: str) -> Path:
    return present(CORPUS / "files" / name)


def lab_file(name: str) -> Path:
    return present(LAB / "captures" / name)


def corpus_files() -> list[Path]:
    """All captures of the corpus, none where it is missing: for parametrised tests."""
    folder = CORPUS / "files"
    return sorted(path for path in folder.glob("*") if path.suffix != ".keylog") if folder.exists() else []
