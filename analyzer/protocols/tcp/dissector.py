"""The TCP room: the lines of the timeline that a connection's own segments make (RFC 9293)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from analyzer import core
from analyzer.core import SIDES, Event, Note, Outcome, Phase, Segment, Side, Spot
from analyzer.protocols.tcp import messages
from analyzer.protocols.tcp.messages import count, read_header, span_text, times
from analyzer.protocols.tcp.names import Flag, icmp_name, is_too_big, later
from analyzer.protocols.tcp.state import ERRORS, EVIDENCE, REPEATS, TTLS, End, Repeat, Seen, Stall
from analyzer.protocols.tcp.verdicts import WAIT_NS, judge

if TYPE_CHECKING:
    from analyzer.core import Flow, IcmpError, Limits, Outputs, Piece

    Told = tuple[core.Output, ...]

SYN_EVENTS: Final = Event.SYN | Event.SYN_ACK | Event.SYN_AGAIN | Event.SYN_ACK_AGAIN | Event.SYN_OTHER
AGAIN: Final = Event.RETRANSMISSION | Event.FAST_RETRANSMISSION
ADVICE: Final = (  # what makes a line of its own, out of the limited number
    AGAIN
    | Event.OUT_OF_ORDER
    | Event.KEEP_ALIVE
    | Event.KEEP_ALIVE_ACK
    | Event.ZERO_WINDOW
    | Event.WINDOW_PROBE
    | Event.WINDOW_OPEN
    | Event.DSACK
    | Event.AFTER_FIN
    | Event.AFTER_RST
    | Event.FIN_AGAIN
)
WANTED: Final = (
    SYN_EVENTS
    | ADVICE
    | Event.HANDSHAKE_ACK
    | Event.BARE_ACK_TO_SYN
    | Event.SYN_DATA
    | Event.FIN
    | Event.RST
    | Event.FIRST_PAYLOAD
    | Event.AFTER_IDLE
    | Event.RELEASED
)
WHO: Final = {Side.INITIATOR: "the client", Side.RESPONDER: "the server"}


class Tcp(core.RowDissector):
    """One connection, from the first SYN to the last FIN or RST."""

    wanted: ClassVar[int] = WANTED

    def __init__(self, flow: Flow, limits: Limits) -> None:
        self.flow = flow
        self.most = limits.tcp_events_per_flow
        self.seen = Seen()
        self.phase_told = False

    # --- segments ---

    def on_segment(self, segment: Segment) -> Outputs:
        place = Spot(segment.header)
        events = segment.events
        if segment.header.trace is not None and not events & SYN_EVENTS:
            read_header(segment.header)
        self.learn(segment)
        if events & Event.AFTER_IDLE:
            self.seen.idle = (place, segment)
        if events & Event.RELEASED:
            end = self.seen.ends[segment.sender]
            end.released = kept(end.released, place)
        if events & SYN_EVENTS:
            return self.on_syn_ack(segment, place) if segment.flags & Flag.ACK else self.on_syn(segment, place)
        told: list[core.Output] = []
        if events & Event.BARE_ACK_TO_SYN:
            told.append(self.bare_ack(segment, place))
        if events & Event.HANDSHAKE_ACK:
            told += self.on_handshake_ack(segment, place)
        if events & Event.FIRST_PAYLOAD:
            end = self.seen.ends[segment.sender]
            end.first_payload, end.first_payload_bytes = place, segment.payload_bytes
        if events & ADVICE:
            self.on_advice(segment, place, told)
        if events & Event.FIN:
            told.append(self.fin(segment, place))
        if events & Event.RST:
            told += self.on_reset(segment, place)
        return told

    def learn(self, segment: Segment) -> None:
        """Keep what any segment tells: how far its peer was acknowledged, and its TTL."""
        ends, sender, flags = self.seen.ends, segment.sender, segment.flags
        if flags & Flag.ACK:
            peer = ends[1 - sender]
            if peer.acked is None or later(segment.ack, peer.acked) > 0:
                peer.acked = segment.ack
        if not flags & Flag.RST:
            ttls = ends[sender].ttls
            if segment.ttl not in ttls and len(ttls) < TTLS:
                ends[sender].ttls = (*ttls, segment.ttl)

    def on_syn(self, segment: Segment, place: Spot) -> Told:
        seen, end = self.seen, self.seen.ends[segment.sender]
        header = read_header(segment.header)
        fields = {"seq": segment.seq, "window": segment.window, **messages.option_fields(header)}
        if segment.payload_bytes:
            fields["payload_bytes"] = segment.payload_bytes
        if segment.sender is Side.RESPONDER:
            seen.both_sent_syn = True
            end.isn, end.header, end.window = segment.seq, header, segment.window
            seen.syns = kept(seen.syns, place)
            return (Note("tcp.syn", f"opens too, at the same time: {header.words or 'no options'}", place, fields),)
        seen.syn_count += 1
        if not seen.syn_ack_count:
            seen.answered_syn_ns = segment.time_ns
        if seen.syn_count == 1:
            end.isn, end.header, end.window = segment.seq, header, segment.window
            seen.syn_payload = segment.payload_bytes
            seen.syns = kept(seen.syns, place)
            text = header.words or "no options"
            if segment.payload_bytes:
                text += f", {count(segment.payload_bytes, 'byte')} of data already"
            return (Note("tcp.syn", text, place, fields),)
        first_ns = seen.syns[0].time_ns
        seen.syns = kept(seen.syns, place)
        if end.header is not None and end.header.fast_open is not None and header.fast_open is None:
            seen.fast_open_lost = True
        if segment.seq != end.isn:
            # What the answer has to acknowledge is the newest of them (§3.10.7.3).
            end.isn, end.header, end.window = segment.seq, header, segment.window
            text = "another SYN of the same ports, with another sequence number"
        else:
            fields["retransmission"] = True
            text = f"sent again after {span_text(segment.time_ns - first_ns)} (try {seen.syn_count:,}): no answer yet"
            if seen.syn_ack_count:
                text = f"sent again after {span_text(segment.time_ns - first_ns)}: the answer did not reach it"
        return self.limited(Note("tcp.syn", text, place, fields))

    def on_syn_ack(self, segment: Segment, place: Spot) -> Told:
        seen, end = self.seen, self.seen.ends[segment.sender]
        offered = seen.ends[1 - segment.sender]
        header = read_header(segment.header)
        fields = {"seq": segment.seq, "ack": segment.ack, "window": segment.window, **messages.option_fields(header)}
        if segment.payload_bytes:
            fields["payload_bytes"] = segment.payload_bytes
        if seen.both_sent_syn:
            # §3.5, figure 8: each end repeats its SYN, now with an ACK of the other's.
            seen.last_syn_ack_ns = segment.time_ns
            return (Note("tcp.syn-ack", "acknowledges the SYN that crossed its own", place, fields),)
        seen.syn_ack_count += 1
        seen.last_syn_ack_ns = segment.time_ns
        wrong = offered.isn is not None and not 1 <= later(segment.ack, offered.isn) <= 1 + seen.syn_payload
        if wrong and seen.wrong_syn_ack is None:
            seen.wrong_syn_ack = (place, segment.ack)
        if seen.established is not None:
            seen.late_syn_ack_count += 1
            seen.late_syn_acks = kept(seen.late_syn_acks, place)
            fields["retransmission"] = True
            after = span_text(segment.time_ns - seen.established.time_ns)
            return self.limited(
                Note("tcp.syn-ack", f"sent again {after} after the client completed the handshake", place, fields)
            )
        first = end.isn is None
        seen.syn_acks = kept(seen.syn_acks, place)
        if wrong and offered.isn is not None:
            text = f"acknowledges {segment.ack}, not the SYN ({(offered.isn + 1) % (1 << 32)} was expected)"
        elif not first and segment.seq != end.isn:
            text = "another SYN-ACK, with another sequence number"
        elif not first:
            fields["retransmission"] = True
            text = f"sent again after {span_text(segment.time_ns - seen.syn_acks[0].time_ns)}: no ACK yet"
        elif offered.header is None:
            text = f"{header.words or 'no options'}; its SYN is not in the capture"
        else:
            text = messages.answer_words(offered.header, header)
        if first or not wrong:
            end.isn, end.header, end.window = segment.seq, header, segment.window
        if first:
            return (Note("tcp.syn-ack", text, place, fields),)
        return self.limited(Note("tcp.syn-ack", text, place, fields))

    def on_handshake_ack(self, segment: Segment, place: Spot) -> Told:
        seen = self.seen
        seen.established = place
        fields: dict[str, core.Value] = {"seq": segment.seq, "ack": segment.ack, "window": segment.window}
        first_ns = seen.syns[0].time_ns if seen.syns else None
        if first_ns is None:
            text = "open; the SYN is not in the capture"
        else:
            round_trip = segment.time_ns - seen.last_syn_ack_ns + self.to_answer_ns
            fields["initial_rtt_ns"] = round_trip
            if seen.both_sent_syn:
                text = f"open {span_text(segment.time_ns - first_ns)} after the first SYN: the two had crossed"
            elif seen.syn_count == 1 and seen.syn_ack_count == 1:
                text = f"open after one round trip of {span_text(round_trip)}"
            else:
                tries = f"{count(seen.syn_count, 'SYN')} and {count(seen.syn_ack_count, 'SYN-ACK')}"
                waited = span_text(segment.time_ns - first_ns)
                text = f"open after {waited}, with {tries}; a round trip takes {span_text(round_trip)}"
        if segment.payload_bytes and not segment.events & AGAIN:
            text += f"; {count(segment.payload_bytes, 'byte')} of data with it"
        note = Note("tcp.ack", text, place, fields)
        if first_ns is None:
            return (note,)
        self.phase_told = True
        return note, Phase("tcp", first_ns, segment.time_ns, Outcome.ESTABLISHED, self.round_trips)

    @property
    def to_answer_ns(self) -> int:
        """From the SYN that was answered to the (first) SYN-ACK."""
        seen = self.seen
        if not seen.syn_acks:
            return max(seen.last_syn_ack_ns - seen.answered_syn_ns, 0)
        return max(seen.syn_acks[0].time_ns - seen.answered_syn_ns, 0)

    @property
    def round_trips(self) -> int:
        """Round trips until open: a SYN or SYN-ACK sent again costs one more."""
        return 1 + max(self.seen.syn_count - 1, 0) + max(self.seen.syn_ack_count - 1, 0)

    def bare_ack(self, segment: Segment, place: Spot) -> Note:
        self.seen.bare_ack = place
        expected = self.seen.ends[1 - segment.sender].isn
        fields: dict[str, core.Value] = {"seq": segment.seq, "ack": segment.ack, "window": segment.window}
        text = f"answers the SYN by a bare ACK of {segment.ack}"
        if expected is not None and segment.ack != (expected + 1) % (1 << 32):
            text += ": it still holds an old connection of these ports"
        return Note("tcp.challenge-ack", text, place, fields)

    # --- what is worth a line, but not thousands of them ---

    def limited(self, note: Note) -> Told:
        """The note, as long as the flow has not had its share of them."""
        if self.seen.told < self.most:
            self.seen.told += 1
            return (note,)
        self.seen.untold += 1
        return ()

    def on_advice(self, segment: Segment, place: Spot, told: list[core.Output]) -> None:
        seen, sender, events = self.seen, segment.sender, segment.events
        end, peer = seen.ends[sender], seen.ends[1 - sender]
        if events & Event.AFTER_RST and not segment.flags & Flag.RST:
            if end.after_reset is None:
                end.after_reset = place
            told += self.say("tcp.after-rst", "goes on although a RST was sent in its name", segment, place)
        if events & Event.ZERO_WINDOW and not segment.flags & Flag.RST:
            end.stall = Stall(segment.time_ns, place)
            end.stalls += 1
            if end.longest_stall is None:
                end.longest_stall = end.stall
            told += self.say("tcp.zero-window", "window is zero: it takes no more bytes for now", segment, place)
        if events & Event.WINDOW_OPEN and end.stall is not None:
            told += self.window_open(segment, place, end, end.stall)
        if events & Event.WINDOW_PROBE:
            if peer.stall is not None:
                peer.stall.probes += 1
            told += self.say("tcp.window-probe", "asks whether the window is still zero", segment, place)
        elif events & Event.KEEP_ALIVE:
            told += self.say("tcp.keep-alive", "keep-alive: are you still there?", segment, place)
        elif events & Event.KEEP_ALIVE_ACK:
            told += self.say("tcp.keep-alive-ack", "still here", segment, place)
        if events & AGAIN:
            told += self.sent_again(segment, place, end)
        elif events & Event.OUT_OF_ORDER:
            end.out_of_order = kept(end.out_of_order, place)
            told += self.say("tcp.out-of-order", f"{self.bytes_text(segment)} arrived late", segment, place)
        elif events & Event.FIN_AGAIN:
            told += self.say("tcp.retransmission", "FIN sent again", segment, place)
        elif events & Event.AFTER_FIN and segment.payload_bytes:
            text = f"{count(segment.payload_bytes, 'byte')} after its own FIN, which said that none would come"
            told += self.say("tcp.after-fin", text, segment, place)
        if events & Event.DSACK:
            if is_of_syn(segment, peer):
                # A SYN-ACK after a SYN of the same number: both repeated handshakes and crossing SYNs bring it.
                text = f"reports by D-SACK that the SYN of {WHO[sender.other]} came twice"
            else:
                peer.spurious += 1
                peer.spurious_places = kept(peer.spurious_places, place)
                text = f"reports by D-SACK that it got the same bytes of {WHO[sender.other]} twice"
            told += self.say("tcp.dsack", text, segment, place)

    def say(
        self, kind: str, text: str, segment: Segment, place: Spot, extra: dict[str, core.Value] | None = None
    ) -> Told:
        fields: dict[str, core.Value] = {"seq": segment.seq, "ack": segment.ack, "window": segment.window}
        if segment.payload_bytes:
            fields["payload_bytes"] = segment.payload_bytes
        if extra:
            fields.update(extra)
        return self.limited(Note(kind, text, place, fields))

    def window_open(self, segment: Segment, place: Spot, end: End, stall: Stall) -> Told:
        stall.stop_ns, stall.until, end.stall = segment.time_ns, place, None
        longest = end.longest_stall
        lasted = segment.time_ns - stall.start_ns
        if longest is None or longest.stop_ns is None or lasted > longest.stop_ns - longest.start_ns:
            end.longest_stall = stall
        text = f"window opens again after {span_text(lasted)}"
        return self.say("tcp.window-open", text, segment, place, {"stalled_ns": lasted})

    def sent_again(self, segment: Segment, place: Spot, end: End) -> Told:
        fast = bool(segment.events & Event.FAST_RETRANSMISSION)
        known = next((repeat for repeat in end.repeats if repeat.seq == segment.seq), None)
        if known is None:
            pushed = bool(segment.flags & (Flag.PSH | Flag.FIN))
            known = Repeat(segment.seq, segment.payload_bytes, fast, pushed)
            others = end.repeats
            if len(others) >= REPEATS:
                # The ones that came only once say least.
                least = min(others, key=lambda repeat: repeat.count)
                others = tuple(repeat for repeat in others if repeat is not least)
            end.repeats = (*others, known)
        before_ns = known.last_ns
        end.again += 1
        known.add(segment, place)
        why = ", after three duplicate ACKs" if fast else ""
        if known.count > 1:
            why = f", {times(known.count)} now, {span_text(segment.time_ns - before_ns)} after the last"
        what = self.bytes_text(segment)
        return self.say("tcp.retransmission", f"{what} sent again{why}", segment, place, {"fast": fast})

    def bytes_text(self, segment: Segment) -> str:
        """What the segment carries: "1,448 bytes (4,345 to 5,793 of the stream)", the FIN, or nothing."""
        if not segment.payload_bytes:
            return "FIN" if segment.flags & Flag.FIN else "empty segment"
        text = count(segment.payload_bytes, "byte")
        isn = self.seen.ends[segment.sender].isn
        if isn is None:
            return text
        start = later(segment.seq, isn) - 1
        return f"{text} ({start:,} to {start + segment.payload_bytes:,} of the stream)" if start >= 0 else text

    # --- the end ---

    def fin(self, segment: Segment, place: Spot) -> Note:
        end, peer = self.seen.ends[segment.sender], self.seen.ends[1 - segment.sender]
        end.fin_at = (segment.seq + segment.payload_bytes) % (1 << 32)
        end.fin_ack, end.fin_ns, end.fin_place = segment.ack, segment.time_ns, place
        fields: dict[str, core.Value] = {"seq": segment.seq, "ack": segment.ack, "window": segment.window}
        sent = ""
        if end.isn is not None:
            size = max(later(end.fin_at, end.isn) - 1, 0)
            fields["bytes_sent"] = size
            sent = f"{count(size, 'byte')} sent" if size else "nothing sent"
        if peer.fin_at is None:
            fields["closes"] = "first"
            return Note("tcp.fin", f"closes first: {sent or 'it has sent all it had'}", place, fields)
        waited = span_text(segment.time_ns - peer.fin_ns)
        if later(segment.ack, peer.fin_at) <= 0:
            fields["closes"] = "simultaneously"
            text = "closes too, before it saw the other's FIN: both close at the same time"
            return Note("tcp.fin", f"{text} ({sent})" if sent else text, place, fields)
        fields["closes"] = "second"
        after = later(end.fin_at, peer.fin_ack)
        if after > 0:
            fields["bytes_after_peer_fin"] = after
            part = "all" if after == fields.get("bytes_sent") else f"{after:,}"
            sent = f"{sent}, {part} of them after that" if sent else f"{count(after, 'byte')} sent after that"
        return Note("tcp.fin", f"closes too, {waited} after the other's FIN{': ' if sent else ''}{sent}", place, fields)

    def on_reset(self, segment: Segment, place: Spot) -> Told:
        seen, sender = self.seen, segment.sender
        end, peer = seen.ends[sender], seen.ends[1 - sender]
        again = bool(end.resets)
        if len(end.resets) < EVIDENCE:
            end.resets = (*end.resets, (place, segment))
        fields: dict[str, core.Value] = {
            "seq": segment.seq,
            "ack": segment.ack if segment.flags & Flag.ACK else None,
            "ttl": segment.ttl,
        }
        if seen.established is None and peer.isn is not None and end.isn is None and not peer.first_payload:
            fits = segment.flags & Flag.ACK and 1 <= later(segment.ack, peer.isn) <= 1 + seen.syn_payload
            if fits:
                seen.refusal = seen.refusal or place
                text = f"refuses the connection, {span_text(segment.time_ns - seen.answered_syn_ns)} after the SYN"
            else:
                text = "a RST that does not fit the SYN: the client has to ignore it"
        elif seen.established is None and seen.bare_ack is not None:
            text = "answers the bare ACK by RST: it knows nothing of that connection"
        elif seen.established is None and sender is Side.INITIATOR and seen.syn_ack_count:
            wrong = seen.wrong_syn_ack is not None
            text = "rejects the SYN-ACK: it is not an answer to this SYN" if wrong else "gives up the attempt"
        elif end.fin_at is not None and peer.fin_at is not None:
            text = "resets a connection that both had closed"
        elif end.fin_at is not None:
            text = "had closed, and answers what still came by RST"
        elif peer.fin_at is not None:
            text = "answers the close by RST"
        else:
            text = "aborts the connection"
        note = Note("tcp.rst", text, place, fields)
        return self.limited(note) if again else (note,)

    # --- what others report ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        if self.seen.bare_ack is not None and self.seen.established is None:
            return ()  # the ACK that answered the SYN was of another connection: what it acknowledged is not here
        text = f"{count(size, 'byte')} of {WHO[sender]} are not in the capture"
        return self.limited(Note("tcp.gap", text, Spot(at), {"missing_bytes": size}, sender=sender))

    def on_conflict(self, sender: Side, at: Piece) -> Outputs:
        end = self.seen.ends[sender]
        end.conflict_count += 1
        end.conflicts = kept(end.conflicts, Spot(at))
        text = f"{count(len(at), 'byte')} overlap what was sent before and say something else; the first copy is used"
        return self.limited(Note("tcp.conflict", text, Spot(at), {"bytes": len(at)}, sender=sender))

    def on_icmp(self, error: IcmpError) -> Outputs:
        place = Spot(error.at)
        if len(self.seen.errors) < ERRORS:
            self.seen.errors = (*self.seen.errors, (error, place))
        name = icmp_name(error.version, error.type, error.code)
        icmp = "ICMP" if error.version == 4 else "ICMPv6"
        text = f"{icmp} from {error.source}: {name}"
        fields: dict[str, core.Value] = {
            "source": error.source,
            "type": error.type,
            "code": {"value": error.code, "name": name},
        }
        if is_too_big(error.version, error.type, error.code) and error.mtu:
            fields["mtu"] = error.mtu
            text += f", at most {error.mtu:,} bytes"
        return self.limited(Note("tcp.icmp-error", text, place, fields, sender=error.sender.other))

    # --- the sum ---

    def on_end(self, flow: Flow, capture_end_ns: int) -> Outputs:
        self.flow = flow
        if self.seen.untold:
            text = f"{count(self.seen.untold, 'more event')} of this connection are counted, not told"
            last = core.spot(flow.last_frame, 0, 0, flow.last_ns)
            yield Note("tcp.more", text, last, {"untold": self.seen.untold})
        yield core.About(str(flow.responder), self.facts(flow))
        if not self.phase_told:
            self.phase_told = True
            yield self.phase(flow, capture_end_ns)
        yield from judge(self.seen, flow, capture_end_ns)

    def facts(self, flow: Flow) -> dict[str, core.Value]:
        facts: dict[str, core.Value] = {}
        tcp = flow.tcp
        if tcp is None:
            return facts
        if tcp.initial_rtt_ns is not None:
            facts["initial_rtt_ms"] = round(tcp.initial_rtt_ns / messages.MS, 3)
        if tcp.end is not None:
            facts["end"] = tcp.end
            facts["closed_by"] = self.closed_by()
        sent_again = sum(tcp.retransmits)
        if sent_again:
            facts["retransmits"] = sent_again
        if any(tcp.lost_bytes):
            facts["missing_bytes"] = list(tcp.lost_bytes)
        return facts

    def closed_by(self) -> str | None:
        """Which side ended it: by the first FIN, or by a RST before any."""
        first = []
        for side in SIDES:
            end = self.seen.ends[side]
            if end.fin_place is not None:
                first.append((end.fin_ns, side))
            elif end.resets:
                first.append((end.resets[0][0].time_ns, side))
        return min(first)[1].name.lower() if first else None

    def phase(self, flow: Flow, capture_end_ns: int) -> Phase:
        """The set-up, where it was not completed before our eyes."""
        seen, tcp = self.seen, flow.tcp
        if not seen.syns:
            return Phase("tcp", flow.first_ns, flow.first_ns, Outcome.PARTIAL)
        start = seen.syns[0].time_ns
        waited = capture_end_ns - seen.syns[-1].time_ns >= WAIT_NS
        payload = tcp.payload_bytes if tcp is not None else (0, 0)
        if seen.refusal is not None:
            return Phase("tcp", start, seen.refusal.time_ns, Outcome.FAILED, 1)
        if payload[0] > seen.syn_payload or (seen.ends[0].fin_at is not None and not seen.errors):
            # It went on, so the rest of the handshake was not captured.
            return Phase("tcp", start, start, Outcome.PARTIAL)
        if seen.errors:
            return Phase("tcp", start, seen.errors[0][1].time_ns, Outcome.FAILED)
        reset = [place.time_ns for end in seen.ends for place, _ in end.resets]
        if reset:
            return Phase("tcp", start, min(reset), Outcome.FAILED)
        if seen.syn_ack_count or seen.both_sent_syn or seen.bare_ack is not None:
            last = max([start, *(place.time_ns for place in seen.syn_acks)])
            repeated = seen.syn_ack_count > 1 or seen.bare_ack is not None
            return Phase("tcp", start, last, Outcome.UNANSWERED if repeated else Outcome.OPEN)
        if flow.packets[0] > seen.syn_count:
            return Phase("tcp", start, start, Outcome.PARTIAL)
        unanswered = seen.syn_count > 1 or waited
        return Phase("tcp", start, flow.last_ns, Outcome.UNANSWERED if unanswered else Outcome.OPEN)


def is_of_syn(segment: Segment, peer: End) -> bool:
    """Whether the D-SACK in `segment` is about nothing but the SYN of `peer`.  RFC 2883 §4"""
    header = segment.header
    untraced = core.Piece(header.data, header.runs, header.start, header.stop, header.base)
    blocks = read_header(untraced).sack_blocks
    return bool(blocks) and peer.isn is not None and later(blocks[0][1], peer.isn) <= 1


def kept(places: tuple[Spot, ...], place: Spot) -> tuple[Spot, ...]:
    """The evidence with one more, as long as there is not enough of it."""
    return (*places, place) if len(places) < EVIDENCE else places
