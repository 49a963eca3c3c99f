"""Lines, replies, and how far a connection got on its way from clear text to TLS.

An `Upgrade` is what a room keeps of it: who the client is, whether TLS was asked for, what is held back until that is
answered.  Where the answer is not in the capture, TLS is known by its own first bytes, and passed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzer.core import About, Enough, Handoff, Malformed, Outcome, Pass, Phase, Severity, Side
from analyzer.protocols.starttls.names import refusal

if TYPE_CHECKING:
    from analyzer.core import Outputs, Piece, Place, Value

MAX_LINE_BYTES: Final = 8192
MAX_REPLY_BYTES: Final = 65536  # of all lines of a reply
MAX_HELD_BYTES: Final = 65536  # of what a client sends before its request is answered
MAX_NOTES: Final = 40  # of one connection: some twenty commands and their answers
MAX_SHOWN: Final = 80

INNER: Final = "tcp"  # what follows is like a connection of its own

TLS_RECORD_HEADER_BYTES: Final = 5
TLS_HANDSHAKE: Final = 0x16
TLS_MAJOR: Final = 3
TLS_START: Final = bytes((TLS_HANDSHAKE, TLS_MAJOR))

_LAST_LINE: Final = re.compile(rb"\n([0-9]{3})(?: [^\n]*|\r?)(?=\n)")
_DIGITS: Final = re.compile(rb"[0-9]{3}[ \-\r\n]")
_HOST: Final = re.compile(r"(?=[^ ]{4,255}(?: |\Z))[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.?(?= |\Z)")
_DOT: Final = b"\n.\r\n"


class Upgrade:
    """One connection that begins in clear; `spec` is where its protocol says how TLS is refused."""

    __slots__ = (
        "application",
        "asked",
        "client",
        "first_ns",
        "gone",
        "last",
        "notes",
        "passed",
        "refusal",
        "scanned",
        "spec",
        "through",
        "turns",
    )

    def __init__(self, application: str, spec: str = "", client: Side | None = None) -> None:
        self.application = application
        self.spec = spec
        self.client = client
        self.asked: Place | None = None  # the request for TLS, while it waits for its answer
        self.passed = [False, False]  # sides of which something was passed on
        self.through = False  # what comes is passed on: TLS began without an answer that was captured
        self.gone = False  # bytes are missing and nothing tells where the next unit starts
        self.scanned = [0, 0]
        self.first_ns: int | None = None
        self.last: Side | None = None
        self.turns = 0  # times that the server answered
        self.notes = 0
        self.refusal: tuple[str, list[Place]] | None = None

    # --- units ---

    def held(self, sender: Side, head: bytes | bytearray) -> int | None:
        """0 where a unit of the room's own comes next, None where it must wait, else the size of one for `beyond`."""
        if self.through:
            self.passed[sender] = True
            return len(head)
        if head[0] == TLS_HANDSHAKE and (len(head) < 2 or head[1] == TLS_MAJOR):
            if len(head) < TLS_RECORD_HEADER_BYTES:
                return None
            size = TLS_RECORD_HEADER_BYTES + int.from_bytes(head[3:5], "big")
            late = self.asked is not None and sender is self.client and len(head) <= size
            self.passed[sender] = not late
            return None if late else size  # who sent a second record was answered, whether the capture has it or not
        if self.gone:
            return len(head)
        if self.asked is not None and sender is self.client:
            if len(head) <= MAX_HELD_BYTES:
                return None  # what follows may be something else: wait for the answer
            self.gone = True
            return len(head)
        return 0

    def over(self, unit: Piece) -> bool:
        """Whether `unit` is one for `beyond`."""
        start = unit.start
        return self.through or self.gone or (len(unit) > 1 and unit.data[start : start + 2] == TLS_START)

    def line(self, sender: Side, head: bytes | bytearray, limit: int = MAX_LINE_BYTES) -> int | None:
        """Size of the line that `head` starts with."""
        end = head.find(b"\n", self.scanned[sender], limit)
        if end < 0:
            if len(head) >= limit:
                raise Malformed(f"a line of more than {limit} bytes")
            self.scanned[sender] = len(head)
            return None
        self.scanned[sender] = 0
        return end + 1

    def reply(self, sender: Side, head: bytes | bytearray) -> int | None:
        """Size of a reply that starts with three digits; a hyphen behind them says that more lines follow."""
        if len(head) < 4:
            if not head[: min(len(head), 3)].isdigit():
                raise Malformed("not a reply: no three digits")
            return None
        if not _DIGITS.match(head):
            raise Malformed("not a reply: no three digits")
        if head[3] != 0x2D:
            return self.line(sender, head)
        mark, code = self.scanned[sender], head[:3]
        if head.find(b"\n", mark, MAX_REPLY_BYTES) >= 0:
            for match in _LAST_LINE.finditer(head, max(head.rfind(b"\n", 0, mark), 0), MAX_REPLY_BYTES):
                if match[1] == code:
                    self.scanned[sender] = 0
                    return match.end() + 1
        if len(head) >= MAX_REPLY_BYTES:
            raise Malformed(f"a reply of more than {MAX_REPLY_BYTES} bytes")
        self.scanned[sender] = len(head)
        return None

    def block(self, sender: Side, head: bytes | bytearray) -> int | None:
        """Size of a reply whose lines end with one that has a dot alone."""
        end = head.find(_DOT, max(self.scanned[sender] - 3, 0), MAX_REPLY_BYTES)
        if end < 0:
            if len(head) >= MAX_REPLY_BYTES:
                raise Malformed(f"a reply of more than {MAX_REPLY_BYTES} bytes")
            self.scanned[sender] = len(head)
            return None
        self.scanned[sender] = 0
        return end + len(_DOT)

    # --- what happens ---

    def turn(self, sender: Side, unit: Piece) -> Place:
        """Count who spoke; the place of `unit`."""
        place = unit.place
        if self.first_ns is None:
            self.first_ns = place.time_ns
        if sender is not self.client and self.last is self.client and self.client is not None:
            self.turns += 1
        self.last = sender
        return place

    def full(self) -> bool:
        """Count a note; whether there were enough of them."""
        self.notes += 1
        return self.notes > MAX_NOTES

    def ask(self, place: Place) -> None:
        self.asked = place

    def phase(self, end_ns: int, outcome: Outcome) -> Phase:
        start_ns = end_ns if self.first_ns is None else self.first_ns
        return Phase("starttls", start_ns, max(end_ns, start_ns), outcome, self.turns)

    def accepted(self, place: Place) -> Outputs:
        """The server agreed: what follows is like a connection of its own."""
        self.asked = None
        yield from self.settle(True, place.time_ns)
        yield self.phase(place.time_ns, Outcome.ESTABLISHED)
        yield About(None, {"application": self.application, "starttls": True})
        yield Handoff(INNER)

    def refused(self, text: str, places: list[Place]) -> None:
        """The server said no, as `text` tells; `settle` says so once it is clear what the client makes of it."""
        if self.asked is not None:
            places = [self.asked, *places]
        self.asked = None
        self.refusal = (text, places)

    def settle(self, goes_on: bool, now_ns: int) -> Outputs:
        """Tell of a refusal, if there was one; `goes_on` where the client goes on in clear."""
        if self.refusal is None:
            return
        text, places = self.refusal
        self.refusal = None
        yield About(None, {"application": self.application, "starttls": False})
        if goes_on:
            yield refusal(f"{text}; the client goes on in clear", places, self.spec, Severity.WARNING)
            yield self.phase(now_ns, Outcome.ESTABLISHED)
        else:
            yield refusal(text, places, self.spec, Severity.ERROR)
            yield self.phase(now_ns, Outcome.FAILED)

    def beyond(self, unit: Piece) -> Outputs:
        """Pass on what belongs to TLS, or give up behind a gap."""
        if not self.through and unit.data[unit.start : unit.start + 2] != TLS_START:
            yield from self.leave(unit.time_ns)
            return
        if not self.through:
            self.through = True
            now_ns = unit.time_ns
            yield from self.settle(True, now_ns)
            yield self.phase(now_ns, Outcome.PARTIAL)
            yield About(None, {"application": self.application, "starttls": True})
        yield Pass(INNER, unit)

    def leave(self, now_ns: int) -> Outputs:
        """TLS can't follow any more, or enough was seen."""
        yield from self.settle(True, now_ns)
        yield Enough()

    def gap(self, sender: Side, unit: Piece) -> Outputs:
        """What follows is looked at only for a start of TLS."""
        if not self.through:
            self.gone = True
            self.scanned[sender] = 0
        elif self.passed[sender]:
            yield Enough()

    def end(self, last: Piece) -> Outputs:
        if self.asked is not None and not self.through:
            yield self.phase(last.time_ns, Outcome.UNANSWERED)
        yield from self.settle(False, last.time_ns)


# --- words ------------------------------------------------------------------------------------------------------------


def decoded(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def host_of(text: str) -> str | None:
    """The host name that `text` starts with, if it does."""
    match = _HOST.match(text)
    return match[0] if match is not None else None


def offers(found: bool) -> str:
    return "offers STARTTLS" if found else "no STARTTLS"


def replied(unit: bytes) -> tuple[int, list[str]]:
    """Code and texts of a numeric reply, as `Upgrade.reply` cuts it."""
    lines = [decoded(line).rstrip("\r") for line in unit.rstrip(b"\r\n").split(b"\n")]
    code = lines[0][:3]
    return int(code), [line[4:] if line[:3] == code else line.strip() for line in lines]


def listed(fields: dict[str, Value], name: str, values: list[str]) -> None:
    """Put `values` into `fields`, not more than fifty."""
    fields[name] = [value[:200] for value in values[:50]]
