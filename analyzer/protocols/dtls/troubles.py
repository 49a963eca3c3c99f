"""What keeps a handshake of DTLS from its end, or costs it time: lost pieces, silence, and what is done in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import SIDES, Finding, Severity, Side
from analyzer.protocols.dtls.verdicts import places, side
from analyzer.protocols.tls import wording
from analyzer.protocols.tls.messages import is_13
from analyzer.protocols.tls.registries import HANDSHAKE_TYPES

if TYPE_CHECKING:
    from analyzer.core import Endpoint, Outputs, Place
    from analyzer.protocols.dtls.association import Association
    from analyzer.protocols.dtls.fragments import Assembly
    from analyzer.protocols.dtls.state import Half

#: A repetition later than this is one of a timer, RFC 6347 §4.2.4.1 and RFC 9147 §5.8.2; browsers begin at 50 ms.
RETRY_NS: Final = 300_000_000
#: An end that went on for so long without an answer has been left alone.
SILENCE_NS: Final = 3_000_000_000
MANY_COOKIES: Final = 3
MANY_DATAGRAMS: Final = 3
#: Datagrams from here on may be too large for a path (IPv6 promises 1280 bytes with headers).
BIG_BYTES: Final = 1200
MAX_HOLES: Final = 3
MOVED_RECORDS: Final = 3
#: A path may lose an answer; that many repetitions say that none comes.
MANY_REPEATS: Final = 2

DISCARD_LIMITS: Final = "Records of the other side that took another way, or that the capture lost, would not be seen."


# --- while it happens -------------------------------------------------------------------------------------------------


def on_answer(one: Association, time_ns: int, at: Place) -> Outputs:
    """The first answer came, and only to a repetition of the ClientHello."""
    copies = one.copies
    if one.slow or len(copies) < 2:
        return
    first, last = copies[0], copies[-1]
    waited_ns, answer_ns = last.time_ns - first.time_ns, time_ns - last.time_ns
    if waited_ns < RETRY_NS or answer_ns >= waited_ns:
        return
    one.slow = True
    text = (
        f"The ClientHello was answered only after it had been sent {len(copies)} times, "
        f"{wording.duration(answer_ns)} after the last: that cost {wording.duration(waited_ns)}."
    )
    yield Finding("dtls.first-flight-lost", text, [first, last, at])


def on_cookie(one: Association, at: Place) -> Outputs:
    """Another HelloVerifyRequest came."""
    if one.cookies != MANY_COOKIES or one.link.answer is not None:
        return
    echoed = sum(1 for cookie in one.echoed if cookie in one.given)
    text = f"{one.cookies} HelloVerifyRequests with different cookies and no ServerHello; "
    text += f"{echoed} ClientHello{'' if echoed == 1 else 's'} brought a cookie back as it was given."
    yield Finding("dtls.hello-verify-loop", text, [*one.hellos[:3], at])


def on_no_profile(one: Association, at: Place) -> Finding:
    who = side(one.link, one.link.server)
    text = f"The client offered {one.srtp_names or 'profiles of SRTP'}, and the {who} chose none."
    return Finding("dtls.no-srtp-profile", text, places(one.link, at))


def on_restart(one: Association, sender: Side, at: Place) -> Outputs:
    """A new ClientHello where a connection was at work."""
    link = one.link
    if not link.done_ns or one.failed or any(half.closed or half.alerted for half in one.halves):
        return
    after = wording.duration(max(at.time_ns - link.done_ns, 0))
    text = f"The {side(link, sender)} begins again {after} after the handshake was done; neither side had closed it."
    yield Finding("dtls.restart-unexpected", text, places(link, at))


# --- at the end -------------------------------------------------------------------------------------------------------


def at_end(one: Association, end_ns: int) -> Outputs:
    link = one.link
    if one.both:
        solved = link.answer is not None
        text = "Both ends sent a ClientHello" + (
            ", and one of them gave way." if solved else ": each takes itself for the client, so nobody answers."
        )
        yield Finding("dtls.role-conflict", text, one.both, severity=Severity.NOTICE if solved else None)
    if len(one.finals) >= MANY_REPEATS and is_13(link.version) and not one.halves[link.server].acks:
        text = f"The client sent its Finished {len(one.finals) + 1} times, and the server acknowledged none of them."
        yield Finding("dtls.13-ack-missing", text, one.finals)
    if link.done_ns or one.failed or link.hello is None:
        return
    for what in (_fragment_missing(one), _too_big(one), _discarded(one, end_ns)):
        if what is not None:
            yield what
            return


def _fragment_missing(one: Association) -> Finding | None:
    for at in SIDES:
        half = one.halves[at]
        for assembly in half.fragments.pending.values():
            if assembly.again or half.repeats:
                return _holes(one, at, half, assembly)
    return None


def _holes(one: Association, at: Side, half: Half, assembly: Assembly) -> Finding:
    holes, reached = [], 0
    for part in assembly.parts:
        if part.start > reached:
            holes.append(f"{reached:,} to {part.start:,}")
        reached = max(reached, part.stop)
    if reached < assembly.length:
        holes.append(f"{reached:,} to {assembly.length:,}")
    name = HANDSHAKE_TYPES.get(assembly.kind, f"message {assembly.kind}").replace("_", " ")
    more = f" and {len(holes) - MAX_HOLES} other stretches" if len(holes) > MAX_HOLES else ""
    text = (
        f"Of the {side(one.link, at)}'s {name}, {assembly.length:,} bytes, bytes {', '.join(holes[:MAX_HOLES])}{more} "
        f"never came, though its flight was repeated ({assembly.again + half.repeats} pieces came again)."
    )
    return Finding("dtls.fragment-missing", text, places(one.link, assembly.header.place))


def _too_big(one: Association) -> Finding | None:
    for at in SIDES:
        half, other = one.halves[at], one.halves[at.other]
        first = half.big_first
        if first is None or half.big < MANY_DATAGRAMS or half.repeats < MANY_REPEATS or not other.repeats:
            continue
        who, whom = side(one.link, at), side(one.link, at.other)
        text = (
            f"The {who} sent {half.big} datagrams of {BIG_BYTES:,} to {half.big_bytes:,} bytes, again and again, and "
            f"the {whom} only repeats what it said before ({other.repeats} messages): the large ones are lost."
        )
        return Finding("dtls.flight-too-big", text, places(one.link, first), limits=DISCARD_LIMITS)
    return None


def _discarded(one: Association, end_ns: int) -> Finding | None:
    link = one.link
    if link.answer is None:
        return None
    for at in SIDES:
        half = one.halves[at]
        first, last = half.unheard_first, half.unheard_last
        if first is None or last is None or half.unheard < MANY_DATAGRAMS or end_ns - first.time_ns < SILENCE_NS:
            continue
        who, whom = side(link, at), side(link, at.other)
        seconds = (last.time_ns - first.time_ns) / 1e9
        text = (
            f"The {who} sent {half.unheard} datagrams in {seconds:.1f} s, and the {whom}, which had spoken before, "
            "said nothing more: no next flight, no alert."
        )
        return Finding("dtls.silent-discard", text, places(link, first, last), limits=DISCARD_LIMITS)
    return None


def moved(one: Association, here: tuple[Endpoint, Endpoint], sent: list[int], first: Place | None) -> Outputs:
    """A side came to another port of the same host, as behind a NAT, and is not answered there (RFC 9146 §1).

    `here` are the ends of this flow and `sent` the records, by side of the association.
    """
    if one.ends is None or first is None:
        return
    for at in SIDES:
        was, now = one.ends[at], here[at]
        same = one.ends[at.other] == here[at.other] and was.address == now.address and was.port != now.port
        if same and sent[at] >= MOVED_RECORDS and not sent[at.other] and one.halves[at].cid_bytes <= 0:
            text = (
                f"The {side(one.link, at)} goes on from port {now.port} in place of {was.port}: {sent[at]} datagrams, "
                "none answered there, and the records have no connection id by which they could be told."
            )
            yield Finding("dtls.cid-needed", text, first, limits=DISCARD_LIMITS)
