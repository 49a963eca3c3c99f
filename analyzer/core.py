"""What every part of the house shares: bytes that know where they came from, and what is said of them.

A `Piece` is a stretch of bytes that can tell which captured bytes it was made of.  A room (`Dissector`) gets pieces and
yields outputs: a `Note` is a line of the timeline, a `Finding` a verdict with evidence, the others steer the engine.
`Batch` is what a reader gives to the decoder.  Nothing here knows a protocol, a file format or an output.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from mypy_extensions import mypyc_attr

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    Int64s = NDArray[np.int64]
    Int32s = NDArray[np.int32]

# --- names ------------------------------------------------------------------------------------------------------------


class Side(IntEnum):
    """Who sent it: the end that opened the conversation, or the one that answers."""

    INITIATOR = 0
    RESPONDER = 1

    @property
    def other(self) -> Side:
        return Side.RESPONDER if self is Side.INITIATOR else Side.INITIATOR


#: By number: a look-up here is cheaper than `Side(number)`.  That the length is left open is for the compiler, here and
#: wherever pairs are indexed by sender: it would make a pair of known length anew for each look-up.
SIDES: Final[tuple[Side, ...]] = (Side.INITIATOR, Side.RESPONDER)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    INFO = "info"


class Outcome(StrEnum):
    """How a phase or a session ended (docs/output.md)."""

    ESTABLISHED = "established"
    FAILED = "failed"  # an end refused or broke it
    UNANSWERED = "unanswered"
    PARTIAL = "partial"  # the capture lacks its beginning or its end
    OPEN = "open"  # still in progress


class Span(NamedTuple):
    """Bytes `start` to `stop` of captured frame number `frame` (from 1)."""

    frame: int
    start: int
    stop: int


class Endpoint(NamedTuple):
    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Malformed(Exception):  # noqa: N818 - it reads as what it says of the bytes
    """The bytes break their protocol.  The only exception that a room may raise."""


class CaptureError(Exception):
    """A capture or an interface cannot be read: one sentence that says what, where and what to do."""


# --- limits -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Limits:
    """Every bound of the engine, by name.  Meeting one is told, never silent (`--limit NAME=VALUE`)."""

    unit_bytes: int = 1 << 20  # one unit that a room asks to be held whole
    pending_bytes: int = 1 << 20  # out-of-order bytes kept for one direction of a flow
    pending_segments: int = 512  # out-of-order segments kept for one direction of a flow
    probe_bytes: int = 4096  # bytes shown to probes before a stream is given up as unknown
    depth: int = 16  # channels inside channels
    channels: int = 1024  # inner channels of one channel
    flows: int = 1 << 20
    fragments: int = 4096  # IP fragments held at once
    fragment_bytes: int = 16 << 20  # bytes of them
    notes_per_flow: int = 1_000_000
    message_bytes: int = 1024  # of a message that is shown in its note
    inflated_bytes: int = 16 << 20  # what one compressed message may come to
    unpacked_flows: int = 2000  # from here on, notes of quiet flows are held on disk: that changes nothing else
    unpacked_notes: int = 50_000  # from here on, those of busy flows too
    unpacked_notes_per_flow: int = 10_000
    findings_per_flow: int = 1000
    tcp_events_per_flow: int = 100  # retransmissions and the like told one by one; the rest is counted
    record_bytes: int = 64 << 20  # one record of a capture file
    interfaces: int = 4096  # of one capture
    resolved_names: int = 1 << 16  # from name resolution blocks
    secrets_bytes: int = 64 << 20  # decryption secrets of one capture
    secrets: int = 1 << 20  # lines of key logs that are remembered
    waiting_bytes: int = 1 << 20  # encrypted bytes of one flow that wait for keys
    waiting_total_bytes: int = 64 << 20  # of all flows together
    waiting_ms: int = 3000  # how long a live capture waits for keys
    shared_entries: int = 65536  # of each table that flows share
    name_bytes: int = 65536
    media_streams: int = 256  # streams of RTP in one flow
    media_total: int = 65536  # of all flows together, and those that may yet turn out to be streams


# --- bytes that know where they came from -----------------------------------------------------------------------------

#: (position in the buffer, frame number, offset in the frame, time in ns): where a stretch of a buffer was captured.
Run = tuple[int, int, int, int]


class Place(NamedTuple):
    """Where and when something was captured: spans in byte order, and the time of the frame that completed it."""

    spans: tuple[Span, ...]
    time_ns: int

    @property
    def frames(self) -> tuple[int, ...]:
        """Frame numbers in ascending order, the last being where it was complete."""
        spans = self.spans
        return (spans[0][0],) if len(spans) == 1 else tuple(sorted({span[0] for span in spans}))


@mypyc_attr(acyclic=True, free_list_len=1)
class Piece:
    """Bytes `start` to `stop` of `data`, which can tell their captured spans and time (worked out when asked).

    `runs` are in ascending order of position; `base` is added to a position of `data` to get one of `runs`.
    `whole` is set on derived pieces (decrypted, inflated): every byte then comes from all of that place.
    `trace`, when set, makes each `Reader` on this piece record its field tree.
    """

    __slots__ = ("base", "data", "runs", "start", "stop", "trace", "whole")

    def __init__(
        self,
        data: bytes,
        runs: list[Run],
        start: int = 0,
        stop: int = -1,
        base: int = 0,
        whole: Place | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.data = data
        self.runs = runs
        self.start = start
        self.stop = len(data) if stop < 0 else stop
        self.base = base
        self.whole = whole
        self.trace = trace

    def __len__(self) -> int:
        return self.stop - self.start

    def __bytes__(self) -> bytes:
        if self.start == 0 and self.stop == len(self.data):
            return self.data
        return self.data[self.start : self.stop]

    def cut(self, start: int, stop: int | None = None) -> Piece:
        """The piece from `start` to `stop` (relative to this one, kept inside it)."""
        size = self.stop - self.start
        begin = min(max(start, 0), size)
        end = size if stop is None else min(max(stop, begin), size)
        return Piece(self.data, self.runs, self.start + begin, self.start + end, self.base, self.whole, self.trace)

    def mapped(self, data: bytes) -> Piece:
        """`data` (same length, e.g. unmasked) with each byte captured where this piece's byte was."""
        if len(data) != len(self):
            raise ValueError("mapped bytes keep their length")
        return Piece(data, self.runs, 0, len(data), self.base + self.start, self.whole)

    def derived(self, data: bytes) -> Piece:
        """`data` made from all of this piece (decrypted, inflated): each byte points at the whole of it."""
        return Piece(data, [], 0, len(data), 0, self.place)

    @property
    def place(self) -> Place:
        if self.whole is not None:
            return self.whole
        spans: list[Span] = []
        time_ns = 0
        runs, start, stop = self.runs, self.start + self.base, self.stop + self.base
        if len(runs) == 1:
            at, frame, offset, time_ns = runs[0]
            return spot(frame, offset + start - at, offset + stop - at, time_ns)
        low = _run_at(runs, start)
        for index in range(low, len(runs)):
            at, frame, offset, when = runs[index]
            if at >= stop and spans:
                break
            end = min(runs[index + 1][0], stop) if index + 1 < len(runs) else stop
            begin = max(at, start)
            if end > begin or (start == stop and not spans):
                spans.append(Span(frame, offset + begin - at, offset + max(end, begin) - at))
                time_ns = max(time_ns, when)
        return placed(tuple(spans), time_ns)

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.place.spans

    @property
    def time_ns(self) -> int:
        """The time of the frame that completed this piece, ns since 1970."""
        runs = self.runs
        return runs[0][3] if len(runs) == 1 and self.whole is None else self.place.time_ns


