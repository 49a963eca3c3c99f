"""Rooms made for tests of the engine: each exercises one output."""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import Body, Enough, Finding, Handoff, Malformed, Note, Pass, Piece, Reader, Severity, Side

KINDS: Final = {"box.item": core.Kind("§1", "A thing in a box.")}
FINDINGS: Final = {
    "box.bad": core.FindingKind(Severity.WARNING, "A bad thing", "§2", "Somebody put it there.", "Take it out.")
}


class Box(core.Dissector):
    """Units are a letter, a length of one byte, and as many bytes: each letter asks for another output."""

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        return None if len(head) < 2 else 2 + head[1]

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        reader = Reader(unit)
        letter = reader.text("letter", 1)
        inside = reader.piece("inside", reader.uint("length", 1))
        text = bytes(inside).decode("latin-1")
        if letter == "F":
            yield Finding("box.bad", text, unit)
            return
        if letter == "M":
            raise Malformed("an M")
        if letter == "X":
            raise KeyError("a mistake")
        yield Note("box.item", f"{letter} {text}", unit)
        if letter == "H":
            yield Handoff(text)
        elif letter == "P":
            yield Pass("inner:box", inside)
        elif letter == "D":
            yield Pass("inner:box", inside.derived(bytes(inside)[::-1]))
        elif letter == "B":
            yield Body(int(text) if text.isdecimal() else 0, keep=4)
        elif letter == "U":
            yield Body(-1)
        elif letter == "E":
            yield Enough()

    def on_body(self, sender: Side, body: Piece) -> core.Outputs:
        yield Note("box.body", bytes(body).decode("latin-1"), body)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        yield Note("box.gap", str(size), at)

    def on_end(self, last: Piece) -> core.Outputs:
        yield Note("box.end", "end", last)


def probe(head: bytes) -> bool | None:
    return None if not head else head[:1] in b"NFMXHPDBUE"


def protocol(name: str = "box", over: tuple[str, ...] = ("tcp",), **given: object) -> core.Protocol:
    """A protocol with the room Box; what is `given` replaces its members."""
    members: dict[str, object] = {"probe": probe, "room": Box, "session": name}
    members.update(given)
    return core.Protocol(name, name.title(), "RFC 1", over, KINDS, FINDINGS, **members)  # type: ignore[arg-type]


def unit(letter: str, inside: str | bytes = "") -> bytes:
    raw = inside.encode() if isinstance(inside, str) else inside
    return letter.encode() + bytes([len(raw)]) + raw


class Patient(Box):
    """A Box that holds its units until there is a secret with the label of the unit's letter."""

    def __init__(self) -> None:
        self.held: list[tuple[Side, Piece]] = []
        self.late = False

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if not self.late and (self.held or not self.known(unit)):
            self.held.append((sender, unit))
            if len(self.held) == 1:
                yield core.Wait()
            return
        yield from super().on_unit(sender, unit)

    def known(self, unit: Piece) -> bool:
        assert self.shared is not None
        return chr(unit.data[unit.start]) in (self.shared.secrets.find(b"box") or {})

    def on_secrets(self, late: bool) -> core.Outputs:
        self.late = self.late or late
        held, self.held = self.held, []
        for sender, unit in held:
            yield from self.on_unit(sender, unit)

    def on_end(self, last: Piece) -> core.Outputs:
        yield from self.on_secrets(True)
        yield Note("box.end", "end", last)


def patient() -> core.Protocol:
    return protocol(room=Patient)


class Counted(Box):
    """A Box that tells at the end of the flow how many packets it had."""

    wants_sums = True

    def on_over(self, flow: core.Flow) -> core.Outputs:
        if flow.packets[0] == 13:
            raise Malformed("13 packets")
        if flow.packets[0] == 99:
            raise KeyError("a mistake")
        yield Note("box.over", f"{flow.packets[0]} packets", core.Place((), 0))
