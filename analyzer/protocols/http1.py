"""HTTP/1.x message heads: requests, responses, what follows them (RFC 9112, RFC 9110).

Bodies are counted and streamed past; those that may signal something are given inwards.  After 101 the stream belongs
to the protocol that the Upgrade field names, after a 2xx to CONNECT to whatever the tunnel carries.
"""

from __future__ import annotations

import re
from collections import deque
from http import HTTPStatus
from typing import ClassVar, Final

from analyzer import core
from analyzer.core import (
    Body,
    Finding,
    Handoff,
    Malformed,
    Note,
    Outcome,
    Pass,
    Phase,
    Piece,
    Reader,
    Severity,
    Side,
    Value,
    joined,
)
from analyzer.protocols.http.names import CODINGS, MAX_BODY_BYTES, inward_label, unpacked

MAX_HEAD_BYTES: Final = 65536
MAX_CHUNK_LINE_BYTES: Final = 4096
MAX_IN_FLIGHT: Final = 1000  # requests without an answer that are remembered
MAX_VALUE_CHARACTERS: Final = 4096  # of a field value in a note

KINDS: Final = {
    "http.request": core.Kind("§3", "The client asks for something; a body may follow.", "request"),
    "http.response": core.Kind(
        "§4", "The server answers; the status says how it went, and a body may follow.", "response"
    ),
    "proxy.connect": core.Kind(
        "RFC 9110 9.3.6", "The client asks a proxy for a tunnel: after a 2xx, what it carries is no HTTP.", "CONNECT"
    ),
    "http.malformed": core.Kind("§2.2", "Bytes that break HTTP/1.1: from here on this stream is not read."),
}
FINDINGS: Final = {
    "http.proxy-connect-refused": core.FindingKind(
        Severity.ERROR,
        "The proxy refused to open a tunnel",
        "RFC 9110 9.3.6",
        cause="The proxy's policy does not allow this target or port, it wants a login (407), or it could not reach "
        "the target (502, 504).",
        advice="The status and its reason say which; try the target without the proxy, and look at the proxy's log.",
    ),
    "tls.not-tls": core.FindingKind(
        Severity.ERROR,
        "A request in clear was met with silence: the server may expect TLS",
        "§9.8; RFC 9110 4.2.2",
        cause="The port is for https (or another protocol over TLS), and the client spoke http to it; less likely the "
        "server crashed, or refuses this client.",
        advice="Try the same address with https://; the server's log tells of a bad ClientHello, or of a crash.",
    ),
    "http.bad-request": core.FindingKind(
        Severity.NOTICE,
        "The server could not make sense of a request",
        "RFC 9110 15.5.1",
        cause="The request breaks the syntax the server accepts, speaks another protocol (TLS to a plain port, say), "
        "or is too large.",
        advice="Compare the request with one that works; bytes before the request line and the Host field come first.",
    ),
}

#: What the first digit of a status says, RFC 9110 §15.
CLASSES: Final = ("", "Informational", "Successful", "Redirection", "Client error", "Server error")
WORDS: Final = {
    str(status.value): core.Word(
        f"{status.value} {status.phrase}",
        f"{CLASSES[status.value // 100]}: {(status.description or status.phrase).rstrip('.')}.",
        f"RFC 9110 15.{status.value // 100 + 1}",
    )
    for status in HTTPStatus
}

#: Field lines whose values stand in the notes, in snake_case.
FIELDS: Final = {
    name: name.replace("-", "_")
    for name in (
        "accept",
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "http2-settings",
        "location",
        "origin",
        "proxy-authenticate",
        "referer",
        "retry-after",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "server",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "www-authenticate",
        "x-forwarded-for",
    )
}
#: Field lines that are secrets: no view shows what they say.
SECRETS: Final = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie"})
#: Methods that may be recognised from their first bytes alone, before the request line is complete.
METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL"),
    *("COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MERGE", "CHECKOUT", "M-SEARCH", "NOTIFY", "SUBSCRIBE"),
)

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] +([1-9][0-9]{2})(?: +(.*))?\Z", re.DOTALL)
_VERSION: Final = re.compile(rb"HTTP/1\.[0-9]\Z")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
_LENGTH: Final = re.compile(r"[0-9]{1,18}\Z")
_STARTS: Final = tuple(f"{method} ".encode() for method in METHODS)

