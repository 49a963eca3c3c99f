"""IMAP as far as STARTTLS: greeting, capabilities, the turn to TLS (RFC 9051; RFC 3501 is the same here).

What logs a client in is never shown, and once it is logged in nothing more is read.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from analyzer import core
from analyzer.core import About, Body, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, listed, offers
from analyzer.protocols.starttls.names import HIDDEN, MECHANISMS, UNKNOWN

MAX_IN_FLIGHT: Final = 100  # commands without an answer that are remembered

KINDS: Final = {
    "imap.greeting": core.Kind("§7.1", "The server says that it is there: OK, PREAUTH or BYE.", "greeting"),
    "imap.command": core.Kind("§6", "The client asks for something; a tag in front of it comes back.", "command"),
    "imap.capability": core.Kind("§7.2.2", "The server says what it can do.", "CAPABILITY"),
    "imap.reply": core.Kind("§7.1", "The server answers the command of that tag: OK, NO or BAD.", "reply"),
    "imap.malformed": core.Kind("§2.2", "Bytes that break IMAP: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 9051 6.2.1"  # where the protocol says how TLS is refused

COMMANDS: Final = frozenset(("CAPABILITY", "STARTTLS", "NOOP", "LOGOUT", "ID", "ENABLE"))
LOGINS: Final = frozenset(("LOGIN", "AUTHENTICATE"))
#: Commands of a client that is logged in already.
LATER: Final = frozenset(
    ("SELECT", "EXAMINE", "LIST", "LSUB", "STATUS", "FETCH", "UID", "SEARCH", "APPEND", "IDLE", "CREATE", "NAMESPACE")
)
STATUSES: Final = frozenset(("OK", "NO", "BAD"))

_TAG: Final = re.compile(r"[!-'+-\[\]^-z|}~]{1,32}\Z")
_LITERAL: Final = re.compile(rb"\{([0-9]{1,18})\+?\}\r?\n\Z")
_CAPABILITY: Final = re.compile(r"\[?CAPABILITY ([^\]]*)")
_GREETING: Final = re.compile(rb"\* (?:OK|PREAUTH|BYE)\b[^\r\n]*\r?\n", re.IGNORECASE)
_GREETING_STARTS: Final = (b"* OK", b"* PREAUTH", b"* BYE")
_CLIENT_START: Final = re.compile(
    rb"[!-'+-\[\]^-z|}~]{1,32} (?:CAPABILITY|STARTTLS|NOOP|LOGOUT|AUTHENTICATE [A-Z0-9_-]+|LOGIN [^\r\n]+|"
    rb"ID [(N][^\r\n]*)\r?\n",
    re.IGNORECASE,
)
_CLIENT_MAYBE: Final = re.compile(
    rb"[!-'+-\[\]^-z|}~]{1,32}(?: (?:[A-Z]{0,12}|AUTHENTICATE [^\r\n]*|LOGIN [^\r\n]*|ID [^\r\n]*)\r?)?\Z",
    re.IGNORECASE,
)


class Imap(core.Dissector):
    """One connection, to the turn to TLS or the login."""

    def __init__(self) -> None:
        self.up = Upgrade("imap", REFUSAL)
        self.waiting: deque[tuple[str, str]] = deque()  # tag and name of commands without an answer
        self.greeted = False
        self.secret = ""  # the tag of the login that goes on
        self.continued = [False, False]  # the line goes on behind a literal
        self.tls_tag = ""

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        up = self.up
        held = up.held(sender, head)
        if held != 0:
            return held
        if up.client is None:
            up.client = sender.other if head[0] in b"*+" else sender
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
                yield from self._on_response(sender, unit)
        if literal is not None:
            yield Body(int(literal[1]))

    def _on_command(self, sender: Side, unit: Piece) -> core.Outputs:
        line = decoded(bytes(unit).strip())
        place = self.up.turn(sender, unit)
        if not line or self.secret:
            return
        tag, _, rest = line.partition(" ")
        word, _, argument = rest.partition(" ")
        word = word.upper()
        if word != "LOGOUT":
            yield from self.up.settle(True, place.time_ns)
        if self.up.full() or len(self.waiting) >= MAX_IN_FLIGHT:
            yield from self.up.leave(place.time_ns)
            return
        self.greeted = True  # who does not wait for a greeting gets none, inside TLS
        fields: dict[str, Value] = {"tag": tag[:32], "command": word}
        if not _TAG.match(tag) or not (word in COMMANDS or word in LOGINS or word in LATER):
            text, word, fields = UNKNOWN, "", {}
        elif word in LOGINS:
            self.secret = tag
            mechanism = argument.partition(" ")[0].upper()
            shown = f"{word} {mechanism}" if word == "AUTHENTICATE" and mechanism in MECHANISMS else word
            text = f"{shown} {HIDDEN}"
        else:
            text = word if word in LATER else cut(rest)
            if word in COMMANDS:
                Reader(unit).rest("command_line")
        self.waiting.append((tag, word))
        yield Note("imap.command", text, place, fields)
        if word == "STARTTLS":
            self.tls_tag = tag
            self.up.ask(place)
        elif word in LATER:
            yield from self.up.leave(place.time_ns)

    def _on_response(self, sender: Side, unit: Piece) -> core.Outputs:
        line = decoded(bytes(unit).strip())
        place = self.up.turn(sender, unit)
        tag, _, rest = line.partition(" ")
        if tag == "+":
            return  # a challenge, or leave to send a literal
        if tag == "*":
            yield from self._on_untagged(unit, rest, place)
            return
        status = rest.partition(" ")[0].upper()
        asked = self._answered(tag)
        if self.secret == tag:
            self.secret = ""
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        fields: dict[str, Value] = {"tag": tag[:32], "status": status[:10]}
        if asked and asked not in LOGINS and status in STATUSES:
            text = cut(rest)
            Reader(unit).rest("response_tagged")
        else:
            text = status if status in STATUSES else "an answer to nothing that was asked"
            if status not in STATUSES:
                fields = {}
        yield Note("imap.reply", text, place, fields)
        if asked == "STARTTLS":
            if status == "OK":
                yield from self.up.accepted(place)
            else:
                self.up.refused(f"STARTTLS was answered with {text}", [place])
        elif asked in LOGINS and status == "OK":
            yield from self.up.leave(place.time_ns)

    def _answered(self, tag: str) -> str:
        """The command that a response of this tag answers; commands before it have no answer in the capture."""
        for number, (asked, word) in enumerate(self.waiting):
            if asked == tag:
                for _ in range(number + 1):
                    self.waiting.popleft()
                return word
        return ""

    def _on_untagged(self, unit: Piece, rest: str, place: core.Place) -> core.Outputs:
        capability = _CAPABILITY.search(rest)
        words = [] if capability is None else capability[1].split()
        fields: dict[str, Value] = {}
        if words:
            listed(fields, "capability", words)
        said = offers("STARTTLS" in (word.upper() for word in words))
        if not self.greeted:
            self.greeted = True
            Reader(unit).rest("greeting")
            text = cut(rest.partition("[")[0].rstrip() if words else rest)
            yield Note("imap.greeting", f"{text}, {said}" if words else text, place, fields)
            title = f"imap://{self.flow.responder}" if self.flow is not None else None
            yield About(title, {"application": "imap"})
        elif words and not self.secret and not self.up.full():
            Reader(unit).rest("response_data")
            yield Note("imap.capability", said, place, fields)
        # What else is not tagged is counted only.

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a greeting of IMAP, or with a tag and a command; None asks for more bytes."""
    if head[:1] == b"*":
        if _GREETING.match(head):
            return True
        start = head[:4].upper()
        fits = any(one.startswith(head[: len(one)].upper()) for one in _GREETING_STARTS) or start in (
            b"* OK",
            b"* PR",
            b"* BY",
        )
        return None if fits and len(head) < 2048 and b"\n" not in head else False
    if _CLIENT_START.match(head):
        return True
    return None if not head or (len(head) < 512 and _CLIENT_MAYBE.match(head)) else False


PROTOCOL = core.Protocol(
    "imap",
    "IMAP",
    "RFC 9051",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Imap,
    ports=frozenset({143, 993}),
)
