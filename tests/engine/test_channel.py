"""Channels: cutting units, discovery, hand-over, bodies, gaps, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Limits, Malformed, Note, Piece, Shared, Side, Span
from analyzer.engine.channel import DONE, WORKING, Channel, DatagramChannel
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller
from tests.engine.rooms import Box, Counted, Patient, patient, protocol, unit
from tests.play import a_flow, again, play

INI, RES = Side.INITIATOR, Side.RESPONDER
BOX = protocol()
END = ("box.end", "end")


def test_units_of_one_frame_and_of_several_know_where_they_were() -> None:
    said = play(BOX, (INI, unit("N", "a") + unit("N", "bc") + b"N"), (INI, b"\x04de"), (INI, b"fg" + unit("N", "h")))
    assert said.lines == [("box.item", "N a"), ("box.item", "N bc"), ("box.item", "N defg"), ("box.item", "N h"), END]
    assert said.notes[1].spans == (Span(1, 57, 61),)
    assert said.notes[2].spans == (Span(1, 61, 62), Span(2, 54, 57), Span(3, 54, 56))
    assert said.notes[2].frames == (1, 2, 3)
    assert said.notes[3].spans == (Span(3, 56, 59),)


def test_notes_are_completed_by_the_engine() -> None:
    said = play(BOX, (RES, unit("N", "a") + unit("F", "oh")))
    note, (finding,) = said.notes[0], said.findings
    assert (note.flow, note.sender, note.path, note.spec) == (0, RES, ("tcp", "box"), "RFC 1 1")
    assert (finding.title, finding.severity, finding.spec) == ("A bad thing", core.Severity.WARNING, "RFC 1 2")
    assert (finding.cause, finding.advice) == ("Somebody put it there.", "Take it out.")
    assert said.kind == "box"


def test_a_room_that_nobody_probes_for_is_not_found() -> None:
    said = play(BOX, (INI, b"????"), (RES, b"????"))
    assert said.lines == []
    assert said.channel.state == DONE
    assert said.kind is None


def test_a_stream_is_given_up_at_the_limit() -> None:
    undecided = protocol(probe=lambda head: None)
    limits = Limits(probe_bytes=100)
    said = play(undecided, (INI, unit("N", "a") * 20), (INI, unit("N", "b") * 20), limits=limits)
    assert said.lines == []
    hinted = protocol(probe=lambda head: None, ports=frozenset({9999}))
    said = play(hinted, (INI, unit("N", "a") * 20), (INI, unit("N", "b") * 20), limits=limits)
    assert len(said.notes) == 41


def test_the_port_decides_at_the_end_where_no_probe_did() -> None:
    hinted = protocol(probe=lambda head: None, ports=frozenset({9999}))
    assert play(hinted, (INI, unit("N", "a"))).lines == [("box.item", "N a"), END]
    assert play(hinted, (INI, unit("N", "a")), port=1).lines == []
    assert play(protocol(probe=None, ports=frozenset({9999})), (INI, unit("N", "a"))).lines == [
        ("box.item", "N a"),
        END,
    ]


def test_what_one_room_finds_malformed_is_given_to_the_next() -> None:
    class Picky(Box):
        def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
            raise core.Malformed("not mine")

    picky = protocol("a", room=Picky)
    said = play([picky, BOX], (INI, unit("N", "a")), (RES, unit("N", "b")), over="tcp")
    assert said.lines == [("box.item", "N a"), ("box.item", "N b"), END]
    assert said.kind == "box"
    said = play(picky, (INI, unit("N", "a")), (RES, unit("N", "b")))
    assert said.lines == [("box.malformed", "not mine")]
    assert said.kind is None


def test_malformed_bytes_end_the_channel() -> None:
    said = play(BOX, (INI, unit("N", "a") + unit("M") + unit("N", "b")), (RES, unit("N", "c")))
    assert said.lines == [("box.item", "N a"), ("box.malformed", "an M")]
    assert said.notes[1].spans == (Span(1, 57, 59),)
    assert said.notes[1].path == ("tcp", "box")


def test_a_mistake_of_ours_costs_the_room_and_says_where() -> None:
    said = play(BOX, (INI, unit("N", "a") + unit("X") + unit("N", "b")))
    assert [note.kind for note in said.notes] == ["box.item", "engine.internal-error"]
    assert said.notes[1].fields["exception"] == "KeyError"
    assert "rooms.py:" in said.notes[1].fields["where"]


def test_a_room_that_cannot_even_begin() -> None:
    class Broken(Box):
        def __init__(self) -> None:
            raise ValueError("broken")

    for over in ("tcp", "udp"):
        said = play(protocol(room=Broken, over=(over,)), (INI, unit("N", "a")), (RES, unit("N")))
        assert [note.kind for note in said.notes] == ["engine.internal-error"]

    def bad_probe(head: bytes) -> bool | None:
        raise ZeroDivisionError

    for over in ("tcp", "udp"):
        said = play(protocol(probe=bad_probe, over=(over,)), (INI, unit("N", "a")), (RES, unit("N")))
        assert [note.kind for note in said.notes] == ["engine.internal-error"]


@pytest.mark.parametrize("size", [0, -1])
def test_a_unit_of_no_length_is_refused(size: int) -> None:
    class Endless(Box):
        def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
            return size

    said = play(protocol(over=("x:y",), room=Endless), (INI, b"abc"))
    assert said.lines == [("box.malformed", f"a unit of {size} bytes")]


def test_a_unit_that_is_too_long_is_a_limit_told_once() -> None:
    class Long(Box):
        def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
            return 1000 if sender is INI else None

    limits = Limits(unit_bytes=100)
    for frames in ([(INI, b"N123")], [(RES, b"N" * 200)], [(RES, b"N" * 90), (RES, b"N" * 90)]):
        said = play(protocol(room=Long), *frames, limits=limits)
        assert [note.kind for note in said.notes] == ["engine.limit"]
        assert said.notes[0].fields == {"limit": "unit_bytes", "value": 100}


def test_handing_over_gives_the_child_what_both_sides_had_pending() -> None:
    child = protocol("child", ("after:box",))
    frames = [
        (INI, unit("N", "a") + b"N\x02c"),
        (RES, unit("H", "after:box") + unit("N", "d")),
        (INI, b"e"),
        (RES, unit("N", "f")),
    ]
    said = play([BOX, child], *frames)
    assert said.lines == [
        ("box.item", "N a"),
        ("box.item", "H after:box"),
        ("box.item", "N d"),
        ("box.item", "N ce"),
        ("box.item", "N f"),
        END,
    ]
    assert [note.path[-1] for note in said.notes] == ["box", "box", "child", "child", "child", "child"]
    assert said.notes[3].spans == (Span(1, 57, 60), Span(3, 54, 55))
    assert said.kind == "child"


def test_handing_over_to_nobody_ends_what_is_wanted() -> None:
    said = play(BOX, (INI, unit("H", "after:nothing") + unit("N", "a")))
    assert said.lines == [("box.item", "H after:nothing")]
    assert not said.channel.wants(INI)


def test_channels_nest_only_so_deep() -> None:
    said = play(BOX, *[(INI, unit("H", "tcp"))] * 10, limits=Limits(depth=4))
    assert [note.kind for note in said.notes] == ["box.item"] * 3 + ["engine.limit"]
    inner = protocol("inner", ("inner:box",))
    nested = unit("P", unit("P", unit("P", unit("N", "a"))))
    said = play([BOX, inner], (INI, nested), limits=Limits(depth=3))
    assert [note.kind for note in said.notes if note.kind != "box.end"] == ["box.item", "box.item", "engine.limit"]


def test_inner_channels_cannot_tell_derived_bytes_from_clear_ones() -> None:
    inner = protocol("inner", ("inner:box",))
    clear = unit("N", "abc")
    said = play([BOX, inner], (INI, unit("P", clear[:3])), (INI, unit("P", clear[3:])))
    assert said.lines[2] == ("box.item", "N abc")
    assert said.notes[2].path == ("tcp", "box", "inner")
    assert said.notes[2].spans == (Span(1, 56, 59), Span(2, 56, 58))
    said = play([BOX, inner], (INI, unit("D", clear[:3][::-1])), (INI, unit("D", (clear[3:] + clear)[::-1])))
    assert said.lines[2:4] == [("box.item", "N abc"), ("box.item", "N abc")]
    assert said.notes[2].spans == (Span(1, 56, 59), Span(2, 56, 63))
    assert said.notes[3].spans == (Span(2, 56, 63),)


def test_many_inner_channels_are_a_limit() -> None:
    class Many(core.Dissector):
        def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
            return [core.Pass("inner:box", unit.cut(index, index + 1), key=index) for index in range(len(unit))]

    said = play(protocol(room=Many), (INI, b"NNNN"), limits=Limits(channels=3))
    assert [note.kind for note in said.notes] == ["engine.limit"]


def test_bodies_go_past_and_what_was_asked_for_is_kept() -> None:
    frames = [(INI, unit("B", "10") + b"0123"), (INI, b"456"), (INI, b"789" + unit("N", "a"))]
    said = play(BOX, *frames)
    assert said.lines == [("box.item", "B 10"), ("box.body", "0123"), ("box.item", "N a"), END]
    assert said.notes[1].spans == (Span(1, 58, 62),)
    assert play(BOX, (INI, unit("B", "0") + unit("N"))).lines[1] == ("box.body", "")
    said = play(BOX, (INI, unit("B", "10") + b"01"))
    assert said.lines == [("box.item", "B 10"), ("box.body", "01"), END]


def test_nobody_wants_a_body_without_end() -> None:
    said = play(BOX, (RES, unit("U") + b"0123"), (RES, b"4567"), (INI, unit("N")))
    assert said.lines == [("box.item", "U "), ("box.item", "N "), ("box.body", ""), END]


def test_gaps_reach_the_room_unless_something_swallowed_them() -> None:
    said = play(BOX, (INI, unit("N", "a")), (INI, 7), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "N a"), ("box.gap", "7"), ("box.item", "N b"), END]
    # in a body
    said = play(BOX, (INI, unit("B", "10") + b"01"), (INI, 5), (INI, b"789" + unit("N", "b")))
    assert said.lines == [("box.item", "B 10"), ("box.body", "01"), ("box.item", "N b"), END]
    said = play(BOX, (INI, unit("B", "10") + b"01"), (INI, 10), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "B 10"), ("box.body", "01"), ("box.gap", "2"), ("box.item", "N b"), END]
    said = play(BOX, (INI, unit("U")), (INI, 10), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "U "), ("box.body", ""), END]
    # in a unit: the room is told at the unit's end, where it can go on
    said = play(BOX, (INI, unit("N", "a") + b"N\x09123"), (INI, 4), (INI, b"89" + unit("N", "b")))
    assert said.lines == [("box.item", "N a"), ("box.gap", "11"), ("box.item", "N b"), END]
    said = play(BOX, (INI, unit("N", "a") + b"N\x09123"), (INI, 6), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "N a"), ("box.gap", "11"), ("box.item", "N b"), END]
    said = play(BOX, (INI, unit("N", "a") + b"N\x09123"), (INI, 2), (INI, b"6"), (INI, 4), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "N a"), ("box.gap", "12"), ("box.item", "N b"), END]


def test_gaps_before_a_room_is_found() -> None:
    def probe(head: bytes) -> bool | None:
        return True if head.startswith(b"NN") or len(head) > 5 else None

    said = play(protocol(probe=probe), (INI, b"N"), (INI, 3), (INI, unit("N", "b")), (RES, unit("N", "123456")))
    assert said.lines == [("box.gap", "3"), ("box.item", "N b"), ("box.item", "N 123456"), END]


def test_the_default_for_gaps_is_to_give_up() -> None:
    class Plain(Box):
        def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
            return core.Dissector.on_gap(self, sender, size, at)

    said = play(protocol(room=Plain), (INI, unit("N", "a")), (INI, 7), (INI, unit("N", "b")))
    assert said.lines == [("box.item", "N a")]


def test_enough_is_enough() -> None:
    said = play(BOX, (INI, unit("E") + unit("N")), (RES, unit("N")))
    assert said.lines == [("box.item", "E ")]
    assert not said.channel.wants(RES)


def test_traced_notes_have_their_fields() -> None:
    said = play(BOX, (INI, unit("N", "abc")), trace=True)
    tree = said.notes[0].tree
    assert tree is not None
    assert [(node.name, node.value) for node in tree] == [("letter", "N"), ("length", 3), ("inside", None)]
    assert tree[2].piece is not None
    assert tree[2].piece.spans == (Span(1, 56, 59),)
    assert said.notes[-1].tree is None
    assert play(BOX, (INI, unit("N", "abc"))).notes[0].tree is None


def test_notes_are_limited() -> None:
    said = play(BOX, (INI, unit("N") * 10 + unit("F") * 4), limits=Limits(notes_per_flow=5, findings_per_flow=2))
    assert [note.kind for note in said.notes] == ["box.item"] * 5 + ["engine.limit"]
    assert len(said.findings) == 2


def test_datagrams_are_matched_one_by_one() -> None:
    def other(head: bytes) -> bool | None:
        return head[:1] == b"?"

    class Other(core.Dissector):
        def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
            yield Note("other.thing", bytes(unit).decode(), unit)

    second = protocol("other", ("udp",), probe=other, room=Other)
    box = protocol(over=("udp",))
    frames = [(INI, unit("N", "a")), (RES, b"?1"), (RES, unit("M")), (INI, b"!"), (RES, unit("N", "b")), (INI, b"?2")]
    said = play([box, second], *frames)
    assert said.lines == [
        ("box.item", "N a"),
        ("other.thing", "?1"),
        ("box.malformed", "an M"),
        ("box.item", "N b"),
        ("other.thing", "?2"),
        END,
    ]
    assert said.notes[1].path == ("udp", "other")


def test_datagram_rooms_end_pass_and_hand_over() -> None:
    box, inner = protocol(over=("udp",)), protocol("inner", ("inner:box", "after:box"))
    said = play([box, inner], (INI, unit("P", unit("N", "a"))), (RES, unit("X")), (INI, unit("N")))
    assert [note.kind for note in said.notes] == ["box.item", "box.item", "engine.internal-error"]
    said = play([box, inner], (INI, unit("H", "after:box")), (RES, unit("N", "a")))
    assert [note.path for note in said.notes] == [("udp", "box"), ("udp", "box", "inner"), ("udp", "box", "inner")]
    said = play([box, inner], (INI, unit("E")), (RES, unit("N", "a")))
    assert said.channel.state == DONE
    assert len(said.notes) == 1
    said = play(box, (INI, unit("B", "3")))
    assert said.notes[-1].kind == "engine.internal-error"


def test_a_datagram_that_the_capture_cut_is_not_called_malformed_alone() -> None:
    box = protocol(over=("udp",))
    teller = Teller(a_flow("udp"), Shared(), trace=False, on_output=None)
    channel = DatagramChannel(Registry([box]), teller, "udp", ("udp",), (1, 2))
    channel.feed(INI, Piece(unit("M"), [(0, 1, 42, 5)]), 100)
    assert teller.notes[0].text == "an M (the capture lacks the last 100 bytes of this datagram)"


class Rash(Patient):
    """A Patient whose secrets bring it down: with one exception or another."""

    def on_secrets(self, late: bool) -> core.Outputs:
        if late:
            raise Malformed("held too long")
        raise ValueError("ours")
        yield


def test_datagrams_wait_for_secrets() -> None:
    shared = Shared()

    def learn(label: str) -> bool:
        shared.secrets.lines.setdefault(b"box", {})[label] = b""
        return False

    box = protocol(room=Patient, over=("udp",))
    frames = [(INI, unit("N", "a")), (RES, unit("P", unit("N", "b"))), (INI, unit("N", "c"))]
    said = play(box, *frames, shared=shared, news={2: lambda: learn("?"), 3: lambda: learn("N")})
    assert [note.frames for note in said.notes if note.kind == "box.item"] == [(1,), (2,), (3,)]
    inner = protocol("inner", ("after:box",), room=Patient)
    shared = Shared()
    said = play(
        [protocol(over=("udp",)), inner],
        (INI, unit("H", "after:box")),
        *frames[::2],
        shared=shared,
        news={3: lambda: True},
    )
    assert [note.frames for note in said.notes if note.path[-1] == "inner"] == [(2,), (3,), (3,)]

    for late in (True, False):
        said = play(protocol(room=Rash, over=("udp",)), *frames, shared=Shared(), news={3: lambda late=late: late})  # type: ignore[misc]
        assert said.notes[0].kind == ("box.malformed" if late else "engine.internal-error")


def test_datagrams_that_nobody_wants_are_given_up() -> None:
    said = play(protocol(over=("udp",)), *[(INI, b"?" * 1000)] * 5)
    assert said.channel.state == DONE
    said = play(
        protocol(over=("udp",), probe=lambda head: None, ports=frozenset({9999})), (INI, unit("N")), (INI, unit("N"))
    )
    assert said.lines == [("box.item", "N "), ("box.item", "N "), END]
    said = play(protocol(over=("x:y",), probe=None), (INI, unit("N")), over="x:y")
    assert said.lines == [("box.item", "N "), END]


@given(
    st.lists(st.tuples(st.sampled_from("NNPDBF"), st.binary(max_size=6)), min_size=1, max_size=8),
    st.lists(st.integers(1, 7), min_size=1, max_size=8),
)
def test_any_cut_gives_the_same(units: list[tuple[str, bytes]], cuts: list[int]) -> None:
    inner = protocol("inner", ("inner:box",))
    frames = [
        (Side(index % 2), unit(letter, b"3" if letter == "B" else inside) + (b"xyz" if letter == "B" else b""))
        for index, (letter, inside) in enumerate(units)
    ]
    whole = play([BOX, inner], *frames)
    assert play([BOX, inner], *again(frames, cuts)).lines == whole.lines
    for side in Side:
        joined = [(side, b"".join(data for sender, data in frames if sender is side))]
        apart = [(sender, data) for sender, data in frames if sender is side]
        assert play([BOX, inner], *joined).lines == play([BOX, inner], *apart).lines
    assert whole.channel.state in (DONE, WORKING)


# --- rooms that wait for secrets --------------------------------------------------------------------------------------


def learn(shared: Shared, letters: str) -> bool:
    """There are secrets for these letters; more may come."""
    shared.secrets.lines.setdefault(b"box", {}).update(dict.fromkeys(letters, b"secret"))
    shared.secrets.version += 1
    return False


def test_a_room_that_waits_is_told_of_secrets() -> None:
    shared = Shared()
    frames = [(INI, unit("N", "a")), (RES, unit("N", "b")), (INI, unit("F", "c")), (RES, unit("N", "d"))]
    said = play(patient(), *frames, shared=shared, news={3: lambda: learn(shared, "N"), 4: lambda: learn(shared, "F")})
    assert said.lines == [("box.item", "N a"), ("box.item", "N b"), ("box.bad", "c"), ("box.item", "N d"), END]
    assert [note.sender for note in said.notes[:2]] == [None, None]  # of whom they are, a room has to say itself
    assert [note.frames for note in said.notes[:2]] == [(1,), (2,)]


def test_a_room_that_waits_too_long_goes_on_without() -> None:
    shared = Shared()
    frames = [(INI, unit("N", "a")), (INI, unit("N", "b")), (INI, unit("N", "c"))]
    assert play(patient(), *frames, shared=shared, news={3: lambda: True}).lines == [
        ("box.item", "N a"),
        ("box.item", "N b"),
        ("box.item", "N c"),
        END,
    ]
    assert play(patient(), *frames).lines[-1] == END
    assert len(play(patient(), *frames).lines) == 4


def test_what_a_room_says_late_steers_the_channel() -> None:
    shared = Shared()
    inner = protocol("inner", over=("inner:box",), probe=None)
    frames = [(INI, unit("P", unit("N", "deep"))), (INI, unit("E", "")), (INI, unit("N", "never"))]
    said = play([patient(), inner], *frames, over="tcp", shared=shared, news={3: lambda: learn(shared, "PE")})
    assert ("box.item", "N deep") in said.lines
    assert ("box.item", "N never") not in said.lines
    assert said.channel.state == DONE


@pytest.mark.parametrize(("letter", "kind"), [("X", "engine.internal-error"), ("M", "box.malformed")])
def test_a_mistake_with_late_secrets_is_told(letter: str, kind: str) -> None:
    shared = Shared()
    frames = [(INI, unit("N", "a")), (INI, unit(letter, "")), (INI, unit("N", "b")), (INI, unit("N", "c"))]
    said = play(patient(), *frames, shared=shared, news={4: lambda: learn(shared, f"N{letter}")})
    assert [line[0] for line in said.lines] == ["box.item", kind]
    assert said.channel.state == DONE


def test_a_room_behind_a_hand_over_may_wait() -> None:
    shared = Shared()
    inner = protocol("inner", over=("later",), probe=None, room=patient().room, ports=frozenset({9999}))
    outer = protocol(over=("tcp",))
    frames = [(INI, unit("H", "later")), (INI, unit("N", "a")), (INI, unit("N", "b"))]
    said = play([outer, inner], *frames, over="tcp", shared=shared, news={3: lambda: learn(shared, "N")})
    assert said.lines[1:3] == [("box.item", "N a"), ("box.item", "N b")]


def over(channel: Channel, packets: int) -> None:
    flow = a_flow()
    flow.packets = (packets, 0)
    channel.over(flow, Piece(b"", [(0, 9, 0, 9)]))


@pytest.mark.parametrize("label", ["tcp", "udp"])
def test_a_room_that_wants_the_sums_gets_them(label: str) -> None:
    room = protocol(over=(label,), room=Counted)
    said = play(room, (INI, unit("N", "a")))
    assert said.notes[-1].text == "0 packets"
    assert said.channel.waits_for_sums
    for packets, text in ((13, "13 packets"), (99, "the room box failed: KeyError")):
        over(said.channel, packets)
        assert said.notes[-1].text.startswith(text)
    said = play(room, (INI, unit("E")))
    assert "box.over" not in [note.kind for note in said.notes]


@pytest.mark.parametrize("label", ["tcp", "udp"])
def test_a_room_inside_or_behind_another_gets_the_sums(label: str) -> None:
    outer, inner = protocol(over=(label,)), protocol("inner", ("inner:box", "after:box"), room=Counted)
    for first in (unit("P", unit("N", "a")), unit("H", "after:box")):
        said = play([outer, inner], (INI, first), (INI, unit("N", "b")))
        assert [note.text for note in said.notes if note.kind == "box.over"] == ["0 packets"]
    nothing = play(outer, (INI, unit("N", "a"))).channel
    assert not nothing.waits_for_sums
    over(nothing, 1)


def test_a_channel_alone_wants_nothing() -> None:
    channel = Channel(Registry([]), Teller(a_flow(), Shared(), trace=False, on_output=None), "tcp", ("tcp",), (1, 2))
    last = Piece(b"", [(0, 9, 0, 9)])
    assert (channel.idle, channel.read, channel.waits_for_sums, channel.wants(INI)) == (True, False, False, False)
    assert channel.spare(INI) == 0
    channel.skip(INI, 5)
    channel.secrets(True)
    channel.gap(INI, 5, last)
    channel.rest()
    over(channel, 1)
    with pytest.raises(NotImplementedError):
        channel.feed(INI, last)
    with pytest.raises(NotImplementedError):
        channel.end(last)


class Frail(Box):
    """A Box that breaks at its end, and over an ICMP error: as the data says that it was given."""

    wants_sums = True

    def __init__(self) -> None:
        self.how = "N"

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        self.how = chr(unit.data[unit.start])
        yield from super().on_unit(sender, unit)

    def _break(self) -> core.Outputs:
        if self.how == "F":
            raise Malformed("at last")
        raise ValueError("ours")
        yield

    def on_end(self, last: Piece) -> core.Outputs:
        return self._break()

    def on_over(self, flow: core.Flow) -> core.Outputs:
        return self._break()

    def on_icmp(self, error: core.IcmpError) -> core.Outputs:
        return self._break()


@pytest.mark.parametrize(("letter", "kind"), [("F", "box.malformed"), ("N", "engine.internal-error")])
def test_what_breaks_at_the_end_of_datagrams_or_by_icmp_is_told(letter: str, kind: str) -> None:
    box = protocol(room=Frail, over=("udp",))
    said = play(box, (INI, unit(letter, "a")))
    assert [note.kind for note in said.notes][-2:] == [kind, kind]
    teller = Teller(a_flow("udp"), Shared(), trace=False, on_output=None)
    channel = DatagramChannel(Registry([box]), teller, "udp", ("udp",), (1, 2))
    error = core.IcmpError(4, 3, 3, "192.0.2.1", INI, 0, Piece(bytes(60), [(0, 2, 34, 5)]))
    channel.icmp(error)
    assert teller.notes == []
    channel.feed(INI, Piece(unit(letter, "a"), [(0, 1, 42, 5)]))
    channel.icmp(error)
    assert teller.notes[-1].kind == kind
    rooms = Registry([protocol(over=("udp",)), protocol("inner", ("after:box",), room=Frail)])
    handed = DatagramChannel(rooms, teller, "udp", ("udp",), (1, 2))
    handed.feed(INI, Piece(unit("H", "after:box"), [(0, 1, 42, 5)]))
    handed.feed(INI, Piece(unit(letter, "a"), [(0, 1, 42, 5)]))
    handed.icmp(error)
    assert teller.notes[-1].path[-1] == "inner"


def test_what_began_before_the_capture_is_for_rooms_that_are_made_for_it() -> None:
    late = protocol(late=True)
    assert play(late, (INI, unit("N", "a"))).lines == []
    assert play(late, (INI, unit("N", "a")), late=True).lines == [("box.item", "N a"), END]


def test_what_was_handed_on_was_read_where_it_came() -> None:
    """A channel that is handed to another room is not unread for having nothing there yet."""
    outer = protocol("outer", ("tcp",))
    inner = protocol("inner", ("inner:box",))
    said = play([outer, inner, protocol("third", ("deeper",))], (INI, unit("P", unit("H", "deeper"))))
    outer_channel = said.channel
    assert outer_channel.read
    assert [kind for kind, _ in said.lines][:2] == ["box.item", "box.item"]


class Closing(Box):
    """A Box that passes what its units hold to a channel inside, which ends with it."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        yield core.Pass("inner:box", unit.cut(2), key=1, over=True)


def test_an_inner_channel_may_end_before_its_parent() -> None:
    inner = protocol("inner", ("inner:box",))
    said = play([protocol(room=Closing), inner], (INI, unit("N", unit("N", "a"))), (INI, unit("N", unit("N", "b"))))
    assert said.lines[:4] == [("box.item", "N a"), END, ("box.item", "N b"), END]


def test_an_inner_channel_that_has_ended_may_still_want_the_sums() -> None:
    inner = protocol("inner", ("inner:box",), room=Counted)
    said = play([protocol(room=Closing), inner], (INI, unit("N", unit("N", "a"))))
    assert said.channel.waits_for_sums
