"""Where the outputs of one flow's rooms come together: notes, findings, phases, and what the session is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from analyzer.core import About, Finding, Flow, Note, Packer, Phase, Piece, Shared, Side, Spot

if TYPE_CHECKING:
    from analyzer import core
    from analyzer.engine.channel import Channel
    from analyzer.engine.registry import Entry

    Waiting = list[Channel]

#: Told of each note and finding as it happens, with the flow's id.
OnOutput = Callable[[int, Note | Finding], None]


#: Facts that several inner channels may add to.
LISTS: Final = ("summary", "websockets")


class Teller:
    """Collects what is said of one flow, and completes it from the tables of the room that said it."""

    __slots__ = (
        "_deepest",
        "_titled",
        "changed",
        "end_ns",
        "facts",
        "findings",
        "flow",
        "flow_id",
        "kind",
        "late",
        "limits",
        "max_notes",
        "notes",
        "on_output",
        "packed",
        "packed_until",
        "packer",
        "phases",
        "room",
        "shared",
        "title",
        "told",
        "trace",
        "waiting",
    )

    def __init__(
        self,
        flow: Flow,
        shared: Shared,
        trace: bool,
        on_output: OnOutput | None,
        packer: Packer | None = None,
    ) -> None:
        self.flow = flow
        self.flow_id = flow.id
        self.end_ns = 0  # set when the flow ends
        self.changed = False  # a channel may have stopped wanting bytes
        self.shared = shared
        self.limits = limits = shared.limits
        self.waiting: Waiting | None = None  # the channels whose rooms wait for secrets
        self.trace = trace
        self.on_output = on_output
        self.notes: list[Note] = []
        self.findings: list[Finding] = []
        self.phases: list[Phase] = []
        self.title: str | None = None
        self.facts: dict[str, core.Value] = {}
        self.kind: str | None = None
        self.packer = packer
        self.packed: Sequence[Note] | None = None  # what was said before `notes`, in order
        self.packed_until = 0  # the frame that completed the last of these
        self.late: tuple[Sequence[Note], ...] = ()  # packed too, and to be put among these at the end
        self.max_notes = limits.notes_per_flow  # of those in `notes`
        #: so many notes are held as objects
        self.room = self.max_notes if packer is None else min(self.max_notes, limits.unpacked_notes_per_flow)
        self.told: tuple[str, ...] = ()  # limits that were met; a set would cost more in every flow
        self._deepest = -1
        self._titled = -1

    def note(self, entry: Entry | None, path: tuple[str, ...], sender: Side | None, note: Note) -> None:
        note.flow = self.flow_id
        if note.sender is None:
            note.sender = sender
        note.path = path
        if entry is not None and not note.spec:
            note.spec = entry.specs.get(note.kind, "")
        if len(self.notes) >= self.room and not self._make_room(path, note):
            return
        self.notes.append(note)
        if self.on_output is not None:
            self.on_output(self.flow_id, note)

    def _make_room(self, path: tuple[str, ...], note: Note) -> bool:
        """Whether `note` may be kept, where there are as many as `room` says."""
        if len(self.notes) >= self.max_notes:
            if "notes_per_flow" not in self.told:
                self.max_notes += 1  # for the note that says so
                self.room = self.max_notes
                count = self.limits.notes_per_flow
                self.limit("notes_per_flow", f"more than {count} notes, the rest is not kept", path, note.at)
                self.room = self.max_notes = len(self.notes)
            return False
        self.pack()
        return True

    def pack(self) -> None:
        """Hold what was said by now in less memory."""
        notes, packer = self.notes, self.packer
        if not notes or packer is None:
            return
        in_order(notes)
        self.notes = []
        self.max_notes = max(self.max_notes - len(notes), 0)
        self.room = min(self.max_notes, self.limits.unpacked_notes_per_flow)
        until = completed(notes[-1])
        if self.packed is not None and completed(notes[0]) < self.packed_until:
            early = 0
            while early < len(notes) and completed(notes[early]) < self.packed_until:
                early += 1
            self.late = (*self.late, packer.pack(notes[:early]))
            notes = notes[early:]
        if notes:
            self.packed = packer.pack(notes, self.packed)
            self.packed_until = until

    def all_notes(self, packing: bool) -> Sequence[Note]:
        """All that was said, in the order in which it was complete; packed, if it is `packing` or some of it is."""
        if self.packed is None and not packing:
            in_order(self.notes)
            return self.notes
        self.pack()
        if self.packed is None:
            return self.notes
        if self.late and self.packer is not None:
            self.packed = self.packer.merge((self.packed, *self.late), completed)
            self.late = ()
        return self.packed

    def finding(self, entry: Entry, path: tuple[str, ...], finding: Finding) -> None:
        finding.flow = self.flow_id
        kind = entry.findings.get(finding.code)
        if kind is not None:
            finding.title = finding.title or kind.title
            finding.cause = finding.cause or kind.cause
            finding.advice = finding.advice or kind.advice
            finding.spec = finding.spec or entry.protocol.reference(kind.spec)
            if finding.severity is None:
                finding.severity = kind.severity
        elif finding.severity is None:
            raise ValueError(f"{entry.name} has no finding {finding.code}")
        if len(self.findings) >= self.limits.findings_per_flow:
            count = self.limits.findings_per_flow
            self.limit("findings_per_flow", f"more than {count} findings, the rest is not kept", path, finding.at)
            return
        self.findings.append(finding)
        if self.on_output is not None:
            self.on_output(self.flow_id, finding)

    def about(self, about: About, depth: int) -> None:
        """What a room at `depth` says of the session: the deepest room that names it gives the title."""
        if about.title is not None and depth >= self._titled:
            self._titled = depth
            self.title = about.title
        for name in LISTS:
            earlier = self.facts.get(name)
            if isinstance(earlier, list) and name in about.facts:
                about.facts[name] = [*earlier, *about.facts[name]]
        self.facts.update(about.facts)

    def joined(self, entry: Entry, depth: int) -> None:
        """A room took a channel at `depth`: the deepest that makes a session names its kind."""
        if entry.session is not None and depth > self._deepest:
            self._deepest = depth
            self.kind = entry.session

    @property
    def waits(self) -> bool:
        """Whether some room waits for secrets."""
        return self.waiting is not None

    def take_waiting(self) -> Waiting:
        """The channels whose rooms waited for secrets until now."""
        waiting, self.waiting = self.waiting, None
        return waiting or []

    def limit(self, name: str, text: str, path: tuple[str, ...], at: Piece | core.Place) -> None:
        """Tell once that limit `name` was met."""
        if name not in self.told:
            self.told += (name,)
            value = getattr(self.limits, name)
            self.note(None, path, None, Note("engine.limit", text, at, {"limit": name, "value": value}))

    def mistake(self, room: str, path: tuple[str, ...], why: BaseException, at: Piece | core.Place) -> None:
        """Tell of an exception that should not have been: what it was, and where in our code."""
        trace, where = why.__traceback__, ""
        while trace is not None:
            code = trace.tb_frame.f_code
            where = f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} in {code.co_name}"
            trace = trace.tb_next
        text = f"the room {room} failed: {type(why).__name__} at {where}"
        fields = {"room": room, "exception": type(why).__name__, "message": str(why)[:200], "where": where}
        self.note(None, path, None, Note("engine.internal-error", text, at, fields))


def completed(note: Note) -> int:
    """The frame with which a note was complete: what is told late, of earlier frames, goes back to its place."""
    where = note.where
    if isinstance(where, Spot):
        return where.frame
    last = 0
    for span in where.spans:
        last = max(last, span[0])
    return last


def in_order(notes: list[Note]) -> None:
    """Sort notes by the frames that completed them, if they are not in that order, as most are."""
    last = 0
    for note in notes:
        where = note.where
        frame = where.frame if isinstance(where, Spot) else completed(note)
        if frame < last:
            notes.sort(key=completed)
            return
        last = frame
