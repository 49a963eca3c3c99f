"""Timelines for a terminal: a ladder of messages between two ends, with time, gap, words and the RFC's section.

    frame      time      gap  client                 server
        1     0.000           SYN ----------------------->  MSS 1460, SACK      RFC 9293 3.5
        2    +0.027 ms        <------------------- SYN-ACK  MSS 1460, SACK

Where words don't fit beside the arrow they stand below it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzer.core import Side
from analyzer.report import ink, tables, text, words
from analyzer.report.ink import Ink, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzer import core

#: Widths of the front: frame numbers of four digits, the time with its unit, the gap.
FRAME_WIDTH: Final = 5
TIME_WIDTH: Final = 12
UNIT_WIDTH: Final = 3
GAP_WIDTH: Final = 8
ARROW_LEAST: Final = 24
ARROW_MOST: Final = 44
#: Where the words beside the arrow have less room than this, they go below it.
WORDS_LEAST: Final = 34
#: A gap shorter than this is not worth a look; longer than the others, it is.
GAP_SHOWN_NS: Final = 100_000
GAP_LONG_NS: Final = 200_000_000
GAP_VERY_LONG_NS: Final = 1_000_000_000
#: Bytes of a field shown as hex where there is room.
HEX_BYTES: Final = 16
#: Of a long run of one protocol, so many lines are shown of its beginning and of its end, if that saves so many.
RUN_BEGIN: Final = 30
RUN_END: Final = 10
RUN_LEAST: Final = 20
#: Lines of words for one message: more is told by --bytes and the JSON report.
WORD_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class Show:
    """What a timeline shows besides its lines, and of these."""

    explain: bool = False
    bytes: bool = False
    messages: bool = False  # whole
    everything: bool = False  # no run is folded


def session_lines(
    session: core.Session,
    report: core.Report,
    kinds: Mapping[str, core.Kind],
    paper: Ink,
    show: Show = Show(),
) -> Iterator[Line]:
    """The timeline of one session, and the findings in it; `kinds` are those of all rooms, by name."""
    flows = {flow.id: flow for flow in report.flows}
    yield from title_lines(session, flows, paper)
    yield Line()
    if tables.has_any(session):
        yield from tables.lines(session, paper, text.prose(paper))
        yield Line()
    if session.notes:
        ladder = Ladder(session, flows, kinds, paper, show)
        yield ladder.heading()
        for one in session.notes if show.everything else folded(session.notes):
            yield from ladder.fold(one) if isinstance(one, Fold) else ladder.lines(one)
    else:
        yield Line("  nothing to tell of it", ink.FAINT)
    for index in session.findings:
        if index < len(report.findings):
            yield Line()
            yield from text.one_finding(report.findings[index], paper)


def title_lines(session: core.Session, flows: Mapping[int, core.Flow], paper: Ink) -> Iterator[Line]:
    """Which session it is, how it ended, between whom."""
    line = Line(str(words.number_of(session.id)), ink.STRONG).add(f"  {session.kind}  ")
    outcome = session.outcome.value
    line.add(ink.cut(session.title, paper.width - line.at - len(outcome) - 2), ink.STRONG).add("  ")
    yield line.add(outcome, words.OUTCOME_STYLE[session.outcome])
    known = flow_marks(session)
    for number, mark in known.items():
        flow = flows.get(number)
        if flow is not None:
            ends = f"{flow.initiator} > {flow.responder}"
            shown = f"{mark} " if len(known) > 1 else ""
            line = Line("   ").add(shown, ink.TOLD).add(ink.cut_middle(ends, paper.width - 36), ink.FAINT)
            line.add(f"  {flow.transport}", ink.FAINT)
            # Signalling and look-ups of names are told here, too; their flows are sessions of their own.
            yield line if number in session.flows else line.add(", of another session", ink.FAINT)


def flow_marks(session: core.Session) -> dict[int, str]:
    """A letter for each flow that notes of the session are of: a to z, then numbers."""
    found = dict.fromkeys([*session.flows, *(note.flow for note in session.notes)])
    return {flow: chr(ord("a") + index) if index < 26 else str(index) for index, flow in enumerate(found)}


class Ladder:
    """Draws the notes of one session, one after the other; it keeps the time and the section that came before."""

    def __init__(
        self,
        session: core.Session,
        flows: Mapping[int, core.Flow],
        kinds: Mapping[str, core.Kind],
        paper: Ink,
        show: Show = Show(),
    ) -> None:
        self.session = session
        self.flows = flows
        self.ends = ends(session)
        self.kinds = kinds
        self.paper = paper
        self.show = show
        known = flow_marks(session)
        self.marks = known if len(known) > 1 else {}
        digits = len(str(session.notes[-1].frames[-1])) + 1 if session.notes and session.notes[-1].frames else 0
        self.frame_stop = max(FRAME_WIDTH, digits)
        self.time_stop = self.frame_stop + TIME_WIDTH
        self.gap_stop = self.time_stop + GAP_WIDTH
        self.left = self.gap_stop + 2 + (2 if self.marks else 0)
        room = paper.width - self.left
        self.arrow = min(max(room * 2 // 5, ARROW_LEAST), ARROW_MOST)
        self.start_ns = session.notes[0].time_ns if session.notes else session.start_ns
        self.last_ns = self.start_ns
        self.specs: set[str] = set()  # told already: each once in a session
        self.explained: set[str] = set()

    def heading(self) -> Line:
        line = Line().right("frame", self.frame_stop, ink.FAINT)
        line.right("time", self.time_stop - UNIT_WIDTH, ink.FAINT)
        line.right("gap", self.gap_stop, ink.FAINT).to(self.left)
        line.add("A" if self.ends else "client", ink.FAINT)
        return line.right("B" if self.ends else "server", self.left + self.arrow, ink.FAINT)

    def lines(self, note: core.Note) -> Iterator[Line]:
        kind = self.kinds.get(note.kind)
        line = self._front(note)
        self._draw(line, note, kind.label if kind is not None and kind.label else "")
        yield from self._with_words(line, note)
        frames = note.frames
        if self.show.explain:
            if kind is not None and note.kind not in self.explained:
                self.explained.add(note.kind)
                yield from self._below(kind.meaning, ink.FAINT)
            if note.remark:
                yield from self._below(note.remark, ink.FAINT)
            if len(frames) > 1:
                size = sum(span.stop - span.start for span in note.spans)
                yield from self._below(f"{words.count(size, 'byte')} in {words.frames(frames)}.", ink.FAINT)
        if self.show.messages:
            yield from self._message(note)
        if self.show.bytes:
            yield from self._bytes(note)

    def fold(self, run: Fold) -> Iterator[Line]:
        """One line for what is left out of a long run."""
        self.last_ns = run.last_ns
        line = Line().right("…", self.frame_stop, ink.FAINT).to(self.left)
        pieces = ink.wrap(run.text(), min(self.paper.width, text.PROSE_WIDTH + 20) - self.left)
        yield line.add(pieces[0], ink.TOLD)
        for piece in pieces[1:]:
            yield Line().to(self.left).add(piece, ink.TOLD)

    def _message(self, note: core.Note) -> Iterator[Line]:
        """The whole of a message: text as it is, line by line, anything else as hex."""
        message = note.fields.get("message")
        if not isinstance(message, str) or not message:
            return
        column, edge = self.left + 2, self.paper.width
        if note.fields.get("message_type") == "binary":
            row = max((edge - column) // 3, 8) * 2
            for at in range(0, len(message), row):
                part = message[at : at + row]
                yield Line().to(column).add(" ".join(part[one : one + 2] for one in range(0, len(part), 2)), ink.FAINT)
            return
        if message not in note.text:
            for piece in ink.wrap(message, edge - column):
                yield Line().to(column).add(piece, ink.FAINT)

    def _front(self, note: core.Note) -> Line:
        """Frame, time since the session began, and the gap since the line before."""
        time_ns, frames = note.time_ns, note.frames
        line = Line().right(str(frames[-1]) if frames else "", self.frame_stop, ink.FAINT)
        since, gap = time_ns - self.start_ns, time_ns - self.last_ns
        self.last_ns = time_ns
        number, unit = clock(since)
        line.right(number, self.time_stop - UNIT_WIDTH).add(f" {unit}", ink.FAINT)
        if abs(gap) >= GAP_SHOWN_NS:
            style = ink.BAD if gap >= GAP_VERY_LONG_NS else ink.DOUBTFUL if gap >= GAP_LONG_NS else ink.PLAIN
            line.right(gap_words(gap), self.gap_stop, style)
        if self.marks:
            line.to(self.gap_stop + 2).add(self.marks.get(note.flow, "?"), ink.TOLD)
        return line.to(self.left)

    def _draw(self, line: Line, note: core.Note, label: str) -> None:
        """The arrow from one end to the other, with the name of the message at the end that sent it."""
        style = ink.BAD if note.verdict else ink.STRONG
        name = ink.cut(label or event_name(note.kind), self.arrow - 4)
        dashes = self.arrow - ink.cells(name) - 2
        sender = note.sender.other if note.sender is not None and self._turned(note) else note.sender
        if sender is Side.INITIATOR:
            line.add(name, style).add(" " + "-" * dashes + ">", ink.FAINT)
        elif sender is Side.RESPONDER:
            line.add("<" + "-" * dashes + " ", ink.FAINT).add(name, style)
        else:
            before = (dashes - 2) // 2
            line.add("· " * (before // 2) + " " * (before % 2), ink.FAINT).add(f" {name} ", style)
            line.add(" ·" * ((dashes - before) // 2), ink.FAINT)
            line.to(self.left + self.arrow)

    def _turned(self, note: core.Note) -> bool:
        """Whether the initiator of the note's flow is the end that is drawn at the right."""
        if not self.ends:
            return False
        flow = self.flows.get(note.flow)
        if flow is None:
            return False
        left, right = self.ends
        return flow.initiator.address in right and flow.initiator.address not in left

    def _with_words(self, line: Line, note: core.Note) -> Iterator[Line]:
        """The line with its words beside the arrow, or below it where they don't fit; the section at the right."""
        spec = note.spec if note.spec not in self.specs else ""
        self.specs.add(note.spec)
        said = ink.safe(note.text)
        beside, edge = self.left + self.arrow + 2, min(self.paper.width, text.PROSE_WIDTH + 20)
        room = self.paper.width - beside
        taken = ink.cells(spec) + 3 if spec else 0
        needed = ink.cells(said) + taken
        if needed <= room or (room >= WORDS_LEAST and needed <= 2 * room):
            pieces, column = ink.wrap(said, room if needed <= room else room - taken), beside
            line.to(beside).add(pieces.pop(0))
        else:
            column = self.left + 2
            pieces = ink.wrap(said, edge - column)
        if spec and line.at + taken <= self.paper.width:
            line.right(spec, max(edge, line.at + taken), ink.FAINT)
            spec = ""
        yield line
        for piece in pieces[:WORD_LINES]:
            yield Line().to(column).add(piece)
        if len(pieces) > WORD_LINES:
            yield Line().to(column).add("…", ink.FAINT)
        if spec:
            yield from self._below(spec, ink.FAINT)
        if note.verdict:
            yield from self._below(f"! {note.verdict}", ink.DOUBTFUL)

    def _below(self, said: str, style: str) -> Iterator[Line]:
        for piece in ink.wrap(said, min(self.paper.width, text.PROSE_WIDTH + 20) - self.left - 2):
            yield Line().to(self.left + 2).add(piece, style)

    def _bytes(self, note: core.Note) -> Iterator[Line]:
        if note.tree:
            yield from tree_lines(note.tree, self.paper)
        else:
            yield Line("         ").add(where(note.spans), ink.FAINT)


