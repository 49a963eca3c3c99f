"""The JSON Schema of the report, made from its types.

`python -m analyzer.report.schema` writes docs/report.schema.json.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from analyzer.report import model

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"


def schema() -> dict[str, Any]:
    """The schema of `--format json`; a line of `--format jsonl` is its definition "Line"."""
    made, parts = msgspec.json.schema_components((model.Report, model.Line), ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "$id": model.SCHEMA,
        "title": "analyzer report",
        **made[0],
        "$defs": {**dict(sorted(parts.items())), "Line": made[1]},
    }


def text() -> str:
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":  # pragma: no cover - run by hand
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}", file=sys.stderr)
