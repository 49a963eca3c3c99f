"""Checks against the passwords that were signalled: MESSAGE-INTEGRITY (RFC 8489 §9.1, §14.5; RFC 8445 §7.1.3)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Place, Severity, Span
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.ice import established
from analyzer.sessions.webrtc.phases import at
from analyzer.sessions.webrtc.view import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Value
    from analyzer.sessions.webrtc.signalling import Description
    from analyzer.sessions.webrtc.view import View

#: The fact in which the room of STUN leaves what can be verified.
CHECKS: Final = "ice_checks"
ALGORITHMS: Final = frozenset({"sha1", "sha256"})
MAX_TRIED: Final = 64  # of one call: messages that are verified
MAX_PASSWORDS: Final = 16  # with which each is tried
REQUEST: Final = "request"


def bad_integrity(view: View) -> Finding | None:
    """The first check that fits none of the passwords that its receiver's descriptions have for that ufrag."""
    known = passwords(view)
    if not known:
        return None
    tried = 0
    for username, sample, first_ns in samples(view):
        ufrag = username.partition(":")[0]
        right = known.get(ufrag)
        if not right or sample.get("class") != REQUEST:
            continue
        tried += 1
        if tried > MAX_TRIED:
            break
        if any(fits(sample, password) is not False for password in right):
            continue
        return told(view, username, sample, first_ns, known)
    return None


def verified(view: View) -> dict[str, Value] | None:
    """How many checks and answers were made with the password that the receiver of the check has signalled."""
    known = passwords(view)
    if not known:
        return None
    right = wrong = tried = 0
    for username, sample, _ in samples(view):
        found = known.get(username.partition(":")[0])
        if not found or tried >= MAX_TRIED:
            continue
        tried += 1
        results = [fits(sample, password) for password in found]
        right += any(results)
        wrong += all(result is False for result in results)
    return {"messages": tried, "right": right, "wrong": wrong} if tried else None


def passwords(view: View) -> dict[str, dict[str, Description]]:
    """The passwords of each ufrag, with the description that has it."""
    known: dict[str, dict[str, Description]] = {}
    for side in (0, 1):
        for description in view.told[side]:
            for ufrag, password in description.ufrags.items():
                kept = known.setdefault(ufrag, {})
                if password and len(kept) < MAX_PASSWORDS:
                    kept.setdefault(password, description)
    return known


def samples(view: View) -> Iterator[tuple[str, dict[str, Value], int]]:
    """User name, what can be verified, and when the first check with that name was sent."""
    for story in view.call:
        for facts in (story.facts, *(story.facts.get("ice_relayed_paths") or ())):
            for one in facts.get(CHECKS) or ():
                username = one.get("username")
                if isinstance(username, str) and ":" in username:
                    for sample in one.get("integrity") or ():
                        yield username, sample, one.get("first_ns") or 0


def fits(sample: dict[str, Value], password: str) -> bool | None:
    """Whether a message was made with this password; None for one that can't be verified."""
    algorithm = sample.get("algorithm")
    try:
        covered, found = bytes.fromhex(str(sample.get("input"))), bytes.fromhex(str(sample.get("integrity")))
    except ValueError:
        return None
    if algorithm not in ALGORITHMS or not found:
        return None
    return hmac.compare_digest(hmac.digest(password.encode(), covered, str(algorithm))[: len(found)], found)


def told(
    view: View, username: str, sample: dict[str, Value], first_ns: int, known: dict[str, dict[str, Description]]
) -> Finding:
    theirs, _, ours = username.partition(":")
    side = view.call.side_of(ours)
    sender = NAMES[side] if side >= 0 else "the sender"
    frame = sample.get("frame")
    place = Place((Span(frame, 0, 0),) if isinstance(frame, int) else (), first_ns)
    description = next(iter(known[theirs].values()))
    kind = "offer" if description.is_offer else "answer"
    text = (
        f"The check of {sender} for {theirs} ({at(place)}) was not made with the ice-pwd that the {kind} in "
        f"{at(description.note.at)} has for it."
    )
    for other, found in known.items():
        for password, whose in found.items():
            if other != theirs and fits(sample, password):
                text += f" It was made with the one of ice-ufrag {other}, of {at(whose.note.at)}."
                break
    refused = sum(pair.ways[side].errors.get(401, 0) for pair in view.pairs) if side >= 0 else 0
    if refused:
        text += f" {refused} check{'s were' if refused > 1 else ' was'} refused with 401."
    severity = Severity.WARNING if established(view) else None
    return Finding(codes.BAD_INTEGRITY, text, [description.note.at, place], severity=severity)
