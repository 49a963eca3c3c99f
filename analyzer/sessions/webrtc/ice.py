"""Verdicts on the checks of a call as a whole: what no single path shows (RFC 8445)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Place
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.phases import at, first_exchange, ms
from analyzer.sessions.webrtc.view import HOST, NAMES, RELAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.sessions.webrtc.pairs import Pair
    from analyzer.sessions.webrtc.view import View

#: Browsers give up after 15 s; before this nobody can say that it failed.
GIVEN_UP_NS: Final = 4_000_000_000
#: A path without an answer for so long is called disconnected by browsers; consent ends after 30 s.
LOST_NS: Final = 4_500_000_000
LOST_CHECKS: Final = 4
CONSENT_NS: Final = 30_000_000_000
MAX_LISTED: Final = 8


def findings(view: View) -> Iterator[Finding]:
    failed = all_failed(view)
    if failed is not None:
        yield failed
    else:
        lost = consent_lost(view)
        if lost is not None:
            yield lost


def all_failed(view: View) -> Finding | None:
    """Every pair that was checked had its time, and none was answered.  RFC 8445 §7.2.5.2.3, §7.2.5.2.4"""
    checked = [pair for pair in view.pairs if pair.checked]
    if not checked or view.dtls.phase is not None or any(pair.works for pair in checked):
        return None
    if any(pair.state(view.end_ns) != "failed" for pair in checked):
        return None
    firsts = [way.first for pair in checked for way in pair.ways if way.first is not None]
    lasts = [way.last for pair in checked for way in pair.ways if way.last is not None]
    begin, end = min(firsts, key=lambda one: one.time_ns), max(lasts, key=lambda one: one.time_ns)
    if end.time_ns - begin.time_ns < GIVEN_UP_NS:
        return None
    senders = [side for side in (0, 1) if any(pair.ways[side].sent for pair in checked)]
    said = []
    for side in senders:
        sent = sum(pair.ways[side].sent for pair in checked)
        said.append(f"{NAMES[side]} sent {sent:,} connectivity checks")
    errors = any(way.errors for pair in checked for way in pair.ways)
    result = "none was answered with success" if errors else "got no answer to any"
    text = f"{' and '.join(said)} in {(end.time_ns - begin.time_ns) / 1e9:.1f} s, and {result}. "
    text += "No candidate pair worked, so there was no DTLS, no data channel and no media.\n"
    text += "\n".join(table(view, checked))
    text += f"\n{context(view, checked, senders)}"
    finding = Finding(codes.ALL_FAILED, text, [begin, end])
    finding.cause, finding.advice, finding.limits = explained(view, checked, senders, errors)
    return finding


def table(view: View, pairs: list[Pair]) -> list[str]:
    """A line for each pair: its ends, its types, how many checks, when the first and the last."""
    start_ns = view.session.start_ns
    rows = [("", "checks", "answers", "first at", "last at")]
    for pair in pairs[:MAX_LISTED]:
        for side in (0, 1):
            way = pair.ways[side]
            if way.first is None or way.last is None:
                continue
            one, other = pair.ends[side], pair.ends[1 - side]
            kinds = "/".join(kind for kind in (pair.types[side], pair.types[1 - side]) if kind)
            first, last = (way.first.time_ns - start_ns) / 1e9, (way.last.time_ns - start_ns) / 1e9
            name = f"{NAMES[side]} {one} > {other} {kinds}".rstrip()
            rows.append((name, f"{way.sent:,}", f"{way.answered:,}", f"{first:.3f} s", f"{last:.3f} s"))
    widths = [max(len(cells[column]) for cells in rows) for column in range(5)]
    lines = []
    for cells in rows:
        numbers = "  ".join(cells[column].rjust(widths[column]) for column in range(1, 5))
        lines.append(f"  {cells[0].ljust(widths[0])}  {numbers}")
    if len(pairs) > MAX_LISTED:
        lines.append(f"  and {len(pairs) - MAX_LISTED} more pairs, likewise")
    return lines


def context(view: View, pairs: list[Pair], senders: list[int]) -> str:
    """What is known besides: signalling, and what the other side did."""
    offers, answers = first_exchange(view)
    said = []
    if offers and answers:
        said.append(f"Offer and answer had arrived ({at(offers[-1].note.at)} and {at(answers[-1].note.at)}).")
    elif offers:
        said.append(f"The offer is in {at(offers[0].note.at)}; no answer to it is in the capture.")
    if len(senders) == 1:
        said.append(f"{NAMES[1 - senders[0]]} sent no check of its own.")
    tried = {end for pair in pairs for end in pair.ends}
    untried = []
    for side in (0, 1):
        for one in view.offered[side]:
            if not one.is_name and one.protocol == "udp" and one.at.port and one.at not in tried:
                untried.append(f"{one.kind} {one.at} of {NAMES[side]}")
    untried = list(dict.fromkeys(untried))
    if untried and (view.offered[0] and view.offered[1]):
        more = f" and {len(untried) - 3} more" if len(untried) > 3 else ""
        said.append(f"Offered and not seen in any check: {', '.join(untried[:3])}{more}.")
    elif view.offered[0] and view.offered[1]:
        said.append("All candidates that were offered were tried.")
    return " ".join(said)


def explained(view: View, pairs: list[Pair], senders: list[int], errors: bool) -> tuple[str, str, str]:
    """Cause, advice and limits of a call of which no pair worked."""
    families = sorted({pair.family for pair in pairs})
    both = " for IPv4 and IPv6" if len(families) == 2 else ""
    relay = any(RELAY in (one.kind for one in view.offered[side]) for side in (0, 1)) or any(
        RELAY in pair.types for pair in pairs
    )
    icmp = [pair.icmp for pair in pairs if pair.icmp]
    not_cause = []
    if all(pair.types[0] in ("", HOST) and pair.types[1] in ("", HOST) and local(pair) for pair in pairs):
        not_cause.append("NAT (both ends have addresses of the same network)")
    offers, answers = first_exchange(view)
    if offers and answers:
        took = answers[-1].note.time_ns - offers[0].note.time_ns
        not_cause.append(f"signalling (complete after {ms(took)})")
    if errors:
        cause = "the checks arrive and are refused: user name or password are not those of the other side's description"
        advice = "Compare ice-ufrag and ice-pwd of both descriptions with the user names of the checks."
        return f"{cause[0].upper()}{cause[1:]}.{exonerated(not_cause)}", advice, ""
    if icmp:
        cause = f"The path is refused by ICMP: {icmp[0]}."
    elif len(senders) == 1:
        other = NAMES[1 - senders[0]]
        cause = (
            f"A firewall drops UDP at {other}, in both directions{both}: {other}'s own checks are missing too, and "
            "nobody sent an ICMP error."
        )
    else:
        cause = (
            f"A firewall between the two drops UDP{both}, or the addresses of one cannot be reached from the other's "
            "network: both ends sent checks, and none of them was answered."
        )
    where = NAMES[1 - senders[0]] if len(senders) == 1 else "both ends"
    advice = f"Allow UDP from and to {where}, or give both ends a TURN server that is reachable over TCP or TLS"
    advice += "." if relay else " (none was offered: there is no relayed candidate)."
    if len(senders) == 1:
        advice += f" A capture on {where} would tell whether {NAMES[senders[0]]}'s checks arrive there."
    limits = "Seen from one place of the network; "
    if len(senders) == 1:
        limits += f"what {where} sent may have been dropped before it came here."
    else:
        limits += "answers may have taken another way."
    return cause + exonerated(not_cause), advice, limits


def exonerated(causes: list[str]) -> str:
    return f" Not the cause: {' and '.join(causes)}." if causes else ""


def local(pair: Pair) -> bool:
    """Whether both ends look like one network: the same first 24 bits, or 64 of IPv6."""
    one, other = pair.ends[0].address, pair.ends[1].address
    if ":" in one or ":" in other:
        return one.partition("::")[0] == other.partition("::")[0] or one.split(":")[:4] == other.split(":")[:4]
    return one.rpartition(".")[0] == other.rpartition(".")[0]


def consent_lost(view: View) -> Finding | None:
    """The selected path had answers, and then none any more.  RFC 7675 §5.1"""
    pair = view.selected
    if pair is None or not pair.works:
        return None
    worst: tuple[int, int] | None = None
    for side in (0, 1):
        way = pair.ways[side]
        if way.last is None or not way.last_answer_ns or way.silent < LOST_CHECKS:
            continue
        silence_ns = way.last.time_ns - way.last_answer_ns
        if silence_ns >= LOST_NS and (worst is None or silence_ns > worst[0]):
            worst = silence_ns, side
    if worst is None:
        return None
    silence_ns, side = worst
    # Whoever still answers on another pair has only moved.
    if any(one is not pair and way.last_answer_ns > pair.ways[side].last_answer_ns for one in view.pairs for way in one.ways):
        return None
    way, other = pair.ways[side], NAMES[1 - side]
    text = (
        f"{other} stopped answering: {way.silent:,} checks of {NAMES[side]} in the {silence_ns / 1e9:.1f} s after the "
        f"last answer got none."
    )
    last_ns = max(pair.ways[1 - side].last.time_ns if pair.ways[1 - side].last else 0, pair.data[1 - side])
    if last_ns:
        text += f" The last that was seen of {other} on this path came {(last_ns - view.session.start_ns) / 1e9:.3f} s into the session."
    others = [one for one in view.pairs if one is not pair and one.ways[side].sent and not one.ways[side].answered]
    if others:
        text += f" {len(others)} other pair{'s' if len(others) > 1 else ''} had no answer either."
    if silence_ns >= CONSENT_NS:
        text += " Consent has expired: nothing may be sent any more."
    places = [place for place in (way.silent_first, way.last) if place is not None]
    finding = Finding(codes.CONSENT_LOST, text, places)
    finding.limits = "An answer that took another way than this capture point would not be seen."
    return finding


def place_of(time_ns: int) -> Place:
    return Place((), time_ns)