@mypyc_attr(acyclic=True, free_list_len=1)
class Spot:
    """The place of a piece in less memory than a `Place`, for those who remember many of them."""

    __slots__ = ("frame", "start", "stop", "time_ns", "whole")

    def __init__(self, piece: Piece) -> None:
        runs = piece.runs
        self.whole: Place | None = None  # where it is not just one stretch of a frame
        if piece.whole is None and len(runs) == 1:
            at, self.frame, offset, self.time_ns = runs[0]
            self.start = offset + piece.start + piece.base - at
            self.stop = offset + piece.stop + piece.base - at
        else:
            self.whole = place = piece.place
            self.frame = max((span.frame for span in place.spans), default=0)
            self.start = self.stop = 0
            self.time_ns = place.time_ns

    @property
    def place(self) -> Place:
        return spot(self.frame, self.start, self.stop, self.time_ns) if self.whole is None else self.whole

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.place.spans

    @property
    def frames(self) -> tuple[int, ...]:
        return self.place.frames


def spot(frame: int, start: int, stop: int, time_ns: int) -> Place:
    """The place of bytes `start` to `stop` of one frame: `Place((Span(...),), time_ns)`, at half the price."""
    span: Span = _tuple(Span, (frame, start, stop))
    return placed((span,), time_ns)


def placed(spans: tuple[Span, ...], time_ns: int) -> Place:
    """`Place(spans, time_ns)`, at half the price."""
    place: Place = _tuple(Place, (spans, time_ns))
    return place


#: Makes a named tuple without the detour through its own, interpreted constructor.
_tuple: Final = tuple.__new__


def _run_at(runs: list[Run], position: int) -> int:
    """Index of the last run that starts at or before `position` (0 when none does)."""
    low, high = 0, len(runs)
    while high - low > 1:
        middle = (low + high) // 2
        if runs[middle][0] <= position:
            low = middle
        else:
            high = middle
    return low


def joined(pieces: Sequence[Piece]) -> Piece:
    """The bytes of `pieces` one after the other; if any is derived, each byte points at all their places."""
    if len(pieces) == 1:
        return pieces[0]
    data = b"".join([bytes(piece) for piece in pieces])
    if any(piece.whole is not None for piece in pieces):
        places = [piece.place for piece in pieces]
        spans: dict[Span, None] = {}
        for place in places:
            for span in place.spans:
                spans[span] = None
        return Piece(data, [], 0, len(data), 0, Place(tuple(spans), max(place.time_ns for place in places)))
    runs: list[Run] = []
    at = 0
    for piece in pieces:
        start, stop = piece.start + piece.base, piece.stop + piece.base
        for index in range(_run_at(piece.runs, start), len(piece.runs)):
            position, frame, offset, when = piece.runs[index]
            if position >= stop:
                break
            begin = max(position, start)
            runs.append((at + begin - start, frame, offset + begin - position, when))
        at += len(piece)
    return Piece(data, runs)


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Field:
    """A node of the field tree: bytes `start` to `stop` of its piece, by the RFC's name."""

    name: str
    value: int | str | bytes | None
    piece: Piece | None
    children: list[Field] = field(default_factory=list)


