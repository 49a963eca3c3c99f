"""Writes docs/findings.md from the rooms' tables: `python docs/make_findings.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analyzer.engine import registry
from analyzer.report import pages
from analyzer.sessions.join import TABLES

FILE = Path(__file__).resolve().parent / "findings.md"


def page() -> str:
    return pages.findings_page(TABLES, registry.protocols())


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
    print(f"wrote {FILE}", file=sys.stderr)
