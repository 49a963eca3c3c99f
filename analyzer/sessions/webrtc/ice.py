"""Verdicts on the checks of a call as a whole: what no single path shows (RFC 8445)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Outcome, Severity
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.phases import at, first_exchange, ms
from analyzer.sessions.webrtc.view import HOST, NAMES, RELAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Endpoint
    from analyzer.sessions.webrtc.pairs import Pair
    from analyzer.sessions.webrtc.view import View

#: Browsers give up after 15 s; before this nobody can say that it failed.
GIVEN_UP_NS: Final = 4_000_000_000
#: A path without an answer for so long is called disconnected by browsers; consent ends after 30 s.
LOST_NS: Final = 4_500_000_000
LOST_CHECKS: Final = 4
CONSENT_NS: Final = 30_000_000_000
MAX_LISTED: Final = 8
#: A candidate that came so long after the first check was late.
LATE_NS: Final = 500_000_000
#: A call has moved when one part in so many of what it sent went the new way.
MOVED_SHARE: Final = 10


def findings(view: View) -> Iterator[Finding]:
    conflict = role_conflict(view)
    hopeless = conflict is not None and conflict.severity is Severity.ERROR
    failed = None if hopeless else all_failed(view)
    lost = consent_lost(view)
    one_sided = None if hopeless or failed is not None or lost is not None else one_way(view)
    for finding in (
        conflict,
        failed,
        lost,
        asymmetric(view),
        one_sided,
        None if one_sided is not None else never_nominated(view),
        both_lite(view),
        *mismatches(view),
        restart(view),
        late_trickle(view),
        switched(view),
    ):
        if finding is not None:
            yield finding


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
    untried = list(
        dict.fromkeys(
            f"{one.kind} {one.at} of {NAMES[side]}"
            for side in (0, 1)
            for one in view.offered[side]
            if not one.is_name and one.protocol == "udp" and one.at.port and one.at not in tried
        )
    )
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
    if any(
        one is not pair and way.last_answer_ns > pair.ways[side].last_answer_ns
        for one in view.pairs
        for way in one.ways
    ):
        return None
    way, other = pair.ways[side], NAMES[1 - side]
    text = (
        f"{other} stopped answering: {way.silent:,} checks of {NAMES[side]} in the {silence_ns / 1e9:.1f} s after the "
        f"last answer got none."
    )
    heard = pair.ways[1 - side].last
    last_ns = max(0 if heard is None else heard.time_ns, pair.data[1 - side], way.last_answer_ns)
    if last_ns:
        text += (
            f" The last that was seen of {other} came {(last_ns - view.session.start_ns) / 1e9:.3f} s after the start."
        )
    others = [one for one in view.pairs if one is not pair and one.ways[side].sent and not one.ways[side].answered]
    if others:
        text += f" {len(others)} other pair{'s' if len(others) > 1 else ''} had no answer either."
    if silence_ns >= CONSENT_NS:
        text += " Consent has expired: nothing may be sent any more."
    places = [place for place in (way.silent_first, way.last) if place is not None]
    finding = Finding(codes.CONSENT_LOST, text, places)
    finding.limits = "An answer that took another way than this capture point would not be seen."
    return finding


def established(view: View) -> bool:
    """Whether DTLS came through, or whatever else is carried was seen."""
    phase = view.dtls.phase
    if phase is not None:
        return phase.outcome is Outcome.ESTABLISHED
    return bool(view.streams or view.messages)


def role_conflict(view: View) -> Finding | None:
    """487, or both sides with the same role to the end.  RFC 8445 §7.3.1.1, §7.2.5.1"""
    places = [place for pair in view.pairs for way in pair.ways for place in way.conflicts][:MAX_LISTED]
    same = None
    for pair in view.pairs:
        roles = {way.role for way in pair.ways}
        if len(roles) == 1 and "" not in roles and not (pair.works and pair.nominated_ns):
            same = pair
            break
    if not places and same is None:
        return None
    solved = any(pair.works for pair in view.pairs) and same is None
    if same is not None:
        ends = [way.last for way in same.ways if way.last is not None]
        text = f"Both sides say that they are {same.ways[0].role} ({at(ends[0])} and {at(ends[-1])})."
        if places:
            text += f" Checks were answered with 487 Role Conflict ({at(places[-1])}), and nobody switched."
        severity = None if any(pair.works for pair in view.pairs) else Severity.ERROR
        return Finding(codes.ROLE_CONFLICT, text, places or ends, severity=severity)
    text = f"A check was answered with 487 Role Conflict ({at(places[-1])})"
    if solved:
        return Finding(
            codes.ROLE_CONFLICT,
            f"{text}; its sender switched, and checks succeeded.",
            places,
            severity=Severity.NOTICE,
        )
    return Finding(codes.ROLE_CONFLICT, f"{text}, and none succeeded.", places)


def asymmetric(view: View) -> Finding | None:
    """An answer that came from another address than the request had gone to.  RFC 8445 §7.2.5.2.1"""
    if not view.checks.elsewhere:
        return None
    asked, answered, request, response = view.checks.elsewhere[0]
    side = 0 if asked.ends[0] == answered.ends[0] else 1
    many = len(view.checks.elsewhere)
    text = (
        f"The check to {asked.ends[1 - side]} ({at(request)}) was answered from {answered.ends[1 - side]} "
        f"({at(response)})"
    )
    text += f", and {many - 1} more likewise." if many > 1 else "."
    severity = Severity.NOTICE if established(view) else None
    return Finding(codes.ASYMMETRIC, text, [request, response], severity=severity)


def one_way(view: View) -> Finding | None:
    """Checks of one side are answered, those of the other are not or never came.  RFC 8445 §7.3.1.4"""
    if established(view):
        return None
    for pair in view.pairs:
        for side in (0, 1):
            way, back = pair.ways[side], pair.ways[1 - side]
            lite = any(one.lite for one in view.told[1 - side])
            if (
                way.first_answer is None
                or back.answered
                or lite
                or way.last is None
                or way.last.time_ns - way.first_answer.time_ns < GIVEN_UP_NS
            ):
                continue
            other = NAMES[1 - side]
            text = f"{NAMES[side]}'s checks from {pair.ends[side]} to {pair.ends[1 - side]} are answered; "
            if back.sent:
                text += f"of {other}'s own {back.sent:,} the other way none is."
            else:
                text += f"{other} sent none of its own, as it should after the first ({at(way.first_answer)})."
            return Finding(
                codes.ONE_WAY, text, [place for place in (way.first_answer, back.first) if place is not None]
            )
    return None


def never_nominated(view: View) -> Finding | None:
    """Success, and no USE-CANDIDATE, for long.  RFC 8445 §8.1.1"""
    if established(view) or any(way.wanted_ns for pair in view.pairs for way in pair.ways):
        return None
    answers = [way.first_answer for pair in view.pairs for way in pair.ways if way.first_answer is not None]
    if not answers:
        return None
    first = min(answers, key=lambda one: one.time_ns)
    waited_ns = view.end_ns - first.time_ns
    if waited_ns < GIVEN_UP_NS:
        return None
    number = sum(1 for pair in view.pairs if pair.works)
    roles = sorted({way.role for pair in view.pairs for way in pair.ways if way.role})
    text = (
        f"{number} pair{'s' if number > 1 else ''} worked, the first after {at(first)}; no check with USE-CANDIDATE "
        f"followed in {waited_ns / 1e9:.1f} s."
    )
    if roles == ["controlled"]:
        text += " All checks say that their sender is controlled: nobody controls."
    return Finding(codes.NEVER_NOMINATED, text, first)


def both_lite(view: View) -> Finding | None:
    lite = [next((one for one in told if one.lite), None) for told in view.told]
    if lite[0] is None or lite[1] is None:
        return None
    places = [lite[0].note.at, lite[1].note.at]
    text = f"Both descriptions have a=ice-lite ({at(places[0])} and {at(places[1])}): nobody sends checks."
    # Where nothing came of it, it is why.
    return Finding(codes.BOTH_LITE, text, places, severity=None if established(view) else Severity.ERROR)


def mismatches(view: View) -> Iterator[Finding]:
    """A default address that is none of the candidates beside it.  RFC 8445 §5.4, RFC 8839 §5.3"""
    for side in (0, 1):
        for one in view.told[side]:
            known = {candidate.at for candidate in one.candidates}
            names = any(candidate.is_name for candidate in one.candidates)
            wrong = [end for end in one.default if end not in known and not is_placeholder(end)]
            if known and not names and wrong:
                text = (
                    f"The {'offer' if one.is_offer else 'answer'} of {NAMES[side]} ({at(one.note.at)}) has {wrong[0]} "
                    f"as its default address; its candidates are {', '.join(str(end) for end in list(known)[:3])}."
                )
                yield Finding(codes.MISMATCH, text, one.note.at)
                return


def is_placeholder(end: Endpoint) -> bool:
    """What stands in a description for an address that is not known yet: 0.0.0.0, port 9 (RFC 8840 §4.1.1)."""
    return end.port in (0, 9) or end.address in ("0.0.0.0", "::", "127.0.0.1", "::1")


def restart(view: View) -> Finding | None:
    """New ice-ufrags of both sides, in signalling or in checks.  RFC 8445 §9"""
    pairs = [pair for pair in view.pairs if pair.generation and pair.first_ns]
    again = [one for one in view.told[0] if one.is_offer and view.told[0][0].ufrags.keys() != one.ufrags.keys()]
    if not pairs and not again:
        return None
    places = [again[0].note.at] if again else []
    firsts = [way.first for pair in pairs for way in pair.ways if way.first is not None]
    if firsts:
        places.append(min(firsts, key=lambda one: one.time_ns))
    text = "Both sides took new ice-ufrags"
    text += f": a new offer in {at(again[0].note.at)}" if again else f", seen in the checks from {at(places[0])} on"
    done = [way.nominated for pair in pairs for way in pair.ways if way.nominated is not None]
    if done:
        end = min(done, key=lambda one: one.time_ns)
        text += f"; the new path was nominated {ms(end.time_ns - places[0].time_ns)} later ({at(end)})."
        places.append(end)
    else:
        text += "; no pair of the new ones was nominated."
    return Finding(codes.RESTART, text, places)


def late_trickle(view: View) -> Finding | None:
    """The candidate that made the difference came after others had been tried in vain.  RFC 8838 §4.1"""
    pair = view.selected
    firsts = [one.first_ns for one in view.pairs if one.checked and one.generation == (pair.generation if pair else 0)]
    if pair is None or not firsts or pair.first_ns - min(firsts) < LATE_NS:
        return None
    for side in (0, 1):
        for candidate in view.offered[side]:
            trickled = candidate.note.kind == "sdp.candidate" and candidate.at == pair.ends[side]
            if trickled and min(firsts) < candidate.note.time_ns <= pair.first_ns:
                late_ns = candidate.note.time_ns - min(firsts)
                if any(one.works and one is not pair and one.first_ns < pair.first_ns for one in view.pairs):
                    return None
                text = (
                    f"The candidate {candidate.at} of {NAMES[side]}, of the pair that won, was signalled "
                    f"{ms(late_ns)} after checks had begun ({at(candidate.note.at)}); no pair worked before."
                )
                return Finding(codes.LATE_TRICKLE, text, candidate.note.at)
    return None


def switched(view: View) -> Finding | None:
    """What is sent moved from one nominated pair to another, without a restart.  RFC 8445 §9, §12"""
    used = [pair for pair in view.pairs if pair.nominated_ns and any(pair.data)]
    if view.selected is None or len(used) < 2:
        return None
    used = [pair for pair in used if pair.generation == view.selected.generation]
    if len(used) < 2:
        return None
    used.sort(key=lambda pair: max(pair.data))
    last, before = used[-1], used[-2]
    if last.volume * MOVED_SHARE < before.volume or max(last.data) <= max(before.data):
        return None
    way = last.ways[0] if last.ways[0].nominated is not None else last.ways[1]
    if way.nominated is None or not before.dtls or way.nominated.time_ns <= before.dtls:
        return None
    kinds = ["relay" if RELAY in pair.types else "direct" for pair in (before, last)]
    text = (
        f"From {before.ends[0]} - {before.ends[1]} ({kinds[0]}) to {last.ends[0]} - {last.ends[1]} ({kinds[1]}), "
        f"nominated {ms(way.nominated.time_ns - before.dtls)} after DTLS had begun ({at(way.nominated)})."
    )
    dead = any(one.silent >= LOST_CHECKS for one in before.ways)
    if dead:
        text += " The first path had stopped answering."
    severity = Severity.NOTICE if dead or kinds == ["direct", "relay"] else Severity.INFO
    return Finding(codes.SWITCHED, text, way.nominated, severity=severity)
