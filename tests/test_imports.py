"""Imports point one way, heavy libraries are imported where they are used, and each foreign one in one module."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "analyzer"

#: part -> the parts of ours that it may import, besides itself (the table of STYLE and of docs/architecture.md)
ALLOWED = {
    "core": set[str](),
    "capture": {"core"},
    "decode": {"core"},
    "flows": {"core", "decode"},
    "protocols": {"core"},
    "engine": {"core", "flows"},
    "sessions": {"core"},
    "report": {"core"},
    # What is no part: facts of the package itself, and what stands in for Cython.
    "version": set[str](),
    "shadow": set[str](),
    "compiled": set[str](),
}
#: the doors to the whole, which may import anything
DOORS = {"__init__", "__main__", "api", "cli"}
#: every part may ask these
FREE = {"version", "shadow", "compiled"}

#: each imported by one adapter module at most
FOREIGN = ("scapy", "dpkt", "pyshark")
#: never loaded by `import analyzer` or `analyzer --help`
HEAVY = {"numpy", "rich", "scapy", "dpkt", "pyshark", "cryptography", "msgspec", "asyncio", "zstandard", "lz4"}


def modules() -> list[tuple[str, Path]]:
    """Every module of the package: its name and its file."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 2:
            parts.pop()
        found.append((".".join(parts), path))
    return found


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from analyzer.capture import live` names a module or something in one: either way its part is told.
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part(module: str) -> str:
    """`analyzer.capture.live` -> `capture`."""
    return module.split(".")[1] if "." in module else "__init__"


MODULES = modules()


def test_there_are_modules() -> None:
    assert len(MODULES) > 10


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_imports_point_one_way(name: str, path: Path) -> None:
    ours = part(name)
    if ours in DOORS:
        return
    assert ours in ALLOWED, f"{name} belongs to no part that this test knows"
    allowed = ALLOWED[ours] | FREE | {ours}
    found = {imported for imported in imports(path) if imported.startswith("analyzer.")}
    if ours == "engine":
        found.discard("analyzer.protocols")  # the package itself, to list the rooms in it
    assert {imported for imported in found if part(imported) not in allowed} == set()


def rooms() -> list[tuple[str, str, Path]]:
    """Each module of `protocols/`: the room it belongs to, its name and its file."""
    found = []
    for name, path in MODULES:
        if name.startswith("analyzer.protocols."):
            found.append((name.split(".")[2], name, path))
    return found


#: What rooms may take from each other; TLS has more to give, to those that carry its handshake.
SHARED = {"names", "messages"}
SHARED_BY_TLS = SHARED | {
    "certificates",
    "findings",
    "handshake",
    "keys",
    "protection",
    "registries",
    "schedule",
    "state",
    "wording",
}


@pytest.mark.parametrize(("room", "name", "path"), rooms(), ids=[name for _, name, _ in rooms()])
def test_rooms_share_no_dissectors(room: str, name: str, path: Path) -> None:
    for imported in imports(path):
        parts = imported.split(".")
        if parts[:2] == ["analyzer", "protocols"] and len(parts) > 2 and parts[2] != room:
            shared = SHARED_BY_TLS if parts[2] == "tls" else SHARED
            assert set(parts[3:4]) & shared, f"{name} imports {imported}"


@pytest.mark.parametrize("library", FOREIGN)
def test_each_foreign_library_is_imported_in_one_module(library: str) -> None:
    users = {name for name, path in MODULES if any(one.split(".")[0] == library for one in imports(path))}
    assert len(users) <= 1


@pytest.mark.parametrize(
    "command", ["import analyzer", "from analyzer.cli.main import main; main(['--help'], standalone_mode=False)"]
)
def test_nothing_heavy_is_imported_before_it_is_used(command: str) -> None:
    code = f"{command}\nimport sys\nprint('loaded', *sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert not loaded & HEAVY
