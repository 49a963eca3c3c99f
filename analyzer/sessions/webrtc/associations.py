"""What SCTP does against what both ends said of it: ports, sizes, handshakes sent ahead (RFC 8841)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Severity, Side
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.ends import kind
from analyzer.sessions.webrtc.phases import at
from analyzer.sessions.webrtc.view import NAMES, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Place
    from analyzer.sessions.webrtc.signalling import Description
    from analyzer.sessions.webrtc.view import View

#: What the codes of rooms inside DTLS begin with.
INNER: Final = ("sctp.", "datachannel.")
#: Verdicts of the rooms on what comes of ports, or of a handshake, that one side alone knows of.
COVERED: Final = frozenset(
    {"sctp.init-unanswered", "sctp.abort", "sctp.bad-vtag", "sctp.peer-failed", "datachannel.open-unacked"}
)


def findings(view: View) -> Iterator[Finding]:
    for finding in (ports(view), snap(view), parity(view), too_big(view)):
        if finding is not None:
            yield finding


def tell_once(view: View) -> None:
    """Keep the first of each verdict that rooms of SCTP and its channels have: both legs of a relay show the same."""
    told: set[str] = set()
    for story in sorted(view.call, key=lambda story: story.flow.first_frame):
        kept = []
        for finding in story.findings:
            if finding.code.startswith(INNER):
                if finding.code in told:
                    continue
                told.add(finding.code)
            kept.append(finding)
        if len(kept) < len(story.findings):
            story.findings = kept


# --- ports ------------------------------------------------------------------------------------------------------------


def ports(view: View) -> Finding | None:
    """A port that is not the signalled one.  RFC 8841 §5.1, §9"""
    for story in view.call:
        used = story.facts.get("sctp_ports")
        first = view.side_in(story.flow.id, Side.INITIATOR)
        if not isinstance(used, list) or len(used) != 2 or first < 0 or view.sctp.first is None:
            continue
        for side in (0, 1):
            told = [one for one in view.told[side] if one.sctp_port is not None]
            if told and all(one.sctp_port != used[side ^ first] for one in told):
                return wrong_port(view, side, told[0], (used[first], used[1 - first]), view.sctp.first)
    return None


def wrong_port(view: View, side: int, told: Description, used: tuple[int, int], first: Place) -> Finding:
    text = (
        f"SCTP runs between port {used[0]} of A and port {used[1]} of B ({at(first)}); the {kind(told)} of "
        f"{NAMES[side]} ({at(told.note.at)}) has a=sctp-port:{told.sctp_port}."
    )
    severity = None
    if view.sctp.acknowledged is not None or all(view.sctp.data):
        text += " The association came to be all the same."
        severity = Severity.WARNING
    elif view.sctp.abort is not None:
        text += f" It was aborted ({at(view.sctp.abort)})."
    else:
        text += " It was not answered."
    return Finding(codes.PORT_MISMATCH, text, [told.note.at, first], severity=severity)


# --- handshakes sent ahead --------------------------------------------------------------------------------------------


def snap(view: View) -> Finding | None:
    """INIT in both descriptions: whether both ends did without the handshake.  draft-hancke-tsvwg-snap"""
    told = [next((one for one in view.told[side] if one.sctp_init), None) for side in (0, 1)]
    offer, answer = told
    if offer is None or answer is None:
        return None
    places = [offer.note.at, answer.note.at]
    where = f"frames {' and '.join(str(place.frames[-1]) for place in places if place.frames)}"
    sctp = view.sctp
    if offer.sctp_init == answer.sctp_init:
        text = (
            f"A and B signal the very same INIT ({where}): the {kind(answer)} only gives back what it was given. A "
            f"takes the association for open; B knows of none."
        )
        return Finding(codes.SNAP_BROKEN, text, places)
    for side in (0, 1):
        asked, spoke = sctp.inits[side], sctp.data[1 - side]
        if asked is not None and spoke is not None and sctp.acknowledged is None:
            text = (
                f"Both signalled their INIT ({where}). {NAMES[1 - side]} sends data ({at(spoke)}); {NAMES[side]} sends "
                f"an INIT ({at(asked)}) and waits for its answer."
            )
            return Finding(codes.SNAP_BROKEN, text, [*places, asked, spoke])
    spoken = next((place for place in sctp.data if place is not None), None)
    if spoken is None or any(sctp.inits):
        return None
    text = f"Both signalled their INIT ({where}); data follow at once ({at(spoken)})."
    return Finding(codes.SNAP, text, [*places, spoken])


# --- channels ---------------------------------------------------------------------------------------------------------


def parity(view: View) -> Finding | None:
    """A channel with a stream id of the other side, by who is DTLS client.  RFC 8832 §6"""
    client, told = view.dtls.client, any(code.code == codes.PARITY for story in view.call for code in story.findings)
    if client < 0 or all(view.dtls.hellos) or told:
        return None
    for note in view.opens:
        side, stream = view.side(note), note.fields.get("stream_identifier")
        if side < 0 or not isinstance(stream, int) or stream & 1 == (0 if side == client else 1):
            continue
        hello = view.dtls.hellos[client][0]
        text = (
            f"{NAMES[side]} opened a channel on stream {stream} ({at(note.at)}), and is DTLS "
            f"{'client' if side == client else 'server'} (ClientHello in {at(hello)}): its stream ids have to be "
            f"{'even' if side == client else 'odd'}."
        )
        return Finding(codes.PARITY, text, [hello, note.at])
    return None


# --- sizes ------------------------------------------------------------------------------------------------------------


def too_big(view: View) -> Finding | None:
    """A message beyond what its receiver said it takes; 0 stands for any size.  RFC 8841 §6.1"""
    for side in (0, 1):
        largest = view.sctp.largest[side]
        told = [one for one in view.told[1 - side] if one.max_message_size is not None]
        if largest is None or not told:
            continue
        limits = [one.max_message_size or 0 for one in told]
        if 0 in limits or size_of(largest) <= max(limits):
            continue
        text = (
            f"{NAMES[side]} sent a message of {size_of(largest):,} bytes ({at(largest.at)}); the {kind(told[-1])} of "
            f"{NAMES[1 - side]} ({at(told[-1].note.at)}) has a=max-message-size:{limits[-1]}."
        )
        return Finding(codes.TOO_BIG, text, [told[-1].note.at, largest.at])
    return None
