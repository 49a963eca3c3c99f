"""Every connection in a capture, explained: annotated timelines and verdicts with evidence.

    import analyzer
    report = analyzer.analyze("call.pcapng")
    for session in report.sessions:
        print(session.title, session.outcome)

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from analyzer import compiled
from analyzer.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from analyzer.api import analyze, follow
    from analyzer.core import CaptureError, Limits, Report

__all__ = ["CaptureError", "Limits", "Report", "__version__", "analyze", "follow"]

_HOMES: Final = {
    "analyze": "analyzer.api",
    "follow": "analyzer.api",
    "CaptureError": "analyzer.core",
    "Limits": "analyzer.core",
    "Report": "analyzer.core",
}

compiled.install()


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