class Trace:
    """Collects the fields that readers read, as a tree."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open: list[list[Field]] = [[]]

    @property
    def fields(self) -> list[Field]:
        return self.open[0]

    def add(self, name: str, value: int | str | bytes | None, piece: Piece | None) -> Field:
        if piece is not None:
            piece = Piece(
                piece.data, piece.runs, piece.start, piece.stop, piece.base, piece.whole
            )  # without this trace
        node = Field(name, value, piece)
        self.open[-1].append(node)
        return node


@mypyc_attr(acyclic=True)
class Group:
    """Fields read inside `with reader.group(name):` belong together in the tree; costs nothing untraced."""

    __slots__ = ("name", "node", "reader", "start")

    def __init__(self, reader: Reader | None, name: str) -> None:
        self.reader = reader
        self.name = name
        self.start = 0
        self.node: Field | None = None

    def __enter__(self) -> None:
        reader = self.reader
        if reader is not None and reader.trace is not None:
            self.start = reader.at
            self.node = reader.trace.add(self.name, None, None)
            reader.trace.open.append(self.node.children)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        reader = self.reader
        if reader is not None and reader.trace is not None and self.node is not None:
            reader.trace.open.pop()
            self.node.piece = reader.unit.cut(self.start, reader.at)
            self.node.piece.trace = None


_NO_GROUP: Final = Group(None, "")


@mypyc_attr(acyclic=True, free_list_len=1)
class Reader:
    """Reads a piece from front to back, by name; past its end it raises `Malformed`.

    Names are the RFC's own.  They cost nothing unless the piece is traced, when the same reads give the field tree.
    """

    __slots__ = ("_begin", "_data", "_stop", "at_", "trace", "unit")

    def __init__(self, unit: Piece) -> None:
        self.unit = unit
        self.trace = unit.trace
        self._data = unit.data
        self._begin = unit.start
        self.at_ = unit.start
        self._stop = unit.stop

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self._stop - self.at_

    @property
    def at(self) -> int:
        """Bytes read so far."""
        return self.at_ - self._begin

    def _take(self, name: str, size: int) -> int:
        start = self.at_
        if size < 0 or start + size > self._stop:
            raise Malformed(f"{name}: {size} bytes wanted, {self._stop - start} left")
        self.at_ = start + size
        return start

    def _told(self, name: str, value: int | str | bytes | None, start: int) -> None:
        if self.trace is not None:
            self.trace.add(name, value, self.unit.cut(start - self._begin, self.at_ - self._begin))

    def uint(self, name: str, size: int) -> int:
        """The next `size` bytes as an unsigned integer in network byte order."""
        start = self._take(name, size)
        data = self._data
        if size == 2:
            value = data[start] << 8 | data[start + 1]
        elif size == 1:
            value = data[start]
        else:
            value = int.from_bytes(data[start : self.at_], "big")
        if self.trace is not None:
            self._told(name, value, start)
        return value

    def uint_le(self, name: str, size: int) -> int:
        """The next `size` bytes as an unsigned integer, least significant byte first."""
        start = self._take(name, size)
        value = int.from_bytes(self._data[start : self.at_], "little")
        if self.trace is not None:
            self._told(name, value, start)
        return value

    def raw(self, name: str, size: int) -> bytes:
        start = self._take(name, size)
        value = self._data[start : self.at_]
        if self.trace is not None:
            self._told(name, value, start)
        return value

    def text(self, name: str, size: int, encoding: str = "utf-8") -> str:
        """The next `size` bytes as text; what does not decode becomes backslash escapes."""
        start = self._take(name, size)
        value = self._data[start : self.at_].decode(encoding, "backslashreplace")
        if self.trace is not None:
            self._told(name, value, start)
        return value

    def skip(self, name: str, size: int) -> None:
        start = self._take(name, size)
        if self.trace is not None:
            self._told(name, None, start)

    def piece(self, name: str, size: int) -> Piece:
        """The next `size` bytes as a piece of their own."""
        start = self._take(name, size)
        if self.trace is not None:
            self._told(name, None, start)
        return self.unit.cut(start - self._begin, self.at_ - self._begin)

    def rest(self, name: str) -> bytes:
        return self.raw(name, self.left)

    def peek(self, size: int) -> bytes:
        """Up to `size` bytes that come next, unread."""
        return self._data[self.at_ : min(self.at_ + size, self._stop)]

    def sub(self, name: str, size: int) -> Reader:
        """A reader of the next `size` bytes; what it reads stands under `name` in the tree by `group`."""
        start = self._take(name, size)
        return Reader(self.unit.cut(start - self._begin, self.at_ - self._begin))

    def group(self, name: str) -> Group:
        return _NO_GROUP if self.trace is None else Group(self, name)

    def each(self, name: str) -> Iterator[int]:
        """0, 1, 2, ... while bytes are left: the loop over a list of entries, each of which must read something."""
        index = 0
        while self.at_ < self._stop:
            before = self.at_
            yield index
            if self.at_ == before:
                raise Malformed(f"{name}: an entry of no length")
            index += 1


# --- what flows share -------------------------------------------------------------------------------------------------


class Secrets:
    """What opens encrypted bytes: lines of key logs by client random, and private keys.

    They may grow while the capture is read: `version` counts how often, `expected` tells whether more may come.
    `given` tells whether there was any source of them at all.
    """

    __slots__ = ("expected", "given", "lines", "passwords", "private_keys", "version")

    def __init__(self) -> None:
        self.lines: dict[bytes, dict[str, bytes]] = {}
        self.private_keys: list[bytes] = []  # files as they are: PEM, DER or PKCS #12
        self.passwords: list[tuple[str, str]] = []  # of users of relays
        self.version = 0
        self.expected = False
        self.given = False

    def find(self, client_random: bytes) -> Mapping[str, bytes] | None:
        """Secrets by their label (RFC 9850 §2) for the connection of this client random."""
        return self.lines.get(client_random)


class Shared:
    """What the engine hands to every room: secrets, trust anchors, and bounded tables that flows have in common."""

    __slots__ = ("limits", "roots", "secrets", "tables", "waiting_bytes")

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = Limits() if limits is None else limits
        self.secrets = Secrets()
        self.roots: bytes | None = None  # trust anchors as PEM or DER; None: those that are commonly trusted
        self.tables: dict[str, dict[bytes, Any]] = {}
        self.waiting_bytes = 0  # held by all rooms that wait for secrets

    def remember(self, table: str, key: bytes, value: Any) -> None:
        """Keep `value` for other flows; a table that is full forgets what it learnt first."""
        entries = self.tables.setdefault(table, {})
        if key not in entries and len(entries) >= self.limits.shared_entries:
            del entries[next(iter(entries))]
        entries[key] = value

    def recall(self, table: str, key: bytes) -> Any:
        entries = self.tables.get(table)
        return None if entries is None else entries.get(key)


# --- what rooms say ---------------------------------------------------------------------------------------------------

Value = Any  # of a field: int, str, bool, None, {"value": int, "name": str}, or lists and dicts of these


@mypyc_attr(acyclic=True)
class Pattern:
    """Fields that notes have in common, all but the values of those called `changing`: the rest is encoded once."""

    __slots__ = ("changing", "fields", "parts")

    def __init__(self, fields: dict[str, Value], changing: Iterable[str] = ()) -> None:
        names = frozenset(changing)
        self.fields = fields
        self.changing: tuple[str, ...] = tuple([name for name in fields if name in names])
        self.parts: tuple[str, ...] = ()  # what stands between these in JSON, once somebody has asked for it

    def made(self, values: tuple[Value, ...]) -> dict[str, Value]:
        """The fields, with these values of those that change."""
        found = dict(self.fields)
        for index, name in enumerate(self.changing):
            found[name] = values[index]
        return found


@mypyc_attr(acyclic=True, free_list_len=1)
class Note:
    """A line of the timeline.  The engine fills in `flow`, `sender`, `path` and turns `at` into a `Place`."""

    __slots__ = (
        "_fields",
        "flow",
        "kind",
        "path",
        "pattern",
        "remark",
        "sender",
        "spec",
        "text",
        "tree",
        "values",
        "verdict",
        "where",
    )

    def __init__(
        self,
        kind: str,
        text: str,
        at: Piece | Place | Spot,
        fields: dict[str, Value] | None = None,
        *,
        verdict: str | None = None,
        sender: Side | None = None,
    ) -> None:
        self.kind = kind
        self.text = text
        self.where: Place | Spot = Spot(at) if isinstance(at, Piece) else at  # `at`, or what it will be made of
        self._fields: dict[str, Value] | None = fields
        self.pattern: Pattern | None = None  # which `fields` follow
        self.values: tuple[Value, ...] | None = None  # of the fields that change, in place of `fields`
        self.verdict = verdict
        self.remark = ""  # what a reader who asks for explanations should know of this very message
        self.sender: Side | None = sender
        self.flow = -1
        self.path: tuple[str, ...] = ()
        self.spec = ""
        self.tree: list[Field] | None = None

    @property
    def fields(self) -> dict[str, Value]:
        fields = self._fields
        if fields is None:
            pattern, values = self.pattern, self.values
            self._fields = fields = {} if pattern is None or values is None else pattern.made(values)
            self.values = None
        return fields

    @fields.setter
    def fields(self, fields: dict[str, Value]) -> None:
        self._fields, self.values = fields, None

    @property
    def at(self) -> Place:
        where = self.where
        if isinstance(where, Spot):
            self.where = where = where.place
        return where

    @at.setter
    def at(self, place: Place) -> None:
        self.where = place

    @property
    def time_ns(self) -> int:
        return self.where.time_ns

    @property
    def frames(self) -> tuple[int, ...]:
        return self.at.frames

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.at.spans

    def __repr__(self) -> str:
        return f"Note({self.kind!r}, {self.text!r}, frames={self.frames})"


@mypyc_attr(acyclic=True)
class Finding:
    """A verdict with its evidence.  What is not given comes from the room's table of findings.

    `text` says what happened, with measured numbers; `cause` why that is probably so, likeliest first; `advice` what to
    do; `limits` what in the capture could make it wrong.
    """

    __slots__ = ("advice", "at", "cause", "code", "flow", "limits", "severity", "spec", "text", "title")

    def __init__(
        self,
        code: str,
        text: str,
        at: Piece | Place | Spot | Sequence[Piece | Place | Spot],
        *,
        cause: str = "",
        advice: str = "",
        limits: str = "",
        severity: Severity | None = None,
    ) -> None:
        self.code = code
        self.text = text
        places = [at] if isinstance(at, (Piece, Place, Spot)) else list(at)
        found = [place if isinstance(place, Place) else place.place for place in places]
        if len(found) == 1:
            self.at = found[0]
        else:
            spans = [span for place in found for span in place.spans]
            self.at = placed(tuple(spans), max([place.time_ns for place in found], default=0))
        self.cause = cause
        self.advice = advice
        self.limits = limits
        self.severity: Severity | None = severity
        self.title = ""
        self.spec = ""
        self.flow = -1

    @property
    def frames(self) -> tuple[int, ...]:
        return self.at.frames

    def __repr__(self) -> str:
        return f"Finding({self.code!r}, {self.text!r}, frames={self.frames})"


@mypyc_attr(allow_interpreted_subclasses=True)
class Packer:
    """Holds notes in less memory than the objects take, for captures of many flows, or of long ones."""

    def pack(self, notes: list[Note], before: Sequence[Note] | None = None) -> Sequence[Note]:
        """The notes, behind those of `before` (which this one gave): what says the same whenever it is read."""
        raise NotImplementedError

    def merge(self, runs: Sequence[Sequence[Note]], key: Callable[[Note], int]) -> Sequence[Note]:
        """All notes of these (which this one gave), each sorted by `key`, as one; equal ones in order of the runs."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Phase:
    """A step of the set-up that a room saw: what began when, how it ended, and the round trips it took."""

    name: str
    start_ns: int
    end_ns: int
    outcome: Outcome
    round_trips: int | None

    def __init__(self, name: str, start_ns: int, end_ns: int, outcome: Outcome, round_trips: int | None = None) -> None:
        self.name = name
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.outcome = outcome
        self.round_trips = round_trips


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class About:
    """What a room learnt of the whole session: a title for it, facts by name, and the kind of session it makes."""

    title: str | None
    facts: dict[str, Value]

    def __init__(self, title: str | None = None, facts: dict[str, Value] | None = None) -> None:
        self.title = title
        self.facts = {} if facts is None else facts


