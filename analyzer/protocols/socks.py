"""SOCKS 4, 4a and 5: a client asks a proxy for a connection, and the stream is then that connection (RFC 1928).

What logs a client in is never shown.  SOCKS 4 has no RFC: its one document calls the fields VN, CD, DSTPORT, DSTIP.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from analyzer import core
from analyzer.core import (
    About,
    Enough,
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
)

VERSION_5: Final = 5
VERSION_4: Final = 4
MAX_METHODS: Final = 16
MAX_NAME_BYTES: Final = 255
MAX_REQUEST_4_BYTES: Final = 8 + 2 * (MAX_NAME_BYTES + 1)
MAX_HELD_BYTES: Final = 65536  # of what a client sends before its request is answered

NONE: Final = 0
GSSAPI: Final = 1
LOGIN: Final = 2
NO_METHOD: Final = 0xFF
METHODS: Final = {
    NONE: "no login",
    GSSAPI: "GSSAPI",
    LOGIN: "user name and password",
    3: "CHAP",
    5: "challenge and response",
    6: "SSL",
    7: "NDS",
    8: "multiple methods",
    9: "JSON parameters",
    NO_METHOD: "none of them",
}

CONNECT: Final = 1
BIND: Final = 2
ASSOCIATE: Final = 3
COMMANDS: Final = {CONNECT: "CONNECT", BIND: "BIND", ASSOCIATE: "UDP ASSOCIATE"}

IPV4: Final = 1
NAME: Final = 3
IPV6: Final = 4

#: What a reply says (§6), and why that is probably so.
REPLIES: Final = {
    0: ("succeeded", ""),
    1: ("general failure", "The proxy met an error of its own, or gives no reason for its refusal."),
    2: ("not allowed by the rules", "The proxy's rules do not allow this client, this target or this port."),
    3: ("network unreachable", "The proxy has no route to the target."),
    4: ("host unreachable", "The proxy could not reach the target, or could not resolve its name."),
    5: ("connection refused", "Nothing listens on this port of the target, or a firewall on the way rejects it."),
    6: ("TTL expired", "The proxy's attempt to reach the target timed out, or went round in a loop."),
    7: ("command not supported", "The proxy does not do this command; many only do CONNECT."),
    8: ("address type not supported", "The proxy does not take this type of address, IPv6 or a name say."),
}
GRANTED_4: Final = 90
REPLIES_4: Final = {
    GRANTED_4: ("granted", ""),
    91: ("rejected or failed", "The proxy's rules do not allow the target, or the proxy could not reach it."),
    92: ("rejected: no identd on the client", "The proxy asks the client's identd who it is, and could not."),
    93: ("rejected: identd says another user", "The client's identd and the request name different users."),
}

KINDS: Final = {
    "proxy.socks-methods": core.Kind("§3", "The client says which ways of logging in it knows.", "SOCKS methods"),
    "proxy.socks-method": core.Kind("§3", "The proxy chooses one of them, or none.", "SOCKS method"),
    "proxy.socks-login": core.Kind("RFC 1929 2", "The client logs in (what with is not shown).", "SOCKS login"),
    "proxy.socks-login-reply": core.Kind("RFC 1929 2", "The proxy takes the login, or does not.", "SOCKS login reply"),
    "proxy.socks-request": core.Kind("§4", "The client asks for a connection to a target.", "SOCKS request"),
    "proxy.socks-reply": core.Kind(
        "§6", "The proxy says how that went; the stream is then the target's.", "SOCKS reply"
    ),
    "proxy.malformed": core.Kind("§3", "Bytes that break SOCKS: from here on this stream is not read."),
}
REFUSED: Final = "proxy.socks-refused"
FINDINGS: Final = {
    REFUSED: core.FindingKind(
        Severity.ERROR,
        "The SOCKS proxy refused",
        "§6",
        cause="The proxy's rules do not allow it, it wants another login, or it could not reach the target.",
        advice="The code in the reply says which; try the target without the proxy, and look at the proxy's log.",
    ),
}

# How far it is.
REQUEST: Final = 0  # the client has not asked for a target yet
REPLY: Final = 1
OPEN: Final = 2  # the reply is not in the capture: what comes is passed on
GONE: Final = 3  # bytes are missing


class Socks(core.Dissector):
    """One connection to a proxy, until it carries another."""

    def __init__(self) -> None:
        self.client: Side | None = None
        self.version = 0
        self.state = REQUEST
        self.offers_gssapi = False
        self.method: int | None = None
        self.logged_in = False
        self.command = 0
        self.target = ""
        self.first: core.Place | None = None
        self.request: core.Place | None = None
        self.turns = 0
        self.last: Side | None = None
        self.bound = False  # the first of the two replies to BIND came

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if self.state >= OPEN:
            return len(head)
        if self.client is None:
            self.client = sender
            self.version = head[0]
        if sender is not self.client:
            return self._reply_size(head)
        if self.state == REPLY:
            if len(head) <= MAX_HELD_BYTES and self._may_be_early(head):
                return None
            self.state = OPEN
            return len(head)
        if self.version == VERSION_4:
            return request_4_size(head)
        if self.first is None:
            return None if len(head) < 2 else 2 + head[1]
        if head[0] == VERSION_5:
            return request_size(head)
        if head[0] != 1:
            raise Malformed("neither a login nor a request (§3)")
        if self.method is None and self.offers_gssapi:
            return None  # which login it is, the proxy's choice will tell
        return gssapi_size(head) if self.method == GSSAPI else login_size(head)

    def _may_be_early(self, head: bytes | bytearray) -> bool:
        """A client that sent more than one record of TLS was answered, whether the capture has it or not."""
        if head[:2] != b"\x16\x03"[: len(head)]:
            return True
        return len(head) < 5 or len(head) <= 5 + int.from_bytes(head[3:5], "big")

    def _reply_size(self, head: bytes | bytearray) -> int | None:
        if self.version == VERSION_4:
            return 8
        if self.method is None or (self.method == LOGIN and not self.logged_in):
            return 2
        if self.method == GSSAPI and head[0] == 1:
            return gssapi_size(head)
        return request_size(head)

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        if self.state == OPEN:
            yield Pass("tcp", unit)
            return
        if self.state == GONE:
            yield Enough()
            return
        place = unit.place
        begins = self.first is None
        if self.first is None:
            self.first = place
        if sender is not self.client and self.last is self.client:
            self.turns += 1
        self.last = sender
        if self.version == VERSION_4:
            yield from self._on_request_4(unit, place) if sender is self.client else self._on_reply_4(unit, place)
        elif sender is not self.client:
            yield from self._on_answer(unit, place)
        elif begins:
            yield from self._on_methods(unit, place)
        elif unit.data[unit.start] == VERSION_5:
            yield from self._on_request(unit, place)
        else:
            yield Note("proxy.socks-login", "(credentials not shown)", place)

    # --- SOCKS 5 ---

    def _on_methods(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.uint("ver", 1)
        methods = reader.raw("methods", reader.uint("nmethods", 1))
        fields: dict[str, Value] = {"version": VERSION_5, "methods": [named(method) for method in methods]}
        self.offers_gssapi = GSSAPI in methods
        text = f"offers {', '.join(method_name(method) for method in methods)}"
        yield Note("proxy.socks-methods", text, place, fields)

    def _on_answer(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        version = reader.uint("ver", 1)
        if self.method is None:
            if version != VERSION_5:
                raise Malformed(f"version {version} in the choice of a method (§3)")
            method = self.method = reader.uint("method", 1)
            yield Note("proxy.socks-method", method_name(method), place, {"method": named(method)})
            if method == NO_METHOD:
                yield from self._refused("the proxy takes none of the ways to log in that were offered", place, LOGINS)
        elif self.method == LOGIN and not self.logged_in:
            self.logged_in = True
            status = reader.uint("status", 1)
            text = "login accepted" if status == 0 else f"login refused ({status})"
            yield Note("proxy.socks-login-reply", text, place, {"status": status})
            if status:
                yield from self._refused("the proxy refused the login", place, WRONG_LOGIN)
        elif version == VERSION_5:
            yield from self._on_reply(reader, place)
        else:
            yield Note("proxy.socks-login-reply", "GSSAPI", place)

    def _on_request(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.uint("ver", 1)
        self.command = reader.uint("cmd", 1)
        reader.skip("rsv", 1)
        host, port = read_address(reader)
        yield from self._asked(host, port, place)

    def _on_reply(self, reader: Reader, place: core.Place) -> core.Outputs:
        code = reader.uint("rep", 1)
        reader.skip("rsv", 1)
        host, port = read_address(reader)
        word, cause = REPLIES.get(code, (f"code {code}", ""))
        fields: dict[str, Value] = {"reply": {"value": code, "name": word}, "bound": joined(host, port)}
        yield Note("proxy.socks-reply", f"{word}, from {joined(host, port)}" if code == 0 else word, place, fields)
        yield from self._answered(code == 0, word, cause, place)

    # --- SOCKS 4 ---

    def _on_request_4(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        reader.uint("vn", 1)
        self.command = reader.uint("cd", 1)
        port = reader.uint("dstport", 2)
        address = reader.raw("dstip", 4)
        host = str(IPv4Address(address))
        if is_4a(address):
            data = bytes(unit)
            start = data.index(b"\0", 8) + 1
            host = data[start:-1].decode("ascii", "backslashreplace")
        yield from self._asked(host, port, place)

    def _on_reply_4(self, unit: Piece, place: core.Place) -> core.Outputs:
        reader = Reader(unit)
        if reader.uint("vn", 1) != 0:
            raise Malformed("a reply of SOCKS 4 starts with 0")
        code = reader.uint("cd", 1)
        word, cause = REPLIES_4.get(code, (f"code {code}", ""))
        yield Note("proxy.socks-reply", word, place, {"reply": {"value": code, "name": word}})
        yield from self._answered(code == GRANTED_4, word, cause, place)

    # --- both ---

    def _asked(self, host: str, port: int, place: core.Place) -> core.Outputs:
        self.request = place
        self.state = REPLY
        self.target = joined(host, port)
        command = COMMANDS.get(self.command, f"command {self.command}")
        fields: dict[str, Value] = {"version": self.version, "command": self.command, "target": self.target}
        yield Note("proxy.socks-request", f"{command} {shown(self.target)}", place, fields)
        facts: dict[str, Value] = {"proxy": f"socks{self.version}", "proxy_target": self.target}
        yield About(f"proxy tunnel to {shown(self.target)}", facts)

    def _answered(self, good: bool, word: str, cause: str, place: core.Place) -> core.Outputs:
        if not good:
            command = COMMANDS.get(self.command, f"command {self.command}")
            text = f"{command} {shown(self.target)} was answered: {word}" if self.request is not None else word
            yield from self._refused(text, place, cause)
        elif self.command == BIND and not self.bound:
            self.bound = True  # a second reply comes once the target connects
        else:
            yield self._phase(place, Outcome.ESTABLISHED)
            if self.command == ASSOCIATE:
                yield Enough()  # the connection only has to stay; what it is about goes by UDP
            else:
                yield Handoff("tcp")

    def _refused(self, text: str, place: core.Place, cause: str) -> core.Outputs:
        evidence = [place] if self.request is None else [self.request, place]
        yield Finding(REFUSED, text, evidence, cause=cause)
        yield self._phase(place, Outcome.FAILED)
        yield Enough()

    def _phase(self, place: core.Place, outcome: Outcome) -> Phase:
        start_ns = place.time_ns if self.first is None else self.first.time_ns
        return Phase("proxy", start_ns, max(place.time_ns, start_ns), outcome, self.turns)

    def on_gap(self, sender: Side, size: int, at: Piece) -> core.Outputs:
        if self.state == OPEN:
            yield Enough()
        else:
            self.state = GONE

    def on_end(self, last: Piece) -> core.Outputs:
        if self.first is not None and self.state < OPEN:
            yield self._phase(last.place, Outcome.UNANSWERED)


LOGINS: Final = "The proxy wants a login, of a kind that this client did not offer."
WRONG_LOGIN: Final = "The user name or the password is wrong, or this user may not use the proxy."


# --- reading ----------------------------------------------------------------------------------------------------------


def request_size(head: bytes | bytearray) -> int | None:
    """Size of a request or a reply of SOCKS 5, §4 and §6."""
    if len(head) < 5:
        return None
    kind = head[3]
    if head[0] != VERSION_5 or kind not in (IPV4, NAME, IPV6):
        raise Malformed(f"neither a request nor a reply: version {head[0]}, address type {kind} (§4, §6)")
    return 10 if kind == IPV4 else 22 if kind == IPV6 else 7 + head[4]


def request_4_size(head: bytes | bytearray) -> int | None:
    """Size of a request of SOCKS 4 or 4a."""
    user = head.find(b"\0", 8, MAX_REQUEST_4_BYTES)
    if user >= 0 and len(head) >= 9:
        if not is_4a(bytes(head[4:8])):
            return user + 1
        name = head.find(b"\0", user + 1, MAX_REQUEST_4_BYTES)
        if name >= 0:
            return name + 1
    if len(head) >= MAX_REQUEST_4_BYTES:
        raise Malformed("a request of SOCKS 4 without an end")
    return None


def login_size(head: bytes | bytearray) -> int | None:
    """RFC 1929 §2: version, user name, password."""
    if len(head) < 2 or len(head) < 3 + head[1]:
        return None
    return 3 + head[1] + head[2 + head[1]]


def gssapi_size(head: bytes | bytearray) -> int | None:
    """RFC 1961 §3: version, type, length of two bytes, token; an abort has neither length nor token."""
    if len(head) < 2:
        return None
    if head[1] == NO_METHOD:
        return 2
    return None if len(head) < 4 else 4 + int.from_bytes(head[2:4], "big")


def is_4a(address: bytes) -> bool:
    """Whether a name follows in place of this address."""
    return address[:3] == b"\0\0\0" and address[3] != 0


def read_address(reader: Reader) -> tuple[str, int]:
    kind = reader.uint("atyp", 1)
    if kind == IPV4:
        host = str(IPv4Address(reader.raw("addr", 4)))
    elif kind == IPV6:
        host = str(IPv6Address(reader.raw("addr", 16)))
    else:
        host = reader.text("addr", reader.uint("length", 1))
    return host, reader.uint("port", 2)


def joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def shown(target: str) -> str:
    return target if len(target) <= 80 else f"{target[:77]}..."


def method_name(method: int) -> str:
    return METHODS.get(method, f"method {method}")


def named(method: int) -> Value:
    return {"value": method, "name": method_name(method)}


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a request to a SOCKS proxy; None asks for more bytes."""
    if not head:
        return None
    if head[0] == VERSION_5:
        return probe_5(head)
    if head[0] == VERSION_4:
        return probe_4(head)
    return False


