"""Verdicts on what both ends offered, and on the servers that they asked (RFC 8445 §5.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Outcome, Place, Severity
from analyzer.sessions.webrtc import findings as codes
from analyzer.sessions.webrtc.ice import established
from analyzer.sessions.webrtc.phases import at, first_exchange, ms
from analyzer.sessions.webrtc.view import HOST, NAMES, PRFLX, RELAY, SRFLX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Endpoint
    from analyzer.sessions.webrtc.signalling import Candidate
    from analyzer.sessions.webrtc.view import Asked, View

SLOW_NS: Final = 500_000_000
#: After the answer, checks begin at once; without any for so long there is nothing to check.
NO_CHECKS_NS: Final = 5_000_000_000
#: Verdicts on a relay that say why there are no candidates.
TURN: Final = "turn."


def findings(view: View) -> Iterator[Finding]:
    for finding in (
        no_pairs(view),
        udp_blocked(view),
        slow(view),
        symmetric_nat(view),
        hairpin(view),
        *(one(view, side) for side in (0, 1) for one in (host_only, relay_only)),
    ):
        if finding is not None:
            yield finding


def no_pairs(view: View) -> Finding | None:
    """Offer and answer came through, and nothing was checked.  RFC 8445 §6.1.2.2"""
    offers, answers = first_exchange(view)
    if not offers or not answers or any(pair.checked for pair in view.pairs) or established(view):
        return None
    place = answers[-1].note.at
    if view.end_ns - place.time_ns < NO_CHECKS_NS:
        return None
    why = why_no_pairs(view)
    if not why:
        return None
    text = f"Offer and answer are there ({at(offers[0].note.at)} and {at(place)}), and no check was sent: {why}."
    refused = any(finding.code.startswith(TURN) for story in view.call for finding in story.findings)
    # That a relay refused says it all: this is what came of it.
    severity = Severity.NOTICE if refused else None
    return Finding(codes.NO_PAIRS, text, [offers[0].note.at, place], severity=severity)


def why_no_pairs(view: View) -> str:
    missing = [side for side in (0, 1) if not view.offered[side]]
    if missing:
        whose = " and ".join(NAMES[side] for side in missing)
        return f"{whose} offered no candidate"
    for side in (0, 1):
        if all(one.is_name for one in view.offered[side]):
            return f"{NAMES[side]} offered only names (.local), which are looked up by multicast"
    kinds = [{kind_of(one) for one in view.offered[side] if not one.is_name} for side in (0, 1)]
    if not kinds[0] & kinds[1]:
        said = [", ".join(sorted(one)) for one in kinds]
        return f"A offered {said[0]} and B {said[1]}, which have nothing in common"
    return ""


def kind_of(candidate: Candidate) -> str:
    return f"{'IPv6' if ':' in candidate.at.address else 'IPv4'} over {candidate.protocol.upper() or 'UDP'}"


def udp_blocked(view: View) -> Finding | None:
    """Servers asked over UDP are silent, a relay over TCP or TLS is not.  RFC 8656 §3.1"""
    silent = [one for one in view.asked.values() if one.transport == "udp" and one.outcome is Outcome.UNANSWERED]
    granted = [one for one in view.asked.values() if one.transport == "tcp" and one.granted is not None]
    for one in granted:
        deaf = [other for other in silent if other.client.address == one.client.address and other.first is not None]
        heard = any(
            pair.works and pair.protocol == "udp" and not pair.relayed and one.client.address == end.address
            for pair in view.pairs
            for end in pair.ends
        )
        if deaf and not heard and one.granted is not None:
            text = (
                f"{deaf[0].server} gave no answer over UDP; the relay {one.server} did over TCP "
                f"({at(one.granted)}), and nothing came to {one.client.address} over UDP."
            )
            places = [place for place in (deaf[0].first, one.granted) if place is not None]
            return Finding(codes.UDP_BLOCKED, text, places)
    return None


def slow(view: View) -> Finding | None:
    worst: tuple[int, Asked] | None = None
    for one in view.asked.values():
        if one.first is not None and one.granted is not None:
            took = one.granted.time_ns - one.first.time_ns
            if took > SLOW_NS and (worst is None or took > worst[0]):
                worst = took, one
    if worst is None:
        return None
    took, one = worst
    what = "relayed" if one.relay else "server-reflexive"
    text = f"{one.server} gave {one.client} a {what} address after {ms(took)}; {ms(SLOW_NS)} is what people wait for."
    places = [place for place in (one.first, one.granted) if place is not None]
    return Finding(codes.SLOW_GATHERING, text, places)


def symmetric_nat(view: View) -> Finding | None:
    """One socket, seen from outside with several ports.  RFC 4787 §4.1"""
    seen: dict[Endpoint, Asked] = {}
    for one in view.asked.values():
        if not one.mapped.port or one.mapped == one.client or one.transport != "udp":
            continue
        before = seen.setdefault(one.client, one)
        if before.mapped.address == one.mapped.address and before.mapped.port != one.mapped.port:
            text = f"{one.client} is {before.mapped} for {before.server} and {one.mapped} for {one.server}."
            places = [place for place in (before.granted, one.granted) if place is not None]
            return Finding(codes.SYMMETRIC_NAT, text, places or Place((), view.session.start_ns))
    for side in (0, 1):
        offered = {one.at.address: one for one in view.offered[side] if one.kind == SRFLX}
        ports = {one.at.port for one in view.offered[side]}
        for pair in view.pairs:
            end = pair.ends[side]
            known = offered.get(end.address)
            if known is None or pair.types[side] != PRFLX or end.port in ports or pair.protocol != "udp":
                continue
            first = pair.ways[side].first
            if first is not None:
                text = (
                    f"{NAMES[side]} offered {known.at} as its address outside, and its check came from {end} "
                    f"({at(first)})."
                )
                return Finding(codes.SYMMETRIC_NAT, text, [known.note.at, first])
    return None


def hairpin(view: View) -> Finding | None:
    """Both have the same address outside, and the pair of these does not work.  RFC 4787 §6"""
    outside = [{one.at.address for one in view.offered[side] if one.kind == SRFLX} for side in (0, 1)]
    hosts = {one.at.address for side in (0, 1) for one in view.offered[side] if one.kind == HOST}
    same = sorted((outside[0] & outside[1]) - hosts)
    if not same:
        return None
    failed = [
        pair
        for pair in view.pairs
        if any(end.address == same[0] for end in pair.ends) and pair.state(view.end_ns) == "failed"
    ]
    if not failed:
        return None
    first = next((way.first for way in failed[0].ways if way.first is not None), None)
    text = (
        f"A and B are both {same[0]} outside; checks between {failed[0].ends[0]} and {failed[0].ends[1]} got no answer."
    )
    works = any(pair.works for pair in view.pairs)
    severity = Severity.INFO if works else None
    return Finding(codes.HAIRPIN, text, first or Place((), view.session.start_ns), severity=severity)


def host_only(view: View, side: int) -> Finding | None:
    """A server was asked, and gave nothing.  RFC 8445 §5.1.1.2"""
    own = [one for one in view.asked.values() if of_side(view, one, side)]
    if (
        not own
        or any(one.granted is not None for one in own)
        or any(one.kind in (SRFLX, RELAY) for one in view.offered[side])
    ):
        return None
    if any(pair.types[side] in (SRFLX, RELAY) for pair in view.pairs) or not view.offered[side]:
        return None
    servers = ", ".join(dict.fromkeys(str(one.server) for one in own))
    result = "refused" if any(one.errors for one in own) else "did not answer"
    text = f"{NAMES[side]} has only local addresses to offer: {servers} {result}."
    places = [place for one in own for place in (one.first, one.last) if place is not None]
    return Finding(codes.HOST_ONLY, text, places[:8])


def relay_only(view: View, side: int) -> Finding | None:
    """Every candidate of a side is relayed.  RFC 8828"""
    offered = view.offered[side]
    if not offered or any(one.kind != RELAY for one in offered):
        return None
    if any(pair.types[side] not in (RELAY, "") for pair in view.pairs):
        return None
    addresses = ", ".join(dict.fromkeys(str(one.at) for one in offered))
    text = f"{NAMES[side]} offers only what it has from a relay: {addresses}."
    return Finding(codes.RELAY_ONLY, text, offered[0].note.at)


def of_side(view: View, asked: Asked, side: int) -> bool:
    """Whether it was A or B that asked: by the address it has in pairs, or offered."""
    host = asked.client.address
    if any(pair.ends[side].address == host for pair in view.pairs):
        return True
    return any(host in (one.at.address, one.related.address) for one in view.offered[side])
