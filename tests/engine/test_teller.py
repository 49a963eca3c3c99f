"""What is said of a flow comes together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import About, Finding, Limits, Note, Place, Severity, Shared, Side, Span
from analyzer.engine.registry import Entry
from analyzer.engine.teller import Teller
from analyzer.report.spool import Spool
from tests.engine.rooms import protocol
from tests.play import a_flow

HERE = Place((Span(3, 0, 5),), 7)
BOX = Entry(protocol())


def a_teller(limits: Limits | None = None, packer: Spool | None = None, told: list[str] | None = None) -> Teller:
    def keep(flow: int, output: Note | Finding) -> None:
        assert told is not None
        told.append(output.kind if isinstance(output, Note) else output.code)

    return Teller(a_flow(), Shared(limits), trace=False, on_output=None if told is None else keep, packer=packer)


def test_notes_get_what_the_room_cannot_know() -> None:
    told: list[str] = []
    teller = a_teller(told=told)
    teller.note(BOX, ("tcp", "box"), Side.RESPONDER, Note("box.item", "x", HERE))
    teller.note(BOX, ("tcp",), Side.RESPONDER, Note("box.new", "x", HERE, sender=Side.INITIATOR))
    first, second = teller.notes
    assert (first.flow, first.sender, first.path, first.spec) == (0, Side.RESPONDER, ("tcp", "box"), "RFC 1 1")
    assert (second.sender, second.spec) == (Side.INITIATOR, "")
    assert told == ["box.item", "box.new"]


def test_findings_get_what_the_table_says() -> None:
    told: list[str] = []
    teller = a_teller(told=told)
    teller.finding(BOX, ("box",), Finding("box.bad", "x", HERE, cause="Mine.", severity=Severity.INFO))
    (found,) = teller.findings
    assert (found.cause, found.advice, found.severity) == ("Mine.", "Take it out.", Severity.INFO)
    assert told == ["box.bad"]
    teller.finding(BOX, ("box",), Finding("box.unheard", "x", HERE, severity=Severity.INFO))
    with pytest.raises(ValueError, match="box has no finding"):
        teller.finding(BOX, ("box",), Finding("box.unheard", "x", HERE))


def test_limits_are_told_once() -> None:
    teller = a_teller(Limits(notes_per_flow=2, findings_per_flow=1))
    for _ in range(4):
        teller.note(BOX, ("box",), None, Note("box.item", "x", HERE))
    for _ in range(3):
        teller.finding(BOX, ("box",), Finding("box.bad", "x", HERE))
    assert [note.kind for note in teller.notes] == ["box.item", "box.item", "engine.limit"]
    assert teller.notes[2].fields == {"limit": "notes_per_flow", "value": 2}
    assert len(teller.findings) == 1
    teller = a_teller()
    teller.limit("depth", "deep", ("a",), HERE)
    teller.limit("depth", "deeper", ("a",), HERE)
    assert [note.text for note in teller.notes] == ["deep"]


def test_the_deepest_room_names_the_session() -> None:
    teller = a_teller()
    teller.about(About("deep", {"a": 1}), 3)
    teller.about(About("shallow", {"b": 2}), 1)
    teller.about(About(None, {"a": 3}), 1)
    assert (teller.title, teller.facts) == ("deep", {"a": 3, "b": 2})
    teller.joined(BOX, 2)
    teller.joined(Entry(protocol("other")), 1)
    teller.joined(Entry(protocol("silent", session=None)), 5)
    assert teller.kind == "box"


def test_mistakes_say_where_they_were_made() -> None:
    teller = a_teller()
    try:
        BOX.specs["nothing"]
    except KeyError as why:
        teller.mistake("box", ("tcp", "box"), why, HERE)
    (note,) = teller.notes
    assert (note.kind, note.fields["exception"], note.fields["room"]) == ("engine.internal-error", "KeyError", "box")
    assert note.fields["where"].startswith("test_teller.py:")


def placed(frame: int, text: str) -> Note:
    return Note("box.item", text, Place((Span(frame, 0, 5),), frame))


def test_notes_are_packed_in_order_and_what_comes_late_finds_its_place() -> None:
    teller = a_teller(packer=Spool())
    for frame in (3, 1):
        teller.note(BOX, ("box",), None, placed(frame, f"{frame}"))
    teller.pack()
    assert teller.notes == []
    teller.note(BOX, ("box",), None, placed(5, "5"))
    teller.pack()
    assert [note.text for note in teller.all_notes(True)] == ["1", "3", "5"]
    for frame in (6, 2, 4):
        teller.note(BOX, ("box",), None, placed(frame, f"{frame}"))
    teller.pack()
    teller.note(BOX, ("box",), None, placed(2, "2 again"))
    teller.pack()
    teller.pack()  # which has nothing to do
    expected = ["1", "2", "2 again", "3", "4", "5", "6"]
    assert [note.text for note in teller.all_notes(False)] == expected
    teller.note(BOX, ("box",), None, placed(9, "9"))
    assert [note.text for note in teller.all_notes(False)] == [*expected, "9"]


def test_notes_that_nobody_packs_are_put_in_order() -> None:
    teller = a_teller()
    for note in (placed(3, "c"), placed(1, "a")):
        teller.note(BOX, ("box",), None, note)
    assert [note.text for note in teller.all_notes(False)] == ["a", "c"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 8), st.integers(1, 70))
def test_a_flow_of_many_notes_keeps_few_as_objects(frames: list[int], most: int, all_of_them: int) -> None:
    limits = Limits(unpacked_notes_per_flow=most, notes_per_flow=all_of_them)
    whole, teller = a_teller(limits), a_teller(limits, Spool())
    for one in (whole, teller):
        for number, frame in enumerate(frames):
            one.note(BOX, ("box",), None, placed(frame, f"{number}"))
            assert one is whole or len(one.notes) <= most + 1  # one may say that there are more
    expected = [note.text for note in whole.all_notes(False)]
    assert [note.text for note in teller.all_notes(False)] == expected
    assert len(expected) == min(len(frames), all_of_them + 1)


def test_who_waits_for_secrets_is_asked_once() -> None:
    teller = a_teller()
    assert not teller.waits
    assert teller.take_waiting() == []
    teller.waiting = []
    assert teller.waits
    assert teller.take_waiting() == []
    assert not teller.waits


def test_a_mistake_says_where_it_was() -> None:
    teller = a_teller()
    try:
        raise KeyError("x" * 300)
    except KeyError as why:
        teller.mistake("box", ("tcp", "box"), why, HERE)
    (note,) = teller.notes
    assert note.kind == "engine.internal-error"
    assert note.fields["exception"] == "KeyError"
    assert "test_teller.py" in note.fields["where"]
    assert len(note.fields["message"]) == 200


def test_some_facts_are_of_several_rooms() -> None:
    teller = a_teller()
    teller.about(About(None, {"summary": ["one."], "websockets": [1], "a": [1]}), 2)
    teller.about(About(None, {"summary": ["two."], "websockets": [2], "a": [2]}), 2)
    assert teller.facts == {"summary": ["one.", "two."], "websockets": [1, 2], "a": [2]}