class Exchange:
    """A request that asks for another protocol, and the answer once there is one (RFC 9110 §7.8, RFC 8441 §4).

    `request` and `response` are field lines by lower-case name.
    """

    __slots__ = (
        "answered",
        "asked",
        "client",
        "ended",
        "facts",
        "method",
        "number",
        "reason",
        "request",
        "response",
        "secure",
        "status",
        "target",
        "version",
    )

    def __init__(
        self,
        method: str,
        target: str,
        version: str,
        request: dict[str, str],
        asked: Place,
        client: Side,
        secure: bool,
    ) -> None:
        self.method = method
        self.target = target
        self.version = version  # "HTTP/1.1", "HTTP/2", ...
        self.request = request
        self.asked = asked
        self.client = client  # who asks
        self.secure = secure
        self.status = 0  # until there is an answer
        self.reason = ""
        self.response: dict[str, str] = {}
        self.answered: Place | None = None
        self.facts: dict[str, Any] = {}  # what the room that is asked for remembers of it
        self.number = 1  # which one of its connection
        self.ended = ""  # who ended what it opened, and how, where that is not the end of the connection


class Resumed:
    """As a context: the beginning is not in the capture, so that what comes first may be within a unit."""

    __slots__ = ()


@dataclass(slots=True)
class Lead:
    """An exchange, begun or answered, that is for the room which claims `label` to tell of (`Protocol.lead`)."""

    label: str
    exchange: Exchange
    told: bool = False  # set by the engine: whether there is such a room


