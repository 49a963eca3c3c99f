"""SIP: requests and responses that set calls up, and the descriptions in them (RFC 3261).

Over UDP a datagram is a message, in a WebSocket each of its messages (RFC 7118 §5), over TCP and TLS the Content-Length
says where it ends (§18.3).  Bodies that describe media go inwards, with what they are by the rules of offer and answer
(RFC 3264, RFC 6337 §2).  Credentials stay out.
"""

from __future__ import annotations

import re
from typing import Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Outcome, Pass, Phase, Piece, Reader, Side, Value, Word

MAX_HEAD_BYTES: Final = 65536
MAX_BODY_BYTES: Final = 1 << 18
MAX_CALLS: Final = 1000  # of one flow that are remembered
MAX_SHOWN: Final = 256  # characters of a header field
HEAD_END: Final = b"\r\n\r\n"
KEEP_ALIVE: Final = b"\r\n"  # RFC 5626 §3.5.1
CHALLENGES: Final = (401, 407)  # the request comes again, with credentials

KINDS: Final = {
    "sip.request": core.Kind("§7.1", "One side asks for something: a call, a registration, an end.", "request"),
    "sip.response": core.Kind("§7.2", "1xx: it goes on; 2xx: done; 3xx: elsewhere; 4xx to 6xx: no.", "response"),
    "sip.malformed": core.Kind("§7", "Bytes that break SIP."),
}

#: §6, §7.1 and later ones.
METHODS: Final[dict[str, tuple[str, str]]] = {
    "INVITE": ("Begins a call, or changes it; its body offers media, or leaves that to the answer.", "RFC 3261 13"),
    "ACK": ("Says that the final answer to an INVITE came.", "RFC 3261 17.1.1.3"),
    "BYE": ("Ends a call.", "RFC 3261 15"),
    "CANCEL": ("Takes a request back that has no final answer yet.", "RFC 3261 9"),
    "REGISTER": ("Tells a registrar where a user can be reached.", "RFC 3261 10"),
    "OPTIONS": ("Asks what the other side can do; often only to see whether it is there.", "RFC 3261 11"),
    "PRACK": ("Says that a provisional answer came.", "RFC 3262 4"),
    "UPDATE": ("Changes media before the call is answered.", "RFC 3311 5"),
    "SUBSCRIBE": ("Asks to be told of events.", "RFC 6665 4.1"),
    "NOTIFY": ("Tells of an event.", "RFC 6665 4.2"),
    "INFO": ("Something of the application inside a call, such as a key that was pressed.", "RFC 6086 4"),
    "REFER": ("Asks the other side to call somebody: a transfer.", "RFC 3515 2"),
    "MESSAGE": ("A text message.", "RFC 3428 4"),
    "PUBLISH": ("Publishes the state of something.", "RFC 3903 4"),
}
#: §7.3.3, §20.
COMPACT: Final[dict[str, str]] = {
    "i": "call-id",
    "f": "from",
    "t": "to",
    "v": "via",
    "c": "content-type",
    "l": "content-length",
    "m": "contact",
}
#: Header fields that a note has.
SHOWN: Final = ("call-id", "from", "to", "contact", "user-agent", "server", "content-type", "reason", "warning")
WORDS: Final[dict[str, Word]] = {
    f"SIP {name}": Word(f"SIP {name}", said, spec) for name, (said, spec) in METHODS.items()
}
STARTS: Final = frozenset(ord(name[0]) for name in METHODS) | {ord("S")}

_REQUEST: Final = re.compile(rb"([A-Z]{3,20}) ([!-~]{1,2048}) SIP/2\.0\r\n")
_RESPONSE: Final = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2}) ([^\r\n]{0,256})\r\n")
_LENGTH: Final = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+([A-Z]{3,20})\Z")


class Dialog:
    """What is known of one INVITE: by Call-ID and number."""

    __slots__ = ("offered", "over", "start_ns")

    def __init__(self, start_ns: int, *, offered: bool) -> None:
        self.start_ns = start_ns
        self.offered = offered  # its body had the offer; else the answer has it
        self.over = False


