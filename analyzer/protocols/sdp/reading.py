"""SDP read line by line into fields (RFC 8866 §5, RFC 8839 §5, RFC 8841 §5).

What a line says is kept by the name of its grammar in snake_case; lines that break it are counted and left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Value

MAX_LINES: Final = 20_000
MAX_MEDIA: Final = 256
MAX_LISTED: Final = 500  # of candidates, codecs, sources, ... of one medium
MAX_OTHERS: Final = 64  # names of attributes that are kept without their values
MAX_CHARACTERS: Final = 1024  # of a value that is kept
DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
#: Attributes that stand in the fields as they are.
PLAIN: Final = frozenset(
    {"ice-ufrag", "ice-pwd", "setup", "mid", "tls-id", "ice-options", "msid", "simulcast", "identity", "rtcp"}
)
#: Attributes without a value.
FLAGS: Final = frozenset(
    {"ice-lite", "rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "end-of-candidates", "bundle-only", "extmap-allow-mixed"}
)
MAX_RECENT: Final = 32
_APT: Final = re.compile(r"\bapt=([0-9]{1,3})(?![0-9])")
NUMBERS: Final = frozenset({"sctp-port", "max-message-size", "ptime", "maxptime"})


def read(text: str) -> dict[str, Value]:
    """The fields of a description: those of the session, and `media` with those of each medium."""
    fields: dict[str, Value] = {"media": []}
    part = fields
    broken = 0
    for line in text.splitlines()[:MAX_LINES]:
        kind, equals, value = line.strip()[:65536].partition("=")
        if not equals or len(kind) != 1:
            broken += bool(line.strip())
            continue
        if kind == "m":
            medium = medium_of(value)
            if medium is None:
                broken += 1
            elif len(fields["media"]) < MAX_MEDIA:
                fields["media"].append(medium)
                part = medium
        elif kind == "a":
            name, _, told = value.partition(":")
            broken += not attribute(part, name.strip(), told.strip())
        elif kind == "c":
            words = value.split()
            if len(words) == 3:
                part["connection_address"] = words[2].partition("/")[0][:MAX_CHARACTERS]
        elif kind == "o":
            origin = origin_of(value)
            broken += origin is None
            if origin is not None:
                fields["origin"] = origin
        elif kind == "b":
            name, _, told = value.partition(":")
            if told.isdecimal():
                part.setdefault("bandwidth", {})[name[:16]] = int(told[:18])
        elif kind in "vst" and part is fields:
            fields[{"v": "version", "s": "session_name", "t": "time"}[kind]] = value[:MAX_CHARACTERS]
    inherit(fields)
    if broken:
        fields["broken_lines"] = broken
    return fields


def inherit(fields: dict[str, Value]) -> None:
    """What the session says holds for each medium that does not say otherwise: the address, §5.7."""
    address = fields.get("connection_address")
    for medium in fields["media"]:
        if address is not None:
            medium.setdefault("connection_address", address)


def origin_of(value: str) -> dict[str, Value] | None:
    words = value[:MAX_CHARACTERS].split()
    if len(words) != 6:
        return None
    names = ("username", "sess_id", "sess_version", "nettype", "addrtype", "unicast_address")
    return dict(zip(names, words, strict=True))


def medium_of(value: str) -> dict[str, Value] | None:
    words = value.split()
    if len(words) < 3:
        return None
    port = words[1].partition("/")[0]
    if not port.isdecimal() or int(port[:6]) > 0xFFFF:
        return None
    formats = [word[:64] for word in words[3 : 3 + MAX_LISTED]]
    return {"media": words[0][:32], "port": int(port), "proto": words[2][:64], "fmt": formats}


# --- attributes -------------------------------------------------------------------------------------------------------


def attribute(part: dict[str, Value], name: str, value: str) -> bool:
    """Add an attribute to its part; False where its value breaks the grammar."""
    key = name.lower().replace("-", "_")
    lower = name.lower()
    if lower in PLAIN:
        part[key] = value[:MAX_CHARACTERS]
    elif lower in FLAGS:
        part[key] = True
    elif lower in NUMBERS:
        if not value.isdecimal():
            return False
        part[key] = int(value[:18])
    elif lower in DIRECTIONS:
        part["direction"] = lower
    elif lower in READERS:
        plural, reader = READERS[lower]
        found = reader(value[:65536])
        if found is None:
            return False
        kept = part.setdefault(plural, [])
        if len(kept) < MAX_LISTED:
            kept.append(found)
    elif lower == "sctp-init":
        part["sctp_init"] = value[:MAX_CHARACTERS]
    elif lower == "sctpmap":  # what there was before a=sctp-port: the port comes first
        number = value.partition(" ")[0]
        if not number.isdecimal():
            return False
        part["sctp_port"] = int(number[:6])
    elif lower == "fmtp":
        repaired(part, value)
    elif lower and lower not in ("rtcp-fb", "ice-pacing"):
        others = part.setdefault("attributes", [])
        if len(others) < MAX_OTHERS and lower[:64] not in others:
            others.append(lower[:64])
    return True


def repaired(part: dict[str, Value], value: str) -> None:
    """Which payload type the packets of another repeat.  RFC 4588 §8.1"""
    number, _, parameters = value[:MAX_CHARACTERS].partition(" ")
    found = _APT.search(parameters)
    if found is None or not number.isdecimal():
        return
    codecs = part.get("rtpmap", ())
    for codec in codecs[-MAX_RECENT:]:  # its rtpmap came just before
        if codec["payload_type"] == int(number[:6]):
            codec["associated_payload_type"] = int(found[1])


def candidate_of(value: str) -> dict[str, Value] | None:
    """A candidate, with or without "a=" and "candidate:" in front.  RFC 8839 §5.1"""
    text = value.strip()
    text = text.removeprefix("a=").removeprefix("candidate:")
    words = text[:MAX_CHARACTERS].split()
    if len(words) < 8 or words[6].lower() != "typ":
        return None
    if not (words[1].isdecimal() and words[3].isdecimal() and words[5].isdecimal()) or int(words[5][:6]) > 0xFFFF:
        return None
    found: dict[str, Value] = {
        "foundation": words[0],
        "component": int(words[1][:6]),
        "transport": words[2].lower(),
        "priority": int(words[3][:18]),
        "address": words[4],
        "port": int(words[5][:6]),
        "type": words[7].lower(),
    }
    for name, told in zip(words[8::2], words[9::2], strict=False):
        if name == "raddr":
            found["related_address"] = told
        elif name == "rport" and told.isdecimal():
            found["related_port"] = int(told[:6])
        elif name in ("tcptype", "ufrag", "generation", "network-id", "network-cost"):
            found[name.replace("-", "_").replace("tcptype", "tcp_type")] = told
    if words[4].endswith(".local"):
        found["mdns"] = True
    return found


def fingerprint_of(value: str) -> dict[str, Value] | None:
    words = value.split()
    return {"hash": words[0].lower()[:32], "value": words[1].upper()[:256]} if len(words) == 2 else None


def rtpmap_of(value: str) -> dict[str, Value] | None:
    number, _, rest = value.partition(" ")
    encoding, _, rates = rest.strip().partition("/")
    rate, _, channels = rates.partition("/")
    if not number.isdecimal() or not encoding or not rate.isdecimal():
        return None
    found: dict[str, Value] = {"payload_type": int(number[:6]), "encoding": encoding[:64], "clock_rate": int(rate[:12])}
    if channels.isdecimal():
        found["channels"] = int(channels[:6])
    return found


def extmap_of(value: str) -> dict[str, Value] | None:
    number, _, uri = value.partition(" ")
    number = number.partition("/")[0]
    return {"id": int(number[:6]), "uri": uri.strip()[:256]} if number.isdecimal() and uri.strip() else None


def ssrc_of(value: str) -> dict[str, Value] | None:
    number, _, rest = value.partition(" ")
    name, _, told = rest.partition(":")
    if not number.isdecimal() or len(number) > 10:
        return None
    return {name[:32]: told[:256], "ssrc": int(number)} if name else {"ssrc": int(number)}


def ssrc_group_of(value: str) -> dict[str, Value] | None:
    words = value.split()
    numbers = [int(word) for word in words[1:MAX_LISTED] if word.isdecimal() and len(word) < 11]
    return {"semantics": words[0][:32], "ssrcs": numbers} if words else None


def group_of(value: str) -> dict[str, Value] | None:
    words = value.split()
    return {"semantics": words[0][:32], "mids": [word[:64] for word in words[1:MAX_LISTED]]} if words else None


def rid_of(value: str) -> dict[str, Value] | None:
    words = value.split()
    return {"id": words[0][:64], "direction": words[1][:16]} if len(words) > 1 else None


READERS: Final[dict[str, tuple[str, Callable[[str], dict[str, Value] | None]]]] = {
    "candidate": ("candidates", candidate_of),
    "fingerprint": ("fingerprints", fingerprint_of),
    "rtpmap": ("rtpmap", rtpmap_of),
    "extmap": ("extmap", extmap_of),
    "ssrc": ("ssrcs", ssrc_of),
    "ssrc-group": ("ssrc_groups", ssrc_group_of),
    "group": ("groups", group_of),
    "rid": ("rids", rid_of),
}
