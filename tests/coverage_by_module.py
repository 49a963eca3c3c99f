"""Branch coverage of each module by its own tests alone: `python tests/coverage_by_module.py [--jobs N] [MODULE...]`.

`analyzer/flows/table.py` is measured by `tests/flows/test_table.py`, a room that is a folder as a whole by
`tests/protocols/test_ROOM*.py` and `tests/protocols/ROOM/`.  Compiled modules are measured on their Python source.
Exits with 1 when a module is below `LEAST` or has no tests of its own.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEAST = 85.0  # percent of lines and branches together
SECONDS = 600
#: Modules whose code runs before anything can measure it, or in processes of its own.
APART = {"analyzer/__main__.py"}


class Target(NamedTuple):
    name: str
    sources: list[Path]
    tests: list[Path]


class Result(NamedTuple):
    target: Target
    percent: float | None  # None: no tests, or they failed
    missing: str


def targets() -> list[Target]:
    """What is measured together: mostly one module."""
    found: dict[str, Target] = {}
    for source in sorted((ROOT / "analyzer").rglob("*.py")):
        inside = source.relative_to(ROOT)
        if str(inside) in APART or not _has_code(source):
            continue
        parts = inside.parts[1:]
        if parts[0] == "protocols" and len(parts) > 2:
            room = parts[1]
            folder = ROOT / "tests" / "protocols"
            tests = sorted(
                {*folder.glob(f"test_{room}.py"), *folder.glob(f"test_{room}_*.py"), *(folder / room).glob("test_*.py")}
            )
            found.setdefault(f"protocols/{room}", Target(f"protocols/{room}", [], tests)).sources.append(source)
        else:
            name = "/".join(parts)
            tested = ROOT / "tests" / Path(*parts[:-1]) / f"test_{_test_name(parts)}.py"
            found[name] = Target(name, [source], [tested] if tested.exists() else [])
    return list(found.values())


def _test_name(parts: tuple[str, ...]) -> str:
    """`kernel` for `decode/kernel.py`, `decode` for `decode/__init__.py`, `package` for the package's own."""
    stem = Path(parts[-1]).stem
    if stem != "__init__":
        return stem
    return parts[-2] if len(parts) > 1 else "package"


def _has_code(source: Path) -> bool:
    """Whether there is anything to run but definitions of names."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(source.read_text()))
    )


def measure(target: Target) -> Result:
    if not target.tests:
        return Result(target, None, "no tests of its own")
    include = "--include=" + ",".join(str(source) for source in target.sources)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        environment = os.environ | {"ANALYZER_PURE": "1", "COVERAGE_FILE": str(Path(folder, "data"))}

        def coverage(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "coverage", *arguments]
            return subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )

        pytest = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
        try:
            tested = coverage("run", "--branch", include, *pytest, *map(str, target.tests))
        except subprocess.TimeoutExpired:
            return Result(target, None, f"its tests take longer than {SECONDS} s")
        if tested.returncode != 0:
            return Result(target, None, "its tests fail: " + " ".join(tested.stdout.split()[-12:]))
        if coverage("json", "-q", "-o", str(report), include).returncode != 0:
            return Result(target, 0.0, "its tests run none of it")
        told = json.loads(report.read_text())
    lines = [f"{Path(name).name}:{line}" for name, file in told["files"].items() for line in file["missing_lines"]]
    return Result(target, told["totals"]["percent_covered"], " ".join(lines[:12]) + (" ..." if len(lines) > 12 else ""))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="only these, e.g. capture/live.py")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    wanted = [target for target in targets() if not options.modules or target.name in options.modules]
    bad = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(measure, wanted):
            low = result.percent is None or result.percent < LEAST
            bad += low
            percent = "    -" if result.percent is None else f"{result.percent:5.1f}"
            why = f"  below  {result.missing}" if low else ""
            print(f"{percent} %  {result.target.name:<36}{why}".rstrip(), flush=True)
    print(f"{len(wanted) - bad} of {len(wanted)} have {LEAST:g} % or more of lines and branches run by their own tests")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
