"""FTP's control connection as far as AUTH TLS: greeting, features, the turn to TLS (RFC 959, RFC 4217).

What logs a client in is never shown.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from analyzer import core
from analyzer.core import About, Note, Piece, Reader, Side, Value
from analyzer.protocols.starttls.messages import Upgrade, cut, decoded, host_of, listed, replied
from analyzer.protocols.starttls.names import HIDDEN, UNKNOWN

MAX_IN_FLIGHT: Final = 100  # commands without an answer that are remembered

KINDS: Final = {
    "ftp.greeting": core.Kind("§5.4", "The server says that it is ready, or not now.", "greeting"),
    "ftp.command": core.Kind("§4.1", "The client asks for something.", "command"),
    "ftp.reply": core.Kind("§4.2", "The server answers: 1xx wait, 2xx done, 3xx go on, 4xx not now, 5xx no.", "reply"),
    "ftp.malformed": core.Kind("§4.2", "Bytes that break FTP: from here on this stream is not read."),
}
REFUSAL: Final = "RFC 4217 4"  # where the protocol says how TLS is refused

#: Commands that are shown with what follows them.
COMMANDS: Final = frozenset(
    (
        *("ABOR", "ALLO", "APPE", "CCC", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT", "HELP", "HOST", "LANG", "LIST"),
        *("MDTM", "MKD", "MLSD", "MLST", "MODE", "NLST", "NOOP", "OPTS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT"),
        *("REIN", "REST", "RETR", "RMD", "RNFR", "RNTO", "SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE"),
    )
)
LOGINS: Final = frozenset(("USER", "PASS", "ACCT", "ADAT"))
#: What AUTH may ask for, RFC 4217 §2 and RFC 2228: the first four mean TLS.
TLS: Final = frozenset(("TLS", "SSL", "TLS-C", "TLS-P"))
OTHER_AUTH: Final = frozenset(("GSSAPI", "KERBEROS_V4"))
CREDENTIALS: Final = "login"  # stands for a command whose answer is not shown

_LETTERS: Final = frozenset(b"AFHPUafhpu")  # that the commands start with that clients begin with
_GREETING: Final = re.compile(rb"220[ -][^\r\n]*\r?\n")
_SAYS_SO: Final = re.compile(rb"FTP", re.IGNORECASE)
_SAYS_MAIL: Final = re.compile(rb"\bE?SMTP\b|\bLMTP\b", re.IGNORECASE)
_SECOND: Final = re.compile(rb"\n(?:331|332|234|334|211|215|230|530|202)[ -]")
_FIRST: Final = re.compile(rb"(?:331|234)[ -]")
_AUTH: Final = re.compile(rb"AUTH (?:TLS|SSL|TLS-[CP])\r?\n", re.IGNORECASE)
_USER: Final = re.compile(rb"(?:USER|AUTH|FEAT|HOST|PBSZ)[ \r\n][^\r\n]*\n?", re.IGNORECASE)
_USER_AND_MORE: Final = re.compile(rb"USER [^\r\n]*\r?\nPASS [^\r\n]*\r?\n(?:SYST|FEAT|PWD|TYPE|PASV|EPSV|CWD|OPTS)")


class Ftp(core.Dissector):
    """One control connection, to the turn to TLS or through the first commands."""

    def __init__(self) -> None:
        self.up = Upgrade("ftp", REFUSAL)
        self.waiting: deque[str] = deque()  # commands without an answer
        self.answered = False

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
        if not line:
            return
        word, _, argument = line.partition(" ")
        word, argument = word.upper(), argument.strip().upper()
        if word not in ("QUIT", "AUTH"):
            yield from self.up.settle(True, place.time_ns)
        if self.up.full() or len(self.waiting) >= MAX_IN_FLIGHT:
            yield from self.up.leave(place.time_ns)
            return
        fields: dict[str, Value] = {"command": word}
        asks = word == "AUTH" and argument in TLS
        if asks or word in COMMANDS or (word == "AUTH" and argument in OTHER_AUTH):
            text = cut(line)
            Reader(unit).rest("command_line")
            self.waiting.append("AUTH TLS" if asks else word)
        elif word in LOGINS or word == "AUTH":
            text = f"{word} {HIDDEN}"
            self.waiting.append(CREDENTIALS)
        else:
            text, fields = UNKNOWN, {}
            self.waiting.append("")
        yield Note("ftp.command", text, place, fields)
        if asks:
            self.up.ask(place)

    def _on_reply(self, sender: Side, unit: Piece) -> core.Outputs:
        place = self.up.turn(sender, unit)
        code, texts = replied(bytes(unit))
        fields: dict[str, Value] = {"code": code}
        if self.up.full():
            yield from self.up.leave(place.time_ns)
            return
        first, self.answered = not self.answered, True
        if first and (not self.waiting or code in (120, 220)):
            Reader(unit).rest("greeting")
            listed(fields, "text", texts)
            yield Note("ftp.greeting", cut(f"{code} {texts[0]}".rstrip()), place, fields)
            host = host_of(texts[0])
            where = host if host is not None else self.flow.responder if self.flow is not None else ""
            yield About(f"ftp://{where}" if where else None, {"application": "ftp"})
            self.answered = code != 120  # 120 says when it will be ready: another follows
            return
        asked = ""
        if self.waiting:
            asked = self.waiting[0] if code < 200 else self.waiting.popleft()  # 1xx is not the last word
        text = f"{code}"
        if asked and asked != CREDENTIALS:
            Reader(unit).rest("reply")
            listed(fields, "text", texts)
            text = cut(f"{code} {texts[0]}".rstrip())
        if asked == "FEAT" and code == 211:
            features = [line.strip() for line in texts[1:-1]]
            said = any(line.upper().startswith("AUTH") and "TLS" in line.upper() for line in features)
            text = f"211 {'offers' if said else 'no'} AUTH TLS"
        yield Note("ftp.reply", text, place, fields)
        if asked == "AUTH TLS":
            if code == 234:
                yield from self.up.accepted(place)
            else:
                self.up.refused(f"AUTH TLS was answered with {text}", [place])

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        return self.up.gap(sender, at)

    def on_end(self, last: Piece) -> core.Outputs:
        return self.up.end(last)


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with the greeting of a file server, or with AUTH TLS; None asks for more bytes."""
    if head[:1].isdigit():
        return probe_server(head)
    if head and head[0] not in _LETTERS:
        return False
    if _AUTH.match(head) or _USER_AND_MORE.match(head):
        return True
    start = head[:5].upper()
    if any(word.startswith(start) for word in (b"USER ", b"AUTH ", b"FEAT\r", b"HOST ", b"PBSZ ")):
        return None if len(head) < 6 or _USER.match(head) else False  # mail is collected with USER too
    return False


def probe_server(head: bytes) -> bool | None:
    start = head[:4]
    if any(code.startswith(start[:3]) for code in (b"331", b"234")):  # inside TLS the client speaks first
        return None if len(start) < 4 else _FIRST.match(head) is not None
    if not (b"220 ".startswith(start) or b"220-".startswith(start)):
        return False
    greeting = _GREETING.match(head)
    if greeting is None:
        return None if len(head) < 512 and b"\n" not in head else False
    if _SAYS_MAIL.search(greeting[0]):
        return False
    if _SAYS_SO.search(greeting[0]):
        return True
    # Mail servers greet by the same code: the second reply tells.
    if head[3:4] == b" " and len(head) > greeting.end():
        return None if len(head) < greeting.end() + 4 else _SECOND.match(head, greeting.end() - 1) is not None
    return None


PROTOCOL = core.Protocol(
    "ftp",
    "FTP",
    "RFC 959",
    ("tcp", "tls"),
    KINDS,
    {},
    probe,
    Ftp,
    ports=frozenset({21, 990}),
)