def probe_5(head: bytes) -> bool | None:
    if len(head) < 2:
        return None
    count = head[1]
    methods = head[2 : 2 + count]
    known = all(method in METHODS or 0x80 <= method < NO_METHOD for method in methods) and NO_METHOD not in methods
    if not 1 <= count <= MAX_METHODS or not known or len(set(methods)) < len(methods):
        return False
    # What may follow, a client that does not wait for the choice sends later: it can't be asked for here.
    return True if len(methods) == count else None


def probe_4(head: bytes) -> bool | None:
    if len(head) > 1 and head[1] not in (CONNECT, BIND):
        return False
    if len(head) < 9:
        return None
    user, _, rest = head[8:].partition(b"\0")
    if len(user) > MAX_NAME_BYTES or not (user.isascii() and (not user or user.decode("ascii").isprintable())):
        return False
    if b"\0" not in head[8:]:
        return None
    if head[2:4] == b"\0\0" or (head[4] == 0 and not is_4a(head[4:8])):
        return False
    if not is_4a(head[4:8]):
        return True
    name, end, _ = rest.partition(b"\0")
    if len(name) > MAX_NAME_BYTES or not (name.isascii() and name.decode("ascii").replace(".", "a").isprintable()):
        return False
    return bool(name) if end else None


PROTOCOL = core.Protocol(
    "socks",
    "SOCKS",
    "RFC 1928",
    ("tcp", "tls"),
    KINDS,
    FINDINGS,
    probe,
    Socks,
    ports=frozenset({1080}),
)
