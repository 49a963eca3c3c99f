"""ManageSieve as far as STARTTLS: capabilities, the turn to TLS (RFC 5804).

What logs a client in is never shown, and once it is logged in nothing more is read.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer import core
from analyzer.core import About, Body, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, listed, offers
from analyzer.protocols.starttls.names import HIDDEN, MECHANISMS, UNKNOWN

MAX_CAPABILITIES: Final = 50

KINDS: Final = {
    "sieve.capabilities": core.Kind("§1.7", "The server says what it can do; it does so unasked at first.", "greeting"),
    "sieve.command": core.Kind("§2", "The client asks for something.", "command"),
    "sieve.reply": core.Kind("§1.2", "The server answers: OK, NO or BYE.", "reply"),
    "sieve.malformed": core.Kind("§1.2", "Bytes that break ManageSieve: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 5804 2.2"  # where the protocol says how TLS is refused

COMMANDS: Final = frozenset(("CAPABILITY", "STARTTLS", "NOOP", "LOGOUT", "UNAUTHENTICATE"))
LOGIN: Final = "AUTHENTICATE"
STATUSES: Final = frozenset(("OK", "NO", "BYE"))

_LITERAL: Final = re.compile(rb"\{([0-9]{1,18})\+?\}\r?\n\Z")
_FIRST: Final = b'"IMPLEMENTATION"'


class Sieve(core.Dissector):
    """One connection, to the turn to TLS or the login."""

    def __init__(self) -> None:
        self.up = Upgrade("sieve", REFUSAL)
        self.asked = ""
        self.capabilities: list[str] = []
        self.begin: Piece | None = None  # the first line of what the server can do
        self.told = False
        self.secret = False  # a login goes on
        self.continued = [False, False]  # the line goes on behind a literal

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        up = self.up
        held = up.held(sender, head)
        if held != 0:
            return held
        if up.client is None:
            up.client = sender.other if head[:1] == b'"' else sender
        return up.line(sender, head)

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            yield from self.up.beyond(unit)
            return
        goes_on = self.continued[sender]
        literal = _LITERAL.search(bytes(unit))
        self.continued[sender] = literal is not None
        if not goes_on:
            if sender is self.up.client:
                yield from self._on_command(sender, unit)
            else:
                yield from self._on_line(sender, unit)
        if literal is not None:
            yield Body(int(literal[1]))

    def _on_command(self, sender: Side, unit: Piece) -> core.Outputs:
        line = decoded(bytes(unit).strip())
        place = self.up.turn(sender, unit)
        if not line or self.secret:
            return
        word, _, rest = line.partition(" ")
        word = word.upper()
        if word != "LOGOUT":
            yield from self.up.settle(True, place.time_ns)
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        fields: dict[str, Value] = {"command": word}
        if word == LOGIN:
            self.secret = True
            mechanism = rest.partition(" ")[0].strip('"').upper()
            text = f"{word} {mechanism} {HIDDEN}" if mechanism in MECHANISMS else f"{word} {HIDDEN}"
        elif word in COMMANDS:
            text = cut(line)
            Reader(unit).rest("command_line")
        else:
            text, word, fields = UNKNOWN, "", {}
        self.asked = word
        yield Note("sieve.command", text, place, fields)
        if word == "STARTTLS":
            self.up.ask(place)

    def _on_line(self, sender: Side, unit: Piece) -> core.Outputs:
        """A line of what the server can do, or how a command ended."""
        line = decoded(bytes(unit).strip())
        place = self.up.turn(sender, unit)
        status = re.split(r"[ (]", line, maxsplit=1)[0].upper()
        if status not in STATUSES:
            if line[:1] == '"' and not self.secret and len(self.capabilities) < MAX_CAPABILITIES:
                self.begin = unit if self.begin is None else self.begin
                self.capabilities.append(line)
            return
        asked, self.asked, self.secret = self.asked, "", False
        if self.up.full():
            yield from self.up.leave(place.time_ns)
        elif self.capabilities and asked in ("", "CAPABILITY"):
            yield from self._on_capabilities(place)
        else:
            text = status
            if asked and asked != LOGIN:
                text = cut(line)
                Reader(unit).rest("response")
            yield Note("sieve.reply", text, place, {"status": status})
            if asked == "STARTTLS":
                if status == "OK":
                    yield from self.up.accepted(place)
                else:
                    self.up.refused(f"STARTTLS was answered with {text}", [place])
            elif asked == LOGIN and status == "OK":
                yield from self.up.leave(place.time_ns)

    def _on_capabilities(self, end: core.Place) -> core.Outputs:
        fields: dict[str, Value] = {}
        listed(fields, "capabilities", self.capabilities)
        values = {line.partition(" ")[0].strip('"').upper(): line.partition(" ")[2] for line in self.capabilities}
        name = values.get("IMPLEMENTATION", "").strip('"')
        said = offers("STARTTLS" in values)
        begin = end if self.begin is None else self.begin.place
        self.capabilities, self.begin = [], None
        place = core.Place((*begin.spans, *end.spans), end.time_ns)
        yield Note("sieve.capabilities", cut(f"{name}, {said}" if name else said), place, fields)
        if not self.told:
            self.told = True
            title = f"sieve://{self.flow.responder}" if self.flow is not None else None
            yield About(title, {"application": "sieve"})

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with what a ManageSieve server says first; None asks for more bytes."""
    start = head[: len(_FIRST)].upper()
    return start == _FIRST if len(start) == len(_FIRST) else None if _FIRST.startswith(start) else False


PROTOCOL = core.Protocol(
    "sieve",
    "ManageSieve",
    "RFC 5804",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Sieve,
    ports=frozenset({4190}),
)
