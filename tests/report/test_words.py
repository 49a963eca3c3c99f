"""How things are put into words."""

import pytest

from analyzer import core
from analyzer.core import Outcome, Phase
from analyzer.report import words
from tests.report import sample


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0, "0 ms"),
        (42_000, "0.042 ms"),
        (420_000, "0.42 ms"),
        (3_440_000, "3.44 ms"),
        (19_460_000, "19.5 ms"),
        (388_000_000, "388 ms"),
        (999_900_000, "1.00 s"),
        (15_510_000_000, "15.5 s"),
        (125_000_000_000, "2 min 5 s"),
        (7_500_000_000_000, "2 h 5 min"),
        (200_000_000_000_000, "2 d 7 h"),
        (-42_000, "-0.042 ms"),
    ],
)
def test_durations_are_said_as_a_person_would(ns: int, said: str) -> None:
    assert words.duration(ns) == said


def test_frames_are_listed() -> None:
    assert words.frames(()) == ""
    assert words.frames((4,)) == "frame 4"
    assert words.frames((4, 6)) == "frames 4 and 6"
    assert words.frames((4, 6, 9)) == "frames 4, 6 and 9"
    assert words.frames(tuple(range(26, 268))) == "frames 26 to 267"


def test_what_a_capture_lacks_is_said() -> None:
    report = sample.report()
    assert words.covered(report)[:3] == ["both directions", "from the first SYN", "1,448 bytes missing"]
    tcp = report.flows[0].tcp
    assert tcp is not None
    tcp.syn = None
    report.flows[0].packets = (5, 0)
    said = words.covered(report)
    assert said[0] == "one direction only in 1 of 2 TCP connections"
    assert said[1] == "1 without the beginning"
    assert words.covered(core.Report(core.Capture(), [], [], [])) == []


def test_time_between_phases_is_told() -> None:
    report = sample.report()
    report.sessions[0].phases[1] = Phase(
        "http", sample.START_NS + 500_000_000, sample.START_NS + 1_000_000_000, Outcome.ESTABLISHED
    )
    assert "between them 500 ms" in words.breakdown(report.sessions[0], None)[0]


def test_the_header_names_what_was_read() -> None:
    report = sample.report()
    assert words.header(report)[:3] == ["wss-veth-chromium.pcapng", "61 frames", "7.00 s"]
    report.capture.files *= 2
    report.capture.undecoded_frames = 2
    assert words.header(report)[0] == "2 files"
    assert "2 frames not decoded" in words.header(report)[-1]
    assert words.header(core.Report(core.Capture(), [], [], [])) == ["no file", "0 frames"]


def test_places_and_problems_are_told() -> None:
    report = sample.report()
    assert words.place(report.findings[0]) == "session 2, frames 11 to 14"
    assert words.place(report.findings[1]) == "the capture"
    assert words.problem(report.capture.problems[0]).endswith("(wss-veth-chromium.pcapng, byte 80,000, frame 61)")
    assert words.problem(core.Problem("x", "all of a.pcap is bad", "a.pcap")) == "all of a.pcap is bad"


def test_findings_are_ordered_and_counted() -> None:
    findings = sample.report().findings[::-1]
    assert [finding.severity.value for finding in words.ordered(findings)] == ["error", "warning", "notice"]
    assert list(words.counted(findings).values()) == [1, 1, 1, 0]


def test_the_main_flow_is_the_first_connection() -> None:
    report = sample.report()
    flows = {flow.id: flow for flow in report.flows}
    main = words.main_flow(report.sessions[0], flows)
    assert main is not None
    assert main.transport == "tcp"
    assert words.main_flow(report.sessions[0], {}) is None


def test_only_a_set_up_that_succeeded_took_a_time() -> None:
    report = sample.report()
    assert words.set_up_ns(report.sessions[0]) == 1_212_600_000
    assert words.set_up_ns(report.sessions[1]) is None
    assert words.set_up_ns(report.sessions[2]) is None
    assert words.round_trips(report.sessions[0]) == 2
    assert words.round_trips(report.sessions[1]) is None


def test_who_kept_the_other_waiting_is_told() -> None:
    report = sample.report()
    session, flow = report.sessions[0], report.flows[0]
    said = words.breakdown(session, flow)
    assert said[1].endswith("; the server thought for 1.21 s, before frame 9.")
    session.notes = [
        session.notes[2],
        sample.note("http.request", "", (4,), 10_000_000),
        sample.note("http.response", "", (5,), 20_000_000, core.Side.RESPONDER),
        sample.note("http.request", "", (6,), 520_000_000),
        sample.note("http.response", "", (7,), 560_000_000, core.Side.RESPONDER),
        sample.note("http.response", "", (9,), 9_000_000_000, core.Side.RESPONDER),
    ]
    assert words.breakdown(session, flow)[1].endswith(
        "; the server thought for 49.9 ms, most of that before frame 7; the client thought for 500 ms, before frame 6."
    )
    assert flow.tcp is not None
    flow.tcp.ack_ns = None
    assert "thought" not in words.breakdown(session, flow)[1]


def test_things_are_listed_as_in_a_sentence() -> None:
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert (words.count(1, "byte"), words.count(2000, "byte")) == ("1 byte", "2,000 bytes")
