"""Lines for a terminal: styled, measured in cells, and safe to print whatever was captured.

All text goes through `safe`: a capture can't move the cursor, change colours, set titles or reverse the reading order.
Only colours that survive light and dark backgrounds are used.  rich is imported when something is coloured.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.style import Style

PLAIN: Final = ""
STRONG: Final = "bold"
FAINT: Final = "dim"
BAD: Final = "bold red"
DOUBTFUL: Final = "yellow"
GOOD: Final = "green"
TOLD: Final = "cyan"

#: What terminals without Unicode get in place of the few other characters we write ourselves.
ASCII_ONLY: Final = str.maketrans({"…": "~", "·": ","})
NARROWEST: Final = 60
#: A row of words: a label, a gap, and what is said beside it.
LABELLED: Final = re.compile(r"\S(?:.{0,30}?\S)? {3,}(?=\S)")


def safe(text: str) -> str:
    r"""`text` with everything that is not a printable character as an escape (`\x1b`, `\u202e`)."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """`text`, its end replaced by an ellipsis where it is wider than `width` cells."""
    text = safe(text)
    if cells(text) <= width:
        return text
    if text.isascii():
        return text[: max(width - 1, 0)] + "…"
    while text and cells(text) > width - 1:
        text = text[: min(len(text) - 1, width)]
    return text + "…"


def cut_middle(text: str, width: int) -> str:
    """`text` with its middle left out: both ends of an address and its port tell more than its beginning."""
    text = safe(text)
    if cells(text) <= width or width < 8 or not text.isascii():
        return cut(text, width)
    tail = (width - 1) * 2 // 3
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]


def wrap(text: str, width: int) -> list[str]:
    """`text` as lines of at most `width` cells; words that are longer are broken.  Line breaks are kept."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _wrapped(safe(paragraph), max(width, 8))
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    if cells(text) <= width:
        return [text.rstrip()]
    lead = label(text, width // 2)
    margin = " " * (len(lead) or min(len(text) - len(text.lstrip()), width // 2))
    lines: list[str] = []
    line = lead or margin
    for word in text[len(lead) :].split():
        parts = [word] if cells(word) + len(margin) <= width else _broken(word, width - len(margin))
        for part in parts:
            begun = line not in (lead, margin)
            if begun and cells(line) + 1 + cells(part) > width:
                lines.append(line)
                line, begun = margin, False
            line = f"{line} {part}" if begun else line + part
    return [*lines, line]


def label(text: str, most: int) -> str:
    """The label that a row of words begins with, with the gap behind it; "" if it has none, or a longer one."""
    found = LABELLED.match(text)
    return found[0] if found is not None and len(found[0]) <= most and found[0].isascii() else ""


def _broken(word: str, width: int) -> list[str]:
    # Half the cells' worth of characters always fits, also where each takes two cells.
    size = width if word.isascii() else max(width // 2, 1)
    return [word[at : at + size] for at in range(0, len(word), size)]


@lru_cache(maxsize=64)
def _style(name: str) -> Style:
    from rich.style import Style

    return Style.parse(name)


class Ink:
    """How lines are put on paper: how wide it is, in colour or not, with Unicode or not."""

    def __init__(self, width: int = 80, *, colour: bool = False, unicode: bool = True) -> None:
        self.width = max(width, NARROWEST)
        self.colour = colour
        self.unicode = unicode

    def paint(self, text: str, style: str) -> str:
        if not self.unicode:
            text = text.translate(ASCII_ONLY).encode("ascii", "backslashreplace").decode()
        if not (self.colour and style and text.strip()):
            return text
        from rich.color import ColorSystem

        return _style(style).render(text, color_system=ColorSystem.STANDARD)


class Line:
    """One line: text is added from left to right, and `to` goes to a column."""

    __slots__ = ("at", "parts")

    def __init__(self, text: str = "", style: str = PLAIN) -> None:
        self.parts: list[tuple[str, str]] = []
        self.at = 0
        if text:
            self.add(text, style)

    def add(self, text: str, style: str = PLAIN) -> Line:
        text = safe(text)
        self.parts.append((text, style))
        self.at += cells(text)
        return self

    def to(self, column: int) -> Line:
        """Go on at `column`; nothing where the line is already past it."""
        if column > self.at:
            self.parts.append((" " * (column - self.at), PLAIN))
            self.at = column
        return self

    def right(self, text: str, stop: int, style: str = PLAIN) -> Line:
        """Add `text` so that it ends before column `stop`."""
        return self.to(stop - cells(safe(text))).add(text, style)

    def __str__(self) -> str:
        return "".join(text for text, _ in self.parts).rstrip()

    def painted(self, ink: Ink) -> str:
        if not ink.colour and ink.unicode:
            return str(self)
        return "".join(ink.paint(text, style) for text, style in self.parts).rstrip(" ")