@dataclass(slots=True)
class Handoff:
    """What follows this unit, on both sides, belongs to the room that claims `label`, which gets `context`."""

    label: str
    context: Any = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Pass:
    """Bytes for an inner channel called `label` (decrypted, unwrapped); `stream` tells bytes from datagrams."""

    label: str
    piece: Piece
    stream: bool = True
    key: int = 0  # which inner channel, where there are several (an HTTP/2 stream id)
    sender: Side | None = None  # who sent it, where that is not who sent the unit
    read: bool = False  # set by the engine: whether a room inside has taken it
    context: Any = None  # for the room that takes it: of a stream what came first, of datagrams that of each
    over: bool = False  # nothing follows in this inner channel: it ends here, for both sides


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Body:
    """The next `size` bytes of this sender are to be streamed past, not held; -1: all until the stream ends.

    Up to `keep` of them come back through `on_body`; `pieces` of a kept body never exceed `Limits.unit_bytes`.
    """

    size: int
    keep: int = 0


@dataclass(slots=True)
class Enough:
    """Says that the room has what it wanted: the rest of the flow is counted in columns only."""


@dataclass(slots=True)
class Wait:
    """Says that the room holds bytes until there are secrets for them: the engine calls `on_secrets` then."""


Output = Note | Finding | Phase | About | Handoff | Pass | Body | Enough | Wait | Lead
Outputs = Iterable[Output]


@mypyc_attr(allow_interpreted_subclasses=True)
class Dissector:
    """A room at work on one channel.  Subclasses override what they need; all methods may yield outputs.

    The engine calls `unit_size` until it tells a size, then `on_unit` with a piece of just that size.  Datagrams come
    to `on_unit` whole.
    """

    #: whether `on_over` is to be called: the room is kept until then
    wants_sums: ClassVar[bool] = False

    flow: Flow | None = None  # set by the engine: id and endpoints of the flow it works on; sums only in `on_over`
    end_ns: int = 0  # set by the engine before `on_end`: when the flow, or else the capture, ended
    shared: Shared | None = None  # set by the engine: what flows have in common
    secure: bool = False  # set by the engine: what the room reads was encrypted on the wire
    context: Any = None  # set by the engine: what came with the `Handoff` or the `Pass`
    streams: Sequence[MediaStream] = ()  # set by the engine before `on_over`: what was counted in columns

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        """How many bytes the unit that starts with `head` has; None asks for more bytes.

        `head` holds all that is pending, and is only lent: a room that scans it keeps a mark of how far it got.
        """
        return len(head)

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        return ()

    def on_body(self, sender: Side, body: Piece) -> Outputs:
        """What was kept of a `Body`, once all of it went past (also when it was cut short by the end)."""
        return ()

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        """`size` bytes of this sender are not in the capture; `at` is where the stream goes on.

        A room that can find its place again says nothing; the default gives up, since a wrong guess is worse.
        """
        return (Enough(),)

    def on_secrets(self, late: bool) -> Outputs:
        """For a room that said `Wait`: there are new secrets, or (`late`) it is time to go on without."""
        return ()

    def on_icmp(self, error: IcmpError) -> Outputs:
        """An ICMP error quotes a datagram of the flow; told to rooms that are right on UDP."""
        return ()

    def on_end(self, last: Piece) -> Outputs:
        """The channel ended or the capture did; `last` is where its last bytes were."""
        return ()

    def on_over(self, flow: Flow) -> Outputs:
        """The whole flow is over: `flow`, and `self.flow`, has its sums.  Called after `on_end`, for `wants_sums`."""
        return ()


# --- rows: what the TCP room gets in place of bytes -------------------------------------------------------------------


