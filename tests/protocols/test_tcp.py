"""The TCP room, driven with segments made by hand: what the flow table says of them is given as events."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Event, Finding, Note, Outcome, Phase, Severity, Side, Span
from analyzer.protocols import tcp
from analyzer.protocols.tcp import messages, names
from analyzer.protocols.tcp.dissector import Tcp
from analyzer.protocols.tcp.findings import FINDINGS
from analyzer.protocols.tcp.names import Flag

A, B = Side.INITIATOR, Side.RESPONDER
MS = 1_000_000
ISN = (1_000_000, 4_294_967_000)  # the server's numbers wrap
#: MSS 1460, SACK permitted, timestamps 7/0, no-op, window scale 10: what Linux sends.
LINUX = bytes.fromhex("020405b4 0402 080a 00000007 00000000 01 03030a")


def header(sport: int, dport: int, seq: int, ack: int, flags: int, window: int, options: bytes = b"") -> bytes:
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) // 4
    return struct.pack(">HHIIHHHH", sport, dport, seq, ack, offset << 12 | flags, window, 0, 0) + options


@dataclass
class Said:
    notes: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    about: list[core.About] = field(default_factory=list)

    def add(self, outputs: core.Outputs) -> None:
        for output in outputs:
            if isinstance(output, Note):
                self.notes.append(output)
            elif isinstance(output, Finding):
                self.findings.append(output)
            elif isinstance(output, Phase):
                self.phases.append(output)
            elif isinstance(output, core.About):
                self.about.append(output)

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]

    @property
    def kinds(self) -> list[str]:
        return [note.kind for note in self.notes]

    def finding(self, code: str) -> Finding:
        return next(finding for finding in self.findings if finding.code == code)


class Play:
    """A connection; sequence numbers are relative (0 is the SYN)."""

    def __init__(self, limits: core.Limits | None = None, isn: tuple[int, int] = ISN) -> None:
        self.isn = isn
        self.flow = core.Flow(
            0, "tcp", core.Endpoint("10.0.0.1", 50000), core.Endpoint("10.0.0.2", 443), "", 1, 1, 0, 0, (0, 0), (0, 0)
        )
        self.sums = core.TcpSummary()
        self.room = Tcp(self.flow, core.Limits() if limits is None else limits)
        self.said = Said()
        self.frame = 0
        self.packets = [0, 0]
        self.payload = [0, 0]
        self.largest = [0, 0]
        self.time_ns = 0
        self.trace: core.Trace | None = None

    def segment(
        self,
        side: Side,
        at_ms: float,
        flags: int,
        events: int,
        *,
        seq: int = 1,
        ack: int = 1,
        size: int = 0,
        window: int = 500,
        options: bytes = b"",
        ttl: int = 64,
    ) -> None:
        self.frame += 1
        self.time_ns = round(at_ms * MS)
        self.packets[side] += 1
        self.payload[side] += size
        self.largest[side] = max(self.largest[side], size)
        number, acknowledged = (self.isn[side] + seq) % (1 << 32), (self.isn[1 - side] + ack) % (1 << 32)
        if not flags & Flag.ACK:
            acknowledged = 0
        data = header(50000, 443, number, acknowledged, flags, window, options)
        piece = core.Piece(data, [(0, self.frame, 34, self.time_ns)], trace=self.trace)
        if events:
            self.said.add(
                self.room.on_segment(
                    core.Segment(side, flags, number, acknowledged, window, size, events, ttl, self.frame, piece)
                )
            )

    def syn(self, at_ms: float = 0, events: int = Event.SYN | Event.NEW_FLOW, options: bytes = LINUX) -> None:
        self.segment(A, at_ms, Flag.SYN, events, seq=0, options=options, window=64240)
        if events & Event.SYN:
            self.sums.syn, self.sums.syn_ns = self.frame, self.time_ns
        else:
            self.sums.syn_retransmits += 1

    def syn_ack(self, at_ms: float, events: int = Event.SYN_ACK, options: bytes = LINUX, ack: int = 1) -> None:
        self.segment(B, at_ms, Flag.SYN | Flag.ACK, events, seq=0, ack=ack, options=options, window=65160)
        if events & Event.SYN_ACK:
            self.sums.syn_ack, self.sums.syn_ack_ns = self.frame, self.time_ns

    def ack(self, at_ms: float) -> None:
        self.segment(A, at_ms, Flag.ACK, Event.HANDSHAKE_ACK)
        self.sums.ack, self.sums.ack_ns = self.frame, self.time_ns
        if self.sums.syn_ns is not None:
            self.sums.initial_rtt_ns = self.time_ns - self.sums.syn_ns

    def open(self, rtt_ms: float = 20) -> None:
        self.syn()
        self.syn_ack(rtt_ms - 0.01)
        self.ack(rtt_ms)

    def icmp(
        self, at_ms: float, kind: int, code: int, *, version: int = 4, source: str = "10.9.9.9", mtu: int = 0
    ) -> None:
        self.frame += 1
        self.time_ns = round(at_ms * MS)
        piece = core.Piece(b"\3\1" + bytes(6), [(0, self.frame, 34, self.time_ns)])
        self.said.add(self.room.on_icmp(core.IcmpError(version, kind, code, source, A, mtu, piece)))

    def end(self, end_ms: float | None = None) -> Said:
        self.flow.packets = (self.packets[0], self.packets[1])
        self.flow.last_frame, self.flow.last_ns = self.frame, self.time_ns
        self.sums.payload_bytes = (self.payload[0], self.payload[1])
        self.sums.max_payload = (self.largest[0], self.largest[1])
        self.flow.tcp = self.sums
        self.said.add(self.room.on_end(self.flow, self.time_ns if end_ms is None else round(end_ms * MS)))
        return self.said


# --- the timeline -----------------------------------------------------------------------------------------------------


def test_handshake_is_told_with_its_options_and_its_round_trip() -> None:
    play = Play()
    play.syn()
    play.syn_ack(0.027)
    play.ack(0.042)
    said = play.end()
    assert [(note.kind, note.text) for note in said.notes] == [
        ("tcp.syn", "MSS 1460, window scale 10, SACK, timestamps"),
        ("tcp.syn-ack", "same options: nothing on the path strips them"),
        ("tcp.ack", "open after one round trip of 0.042 ms"),
    ]
    assert said.notes[0].fields["mss"] == 1460
    assert said.notes[0].fields["options"] == [2, 4, 8, 3]
    assert said.notes[0].spans == (Span(1, 34, 74),)
    assert said.phases == [Phase("tcp", 0, 42_000, Outcome.ESTABLISHED, 1)]
    assert said.about[0].title == "10.0.0.2:443"
    assert said.about[0].facts["initial_rtt_ms"] == 0.042
    assert not said.findings


def test_orderly_close_says_who_closed_first_and_how_much_was_sent() -> None:
    play = Play()
    play.open()
    play.segment(A, 30, Flag.ACK | Flag.FIN, Event.FIN, seq=301, ack=1)
    play.segment(B, 430, Flag.ACK | Flag.FIN, Event.FIN, seq=74, ack=302)
    play.sums.end = "fin"
    said = play.end()
    first, second = said.notes[-2:]
    assert first.text == "closes first: 300 bytes sent"
    assert second.text == "closes too, 400 ms after the other's FIN: 73 bytes sent, all of them after that"
    assert second.fields == {
        "seq": (ISN[1] + 74) % (1 << 32),
        "ack": ISN[0] + 302,
        "window": 500,
        "bytes_sent": 73,
        "closes": "second",
        "bytes_after_peer_fin": 73,
    }
    assert said.about[0].facts["closed_by"] == "initiator"
    assert not said.findings


def test_crossing_fins_are_a_simultaneous_close() -> None:
    play = Play()
    play.open()
    play.segment(A, 30, Flag.ACK | Flag.FIN, Event.FIN, seq=1)
    play.segment(B, 31, Flag.ACK | Flag.FIN, Event.FIN, seq=1, ack=1)
    said = play.end()
    assert said.notes[-1].fields["closes"] == "simultaneously"
    assert "at the same time" in said.notes[-1].text


def test_crossing_syns_are_a_simultaneous_open() -> None:
    play = Play()
    play.syn()
    play.segment(B, 40, Flag.SYN, Event.SYN, seq=0, options=LINUX)
    play.segment(A, 41, Flag.SYN | Flag.ACK, Event.SYN_ACK, seq=0, options=LINUX)
    play.segment(B, 80, Flag.SYN | Flag.ACK, Event.SYN_ACK, seq=0, options=LINUX)
    play.ack(81)
    said = play.end()
    assert said.kinds == ["tcp.syn", "tcp.syn", "tcp.syn-ack", "tcp.syn-ack", "tcp.ack"]
    assert said.codes == ["tcp.simultaneous-open"]
    assert said.phases[0].outcome is Outcome.ESTABLISHED


def test_tracing_gives_the_fields_of_the_header_by_their_names() -> None:
    play = Play()
    play.trace = core.Trace()
    play.syn()
    names_read = [one.name for one in play.trace.fields]
    assert names_read[:4] == ["source_port", "destination_port", "sequence_number", "acknowledgment_number"]
    options = [one for one in play.trace.fields if one.name == "option"]
    assert [child.name for child in options[0].children] == ["kind", "length", "maximum_segment_size"]
    assert options[0].piece is not None
    assert options[0].piece.spans == (Span(1, 54, 58),)


def test_events_beyond_the_limit_are_counted_in_one_note() -> None:
    play = Play(core.Limits(tcp_events_per_flow=5))
    play.open()
    for number in range(12):
        play.segment(A, 100 + number, Flag.ACK, Event.OUT_OF_ORDER, seq=1 + number, size=10)
    said = play.end()
    assert said.kinds.count("tcp.out-of-order") == 5
    assert said.notes[-1].kind == "tcp.more"
    assert said.notes[-1].fields == {"untold": 7}


def test_gaps_and_conflicts_are_told() -> None:
    play = Play()
    play.open()
    piece = core.Piece(b"GET /", [(0, 9, 54, 5 * MS)])
    play.said.add(play.room.on_gap(A, 1448, piece))
    play.said.add(play.room.on_conflict(B, piece))
    said = play.end()
    assert [note.text for note in said.notes[-2:]] == [
        "1,448 bytes of the client are not in the capture",
        "5 bytes overlap what was sent before and say something else; the first copy is used",
    ]
    assert said.codes == ["tcp.overlap-conflict"]


@pytest.mark.parametrize(
    ("offered", "answer", "text"),
    [
        (LINUX, LINUX, "same options: nothing on the path strips them"),
        (LINUX, bytes.fromhex("020405b4 0402"), "MSS 1460, SACK; not returned: window scale, timestamps"),
        (LINUX, bytes.fromhex("02040514 0402 080a 00000001 00000007 01 030307"), None),
        (b"", b"", "no options on either side"),
    ],
)
def test_what_the_answer_says_of_the_options(offered: bytes, answer: bytes, text: str | None) -> None:
    play = Play()
    play.syn(options=offered)
    play.syn_ack(1, options=answer)
    assert play.said.notes[-1].text == (text or "MSS 1300, window scale 7; all options offered came back")


def test_options_that_break_their_lengths_are_said_to() -> None:
    play = Play()
    play.syn(options=bytes.fromhex("020405b4 0300"))
    assert play.said.notes[0].text == "MSS 1460, options that break their own lengths"


def test_fast_open_and_rare_options_have_words() -> None:
    play = Play()
    play.syn(options=bytes.fromhex("2202 1303 00 fe04f989 4003 00"))
    assert play.said.notes[0].text == "asks for a Fast Open cookie, MD5 signature, experiment 254, option 64"


# --- a connection that was not made -----------------------------------------------------------------------------------


def test_syn_without_answer() -> None:
    play = Play()
    play.syn()
    play.syn(1010, Event.SYN_AGAIN)
    play.syn(3030, Event.SYN_AGAIN)
    said = play.end(8000)
    assert said.codes == ["tcp.syn-no-reply"]
    assert "3 SYNs to 10.0.0.2:443, sent again after 1.01 s, 3.03 s" in said.findings[0].text
    assert said.findings[0].frames == (1, 2, 3)
    assert said.phases[0].outcome is Outcome.UNANSWERED
    assert said.notes[1].text == "sent again after 1.01 s (try 2): no answer yet"


@pytest.mark.parametrize(("end_ms", "codes"), [(500, []), (3500, ["tcp.syn-no-reply"])])
def test_a_lone_syn_is_judged_only_after_a_while(end_ms: float, codes: list[str]) -> None:
    play = Play()
    play.syn()
    said = play.end(end_ms)
    assert said.codes == codes
    assert said.phases[0].outcome is (Outcome.UNANSWERED if codes else Outcome.OPEN)


def test_one_direction_is_not_taken_for_silence() -> None:
    play = Play()
    play.syn()
    play.segment(A, 20, Flag.ACK, 0)
    play.segment(A, 30, Flag.ACK | Flag.PSH, Event.FIRST_PAYLOAD, size=300)
    said = play.end(60_000)
    assert said.codes == []
    assert said.phases[0].outcome is Outcome.PARTIAL


def test_refusal() -> None:
    play = Play()
    play.syn()
    play.segment(B, 0.05, Flag.RST | Flag.ACK, Event.RST, seq=-ISN[1], ack=1, window=0)
    said = play.end()
    assert said.codes == ["tcp.syn-refused"]
    assert said.notes[-1].text == "refuses the connection, 0.050 ms after the SYN"
    assert said.phases[0].outcome is Outcome.FAILED


def test_a_reset_that_does_not_fit_the_syn_is_no_refusal() -> None:
    play = Play()
    play.syn()
    play.segment(B, 0.05, Flag.RST | Flag.ACK, Event.RST, seq=0, ack=77, window=0)
    said = play.end()
    assert "tcp.syn-refused" not in said.codes
    assert "does not fit" in said.notes[-1].text


@pytest.mark.parametrize(
    ("version", "kind", "code", "words"),
    [
        (4, 3, 13, "communication administratively prohibited (ICMP type 3, code 13)"),
        (4, 3, 1, "host unreachable (ICMP type 3, code 1)"),
        (6, 1, 0, "no route to the destination (ICMPv6 type 1, code 0)"),
    ],
)
def test_unreachable(version: int, kind: int, code: int, words: str) -> None:
    play = Play()
    play.syn()
    play.icmp(20, kind, code, version=version)
    said = play.end()
    assert said.codes == ["tcp.syn-unreachable"]
    assert words in said.findings[0].text
    assert said.findings[0].severity is Severity.ERROR
    assert said.phases[0].outcome is Outcome.FAILED


def test_an_answer_after_all_makes_unreachable_a_notice() -> None:
    play = Play()
    play.syn()
    play.icmp(20, 3, 1)
    play.syn(30, Event.SYN_AGAIN)
    play.syn_ack(40)
    play.ack(41)
    assert play.end().finding("tcp.syn-unreachable").severity is Severity.NOTICE


def test_hops_that_ran_out() -> None:
    play = Play()
    play.syn()
    play.icmp(20, 11, 0)
    play.syn(1000, Event.SYN_AGAIN)
    play.icmp(1020, 11, 0)
    said = play.end(9000)
    assert said.codes == ["ip.ttl-exceeded"]
    assert said.findings[0].severity is Severity.ERROR


def test_syn_ack_never_acknowledged() -> None:
    play = Play()
    play.syn()
    play.syn_ack(0.01)
    play.syn_ack(1000, Event.SYN_ACK_AGAIN)
    play.syn_ack(3000, Event.SYN_ACK_AGAIN)
    said = play.end(10_000)
    assert said.codes == ["tcp.synack-unacked"]
    assert said.phases[0].outcome is Outcome.UNANSWERED
    assert said.notes[-1].fields["retransmission"] is True


def test_scan() -> None:
    play = Play()
    play.syn()
    play.syn_ack(10)
    play.segment(A, 10.1, Flag.RST, Event.RST, seq=1)
    said = play.end()
    assert said.codes == ["tcp.synack-reset"]
    assert said.notes[-1].text == "gives up the attempt"


def test_wrong_acknowledgment_in_the_syn_ack() -> None:
    play = Play()
    play.syn()
    play.syn_ack(10, ack=-5000)
    play.segment(A, 10.1, Flag.RST, Event.RST, seq=-5000)
    said = play.end()
    assert said.codes == ["tcp.synack-wrong-ack"]
    assert said.findings[0].severity is Severity.ERROR
    assert "1000001 was expected" in said.notes[1].text


def test_challenge_ack() -> None:
    play = Play()
    play.syn()
    play.segment(B, 10, Flag.ACK, Event.BARE_ACK_TO_SYN, seq=700, ack=-9000)
    play.segment(A, 10.1, Flag.RST, Event.RST, seq=-9000)
    play.said.add(play.room.on_gap(A, 9001, core.Piece(b"", [(0, 1, 54, 0)])))
    said = play.end()
    assert said.codes == ["tcp.syn-challenge-ack"]
    assert said.kinds == ["tcp.syn", "tcp.challenge-ack", "tcp.rst"]


# --- a handshake with trouble -----------------------------------------------------------------------------------------


def test_late_handshake() -> None:
    play = Play()
    play.syn()
    play.syn(1000, Event.SYN_AGAIN)
    play.syn_ack(1020)
    play.ack(1020.01)
    said = play.end()
    assert said.codes == ["tcp.syn-late"]
    assert said.notes[-1].text == "open after 1.02 s, with 2 SYNs and 1 SYN-ACK; a round trip takes 20.0 ms"
    assert said.phases[0].round_trips == 2


def test_full_accept_queue() -> None:
    play = Play()
    play.open()
    play.segment(A, 21, Flag.ACK, Event.FIRST_PAYLOAD, size=100)
    play.syn_ack(1000, Event.SYN_ACK_AGAIN)
    play.syn_ack(3000, Event.SYN_ACK_AGAIN)
    assert play.end().codes == ["tcp.accept-queue-full"]


def test_fast_open_that_was_dropped() -> None:
    play = Play()
    play.syn(options=bytes.fromhex("220a 1122334455667788"))
    play.syn(1000, Event.SYN_AGAIN, options=b"")
    play.syn_ack(1020, options=b"")
    play.ack(1021)
    play.sums.initial_rtt_ns = 21 * MS
    assert play.end().codes == ["tcp.tfo-blackholed"]


def test_no_window_scaling_on_a_long_path_says_what_it_costs() -> None:
    play = Play()
    play.syn()
    play.syn_ack(179.9, options=bytes.fromhex("020405b4 0402"))
    play.ack(180)
    said = play.end()
    assert said.codes == ["tcp.window-scale-missing", "tcp.options-stripped"]
    assert "no more than 0.36 MB/s" in said.findings[0].text


def test_small_mss() -> None:
    play = Play()
    play.syn()
    play.syn_ack(10, options=bytes.fromhex("02040514 0402 080a 00000001 00000007 01 03030a"))
    play.ack(11)
    said = play.end()
    assert said.codes == ["tcp.mss-clamped"]
    assert "the server 1300" in said.findings[0].text


# --- what did not get through -----------------------------------------------------------------------------------------


def repeat(play: Play, size: int, seq: int, *times_ms: float) -> None:
    play.payload[B] += size
    for at_ms in times_ms:
        play.segment(B, at_ms, Flag.ACK | Flag.PSH, Event.RETRANSMISSION, seq=seq, ack=1, size=size)


def test_backing_off_until_the_peer_resets_is_an_error() -> None:
    play = Play()
    play.open()
    play.segment(B, 30, Flag.ACK, Event.FIRST_PAYLOAD, size=18)
    repeat(play, 18, 1, 200, 410, 840, 1670, 3330)
    play.segment(A, 3330.1, Flag.RST, Event.RST, seq=22)
    said = play.end()
    assert said.codes[0] == "tcp.rto-backoff"
    assert said.findings[0].severity is Severity.ERROR
    assert "tcp.rst-midstream" not in said.codes
    assert said.notes[-2].text == "18 bytes (0 to 18 of the stream) sent again, 5 times now, 1.66 s after the last"


def test_backing_off_that_recovers_is_a_warning() -> None:
    play = Play()
    play.open()
    repeat(play, 18, 1, 200, 410, 840, 1670)
    play.segment(A, 1700, Flag.ACK | Flag.FIN, Event.FIN, ack=19)
    said = play.end()
    assert said.finding("tcp.rto-backoff").severity is None


def test_even_pauses_are_no_backing_off() -> None:
    play = Play()
    play.open()
    repeat(play, 18, 1, 200, 300, 400, 500)
    assert "tcp.rto-backoff" not in play.end().codes


def test_full_size_segments_that_vanish() -> None:
    play = Play()
    play.open()
    repeat(play, 1460, 1, 200, 410, 840, 1670)
    said = play.end(2000)
    assert said.codes == ["tcp.pmtu-blackhole"]
    assert said.findings[0].severity is Severity.ERROR
    assert "No ICMP error came." in said.findings[0].text


def test_full_size_segments_that_vanish_although_a_router_said_why() -> None:
    play = Play()
    play.open()
    repeat(play, 1460, 1, 200)
    play.icmp(201, 3, 4, mtu=1400)
    repeat(play, 1460, 1, 410, 840, 1670)
    said = play.end(2000)
    assert "10.9.9.9 said that at most 1,400 bytes fit." in said.finding("tcp.pmtu-blackhole").text
    assert said.notes[4].text == "ICMP from 10.9.9.9: fragmentation needed but forbidden, at most 1,400 bytes"


def test_single_copy_of_the_end_of_a_flight() -> None:
    play = Play()
    play.open()
    repeat(play, 640, 1, 200)
    assert play.end().codes == ["tcp.tail-loss"]


def test_duplicate_reported_by_the_receiver() -> None:
    play = Play()
    play.open()
    repeat(play, 640, 1, 200)
    play.segment(A, 201, Flag.ACK, Event.DSACK, ack=641)
    said = play.end()
    assert said.codes == ["tcp.spurious-retransmission"]
    assert said.kinds[-1] == "tcp.dsack"


def test_heavy_loss_is_a_warning() -> None:
    play = Play()
    play.open()
    for number in range(20):
        play.segment(B, 100 + number, Flag.ACK, Event.FAST_RETRANSMISSION, seq=1 + 1000 * number, size=1000)
    play.packets[B] += 100
    said = play.end()
    assert said.codes == ["tcp.loss"]
    assert said.findings[0].severity is Severity.WARNING
    assert "20 segments again, of 121 packets (16.5%)" in said.findings[0].text


def test_reordering() -> None:
    play = Play()
    play.open()
    play.segment(B, 50, Flag.ACK, Event.OUT_OF_ORDER, size=1000)
    play.sums.out_of_order = (0, 1)
    assert play.end().codes == ["tcp.reordering"]


@pytest.mark.parametrize(("until_ms", "severity"), [(120, Severity.NOTICE), (1500, None)])
def test_zero_window(until_ms: float, severity: Severity | None) -> None:
    play = Play()
    play.open()
    play.segment(A, 100, Flag.ACK, Event.ZERO_WINDOW, window=0)
    play.segment(B, 110, Flag.ACK, Event.WINDOW_PROBE, seq=0)
    play.segment(A, until_ms, Flag.ACK, Event.WINDOW_OPEN)
    said = play.end()
    assert said.codes == ["tcp.zero-window"]
    assert said.findings[0].severity is severity
    assert "it was probed once" in said.findings[0].text


def test_zero_window_until_the_end() -> None:
    play = Play()
    play.open()
    play.segment(A, 100, Flag.ACK, Event.ZERO_WINDOW, window=0)
    play.segment(B, 5000, Flag.ACK, Event.WINDOW_PROBE, seq=0)
    assert "for 4.90 s, until the end" in play.end().findings[0].text


def test_keep_alives_are_told_and_are_nothing_wrong() -> None:
    play = Play()
    play.open()
    play.segment(A, 60_000, Flag.ACK, Event.KEEP_ALIVE, seq=0)
    play.segment(B, 60_020, Flag.ACK, Event.KEEP_ALIVE_ACK)
    said = play.end()
    assert said.kinds[-2:] == ["tcp.keep-alive", "tcp.keep-alive-ack"]
    assert not said.findings


# --- resets -----------------------------------------------------------------------------------------------------------


def test_reset_on_the_first_bytes() -> None:
    play = Play()
    play.open()
    play.segment(A, 30, Flag.ACK | Flag.PSH, Event.FIRST_PAYLOAD, size=517)
    play.segment(B, 45, Flag.ACK | Flag.RST, Event.RST, ack=518)
    said = play.end()
    assert said.codes == ["tcp.rst-after-first-payload"]
    assert "sent 517 bytes, and 15.0 ms later came RST" in said.findings[0].text


def test_reset_in_the_middle() -> None:
    play = Play()
    play.open()
    play.segment(B, 30, Flag.ACK | Flag.PSH, Event.FIRST_PAYLOAD, size=3000)
    play.segment(A, 31, Flag.ACK | Flag.RST, Event.RST, ack=3001)
    play.sums.end = "rst"
    said = play.end()
    assert said.codes == ["tcp.rst-midstream"]
    assert said.about[0].facts["closed_by"] == "initiator"


def test_reset_after_the_own_fin_is_harmless() -> None:
    play = Play()
    play.open()
    play.segment(A, 30, Flag.ACK | Flag.FIN, Event.FIN)
    play.segment(A, 31, Flag.RST, Event.RST, seq=2)
    play.segment(A, 32, Flag.RST, Event.RST, seq=2)
    said = play.end()
    assert said.codes == ["tcp.rst-close-with-unread-data"]
    assert FINDINGS[said.codes[0]].severity is Severity.INFO


def test_reset_after_both_fins_is_nothing() -> None:
    play = Play()
    play.open()
    play.segment(A, 30, Flag.ACK | Flag.FIN, Event.FIN)
    play.segment(B, 31, Flag.ACK | Flag.FIN, Event.FIN, ack=2)
    play.segment(A, 32, Flag.RST, Event.RST, seq=2)
    assert not play.end().findings


def test_reset_that_is_not_the_peers() -> None:
    play = Play()
    play.open()
    play.segment(B, 30, Flag.ACK | Flag.PSH, Event.FIRST_PAYLOAD, size=600, ttl=57)
    play.segment(B, 31, Flag.RST, Event.RST, seq=601, ttl=250)
    play.segment(B, 32, Flag.ACK, Event.AFTER_RST, seq=601, size=600, ttl=57)
    said = play.end()
    assert "tcp.rst-injected" in said.codes
    assert "its TTL is 250, that of the other segments 57, 64" in said.finding("tcp.rst-injected").text


def test_dead_after_silence() -> None:
    play = Play()
    play.open()
    play.segment(B, 300_000, Flag.ACK | Flag.PSH, Event.AFTER_IDLE, seq=701, size=400)
    repeat(play, 400, 701, 300_220, 300_660, 301_520, 303_250)
    said = play.end(310_000)
    assert said.codes[0] == "tcp.idle-dropped"
    assert said.findings[0].severity is Severity.ERROR


def test_reset_after_silence() -> None:
    play = Play()
    play.open()
    play.segment(A, 600_000, Flag.ACK | Flag.PSH, Event.AFTER_IDLE, seq=301, size=300)
    play.segment(B, 600_020, Flag.RST, Event.RST, seq=701)
    assert play.end().codes == ["tcp.idle-dropped"]


def test_reset_after_silence_by_a_peer_that_still_knew_the_connection() -> None:
    play = Play()
    play.open()
    play.segment(B, 30, Flag.ACK, Event.FIRST_PAYLOAD, size=10)
    play.segment(A, 600_000, Flag.ACK | Flag.PSH, Event.AFTER_IDLE, seq=301, size=300)
    play.segment(B, 600_020, Flag.RST | Flag.ACK, Event.RST, seq=701, ack=601)
    assert play.end().codes == ["tcp.rst-midstream"]


def test_capture_that_started_late_has_a_partial_phase() -> None:
    play = Play()
    play.segment(A, 0, Flag.ACK | Flag.PSH, Event.NEW_FLOW | Event.FIRST_PAYLOAD, size=100)
    said = play.end()
    assert said.phases == [Phase("tcp", 0, 0, Outcome.PARTIAL)]
    assert not said.findings


# --- tables and hostile input -----------------------------------------------------------------------------------------

REFERENCE = re.compile(r"(§[\d.]+|RFC \d{3,4}( [\d.]+(, [\d.]+)*)?)(; RFC \d{3,4}( [\d.]+(, [\d.]+)*)?)*")


def test_tables_are_whole() -> None:
    for code, kind in tcp.PROTOCOL.findings.items():
        assert code.startswith(("tcp.", "ip."))
        assert REFERENCE.fullmatch(kind.spec), kind.spec
        assert kind.title
        assert kind.cause.endswith(".")
        assert kind.advice.endswith(".")
    for name, line in tcp.PROTOCOL.kinds.items():
        assert name.startswith("tcp.")
        assert line.label
        assert REFERENCE.fullmatch(line.spec), line.spec
    for word in tcp.PROTOCOL.words.values():
        assert REFERENCE.fullmatch(word.spec), word.spec


@given(st.binary(max_size=64))
def test_any_header_is_read_without_an_error(data: bytes) -> None:
    messages.read_header(core.Piece(data, [(0, 1, 0, 0)]))


bits = st.integers(0, (1 << 30) - 1)
number = st.integers(0, (1 << 32) - 1)


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.integers(0, 255), bits, number, number, st.integers(0, 3000)), max_size=30
    ),
    st.lists(st.tuples(st.sampled_from([4, 6]), st.integers(0, 255), st.integers(0, 255)), max_size=3),
)
def test_any_row_is_taken_without_an_error(
    rows: list[tuple[Side, int, int, int, int, int]], errors: list[tuple[int, int, int]]
) -> None:
    play = Play(core.Limits(tcp_events_per_flow=10))
    for at_ms, (side, flags, events, seq, ack, size) in enumerate(rows):
        play.segment(side, at_ms * 100, flags, events, seq=seq, ack=ack, size=size, options=LINUX)
    for version, kind, code in errors:
        play.icmp(5000, kind, code, version=version)
    play.sums.retransmits = (20, 20)
    said = play.end(100_000)
    assert all(note.kind in tcp.PROTOCOL.kinds for note in said.notes)
    assert all(finding.code in tcp.PROTOCOL.findings for finding in said.findings)
    assert len(said.phases) == 1 or play.room.seen.established is not None


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (42_000, "0.042 ms"),
        (3_040_000, "3.04 ms"),
        (12_200_000, "12.2 ms"),
        (850_000_000, "850 ms"),
        (1_010_000_000, "1.01 s"),
        (15_500_000_000, "15.5 s"),
        (125_000_000_000, "2 min 5 s"),
        (-42_000, "-0.042 ms"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert messages.span_text(ns) == text


@pytest.mark.parametrize(
    ("version", "kind", "code", "text"),
    [
        (4, 3, 99, "destination unreachable, code 99"),
        (4, 11, 1, "fragment reassembly time exceeded"),
        (4, 12, 0, "parameter problem"),
        (4, 4, 0, "source quench"),
        (4, 77, 0, "ICMP type 77, code 0"),
        (6, 1, 99, "destination unreachable, code 99"),
        (6, 2, 0, "packet too big"),
        (6, 3, 0, "hop limit exceeded in transit"),
        (6, 3, 1, "fragment reassembly time exceeded"),
        (6, 4, 0, "parameter problem"),
        (6, 9, 0, "ICMP type 9, code 0"),
    ],
)
def test_icmp_errors_have_words(version: int, kind: int, code: int, text: str) -> None:
    assert names.icmp_name(version, kind, code) == text


def test_shared_headers_differ_in_nothing_but_the_values_of_their_timestamps() -> None:
    def read(options: bytes) -> messages.Header:
        return messages.read_header(core.Piece(header(1, 2, 3, 4, 2, 5, options), [(0, 1, 0, 0)]))

    first = bytes.fromhex("020405b4 0402 080a 00000001 00000000 01 030307")
    assert read(first) is read(first.replace(b"\0\0\0\1", b"\0\0\0\2", 1))
    assert read(first) is not read(first.replace(b"\3\3\7", b"\3\3\6"))
    # A Fast Open cookie in which the first two bytes of a timestamps option stand by chance.
    cookie = bytes.fromhex("220c 080a 1122334455667788")
    assert read(cookie).fast_open != read(cookie.replace(b"\x11", b"\x12")).fast_open
