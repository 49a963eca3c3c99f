"""Which modules Cython may have compiled, and which of the two forms of each runs.

`ANALYZER_PURE=1` makes their Python source run even where a compiled form lies beside it.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

NAMES: Final = ("analyzer.capture.walk", "analyzer.decode.kernel", "analyzer.flows.table")
VARIABLE: Final = "ANALYZER_PURE"


class SourceFirst:
    """Finds the Python source of the modules in `NAMES`, passing over compiled forms."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in NAMES:
            return None
        for folder in path or ():
            source = os.path.join(folder, f"{fullname.rpartition('.')[2]}.py")  # noqa: PTH118 - pathlib is slow to import
            if os.path.exists(source):  # noqa: PTH110
                return spec_from_file_location(fullname, source)
        return None


def install() -> None:
    """Make the interpreted forms run, if the environment asks for it."""
    if os.environ.get(VARIABLE) == "1" and not any(isinstance(finder, SourceFirst) for finder in sys.meta_path):
        sys.meta_path.insert(0, SourceFirst())


def forms() -> dict[str, str]:
    """For each module that may be compiled: "compiled", "interpreted" or "missing"."""
    found = {}
    for name in NAMES:
        try:
            spec = find_spec(name)
        except ImportError:
            spec = None
        if spec is None or spec.origin is None:
            found[name] = "missing"
        else:
            found[name] = "compiled" if spec.origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"
    return found
