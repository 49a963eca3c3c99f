"""What is wrong on a path, and what only looks so: findings with their words and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import About, Finding, Outcome, Phase, Severity
from analyzer.protocols.stun import findings, names, wording
from analyzer.protocols.stun.messages import mapped_of, relayed_of
from analyzer.protocols.stun.passwords import is_valid
from analyzer.protocols.stun.registries import METHODS

if TYPE_CHECKING:
    from analyzer.core import Outputs, Place
    from analyzer.protocols.stun.messages import Message
    from analyzer.protocols.stun.state import Allocation, Half

LOST_NS: Final = 5_000_000_000  # browsers call a path disconnected after that long without an answer
LOST_REQUESTS: Final = 4
CONSENT_NS: Final = 30_000_000_000  # RFC 7675 §5.1: by then sending must stop
MAX_ERRORS: Final = 16  # in the facts
STALE_LOOP: Final = 3  # answers 438 in a row; one is by design
ELSEWHERE: Final = "An answer that took another way than this capture point would not be seen."

#: Errors of TURN that speak for themselves.
BY_CODE: Final = {
    403: findings.FORBIDDEN_PEER,
    437: findings.MISMATCH,
    440: findings.FAMILY,
    441: findings.WRONG_CREDENTIALS,
    442: findings.TRANSPORT,
    443: findings.FAMILY,
    486: findings.QUOTA,
    508: findings.CAPACITY,
}


def bad_fingerprint(message: Message, place: Place) -> Finding:
    text = f"The CRC in FINGERPRINT of this {message.fields['message_type']['name']} is not that of its bytes."
    return Finding(findings.BAD_FINGERPRINT, wording.sentence(text), place)


def rewritten(message: Message, place: Place) -> Finding | None:
    plain, xored = message.fields.get("mapped_address"), message.fields.get("xor_mapped_address")
    if not isinstance(plain, dict) or not isinstance(xored, dict) or plain == xored:
        return None
    text = f"MAPPED-ADDRESS is {wording.joined(plain)}, XOR-MAPPED-ADDRESS is {wording.joined(xored)}"
    return Finding(findings.ALG_REWRITE, wording.sentence(text), place)


def unknown_attribute(message: Message, evidence: list[Place]) -> Finding:
    unknown = message.fields.get("unknown_attributes")
    which = " and ".join(one["name"] for one in unknown[:4]) if isinstance(unknown, list) and unknown else "something"
    return Finding(findings.UNKNOWN_ATTRIBUTE, f"420: {which} is not understood.", evidence)


def redirect(message: Message, evidence: list[Place]) -> Finding:
    where = message.fields.get("alternate_server")
    text = f"300: the client is to try {wording.joined(where)}" if isinstance(where, dict) else "300"
    return Finding(findings.REDIRECT, wording.sentence(text), evidence)


def challenge(message: Message, evidence: list[Place]) -> Finding:
    realm = message.fields.get("realm")
    text = f"The first request is answered 401{f', realm {realm}' if realm else ''}."
    return Finding(findings.CHALLENGE, text, evidence)


def role_conflict(conflicts: list[Place], solved: bool) -> Finding:
    if solved:
        text = "a check was answered 487 Role Conflict; one side switched, and checks succeeded"
        return Finding(findings.ROLE_CONFLICT, wording.sentence(text), conflicts, severity=Severity.NOTICE)
    return Finding(findings.ROLE_CONFLICT, "Checks were answered 487 Role Conflict, and none succeeded.", conflicts)


def of_answer(turn: Allocation, message: Message, request: Message | None, evidence: list[Place]) -> Outputs:
    """What an answer of a relay means for the allocation."""
    place = evidence[-1]
    _keep(turn, message, place)
    if message.method == names.ALLOCATE:
        turn.answers += 1
    if message.message_class == names.SUCCESS:
        turn.stale = 0
        lifetime = message.fields.get("lifetime")
        if lifetime is not None and message.method in (names.ALLOCATE, names.REFRESH):
            turn.until_ns = place.time_ns + lifetime * 1_000_000_000 if lifetime else 0
        if message.method == names.ALLOCATE:
            yield from _given(turn, message, place)
        return
    code = message.error
    if code == 401:
        if request is None:
            return
        if not request.integrity:
            if not turn.challenged:
                turn.challenged = True
                yield challenge(message, evidence)
            return
        turn.refused = True
        if findings.AUTH_FAILED not in turn.told:
            turn.told.add(findings.AUTH_FAILED)
            user, realm = request.fields.get("username"), message.fields.get("realm")
            who = f"user {user}" if isinstance(user, str) else "the client"
            text = f"{who} sent credentials and was refused: {wording.text_of(message, None)}"
            if isinstance(user, str) and isinstance(realm, str) and request.fields.get("realm", realm) != realm:
                text += f" (the credentials are for realm {request.fields['realm']})"
            if isinstance(user, str):
                text += expired(user, place.time_ns)
            valid = is_valid(request)
            if valid is not None:
                text += f"; it was {'' if valid else 'not '}signed with the password that was given here for this user"
            yield Finding(findings.AUTH_FAILED, wording.sentence(text), evidence)
            if valid is False:
                what = request.fields["message_type"]["name"]
                text = f"MESSAGE-INTEGRITY of the {what} of {who} was not made with the password that was given here"
                yield Finding(findings.BAD_INTEGRITY, wording.sentence(text), evidence)
        return
    if code == 438:
        turn.stale += 1
        if turn.stale == STALE_LOOP and findings.NONCE_LOOP not in turn.told:
            turn.told.add(findings.NONCE_LOOP)
            turn.refused = True
            text = f"{turn.stale} requests in a row were answered 438 Stale Nonce."
            yield Finding(findings.NONCE_LOOP, text, evidence)
        return
    if message.method == names.ALLOCATE and code != 300:
        turn.refused = True
    found = BY_CODE.get(code)
    late_ns = place.time_ns - turn.until_ns if turn.until_ns else 0
    if found == findings.MISMATCH and late_ns > 0:
        found = findings.EXPIRED
    if found is None or found in turn.told:
        return
    turn.told.add(found)
    what = message.fields["message_type"]["name"].removesuffix(" Error Response")
    text = f"{what} was answered: {wording.text_of(message, None)}"
    if request is not None and request.peers:
        text += f" (peer {', '.join(wording.end(peer) for peer in request.peers[:3])})"
    if found == findings.EXPIRED:
        text += f"; its lifetime was over {late_ns / 1e9:.0f} s before"
    severity = None
    if found == findings.MISMATCH and request is not None and request.fields.get("lifetime") == 0:
        severity = Severity.INFO  # it was to be given up, and is gone
    yield Finding(found, wording.sentence(text), evidence, severity=severity)


def _keep(turn: Allocation, message: Message, place: Place) -> None:
    """Facts of an answer."""
    facts, fields = turn.facts, message.fields
    realm = fields.get("realm")
    if isinstance(realm, str):
        facts["turn_realm"] = realm
    if message.error:
        if len(turn.errors) < MAX_ERRORS:
            error = fields["error_code"]
            turn.errors.append(
                {
                    "method": METHODS.get(message.method) or f"0x{message.method:03x}",
                    "code": message.error,
                    "reason": error["reason"] or error["name"],
                    "ns": place.time_ns,
                    "frame": max((span.frame for span in place.spans), default=0),
                }
            )
            facts["turn_errors"] = turn.errors
    elif message.method == names.ALLOCATE:
        facts["turn_allocated_ns"] = place.time_ns
    elif message.method == names.REFRESH:
        turn.refreshes += 1
        facts["turn_refreshes"] = turn.refreshes
        if fields.get("lifetime") == 0:
            facts["turn_released_ns"] = place.time_ns


def expired(user: str, now_ns: int) -> str:
    """For a user name that begins with the time until which it is good: by how much that is over."""
    until, colon, _ = user.partition(":")
    if not (until.isascii() and until.isdigit() and 9 <= len(until) <= 10) or not (colon or len(user) == len(until)):
        return ""
    late_s = now_ns // 1_000_000_000 - int(until)
    return f"; by its user name it expired {late_s:,} s before" if late_s > 0 else ""


def _given(turn: Allocation, message: Message, place: Place) -> Outputs:
    fields = message.fields
    facts = turn.facts
    relayed, mapped = relayed_of(message), mapped_of(message)
    if isinstance(relayed, dict):  # some relays give none: their clients use the server's own address
        facts["turn_relayed_address"] = wording.joined(relayed)
    if isinstance(mapped, dict):
        facts["turn_mapped_address"] = wording.joined(mapped)
    for name in ("lifetime", "software"):
        if name in fields:
            facts[f"turn_{name}"] = fields[name]
    if turn.given:
        return
    turn.given = True
    yield About(None, dict(facts))
    first = place if turn.first is None else turn.first
    yield Phase("turn", first.time_ns, max(place.time_ns, first.time_ns), Outcome.ESTABLISHED, turn.answers)


def at_end(half: Half, other: Half, end_ns: int, refused: int = 0, stream: bool = False) -> Outputs:
    """What can be said of the requests of one side once there are no more."""
    first, last = half.first, half.last
    if first is None or last is None:
        return
    if half.unanswered(end_ns):
        if refused:
            return  # by ICMP, which says why
        what = "connectivity checks" if half.checks else "requests"
        seconds = (last.time_ns - first.time_ns) / 1e9
        text = f"{half.sent} {what} in {seconds:.1f} s, none of them answered"
        if half.gaps:
            gaps = [f"{gap / 1e9:.1f}" for gap in half.gaps if gap >= 50_000_000]
            text += f" (one was sent again after {', '.join(gaps)} s)" if gaps and not stream else ""
        if other.sent:
            text += f"; {other.sent} of the other side came the other way"
        severity = Severity.NOTICE if half.checks else None
        places = [first, last]
        found = Finding(findings.NO_RESPONSE, wording.sentence(text), places, limits=ELSEWHERE, severity=severity)
        if stream:
            found.cause, found.advice = findings.SILENT_STREAM
        yield found
    elif half.checks and half.success_ns and half.silent >= LOST_REQUESTS:
        silence_ns = last.time_ns - half.last_answer_ns
        if silence_ns >= LOST_NS:
            text = f"{half.silent} checks in {silence_ns / 1e9:.1f} s after the last answer, none of them answered"
            if silence_ns >= CONSENT_NS:
                text += ": consent has expired"
            places = [last] if half.first_silent is None else [half.first_silent, last]
            yield Finding(findings.CONSENT_LOST, wording.sentence(text), places, limits=ELSEWHERE)
    if half.refusals:
        solved = bool(half.success_ns)
        text = f"{len(half.refusals) // 2} of {half.checks} checks refused with 400 or 401"
        if solved:
            text += "; others succeeded"
        severity = Severity.NOTICE if solved else None
        yield Finding(findings.CHECK_REFUSED, wording.sentence(text), half.refusals, severity=severity)


def outcome_of(half: Half, end_ns: int, refused: int) -> Outcome:
    """How a phase of Binding requests ended that none was answered well; `refused` are those by ICMP."""
    if half.answered or refused:
        return Outcome.FAILED
    return Outcome.UNANSWERED if half.unanswered(end_ns) else Outcome.OPEN
