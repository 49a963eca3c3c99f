"""Heads of messages: read, judged, and recognised (RFC 9112 §2 to §6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed, Reader
from analyzer.protocols.http1.names import FIELDS, METHODS, SECRETS

if TYPE_CHECKING:
    from analyzer.core import Piece, Value

MAX_VALUE_CHARACTERS: Final = 4096  # of a field value in a note
MAX_FAULTS: Final = 8  # of one head that are told
STATUS_START: Final = b"HTTP/1."
CHUNKED: Final = -2  # as a body's size

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9]\s+([1-9][0-9]{2})(?:\s+(.*))?\Z", re.DOTALL | re.IGNORECASE)
_VERSION: Final = re.compile(rb"HTTP/1\.[0-9]\Z", re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,18}\Z")
_STARTS: Final = tuple(f"{method} ".encode() for method in METHODS)


class Head:
    """The lines of a head: the first, and the fields by lower-case name, repeated or folded ones in one value (§5.2).

    `faults` are the rules that it breaks, each with the section that has the rule.
    """

    __slots__ = ("faults", "fields", "line")

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.fields: dict[str, str] = {}
        self.faults: list[str] = []

    def blame(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS and fault not in self.faults:
            self.faults.append(fault)


def read_head(unit: Piece, name: str) -> Head:
    """The lines of a head; what is odd is taken as well-known servers and clients take it, and blamed."""
    reader = Reader(unit)
    data, start, stop = unit.data, unit.start, unit.stop
    end = data.find(b"\n", start, stop) + 1
    raw = reader.raw(name, (end or stop) - start)
    head = Head(raw.rstrip(b"\r\n"))
    bare = not raw.endswith(b"\r\n")
    fields, last = head.fields, ""
    for _ in reader.each("field_line"):
        at = unit.start + reader.at
        end = data.find(b"\n", at, stop) + 1
        line = bytes(data[at : end or stop])
        if line.partition(b":")[0].strip().lower() in SECRETS:
            reader.skip("field_line", len(line))
        else:
            reader.raw("field_line", len(line))
        bare = bare or not line.endswith(b"\r\n")
        line = line.rstrip(b"\r\n")
        if not line:
            break
        if line[0] in b" \t":
            if last:
                fields[last] = f"{fields[last]} {decoded(line.strip())}".strip()
                head.blame(f"folds {last} over several lines (§5.2)")
            else:
                head.blame("has white space before its first field (§2.2)")
            continue
        key, colon, value = line.partition(b":")
        if not colon:  # seen from real servers; the rest of the head still counts
            head.blame(f"has a line without a colon, {shown(line)} (§5)")
            continue
        last = decoded(key.strip()).lower()
        if key[-1:] in (b" ", b"\t"):
            head.blame(f"has white space between {last[:40]} and its colon (§5.1)")
        text = decoded(value.strip())
        if last in fields:
            if last in ("host", "content-length"):
                head.blame(f"has more than one {'Host (§3.2)' if last == 'host' else 'Content-Length (§6.3)'}")
            fields[last] = f"{fields[last]}, {text}"
        else:
            fields[last] = text
    if bare:
        head.blame("ends lines with LF alone (§2.2)")
    return head


def request_line(head: Head) -> tuple[str, str, str]:
    """Method, target and version.  Words may be apart by any white space, as §3 lets a reader take them."""
    line = head.line
    words = line.split(None, 1)
    rest = words[1].rsplit(None, 1) if len(words) == 2 else []
    if len(rest) != 2 or not _TOKEN.match(words[0]) or not _VERSION.match(rest[1]):
        raise Malformed(f"not a request line: {shown(line)} (§3)")
    method, target, version = words[0].decode("ascii"), decoded(rest[0]), rest[1].decode("ascii").upper()
    if line != b" ".join((words[0], *rest)):
        head.blame("has odd spacing in its first line (§3)")
    if any(byte in b" \t\v\f\r" for byte in rest[0]):
        head.blame("has white space in its target (§3.2)")
    if rest[1] != rest[1].upper():
        head.blame(f"writes its version {rest[1].decode('ascii')} (§2.3)")
    fields = head.fields
    if version != "HTTP/1.0" and "host" not in fields:
        head.blame("has no Host (§3.2)")
    judge_length(head, version)
    return method, target, version


def status_line(head: Head) -> tuple[str, int, str]:
    """Version, status and reason, which may be missing."""
    line = head.line
    match = _STATUS_LINE.match(line)
    if match is None:
        raise Malformed(f"not a status line: {shown(line)} (§4)")
    version = line[:8].decode("ascii").upper()
    if line[8:9] != b" " or line[9:12] != match[1]:
        head.blame("has odd spacing in its first line (§4)")
    if line[:5] != b"HTTP/":
        head.blame(f"writes its version {line[:8].decode('ascii')} (§2.3)")
    judge_length(head, version)
    return version, int(match[1]), decoded((match[2] or b"").strip())


def judge_length(head: Head, version: str) -> None:
    """What makes two readers see two different ends of a body.  §6.1, §6.3, §11.2"""
    fields = head.fields
    if "transfer-encoding" in fields:
        if "content-length" in fields:
            head.blame(
                "has Transfer-Encoding and Content-Length: whoever heeds the other one sees another message (§6.3)"
            )
        if version == "HTTP/1.0":
            head.blame("has Transfer-Encoding in HTTP/1.0, which does not know it (§6.1)")


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
    if status in (401, 407):
        scheme = lines.get("www-authenticate" if status == 401 else "proxy-authenticate", "").partition(" ")[0]
        if scheme:
            parts.append(f"wants {scheme[:40]}")
    if "via" in lines:
        parts.append(via_text(lines))
    return ", ".join(parts)


def request_text(method: str, target: str, upgrade: str, lines: dict[str, str]) -> str:
    text = f"{method} {shown_target(target)}"
    if upgrade:
        text += f" (upgrade to {upgrade[:40]})"
    for name in ("authorization", "proxy-authorization"):
        if name in lines:  # the scheme is no secret, what follows it is
            text += f", {'logs in' if name == 'authorization' else 'logs in at the proxy'}"
            text += f" by {lines[name].partition(' ')[0][:20]}"
    return f"{text}, {via_text(lines)}" if "via" in lines else text


def via_text(lines: dict[str, str]) -> str:
    """Through which proxies the message came, RFC 9110 §7.6.3."""
    return f"via {shown_target(lines['via'])}"


def why_refused(status: int, tries: int) -> str:
    """The likely cause of what a proxy answers to CONNECT; "" for the usual words (RFC 9110 §15.5, §15.6)."""
    if status == 407:
        if tries > 1:
            return "The proxy does not take the credentials that the client came back with."
        return "The proxy wants a login, and the client has no credentials for it, or none of this scheme."
    if status in (403, 405):
        return "The proxy's policy does not allow this target, or this port: many allow 443 only."
    if status in (502, 503, 504):
        return "The proxy could not reach the target: its name does not resolve there, or nothing answers at this port."
    return ""


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
        return head[:7].upper() == STATUS_START[: len(head)]
    method, space, _ = head.replace(b"\t", b" ").partition(b" ")
    return bool(_TOKEN.match(method)) and (bool(space) or len(method) <= 20)


def resumes(head: bytes, request: bool) -> bool | None:
    """Whether a message begins here, where the bytes before are missing; None asks for more."""
    starts = _STARTS if request else (STATUS_START,)
    if any(head.startswith(start) for start in starts):
        return True
    return None if any(start.startswith(head) for start in starts) else False


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
