"""The report as JSON: its types, and how they are made of what the analysis found.

The types are docs/report.schema.json; docs/output.md says in words what each member means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from analyzer.report import plain
from analyzer.report.plain import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from analyzer import core

SCHEMA: Final = "analyzer.report/1"

#: How much of the timelines a report holds.
Detail = Literal["full", "summary", "bytes"]
SideName = Literal["initiator", "responder"]
OutcomeName = Literal["established", "failed", "unanswered", "partial", "open"]
SeverityName = Literal["error", "warning", "notice", "info"]
#: Bytes `start` to `stop` of a captured frame: [frame, start, stop].
SpanList = tuple[int, int, int]


class File(msgspec.Struct, frozen=True, gc=False):
    name: str
    format: str
    bytes: int


class Interface(msgspec.Struct, frozen=True, gc=False):
    name: str
    link_type: int
    snap_bytes: int
    dropped: int | None


class Problem(msgspec.Struct, frozen=True, gc=False):
    code: str
    text: str
    file: str | None
    offset: int | None
    frame: int | None


class Capture(msgspec.Struct, frozen=True, gc=False):
    files: list[File]
    frames: int
    bytes: int
    first_ns: int
    last_ns: int
    interfaces: list[Interface]
    cut_frames: int
    undecoded_frames: int
    problems: list[Problem]


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    address: str
    port: int


class Tcp(msgspec.Struct, frozen=True, gc=False):
    """A TCP connection in numbers; `syn`, `syn_ack` and `ack` are the frames of the three-way handshake."""

    syn: int | None
    syn_ack: int | None
    ack: int | None
    syn_retransmits: int
    syn_ack_retransmits: int
    initial_rtt_ns: int | None
    end: Literal["fin", "rst"] | None
    retransmits: tuple[int, int]
    out_of_order: tuple[int, int]
    duplicates: tuple[int, int]
    lost_bytes: tuple[int, int]
    payload_bytes: tuple[int, int]
    history: str


class Flow(msgspec.Struct, frozen=True, gc=False):
    """A TCP connection or a conversation of datagrams; pairs are by sender, initiator first."""

    id: int
    transport: str
    initiator: Endpoint
    responder: Endpoint
    community_id: str
    first_frame: int
    last_frame: int
    first_ns: int
    last_ns: int
    packets: tuple[int, int]
    bytes: tuple[int, int]
    tcp: Tcp | None


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of a message with `--detail bytes`, and the fields inside it."""

    name: str
    spans: tuple[SpanList, ...]
    value: int | str | None = None
    hex: str | None = None
    fields: list[Node] = []


class Note(msgspec.Struct, frozen=True, gc=False):
    """A line of the timeline; `frames` are all that carried it, the last being where it was complete."""

    kind: str
    time_ns: int
    frames: tuple[int, ...]
    spans: tuple[SpanList, ...]
    flow: int
    sender: SideName | None
    path: tuple[str, ...]
    text: str
    fields: dict[str, Any]
    verdict: str | None
    spec: str
    remark: str | msgspec.UnsetType = msgspec.UNSET
    bytes: list[Node] | msgspec.UnsetType = msgspec.UNSET


class Phase(msgspec.Struct, frozen=True, gc=False):
    name: str
    start_ns: int
    end_ns: int
    round_trips: int | None
    outcome: OutcomeName


class SessionHead(msgspec.Struct, frozen=True, gc=False):
    """A session without its notes, which may be many."""

    id: int
    kind: str
    title: str
    outcome: OutcomeName
    flows: list[int]
    start_ns: int
    end_ns: int
    phases: list[Phase]
    facts: dict[str, Any]


