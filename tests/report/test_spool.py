"""Notes held as JSON come back as they were."""

from __future__ import annotations

import io
import tempfile

import pytest

from analyzer.core import Note, Place, Session, Side, Span
from analyzer.report import model, spool
from analyzer.report.spool import Packed, Spool
from tests.report import sample


def note(number: int, size: int = 0) -> Note:
    spans = (Span(number, 54, 60), Span(number + 2, 54, 55))
    made = Note("a.b", f"{number} öß" + "x" * size, Place(spans, 10**18 + number), {"a": [1, {"b": None}], "c": 1.5})
    made.flow, made.path, made.spec = 7, ("tcp", "a"), "RFC 1 1"
    made.sender = (None, Side.INITIATOR, Side.RESPONDER)[number % 3]
    return made


def told(notes: object) -> list[tuple[object, ...]]:
    assert isinstance(notes, list | Packed)
    return [
        (one.kind, one.text, one.at, one.fields, one.verdict, one.sender, one.flow, one.path, one.spec) for one in notes
    ]


def test_notes_come_back_as_they_were() -> None:
    notes = [note(number) for number in range(5)]
    packed = Spool().pack(notes)
    assert len(packed) == 5
    assert told(packed) == told(notes)
    assert told([packed[-1]]) == told(notes[-1:])
    assert told(packed[1:3]) == told(notes[1:3])
    assert isinstance(packed[0].at.spans[0], Span)


def test_notes_are_added_behind_others() -> None:
    store = Spool()
    first = store.pack([note(1)])
    store.pack([note(2)])
    both = store.pack([note(3), note(4)], first)
    assert told(both) == told([note(1), note(3), note(4)])
    assert len(first) == 1


def test_many_notes_lie_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "PART_NOTES", 3)
    store = Spool()
    notes = [note(number) for number in range(10)]
    packed = store.pack(notes[7:], store.pack(notes[:7]))
    assert [len(some) for some in (packed, list(packed.texts()), packed[2:9:2])] == [10, 4, 4]
    assert told([packed[number] for number in range(-10, 10)]) == told(notes + notes)
    with pytest.raises(IndexError):
        packed[10]


def test_runs_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "PART_NOTES", 3)
    store = Spool()
    runs = [store.pack([note(number) for number in numbers]) for numbers in ((1, 4, 4, 7), (2, 4, 9), (4,), ())]
    merged = store.merge(runs, lambda one: one.time_ns)
    assert told(merged) == told([note(number) for number in (1, 2, 4, 4, 4, 4, 7, 9)])


@pytest.mark.parametrize("ahead", [1, 1000, spool.BLOCK_BYTES])
def test_what_is_written_is_read_in_any_order(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BLOCK_BYTES", ahead)
    store = Spool()
    held = [store.pack([note(number, 500)]) for number in range(20)]
    if ahead == 1000:
        assert store.flush() > 10_000
    for number in [0, 1, 19, 5, 6, 7, 3, 18]:
        assert told(held[number]) == told([note(number, 500)])
    held.append(store.pack([note(20)]))
    assert told(held[20]) == told([note(20)])


def test_a_file_of_another_process_is_read() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        store = Spool(open(file.fileno(), "r+b", buffering=0, closefd=False))  # noqa: SIM115 - it closes it
        packed = store.pack([note(1), note(2)])
        size = store.flush()
        other = Spool(io.BytesIO(_all(file)), size)
        assert told(Packed(other, packed.size, packed.parts)) == told([note(1), note(2)])


class Full(io.BytesIO):
    def write(self, data: object) -> int:
        raise OSError(28, "No space left on device")


def test_where_there_is_no_space_on_disk_memory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BLOCK_BYTES", 100)
    store = Spool(Full())
    held = [store.pack([note(number)]) for number in range(5)]
    assert [told(one) for one in held] == [told([note(number)]) for number in range(5)]
    with pytest.raises(OSError, match="space"):
        store.flush()


def _all(file: object) -> bytes:
    assert hasattr(file, "seek")
    assert hasattr(file, "read")
    file.seek(0)
    content: bytes = file.read()
    return content


def test_the_report_has_them_as_they_are() -> None:
    session: Session = sample.report().sessions[0]
    plain = b"".join(model.session_bytes(session, "full"))
    session.notes = Spool().pack(list(session.notes))
    assert b"".join(model.session_bytes(session, "full")) == plain
    assert b"notes" not in b"".join(model.session_bytes(session, "summary"))
