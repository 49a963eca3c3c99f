"""The shadow offers what the compilable modules use of the cython package."""

import re

from analyzer import compiled, shadow
from tests.conftest import ROOT


def test_every_name_that_is_used_is_there() -> None:
    for name in compiled.NAMES:
        source = (ROOT / f"{name.replace('.', '/')}.py").read_text()
        for used in set(re.findall(r"\bcython\.(\w+)", source)):
            assert hasattr(shadow, used), f"{name} uses cython.{used}"


def test_types_are_casts_and_subscripts() -> None:
    assert shadow.uchar(7) == 7
    assert shadow.double("1.5") == 1.5
    assert shadow.longlong[:, ::1] is shadow.longlong
    assert repr(shadow.uint) == "cython.uint"
    assert shadow.cast(shadow.int, 5) == 5
    assert shadow.declare(shadow.int, 5) == 5
    assert shadow.pointer(shadow.int) is shadow.int


def test_decorators_give_back_what_they_decorate() -> None:
    @shadow.cfunc
    @shadow.inline
    @shadow.nogil
    @shadow.boundscheck(False)
    @shadow.locals(value=shadow.int)
    def twice(value: int) -> int:
        with shadow.nogil:
            return 2 * value

    assert twice(4) == 8
