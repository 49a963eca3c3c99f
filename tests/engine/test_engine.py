"""The loop over captures: the same notes for any batch size, and what is counted only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.capture import files, open_source
from analyzer.core import Limits, Note, Side
from analyzer.engine import registry
from analyzer.engine.engine import Engine
from analyzer.engine.registry import Registry
from analyzer.report.spool import Packed, Spool
from captures.maker import Talk
from tests.conftest import ROOT
from tests.engine.rooms import patient, protocol, unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CAPTURES = sorted((ROOT / "captures").glob("*/*.pcapng"))


def run(path: Path | bytes, block_bytes: int = 1 << 20, **given: Any) -> Engine:
    limits = given.pop("limits", Limits())
    engine = Engine(limits, **given)
    source = open_source([path], limits=limits, block_bytes=block_bytes)
    for batch in source:
        engine.feed(batch)
    engine.finish()
    return engine


def told(engine: Engine) -> list[tuple[Any, ...]]:
    return [
        (story.flow.id, note.kind, note.text, note.frames, note.sender, note.path, note.spec)
        for story in engine.stories
        for note in story.notes
    ] + [(story.flow.id, one.code, one.text, one.frames) for story in engine.stories for one in story.findings]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_any_batch_size_gives_the_same_notes(path: Path) -> None:
    whole = told(run(path))
    for block_bytes in (1, 300, 2000):
        assert told(run(path, block_bytes)) == whole


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_notes_that_are_packed_are_the_same_notes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(run(path))
    for frames in (1, 5, 8192):
        monkeypatch.setattr(files, "CAPACITY", frames)  # in a batch
        assert told(run(path, limits=Limits(unpacked_flows=-1), packer=Spool())) == whole
        assert told(run(path, limits=Limits(unpacked_notes=3, unpacked_notes_per_flow=2), packer=Spool())) == whole


def test_notes_of_quiet_flows_are_packed_and_what_comes_later_is_put_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CAPACITY", 1)

    class Keeper(Spool):
        sizes: ClassVar[list[tuple[int, int]]] = []

        def pack(self, notes: list[Note], before: Sequence[Note] | None = None) -> Packed:
            self.sizes.append((0 if before is None else len(before), len(notes)))
            return super().pack(notes, before)

    first = a_talk([(Side.INITIATOR, unit("N", "a"))])
    for number in range(1, 9):
        Talk(first.capture, client_port=50000 + number).open(float(number))
    first.client(20.0, "PA", unit("N", "b"))
    box = Registry([*registry.protocols(), protocol()])
    whole = told(run(packed(first), rooms=box))
    assert told(run(packed(first), rooms=box, limits=Limits(unpacked_flows=0), packer=Keeper())) == whole
    once = Keeper.sizes[0][1]
    assert Keeper.sizes[0][0] == 0
    assert any(before == once for before, _ in Keeper.sizes)


def packed(talk: Talk) -> bytes:
    return talk.capture.bytes()


def a_talk(frames: list[tuple[Side, bytes]]) -> Talk:
    talk = Talk()
    talk.open()
    at = 0.1
    for side, data in frames:
        at += 0.01
        (talk.client if side is Side.INITIATOR else talk.server)(at, "PA", data)
    return talk


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.binary(min_size=1, max_size=20)), max_size=12))
def test_any_bytes_in_any_batches(frames: list[tuple[Side, bytes]]) -> None:
    box = Registry([*registry.protocols(), protocol()])
    path = packed(a_talk([(side, b"N\5" + data) for side, data in frames]))
    whole = told(run(path, rooms=box))
    assert told(run(path, 1, rooms=box)) == whole
    assert not [line for line in whole if line[1] == "engine.internal-error"]


def test_flows_end_when_both_sides_have_said_all() -> None:
    talk = a_talk([(Side.INITIATOR, unit("N", "a")), (Side.RESPONDER, unit("N", "b"))])
    talk.close(1.0)
    engine = run(packed(talk), rooms=Registry([*registry.protocols(), protocol()]))
    (story,) = engine.stories
    assert [note.kind for note in story.notes if note.kind.startswith("box")] == ["box.item", "box.item", "box.end"]
    assert story.kind == "box"


def test_outputs_are_told_as_they_happen() -> None:
    seen: list[tuple[int, str]] = []

    def keep(flow: int, output: Note | core.Finding) -> None:
        seen.append((flow, output.kind if isinstance(output, Note) else output.code))

    talk = a_talk([(Side.INITIATOR, unit("N", "a") + unit("F", "b"))])
    run(packed(talk), rooms=Registry([protocol()]), on_output=keep)
    assert seen == [(0, "box.item"), (0, "box.bad"), (0, "box.end")]


def test_a_share_of_the_flows() -> None:
    path = ROOT / "captures" / "dns" / "no_answer.pcapng"
    whole, parts = run(path), [run(path, share=(part, 2, 0)) for part in range(2)]
    assert sorted(told(parts[0]) + told(parts[1])) == sorted(told(whole))
    assert told(parts[0])
    assert told(parts[1])
    later = [run(path, share=(part, 2, 1)) for part in range(2)]
    assert sorted(told(later[0]) + told(later[1])) == sorted(told(whole))


def test_a_mistake_in_the_rows_room_costs_it_the_flow() -> None:
    class Broken(core.RowDissector):
        wanted = core.Event.SYN

        def on_segment(self, segment: core.Segment) -> core.Outputs:
            raise IndexError("oh")

    class Angry(core.RowDissector):
        wanted = core.Event.SYN

        def on_segment(self, segment: core.Segment) -> core.Outputs:
            raise core.Malformed("what is this")

        def on_end(self, flow: core.Flow, capture_end_ns: int) -> core.Outputs:
            raise core.Malformed("no end")

    path = packed(a_talk([]))
    for room, kinds in ((Broken, ["engine.internal-error"]), (Angry, ["box.malformed", "box.malformed"])):
        rows = core.Protocol("tcp", "T", "", (), {"box.malformed": core.Kind("", "?")}, {}, None, None, rows=room)
        (story,) = run(path, rooms=Registry([rows])).stories
        assert [note.kind for note in story.notes] == kinds


def test_nothing_is_looked_at_where_no_room_is() -> None:
    engine = run(packed(a_talk([(Side.INITIATOR, b"abc")])), rooms=Registry([]))
    assert engine.stories == []
    assert engine.tracker.flow_count == 1


# --- bodies that nobody looks at --------------------------------------------------------------------------------------

BODY_BYTES = 60_000


def a_download(order: list[int], lost: set[int]) -> bytes:
    """A large answer in segments of 1,000 bytes, in that order (`lost` were not captured), then a small one."""
    talk = Talk(server_port=80)
    talk.open()
    talk.client(0.1, "PA", b"GET /large HTTP/1.1\r\nHost: example.org\r\n\r\n")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES + bytes(BODY_BYTES)
    data += b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!"
    for step, number in enumerate(order):
        part = data[number * 1000 : (number + 1) * 1000]
        talk.server(0.2 + step / 1000, "A", part, seq=1 + number * 1000, seen=number not in lost)
        if step % 2:
            talk.client(0.2001 + step / 1000)
    talk.client(1.0, "PA", b"GET /small HTTP/1.1\r\nHost: example.org\r\n\r\n")
    talk.close(1.1)
    return packed(talk)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.integers(2, 58), max_size=3), st.integers(1, 20_000))
def test_a_long_body_is_the_same_in_any_batches(random: Any, lost: set[int], block_bytes: int) -> None:
    order = list(range(61))
    for _ in range(4):
        at = random.randrange(len(order) - 1)
        order[at : at + 2] = [order[at + 1], order[at], order[at]]
    data = a_download(order, lost)
    assert told(run(data, block_bytes)) == told(run(data))


def test_a_long_body_is_left_out_from_the_columns_on() -> None:
    visited = 0
    engine = Engine(Limits())
    for batch in open_source([a_download(list(range(61)), set())], limits=Limits(), block_bytes=3000):
        engine.feed(batch)
        visited += len(engine.tracker.rows)
    engine.finish()
    assert visited < 20
    kinds = [note.kind for note in engine.stories[0].notes]
    assert kinds.count("http.response") == 2
    assert [note.fields["status"] for note in engine.stories[0].notes if note.kind == "http.response"] == [200, 404]


# --- rooms that wait for secrets --------------------------------------------------------------------------------------


def letters(number: int) -> Talk:
    return a_talk([(Side.INITIATOR, unit("N", f"{one:250}")) for one in range(number)])


def stepped(given_at: int | None, *, live: bool = False, seconds: float = 0.0, monkeypatch: Any = None) -> list[int]:
    """How many units were told of after each batch; the secret comes before batch `given_at`."""
    now = [10**18]
    if monkeypatch is not None:
        monkeypatch.setattr(time, "time_ns", lambda: now[0])
    seen: list[str] = []
    engine = Engine(
        Limits(waiting_ms=2000),
        rooms=Registry([*registry.protocols(), patient()]),
        live=live,
        on_output=lambda _, output: seen.append(output.text) if isinstance(output, Note) else None,
    )
    told_after: list[int] = []
    for number, batch in enumerate(open_source([packed(letters(60))], limits=Limits(), block_bytes=300)):
        if number == given_at:
            engine.shared.secrets.lines[b"box"] = {"N": b"secret"}
            engine.shared.secrets.version += 1
        engine.feed(batch)
        now[0] += int(seconds * 1e9)
        told_after.append(sum(text.startswith("N ") for text in seen))
    engine.finish()
    assert [text for text in seen if text.startswith("N ")] == [f"N {one:250}" for one in range(60)]
    return told_after


def test_secrets_wake_the_rooms_that_wait() -> None:
    without = stepped(None)
    assert set(without) == {0}
    assert len(without) > 3
    for given_at in range(len(without)):
        counts = stepped(given_at)
        assert counts[:given_at] == [0] * given_at
        assert counts[-1] == 60 or given_at == len(without) - 1


def test_a_capture_is_patient_and_a_live_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(stepped(None, seconds=10, monkeypatch=monkeypatch)) == {0}
    assert set(stepped(None, live=True, seconds=0.01, monkeypatch=monkeypatch)) == {0}
    impatient = stepped(None, live=True, seconds=3, monkeypatch=monkeypatch)
    assert impatient[-1] > 0
    assert impatient[0] == 0


def test_an_idle_live_capture_gives_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches without frames come while nothing is sent."""
    now = [10**18]
    monkeypatch.setattr(time, "time_ns", lambda: now[0])
    engine = Engine(Limits(), rooms=Registry([*registry.protocols(), patient()]), live=True)
    batches = list(open_source([packed(letters(3))], limits=Limits()))
    engine.feed(batches[0])
    assert engine._waiting
    now[0] += 10**10
    none, small = batches[0].time_ns[:0], batches[0].link[:0]
    empty = core.Batch(b"", 100, 0, none, none, none, none, small, small)
    engine.feed(empty)
    assert not engine._waiting