class Session(SessionHead, frozen=True, kw_only=True, gc=False):
    """What a person calls one thing; with `--detail summary` it has no `notes`."""

    notes: list[Note] | msgspec.UnsetType = msgspec.UNSET
    findings: list[int]


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A verdict with its evidence; `session` is null where it is about the whole capture."""

    id: int
    code: str
    severity: SeverityName
    title: str
    text: str
    cause: str
    advice: str
    limits: str
    spec: str
    session: int | None
    frames: tuple[int, ...]
    spans: tuple[SpanList, ...]
    time_ns: int


class Report(msgspec.Struct, frozen=True, gc=False):
    """Everything that was found: one capture, its flows, sessions and findings."""

    schema: Literal["analyzer.report/1"]
    capture: Capture
    flows: list[Flow]
    sessions: list[Session]
    findings: list[Finding]


# --- lines of jsonl ---------------------------------------------------------------------------------------------------


class CaptureLine(Capture, frozen=True, gc=False, tag_field="type", tag="capture"):
    pass


class FlowLine(Flow, frozen=True, gc=False, tag_field="type", tag="flow"):
    pass


class SessionLine(Session, frozen=True, gc=False, tag_field="type", tag="session"):
    pass


class FindingLine(Finding, frozen=True, gc=False, tag_field="type", tag="finding"):
    pass


class NoteLine(Note, frozen=True, gc=False, tag_field="type", tag="note"):
    """A note by itself, as `analyzer live` tells it before its session is complete."""


Line = CaptureLine | FlowLine | SessionLine | FindingLine | NoteLine


# --- from what the analysis found -------------------------------------------------------------------------------------


def capture(found: core.Capture, line: bool = False) -> Capture:
    return (CaptureLine if line else Capture)(
        files=[File(clean(file.name), file.format, file.bytes) for file in found.files],
        frames=found.frames,
        bytes=found.bytes,
        first_ns=found.first_ns,
        last_ns=found.last_ns,
        interfaces=[
            Interface(clean(interface.name), interface.link_type, interface.snap_bytes, interface.dropped)
            for interface in found.interfaces
        ],
        cut_frames=found.cut_frames,
        undecoded_frames=found.undecoded_frames,
        problems=[
            Problem(
                problem.code,
                clean(problem.text),
                None if problem.file is None else clean(problem.file),
                problem.offset,
                problem.frame,
            )
            for problem in found.problems
        ],
    )


def flow(found: core.Flow, line: bool = False) -> bytes:
    """The flow as JSON has it."""
    return encode(plain.flow(found, FlowLine if line else Flow, Tcp, Endpoint))


def notes(found: Sequence[core.Note], with_bytes: bool = False) -> bytes:
    """The notes in JSON, with commas between them."""
    if not with_bytes:
        try:
            return plain.notes(found, _encoder.encode)
        except UnicodeEncodeError:
            return plain.notes(found, encode)
    return b",".join([note(one, more=f',"bytes":{encode(nodes(one.tree or ())).decode()}') for one in found])


def note(found: core.Note, tag: str = "", more: str = "") -> bytes:
    """The note as `Note` has it; `tag` is what the object begins with, `more` what it ends with."""
    return plain.note(found, encode, tag, more).encode()


def note_line(found: core.Note) -> bytes:
    """The note as `NoteLine` has it."""
    return note(found, tag='"type":"note",')


def nodes(fields: Iterable[core.Field]) -> list[Node]:
    """The field tree; its depth is that of the parsers' groups, which is small and not the capture's to choose."""
    return [
        Node(
            field.name,
            () if field.piece is None else field.piece.spans,
            value=field.value.hex() if isinstance(field.value, bytes) else field.value,
            hex=None if field.piece is None or field.children else bytes(field.piece).hex(),
            fields=nodes(field.children),
        )
        for field in fields
    ]


def finding(found: core.Verdict, line: bool = False) -> bytes:
    """The finding as JSON has it."""
    return encode(plain.finding(found, FindingLine if line else Finding))


# --- to bytes ---------------------------------------------------------------------------------------------------------

#: Notes that are encoded at the same time: enough to make a write worth it, few enough to cost no memory.
NOTES_AT_ONCE: Final = 1000

_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def encode(value: object) -> bytes:
    """`value` as JSON; strings that UTF-8 can't hold become backslash escapes, at the price of a copy."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(msgspec.to_builtins(value, enc_hook=str)))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


class Encoded:
    """Notes that are held as the JSON that `notes` would make of them."""

    __slots__ = ()

    def texts(self) -> Iterator[bytes]:
        """Some at a time, with commas between the notes of each."""
        raise NotImplementedError


def session_bytes(found: core.Session, detail: Detail, tag: bytes = b"") -> Iterator[bytes]:
    """The session as JSON, some notes at a time; `tag` is what the object begins with (`"type":"session",`)."""
    yield b"{" + tag + encode(plain.head(found, clean(found.title), SessionHead, Phase))[1:-1]
    if detail != "summary":
        with_bytes = detail == "bytes"
        yield b',"notes":['
        held = found.notes
        if isinstance(held, Encoded):
            for number, text in enumerate(held.texts()):
                yield b"," + text if number else text
        else:
            for start in range(0, len(held), NOTES_AT_ONCE):
                some = notes(held[start : start + NOTES_AT_ONCE], with_bytes)
                yield b"," + some if start else some
        yield b"]"
    yield b',"findings":' + encode(found.findings) + b"}"