class Event:
    """What the flow table saw in a TCP segment (bits of the `events` column and of `Segment.events`)."""

    NEW_FLOW: Final = 1 << 0
    SYN: Final = 1 << 1  # a SYN without ACK, the first of its sequence number
    SYN_ACK: Final = 1 << 2
    HANDSHAKE_ACK: Final = 1 << 3  # the first ACK that completes the handshake
    SYN_AGAIN: Final = 1 << 4  # same sequence number as before
    SYN_ACK_AGAIN: Final = 1 << 5
    SYN_OTHER: Final = 1 << 6  # a SYN or SYN-ACK of another sequence number in the same flow
    FIN: Final = 1 << 7  # first FIN of this sender
    RST: Final = 1 << 8
    RETRANSMISSION: Final = 1 << 9  # bytes that this sender sent before
    OUT_OF_ORDER: Final = 1 << 10  # fills a hole within a round trip or so: reordered, not sent again
    DUPLICATE: Final = 1 << 11  # the very same packet seen twice (two interfaces, a mirror port)
    FAST_RETRANSMISSION: Final = 1 << 12  # after three duplicate ACKs
    HOLE: Final = 1 << 13  # starts past the next expected byte: something before it was not seen (yet)
    ACK_UNSEEN: Final = 1 << 14  # acknowledges bytes that were not captured
    KEEP_ALIVE: Final = 1 << 15
    KEEP_ALIVE_ACK: Final = 1 << 16
    ZERO_WINDOW: Final = 1 << 17  # the first of a run
    WINDOW_PROBE: Final = 1 << 18
    WINDOW_OPEN: Final = 1 << 19  # ends a run of zero windows
    DSACK: Final = 1 << 20  # reports a duplicate arrival (RFC 2883)
    FIRST_PAYLOAD: Final = 1 << 21  # first payload of this sender
    AFTER_FIN: Final = 1 << 22  # payload after this sender's FIN
    AFTER_RST: Final = 1 << 23  # anything of this sender after its own RST
    BARE_ACK_TO_SYN: Final = 1 << 24  # an ACK without SYN that answers a SYN (challenge ACK)
    CONFLICT: Final = 1 << 25  # set by reassembly: an overlap with other bytes
    SYN_DATA: Final = 1 << 26  # payload in a SYN or SYN-ACK
    DUPLICATE_ACK: Final = 1 << 27
    FIN_AGAIN: Final = 1 << 28
    AFTER_IDLE: Final = 1 << 29  # the first segment after 30 s or more without one in this flow
    RELEASED: Final = 1 << 30  # data that had waited for an ACK which the receiver held back


@mypyc_attr(acyclic=True, free_list_len=1)
class Segment:
    """One TCP segment as the TCP room gets it: only those with an event the room asked for."""

    __slots__ = (
        "ack",
        "events",
        "flags",
        "frame",
        "header",
        "ip_id",
        "payload_bytes",
        "sender",
        "seq",
        "time_ns",
        "ttl",
        "window",
    )

    def __init__(
        self,
        sender: Side,
        flags: int,
        seq: int,
        ack: int,
        window: int,
        payload_bytes: int,
        events: int,
        ttl: int,
        ip_id: int,
        header: Piece,
    ) -> None:
        self.sender = sender
        self.flags = flags
        self.seq = seq
        self.ack = ack
        self.window = window  # as on the wire, not scaled
        self.payload_bytes = payload_bytes  # as sent, also where the capture cut it
        self.events = events
        self.ttl = ttl
        self.ip_id = ip_id
        self.header = header  # the TCP header with its options
        run = header.runs[0]
        self.frame = run[1]
        self.time_ns = run[3]


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class TcpSummary:
    """What the flow table knows of a TCP connection at its end.  Pairs are by sender, initiator first."""

    syn: int | None  # frames of the three-way handshake
    syn_ack: int | None
    ack: int | None
    syn_ns: int | None
    syn_ack_ns: int | None
    ack_ns: int | None
    syn_retransmits: int
    syn_ack_retransmits: int
    initial_rtt_ns: int | None
    end: str | None  # "fin", "rst" or None
    retransmits: tuple[int, int]
    out_of_order: tuple[int, int]
    lost_bytes: tuple[int, int]  # sent (by sequence numbers or acknowledged) but not in the capture
    duplicates: tuple[int, int]
    payload_bytes: tuple[int, int]  # on the wire, retransmissions too
    zero_windows: tuple[int, int]
    dup_acks: tuple[int, int]
    window_scale: tuple[int, int]  # -1: not offered
    mss: tuple[int, int]  # 0: not offered
    sack_permitted: tuple[bool, bool]
    timestamps: tuple[bool, bool]
    max_payload: tuple[int, int]
    nagle_stalls: tuple[int, int]  # data that waited for an ACK which the receiver held back
    nagle_us: tuple[int, int]  # how long it waited, all together
    history: str

    def __init__(
        self,
        syn: int | None = None,
        syn_ack: int | None = None,
        ack: int | None = None,
        syn_ns: int | None = None,
        syn_ack_ns: int | None = None,
        ack_ns: int | None = None,
        syn_retransmits: int = 0,
        syn_ack_retransmits: int = 0,
        initial_rtt_ns: int | None = None,
        end: str | None = None,
        retransmits: tuple[int, int] = (0, 0),
        out_of_order: tuple[int, int] = (0, 0),
        lost_bytes: tuple[int, int] = (0, 0),
        duplicates: tuple[int, int] = (0, 0),
        payload_bytes: tuple[int, int] = (0, 0),
        zero_windows: tuple[int, int] = (0, 0),
        dup_acks: tuple[int, int] = (0, 0),
        window_scale: tuple[int, int] = (-1, -1),
        mss: tuple[int, int] = (0, 0),
        sack_permitted: tuple[bool, bool] = (False, False),
        timestamps: tuple[bool, bool] = (False, False),
        max_payload: tuple[int, int] = (0, 0),
        nagle_stalls: tuple[int, int] = (0, 0),
        nagle_us: tuple[int, int] = (0, 0),
        history: str = "",
    ) -> None:
        self.syn = syn
        self.syn_ack = syn_ack
        self.ack = ack
        self.syn_ns = syn_ns
        self.syn_ack_ns = syn_ack_ns
        self.ack_ns = ack_ns
        self.syn_retransmits = syn_retransmits
        self.syn_ack_retransmits = syn_ack_retransmits
        self.initial_rtt_ns = initial_rtt_ns
        self.end = end
        self.retransmits = retransmits
        self.out_of_order = out_of_order
        self.lost_bytes = lost_bytes
        self.duplicates = duplicates
        self.payload_bytes = payload_bytes
        self.zero_windows = zero_windows
        self.dup_acks = dup_acks
        self.window_scale = window_scale
        self.mss = mss
        self.sack_permitted = sack_permitted
        self.timestamps = timestamps
        self.max_payload = max_payload
        self.nagle_stalls = nagle_stalls
        self.nagle_us = nagle_us
        self.history = history


