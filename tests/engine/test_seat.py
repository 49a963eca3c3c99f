"""What rooms yield is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analyzer.core import (
    About,
    Body,
    Dissector,
    Enough,
    Exchange,
    Finding,
    Handoff,
    Lead,
    Limits,
    Note,
    Outcome,
    Pass,
    Phase,
    Piece,
    Reader,
    RowDissector,
    Shared,
    Side,
    Trace,
    Wait,
)
from analyzer.engine.channel import Inner
from analyzer.engine.registry import Entry, Registry
from analyzer.engine.seat import RowSeat, Seat
from analyzer.engine.teller import Teller
from tests.engine.rooms import protocol, unit
from tests.play import a_flow

if TYPE_CHECKING:
    from analyzer.core import Outputs

INNER = protocol("inner", ("inner:box",))


def a_seat(trace: bool = False) -> Seat:
    teller = Teller(a_flow(), Shared(), trace=trace, on_output=None)
    path = ("tcp", "box")
    return Seat(Entry(protocol()), Dissector(), path, teller, Inner(Registry([INNER]), teller, path, (1, 2)))


AT = Piece(unit("N", "a"), [(0, 1, 54, 5)])


def test_what_is_told_is_kept() -> None:
    seat = a_seat()
    phase = Phase("box", 0, 1, Outcome.OPEN)
    assert not seat.spoke
    seat.carry_out([Note("box.item", "x", AT), Finding("box.bad", "y", AT), phase, About("it", {"a": 1})], Side(1), AT)
    teller = seat.teller
    assert (seat.spoke, seat.signal, teller.kind) == (True, False, "box")
    assert [note.sender for note in teller.notes] == [Side.RESPONDER]
    assert (teller.findings[0].code, teller.phases, teller.title, teller.facts) == ("box.bad", [phase], "it", {"a": 1})


def test_what_is_inside_goes_to_its_own_channel() -> None:
    seat = a_seat()
    seat.carry_out([Pass("inner:box", AT), Pass("inner:box", AT.cut(0, 0), key=2)], Side.INITIATOR, AT)
    seat.carry_out([Pass("inner:box", AT)], None, AT)
    assert [note.path for note in seat.teller.notes] == [("tcp", "box", "inner")] * 2
    assert len(seat.inner.channels or ()) == 2


def test_what_steers_the_channel_is_left_to_it() -> None:
    for output in (Handoff("x"), Body(3), Enough()):
        seat = a_seat()
        seat.carry_out([output], Side.INITIATOR, AT)
        assert seat.signal
        assert (seat.label, seat.body is not None, seat.enough) == (
            "x" if isinstance(output, Handoff) else None,
            isinstance(output, Body),
            isinstance(output, Enough),
        )


def test_a_room_that_waits_says_so() -> None:
    seat = a_seat()
    seat.carry_out([Wait()], Side.INITIATOR, AT)
    assert (seat.waits, seat.signal) == (True, True)


def led(exchange: Exchange) -> Outputs:
    """What a room tells of an exchange that leads to it."""
    yield Note("box.item", exchange.target, AT)
    yield Finding("box.bad", "no", AT)
    yield Phase("upgrade", 0, 1, Outcome.FAILED)
    yield About("it", {"asked": exchange.method})


def test_an_exchange_is_told_by_the_room_that_it_leads_to() -> None:
    silent, telling = protocol("silent", ("upgrade:it",)), protocol("telling", ("upgrade:it",), lead=led)
    teller = Teller(a_flow(), Shared(), trace=False, on_output=None)
    path = ("tcp", "box")
    inner = Inner(Registry([silent, telling]), teller, path, (1, 2))
    seat = Seat(Entry(protocol()), Dissector(), path, teller, inner)
    lead = Lead("upgrade:it", Exchange("GET", "/chat", "HTTP/1.1", {}, AT.place, Side.INITIATOR, False))
    seat.carry_out([lead], Side.RESPONDER, AT)
    assert lead.told
    (note,) = teller.notes
    assert (note.text, note.path, note.sender) == ("/chat", ("tcp", "box", "telling"), Side.RESPONDER)
    assert [finding.code for finding in teller.findings] == ["box.bad"]
    assert [phase.name for phase in teller.phases] == ["upgrade"]
    assert (teller.title, teller.facts, teller.kind) == ("it", {"asked": "GET"}, "telling")


def test_an_exchange_that_leads_to_nobody_stays_with_its_own_room() -> None:
    seat = a_seat()
    lead = Lead("upgrade:unknown", Exchange("GET", "/", "HTTP/1.1", {}, AT.place, Side.INITIATOR, False))
    seat.carry_out([lead], Side.INITIATOR, AT)
    assert not lead.told
    assert seat.teller.notes == []


def test_anything_else_is_a_mistake() -> None:
    with pytest.raises(TypeError, match=r"(yields|got) str"):  # compiled, the check of the types is faster
        a_seat().carry_out(["text"], Side.INITIATOR, AT)  # type: ignore[list-item]


def test_each_traced_note_has_the_fields_read_for_it() -> None:
    seat = a_seat(trace=True)
    at = Piece(b"abcd", [(0, 1, 54, 5)], trace=Trace())

    def outputs() -> Outputs:
        reader = Reader(at)
        reader.uint("first", 1)
        yield Note("box.item", "1", at)
        reader.uint("second", 1)
        yield Note("box.item", "2", at)
        reader.uint("third", 1)

    seat.carry_out(outputs(), Side.INITIATOR, at)
    trees = [[field.name for field in note.tree or ()] for note in seat.teller.notes]
    assert trees == [["first"], ["second", "third"]]


def test_a_seat_for_rows() -> None:
    teller = Teller(a_flow(), Shared(), trace=False, on_output=None)
    room = RowDissector(a_flow(), Limits())
    seat = RowSeat(Entry(protocol()), room, ("tcp",), teller, Inner(Registry([]), teller, ("tcp",), (1, 2)))
    seat.carry_out([Note("box.item", "x", AT)], None, AT)
    assert seat.room is room
    assert teller.notes[0].sender is None
