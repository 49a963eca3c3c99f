"""What the tests of all rooms that turn to TLS share: a stand-in for TLS, and dialogs cut in every way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Note, Piece, Side
from tests.play import Said, again, play

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INI, RES = Side.INITIATOR, Side.RESPONDER
HELLO = b"\x16\x03\x01\x00\x05hello"
SERVER_HELLO = b"\x16\x03\x03\x00\x05olleh"


class Records(core.Dissector):
    """Tells each record."""

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if head[:2] != b"\x16\x03"[: len(head)]:
            raise core.Malformed("no record")
        return None if len(head) < 5 else 5 + int.from_bytes(head[3:5], "big")

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        yield Note("record.record", bytes(unit)[5:].decode("latin-1"), unit)


def record_probe(head: bytes) -> bool | None:
    return head[:2] == b"\x16\x03" if len(head) > 1 else None


RECORDS = core.Protocol(
    "record",
    "Records",
    "RFC 0",
    ("tcp", "tls"),
    {"record.record": core.Kind("§1", "A record."), "record.malformed": core.Kind("§1", "None.")},
    {},
    record_probe,
    Records,
)


def texts(said: Said) -> list[str]:
    return [note.text for note in said.notes]


def told(said: Said) -> list[str]:
    """Everything that was said, in words: texts, fields, findings, facts, title."""
    parts = [f"{note.text} {note.fields} {note.tree}" for note in said.notes]
    parts += [f"{one.text} {one.cause}" for one in said.findings]
    return [*parts, str(said.facts), str(said.title)]


def hides(said: Said, *secrets: str) -> bool:
    """Whether none of these is told anywhere, also not in the bytes of the field trees."""
    for note in said.notes:
        for field in note.tree or ():
            shown = b"" if field.piece is None else bytes(field.piece)
            if any(secret.encode() in shown for secret in secrets):
                return False
    return not any(secret in line for line in told(said) for secret in secrets)


def cut_test(
    protocol: core.Protocol, dialogs: Sequence[Sequence[tuple[Side, bytes]]], parts: Sequence[bytes]
) -> Callable[[], None]:
    """A test that any cut of these dialogs, and of `parts` in any order, tells the same and breaks nothing."""
    frame = st.tuples(st.sampled_from([INI, RES]), st.sampled_from([*parts, HELLO, SERVER_HELLO, b"\r\n", b"\x16"]))
    start = st.sampled_from([list(dialog[:count]) for dialog in dialogs for count in range(len(dialog) + 1)])
    labels = st.sampled_from(protocol.over)

    @settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        start=start,
        more=st.lists(frame, max_size=5),
        cuts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
        label=labels,
        gap=st.integers(-4, 6),
    )
    def test(
        start: list[tuple[Side, bytes]], more: list[tuple[Side, bytes]], cuts: list[int], label: str, gap: int
    ) -> None:
        frames = [*start, *more]
        port = min(protocol.ports, default=9999)
        whole = play([protocol, RECORDS], *frames, over=label, port=port)
        pieces = play([protocol, RECORDS], *again(frames, cuts), over=label, port=port)
        assert pieces.lines == whole.lines
        assert (pieces.title, pieces.facts) == (whole.title, whole.facts)
        if gap >= 0:
            whole = play(
                [protocol, RECORDS], *frames[:gap], (INI, 10), *frames[gap:], over=label, port=port, trace=True
            )
        assert {note.kind for note in whole.notes} <= {*protocol.kinds, *RECORDS.kinds, "engine.limit"}

    return test
