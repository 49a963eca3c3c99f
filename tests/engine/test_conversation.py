"""One flow at work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from analyzer import core
from analyzer.core import Event, Flow, IcmpError, Note, Piece, Segment, Shared, Side
from analyzer.engine.conversation import Conversation
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller
from tests.engine.rooms import KINDS, Counted, patient, protocol, unit
from tests.play import a_flow

INI, RES = Side.INITIATOR, Side.RESPONDER
SYN, ACK, FIN, RST = 2, 16, 1, 4


class Rows(core.RowDissector):
    wanted: ClassVar[int] = Event.SYN

    def on_segment(self, segment: Segment) -> core.Outputs:
        yield Note("box.segment", str(segment.flags), segment.header)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        yield Note("box.row-gap", f"{sender.name} {size}", at)

    def on_conflict(self, sender: Side, at: Piece) -> core.Outputs:
        yield Note("box.conflict", bytes(at).decode(), at)

    def on_icmp(self, error: IcmpError) -> core.Outputs:
        yield Note("box.icmp", error.source, error.at)

    def on_end(self, flow: Flow, capture_end_ns: int) -> core.Outputs:
        yield Note("box.rows-end", str(capture_end_ns), Piece(b"", [(0, flow.last_frame, 0, flow.last_ns)]))


def rows_protocol(room: Any = Rows) -> core.Protocol:
    return core.Protocol("tcp", "T", "RFC 2", (), KINDS, {}, None, None, session="tcp", rows=room)


class Wire:
    """Sends segments with the right numbers; each is a frame."""

    def __init__(self, *protocols: core.Protocol, transport: str = "tcp", trace: bool = False) -> None:
        self.teller = Teller(a_flow(transport), Shared(), trace=trace, on_output=None)
        self.talk = Conversation(Registry(protocols), self.teller)
        self.next = [100, 200]
        self.frame = 0
        self.send(INI, flags=SYN)
        self.send(RES, flags=SYN | ACK)

    def piece(self, data: bytes) -> Piece:
        self.frame += 1
        return Piece(data, [(0, self.frame, 54, self.frame)])

    def send(self, side: Side, data: bytes = b"", flags: int = ACK, skip: int = 0, back: int = 0) -> None:
        seq = self.next[side] + skip - back
        self.talk.take(side, flags, seq, self.next[1 - side], 0, self.piece(data), len(data))
        if not back:
            self.next[side] = seq + len(data) + (flags & 3 > 0)

    @property
    def kinds(self) -> list[str]:
        return [note.kind for note in self.teller.notes]

    def finish(self) -> core.Story:
        flow = self.teller.flow
        flow.last_frame = self.frame
        return self.talk.finish(flow, 99)


def test_bytes_reach_the_room_in_order() -> None:
    wire = Wire(protocol(), rows_protocol())
    wire.send(INI, unit("N", "a"))
    wire.send(RES, unit("N", "b"))
    assert [note.text for note in wire.teller.notes] == ["N a", "N b"]
    wire.send(INI, flags=FIN | ACK)
    assert wire.talk.channel is not None
    wire.send(RES, flags=FIN | ACK)
    assert wire.kinds == ["box.item", "box.item", "box.end"]
    assert wire.talk.channel is None
    assert wire.talk.connection is None
    wire.send(INI, unit("N", "late"))
    story = wire.finish()
    assert wire.kinds[-1] == "box.rows-end"
    assert (story.kind, story.notes[-1].text) == ("box", "99")


def test_gaps_and_conflicts_reach_both() -> None:
    wire = Wire(protocol(), rows_protocol())
    wire.send(INI, unit("N", "a"))
    wire.send(INI, unit("N", "c"), back=3)
    wire.send(INI, unit("N", "z"), skip=5)
    assert wire.kinds == ["box.item", "box.conflict"]
    wire.finish()
    assert wire.kinds.count("box.row-gap") == 1
    assert wire.kinds.count("box.gap") == 1
    assert "N z" in [note.text for note in wire.teller.notes]


def test_rows_are_told_to_the_rows_room() -> None:
    wire = Wire(rows_protocol(), trace=True)
    header = wire.piece(bytes(20))
    wire.talk.segment(Segment(INI, SYN, 1, 0, 0, 0, Event.SYN, 64, 1, header))
    wire.talk.icmp(IcmpError(4, 3, 1, "192.0.2.1", INI, 0, header))
    assert header.trace is not None
    assert [(note.kind, note.text, note.sender) for note in wire.teller.notes] == [
        ("box.segment", "2", INI),
        ("box.icmp", "192.0.2.1", None),
    ]
    assert wire.talk.wanted == Event.SYN


@pytest.mark.parametrize("why", [core.Malformed("bad"), ValueError("ours")])
def test_what_a_rows_room_raises_costs_nothing_else(why: Exception) -> None:
    class Broken(Rows):
        def on_segment(self, segment: Segment) -> core.Outputs:
            raise why

        def on_icmp(self, error: IcmpError) -> core.Outputs:
            raise why

    wire = Wire(protocol(), rows_protocol(Broken))
    header = wire.piece(bytes(20))
    wire.talk.segment(Segment(INI, SYN, 1, 0, 0, 0, Event.SYN, 64, 1, header))
    wire.talk.icmp(IcmpError(4, 3, 1, "192.0.2.1", INI, 0, header))
    ours = isinstance(why, ValueError)
    assert wire.kinds == (["engine.internal-error"] if ours else ["box.malformed"] * 2)
    assert (wire.talk.seat is None) is ours
    wire.send(INI, unit("N", "a"))
    assert wire.kinds[-1] == "box.item"


def test_what_nobody_wants_is_said() -> None:
    wire = Wire(protocol())
    wire.send(RES, unit("U"))
    assert wire.teller.changed
    assert wire.talk.sated() == (False, True)
    assert wire.talk.sated() == (False, False)
    wire.send(INI, unit("E"))
    assert wire.talk.sated() == (True, False)
    assert wire.talk.connection is None
    wire = Wire(protocol())
    wire.send(INI, b"????")
    wire.send(RES, b"????")
    assert wire.talk.sated() == (True, True)
    assert wire.talk.channel is None
    assert wire.finish().notes == []


def test_a_channel_handed_over_is_the_conversations_own() -> None:
    wire = Wire(protocol(), protocol("child", ("after:box",)))
    root = wire.talk.open()
    wire.send(INI, unit("H", "after:box"))
    assert wire.talk.sated() == (False, False)
    assert wire.talk.channel is not root
    wire.send(INI, unit("N", "b"), flags=ACK)
    assert wire.talk.channel is not None
    assert wire.talk.channel.last is not None
    assert wire.teller.notes[-1].path == ("tcp", "box", "child")


def test_a_reset_lets_go_of_bytes() -> None:
    wire = Wire(protocol())
    wire.send(INI, unit("N", "a"))
    wire.send(RES, flags=RST)
    assert wire.talk.channel is not None
    assert wire.talk.channel.last is not None
    assert len(wire.talk.channel.last) == 0
    wire.finish()
    assert wire.teller.notes[-1].spans[0].frame == 3


def test_datagrams() -> None:
    teller = Teller(a_flow("udp"), Shared(), trace=False, on_output=None)
    talk = Conversation(Registry([protocol(over=("udp",))]), teller)
    piece = Piece(unit("N", "a"), [(0, 1, 42, 1)])
    talk.datagram(INI, piece)
    talk.take(INI, 0, 0, 0, 0, piece, 3)
    talk.finish(teller.flow, 5)
    talk.datagram(INI, piece)
    assert [note.text for note in teller.notes] == ["N a", "end"]


def learn(wire: Wire, label: str) -> None:
    wire.teller.shared.secrets.lines[b"box"] = {label: b"secret"}


def test_a_connection_that_has_closed_may_still_wait_for_secrets() -> None:
    wire = Wire(patient())
    wire.send(INI, unit("N", "a"))
    wire.send(INI, flags=FIN | ACK)
    wire.send(RES, flags=FIN | ACK)
    assert wire.talk.closing
    assert wire.kinds == []
    assert wire.talk.secrets(False)  # not for this one
    learn(wire, "N")
    assert not wire.talk.secrets(False)
    assert wire.kinds == ["box.item", "box.end"]
    wire.finish()
    assert wire.kinds == ["box.item", "box.end"]


def test_who_waits_to_the_end_goes_on_without() -> None:
    wire = Wire(patient())
    wire.send(INI, unit("N", "a"))
    wire.send(INI, flags=FIN | ACK)
    wire.send(RES, flags=FIN | ACK)
    wire.finish()
    assert wire.kinds == ["box.item", "box.end"]


def test_a_room_inside_one_that_waits_to_the_end_is_at_its_end_too() -> None:
    wire = Wire(patient(), protocol("inner", over=("inner:box",)))
    wire.send(INI, unit("P", unit("N", "a")))
    wire.send(INI, flags=FIN | ACK)
    wire.send(RES, flags=FIN | ACK)
    story = wire.finish()
    # What was held comes first: the room inside did not exist before, and has last words as well.
    assert [note.text for note in story.notes] == ["P N\x01a", "N a", "end", "end"]


def test_a_room_that_wants_the_sums_is_told_when_the_flow_is_over() -> None:
    wire = Wire(protocol(room=Counted))
    wire.send(INI, unit("N", "a"))
    wire.send(INI, flags=FIN | ACK)
    wire.send(RES, flags=FIN | ACK)
    assert wire.kinds == ["box.item", "box.end"]
    assert wire.talk.ended is not None
    wire.teller.flow.packets = (4, 5)
    story = wire.finish()
    assert [note.text for note in story.notes if note.kind == "box.over"] == ["4 packets"]


def test_a_long_body_is_skipped_once() -> None:
    wire = Wire(protocol(), rows_protocol())
    assert wire.talk.skips(INI) is None  # no channel yet
    wire.send(INI, unit("B", "40000"))
    wire.send(INI, b"kept")
    assert wire.talk.skips(INI) == wire.next[INI] + 40000 - 5
    assert wire.talk.skips(INI) is None
    assert wire.talk.sated() == (False, False)


def late_room() -> core.Protocol:
    return replace(protocol("late", ("tcp",)), late=True)


def test_some_rooms_are_for_what_began_before_the_capture() -> None:
    wire = Wire(late_room(), rows_protocol())
    wire.send(INI, unit("N", "a"))
    assert wire.kinds == []
    late = Wire(late_room(), rows_protocol())
    late.talk = Conversation(Registry([late_room(), rows_protocol()]), late.teller)  # nothing of the handshake
    late.send(INI, unit("N", "a"))
    assert late.kinds == ["box.item"]
    channel = late.talk.channel
    assert channel is not None
    assert isinstance(channel.context, core.Resumed)
