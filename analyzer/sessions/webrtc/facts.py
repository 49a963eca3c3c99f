"""What a call was, in a title and in facts: its ends, its pairs, its keys, its channels and streams, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome
from analyzer.sessions.webrtc import channels as of_channels
from analyzer.sessions.webrtc import media
from analyzer.sessions.webrtc.view import NAMES, RELAY

if TYPE_CHECKING:
    from analyzer.core import Session, Value
    from analyzer.sessions.webrtc.pairs import Pair
    from analyzer.sessions.webrtc.phases import Step
    from analyzer.sessions.webrtc.view import View

MAX_ROWS: Final = 32  # of a table; the other pairs are counted
MAX_HOSTS: Final = 3
MAX_TITLE: Final = 60
#: Facts of the rooms that hold for the whole call.
KEPT: Final = (
    "dtls_version",
    "cipher_suite",
    "group",
    "srtp_profile",
    "decrypted",
    "not_decrypted_because",
    "turn_username",
    "turn_relayed_address",
    "turn_lifetime",
)


def title_of(view: View, outcome: Outcome) -> str:
    """`A 10.77.0.1 <-> B 10.77.0.2, data channel "chat"`."""
    ends = []
    for side in (0, 1):
        hosts = view.hosts(side)
        said = ", ".join(hosts[:MAX_HOSTS]) + (", ..." if len(hosts) > MAX_HOSTS else "")
        if view.selected is not None and view.selected.types[side] == RELAY:
            relay = view.selected.ends[side].address
            said = f"by relay {relay}" if hosts == [relay] else f"{said} by relay {relay}"
        ends.append(f"{NAMES[side]} {said}".rstrip())
    what = contents(view)
    if outcome in (Outcome.FAILED, Outcome.UNANSWERED) and view.selected is None and view.pairs:
        what = "no path for media or data"
    elif not view.pairs:
        what = "nothing beyond signalling" if view.told[0] or view.told[1] else what
    return f"{ends[0]} <-> {ends[1]}{f', {what}' if what else ''}"


def contents(view: View) -> str:
    """What the call is for: channels by their labels, media by their kinds."""
    said: list[str] = []
    labels = [str(note.fields.get("label") or "") for note in view.opens]
    labels = list(dict.fromkeys(label for label in labels if label))
    if labels:
        first = labels[0] if len(labels[0]) <= MAX_TITLE else f"{labels[0][: MAX_TITLE - 3]}..."
        more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
        said.append(f'data channel "{first}"{more}')
    offered = list(dict.fromkeys(kind for told in view.told for one in told for kind in one.media))
    kinds = [kind for kind in offered if kind in ("audio", "video")]
    if kinds:
        said.append(" and ".join(kinds))
    if not said and "application" in offered:
        said.append("data channel")
    if not said and view.streams:
        said.append("media")
    return ", ".join(said)


def facts_of(view: View, steps: list[Step]) -> dict[str, Value]:
    found: dict[str, Value] = {"a": end_of(view, 0), "b": end_of(view, 1)}
    if view.controlling >= 0:
        found["controlling"] = NAMES[view.controlling]
    if view.dtls.client >= 0:
        found["dtls_client"] = NAMES[view.dtls.client]
    if view.selected is not None:
        found["selected_pair"] = selected_of(view, view.selected)
    if view.pairs:
        found["pairs"] = [row(view, pair) for pair in view.pairs[:MAX_ROWS]]
        if len(view.pairs) + view.checks.dropped > MAX_ROWS:
            found["pairs_not_listed"] = len(view.pairs) + view.checks.dropped - MAX_ROWS
    for name in KEPT:
        for story in view.call:
            if name in story.facts:
                found[name] = story.facts[name]
                break
    channels = of_channels.rows(view)
    if channels:
        found["channels"] = channels[:MAX_ROWS]
    streams = media.rows(view)
    if streams:
        found["streams"] = streams[:MAX_ROWS]
    set_up = [step.phase for step in steps]
    if set_up and all(phase.outcome is Outcome.ESTABLISHED for phase in set_up):
        total_ns = max(phase.end_ns for phase in set_up) - min(phase.start_ns for phase in set_up)
        found["set_up_ms"] = round(total_ns / 1e6, 3)
    found["summary"] = summary(view, steps)
    waited = {step.phase.name: step.waited for step in steps if step.waited}
    if waited:
        found["waited_for"] = waited
    return found


def summary(view: View, steps: list[Step]) -> list[str]:
    """The call in sentences: who is who, which way it went, and what each step waited for."""
    said = []
    for side in (0, 1):
        parts = []
        if view.told[side]:
            parts.append("made the offer" if side == 0 else "answered")
        if view.controlling >= 0:
            parts.append("controlling" if view.controlling == side else "controlled")
        if view.dtls.client >= 0:
            parts.append(f"DTLS {'client' if view.dtls.client == side else 'server'}")
        if parts:
            said.append(f"{NAMES[side]}: {', '.join(parts)}")
    sentences = [". ".join(said) + "."] if said else []
    pair = view.selected
    if pair is not None:
        kinds = " and ".join(dict.fromkeys(kind for kind in pair.types if kind))
        path = "through a relay" if RELAY in pair.types else "direct"
        words = ", ".join(word for word in (path, kinds, pair.family, pair.protocol.upper()) if word)
        sentences.append(f"Path: {pair.ends[0]} - {pair.ends[1]} ({words}). {capital(why_selected(view, pair))}.")
    sentences += [f"{step.phase.name}: {step.waited}." for step in steps if step.waited]
    return sentences


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def end_of(view: View, side: int) -> dict[str, Value]:
    """One end: its addresses, its ufrags, its part in ICE and DTLS, what it offered."""
    found: dict[str, Value] = {"addresses": view.hosts(side)[:MAX_ROWS]}
    ufrags: dict[str, None] = {}
    for description in view.told[side]:
        for ufrag in description.ufrags:
            ufrags[ufrag] = None
    for story in view.call:
        for known in (story.facts, *(story.facts.get("ice_relayed_paths") or ())):
            for names in (known.get("ice_ufrags") or {}).values():
                for ufrag in names:
                    if view.call.side_of(ufrag) == side:
                        ufrags[ufrag] = None
    if ufrags:
        found["ice_ufrags"] = list(ufrags)[:MAX_ROWS]
    offered = view.offered[side]
    if offered:
        seen: dict[str, None] = {}
        for one in offered:
            seen[f"{one.kind} {one.at} {one.protocol}".rstrip()] = None
        found["candidates"] = list(seen)[:MAX_ROWS]
    prints: dict[str, None] = {}
    for description in view.told[side]:
        for value in description.fingerprints.get("sha-256", {}):
            prints[value] = None
    if prints:
        found["fingerprints"] = list(prints)[:MAX_ROWS]
    certificates = list(view.dtls.certificates[side])
    if certificates:
        found["certificate_sha256"] = certificates[0]
    setup = next((one.setup for one in view.told[side] if one.setup), "")
    if setup:
        found["setup"] = setup
    return found


def selected_of(view: View, pair: Pair) -> dict[str, Value]:
    """The pair that won, and why."""
    relay = RELAY in pair.types
    found: dict[str, Value] = {
        "a": str(pair.ends[0]),
        "b": str(pair.ends[1]),
        "types": [kind or None for kind in pair.types],
        "protocol": pair.protocol,
        "family": pair.family,
        "path": "relay" if relay else "direct",
        "why": why_selected(view, pair),
    }
    rtts = [way.rtt_ns for way in pair.ways if way.rtt_ns]
    if rtts:
        found["rtt_ms"] = round(min(rtts) / 1e6, 3)
    return found


def why_selected(view: View, pair: Pair) -> str:
    if not pair.nominated_ns:
        return "it carried what was sent; no nomination was seen" if any(pair.data) else "no nomination was seen"
    side = 0 if pair.ways[0].nominated_ns >= pair.ways[1].nominated_ns else 1
    said = f"{NAMES[side]}, controlling, nominated it"
    working = [one for one in view.pairs if one.works]
    if len(working) == 1:
        return f"{said}; no other pair worked" if len(view.pairs) > 1 else f"{said}; no other pair was tried"
    first = min(working, key=lambda one: one.first_ns)
    nominated = sum(1 for one in view.pairs if one.nominated_ns)
    if nominated > 1:
        return f"{said}, and used it among {nominated} that were nominated"
    return f"{said}; it was the first to be checked" if first is pair else f"{said} among {len(working)} that worked"


def row(view: View, pair: Pair) -> dict[str, Value]:
    """A line of the table of pairs; pairs of numbers are those of A, then of B."""
    lasts = [way.last.time_ns for way in pair.ways if way.last is not None]
    state = pair.state(view.end_ns)
    if pair.nominated_ns:
        state = "nominated"
    found: dict[str, Value] = {
        "a": str(pair.ends[0]),
        "b": str(pair.ends[1]),
        "state": "selected" if pair is view.selected else state,
        "checks": [way.sent for way in pair.ways],
        "answers": [way.answered for way in pair.ways],
    }
    found["types"] = [kind or "?" for kind in pair.types] if any(pair.types) else None
    rtts = [way.rtt_ns for way in pair.ways if way.rtt_ns]
    found["rtt_ms"] = round(min(rtts) / 1e6, 3) if rtts else None
    found["protocol"] = pair.protocol
    found["first_ns"] = pair.first_ns
    found["last_ns"] = max(lasts, default=pair.first_ns)
    why = why_failed(pair)
    if why:
        found["why"] = why
    return found


def why_failed(pair: Pair) -> str:
    """Why a pair did not come to work, as far as it can be seen; empty for one that did."""
    if pair.works or not pair.checked:
        return ""
    if pair.icmp:
        return pair.icmp
    codes = sorted({code for way in pair.ways for code in way.errors})
    if codes:
        return f"refused with {' and '.join(map(str, codes))}"
    senders = [side for side in (0, 1) if pair.ways[side].sent]
    if len(senders) == 2:
        return "both ends sent checks, and neither was answered"
    side = senders[0]
    return f"no answer, and no check of {NAMES[1 - side]} came here"


def span(session: Session) -> int:
    return session.end_ns - session.start_ns
