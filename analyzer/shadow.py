"""What stands in for the `cython` package at run time, where modules run uncompiled and it is not installed.

Cython is needed to build, never to run: a module that may be compiled begins with

    try:
        import cython
    except ImportError:
        from analyzer import shadow as cython

and behaves the same either way.  Types are subscriptable, so that `cython.uchar[::1]` may stand in an annotation;
decorators give back what they decorate.
"""

# ruff: noqa: ARG001 - arguments are the cython package's
from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Final, TypeVar

_Value = TypeVar("_Value")
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

compiled: Final = False


class Type:
    """A C type: only a name here, and when called a cast that changes nothing but the class."""

    __slots__ = ("_convert", "_name")

    def __init__(self, name: str, convert: Callable[[Any], Any]) -> None:
        self._name = name
        self._convert = convert

    def __getitem__(self, shape: object) -> Type:
        return self

    def __call__(self, value: Any = 0) -> Any:
        return self._convert(value)

    def __repr__(self) -> str:
        return f"cython.{self._name}"


char = Type("char", builtins.int)
schar = Type("schar", builtins.int)
uchar = Type("uchar", builtins.int)
short = Type("short", builtins.int)
ushort = Type("ushort", builtins.int)
int = Type("int", builtins.int)  # noqa: A001
uint = Type("uint", builtins.int)
long = Type("long", builtins.int)
ulong = Type("ulong", builtins.int)
longlong = Type("longlong", builtins.int)
ulonglong = Type("ulonglong", builtins.int)
bint = Type("bint", builtins.bool)
Py_ssize_t = Type("Py_ssize_t", builtins.int)
size_t = Type("size_t", builtins.int)
float = Type("float", builtins.float)  # noqa: A001
double = Type("double", builtins.float)
void = Type("void", builtins.bool)
const_uchar = Type("const_uchar", builtins.int)
const_int = Type("const_int", builtins.int)
const_uint = Type("const_uint", builtins.int)
const_longlong = Type("const_longlong", builtins.int)
const_ulonglong = Type("const_ulonglong", builtins.int)


def _same(decorated: _Decorated) -> _Decorated:
    return decorated


def _option(*values: object, **named: object) -> Callable[[_Decorated], _Decorated]:
    """A decorator that takes arguments: `@cython.boundscheck(False)`."""
    return _same


cfunc = ccall = cclass = final = inline = _same
returns = exceptval = locals = boundscheck = wraparound = cdivision = initializedcheck = _option  # noqa: A001


class _NoGil:
    """Both `@cython.nogil` and `with cython.nogil:`."""

    def __call__(self, decorated: _Decorated) -> _Decorated:
        return decorated

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


nogil = _NoGil()


def declare(kind: object = None, value: Any = None, **named: object) -> Any:
    return value


def pointer(kind: object) -> object:
    return kind


def cast(kind: object, value: _Value) -> _Value:
    return value
