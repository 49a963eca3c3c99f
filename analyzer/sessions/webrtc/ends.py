"""What both ends do against what they said: certificates and roles of DTLS, beside the descriptions (RFC 8842)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Place, Severity
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.ice import established
from analyzer.sessions.webrtc.phases import at, first_exchange, ms
from analyzer.sessions.webrtc.view import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.sessions.webrtc.signalling import Description
    from analyzer.sessions.webrtc.view import View

SHA256: Final = "sha-256"
SHOWN_BYTES: Final = 8  # of a fingerprint, in words
#: Alerts by which an end says that it does not take the certificate.
REFUSALS: Final = frozenset({"bad_certificate", "certificate_unknown", "unsupported_certificate", "access_denied"})
#: Verdicts of the room on such an alert, which are no news beside the mismatch.
COVERED: Final = frozenset(
    {"dtls.alert-bad-certificate", "dtls.alert-certificate-unknown", "dtls.alert-unsupported-certificate"}
)
#: Nobody begins with DTLS, although a path works: after so long both are waiting.
NO_HELLO_NS: Final = 4_000_000_000


def findings(view: View) -> Iterator[Finding]:
    for finding in (*fingerprints(view), *no_fingerprint(view), roles(view)):
        if finding is not None:
            yield finding


# --- certificates -----------------------------------------------------------------------------------------------------


def fingerprints(view: View) -> list[Finding]:
    """A certificate that is not the announced one, or an announcement that was changed on its way.  RFC 8122 §5"""
    found = []
    for side in (0, 1):
        finding = wrong_certificate(view, side) or changed_on_its_way(view, side)
        if finding is not None:
            found.append(finding)
    return found


def wrong_certificate(view: View, side: int) -> Finding | None:
    certificates = view.dtls.certificates[side]
    told = [one for one in view.told[side] if one.fingerprints.get(SHA256)]
    if not certificates or not told:
        return None
    for value, place in certificates.items():
        wrong = [one for one in told if value not in one.fingerprints[SHA256]]
        if not wrong:
            continue
        right = [one for one in told if value in one.fingerprints[SHA256]]
        where = f" ({at(place)})" if place is not None else ""
        said = next(iter(wrong[0].fingerprints[SHA256]))
        text = (
            f"{NAMES[side]}'s certificate has the sha-256 {shown(value, said)}{where}; the {kind(wrong[0])} in "
            f"{at(wrong[0].note.at)} announces {shown(said, value)}."
        )
        if right:
            text += f" In {at(right[0].note.at)} it had the right one: it was changed on its way."
        text += outcome(view, 1 - side)
        places = [wrong[0].note.at, *([right[0].note.at] if right else []), *([place] if place is not None else [])]
        return first_of_all(view, Finding(codes.FINGERPRINT_MISMATCH, text, places))
    return None


def changed_on_its_way(view: View, side: int) -> Finding | None:
    """Two copies of one description with different fingerprints, where the certificate itself can't be seen."""
    first: dict[str, Description] = {}
    for one in view.told[side]:
        if not one.fingerprints:
            continue
        before = first.setdefault(f"{one.is_offer} {' '.join(one.ufrags)}", one)
        if before.fingerprints == one.fingerprints:
            continue
        values = [
            next((value for known in each.fingerprints.values() for value in known), "") for each in (before, one)
        ]
        text = (
            f"The {kind(one)} of {NAMES[side]} announces {shown(*values)} in {at(before.note.at)}, and "
            f"{shown(*values[::-1])} when it was passed on ({at(one.note.at)}): signalling changed it."
        )
        text += outcome(view, 1 - side)
        finding = Finding(codes.FINGERPRINT_MISMATCH, text, [before.note.at, one.note.at])
        finding.cause = "The signalling server, or code that edits descriptions, put another fingerprint in its place."
        finding.limits = "The certificate itself is encrypted here; its hash was not compared."
        return first_of_all(view, finding)
    return None