# --- long runs --------------------------------------------------------------------------------------------------------


class Fold:
    """Notes of a long run that are not shown one by one."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.senders: Counter[Side | None] = Counter()
        self.first_ns = self.last_ns = 0
        self.frames = (0, 0)

    def add(self, note: core.Note) -> None:
        frames = note.frames
        if not self.kinds:
            self.first_ns = note.time_ns
            self.frames = (frames[0] if frames else 0, 0)
        self.last_ns = note.time_ns
        self.frames = (self.frames[0], frames[-1] if frames else 0)
        self.kinds[event_name(note.kind)] += 1
        self.senders[note.sender] += 1

    def text(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.most_common(4))
        both = f"{self.senders[Side.INITIATOR]:,} to the right, {self.senders[Side.RESPONDER]:,} to the left"
        took = words.duration(self.last_ns - self.first_ns)
        return f"{kinds}: {both}, in {took}; frames {self.frames[0]} to {self.frames[1]} (--all shows them)"


def folded(notes: Iterable[core.Note]) -> Iterator[core.Note | Fold]:
    """The notes, but of a long run of the same protocol only the beginning and the end: the rest is one `Fold`.

    What has a verdict is always shown.
    """
    room, shown = "", 0
    held: deque[core.Note] = deque()
    fold: Fold | None = None
    for note in notes:
        own = note.kind.partition(".")[0]
        if own != room or note.verdict:
            if fold is not None:
                yield fold
            yield from held
            held.clear()
            fold, room, shown = None, own, 0
        if shown < RUN_BEGIN:
            shown += 1
            yield note
            continue
        held.append(note)
        if len(held) >= RUN_END + (0 if fold is not None else RUN_LEAST):
            if fold is None:
                fold = Fold()
            while len(held) > RUN_END:
                fold.add(held.popleft())
    if fold is not None:
        yield fold
    yield from held


def ends(session: core.Session) -> tuple[frozenset[str], frozenset[str]] | None:
    """The addresses of A and B, where neither of them is a server: facts `a` and `b` of the session."""
    found = []
    for name in ("a", "b"):
        end = session.facts.get(name)
        addresses = end.get("addresses") if isinstance(end, dict) else None
        if not isinstance(addresses, list):
            return None
        found.append(frozenset(str(address) for address in addresses))
    return found[0], found[1]


def event_name(kind: str) -> str:
    """What stands on the arrow where the room gives no label: the event's own name."""
    return kind.partition(".")[2] or kind


