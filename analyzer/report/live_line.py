"""A line for each note and finding while they happen: time of day, ends, protocol, message, words.

12:03:04.123456     1 10.0.0.1:52114 > 10.0.0.2:443   tcp.syn   MSS 1460, window scale 7
"""

from __future__ import annotations

import time
from typing import Final

from analyzer.core import Finding, Flow, Note, Side
from analyzer.report import ink, words
from analyzer.report.ink import Line

FRAME_STOP: Final = 22
ENDS_AT: Final = 24
KIND_AT: Final = 64
WORDS_AT: Final = 85
#: Words of one line: a line says what happens, the report at the end all of it.
WORDS_MOST: Final = 160
SEVERITY_STYLE: Final = {"error": ink.BAD, "warning": ink.DOUBTFUL}


def line(said: Note | Finding, flow: Flow) -> Line:
    """One line for what was just said of `flow`, as wide as its words take: a terminal that is narrower wraps it."""
    frames = said.frames
    told = Line(clock(said.at.time_ns), ink.FAINT)
    told.right(f"{frames[-1]}" if frames else "", FRAME_STOP, ink.FAINT).to(ENDS_AT)
    if isinstance(said, Finding):
        severity = said.severity.value if said.severity is not None else ""
        sender, kind, style = None, severity, SEVERITY_STYLE.get(severity, ink.PLAIN)
        text = f"{said.title}: {said.text}" if said.title else said.text
    else:
        sender, kind, style = said.sender, said.kind, ink.BAD if said.verdict else ink.STRONG
        text = f"{said.text} ! {said.verdict}" if said.verdict else said.text
    # What takes more than its column keeps its distance from the next.
    told.add(ends(flow, sender)).add("  ").to(KIND_AT).add(kind, style).add("  ").to(WORDS_AT)
    return told.add(ink.cut(text.partition("\n")[0], WORDS_MOST))


def ends(flow: Flow, sender: Side | None) -> str:
    """`initiator > responder`, the arrow pointing away from `sender`."""
    arrow = {Side.INITIATOR: ">", Side.RESPONDER: "<", None: "-"}[sender]
    return f"{flow.initiator} {arrow} {flow.responder}"


def clock(time_ns: int) -> str:
    """Local time of day, to the microsecond."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        moment = time.localtime(seconds)
    except (OverflowError, OSError, ValueError):  # a time that no calendar has
        return words.digits(time_ns / 1e9)
    return f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}.{rest // 1000:06}"
