"""Pages of documentation made from the rooms' tables: what every finding means, and every line of a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzer import core

HEAD = """# Findings

A finding is a verdict with evidence: what happened, on which frames, why that is probably so, what to look at next, and
where the RFC says so. This page is made from the tables of the rooms (`python docs/make_findings.py`);
`analyzer explain CODE` prints an entry in the terminal.
"""


def reference(spec: str, section: str) -> str:
    """A section of `spec`, written out; empty where there is none."""
    return f"{spec} {section[1:]}" if section.startswith("§") else section


def findings_page(capture: Mapping[str, core.FindingKind], protocols: Iterable[core.Protocol]) -> str:
    """The page of all findings: those on the capture itself first, then room by room."""
    parts = [HEAD]
    if capture:
        parts.append("## The capture itself, and several connections together\n")
        parts += [_entry(code, kind, "") for code, kind in capture.items()]
    for protocol in protocols:
        if protocol.findings:
            parts.append(f"## {protocol.title} ({protocol.spec})\n")
            parts += [_entry(code, kind, protocol.spec) for code, kind in protocol.findings.items()]
    return "\n".join(parts)


def _entry(code: str, kind: core.FindingKind, spec: str) -> str:
    said = [f"### `{code}`\n", f"**{kind.severity.value}**: {kind.title}."]
    where = reference(spec, kind.spec)
    said[-1] += f" ({where})\n" if where else "\n"
    said.append(f"- Most likely: {kind.cause}")
    said.append(f"- What to do: {kind.advice}\n")
    return "\n".join(said)