class Sip(core.Dissector):
    """One flow: a phone and its server, or two servers with the calls of many."""

    def __init__(self) -> None:
        self.dialogs: dict[tuple[str, str], Dialog] = {}
        self.counts: dict[str, int] = {}
        self.seen: set[int] = set()  # messages by the hash of what they don't share with others
        self.titled = False
        self.told = False  # the phase of the first call

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if head[:2] == KEEP_ALIVE:
            return 2
        end = head.find(HEAD_END, 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(head) >= MAX_HEAD_BYTES:
                raise Malformed(f"a head of more than {MAX_HEAD_BYTES} bytes")
            return None
        found = _LENGTH.search(head, 0, end + 2)
        size = int(found[1]) if found is not None else 0
        if size > MAX_BODY_BYTES:
            raise Malformed(f"a body of {size} bytes, at most {MAX_BODY_BYTES} are read")
        return end + len(HEAD_END) + size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        data = bytes(unit)
        if not data.strip(b"\r\n\0"):  # keeps a NAT's mapping alive
            return
        end = data.find(HEAD_END, 0, MAX_HEAD_BYTES)
        request, response = _REQUEST.match(data), _RESPONSE.match(data)
        if end < 0 or (request is None and response is None):
            raise Malformed("no start line of SIP, or a head that does not end (§7)")
        Reader(unit).raw("head", end + len(HEAD_END))
        headers = headers_of(data[:end].decode("utf-8", "backslashreplace"))
        number, method = sequence_of(headers.get("cseq", ""))
        fields: dict[str, Value] = {}
        if request is not None:
            method = request[1].decode()
            uri = request[2].decode()
            fields |= {"method": method, "request_uri": uri[:MAX_SHOWN]}
            text, kind, what = f"{method} {uri[:MAX_SHOWN]}", "sip.request", method
        else:
            assert response is not None
            status, reason = int(response[1]), response[2].decode("utf-8", "backslashreplace").strip()
            fields |= {"status": status, "reason_phrase": reason}
            text, kind, what = f"{status} {reason}{f' ({method})' if method else ''}", "sip.response", str(status)
        call = headers.get("call-id", "")[:MAX_SHOWN]
        for name in SHOWN:
            if name in headers:
                fields[name.replace("-", "_")] = headers[name][:MAX_SHOWN]
        if number:
            fields["cseq"] = f"{number} {method}"
        again = self._again((text, call, f"{number} {headers.get('via', '')[:MAX_SHOWN]}"))
        if again:
            fields["retransmission"] = True
            text += ", sent again"
        body = unit.cut(end + len(HEAD_END), len(unit))
        if len(body):
            fields["body_bytes"] = len(body)
        yield Note(kind, text, unit, fields)
        yield from self._about(what, fields, again=again)
        described = "sdp" in headers.get("content-type", "").lower() or "multipart" in headers.get("content-type", "")
        described = described and len(body) > 0
        role = self._role(request is not None, method, (call, number), unit.time_ns, described=described)
        if response is not None and method == "INVITE":
            yield from self._answered(int(response[1]), (call, number), unit)
        if described:
            yield Pass("sip", body, stream=False, context=(role, call))

    def _again(self, key: tuple[str, str, str]) -> bool:
        """Whether the same message came before: UDP gives no answer, so it is sent until there is one.  §17.1.1.2"""
        known = hash(key)
        if known in self.seen:
            return True
        if len(self.seen) < MAX_CALLS:
            self.seen.add(known)
        return False

    def _role(self, asks: bool, method: str, key: tuple[str, str], now: int, *, described: bool) -> str:
        """Offer or answer, by what came before it.  RFC 6337 §2"""
        dialog = self.dialogs.get(key)
        if asks and method == "INVITE" and dialog is None and len(self.dialogs) < MAX_CALLS:
            self.dialogs[key] = Dialog(now, offered=described)
        if asks:
            return "answer" if method == "ACK" else "offer"
        if method in ("INVITE", "ACK") and dialog is not None and not dialog.offered:
            return "offer"
        return "answer"

    def _answered(self, status: int, key: tuple[str, str], unit: Piece) -> core.Outputs:
        """The phase of the first call of this flow."""
        dialog = self.dialogs.get(key)
        if dialog is None or dialog.over or status < 200 or status in CHALLENGES:
            return
        dialog.over = True
        if not self.told:
            self.told = True
            outcome = Outcome.ESTABLISHED if status < 300 else Outcome.FAILED
            yield Phase("invite", dialog.start_ns, unit.time_ns, outcome, 1)

    def _about(self, what: str, fields: dict[str, Value], *, again: bool) -> core.Outputs:
        if not again and (what in self.counts or len(self.counts) < MAX_CALLS):
            self.counts[what] = self.counts.get(what, 0) + 1
        title = None
        if not self.titled:
            self.titled = True
            asked = f"{fields['method']} {fields['request_uri']}" if "method" in fields else f"{what} of a call"
            title = f"SIP, {asked}"
        yield About(title, {"sip": dict(self.counts)})


def headers_of(head: str) -> dict[str, str]:
    """The first of each header field, by its full name in lower case.  §7.3.1"""
    found: dict[str, str] = {}
    unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ")
    for line in unfolded.split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            found.setdefault(COMPACT.get(name, name), value.strip())
    return found


def sequence_of(value: str) -> tuple[str, str]:
    """Number and method of a CSeq; empty where it breaks the grammar.  §20.16"""
    found = _CSEQ.match(value)
    return (found[1], found[2]) if found is not None else ("", "")


def probe(head: bytes) -> bool | None:
    """Tell whether bytes begin with a start line of SIP."""
    line, newline, _ = head[:4096].partition(b"\n")
    if newline:
        line += newline
        return _REQUEST.match(line) is not None or _RESPONSE.match(line) is not None
    if len(head) >= 4096:
        return False
    if head[:8] == b"SIP/2.0 "[: len(head)]:
        return None
    word, space, _ = head.partition(b" ")
    if space:
        return None if word.decode("latin-1") in METHODS else False
    return None if any(name.startswith(word.decode("latin-1")) for name in METHODS) else False


PROTOCOL = core.Protocol(
    "sip",
    "SIP",
    "RFC 3261",
    ("udp", "tcp", "tls", "websocket:sip"),
    KINDS,
    {},
    probe,
    Sip,
    ports=frozenset({5060, 5061}),
    words=WORDS,
    starts=STARTS,
)
