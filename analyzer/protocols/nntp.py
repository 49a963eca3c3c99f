"""NNTP as far as STARTTLS: greeting, capabilities, the turn to TLS (RFC 3977, RFC 4642).

What logs a client in is never shown; once articles are asked for, nothing more is read.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, host_of, listed, offers
from analyzer.protocols.starttls.names import HIDDEN, MECHANISMS, UNKNOWN

MAX_IN_FLIGHT: Final = 100  # commands without an answer that are remembered

KINDS: Final = {
    "nntp.greeting": core.Kind("§5.1", "The server says that it is there, and whether it takes articles.", "greeting"),
    "nntp.command": core.Kind("§3.1", "The client asks for something.", "command"),
    "nntp.reply": core.Kind("§3.2", "The server answers: 2xx done, 3xx go on, 4xx not now, 5xx no.", "reply"),
    "nntp.malformed": core.Kind("§3.1", "Bytes that break NNTP: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 4642 2.2"  # where the protocol says how TLS is refused

#: Commands before those that are about news; behind any other, TLS is not to be expected.
COMMANDS: Final = frozenset(("CAPABILITIES", "MODE", "STARTTLS", "QUIT", "DATE", "HELP"))
LOGIN: Final = "AUTHINFO"
NEWS: Final = frozenset(
    (
        *("ARTICLE", "BODY", "CHECK", "GROUP", "HDR", "HEAD", "IHAVE", "LAST", "LIST", "LISTGROUP", "NEWGROUPS"),
        *("NEWNEWS", "NEXT", "OVER", "POST", "STAT", "TAKETHIS", "XHDR", "XOVER"),
    )
)
HELP: Final = 100
CAPABILITIES: Final = 101
CHALLENGE: Final = 383
BEGIN_TLS: Final = 382

_LETTERS: Final = frozenset(b"ACMSacms")  # that the commands start with that clients begin with
_GREETING: Final = re.compile(rb"20[01] [^\r\n]*\r?\n")
_SAYS_SO: Final = re.compile(rb"NNTP|NNRP|InterNetNews|Leafnode|Usenet|newsreader", re.IGNORECASE)
_CLIENT_START: Final = re.compile(rb"(?:CAPABILITIES|MODE READER|STARTTLS|AUTHINFO USER [^\r\n]*)\r?\n", re.IGNORECASE)
_STARTS: Final = (b"CAPABILITIES\r\n", b"MODE READER\r\n", b"STARTTLS\r\n", b"AUTHINFO USER ")


class Nntp(core.Dissector):
    """One connection, to the turn to TLS or the first command about news."""

    def __init__(self) -> None:
        self.up = Upgrade("nntp", REFUSAL)
        self.waiting: deque[str] = deque()  # commands without an answer
        self.answered = False
        self.secret = False  # what the client sends answers a challenge

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        up = self.up
        held = up.held(sender, head)
        if held != 0:
            return held
        if up.client is None:
            up.client = sender.other if head[:1].isdigit() else sender
        if sender is up.client:
            return up.line(sender, head)
        if len(head) < 3:
            return None
        if not head[:3].isdigit():
            raise Malformed("not a reply: no three digits (§3.2)")
        return up.block(sender, head) if int(head[:3]) in (HELP, CAPABILITIES) else up.line(sender, head)

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
        if word == LOGIN:
            words = line.upper().split()
            sasl = len(words) > 2 and words[1] == "SASL" and words[2] in MECHANISMS
            text = f"AUTHINFO SASL {words[2]} {HIDDEN}" if sasl else f"AUTHINFO {HIDDEN}"
        elif word in COMMANDS or word in NEWS:
            text = cut(line)
            Reader(unit).rest("command_line")
        else:
            word, text, fields = "", UNKNOWN, {}
        self.waiting.append(word)
        yield Note("nntp.command", text, place, fields)
        if word == "STARTTLS":
            self.up.ask(place)
        elif word in NEWS:
            yield from self.up.leave(place.time_ns)

    def _on_reply(self, sender: Side, unit: Piece) -> core.Outputs:
        place = self.up.turn(sender, unit)
        lines = [decoded(line).strip() for line in bytes(unit).rstrip(b"\r\n").split(b"\n")]
        code = int(lines[0][:3])
        fields: dict[str, Value] = {"code": code}
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        first, self.answered = not self.answered, True
        if first and not self.waiting:
            Reader(unit).rest("greeting")
            yield Note("nntp.greeting", cut(lines[0]), place, fields)
            host = host_of(lines[0][4:])
            where = host if host is not None else self.flow.responder if self.flow is not None else ""
            yield About(f"nntp://{where}" if where else None, {"application": "nntp"})
            return
        asked = self.waiting.popleft() if self.waiting else ""
        text = f"{code}"
        self.secret = asked == LOGIN and code == CHALLENGE
        if self.secret:
            self.waiting.appendleft(asked)
            text = f"{code} (challenge), {HIDDEN}"
        elif asked == "CAPABILITIES" and code == CAPABILITIES:
            Reader(unit).rest("reply")
            capabilities = [line for line in lines[1:] if line != "."]
            listed(fields, "capabilities", capabilities)
            text = f"{code} {offers('STARTTLS' in (line.upper() for line in capabilities))}"
        elif asked and asked != LOGIN:
            Reader(unit).rest("reply")
            text = cut(lines[0])
        yield Note("nntp.reply", text, place, fields)
        if asked == "STARTTLS":
            if code == BEGIN_TLS:
                yield from self.up.accepted(place)
            else:
                self.up.refused(f"STARTTLS was answered with {text}", [place])

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with the greeting of a news server, or a client's command; None asks for more."""
    if head[:1].isdigit():
        if not any(code.startswith(head[:4]) for code in (b"200 ", b"201 ")):
            return False
        if _GREETING.match(head):
            return True if _SAYS_SO.search(head.partition(b"\n")[0]) else None
        return None if len(head) < 512 and b"\n" not in head else False
    if head and head[0] not in _LETTERS:
        return False
    start = head[:14].upper()
    if _CLIENT_START.match(head):
        return True
    if any(one.startswith(start[: len(one)]) for one in _STARTS):
        return None if len(head) < 512 and b"\n" not in head else False
    return False


PROTOCOL = core.Protocol(
    "nntp",
    "NNTP",
    "RFC 3977",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Nntp,
    ports=frozenset({119, 433, 563}),
)
