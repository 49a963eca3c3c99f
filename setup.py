"""Builds the compiled modules where there is a compiler; without one the same sources run interpreted."""

import os
from functools import cache
from runpy import run_path
from shutil import which
from sysconfig import get_config_var

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

#: The lists of modules; the package itself can't be imported before what it needs is there.
COMPILED = run_path("analyzer/compiled.py")
#: The types were checked before; here they only have to be known.
LENIENT = ("--config-file=", "--follow-imports=silent", "--ignore-missing-imports")


def source(name: str) -> str:
    return name.replace(".", "/") + ".py"


def passes() -> list[Extension]:
    from Cython.Build import cythonize

    return cythonize(
        [Extension(name, [source(name)], extra_compile_args=["-O3"]) for name in COMPILED["PASSES"]],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "embedsignature": True,
        },
    )


def units() -> list[Extension]:
    from mypyc.build import mypycify

    sources = [source(name) for name in COMPILED["UNITS"]]
    return mypycify(
        [*LENIENT, *sources],
        opt_level="1",
        debug_level="0",
        target_dir="build/mypyc",
        group_name="analyzer_units",
        multi_file=True,  # one file of all of them takes the compiler four times as long, and is no faster
    )


@cache
def extensions() -> tuple[Extension, ...]:
    """What there is to compile, as C; nothing where the tools are missing or do not take this Python."""
    found: list[Extension] = []
    for make in (passes, units):
        try:
            found += make()
        except (Exception, SystemExit) as why:  # mypyc ends the process where it finds a mistake
            print(f"analyzer: {make.__name__} stay interpreted ({why})")
    for extension in found:
        extension.optional = True  # a failing compiler is no failure of the installation
    return tuple(found)


class LateBuild(build_ext):
    """Makes the C sources only when something is built, not whenever the project's metadata is asked for."""

    def finalize_options(self) -> None:
        self.distribution.ext_modules = list(extensions())
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()


def wanted() -> list[Extension]:
    """Placeholders, so that something is built at all; nothing where there is no compiler to do it."""
    compiler = (os.environ.get("CC") or get_config_var("CC") or "").split()
    if os.environ.get("ANALYZER_COMPILE") == "0" or (compiler and which(compiler[0]) is None):
        return []
    return [Extension(name, []) for name in COMPILED["PASSES"]]


setup(ext_modules=wanted(), cmdclass={"build_ext": LateBuild})