@dataclass(slots=True)
class MediaType:
    """Packets of one payload type in a stream of RTP, and where the first of them is: `at` into its frame."""

    payload_type: int
    packets: int
    frame: int
    at: int
    bytes: int
    time_ns: int


@dataclass(slots=True)
class MediaStream:
    """A stream of RTP: what one sender sent with one SSRC, counted in columns (RFC 3550)."""

    sender: int  # of the flow: 0 initiator, 1 responder
    ssrc: int
    types: tuple[MediaType, ...]  # in order of appearance, at most four
    packets: int  # all of them
    copies: int  # seen before, by their sequence number
    late: int  # after one that follows them
    lost: int  # by sequence numbers
    lost_run: int  # the most in a row
    lost_frame: int  # the frame after these; 0: none
    restarts: int  # times that the sequence numbers began anew
    bytes: int  # of the packets, from the RTP header on
    largest: int
    first_frame: int
    last_frame: int
    first_ns: int
    last_ns: int
    first_at: int  # where the first packet is in its frame
    first_bytes: int
    first_seq: int
    last_seq: int
    stamps: int  # how far the timestamps went
    stamps_ns: int  # and in what time
    jitters: tuple[tuple[int, int], ...]  # (clock rate in Hz, interarrival jitter in ns for that rate)
    silence_ns: int  # the longest time without a packet
    silence_frame: int  # where it ended
    markers: int
    padded: int
    sources: int  # the most contributing sources in a packet
    extension: int | None  # "defined by profile" of the header extension
    extension_ids: tuple[int, ...]  # ids seen in it (RFC 8285), those below 62


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Flow:
    """A TCP connection (a reused port starts a new one) or a UDP conversation."""

    id: int
    transport: str  # "tcp", "udp", "sctp", "icmp", ...
    initiator: Endpoint
    responder: Endpoint
    community_id: str
    first_frame: int
    last_frame: int
    first_ns: int
    last_ns: int
    packets: tuple[int, int]
    bytes: tuple[int, int]  # of the frames as sent
    tcp: TcpSummary | None

    def __init__(
        self,
        id: int,  # noqa: A002 - as the field is called
        transport: str,
        initiator: Endpoint,
        responder: Endpoint,
        community_id: str,
        first_frame: int,
        last_frame: int,
        first_ns: int,
        last_ns: int,
        packets: tuple[int, int],
        bytes: tuple[int, int],  # noqa: A002
        tcp: TcpSummary | None = None,
    ) -> None:
        self.id = id
        self.transport = transport
        self.initiator = initiator
        self.responder = responder
        self.community_id = community_id
        self.first_frame = first_frame
        self.last_frame = last_frame
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.packets = packets
        self.bytes = bytes
        self.tcp = tcp


