"""Writes what the analysis says of a capture as its expected timeline: for a person to read before it is committed.

python -m captures.expect captures/tcp/syn_refused.pcapng ...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import analyzer


def told(path: Path) -> dict[str, Any]:
    """Lines of the timelines and codes of the findings, as CASE.json has them."""
    keys = path.with_suffix(".keys")
    report = analyzer.analyze(path, keylog=keys if keys.exists() else None)
    return {
        "sessions": [f"{session.kind} {session.title}: {session.outcome}" for session in report.sessions],
        "timeline": [
            {"frames": list(note.frames), "kind": note.kind, "text": note.text}
            for session in report.sessions
            for note in session.notes
        ],
        "findings": [{"code": finding.code, "severity": str(finding.severity)} for finding in report.findings],
    }


def written(expected: dict[str, Any]) -> str:
    """As JSON with a line for each session, note and finding."""
    parts = []
    for name, entries in expected.items():
        lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
        parts.append(f' "{name}": [\n{lines}\n ]' if entries else f' "{name}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(paths: list[str]) -> None:
    for name in paths:
        path = Path(name)
        path.with_suffix(".json").write_text(written(told(path)), encoding="utf-8")
        print(path.with_suffix(".json"))


if __name__ == "__main__":
    main(sys.argv[1:])
