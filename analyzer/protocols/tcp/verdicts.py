"""What was wrong with a connection, judged at its end from what was seen of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Finding, Severity, Side
from analyzer.protocols.tcp.messages import MS, NS, count, listed, not_returned, span_text, times
from analyzer.protocols.tcp.names import (
    PROHIBITED,
    PROHIBITED_6,
    Flag,
    icmp_name,
    is_exceeded,
    is_too_big,
    is_unreachable,
    later,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from analyzer.core import Flow, IcmpError, Segment, Spot, TcpSummary
    from analyzer.protocols.tcp.state import End, Repeat, Seen

WAIT_NS: Final = 3 * NS  # a lone SYN without answer says nothing before (RFC 6298 §2.1: one second, then two)
LATE_NS: Final = 200 * MS  # a repeated handshake that cost less harmed nobody
STALL_NS: Final = 200 * MS  # a zero window that a person or a timer could notice
LONG_PATH_NS: Final = 50 * MS
UNSCALED_WINDOW: Final = 65_535
SMALL_MSS: Final = 1360
TINY_MSS: Final = 536  # what is assumed without the option (§3.7.1): smaller is no clamping
FULL_BYTES: Final = 1000  # a segment from this size on may be too big for some path
NAGLE_LEAST: Final = 3  # stalls of a sender, before they are no coincidence
TTL_SLACK: Final = 2  # hops by which a TTL may differ when the route changes
BACKOFF_COPIES: Final = 3
LOSS_SHARE: Final = 0.05
LOSS_LEAST: Final = 10
ANSWER_NS: Final = 10 * NS  # a RST later than this is no reaction to the first bytes
RESET_AFTER_IDLE_NS: Final = 3 * NS

IDLE_TEXT: Final = "30 s"  # Event.AFTER_IDLE

CLIENT: Final = "The client"
SERVER: Final = "The server"
NAMES: Final = (CLIENT, SERVER)


def judge(seen: Seen, flow: Flow, capture_end_ns: int) -> Iterator[Finding]:
    tcp = flow.tcp
    if tcp is None:
        return
    made = seen.established is not None
    if not made:
        yield from not_made(seen, flow, tcp, capture_end_ns)
    yield from handshake(seen, flow, tcp)
    yield from agreed(seen, tcp)
    yield from icmp(seen, flow, made, tcp)
    yield from held_back(seen, tcp)
    if seen.ends[0].is_quiet and seen.ends[1].is_quiet:
        return
    told = yield from transport(seen, flow, tcp)
    yield from windows(seen, flow)
    yield from resets(seen, flow, tcp, told)


def reach(flow: Flow, tcp: TcpSummary, *, syn: bool = True) -> str:
    """What in the capture could make a verdict wrong: one direction, a late start, losses."""
    said = []
    if not flow.packets[1]:
        said.append(
            "The capture holds only packets of the client: if it sees one direction of the path only, answers may "
            "have come and not be here."
        )
    elif not flow.packets[0]:
        said.append("The capture holds only packets of the server.")
    if syn and tcp.syn is None:
        said.append("The capture starts after the handshake of this connection.")
    if any(tcp.lost_bytes):
        said.append(f"The capture itself lacks {count(sum(tcp.lost_bytes), 'byte')} of this connection.")
    return " ".join(said)


# --- a connection that was not made -----------------------------------------------------------------------------------


def not_made(seen: Seen, flow: Flow, tcp: TcpSummary, capture_end_ns: int) -> Iterator[Finding]:
    if seen.refusal is not None:
        tries = f" {times(seen.syn_count).capitalize()} it was tried." if seen.syn_count > 1 else ""
        waited = span_text(seen.refusal.time_ns - seen.answered_syn_ns)
        yield Finding(
            "tcp.syn-refused",
            f"{flow.responder} answered the SYN with RST after {waited}: it refuses connections to this port.{tries}",
            [seen.syns[-1], seen.refusal] if seen.syns else seen.refusal,
        )
        return
    if not seen.syns:
        return
    if seen.wrong_syn_ack is not None:
        place, ack = seen.wrong_syn_ack
        isn = seen.ends[0].isn or 0
        rejected = next((at for at, _ in seen.ends[0].resets), None)
        then = "; the client rejected that with RST" if rejected else ""
        yield Finding(
            "tcp.synack-wrong-ack",
            f"The SYN-ACK acknowledges {ack}, but {(isn + 1) % (1 << 32)} was sent{then}. The connection was not made.",
            [seen.syns[0], place, *([rejected] if rejected else [])],
            severity=Severity.ERROR,
            limits=reach(flow, tcp),
        )
        return
    if seen.bare_ack is not None:
        yield from challenge(seen, flow, Severity.ERROR, " The connection was not made.")
        return
    unreachable = [(error, place) for error, place in seen.errors if is_not_there(error)]
    if unreachable and not seen.syn_ack_count:
        yield cannot_reach(seen, flow, unreachable, Severity.ERROR)
        return
    if any(is_exceeded(error.version, error.type, error.code) for error, _ in seen.errors):
        return  # `icmp` tells it
    if seen.syn_ack_count:
        yield from unacknowledged(seen, flow, tcp, capture_end_ns)
    elif not seen.both_sent_syn and flow.packets == (seen.syn_count, 0):
        yield from unanswered(seen, flow, tcp, capture_end_ns)


def unanswered(seen: Seen, flow: Flow, tcp: TcpSummary, capture_end_ns: int) -> Iterator[Finding]:
    waited = capture_end_ns - seen.syns[0].time_ns
    if seen.syn_count == 1 and waited < WAIT_NS:
        return
    when = [place.time_ns - seen.syns[0].time_ns for place in seen.syns[1:]]
    repeats = f", sent again after {listed([span_text(ns) for ns in when])}" if when else ""
    more = ", ..." if seen.syn_count > len(seen.syns) else ""
    text = (
        f"{count(seen.syn_count, 'SYN')} to {flow.responder}{repeats}{more}: no SYN-ACK, no RST and no ICMP error came"
    )
    yield Finding("tcp.syn-no-reply", f"{text} within {span_text(waited)}.", seen.syns, limits=reach(flow, tcp))


def unacknowledged(seen: Seen, flow: Flow, tcp: TcpSummary, capture_end_ns: int) -> Iterator[Finding]:
    reset = next((place for place, _ in seen.ends[Side.INITIATOR].resets), None)
    if reset is not None:
        waited = span_text(reset.time_ns - seen.last_syn_ack_ns)
        yield Finding(
            "tcp.synack-reset",
            f"The server accepted (SYN-ACK), and {waited} later the client answered with RST instead of ACK.",
            [*seen.syn_acks[:1], reset],
        )
        return
    if tcp.payload_bytes[0] > seen.syn_payload or seen.syn_ack_count < 2:
        return
    when = listed([span_text(place.time_ns - seen.syn_acks[0].time_ns) for place in seen.syn_acks[1:]])
    waited = span_text(capture_end_ns - seen.syn_acks[0].time_ns)
    yield Finding(
        "tcp.synack-unacked",
        f"The server sent its SYN-ACK {times(seen.syn_ack_count)} (again after {when}); within {waited} no ACK came.",
        seen.syn_acks,
        severity=None if seen.syn_ack_count > 2 else Severity.WARNING,
        limits=reach(flow, tcp) or "Captured before the point where the client's ACK is lost, or not on its path.",
    )


def challenge(seen: Seen, flow: Flow, severity: Severity | None, then: str) -> Iterator[Finding]:
    if seen.bare_ack is None:
        return
    reset = next((place for place, _ in seen.ends[Side.INITIATOR].resets), None)
    answer = " The client answered that with RST." if reset else ""
    yield Finding(
        "tcp.syn-challenge-ack",
        f"{flow.responder} answered the SYN with an ACK that has no SYN, as for a connection that is already open."
        f"{answer}{then}",
        [*seen.syns[:1], seen.bare_ack, *([reset] if reset else [])],
        severity=severity,
    )


def is_not_there(error: IcmpError) -> bool:
    return is_unreachable(error.version, error.type, error.code)


def cannot_reach(seen: Seen, flow: Flow, errors: list[tuple[IcmpError, Spot]], severity: Severity | None) -> Finding:
    error, place = errors[0]
    name = icmp_name(error.version, error.type, error.code)
    forbidden = error.code in (PROHIBITED if error.version == 4 else PROHIBITED_6)
    icmp_word = "ICMP" if error.version == 4 else "ICMPv6"
    waited = span_text(place.time_ns - seen.answered_syn_ns)
    again = f" {count(len(errors), 'such error')} came." if len(errors) > 1 else ""
    return Finding(
        "tcp.syn-unreachable",
        f"{waited} after the SYN to {flow.responder}, {error.source} answered: {name} ({icmp_word} type {error.type}, "
        f"code {error.code}).{again}",
        [seen.syns[-1], *(at for _, at in errors)],
        cause=f"A firewall rule on {error.source} forbids this connection and says so."
        if forbidden
        else f"{error.source} has no way to the address: no route, or the host does not answer on its own network.",
        advice=f"Look at the {'firewall rules' if forbidden else 'routes and neighbour table'} of {error.source}.",
        severity=severity,
        limits="ICMP errors are not authenticated: a third party can send them." if error.source else "",
    )


# --- the handshake of a connection that was made ----------------------------------------------------------------------


def handshake(seen: Seen, flow: Flow, tcp: TcpSummary) -> Iterator[Finding]:
    if seen.both_sent_syn and len(seen.syns) > 1:
        apart = span_text(seen.syns[1].time_ns - seen.syns[0].time_ns)
        text = f"{flow.initiator} and {flow.responder} both sent a SYN, {apart} apart in this capture."
        yield Finding("tcp.simultaneous-open", text, seen.syns)
    if seen.established is None or not seen.syns:
        return
    if seen.wrong_syn_ack is not None:
        place, ack = seen.wrong_syn_ack
        text = f"A SYN-ACK acknowledged {ack}, which the client had not sent; the handshake succeeded with another one."
        yield Finding("tcp.synack-wrong-ack", text, place)
    yield from challenge(seen, flow, None, " The connection was made later.")
    total = seen.established.time_ns - seen.syns[0].time_ns
    lost = [(error, place) for error, place in seen.errors if is_not_there(error)]
    if lost and lost[0][1].time_ns < seen.established.time_ns:
        yield cannot_reach(seen, flow, lost, Severity.NOTICE)
    if seen.fast_open_lost:
        yield Finding(
            "tcp.tfo-blackholed",
            f"The SYN with Fast Open got no answer, the plain one did: it took {span_text(total)} to open.",
            [*seen.syns, *seen.syn_acks[:1]],
        )
    elif (seen.syn_count > 1 or seen.syn_ack_count > 1) and total >= LATE_NS and not seen.both_sent_syn:
        if seen.syn_ack_count > 1:
            lost_leg = f"{count(seen.syn_ack_count, 'SYN-ACK')} were sent: the answer, or the ACK to it, was lost"
        else:
            lost_leg = (
                "the SYN-ACK was seen once: the SYN was lost behind this point of capture, or the server dropped it"
            )
        yield Finding(
            "tcp.syn-late",
            f"It took {span_text(total)} and {count(seen.syn_count, 'SYN')} until the connection was open; {lost_leg}.",
            [*seen.syns, *seen.syn_acks, seen.established],
            limits=reach(flow, tcp),
        )
    client = seen.ends[Side.INITIATOR]
    if seen.late_syn_ack_count and client.first_payload is not None:
        after = span_text(seen.late_syn_acks[-1].time_ns - seen.established.time_ns)
        yield Finding(
            "tcp.accept-queue-full",
            f"After the client's ACK (and {count(client.first_payload_bytes, 'byte')} of data) the server sent "
            "its SYN-ACK "
            f"{times(seen.late_syn_ack_count)} more, the last one {after} later.",
            [seen.established, client.first_payload, *seen.late_syn_acks],
            severity=None if seen.late_syn_ack_count > 1 else Severity.NOTICE,
            limits="If the client's ACKs are lost behind this point of capture, it looks the same.",
        )


def agreed(seen: Seen, tcp: TcpSummary) -> Iterator[Finding]:
    """Options that the two ends could not agree upon."""
    client, server = seen.ends
    if not seen.syns or not seen.syn_acks or client.header is None or server.header is None:
        return
    places = [seen.syns[0], seen.syn_acks[0]]
    lacking = not_returned(client.header, server.header)
    unscaled = client.header.window_scale is None or server.header.window_scale is None
    round_trip = tcp.initial_rtt_ns or 0
    if unscaled and round_trip >= LONG_PATH_NS:
        who = "client does not offer" if client.header.window_scale is None else "server does not return"
        rate = UNSCALED_WINDOW * NS / round_trip
        yield Finding(
            "tcp.window-scale-missing",
            f"The {who} window scaling, so at most {UNSCALED_WINDOW:,} bytes are under way at once: with a "
            "round trip of "
            f"{span_text(round_trip)} no more than {rate / 1e6:.2f} MB/s.",
            places,
        )
        lacking = [option for option in lacking if option != "window scale"]
    if lacking:
        yield Finding(
            "tcp.options-stripped",
            f"The client offered {listed(lacking)}; the SYN-ACK does not have {'it' if len(lacking) == 1 else 'them'}.",
            places,
            severity=Severity.NOTICE if "window scale" in lacking else None,
        )
    small = [
        (side, end.header.mss)
        for side, end in enumerate(seen.ends)
        if end.header is not None and end.header.mss is not None and TINY_MSS < end.header.mss <= SMALL_MSS
    ]
    if small:
        said = listed([f"{NAMES[side].lower()} {mss}" for side, mss in small])
        yield Finding(
            "tcp.mss-clamped",
            f"MSS announced by {said}; 1460 (IPv4) or 1440 (IPv6) is what a plain Ethernet gives.",
            [places[side] for side, _ in small],
        )


def icmp(seen: Seen, flow: Flow, made: bool, tcp: TcpSummary) -> Iterator[Finding]:
    dropped = [(error, at) for error, at in seen.errors if is_exceeded(error.version, error.type, error.code)]
    if dropped:
        routers = sorted({error.source for error, _ in dropped})
        failed = not made and not seen.refusal and bool(seen.syns) and not flow.packets[1]
        yield Finding(
            "ip.ttl-exceeded",
            f"{listed(routers[:4])}{' and others' if len(routers) > 4 else ''} dropped packets to "
            f"{flow.responder if dropped[0][0].sender is Side.INITIATOR else flow.initiator} because their time "
            "to live "
            f"ran out ({count(len(dropped), 'ICMP error')}){'; no answer came to the SYN' if failed else ''}.",
            [at for _, at in dropped],
            severity=Severity.ERROR if failed and len(routers) <= 2 and seen.syn_count > 1 else None,
            limits=reach(flow, tcp),
        )


# --- what did not get through -----------------------------------------------------------------------------------------


def transport(seen: Seen, flow: Flow, tcp: TcpSummary) -> Generator[Finding, None, bool]:
    """Loss, repetition and reordering; tells whether the connection died of it."""
    died = False
    for side in SIDES:
        end = seen.ends[side]
        explained = 0
        last = max((repeat for repeat in end.repeats if repeat.count), key=lambda one: one.last_ns, default=None)
        for repeat in end.repeats:
            if not repeat.backs_off or repeat.count < BACKOFF_COPIES:
                continue
            lost = repeat is last and not got_through(seen, flow, side, repeat)
            died = died or lost
            explained += repeat.count
            yield backed_off(seen, flow, tcp, side, repeat, lost)
        tail = [one for one in end.repeats if is_tail(one, end)] if not seen.fast_open_lost else []
        if tail:
            yield Finding(
                "tcp.tail-loss",
                f"{NAMES[side]} sent the end of {count(len(tail), 'flight')} again, without being told that it "
                "was lost: "
                f"{listed([count(one.payload_bytes, 'byte') for one in tail[:4]])}.",
                [one.places[0] for one in tail],
                limits="The time that it waited is not known: only the copies are looked at.",
            )
        yield from lossy(seen, flow, tcp, side, explained)
        if end.conflict_count:
            text = f"{NAMES[side]} sent {count(end.conflict_count, 'overlap')} whose bytes differ from the first copy."
            yield Finding("tcp.overlap-conflict", text, end.conflicts)
    return died


def got_through(seen: Seen, flow: Flow, side: Side, repeat: Repeat) -> bool:
    """Whether the peer took the segment in the end, as far as can be told from what came after it."""
    end, peer = seen.ends[side], seen.ends[1 - side]
    if end.acked is not None and later(end.acked, repeat.seq) > 0:
        return True
    if peer.resets and peer.fin_at is None:
        # A RST as the only answer: the peer no longer knows the connection.
        return peer.resets[0][0].time_ns < repeat.last_ns or end.fin_place is not None
    return flow.last_frame > repeat.last_frame


def backed_off(seen: Seen, flow: Flow, tcp: TcpSummary, side: Side, repeat: Repeat, lost: bool) -> Finding:
    end, peer = seen.ends[side], seen.ends[1 - side]
    gaps = [after - before for before, after in pairwise(repeat.times_ns)]
    start = later(repeat.seq, end.isn) - 1 if end.isn is not None else None
    where = f" (from byte {start:,})" if start is not None and start >= 0 else ""
    what = f"{count(repeat.payload_bytes, 'byte')}{where}" if repeat.payload_bytes else "an empty segment"
    reset = next((place for place, _ in peer.resets if place.time_ns >= repeat.last_ns), None)
    if reset is not None:
        then = f" The only answer was a RST, {span_text(reset.time_ns - repeat.last_ns)} after the last copy."
    else:
        then = " Nothing answered it." if lost else " In the end it got through."
    severity = Severity.ERROR if lost else None
    places = [*repeat.places, *([reset] if reset is not None else [])]
    text = f"{what} sent {times(repeat.count + 1)}, with pauses of {listed([span_text(gap) for gap in gaps])}.{then}"
    full = repeat.payload_bytes >= FULL_BYTES and repeat.payload_bytes == tcp.max_payload[side]
    # Nothing of that size was acknowledged before: what came first in this direction was shorter than one such segment.
    if full and start is not None and start < repeat.payload_bytes and reset is None:
        hints = [(error, at) for error, at in seen.errors if is_too_big(error.version, error.type, error.code)]
        told = (
            f" {hints[0][0].source} said that at most {hints[0][0].mtu:,} bytes fit."
            if hints
            else " No ICMP error came."
        )
        return Finding(
            "tcp.pmtu-blackhole",
            f"{NAMES[side]}'s first full-size segment, {text[0].lower()}{text[1:]}{told} Smaller ones had got through.",
            [*places, *(at for _, at in hints)],
            severity=severity,
            limits=f"A path that died at that very moment looks the same. {reach(flow, tcp)}".rstrip(),
        )
    unreachable = next(((error, at) for error, at in seen.errors if is_not_there(error)), None)
    if unreachable is not None:
        error, at = unreachable
        text += f" {error.source} reported: {icmp_name(error.version, error.type, error.code)}."
        places.append(at)
    code, cause = "tcp.rto-backoff", ""
    idle = seen.idle
    if lost and idle is not None and idle[1].seq == repeat.seq and idle[1].sender is side:
        code = "tcp.idle-dropped"
        text = f"After at least {IDLE_TEXT} of silence {NAMES[side].lower()} had data to send: {text}"
        places.insert(0, idle[0])
    elif reset is not None and not peer.resets[0][1].flags & Flag.ACK:
        cause = (
            "The peer had restarted, or was cut off for that time and gave up the connection; it no longer knows it."
        )
    return Finding(
        code,
        f"{NAMES[side]}: {text}" if code == "tcp.rto-backoff" else text,
        places,
        cause=cause,
        severity=severity,
        limits=reach(flow, tcp, syn=False),
    )


def is_tail(repeat: Repeat, end: End) -> bool:
    """A single late copy of what ended a flight, of which nobody said that it was too much."""
    return (
        repeat.count == 1
        and not repeat.fast
        and repeat.pushed
        and repeat.payload_bytes > 0
        and not (end.spurious or end.conflict_count)
    )


def lossy(seen: Seen, flow: Flow, tcp: TcpSummary, side: Side, explained: int) -> Iterator[Finding]:
    """What was sent again, but for the `explained` copies that another finding tells of."""
    end = seen.ends[side]
    needed = end.again - explained - end.spurious
    if needed > 1:
        share = min(needed / max(flow.packets[side], 1), 1.0)
        heavy = needed >= LOSS_LEAST and share >= LOSS_SHARE
        yield Finding(
            "tcp.loss",
            f"{NAMES[side]} sent {count(needed, 'segment')} again, of {count(flow.packets[side], 'packet')} "
            f"({share:.1%}).",
            [place for repeat in end.repeats for place in repeat.places][:16],
            severity=Severity.WARNING if heavy else None,
        )
    if end.spurious:
        text = (
            f"The other side reported {count(end.spurious, 'duplicate')} of {NAMES[side].lower()}'s segments by D-SACK."
        )
        yield Finding("tcp.spurious-retransmission", text, end.spurious_places)
    if tcp.out_of_order[side] and end.out_of_order:
        number = tcp.out_of_order[side]
        text = (
            f"{count(number, 'segment')} of {NAMES[side].lower()} came after later ones, soon enough to be "
            "no repetition."
        )
        limits = "Where the capture itself was taken on several queues, it may have been the one that reordered."
        yield Finding("tcp.reordering", text, end.out_of_order, limits=limits)


def windows(seen: Seen, flow: Flow) -> Iterator[Finding]:
    for side in SIDES:
        end = seen.ends[side]
        if end.longest_stall is None:
            continue
        stall = end.stall if end.stall is not None else end.longest_stall
        stop = stall.stop_ns if stall.stop_ns is not None else flow.last_ns
        lasted = stop - stall.start_ns
        longest = end.longest_stall
        if longest.stop_ns is not None and longest.stop_ns - longest.start_ns > lasted:
            stall, lasted = longest, longest.stop_ns - longest.start_ns
        probes = f"; it was probed {times(stall.probes)}" if stall.probes else ""
        more = f" {times(end.stalls).capitalize()} it came to that." if end.stalls > 1 else ""
        never = stall.stop_ns is None
        yield Finding(
            "tcp.zero-window",
            f"{NAMES[side]} announced a window of zero for {span_text(lasted)}"
            f"{', until the end' if never else ''}{probes}: the other side had to wait.{more}",
            [stall.at, *([stall.until] if stall.until is not None else [])],
            severity=None if lasted >= STALL_NS else Severity.NOTICE,
            limits="The window may have opened after the capture ended." if never else "",
        )


def held_back(seen: Seen, tcp: TcpSummary) -> Iterator[Finding]:
    for side in SIDES:
        stalls, waited_us = tcp.nagle_stalls[side], tcp.nagle_us[side]
        places = seen.ends[side].released
        if stalls < NAGLE_LEAST or not places:
            continue
        each = span_text(waited_us * 1000 // stalls)
        yield Finding(
            "tcp.nagle-delayed-ack",
            f"{NAMES[side]} sent nothing more after a small segment until the ACK came, {stalls} times; the ACK took "
            f"{each} each time, {span_text(waited_us * 1000)} in all, and data followed at once.",
            places,
            limits="An application that sends by a timer of just that length looks the same.",
        )


# --- resets -----------------------------------------------------------------------------------------------------------


def resets(seen: Seen, flow: Flow, tcp: TcpSummary, died: bool) -> Iterator[Finding]:
    for side in SIDES:
        end, peer = seen.ends[side], seen.ends[1 - side]
        opened_ns = seen.established.time_ns if seen.established is not None else 0
        counted = [(place, reset) for place, reset in end.resets if place.time_ns >= opened_ns]
        if not counted or (seen.established is None and seen.syns):
            continue
        place, reset = counted[0]
        if not seen.syns and tcp.payload_bytes == (0, 0):
            continue  # the end of something that was not captured
        signs = foreign(end, reset)
        injected = bool(signs) and peer.fin_at is None and end.fin_at is None
        if injected:
            after = end.after_reset
            yield Finding(
                "tcp.rst-injected",
                f"The RST in the name of {NAMES[side].lower()} does not fit it: {listed(signs)}.",
                [place, *([after] if after is not None else [])],
                severity=None if after is not None else Severity.NOTICE,
                limits="A load balancer that answers the handshake itself also makes the TTL differ.",
            )
        before = end.fin_place is not None and end.fin_place.time_ns <= place.time_ns
        peer_before = peer.fin_place is not None and peer.fin_place.time_ns <= place.time_ns
        if before and end.fin_place is not None:
            if not peer_before:
                waited = span_text(place.time_ns - end.fin_ns)
                yield Finding(
                    "tcp.rst-close-with-unread-data",
                    f"{NAMES[side]} closed (FIN), and {waited} later answered with RST what still came.",
                    [end.fin_place, place],
                )
        elif not peer_before and not died:
            verdict = aborted(seen, flow, tcp, place, reset)
            # A RST that ended nothing aborted nothing.
            if end.after_reset is None or verdict.code != "tcp.rst-midstream":
                yield verdict


def foreign(end: End, reset: Segment) -> list[str]:
    """What about a RST does not fit the side in whose name it was sent."""
    signs = []
    if end.ttls and all(abs(reset.ttl - ttl) > TTL_SLACK for ttl in end.ttls):
        signs.append(
            f"its TTL is {reset.ttl}, that of the other segments {listed([str(ttl) for ttl in sorted(end.ttls)])}"
        )
    if end.after_reset is not None:
        signs.append("that side went on sending after it")
    return signs


def aborted(seen: Seen, flow: Flow, tcp: TcpSummary, place: Spot, reset: Segment) -> Finding:
    side = reset.sender
    idle = seen.idle
    first = seen.ends[1 - side].first_payload
    # §3.10.7.1: who knows no connection answers an ACK by a RST without ACK; a RST with ACK is of one that knew it.
    if (
        idle is not None
        and idle[1].sender is side.other
        and not reset.flags & Flag.ACK
        and 0 <= place.time_ns - idle[0].time_ns < RESET_AFTER_IDLE_NS
    ):
        return Finding(
            "tcp.idle-dropped",
            f"After at least {IDLE_TEXT} of silence {NAMES[side.other].lower()} sent again, and got RST as the answer "
            f"after {span_text(place.time_ns - idle[0].time_ns)}.",
            [idle[0], place],
            severity=Severity.ERROR,
            limits=reach(flow, tcp),
        )
    if (
        side is Side.RESPONDER
        and seen.established is not None
        and first is not None
        and not tcp.payload_bytes[side]
        and 0 <= place.time_ns - first.time_ns < ANSWER_NS
    ):
        waited = span_text(place.time_ns - first.time_ns)
        return Finding(
            "tcp.rst-after-first-payload",
            f"The connection was made, the client sent {count(tcp.payload_bytes[0], 'byte')}, and {waited} "
            "later came RST "
            f"in the name of the server, which had sent nothing.",
            [seen.established, first, place],
            limits=reach(flow, tcp),
        )
    sent = f"{count(tcp.payload_bytes[0], 'byte')} of the client and {tcp.payload_bytes[1]:,} of the server"
    opened = f" {span_text(place.time_ns - seen.syns[0].time_ns)} after the SYN" if seen.syns else ""
    return Finding(
        "tcp.rst-midstream",
        f"{NAMES[side]} sent RST{opened}, with no FIN before it; {sent} had been sent.",
        place,
        severity=None if seen.syns else Severity.NOTICE,  # a FIN may have come before the capture began
        limits=reach(flow, tcp),
    )
