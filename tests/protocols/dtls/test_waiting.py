"""Secrets of DTLS that come after the records they open: nothing is told otherwise than if they had come before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core import Limits, Outcome, Shared, Side
from analyzer.protocols.dtls import PROTOCOL
from captures.dtls import (
    MASTER,
    RANDOMS,
    Sealer12,
    answer13,
    certificate,
    client_hello,
    client_key_exchange,
    hello13,
    message,
    record,
    secrets13,
    server_hello,
    server_key_exchange,
)
from tests.play import Said, play
from tests.protocols.dtls.made import INI, RES, START_NS, Line, in_clear, sealers13

if TYPE_CHECKING:
    from collections.abc import Callable

Frames = list[tuple[Side, bytes]]
LINES12: Final = {"CLIENT_RANDOM": MASTER}


def frames12() -> Frames:
    client, server = Sealer12(0), Sealer12(1)
    return [
        (INI, in_clear(1, client_hello(name="example.org"))),
        (RES, in_clear(2, server_hello()) + in_clear(11, certificate(), 1, 1)),
        (RES, in_clear(12, server_key_exchange(), 2, 2) + in_clear(14, b"", 3, 3)),
        (
            INI,
            in_clear(16, client_key_exchange(), 1, 1)
            + record(20, b"\1", 2)
            + client.seal(22, message(20, bytes(12), 2)),
        ),
        (RES, record(20, b"\1", 4) + server.seal(22, message(20, bytes(12), 4))),
        (INI, client.seal(23, b"first") + client.seal(23, b"second")),
        (RES, server.seal(23, b"answer")),
        (INI, b"\x16\xfe\xfd damaged"),
        (INI, client.seal(21, b"\1\0")),
    ]


def frames13() -> Frames:
    sealers = sealers13()
    flight = sealers[RES, 2]
    return [
        (INI, in_clear(1, hello13())),
        (
            RES,
            in_clear(2, answer13(0x1301))
            + flight.seal(22, message(8, b"\0\0", 1))
            + flight.seal(22, message(11, b"\0" + certificate() + b"\0\0", 2)),
        ),
        (RES, flight.seal(22, message(20, bytes(32), 3))),
        (INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1))),
        (RES, sealers[RES, 3].seal(26, b"\0\x10" + bytes(7) + b"\2" + bytes(8))),
        (INI, sealers[INI, 3].seal(23, b"first")),
        (RES, sealers[RES, 3].seal(23, b"answer")),
        (INI, sealers[INI, 3].seal(21, b"\1\0")),
    ]


KINDS: Final[list[tuple[Callable[[], Frames], dict[str, bytes]]]] = [(frames12, LINES12), (frames13, secrets13(0x1301))]


def knowing(lines: dict[str, bytes] | None = None, *, expected: bool = False, limits: Limits | None = None) -> Shared:
    shared = Shared(limits)
    shared.secrets.given = True
    shared.secrets.expected = expected
    if lines is not None:
        learn(shared, lines)
    return shared


def learn(shared: Shared, lines: dict[str, bytes]) -> bool:
    """The key log has grown; more may come."""
    shared.secrets.lines.setdefault(RANDOMS[0], {}).update(lines)
    shared.secrets.version += 1
    return False


def told(said: Said) -> Any:
    notes = sorted(said.notes, key=lambda note: max(note.frames))
    return (
        [(note.kind, note.frames, note.text, note.sender, note.time_ns, note.fields) for note in notes],
        sorted(finding.code for finding in said.findings),
        [(phase.name, phase.start_ns, phase.end_ns, phase.outcome, phase.round_trips) for phase in said.phases],
        said.facts,
    )


@pytest.mark.parametrize(("frames", "lines"), KINDS)
@pytest.mark.parametrize("trace", [False, True])
def test_secrets_may_come_at_any_time(frames: Callable[[], Frames], lines: dict[str, bytes], trace: bool) -> None:
    sent = frames()
    whole = told(play(PROTOCOL, *sent, shared=knowing(lines)))
    assert whole[3]["decrypted"] is True
    for number in range(1, len(sent) + 1):
        shared = knowing(expected=True)
        said = play(PROTOCOL, *sent, shared=shared, trace=trace, news={number: lambda s=shared: learn(s, lines)})  # type: ignore[misc]
        assert told(said) == whole, number
        assert shared.waiting_bytes == 0
        if trace:
            assert all(note.tree for note in said.notes if note.kind in ("dtls.finished", "dtls.alert"))


@settings(deadline=None, max_examples=40)
@given(st.permutations(sorted(secrets13(0x1301))), st.lists(st.integers(1, 8), min_size=5, max_size=5))
def test_lines_in_any_order_at_any_time(labels: list[str], numbers: list[int]) -> None:
    lines = secrets13(0x1301)
    shared = knowing(expected=True)
    news: dict[int, Callable[[], bool]] = {}
    for number in range(1, 9):
        some = {label: lines[label] for label, when in zip(labels, numbers, strict=False) if when == number}
        news[number] = lambda some=some: learn(shared, some) if some else False  # type: ignore[misc]
    learn(shared, {label: lines[label] for label in labels[len(numbers) :]})
    said = play(PROTOCOL, *frames13(), shared=shared, news=news)
    assert told(said) == told(play(PROTOCOL, *frames13(), shared=knowing(lines)))


@pytest.mark.parametrize(("frames", "lines"), KINDS)
def test_after_a_while_nobody_waits(frames: Callable[[], Frames], lines: dict[str, bytes]) -> None:
    shared = knowing(expected=True)
    held: list[int] = []

    def late() -> bool:
        held.append(shared.waiting_bytes)
        return True

    sent = frames()
    said = play(PROTOCOL, *sent, shared=shared, news={len(sent) - 1: late})
    assert held[0] > 0
    assert shared.waiting_bytes == 0
    assert told(said) == told(play(PROTOCOL, *sent, shared=knowing()))


@pytest.mark.parametrize(("frames", "lines"), KINDS)
def test_what_never_came_is_told_at_the_end(frames: Callable[[], Frames], lines: dict[str, bytes]) -> None:
    sent = frames()
    assert told(play(PROTOCOL, *sent, shared=knowing(expected=True))) == told(play(PROTOCOL, *sent, shared=knowing()))


@pytest.mark.parametrize("limits", [Limits(waiting_bytes=100), Limits(waiting_total_bytes=100)])
@pytest.mark.parametrize(("frames", "lines"), KINDS)
def test_the_limits_of_waiting(limits: Limits, frames: Callable[[], Frames], lines: dict[str, bytes]) -> None:
    sent = frames()
    shared = knowing(expected=True, limits=limits)
    said = play(PROTOCOL, *sent, shared=shared, news={len(sent): lambda: learn(shared, lines)})
    assert shared.waiting_bytes == 0
    assert said.facts["encrypted_records"] > 0


def test_a_connection_whose_hello_is_not_there_does_not_wait() -> None:
    shared = knowing(expected=True)
    play(PROTOCOL, *frames12()[3:], shared=shared)
    said = play(PROTOCOL, (INI, record(23, bytes(40), 1, 1)), shared=shared)
    assert said.facts["data_bytes"] == [40, 0]
    assert shared.waiting_bytes == 0


def test_an_association_on_two_paths_waits_on_both() -> None:
    """Each side sends on a path of its own: the Finished of one comes to light after the data of the other."""

    def both(shared: Shared, late: dict[str, bytes]) -> tuple[Line, Line]:
        one, other = Line(shared), Line(shared)
        other.flow.id = other.teller.flow_id = 1
        sealers = sealers13()
        one.send(INI, in_clear(1, hello13()))
        one.send(RES, in_clear(2, answer13(0x1301)), sealers[RES, 2].seal(22, message(8, b"\0\0", 1)))
        one.send(RES, sealers[RES, 2].seal(22, message(20, bytes(32), 2)))
        other.send(INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1)), at_ns=START_NS + 4_000_000)
        one.send(RES, sealers[RES, 3].seal(23, b"data"), at_ns=START_NS + 5_000_000)
        other.send(INI, sealers[INI, 3].seal(23, b"more"), at_ns=START_NS + 6_000_000)
        one.send(INI, sealers[INI, 3].seal(23, b"data"), at_ns=START_NS + 7_000_000)
        if late:
            learn(shared, late)
            for line in (one, other):
                for channel in line.teller.take_waiting():
                    channel.secrets(False)
        return one.end(), other.end()

    lines = secrets13(0x1301)
    early = both(knowing(lines), {})
    late = both(knowing(expected=True), lines)
    (phase,) = [phase for line in early for phase in line.teller.phases]
    assert [phase] == [phase for line in late for phase in line.teller.phases]
    assert (phase.outcome, phase.end_ns) == (Outcome.ESTABLISHED, START_NS + 4_000_000)
    for one, other in zip(early, late, strict=True):
        assert [(note.kind, note.text, note.time_ns) for note in one.notes] == [
            (note.kind, note.text, note.time_ns) for note in other.notes
        ]
        assert one.teller.facts == other.teller.facts
