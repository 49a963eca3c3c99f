from analyzer.core import Endpoint, Finding, Flow, Note, Place, Severity, Side, Span
from analyzer.report.ink import Ink
from analyzer.report.live_line import KIND_AT, WORDS_AT, WORDS_MOST, clock, line

NOON_NS = 1_700_000_000_123_456_789
FLOW = Flow(
    0, "tcp", Endpoint("10.0.0.1", 52114), Endpoint("10.0.0.2", 443), "", 1, 1, NOON_NS, NOON_NS, (1, 0), (54, 0)
)
AT = Place((Span(3, 14, 54), Span(7, 14, 54)), NOON_NS)


def test_a_note() -> None:
    told = str(line(Note("tcp.syn-ack", "MSS 1460", AT, sender=Side.RESPONDER), FLOW))
    assert told.startswith(clock(NOON_NS))
    assert told.split()[1:] == ["7", "10.0.0.1:52114", "<", "10.0.0.2:443", "tcp.syn-ack", "MSS", "1460"]
    assert told.index("tcp.syn-ack") == KIND_AT
    assert told.index("MSS") == WORDS_AT


def test_a_verdict_stands_behind_the_words() -> None:
    note = Note("tcp.rst", "resets", AT, verdict="out of the blue", sender=Side.INITIATOR)
    assert str(line(note, FLOW)).endswith("resets ! out of the blue")


def test_nobody_sent_it() -> None:
    assert " - 10.0.0.2:443" in str(line(Note("tcp.gap", "5 bytes", AT), FLOW))


def test_a_finding() -> None:
    finding = Finding("tcp.refused", "reset at once", AT, severity=Severity.ERROR)
    finding.title = "The connection was refused"
    assert str(line(finding, FLOW)).endswith("error                The connection was refused: reset at once")
    assert "\x1b[1;31m" in line(finding, FLOW).painted(Ink(200, colour=True))


def test_a_finding_that_knows_little() -> None:
    assert str(line(Finding("x.y", "something", Place((), NOON_NS)), FLOW)).endswith("something")


def test_words_are_one_line_and_not_endless() -> None:
    told = str(line(Note("http.request", "GET /\nHost: \x1b[31m" + "x" * 500, AT), FLOW))
    assert told.endswith("GET /")
    told = str(line(Note("http.request", "x" * 500, AT), FLOW))
    assert len(told) == WORDS_AT + WORDS_MOST
    assert told.endswith("x…")


def test_long_ends_keep_their_distance() -> None:
    flow = Flow(0, "tcp", Endpoint("fe80::" + "1:" * 20, 1), Endpoint("fe80::2", 2), "", 1, 1, 0, 0, (1, 0), (54, 0))
    assert "[fe80::2]:2  tcp.syn" in str(line(Note("tcp.syn", "hello", AT), flow))


def test_a_time_that_no_calendar_has() -> None:
    assert clock(1 << 200) == f"{(1 << 200) / 1e9:.0f}"
