"""`analyzer interfaces`: what can be captured here, and whether you may."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from analyzer.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from analyzer.capture.interfaces import Found

SCHEMA: Final = "analyzer.interfaces/1"
HEADINGS: Final = ("interface", "state", "link type", "addresses")
GAP: Final = "  "


@click.command(name="interfaces")
@click.option("--format", type=click.Choice(("text", "json")), default="text", show_default=True, help="How to write.")
@options.OUTPUT
def command(format: str, output: Path | None) -> int:  # noqa: A002 - the option's name
    """What can be captured here, and whether you may.

    `any` stands for all interfaces at once.
    """
    from analyzer.capture import interfaces

    found = interfaces.found()
    if format == "json":
        listed = [asdict(interface) | {"link_name": interface.link_name} for interface in found]
        written = json.dumps({"schema": SCHEMA, "interfaces": listed}, indent=2) + "\n"
    else:
        allowed = all(interface.allowed for interface in found)
        closing = "You may capture on all of them." if allowed else _sentence(interfaces.not_allowed("them"))
        written = "".join(f"{line}\n" for line in [*table(found), "", closing])
    with options.Options(output=output).text_output() as (out, _):
        out.write(written)
    return 0


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def table(found: list[Found]) -> list[str]:
    """A line for each interface, in columns; one that may not be captured is marked."""
    rows = [HEADINGS]
    for interface in found:
        state = interface.state if interface.allowed else f"{interface.state}, not allowed"
        rows.append((interface.name, state, interface.link_name, ", ".join(interface.addresses)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    return [
        GAP.join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
