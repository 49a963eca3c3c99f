"""Finding descriptions and candidates in messages: plain, inside JSON, or inside strings of JSON inside JSON.

There is no standard for how an application signals; what is recognised is SDP itself, and the members that browsers'
objects have (RTCSessionDescription, RTCIceCandidate).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from analyzer.protocols.sdp.reading import candidate_of, read

if TYPE_CHECKING:
    from analyzer.core import Value

MAX_NODES: Final = 20_000  # of a JSON text that are looked at
MAX_NESTED: Final = 4  # JSON inside strings of JSON
MAX_FOUND: Final = 256  # in one message
PREFIX_CHARACTERS: Final = 64  # before the JSON: Socket.IO has "42", others a topic
KIND_CHARACTERS: Final = 64  # of a member that says what a message is

_START: Final = re.compile(r"v=0\r?\n")
_VERSION: Final = re.compile(rb"v=0(?:\r?\n|\\+[rn])")
_JSON: Final = re.compile(r"[\[{\"]")
_KIND: Final = re.compile(r"\b(offer|answer|pranswer)\b", re.IGNORECASE)


class Found:
    """Something signalled: `kind` is "offer", "answer", "pranswer", "candidate", or "" for an SDP of unknown type."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: str, fields: dict[str, Value]) -> None:
        self.kind = kind
        self.fields = fields


def probe(data: bytes) -> bool:
    """Whether a message may have something to find: asked of every message of a WebSocket, so it has to be cheap."""
    # Not `in`, which tries whether the bytes on its left are a number first: that costs several times as much.
    if data.find(b"candidate") >= 0 and (data.find(b"candidate:") >= 0 or data.find(b'"candidate"') >= 0):
        return True
    return data.find(b"v=0") >= 0 and _VERSION.search(data) is not None


def find(text: str) -> list[Found]:
    """All descriptions and candidates of a message, in their order."""
    found: list[Found] = []
    start = _START.search(text)
    json_at = _JSON.search(text, 0, PREFIX_CHARACTERS)
    if json_at is not None and (start is None or json_at.start() < start.start()):
        value = decoded(text[json_at.start() :])
        if value is not None:
            walk(value, found)
            return found
    if start is not None:
        kind = _KIND.search(text, 0, start.start())
        found.append(Found(kind[1].lower() if kind else "", read(text[start.start() :])))
    elif "a=candidate:" in text or text.startswith("candidate:"):
        fragment(text, found)
    return found


def fragment(text: str, found: list[Found]) -> None:
    """Candidates that come without a description (RFC 8840 §4, as WHIP has them)."""
    fields = read(text)
    ufrag = fields.get("ice_ufrag")
    parts = [fields, *fields["media"]]
    if text.startswith("candidate:"):
        one = candidate_of(text)
        parts = [{"candidates": [] if one is None else [one]}]
    for part in parts:
        for candidate in part.get("candidates", [])[:MAX_FOUND]:
            own = {"candidate": candidate, "username_fragment": part.get("ice_ufrag", ufrag) or candidate.get("ufrag")}
            found.append(Found("candidate", own))


def decoded(text: str) -> Any:
    """The value of a JSON text, None where it is none; what stands behind it is left."""
    import json

    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def walk(value: Any, found: list[Found]) -> None:
    """Look through a JSON value without recursion, within bounds."""
    pending: list[tuple[Any, int, str]] = [(value, 0, "")]
    for _ in range(MAX_NODES):
        if not pending or len(found) >= MAX_FOUND:
            return
        node, depth, kind = pending.pop()
        if isinstance(node, dict):
            kind = told_kind(node) or kind
            candidate = node.get("candidate")
            if isinstance(candidate, str):
                add_candidate(node, candidate, found)
            inner = [
                (one, depth, kind_of(key, kind)) for key, one in node.items() if key != "candidate" or one != candidate
            ]
            if isinstance(candidate, dict):
                inner.append((candidate, depth, kind))
            pending.extend(reversed(inner[:MAX_NODES]))
        elif isinstance(node, list):
            pending.extend((one, depth, kind) for one in reversed(node[:MAX_NODES]))
        elif isinstance(node, str):
            add_text(node, depth, kind, found, pending)


def told_kind(node: dict[str, Any]) -> str:
    """What an object says that it is."""
    for name in ("type", "kind"):
        told = node.get(name)
        if isinstance(told, str) and told:
            return told[:KIND_CHARACTERS].lower()
    return ""


def kind_of(key: str, kind: str) -> str:
    """Members are called "offer" and "answer" where nothing is called "type"."""
    lower = key[:KIND_CHARACTERS].lower()
    return lower if lower in ("offer", "answer", "pranswer") else kind


def add_text(text: str, depth: int, kind: str, found: list[Found], pending: list[tuple[Any, int, str]]) -> None:
    start = _START.search(text, 0, PREFIX_CHARACTERS)
    if start is not None:
        told = _KIND.search(kind)
        found.append(Found(told[1].lower() if told else "", read(text[start.start() :])))
    elif text.startswith(("candidate:", "a=candidate:")):
        fragment(text.removeprefix("a="), found)
    elif depth < MAX_NESTED and text[:1] in ("{", "[") and probe(text.encode("utf-8", "surrogatepass")):
        inner = decoded(text)
        if inner is not None:
            pending.append((inner, depth + 1, kind))


def add_candidate(node: dict[str, Any], candidate: str, found: list[Found]) -> None:
    """An object like RTCIceCandidate; an empty candidate says that no more will follow.  RFC 8838 §8.2"""
    fields: dict[str, Value] = {}
    names = (("sdpMid", "sdp_mid"), ("sdpMLineIndex", "sdp_mline_index"), ("usernameFragment", "username_fragment"))
    for name, key in names:
        told = node.get(name)
        if isinstance(told, str | int):
            fields[key] = told if isinstance(told, int) else told[:256]
    if not candidate:
        if fields:
            found.append(Found("candidate", {**fields, "candidate": None, "end_of_candidates": True}))
        return
    one = candidate_of(candidate)
    if one is not None:
        if "ufrag" in one:
            fields.setdefault("username_fragment", one["ufrag"])
        found.append(Found("candidate", {**fields, "candidate": one}))