def clock(since: int) -> tuple[str, str]:
    """Time since the beginning and its unit: `+0.027` ms, and from a second on to the millisecond."""
    sign = "+" if since > 0 else "-" if since < 0 else ""
    size = abs(since)
    if size == 0:
        return "0.000", ""
    if size < 999_500_000:
        return f"{sign}{words.digits(size / 1e6)}", "ms"
    return f"{sign}{size / 1e9:.3f}", "s"


def gap_words(gap: int) -> str:
    """The gap in ms with one digit, or where it is long in seconds: the unit is then said."""
    if abs(gap) < GAP_VERY_LONG_NS:
        return f"{gap / 1e6:+.1f}"
    return f"{gap / 1e9:+.1f}s" if abs(gap) < 10_000 * GAP_VERY_LONG_NS else f"{gap / 1e9:+.0f}s"


# --- bytes ------------------------------------------------------------------------------------------------------------


def where(spans: Iterable[core.Span]) -> str:
    """`frame 4 bytes 66-1514, frame 5 bytes 66-400`: half-open ranges in the captured frames."""
    return ", ".join(f"frame {span.frame} bytes {span.start}-{span.stop}" for span in spans) or "no bytes"


def tree_lines(fields: Iterable[core.Field], paper: Ink, depth: int = 0) -> Iterator[Line]:
    """The field tree: byte range, hex, name and value of each."""
    for field in fields:
        piece = field.piece
        spans = piece.spans if piece is not None else ()
        line = Line("         ")
        at = f"{spans[0].frame}:{spans[0].start}-{spans[0].stop}" if spans else ""
        line.add(at + ("+" if len(spans) > 1 else ""), ink.FAINT).to(26).add("  " * min(depth, 8)).add(
            ink.cut(field.name, 24)
        )
        if field.children:
            yield line
            yield from tree_lines(field.children, paper, depth + 1)
            continue
        raw = bytes(piece) if piece is not None else b""
        dump_bytes = min(HEX_BYTES, (paper.width - 64) // 3 if paper.width >= 80 else 4)
        dump_at = paper.width - 3 * dump_bytes - 3
        value = _value(field.value, raw)
        if value:
            line.add(" = ").add(ink.cut(value, max(dump_at - line.at - 2, 4)), ink.STRONG)
        if raw:
            dump = raw[:dump_bytes].hex(" ") + (" …" if len(raw) > dump_bytes else "")
            line.to(max(dump_at, line.at + 2)).add(dump, ink.FAINT)
        yield line


def _value(value: int | str | bytes | None, raw: bytes) -> str:
    """The value in words; of bytes that nobody has read, the text that they are, where they are text."""
    if isinstance(value, bytes) or value is None:
        text_of = (value or raw).rstrip(b"\r\n")
        return f'"{text_of.decode()}"' if text_of.isascii() and text_of.decode("ascii", "replace").isprintable() else ""
    return str(value)