STATUS_START: Final = b"HTTP/1."

# What comes next from a sender.
HEAD: Final = 0
CHUNK: Final = 1  # a line with the size of a chunk
TRAILERS: Final = 2


class Asked:
    """A request that waits for its answer."""

    __slots__ = ("lead", "method", "place", "target", "upgrade")

    def __init__(self, method: str, target: str, upgrade: str, place: core.Place) -> None:
        self.method = method
        self.target = target
        self.upgrade = upgrade
        self.place = place
        self.lead: core.Lead | None = None  # where the room that is asked for tells of it


class Arriving:
    """A body on its way."""

    __slots__ = ("bytes", "coding", "fields", "label", "parts")

    def __init__(self, fields: dict[str, Value], label: str, coding: str) -> None:
        self.fields = fields  # of its message
        self.bytes = 0
        self.label = label  # for the room inside, "" if it is only counted
        self.coding = coding
        self.parts: list[Piece] = []


class Http(core.Dissector):
    """One connection: requests and their responses in order."""

    wants_sums: ClassVar[bool] = True

    def __init__(self) -> None:
        self.client: Side | None = None  # whoever sends the first request; where the capture starts late, either may
        self.expect = [HEAD, HEAD]
        self.scanned = [0, 0]  # how far the end of the head was looked for
        self.asked: deque[Asked] = deque()
        self.overflow = 0  # requests beyond MAX_IN_FLIGHT
        self.switching = 0  # requests in flight that may end HTTP on this connection
        self.bodies: list[Arriving | None] = [None, None]
        self.first_asked: core.Place | None = None
        self.answered = False
        self.titled = False

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        expected = self.expect[sender]
        if expected == CHUNK:
            return self._line_size(head, 2 if head[:2] == b"\r\n" else 1 if head[:1] == b"\n" else 0)
        if expected == TRAILERS:
            return self._line_size(head, 0)
        if self.switching and sender is self.client:
            return None  # what follows may not be HTTP any more: wait for the answer
        if head[:1] in b"\r\n":  # §2.2: empty lines before a request line are ignored
            return 2 if head[:2] == b"\r\n" else 1 if head[:1] == b"\n" else None
        return self._head_size(sender, head)

    def _line_size(self, head: bytes | bytearray, start: int) -> int | None:
        end = head.find(b"\n", start, MAX_CHUNK_LINE_BYTES)
        if end < 0:
            if len(head) >= MAX_CHUNK_LINE_BYTES:
                raise Malformed(f"a line of more than {MAX_CHUNK_LINE_BYTES} bytes in a chunked body (§7.1)")
            return None
        return end + 1

    def _head_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        """Through the empty line; lines may end in a bare LF (§2.2)."""
        scanned = self.scanned[sender]
        if self.client is None:
            if len(head) < len(STATUS_START) and STATUS_START.startswith(head):
                return None
            self.client = sender.other if head.startswith(STATUS_START) else sender
        if scanned < 32 and not plausible_start(bytes(head[:32]), sender is self.client):
            raise Malformed("neither a request line nor a status line (§3, §4)")
        start = max(scanned - 3, 0)
        bare, full = head.find(b"\n\n", start), head.find(b"\n\r\n", start)
        if bare >= 0 and (full < 0 or bare < full):
            size = bare + 2
        elif full >= 0:
            size = full + 3
        else:
            self.scanned[sender] = len(head)
            if len(head) > MAX_HEAD_BYTES:
                raise Malformed(f"a head of more than {MAX_HEAD_BYTES} bytes")
            return None
        if size > MAX_HEAD_BYTES:
            raise Malformed(f"a head of more than {MAX_HEAD_BYTES} bytes")
        self.scanned[sender] = 0
        return size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        expected = self.expect[sender]
        if expected == CHUNK:
            return self._on_chunk_line(sender, unit)
        if expected == TRAILERS:
            return self._on_trailer(sender, unit)
        if unit.data[unit.start] in b"\r\n":
            return ()
        return self._on_request(sender, unit) if sender is self.client else self._on_response(sender, unit)

    # --- heads ---

    def _on_request(self, sender: Side, unit: Piece) -> core.Outputs:
        line, lines = read_head(unit, "request_line")
        method_bytes, _, rest = line.partition(b" ")
        target_bytes, _, version = rest.rpartition(b" ")
        if not _TOKEN.match(method_bytes) or not _VERSION.match(version) or not target_bytes:
            raise Malformed(f"not a request line: {shown(line)} (§3)")
        method, target = method_bytes.decode("ascii"), decoded(target_bytes.strip())
        fields: dict[str, Value] = {"method": method, "target": target, "version": version.decode("ascii")}
        add_fields(fields, lines)
        fields["host"] = lines.get("host")
        upgrade = upgrade_of(lines)
        place = unit.place
        asked = Asked(method, target, upgrade, place)
        if len(self.asked) >= MAX_IN_FLIGHT:
            self.overflow += 1
        else:
            self.asked.append(asked)
            if upgrade or method == "CONNECT":
                self.switching += 1
        if self.first_asked is None:
            self.first_asked = place
        wanted = upgrade or protocol_of(lines)
        if wanted:
            exchange = core.Exchange(method, target, fields["version"], lines, place, sender, self.secure)
            lead = core.Lead(f"upgrade:{wanted}", exchange)
            yield lead
            if lead.told:
                asked.lead = lead
                self.titled = True
        if asked.lead is None:
            text = f"{method} {shown_target(target)}"
            kind = "proxy.connect" if method == "CONNECT" else "http.request"
            yield Note(kind, f"{text} (upgrade to {upgrade})" if upgrade else text, place, fields)
        if not self.titled:
            self.titled = True
            yield core.About(title_of(method, target, lines.get("host"), self.secure), about_request(fields))
        body = body_size(lines, None, None)
        if body is not None:
            yield from self._begin_body(sender, body, fields, lines)

    def _on_response(self, sender: Side, unit: Piece) -> core.Outputs:
        line, lines = read_head(unit, "status_line")
        match = _STATUS_LINE.match(line)
        if match is None:
            raise Malformed(f"not a status line: {shown(line)} (§4)")
        status, reason = int(match[1]), decoded((match[2] or b"").strip())
        place = unit.place
        fields: dict[str, Value] = {"version": line[:8].decode("ascii"), "status": status, "reason": reason}
        add_fields(fields, lines)
        upgrade = upgrade_of(lines)
        asked = self._answered_by(status)
        if asked is not None:
            fields["request_method"] = asked.method
        interim = status < 200 and status != 101
        lead = asked.lead if asked is not None and not interim else None
        if lead is None:
            yield Note("http.response", response_text(status, reason, lines), place, fields)
        else:
            exchange = lead.exchange
            exchange.status, exchange.reason, exchange.response, exchange.answered = status, reason, lines, place
            yield lead
        if interim:
            return
        method = asked.method if asked is not None else None
        if lead is not None:
            self.answered = True
        elif not self.answered:
            self.answered = True
            yield from self._first_answer(status, method, place, fields)
        if method == "CONNECT" and not 200 <= status < 300 and asked is not None:
            text = f"CONNECT {shown_target(asked.target)} was answered with {status} {reason}".rstrip()
            yield Finding("http.proxy-connect-refused", text, [asked.place, place])
        elif status == 400:
            text = f"{asked.method} {shown_target(asked.target)}" if asked is not None else "a request"
            places = [place] if asked is None else [asked.place, place]
            yield Finding("http.bad-request", f"{text} was answered with 400 {reason}".rstrip(), places)
        if status == 101:
            name = upgrade or (asked.upgrade if asked is not None else "")
            yield Handoff(f"upgrade:{name}" if name else "upgrade:unnamed", None if lead is None else lead.exchange)
        elif method == "CONNECT" and 200 <= status < 300:
            yield Handoff("tcp")  # the tunnel carries what a connection of its own would
        else:
            body = body_size(lines, status, method)
            if body is not None:
                yield from self._begin_body(sender, body, fields, lines)

    def _answered_by(self, status: int) -> Asked | None:
        """The request that a response of this status answers; it waits on if the status is interim (§9.2)."""
        if not self.asked:
            return None
        asked = self.asked[0]
        if status >= 200 or status == 101:
            self.asked.popleft()
            if asked.upgrade or asked.method == "CONNECT":
                self.switching -= 1
        return asked

    def _first_answer(
        self, status: int, method: str | None, place: core.Place, fields: dict[str, Value]
    ) -> core.Outputs:
        facts: dict[str, Value] = {"status": status}
        if "server" in fields:
            facts["server"] = fields["server"]
        if not self.titled:
            facts["http_version"] = fields["version"]
        yield core.About(None, facts)
        if self.first_asked is None:
            yield Phase("http", place.time_ns, place.time_ns, Outcome.PARTIAL)
            return
        refused = method == "CONNECT" and not 200 <= status < 300
        name = "proxy" if method == "CONNECT" else "upgrade" if status == 101 else "http"
        outcome = Outcome.FAILED if refused else Outcome.ESTABLISHED
        yield Phase(name, self.first_asked.time_ns, place.time_ns, outcome, 1)

    def on_end(self, last: Piece) -> core.Outputs:
        if self.first_asked is not None and not self.answered:
            name = "upgrade" if self.asked and self.asked[0].lead is not None else "http"
            yield Phase(name, self.first_asked.time_ns, last.time_ns, Outcome.UNANSWERED)

    def on_over(self, flow: core.Flow) -> core.Outputs:
        if self.first_asked is not None and not self.answered:
            yield from self._closed_silently(flow, self.first_asked)

    def _closed_silently(self, flow: core.Flow, asked: core.Place) -> core.Outputs:
        """The server ended the connection and had not sent a byte: what a port does that waits for a ClientHello."""
        tcp, client = flow.tcp, self.client
        if tcp is None or client is None or tcp.end is None or self.secure:
            return
        first = next((letter for letter in tcp.history if letter in "FfRr"), "")
        by_server = first.islower() is (client is Side.INITIATOR)
        if by_server and not tcp.payload_bytes[client.other] and all(flow.packets):
            waited = max(flow.last_ns - asked.time_ns, 0)
            yield Finding(
                "tls.not-tls",
                f"The client spoke HTTP in clear; the server closed the connection without a byte, "
                f"{waited / 1e6:.3g} ms later.",
                asked,
                limits="That the server expects TLS is concluded from its silence alone.",
            )

    # --- bodies ---

    def _begin_body(self, sender: Side, size: int, fields: dict[str, Value], lines: dict[str, str]) -> core.Outputs:
        coding = lines.get("content-encoding", "").strip().lower()
        label = inward_label(lines) if coding in CODINGS and size <= MAX_BODY_BYTES else ""
        arriving = self.bodies[sender] = Arriving(fields, label, coding)
        if size == CHUNKED:
            self.expect[sender] = CHUNK
        elif size:
            if size > 0:
                fields["body_bytes"] = size
            yield self._next(arriving, size)
        else:
            fields["body_bytes"] = 0

    def _next(self, arriving: Arriving, size: int) -> Body:
        """What comes next of a body; it is held as long as all of it can be."""
        arriving.bytes += max(size, 0)
        if arriving.bytes > MAX_BODY_BYTES:
            arriving.label = ""
            arriving.parts = []
        return Body(size, 0 if not arriving.label else MAX_BODY_BYTES if size < 0 else size)

    def on_body(self, sender: Side, body: Piece) -> core.Outputs:
        arriving = self.bodies[sender]
        if arriving is None:
            return ()
        if arriving.label and body.stop > body.start:
            arriving.parts.append(body)
        if self.expect[sender] == CHUNK:
            return ()
        self.bodies[sender] = None
        return self._inwards(arriving)

    def _inwards(self, arriving: Arriving) -> core.Outputs:
        """A whole body, for the room that reads its kind."""
        if not arriving.label or not arriving.parts:
            return
        body = joined(arriving.parts)
        if arriving.coding not in ("", "identity"):
            plain = unpacked(bytes(body))
            if plain is None:
                return
            body = Piece(plain, [], 0, len(plain), 0, body.place)
        yield Pass(arriving.label, body, stream=False)

    def _on_chunk_line(self, sender: Side, unit: Piece) -> core.Outputs:
        """§7.1: the size of a chunk, with the CRLF that ends the chunk before it."""
        line = Reader(unit).rest("chunk_line").strip()
        size_bytes = line.partition(b";")[0].rstrip()
        if not _CHUNK_SIZE.match(size_bytes):
            raise Malformed(f"not the size of a chunk: {shown(line)} (§7.1)")
        size = int(size_bytes, 16)
        arriving = self.bodies[sender]
        if arriving is None:
            raise Malformed("a chunk of no body (§7.1)")
        if size == 0:
            self.expect[sender] = TRAILERS
            arriving.fields["body_bytes"] = arriving.bytes
            yield from self._inwards(arriving)
        else:
            yield self._next(arriving, size)

    def _on_trailer(self, sender: Side, unit: Piece) -> core.Outputs:
        if not Reader(unit).rest("trailer_field").strip():
            self.expect[sender] = HEAD
            self.bodies[sender] = None
        return ()