def outcome(view: View, side: int) -> str:
    """What the end that got the wrong announcement did."""
    for sender, name, place in view.dtls.alerts:
        if name in REFUSALS and sender in (side, -1):
            return f" {NAMES[side]} refused it: {name} ({at(place)})."
    for sender, name, place in view.dtls.alerts:
        if not name and sender in (side, -1):
            return f" {NAMES[side]} then sent an alert, which is encrypted ({at(place)})."
    for sender, place in view.dtls.alert_sized:
        if sender == side:
            return f" {NAMES[side]} then sent an encrypted record of the size of an alert ({at(place)})."
    return "" if view.messages or view.streams else " No message and no media came afterwards."


def first_of_all(view: View, finding: Finding) -> Finding:
    """It goes before what came of it."""
    finding.at = Place(finding.at.spans, view.session.start_ns)
    return finding


def no_fingerprint(view: View) -> Iterator[Finding]:
    for side in (0, 1):
        bare = next((one for one in view.told[side] if not one.fingerprints), None)
        if bare is not None:
            text = f"The {kind(bare)} of {NAMES[side]} ({at(bare.note.at)}) has ice-ufrag, and no a=fingerprint."
            severity = Severity.NOTICE if established(view) else None
            yield Finding(codes.FINGERPRINT_MISSING, text, bare.note.at, severity=severity)


# --- roles ------------------------------------------------------------------------------------------------------------


def roles(view: View) -> Finding | None:
    """Who sent the ClientHello against who was to.  RFC 8842 §5.3, RFC 5763 §5"""
    offers, answers = first_exchange(view)
    setups = [found[0].setup if found else "" for found in (offers, answers)]
    said = f"a=setup is {setups[0] or 'not there'} in the offer and {setups[1] or 'not there'} in the answer"
    sent = [bool(hellos) for hellos in view.dtls.hellos]
    places = [found[0].note.at for found in (offers, answers) if found]
    if all(sent):
        hellos = [min(one, key=lambda place: place.time_ns) for one in view.dtls.hellos]
        text = f"A and B both sent a ClientHello ({at(hellos[0])} and {at(hellos[1])})"
        text += f"; {said}." if places else "."
        severity = Severity.WARNING if established(view) else None
        return Finding(codes.DTLS_ROLES, text, hellos, severity=severity)
    if not offers or not answers:
        return None
    expected = {"active": 1, "passive": 0}.get(setups[1], -1)
    if any(sent):
        client = 0 if sent[0] else 1
        if expected < 0 or client == expected:
            return None
        hello = view.dtls.hellos[client][0]
        text = f"{NAMES[client]} sent the ClientHello ({at(hello)}); {said}, so {NAMES[expected]} was to."
        severity = Severity.WARNING if established(view) else None
        return Finding(codes.DTLS_ROLES, text, [*places, hello], severity=severity)
    nominated = [way.nominated for pair in view.pairs for way in pair.ways if way.nominated is not None]
    if not nominated or view.dtls.phase is not None or any(any(pair.data) for pair in view.pairs):
        return None
    ready = min(nominated, key=lambda place: place.time_ns)
    if view.end_ns - ready.time_ns < NO_HELLO_NS:
        return None
    text = (
        f"A pair was nominated ({at(ready)}), and neither side sent a ClientHello in the "
        f"{ms(view.end_ns - ready.time_ns)} that followed; {said}."
    )
    if expected >= 0:
        text += f" It was for {NAMES[expected]} to begin."
    return Finding(codes.DTLS_ROLES, text, [*places, ready])


# --- words ------------------------------------------------------------------------------------------------------------


def kind(description: Description) -> str:
    return "offer" if description.is_offer else "answer"


def shown(value: str, other: str) -> str:
    """A fingerprint as descriptions write it, as far as it takes to see where it differs: `AB:CD:...`, `...:EF`."""
    pairs = [value[index : index + 2].upper() for index in range(0, len(value), 2)]
    same = next((index for index, pair in enumerate(pairs) if other[2 * index : 2 * index + 2].upper() != pair), 0)
    start = 0 if same < SHOWN_BYTES else min(same - 1, max(len(pairs) - SHOWN_BYTES, 0))
    said = ":".join(pairs[start : start + SHOWN_BYTES])
    return ("...:" if start else "") + said + ("..." if start + SHOWN_BYTES < len(pairs) else "")
