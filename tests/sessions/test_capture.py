"""Verdicts on the capture itself, from counts made by hand."""

from __future__ import annotations

from analyzer.core import (
    Capture,
    Endpoint,
    Finding,
    Flow,
    Interface,
    Note,
    Place,
    Problem,
    Severity,
    Span,
    Story,
    TcpSummary,
)
from analyzer.sessions.capture import FINDINGS, capture_findings


def flow(number: int = 0, packets: tuple[int, int] = (5, 5), tcp: TcpSummary | None = None) -> Flow:
    ends = Endpoint("10.0.0.1", 50_000 + number), Endpoint("10.0.0.2", 443)
    first = 10 * number + 1
    sums = TcpSummary(syn=first, syn_ack=first + 1) if tcp is None else tcp
    return Flow(number, "tcp", *ends, "", first, first + 9, 5, 9, packets, (0, 0), sums)


def found(capture: Capture, *flows: Flow, stories: tuple[Story, ...] = ()) -> list[Finding]:
    return list(capture_findings(capture, flows, stories))


def capture(frames: int = 100) -> Capture:
    return Capture(frames=frames, first_ns=1, last_ns=9)


def test_a_sound_capture_has_no_findings() -> None:
    assert found(capture(), flow(), flow(1)) == []


def test_a_udp_flow_says_nothing() -> None:
    one = flow()
    one.tcp = None
    assert found(capture(), one) == []


def test_one_direction_is_a_warning_only_where_it_is_the_rule() -> None:
    alone = flow(1, (9, 0))
    (finding,) = found(capture(), alone)
    assert (finding.code, finding.severity) == ("capture.one-direction", Severity.WARNING)
    assert finding.frames == (11,)
    (finding,) = found(capture(), *(flow(number) for number in range(9)), flow(9, (0, 8)))
    assert finding.severity is None
    assert "Of 10 TCP connections with 5 packets or more, 1 show one side only." in finding.text


def test_syns_without_answer_are_not_one_direction() -> None:
    assert found(capture(), flow(0, (7, 0), TcpSummary(syn=1, syn_retransmits=6))) == []


def test_connections_without_syn_began_before() -> None:
    (finding,) = found(capture(), flow(0, tcp=TcpSummary(payload_bytes=(1, 0))), flow(1))
    assert finding.code == "capture.started-late"
    assert finding.text == "1 of 2 TCP connections have no SYN in the capture."


def test_drops_are_a_warning_where_something_is_missing() -> None:
    lossy = flow(0, tcp=TcpSummary(syn=1, lost_bytes=(0, 1448)))
    dropping = capture()
    dropping.interfaces = [Interface("eth0", 1, 0, 7), Interface("eth1", 1, 0)]
    (finding,) = found(dropping, flow())
    assert finding.text == "The capturing host says that it lost 7 packets."
    assert (finding.severity, finding.frames) == (None, ())
    (finding,) = found(capture(), lossy)
    assert finding.text == "1,448 bytes of 1 TCP connection were acknowledged by their receiver and are not here."
    assert (finding.severity, finding.frames) == (None, (1,))
    gap = Note("tcp.gap", "1,448 bytes", Place((Span(6, 0, 0),), 6))
    (finding,) = found(dropping, lossy, stories=(Story(lossy, notes=[gap]),))
    assert (finding.severity, finding.frames) == (Severity.WARNING, (6,))


def test_what_one_direction_lacks_is_not_lost() -> None:
    alone = flow(0, (9, 0), TcpSummary(syn=1, lost_bytes=(0, 5000)))
    assert [finding.code for finding in found(capture(), alone)] == ["capture.one-direction"]


def test_duplicates() -> None:
    twice = flow(0, tcp=TcpSummary(syn=1, duplicates=(1, 2)))
    (finding,) = found(capture(1000), twice, flow(1))
    assert (finding.code, finding.severity) == ("capture.duplicates", None)
    (finding,) = found(capture(10), twice)
    assert finding.severity is Severity.NOTICE


def test_offload_truncation_and_clock() -> None:
    odd = capture()
    odd.oversize_frames, odd.cut_frames = 1, 2
    odd.clock_steps, odd.clock_step_frame, odd.clock_step_ns = 3, 42, 2_000_000_000
    odd.problems = [
        Problem("capture.truncated", "the file ends inside a record", frame=99),
        Problem("ip.fragment-lost", "IP datagram 1 lacks fragments", frame=7),
        Problem("ip.fragment-lost", "IP datagram 2 lacks fragments"),
        Problem("capture.damaged", "something else"),
    ]
    said = {finding.code: finding for finding in found(odd)}
    assert list(said) == ["capture.offload", "capture.truncated", "capture.clock-step", "ip.fragment-lost"]
    assert said["capture.offload"].text == "1 of 100 frames is larger than any Ethernet packet."
    assert said["capture.truncated"].text == "2 of 100 frames are not there in full; the file ends inside a record."
    assert said["capture.truncated"].frames == (99,)
    assert said["capture.clock-step"].text == "Time goes back 3 times, by up to 2.000 s; first at frame 42."
    assert said["ip.fragment-lost"].text == "IP datagram 1 lacks fragments. 1 more are in the same case."
    assert all(code in FINDINGS for code in said)
