"""Values of the report, as arguments for its types."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import (
    Endpoint,
    Flow,
    Note,
    Outcome,
    Pattern,
    Phase,
    Piece,
    Place,
    Session,
    Severity,
    Side,
    Span,
    TcpSummary,
    Verdict,
)
from analyzer.report import model, plain


def test_a_note_of_one_frame_and_of_several() -> None:
    one = Note("a.b", "said", Piece(b"abc", [(0, 4, 66, 1000)]), {"x": 1}, verdict="bad", sender=Side.RESPONDER)
    one.flow, one.path, one.spec = 7, ("tcp", "a"), "RFC 1 2"
    two = Note("a.c", "more", Place((Span(9, 0, 5), Span(8, 1, 2), Span(9, 7, 8)), 2000))
    two.remark = "look"
    made = msgspec.json.decode(b"[" + plain.notes([one, two], model.encode) + b"]", type=list[model.Note])
    assert made[0] == model.Note(
        "a.b", 1000, (4,), ((4, 66, 69),), 7, "responder", ("tcp", "a"), "said", {"x": 1}, "bad", "RFC 1 2"
    )
    assert (made[1].frames, made[1].sender, made[1].remark, made[1].time_ns) == ((8, 9), None, "look", 2000)
    assert made[1].spans == ((9, 0, 5), (8, 1, 2), (9, 7, 8))
    line = msgspec.json.decode(model.note_line(one), type=model.Line)
    assert isinstance(line, model.NoteLine)
    assert line.fields == {"x": 1}


def test_fields_that_follow_a_pattern() -> None:
    fields = {"a": [1, {"b": None}], "random": "00", 'odd "name"\ud800': 1.5, "more": {}, "last": 7}
    for changing in ((), ("random",), ("last", "a"), tuple(fields)):
        pattern = Pattern(fields, changing)
        for _ in range(2):
            note = Note("a.b", "", Place((), 0), {**fields, **dict.fromkeys(changing, "x")})
            plainly = plain.fields(note, model.encode)
            note.pattern = pattern
            assert plain.fields(note, model.encode) == plainly
            assert json.loads(plainly)["more"] == ("x" if "more" in changing else {})


@given(st.text(st.characters(exclude_categories=())))
def test_text_is_quoted_as_the_encoder_does(text: str) -> None:
    assert plain.quoted(text).encode() == model.encode(text)


def test_what_is_kept_of_notes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = []
    for number in range(40):
        note = Note(f"a.{number % 20}", "", Place((), 0))
        note.path, note.spec = ("tcp", f"{number % 20}"), f"{number % 20}"
        notes.append(note)
    monkeypatch.setattr(plain, "MOST_PARTS", 3)
    read = json.loads(b"[" + plain.notes(notes, model.encode) + b"]")
    assert [(one["kind"], one["path"][1], one["spec"]) for one in read] == [
        (note.kind, note.path[1], note.spec) for note in notes
    ]


@pytest.mark.parametrize(("end", "told"), [("fin", "fin"), ("rst", "rst"), ("odd", None), (None, None)])
def test_a_flow(end: str | None, told: str | None) -> None:
    found = Flow(3, "tcp", Endpoint("a", 1), Endpoint("b", 2), "1:x", 5, 9, 50, 90, (1, 2), (3, 4))
    made = msgspec.json.decode(model.flow(found), type=model.Flow)
    ends = model.Endpoint("a", 1), model.Endpoint("b", 2)
    assert made == model.Flow(3, "tcp", *ends, "1:x", 5, 9, 50, 90, (1, 2), (3, 4), None)
    found.tcp = TcpSummary(1, 2, 3, 4, 5, 6, 7, 8, 9, end, (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), history='S"h')
    line = msgspec.json.decode(model.flow(found, line=True), type=model.Line)
    assert isinstance(line, model.FlowLine)
    assert line.tcp == model.Tcp(1, 2, 3, 7, 8, 9, told, (1, 2), (3, 4), (7, 8), (5, 6), (9, 10), 'S"h')  # type: ignore[arg-type]


def test_the_head_of_a_session() -> None:
    phases = [Phase("tcp", 1, 2, Outcome.ESTABLISHED, 1), Phase("tls", 3, 4, Outcome.FAILED)]
    found = Session(4, "tls", "raw\udcff", Outcome.FAILED, [3, 5], 1, 9, phases, {"a": 1}, [])
    made = msgspec.json.decode(b"".join(model.session_bytes(found, "full")), type=model.Session)
    steps = [model.Phase("tcp", 1, 2, 1, "established"), model.Phase("tls", 3, 4, None, "failed")]
    assert made == model.Session(4, "tls", "raw\\udcff", "failed", [3, 5], 1, 9, steps, {"a": 1}, notes=[], findings=[])


@pytest.mark.parametrize("session", [None, 3])
def test_a_finding(session: int | None) -> None:
    spans = (Span(3, 1, 2), Span(7, 0, 5))
    texts = ("title", "text", "cause", "advice", "limits", "spec")
    found = Verdict(1, "a.b", Severity.NOTICE, *texts, session, (3, 7), spans, 99)
    made = msgspec.json.decode(model.finding(found), type=model.Finding)
    assert made == model.Finding(1, "a.b", "notice", *texts, session, (3, 7), spans, 99)
    line = msgspec.json.decode(model.finding(found, line=True), type=model.Line)
    assert isinstance(line, model.FindingLine)
    assert line.spans == spans
