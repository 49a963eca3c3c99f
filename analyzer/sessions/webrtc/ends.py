"""Verdicts on what goes over the path: certificates and roles against signalling, ports, sizes, media."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Finding
    from analyzer.sessions.webrtc.view import View


def findings(view: View) -> Iterator[Finding]:
    yield from ()
