"""POP3 as far as STLS: greeting, capabilities, the turn to TLS (RFC 1939, RFC 2449, RFC 2595).

What logs a client in is never shown, and once it is logged in nothing more is read.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, listed
from analyzer.protocols.starttls.names import HIDDEN, MECHANISMS, UNKNOWN

MAX_IN_FLIGHT: Final = 100  # commands without an answer that are remembered

KINDS: Final = {
    "pop3.greeting": core.Kind("§4", "The server says that it is there.", "greeting"),
    "pop3.command": core.Kind("§3", "The client asks for something.", "command"),
    "pop3.reply": core.Kind("§3", "The server answers: +OK or -ERR.", "reply"),
    "pop3.malformed": core.Kind("§3", "Bytes that break POP3: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 2595 4"  # where the protocol says how TLS is refused

COMMANDS: Final = frozenset(("CAPA", "STLS", "NOOP", "QUIT", "UTF8", "LANG", "STAT", "LIST", "RSET"))
LOGINS: Final = frozenset(("USER", "PASS", "APOP", "AUTH"))

_STARTS: Final = frozenset(b"+ACSUacsu")  # of a greeting, and of the commands that clients begin with
_GREETING: Final = re.compile(rb"\+OK(?: [^\r\n]*)?\r?\n")
_CLIENT_START: Final = re.compile(rb"(?:CAPA|STLS)\r?\n", re.IGNORECASE)
_LOGIN_START: Final = re.compile(rb"(?:USER|APOP|AUTH) ?[^\r\n]*\r?\n", re.IGNORECASE)


class Pop3(core.Dissector):
    """One connection, to the turn to TLS or the login."""

    def __init__(self) -> None:
        self.up = Upgrade("pop3", REFUSAL)
        self.waiting: deque[str] = deque()  # commands without an answer
        self.answered = False
        self.secret = False  # what the client sends answers a challenge

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        up = self.up
        held = up.held(sender, head)
        if held != 0:
            return held
        if up.client is None:
            up.client = sender.other if head[0] in b"+-" else sender
        if sender is up.client:
            return up.line(sender, head)
        if head[0] not in b"+-":
            raise Malformed("not a reply: neither +OK nor -ERR (§3)")
        if self.answered and self.waiting and self.waiting[0] == "CAPA" and head[0] == 0x2B:
            return up.block(sender, head)
        return up.line(sender, head)

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.up.over(unit):
            return self.up.beyond(unit)
        return self._on_command(sender, unit) if sender is self.up.client else self._on_reply(sender, unit)

    def _on_command(self, sender: Side, unit: Piece) -> core.Outputs:
        line = decoded(bytes(unit).strip())
        place = self.up.turn(sender, unit)
        if not line or self.secret:
            return
        word = line.partition(" ")[0].upper()
        if word != "QUIT":
            yield from self.up.settle(True, place.time_ns)
        if self.up.full() or len(self.waiting) >= MAX_IN_FLIGHT:
            yield from self.up.leave(place.time_ns)
            return
        self.answered = True  # who does not wait for a greeting gets none, inside TLS
        fields: dict[str, Value] = {"command": word}
        if word in LOGINS:
            mechanism = line[5:].partition(" ")[0].upper()
            shown = f"{word} {mechanism}" if word == "AUTH" and mechanism in MECHANISMS else word
            text = f"{shown} {HIDDEN}"
        elif word in COMMANDS:
            text = cut(line)
            Reader(unit).rest("command_line")
        else:
            word, text, fields = "", UNKNOWN, {}
        self.waiting.append(word)
        yield Note("pop3.command", text, place, fields)
        if word == "STLS":
            self.up.ask(place)

    def _on_reply(self, sender: Side, unit: Piece) -> core.Outputs:
        place = self.up.turn(sender, unit)
        lines = [decoded(line).strip() for line in bytes(unit).rstrip(b"\r\n").split(b"\n")]
        good = lines[0][:1] == "+"
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        if not self.answered:
            self.answered = True
            Reader(unit).rest("greeting")
            yield Note("pop3.greeting", cut(lines[0]), place, {"text": lines[0][:500]})
            title = f"pop3://{self.flow.responder}" if self.flow is not None else None
            yield About(title, {"application": "pop3"})
            return
        asked = self.waiting[0] if self.waiting else ""
        self.secret = asked == "AUTH" and lines[0][:2] in ("+", "+ ")
        if self.secret:
            yield Note("pop3.reply", f"+ (challenge), {HIDDEN}", place)
            return
        if self.waiting:
            self.waiting.popleft()
        status = "+OK" if good else "-ERR"
        fields: dict[str, Value] = {"status": status}
        text = status
        if asked == "CAPA" and good:
            capabilities = [line for line in lines[1:] if line != "."]
            Reader(unit).rest("reply")
            listed(fields, "capabilities", capabilities)
            text = "+OK, offers STLS" if "STLS" in (line.upper() for line in capabilities) else "+OK, no STLS"
        elif asked and asked not in LOGINS:
            Reader(unit).rest("reply")
            text = cut(lines[0])
        yield Note("pop3.reply", text, place, fields)
        if asked == "STLS":
            if good:
                yield from self.up.accepted(place)
            else:
                self.up.refused(f"STLS was answered with {text}", [place])
        elif good and asked in ("PASS", "APOP", "AUTH"):
            yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a greeting of POP3 or a command of its own; None asks for more bytes."""
    if head and head[0] not in _STARTS:
        return False
    if b"+OK".startswith(head[:3]):
        if _GREETING.match(head):
            # Databases of keys and values answer so too, but never first.
            return b"POP" in head.upper() or b"<" in head or None
        return None if len(head) < 512 and b"\n" not in head else False
    start = head[:4].upper()
    if b"CAPA".startswith(start) or b"STLS".startswith(start):
        return True if _CLIENT_START.match(head) else None if len(head) < 6 else False
    if any(word.startswith(start) for word in (b"USER", b"APOP", b"AUTH")):
        return None if _LOGIN_START.match(head) or (len(head) < 512 and b"\n" not in head) else False
    return False


PROTOCOL = core.Protocol(
    "pop3",
    "POP3",
    "RFC 1939",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Pop3,
    ports=frozenset({110, 995}),
)