# --- reading heads ----------------------------------------------------------------------------------------------------

CHUNKED: Final = -2  # as a body's size


def read_head(unit: Piece, name: str) -> tuple[bytes, dict[str, str]]:
    """The first line, and the field lines by lower-case name: repeated or folded ones in one value (§5.2)."""
    reader = Reader(unit)
    data, start, stop = unit.data, unit.start, unit.stop
    end = data.find(b"\n", start, stop) + 1
    first = reader.raw(name, (end or stop) - start).rstrip(b"\r\n")
    fields: dict[str, str] = {}
    last = ""
    for _ in reader.each("field_line"):
        at = unit.start + reader.at
        end = data.find(b"\n", at, stop) + 1
        line = bytes(data[at : end or stop])
        if line.partition(b":")[0].strip().lower() in SECRETS:
            reader.skip("field_line", len(line))
        else:
            reader.raw("field_line", len(line))
        line = line.rstrip(b"\r\n")
        if not line:
            break
        if line[0] in b" \t":
            if last:
                fields[last] = f"{fields[last]} {decoded(line.strip())}".strip()
            continue
        key, colon, value = line.partition(b":")
        if not colon:
            continue  # seen from real servers; the rest of the head still counts
        last = decoded(key.strip()).lower()
        text = decoded(value.strip())
        fields[last] = f"{fields[last]}, {text}" if last in fields else text
    return first, fields