@dataclass(slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error joined to the flow whose packet it quotes; `sender` sent the quoted packet."""

    version: int  # 4 or 6: which ICMP
    type: int
    code: int
    source: str  # the address that reports it
    sender: Side
    mtu: int  # next-hop MTU of "fragmentation needed" and "packet too big"; 0 where there is none
    at: Piece  # the ICMP message


@mypyc_attr(allow_interpreted_subclasses=True)
class RowDissector:
    """The room of a transport whose work is done in columns: it gets rows with events, and the sums at the end."""

    #: bits of `Event`: rows that carry none of them are counted only
    wanted: ClassVar[int] = 0

    def __init__(self, flow: Flow, limits: Limits) -> None:
        """`flow` has ids and endpoints; its counts are filled only by `on_end`."""

    def on_segment(self, segment: Segment) -> Outputs:
        return ()

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        """The stream of `sender` lacks `size` bytes before `at`."""
        return ()

    def on_conflict(self, sender: Side, at: Piece) -> Outputs:
        """`at` overlaps bytes that came before and says something else."""
        return ()

    def on_icmp(self, error: IcmpError) -> Outputs:
        return ()

    def on_end(self, flow: Flow, capture_end_ns: int) -> Outputs:
        """The flow is over, or the capture is: `flow.tcp` has the sums."""
        return ()


# --- a room's tables --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """What a line of the timeline means: section of the protocol's RFC (or a full reference) and one sentence.

    `label` is what stands on the arrow ("SYN-ACK", "ClientHello"); where it is empty, the event's name does.
    """

    spec: str
    meaning: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class FindingKind:
    severity: Severity
    title: str
    spec: str
    cause: str
    advice: str


@dataclass(frozen=True, slots=True)
class Word:
    """What `analyzer explain` says of a word: a code, a flag, a status.  `aliases` are its other names."""

    title: str
    meaning: str
    spec: str
    aliases: tuple[str, ...] = ()


#: Tells from the first bytes of a stream or from a datagram whether it is this protocol; None asks for more bytes.
Probe = Callable[[bytes], bool | None]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A room as the engine knows it.

    `over` are the labels it claims: "tcp" and "udp" (any stream or datagram its probe accepts), or what a parent hands
    over ("upgrade:websocket").  `ports` are hints that decide only where no probe does.
    `session` is the kind of session that this room makes of a flow, None for rooms that carry others.
    """

    name: str
    title: str
    spec: str
    over: tuple[str, ...]
    kinds: Mapping[str, Kind]
    findings: Mapping[str, FindingKind]
    probe: Probe | None
    room: Callable[[], Dissector] | None
    session: str | None = None
    ports: frozenset[int] = frozenset()
    words: Mapping[str, Word] = field(default_factory=dict)
    rows: Callable[[Flow, Limits], RowDissector] | None = None  # for a transport, in place of `room`
    secure: bool = False  # what it passes inwards was encrypted
    media: bool = False  # its room gets what is known to be RTP
    starts: frozenset[int] | None = None  # the first bytes that `probe` does not refuse at once; None: it may take any
    lead: Callable[[Exchange], Outputs] | None = None  # tells of requests that ask for it, and of their answers
    late: bool = False  # of "tcp" it claims only streams that began before the capture

    def reference(self, spec: str) -> str:
        """A section of this protocol's RFC, written out ("§3.5" becomes "RFC 9293 3.5")."""
        return f"{self.spec} {spec[1:]}" if spec.startswith("§") else spec


# --- what readers give ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Interface:
    name: str
    link_type: int  # LINKTYPE number
    snap_bytes: int
    dropped: int | None = None  # packets the capturing host says it lost


@dataclass(slots=True)
class Problem:
    """Something wrong with the capture itself, said once and where."""

    code: str
    text: str
    file: str | None = None
    offset: int | None = None
    frame: int | None = None


@dataclass(slots=True)
class CaptureFile:
    name: str
    format: str
    bytes: int


class Batch:
    """Some frames of a capture, one after the other: `count` of them, the first being number `first_frame`.

    `data` holds their bytes and is only lent: it is overwritten when the next batch is read.  The arrays are [count]:
    `time_ns` int64; `start` int64 (offset in `data`); `captured` and `length` int64 (bytes in the capture, on the
    wire); `interface` and `link` int32 (index into the reader's interfaces; LINKTYPE number).
    """

    __slots__ = ("captured", "count", "data", "first_frame", "interface", "length", "link", "start", "time_ns")

    def __init__(
        self,
        data: bytes | bytearray,
        first_frame: int,
        count: int,
        time_ns: Int64s,
        start: Int64s,
        captured: Int64s,
        length: Int64s,
        interface: Int32s,
        link: Int32s,
    ) -> None:
        self.data = data
        self.first_frame = first_frame
        self.count = count
        self.time_ns = time_ns
        self.start = start
        self.captured = captured
        self.length = length
        self.interface = interface
        self.link = link


@mypyc_attr(allow_interpreted_subclasses=True)
class Source:
    """Where frames come from: a file, several, a pipe or an interface.

    Iterating gives batches; `files`, `interfaces`, `problems` and `secrets` (key log text by order of appearance) grow
    while it is read.  `close` may be called at any time.
    """

    files: list[CaptureFile]
    interfaces: list[Interface]
    problems: list[Problem]
    secrets: list[bytes]
    names: dict[str, str]  # address -> name, from name resolution blocks
    done_bytes: int  # for a progress bar
    total_bytes: int | None

    def __iter__(self) -> Generator[Batch]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


# --- what comes out ---------------------------------------------------------------------------------------------------


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Story:
    """What the rooms said of one flow; `kind` is the session that its deepest room makes, None where none does."""

    flow: Flow
    notes: Sequence[Note]
    findings: list[Finding]
    phases: list[Phase]
    title: str | None
    facts: dict[str, Value]
    kind: str | None

    def __init__(
        self,
        flow: Flow,
        notes: Sequence[Note] | None = None,
        findings: list[Finding] | None = None,
        phases: list[Phase] | None = None,
        title: str | None = None,
        facts: dict[str, Value] | None = None,
        kind: str | None = None,
    ) -> None:
        self.flow = flow
        self.notes = [] if notes is None else notes
        self.findings = [] if findings is None else findings
        self.phases = [] if phases is None else phases
        self.title = title
        self.facts = {} if facts is None else facts
        self.kind = kind


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Session:
    """What a person calls one thing: its flows, its phases in order, its notes in order of time."""

    id: int
    kind: str
    title: str
    outcome: Outcome
    flows: list[int]
    start_ns: int
    end_ns: int
    phases: list[Phase]
    facts: dict[str, Value]
    notes: Sequence[Note]
    findings: list[int]  # indices into `Report.findings`

    def __init__(
        self,
        id: int,  # noqa: A002
        kind: str,
        title: str,
        outcome: Outcome,
        flows: list[int],
        start_ns: int,
        end_ns: int,
        phases: list[Phase],
        facts: dict[str, Value],
        notes: Sequence[Note],
        findings: list[int] | None = None,
    ) -> None:
        self.id = id
        self.kind = kind
        self.title = title
        self.outcome = outcome
        self.flows = flows
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.phases = phases
        self.facts = facts
        self.notes = notes
        self.findings = [] if findings is None else findings


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Verdict:
    """A finding in the report: complete, and joined to its session (None: it is about the whole capture)."""

    id: int
    code: str
    severity: Severity
    title: str
    text: str
    cause: str
    advice: str
    limits: str
    spec: str
    session: int | None
    frames: tuple[int, ...]
    spans: tuple[Span, ...]
    time_ns: int

    def __init__(
        self,
        id: int,  # noqa: A002
        code: str,
        severity: Severity,
        title: str,
        text: str,
        cause: str,
        advice: str,
        limits: str,
        spec: str,
        session: int | None,
        frames: tuple[int, ...],
        spans: tuple[Span, ...],
        time_ns: int,
    ) -> None:
        self.id = id
        self.code = code
        self.severity = severity
        self.title = title
        self.text = text
        self.cause = cause
        self.advice = advice
        self.limits = limits
        self.spec = spec
        self.session = session
        self.frames = frames
        self.spans = spans
        self.time_ns = time_ns


@dataclass(slots=True)
class Capture:
    """What was read: files, interfaces, counts, and what is wrong with the capture itself."""

    files: list[CaptureFile] = field(default_factory=list)
    frames: int = 0
    bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    interfaces: list[Interface] = field(default_factory=list)
    cut_frames: int = 0
    undecoded_frames: int = 0
    problems: list[Problem] = field(default_factory=list)
    # measured over all frames, for the verdicts on the capture itself
    oversize_frames: int = 0  # larger than any Ethernet MTU: offloaded segmentation
    clock_steps: int = 0  # times that time went backwards by more than 1 ms
    clock_step_frame: int = 0  # the first of them
    clock_step_ns: int = 0  # the largest of them


@dataclass(slots=True)
class Report:
    """The result of an analysis: one capture, its flows, sessions and findings."""

    capture: Capture
    flows: list[Flow]
    sessions: list[Session]
    findings: list[Verdict]
