"""HTTP/1.x message heads: requests, responses, what follows them (RFC 9112, RFC 9110).

Bodies are counted and streamed past; those that may signal something are given inwards.  After 101 the stream belongs
to the protocol that the Upgrade field names, after a 2xx to CONNECT to whatever the tunnel carries.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from analyzer import core
from analyzer.core import Body, Finding, Handoff, Malformed, Note, Outcome, Pass, Phase, Piece, Reader, Side
from analyzer.protocols.http.names import CODINGS, MAX_BODY_BYTES, inward_label, whole_body
from analyzer.protocols.http1 import heads
from analyzer.protocols.http1.heads import CHUNKED, STATUS_START, Head, shown, shown_target

if TYPE_CHECKING:
    from analyzer.core import Value

MAX_HEAD_BYTES: Final = 65536
MAX_CHUNK_LINE_BYTES: Final = 4096
MAX_IN_FLIGHT: Final = 1000  # requests without an answer that are remembered
#: The proxy wants a login: the client may come back with one.
WANTS_LOGIN: Final = 407

_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")

# What comes next from a sender.
HEAD: Final = 0
CHUNK: Final = 1  # a line with the size of a chunk
TRAILERS: Final = 2
LOST: Final = 3  # bytes are missing: whatever comes until the next head


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
        self.asked_proxy: core.Place | None = None  # the first CONNECT
        self.tries = 0  # of CONNECT, that were answered
        self.refused: Finding | None = None  # what is said of a CONNECT that was refused, unless a login helps
        self.declined = ""  # the protocol that an answer did not switch to

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        expected = self.expect[sender]
        if expected == CHUNK:
            return self._line_size(head, 2 if head[:2] == b"\r\n" else 1 if head[:1] == b"\n" else 0)
        if expected == TRAILERS:
            return self._line_size(head, 0)
        if expected == LOST:
            found = heads.resumes(bytes(head[:32]), sender is self.client)
            if not found:
                return None if found is None else len(head)
            self._found_again(sender)
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
            begin = bytes(head[: len(STATUS_START)]).upper()
            if len(begin) < len(STATUS_START) and STATUS_START.startswith(begin):
                return None
            self.client = sender.other if begin == STATUS_START else sender
        if scanned < 32 and not heads.plausible_start(bytes(head[:32]), sender is self.client):
            if self.declined and sender is self.client:
                raise Malformed(f"no request: the client goes on as if {self.declined} had been agreed on (§7.8)")
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
        if expected == LOST or unit.data[unit.start] in b"\r\n":
            return ()
        return self._on_request(sender, unit) if sender is self.client else self._on_response(sender, unit)

    # --- heads ---

    def _on_request(self, sender: Side, unit: Piece) -> core.Outputs:
        head = heads.read_head(unit, "request_line")
        method, target, version = heads.request_line(head)
        lines = head.fields
        fields: dict[str, Value] = {"method": method, "target": target, "version": version}
        heads.add_fields(fields, lines)
        fields["host"] = lines.get("host")
        upgrade = heads.upgrade_of(lines)
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
        wanted = upgrade or heads.protocol_of(lines)
        if wanted:
            exchange = core.Exchange(method, target, version, lines, place, sender, self.secure)
            lead = core.Lead(f"upgrade:{wanted}", exchange)
            yield lead
            if lead.told:
                asked.lead = lead
                self.titled = True
        if asked.lead is None:
            text = heads.request_text(method, target, upgrade, lines)
            yield Note("proxy.connect" if method == "CONNECT" else "http.request", text, place, fields)
        yield from blamed(head, place, "request")
        if method == "CONNECT" and self.asked_proxy is None:
            self.asked_proxy = place
        if not self.titled:
            self.titled = True
            yield core.About(
                heads.title_of(method, target, lines.get("host"), self.secure), heads.about_request(fields)
            )
        body = heads.body_size(lines, None, None)
        if body is not None:
            yield from self._begin_body(sender, body, fields, lines)

    def _on_response(self, sender: Side, unit: Piece) -> core.Outputs:
        head = heads.read_head(unit, "status_line")
        version, status, reason = heads.status_line(head)
        lines = head.fields
        place = unit.place
        fields: dict[str, Value] = {"version": version, "status": status, "reason": reason}
        heads.add_fields(fields, lines)
        upgrade = heads.upgrade_of(lines)
        asked = self._answered_by(status)
        if asked is not None:
            fields["request_method"] = asked.method
        interim = status < 200 and status != 101
        lead = asked.lead if asked is not None and not interim else None
        if asked is None and status == 101 and upgrade:  # what asked for it came before the capture
            lead = core.Lead(f"upgrade:{upgrade}", core.Exchange("", "", version, {}, place, sender.other, self.secure))
        if lead is not None:
            exchange = lead.exchange
            exchange.status, exchange.reason, exchange.response, exchange.answered = status, reason, lines, place
            yield lead
        if lead is None or not lead.told:
            yield Note("http.response", heads.response_text(status, reason, lines), place, fields)
        yield from blamed(head, place, "response")
        if interim:
            return
        method = asked.method if asked is not None else None
        if lead is not None and lead.told:
            self.answered = True
        elif method != "CONNECT" and not self.answered:
            self.answered = True
            yield from self._first_answer(status, place, fields)
        if method == "CONNECT" and asked is not None:
            yield from self._on_tunnel(asked, status, reason, place, fields)
        if status == 400 and method != "CONNECT":
            text = f"{asked.method} {shown_target(asked.target)}" if asked is not None else "a request"
            places = [place] if asked is None else [asked.place, place]
            yield Finding("http.bad-request", f"{text} was answered with 400 {reason}".rstrip(), places)
        if status == 101:
            name = upgrade or (asked.upgrade if asked is not None else "")
            if asked is not None and not asked.upgrade:
                yield Note(
                    "http.violation", "the response switches protocols, which nobody asked for (§7.8)", place, {}
                )
            yield Handoff(f"upgrade:{name}" if name else "upgrade:unnamed", None if lead is None else lead.exchange)
        elif method == "CONNECT" and 200 <= status < 300:
            yield Handoff("tcp")  # the tunnel carries what a connection of its own would
        else:
            if asked is not None and asked.upgrade:
                self.declined = asked.upgrade[:40]
            body = heads.body_size(lines, status, method)
            if body is not None:
                yield from self._begin_body(sender, body, fields, lines)

    def _on_tunnel(
        self, asked: Asked, status: int, reason: str, place: core.Place, fields: dict[str, Value]
    ) -> core.Outputs:
        """The answer to a CONNECT; whoever asks for a login may still open the tunnel (RFC 9110 §9.3.6, §11.7)."""
        self.answered = True
        self.tries += 1
        facts: dict[str, Value] = {"status": status, "tunnel_target": asked.target[: heads.MAX_VALUE_CHARACTERS]}
        for name in ("server", "via"):
            if name in fields:
                facts[name] = fields[name]
        scheme = str(fields.get("proxy_authenticate", "")).partition(" ")[0][:40]
        if status == WANTS_LOGIN and scheme:
            facts["proxy_authentication"] = scheme
        yield core.About(None, facts)
        first = asked.place if self.asked_proxy is None else self.asked_proxy
        if 200 <= status < 300:
            self.refused = None
            yield Phase("proxy", first.time_ns, place.time_ns, Outcome.ESTABLISHED, self.tries)
            return
        text = f"CONNECT {shown_target(asked.target)} was answered with {status} {reason}".rstrip()
        if status == WANTS_LOGIN and scheme:
            text += f", which wants {scheme}"
        cause = heads.why_refused(status, self.tries)
        self.refused = Finding("http.proxy-connect-refused", text, [asked.place, place], cause=cause)
        if status != WANTS_LOGIN:
            yield from self._without_tunnel(place)

    def _without_tunnel(self, last: core.Place | Piece) -> core.Outputs:
        """The proxy opened none, and will not any more."""
        refused, self.refused = self.refused, None
        if refused is not None and self.asked_proxy is not None:
            yield Phase("proxy", self.asked_proxy.time_ns, last.time_ns, Outcome.FAILED, self.tries)
            yield refused

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

    def _first_answer(self, status: int, place: core.Place, fields: dict[str, Value]) -> core.Outputs:
        facts: dict[str, Value] = {"status": status}
        for name in ("server", "via"):
            if name in fields:
                facts[name] = fields[name]
        if not self.titled:
            facts["http_version"] = fields["version"]
        yield core.About(None, facts)
        if self.first_asked is None:
            yield Phase("http", place.time_ns, place.time_ns, Outcome.PARTIAL)
            return
        name = "upgrade" if status == 101 else "http"
        yield Phase(name, self.first_asked.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)

    # --- gaps and the end ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        """The head, or the body, that was under way is lost; the next head can be found again."""
        yield Note("http.gap", f"{size:,} bytes are missing", at, {"bytes": size})
        asked = self.asked[0] if self.asked else None
        if sender is not self.client and asked is not None and asked.upgrade and self.switching == len(self.asked) == 1:
            # Most likely the 101 is among them; whoever is asked for looks whether it is so.
            yield Handoff(f"upgrade:{asked.upgrade}", core.Resumed())
            return
        self.expect[sender] = LOST
        self.scanned[sender] = 0
        self.bodies[sender] = None

    def _found_again(self, sender: Side) -> None:
        """A head was found behind a gap.  Of several requests in flight, nobody knows which were answered in it."""
        self.expect[sender] = HEAD
        if sender is not self.client:
            for _ in range(len(self.asked) - 1):
                self._answered_by(200)

    def on_end(self, last: Piece) -> core.Outputs:
        yield from self._without_tunnel(last)
        if self.answered and self.client is not None and not self.asked:
            server = self.client.other
            whole = self.expect[server] == HEAD and self.bodies[server] is None and not self.scanned[server]
            yield core.About(None, {"all_answered": whole})
        if self.first_asked is not None and not self.answered:
            waits = self.asked[0] if self.asked else None
            name = "http" if waits is None else "proxy" if waits.method == "CONNECT" else "http"
            if waits is not None and waits.lead is not None:
                name = "upgrade"
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
            self.bodies[sender] = None

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
        body = whole_body(arriving.parts, arriving.coding)
        if body is not None:
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


def blamed(head: Head, place: core.Place, what: str) -> core.Outputs:
    """The rules that a head breaks."""
    if head.faults:
        yield Note("http.violation", f"the {what} {', '.join(head.faults)}", place, {"violations": list(head.faults)})