def decoded(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def shown(line: bytes) -> str:
    return repr(decoded(line[:60]))


def shown_target(target: str) -> str:
    return target if len(target) <= 80 else f"{target[:77]}..."


def add_fields(fields: dict[str, Value], lines: dict[str, str]) -> None:
    for name, value in lines.items():
        key = FIELDS.get(name)
        if key is not None:
            fields[key] = value[:MAX_VALUE_CHARACTERS]
    length = lines.get("content-length", "")
    if _LENGTH.match(length):
        fields["content_length"] = int(length)


def upgrade_of(lines: dict[str, str]) -> str:
    """The protocol that Upgrade names first, in lower case; it counts only if Connection lists it (RFC 9110 7.8)."""
    if "upgrade" not in lines or "upgrade" not in lines.get("connection", "").lower():
        return ""
    return lines["upgrade"].partition(",")[0].strip().lower()


def protocol_of(lines: dict[str, str]) -> str:
    """The protocol whose version a field tells ("Sec-WebSocket-Version"), where Upgrade or Connection is lost."""
    for name in lines:
        if name.startswith("sec-") and name.endswith("-version") and len(name) > 12:
            return name[4:-8]
    return ""


def body_size(lines: dict[str, str], status: int | None, method: str | None) -> int | None:
    """How many bytes of body follow a head (§6.3): CHUNKED, -1 for all until the end, None where there can be none.

    `status` is None for a request; `method` is that of the request that a response answers.
    """
    if status is not None and (method == "HEAD" or status < 200 or status in (204, 304)):
        return None
    codings = lines.get("transfer-encoding")
    if codings is not None:
        if codings.rpartition(",")[2].strip().lower() == "chunked":
            return CHUNKED
        if status is None:
            raise Malformed("the request's last transfer coding is not chunked, so its length is unknown (§6.3)")
        return -1
    length = lines.get("content-length")
    if length is not None:
        values = {part.strip() for part in length.split(",")}  # §6.3: the same number more than once is that number
        value = values.pop()
        if values or not _LENGTH.match(value):
            raise Malformed(f"Content-Length {length[:40]!r} is no length (§6.3)")
        return int(value)
    return 0 if status is None else -1


def response_text(status: int, reason: str, lines: dict[str, str]) -> str:
    parts = [f"{status} {reason}".rstrip()]
    if "content-type" in lines:
        parts.append(lines["content-type"].partition(";")[0][:60])
    length = lines.get("content-length", "")
    if _LENGTH.match(length):
        parts.append(f"{int(length):,} bytes")
    elif 300 <= status < 400 and "location" in lines:
        parts.append(f"to {shown_target(lines['location'])}")
    return ", ".join(parts)


def title_of(method: str, target: str, host: str | None, secure: bool) -> str:
    if method == "CONNECT":
        return f"proxy tunnel to {shown_target(target)}"
    if target.startswith("/") and host:
        return f"http{'s' if secure else ''}://{host}{shown_target(target)}"
    return shown_target(target)


def about_request(fields: dict[str, Value]) -> dict[str, Value]:
    facts: dict[str, Value] = {
        "method": fields["method"],
        "target": fields["target"],
        "http_version": fields["version"],
    }
    for name in ("host", "user_agent"):
        if fields.get(name) is not None:
            facts[name] = fields[name]
    return facts


# --- recognising it ---------------------------------------------------------------------------------------------------


def plausible_start(head: bytes, request: bool) -> bool:
    """Whether a request (or status) line may begin so."""
    if not request:
        return head[:7] == STATUS_START[: len(head)]
    method, space, _ = head.partition(b" ")
    return bool(_TOKEN.match(method)) and (bool(space) or len(method) <= 20)


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a request or status line of HTTP/1.x; None asks for more bytes."""
    if head.startswith(STATUS_START) or STATUS_START.startswith(head):
        return True if len(head) >= 7 else None
    head = head.lstrip(b"\r\n")
    line, newline, _ = head.partition(b"\n")
    if newline:
        return _VERSION.search(line.rstrip()[-8:]) is not None and _TOKEN.match(line.partition(b" ")[0]) is not None
    if any(start.startswith(head[: len(start)]) for start in _STARTS):
        return None
    # Any other token may be a method, if the rest of the line says so soon.
    return None if len(head) < 32 and _TOKEN.match(head.partition(b" ")[0] or b"x") else False


PROTOCOL = core.Protocol(
    "http1",
    "HTTP/1.1",
    "RFC 9112",
    ("tcp", "tls"),
    KINDS,
    FINDINGS,
    probe,
    Http,
    session="http",
    ports=frozenset({80, 8000, 8080}),
    words=WORDS,
    starts=frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\r\n "),
)
