"""What makes one session of several flows: a joiner for each kind of thing that a person calls one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from analyzer.core import Finding, FindingKind, Session, Story


@dataclass(frozen=True, slots=True)
class Joiner:
    """Finds the flows that belong together, and says what only all of them show.

    `groups` gets all stories in order of their first frames, and gives those that make one session, what the others
    led to last; a story that is in two groups stays in the first.  `tell` gets every session with its group; of those
    that concern it, it may complete title, kind, phases, outcome and facts, and gives findings.
    """

    groups: Callable[[Sequence[Story]], Iterable[Sequence[Story]]]
    tell: Callable[[Session, Sequence[Story]], Iterable[Finding]]
    findings: Mapping[str, FindingKind]
