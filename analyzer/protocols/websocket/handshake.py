"""The opening handshake: the request, the answer, and whether they fit (RFC 6455 §4, RFC 8441)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from analyzer.core import About, Exchange, Finding, Note, Outcome, Phase
from analyzer.protocols.websocket.names import ABNORMAL, GUID

if TYPE_CHECKING:
    from analyzer.core import Outputs, Value

VERSION: Final = "13"
KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==\Z")  # 16 bytes in base64
MAX_VALUE_CHARACTERS: Final = 4096
MAX_OFFERS: Final = 64
SWITCHING: Final = 101
#: After these a client has to fail the connection.  §4.1
FATAL: Final = frozenset(
    {
        "websocket.upgrade-bad-accept",
        "websocket.upgrade-malformed",
        "websocket.upgrade-subprotocol-not-offered",
        "websocket.upgrade-extension-not-offered",
    }
)
#: Fields of the request and the answer that stand in notes, in snake_case.
ASKED: Final = (
    *("host", "origin", "user-agent", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"),
    *("sec-websocket-protocol", "sec-websocket-extensions", "via", "x-forwarded-for", "x-forwarded-proto", "forwarded"),
)
ANSWERED: Final = (
    *("server", "upgrade", "connection", "sec-websocket-accept", "sec-websocket-version", "sec-websocket-protocol"),
    *("sec-websocket-extensions", "location", "content-type", "www-authenticate", "via"),
)


def lead(exchange: Exchange) -> Outputs:
    """Tell of a request for a WebSocket; or, once it has a status, of the answer."""
    return answered(exchange) if exchange.status else asked(exchange)


def title_of(exchange: Exchange) -> str:
    host = exchange.request.get("host") or exchange.request.get(":authority") or ""
    target = exchange.target
    if "://" in target:  # absolute form, to a proxy
        target = target.partition("://")[2]
        host, slash, rest = target.partition("/")
        target = slash + rest
    return f"ws{'s' if exchange.secure else ''}://{host}{target}"


# --- the request ------------------------------------------------------------------------------------------------------


def asked(exchange: Exchange) -> Outputs:
    lines = exchange.request
    fields = taken(lines, ASKED)
    fields = {"method": exchange.method, "target": exchange.target, "version": exchange.version, **fields}
    offers = extensions(lines.get("sec-websocket-extensions", ""))
    said = [f"asks for {title_of(exchange)}"]
    if lines.get("sec-websocket-protocol"):
        said.append(f"subprotocol {lines['sec-websocket-protocol'][:80]}")
    if offers:
        said.append(f"offers {', '.join(dict.fromkeys(name for name, _ in offers))}")
    if lines.get("origin"):
        said.append(f"from {lines['origin'][:80]}")
    if lines.get("via"):
        said.append(f"via {lines['via'][:80]}")
    yield Note("websocket.upgrade", ", ".join(said), exchange.asked, fields)
    facts: dict[str, Value] = {"target": exchange.target, "host": lines.get("host"), "http_version": exchange.version}
    for name in ("origin", "user-agent", "sec-websocket-key"):
        if name in lines:
            facts[name.replace("-", "_")] = lines[name][:MAX_VALUE_CHARACTERS]
    exchange.facts["stripped"] = is_stripped(exchange)
    if exchange.facts["stripped"]:
        facts["upgrade_lost"] = True
    yield About(title_of(exchange) if exchange.number == 1 else None, facts)
    wrong = faults(exchange)
    if exchange.facts["stripped"]:
        yield Finding(
            "websocket.upgrade-stripped",
            "The request has a Sec-WebSocket-Key, but no Upgrade: websocket that Connection lists. To this server it "
            "is an ordinary request.",
            exchange.asked,
        )
    elif wrong:
        yield Finding("websocket.upgrade-malformed", f"The request {', '.join(wrong)}.", exchange.asked)


def is_stripped(exchange: Exchange) -> bool:
    """Whether the fields of one hop only are missing, and those that go on to the end are there."""
    lines = exchange.request
    return exchange.method == "GET" and bool(lost_fields(lines)) and bool(KEY.match(lines.get("sec-websocket-key", "")))


def lost_fields(lines: dict[str, str]) -> list[str]:
    """Which of the two fields that make it an upgrade are missing.  §4.1, §4.2.1"""
    missing = []
    if "websocket" not in lines.get("upgrade", "").lower():
        missing.append("Upgrade: websocket")
    if "upgrade" not in lines.get("connection", "").lower():
        missing.append("Connection: Upgrade")
    return missing


def faults(exchange: Exchange) -> list[str]:
    """What the request lacks, §4.2.1 and RFC 8441 §4."""
    lines = exchange.request
    wrong: list[str] = []
    if exchange.method == "CONNECT":
        return wrong
    if exchange.method != "GET":
        wrong.append(f"has the method {exchange.method[:20]} in place of GET")
    if exchange.version == "HTTP/1.0":
        wrong.append("is HTTP/1.0, which has no Upgrade")
    if not lines.get("host"):
        wrong.append("has no Host")
    if "websocket" not in lines.get("upgrade", "").lower():
        wrong.append("has no Upgrade: websocket")
    if "upgrade" not in lines.get("connection", "").lower():
        wrong.append("has no Upgrade in Connection")
    key = lines.get("sec-websocket-key")
    if key is None:
        wrong.append("has no Sec-WebSocket-Key")
    elif not KEY.match(key):
        wrong.append("has a Sec-WebSocket-Key that is not 16 bytes in base64")
    version = lines.get("sec-websocket-version")
    if version is None:
        wrong.append("has no Sec-WebSocket-Version")
    elif version.strip() != VERSION:
        wrong.append(f"asks for version {version[:20]}, and not 13")
    return wrong


# --- the answer -------------------------------------------------------------------------------------------------------


def answered(exchange: Exchange) -> Outputs:
    place = exchange.answered or exchange.asked
    status, lines = exchange.status, exchange.response
    connected = exchange.method == "CONNECT" and 200 <= status < 300
    opened = status == SWITCHING or connected
    fields: dict[str, Value] = {"status": status, "reason": exchange.reason, **taken(lines, ANSWERED)}
    said = [f"{status} {exchange.reason}".rstrip()]
    facts: dict[str, Value] = {"status": status}
    late = not exchange.method  # the request came before the capture began
    if late:
        facts["http_version"] = exchange.version
    if "server" in lines:
        facts["server"] = lines["server"][:MAX_VALUE_CHARACTERS]
    findings: list[Finding] = []
    if opened:
        if connected:
            said.append(f"this stream of {exchange.version} is a WebSocket now")
        findings.extend(judged(exchange, said, fields))
        for name, field in (("subprotocol", "sec-websocket-protocol"), ("extensions", "sec-websocket-extensions")):
            if lines.get(field):
                facts[name] = lines[field][:MAX_VALUE_CHARACTERS]
                said.append(f"{name} {lines[field][:120]}")
    elif not exchange.facts.get("stripped"):  # else it is told of the request
        findings.append(refusal(exchange))
    if lines.get("via"):
        said.append(f"via {lines['via'][:80]}")
    if not opened:
        facts["close_codes_seen"] = [ABNORMAL, None]  # what a page is told of it
    kind = "websocket.accept" if opened else "websocket.refuse"
    yield Note(kind, ", ".join(said), place, fields)
    yield About(None, facts)
    exchange.facts["faulty"] = opened and bool(findings)
    failed = opened and any(finding.code in FATAL for finding in findings)
    outcome = Outcome.FAILED if failed or not opened else Outcome.PARTIAL if late else Outcome.ESTABLISHED
    yield Phase("upgrade", exchange.asked.time_ns, place.time_ns, outcome, None if late else 1)
    yield from findings


def judged(exchange: Exchange, said: list[str], fields: dict[str, Value]) -> list[Finding]:
    """What is wrong with an answer that agrees; the client has to fail the connection then.  §4.1"""
    lines, request = exchange.response, exchange.request
    places = [exchange.asked, exchange.answered or exchange.asked]
    found = []
    missing = [] if exchange.status != SWITCHING else lost_fields(lines)
    if missing:
        text = f"The answer has no {' and no '.join(missing)}: the client must drop the connection."
        found.append(Finding("websocket.upgrade-malformed", text, places))
    if not exchange.method:
        return found
    key = request.get("sec-websocket-key")
    if exchange.status == SWITCHING and key is not None:
        told, right = lines.get("sec-websocket-accept"), accept_of(key)
        fields["accept_fits"] = told == right
        if told == right:
            said.append("Sec-WebSocket-Accept fits the key")
        else:
            what = "no Sec-WebSocket-Accept" if told is None else f"Sec-WebSocket-Accept {told[:60]}"
            text = f"The answer has {what}; to the key {key[:60]} it has to be {right}."
            found.append(Finding("websocket.upgrade-bad-accept", text, places))
    chosen = lines.get("sec-websocket-protocol")
    offered = [one.strip() for one in request.get("sec-websocket-protocol", "").split(",")]
    if chosen and chosen.strip() not in offered:
        text = f"The server chose {chosen[:80]!r}; offered was {', '.join(filter(None, offered))[:200] or 'none'}."
        found.append(Finding("websocket.upgrade-subprotocol-not-offered", text, places))
    elif not chosen and any(offered):
        text = f"Offered was {', '.join(filter(None, offered))[:200]}; the answer has no Sec-WebSocket-Protocol."
        found.append(Finding("websocket.upgrade-no-subprotocol", text, places))
    known = {name for name, _ in extensions(request.get("sec-websocket-extensions", ""))}
    extra = [name for name, _ in extensions(lines.get("sec-websocket-extensions", "")) if name not in known]
    if extra:
        text = f"The server uses {', '.join(extra)[:200]}; offered was {', '.join(sorted(known))[:200] or 'none'}."
        found.append(Finding("websocket.upgrade-extension-not-offered", text, places))
    return found


def refusal(exchange: Exchange) -> Finding:
    """Why there is no WebSocket, by the status and by what the request had."""
    status, lines, request = exchange.status, exchange.response, exchange.request
    places = [exchange.asked, exchange.answered or exchange.asked]
    reason = f"{status} {exchange.reason}".rstrip()
    text = f"The request for {title_of(exchange)[:200]} was answered with {reason}"
    versions = lines.get("sec-websocket-version")
    if status in (400, 426) and versions and request.get("sec-websocket-version", "").strip() not in versions:
        asked_for = request.get("sec-websocket-version", "none")[:20]
        text = f"{text}: the server speaks version {versions[:40]}, the request asks for {asked_for}."
        return Finding("websocket.upgrade-version-unsupported", text, places)
    if status in (401, 407):
        scheme = lines.get("www-authenticate", lines.get("proxy-authenticate", "")).partition(" ")[0][:40]
        return Finding("websocket.upgrade-unauthorised", f"{text}{f' ({scheme})' if scheme else ''}.", places)
    if status == 403:
        origin = request.get("origin")
        return Finding(
            "websocket.upgrade-forbidden", f"{text}{f'; its Origin is {origin[:200]}' if origin else ''}.", places
        )
    if 300 <= status < 400:
        location = lines.get("location")
        return Finding("websocket.upgrade-redirected", f"{text}{f' to {location[:200]}' if location else ''}.", places)
    if status in (200, 426) and not faults(exchange):
        found = Finding("websocket.upgrade-stripped", f"{text}, as if it had not asked for one.", places)
        if "via" in lines:
            found.cause = f"The answer came through a proxy (Via: {lines['via'][:80]}), which does not pass on Upgrade "
            found.cause += "and Connection, or speaks HTTP/1.0 to the server."
        return found
    return Finding("websocket.upgrade-refused", f"{text}.", places)


def accept_of(key: str) -> str:
    """What Sec-WebSocket-Accept has to be.  §4.2.2"""
    from base64 import b64encode
    from hashlib import sha1

    digest = sha1((key.strip() + GUID).encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")


# --- fields -----------------------------------------------------------------------------------------------------------


def taken(lines: dict[str, str], names: tuple[str, ...]) -> dict[str, Value]:
    return {name.replace("-", "_"): lines[name][:MAX_VALUE_CHARACTERS] for name in names if name in lines}


def extensions(value: str) -> list[tuple[str, dict[str, str]]]:
    """The extensions that a field names, in order, with their parameters; one without a value has "".  §9.1"""
    found = []
    for part in value.split(",")[:MAX_OFFERS]:
        name, *parameters = (one.strip() for one in part.split(";")[:MAX_OFFERS])
        if name:
            pairs = (one.partition("=") for one in parameters if one)
            found.append((name.lower(), {key.strip().lower(): told.strip().strip('"') for key, _, told in pairs}))
    return found
