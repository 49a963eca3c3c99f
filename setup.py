"""Builds the compiled modules where there is a compiler; without one the same sources run interpreted."""

import os

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

#: Pure-Python modules that Cython compiles as they stand.
COMPILED = ("analyzer.capture.walk", "analyzer.decode.kernel", "analyzer.flows.table")


class OptionalBuild(build_ext):
    """A failing compiler is no failure of the installation."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except Exception as why:  # whatever a missing or broken compiler raises
            print(f"analyzer: {ext.name} stays interpreted ({why})")


def extensions() -> list[Extension]:
    if os.environ.get("ANALYZER_COMPILE", "1") == "0":
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    modules = [
        Extension(name, [name.replace(".", "/") + ".py"], extra_compile_args=["-O3"], optional=True)
        for name in COMPILED
    ]
    return cythonize(
        modules,
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


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuild})
