"""Compiled and interpreted forms: which runs, and that the choice changes no result."""

import ast
import json
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from analyzer import compiled
from tests.cli.called import HTTP, process


def test_the_environment_forces_the_interpreted_forms(tmp_path: Path) -> None:
    path = tmp_path / "http.pcap"
    path.write_bytes(HTTP)
    environment = {**os.environ, compiled.VARIABLE: "1"}
    version = process("--version", env=environment).stdout.decode()
    assert version.count("interpreted") == 2
    pure = process("report", path, "--format", "json", env=environment).stdout
    assert json.loads(pure) == json.loads(process("report", path, "--format", "json").stdout)


def test_source_is_found_before_what_lies_beside_it() -> None:
    finder = compiled.SourceFirst()
    import analyzer.decode
    import analyzer.flows

    spec = finder.find_spec("analyzer.flows.table", list(analyzer.flows.__path__))
    assert spec is not None
    assert str(spec.origin).endswith("table.py")
    assert finder.find_spec("analyzer.decode.slow", list(analyzer.decode.__path__)) is None
    assert finder.find_spec("analyzer.flows.table", ["/nowhere"]) is None
    assert finder.find_spec("analyzer.flows.table", None) is None


def test_the_finder_is_installed_once_and_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, compiled.SourceFirst)]
    monkeypatch.setenv(compiled.VARIABLE, "0")
    compiled.install()
    before = len(sys.meta_path)
    monkeypatch.setenv(compiled.VARIABLE, "1")
    compiled.install()
    compiled.install()
    assert len(sys.meta_path) == before + 1


def test_each_form_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = {
        compiled.NAMES[0]: ModuleSpec(compiled.NAMES[0], None, origin="walk.abi3.so"),
        compiled.NAMES[1]: ModuleSpec(compiled.NAMES[1], None, origin="kernel.py"),
    }

    def find(name: str) -> ModuleSpec:
        if name not in specs:
            raise ImportError(name)
        return specs[name]

    monkeypatch.setattr(compiled, "find_spec", find)
    assert list(compiled.forms(compiled.NAMES[:3]).values()) == ["compiled", "interpreted", "missing"]


@pytest.mark.parametrize("name", compiled.UNITS)
def test_a_name_is_of_one_type_of_exception_in_a_function(name: str) -> None:
    """mypyc takes the type of the first `except ... as NAME` for all of them, and fails where another comes."""
    path = Path(__file__).resolve().parent.parent.joinpath(*name.split(".")).with_suffix(".py")
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        types: dict[str, str] = {}
        for handler in ast.walk(function):
            if isinstance(handler, ast.ExceptHandler) and handler.name and handler.type:
                kind = ast.unparse(handler.type)
                assert types.setdefault(handler.name, kind) == kind, f"{function.name}: {handler.name}"
