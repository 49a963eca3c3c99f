"""What holds for every room there is, or will be: the registry finds them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Side
from analyzer.engine.registry import protocols
from tests.play import again, play

#: Beginnings that get past the probes, so that what follows reaches the rooms.
HEADS = [
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n",
    bytes.fromhex("123401000001000000000000076578616d706c65036f72670000010001"),
    bytes.fromhex("123481800001000100000000076578616d706c65036f72670000010001c00c00010001000000040004c0000250"),
    bytes.fromhex("001d123401000001000000000000076578616d706c65036f72670000010001"),
    b"\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"Content-Length: 3\r\n\r\nabc",
]
sides = st.sampled_from(list(Side))
bytes_ = st.builds(lambda head, rest: head + rest, st.sampled_from(HEADS), st.binary(max_size=40))
frames = st.lists(st.tuples(sides, bytes_), min_size=1, max_size=6)
#: Labels of what comes one datagram, or one message, at a time.
MESSAGES = {"udp", "dtls", "ip:sctp", "sctp:webrtc", "websocket", "http", "sip"}
STREAMS = [(one, label) for one in protocols() if one.room is not None for label in one.over if label not in MESSAGES]
DATAGRAMS = [one for one in protocols() if "udp" in one.over]
#: Rooms are hostile ground: they are entered by the port too, when no probe lets one in.
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def name(value: object) -> str:
    return value.name if isinstance(value, core.Protocol) else str(value)


def port_of(protocol: core.Protocol) -> int:
    return min(protocol.ports, default=9999)


@pytest.mark.parametrize(("protocol", "label"), STREAMS, ids=name)
@quick
@given(told=frames, gap=st.integers(0, 5))
def test_any_bytes_of_a_stream_raise_nothing(
    protocol: core.Protocol, label: str, told: list[tuple[Side, bytes]], gap: int
) -> None:
    said = play(protocol, *told[:gap], (told[0][0], 10), *told[gap:], over=label, port=port_of(protocol), trace=gap > 3)
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]
    assert {note.kind for note in said.notes} <= {*protocol.kinds, "engine.limit"}


@pytest.mark.parametrize("protocol", DATAGRAMS, ids=name)
@quick
@given(told=frames)
def test_any_datagrams_raise_nothing(protocol: core.Protocol, told: list[tuple[Side, bytes]]) -> None:
    said = play(protocol, *told, over="udp", port=port_of(protocol))
    assert not [note for note in said.notes if note.kind == "engine.internal-error"]


@pytest.mark.parametrize(("protocol", "label"), STREAMS, ids=name)
@quick
@given(told=frames, cuts=st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_any_cut_gives_the_same_notes(
    protocol: core.Protocol, label: str, told: list[tuple[Side, bytes]], cuts: list[int]
) -> None:
    whole = play(protocol, *told, over=label)
    cut = play(protocol, *again(told, cuts), over=label)
    assert without_times(cut.lines) == without_times(whole.lines)
    assert cut.title == whole.title


def without_times(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each frame has a time of its own, so texts that tell times differ with the cut."""
    return [(kind, text.partition(" (after ")[0]) for kind, text in lines]


@pytest.mark.parametrize("protocol", [one for one in protocols() if one.probe is not None], ids=name)
@given(head=bytes_)
def test_probes_raise_nothing(protocol: core.Protocol, head: bytes) -> None:
    assert protocol.probe is not None
    assert protocol.probe(head) in (True, False, None)
