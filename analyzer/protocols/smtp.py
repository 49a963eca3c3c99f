"""SMTP as far as STARTTLS: greeting, EHLO, what the server offers, the turn to TLS (RFC 5321, RFC 3207).

Mail that goes on in clear is followed to the first message; its text, and what logs a client in, are never shown.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from analyzer import core
from analyzer.core import About, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, host_of, listed, offers, replied
from analyzer.protocols.starttls.names import FINDINGS, HIDDEN, MECHANISMS, UNKNOWN

MAX_IN_FLIGHT: Final = 100  # commands without an answer that are remembered

KINDS: Final = {
    "smtp.greeting": core.Kind("§4.3.1", "The server says who it is, and whether it takes mail now.", "greeting"),
    "smtp.command": core.Kind("§4.1.1", "The client asks for something.", "command"),
    "smtp.reply": core.Kind("§4.2", "The server answers: 2xx done, 3xx go on, 4xx not now, 5xx no.", "reply"),
    "smtp.malformed": core.Kind("§2.3.8", "Bytes that break SMTP: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 3207 4"  # where the protocol says how TLS is refused

#: Commands that are shown with what follows them.
COMMANDS: Final = frozenset(
    (
        *("EHLO", "HELO", "LHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "HELP", "ETRN"),
        *("VRFY", "EXPN"),
    )
)
HELLOS: Final = ("EHLO", "LHLO", "HELO")

_LETTERS: Final = frozenset(b"EHLehl")  # that EHLO and its kin start with
_CLIENT_START: Final = re.compile(rb"(?:EHLO|HELO|LHLO) [^\r\n]*\r?\n", re.IGNORECASE)
_GREETING: Final = re.compile(rb"220[ -][^\r\n]*\r?\n")
_SAYS_SO: Final = re.compile(rb"\bE?SMTP\b|\bLMTP\b", re.IGNORECASE)
_SAYS_FTP: Final = re.compile(rb"FTP", re.IGNORECASE)
_SECOND: Final = re.compile(rb"\n(?:250|221|503)[ -]")


class Smtp(core.Dissector):
    """One connection, to the turn to TLS or the first message."""

    def __init__(self) -> None:
        self.up = Upgrade("smtp", REFUSAL)
        self.waiting: deque[str] = deque()  # commands without an answer
        self.answered = False
        self.secret = False  # what the client sends answers a challenge

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        held = self.up.held(sender, head)
        if held != 0:
            return held
        if self.up.client is None:
            self.up.client = sender.other if head[:1].isdigit() else sender
        return self.up.line(sender, head) if sender is self.up.client else self.up.reply(sender, head)

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
        fields: dict[str, Value] = {"command": word}
        if word == "AUTH":
            mechanism = line[5:].partition(" ")[0].upper()
            text = f"AUTH {mechanism} {HIDDEN}" if mechanism in MECHANISMS else f"AUTH {HIDDEN}"
        elif word in COMMANDS:
            text = cut(line)
            Reader(unit).rest("command_line")
        else:
            word, text, fields = "", UNKNOWN, {}
        self.waiting.append(word)
        yield Note("smtp.command", text, place, fields)
        if word == "STARTTLS":
            self.up.ask(place)
        elif word == "BDAT":
            yield from self.up.leave(place.time_ns)

    def _on_reply(self, sender: Side, unit: Piece) -> core.Outputs:
        place = self.up.turn(sender, unit)
        code, texts = replied(bytes(unit))
        fields: dict[str, Value] = {"code": code}
        first, self.answered = not self.answered, True
        if first and (not self.waiting or (code == 220 and self.waiting[0] != "STARTTLS")):
            Reader(unit).rest("greeting")
            listed(fields, "text", texts)
            yield Note("smtp.greeting", cut(f"{code} {texts[0]}".rstrip()), place, fields)
            yield About(title_of(host_of(texts[0]), self.flow), {"application": "smtp"})
            return
        asked = self.waiting[0] if self.waiting else ""
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        self.secret = asked == "AUTH" and code == 334
        if self.secret:
            yield Note("smtp.reply", f"334 (challenge), {HIDDEN}", place, fields)
            return
        if self.waiting:
            self.waiting.popleft()
        text = f"{code}"
        if asked and asked != "AUTH":
            Reader(unit).rest("reply")
            listed(fields, "text", texts)
            text = cut(f"{code} {texts[0]}".rstrip())
        if asked in HELLOS and code == 250:
            extensions = [line.strip() for line in texts[1:]]
            listed(fields, "extensions", extensions)
            host = host_of(texts[0])
            said = offers("STARTTLS" in (line.upper() for line in extensions))
            text = f"250 {host}, {said}" if host is not None else f"250 {said}"
        yield Note("smtp.reply", text, place, fields)
        if first:
            yield About(None, {"application": "smtp"})
        if asked == "STARTTLS":
            if code == 220:
                yield from self.up.accepted(place)
            else:
                self.up.refused(f"STARTTLS was answered with {text}", [place])
        elif code == 354:
            yield from self.up.leave(place.time_ns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def title_of(host: str | None, flow: core.Flow | None) -> str | None:
    if host is None:
        return f"smtp://{flow.responder}" if flow is not None else None
    return f"smtp://{host}"


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with the greeting of a mail server, or with EHLO; None asks for more bytes."""
    if head[:1].isdigit():
        start = head[:4]
        if not (b"220 ".startswith(start) or b"220-".startswith(start)):
            return False
        greeting = _GREETING.match(head)
        if greeting is None:
            return None if len(head) < 512 and b"\n" not in head else False
        if _SAYS_SO.search(greeting[0]):
            return True
        if _SAYS_FTP.search(greeting[0]):
            return False
        # The codes of file transfer servers start the same: the second reply tells.
        if head[greeting.end() : greeting.end() + 1] and head[3:4] == b" ":
            return None if len(head) < greeting.end() + 4 else _SECOND.match(head, greeting.end() - 1) is not None
        return None
    if head and head[0] not in _LETTERS:
        return False
    start = head[:5].upper()
    if any(word.startswith(start) for word in (b"EHLO ", b"HELO ", b"LHLO ")):
        return True if _CLIENT_START.match(head) else None if len(head) < 512 and b"\n" not in head else False
    return False


PROTOCOL = core.Protocol(
    "smtp",
    "SMTP",
    "RFC 5321",
    ("tcp", "tls"),
    KINDS,
    FINDINGS,
    probe,
    Smtp,
    ports=frozenset({25, 465, 587}),
)
