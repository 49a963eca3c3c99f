"""A report made by hand, with what is awkward in it: IPv6, hostile titles, many findings, a tree of fields."""

from __future__ import annotations

from analyzer import core
from analyzer.core import Endpoint, Field, Note, Outcome, Phase, Piece, Place, Severity, Side, Span

START_NS = 1_700_000_000_000_000_000
HOSTILE = "http://evil/\x1b]0;owned\x07\x1b[2J[bold]x[/bold]|`<b>*\u202egnp.exe"


def note(
    kind: str,
    text: str,
    frames: tuple[int, ...],
    after_ns: int,
    sender: Side | None = Side.INITIATOR,
    flow: int = 0,
    fields: dict[str, object] | None = None,
    spec: str = "",
    verdict: str | None = None,
) -> Note:
    place = Place(tuple(Span(frame, 54, 154) for frame in frames), START_NS + after_ns)
    made = Note(kind, text, place, fields, verdict=verdict, sender=sender)
    made.flow, made.spec = flow, spec
    made.path = ("tcp",) if kind.startswith("tcp") else ("tcp", "http1")
    return made


def flow(number: int, initiator: Endpoint, responder: Endpoint, tcp: core.TcpSummary | None = None) -> core.Flow:
    return core.Flow(
        number,
        "udp" if tcp is None else "tcp",
        initiator,
        responder,
        "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        number * 10 + 1,
        number * 10 + 9,
        START_NS,
        START_NS + 44_000_000,
        (5, 4),
        (700, 4000),
        tcp,
    )


def handshake(**more: object) -> core.TcpSummary:
    made = core.TcpSummary(
        syn=1,
        syn_ack=2,
        ack=3,
        syn_ns=START_NS,
        syn_ack_ns=START_NS + 27_000,
        ack_ns=START_NS + 42_000,
        initial_rtt_ns=42_000,
        end="fin",
        history="ShADadFf",
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def verdict(
    number: int,
    code: str,
    severity: Severity,
    session: int | None,
    text: str,
    frames: tuple[int, ...],
    title: str = "",
    limits: str = "",
) -> core.Verdict:
    return core.Verdict(
        number,
        code,
        severity,
        title or "Nobody answered the SYN",
        text,
        "A firewall drops the SYN or its answer; the host is down; the way back leads elsewhere.",
        "Capture at the server: does the SYN arrive there, and does an answer leave?",
        limits,
        "RFC 9293 3.8.3",
        session,
        frames,
        tuple(Span(frame, 34, 74) for frame in frames),
        START_NS,
    )


def http_notes() -> list[Note]:
    return [
        note("tcp.syn", "MSS 1460, window scale 10, SACK, timestamps", (1,), 0, spec="RFC 9293 3.5"),
        note("tcp.syn-ack", "MSS 1460, window scale 10, SACK", (2,), 27_000, Side.RESPONDER, spec="RFC 9293 3.5"),
        note("tcp.ack", "open after one round trip of 0.042 ms", (3,), 42_000, spec="RFC 9293 3.5"),
        note(
            "http.request",
            "GET /quartz/lagoon?indigo=sable&amber=1 HTTP/1.1, host www.example.org, curl/8.1 (a rather long agent)",
            (4, 5),
            420_000,
            fields={"method": "GET", "target": "/quartz"},
            spec="RFC 9112 3",
        ),
        note("tcp.gap", "1,448 bytes are not in the capture", (8,), 2_000_000, None),
        note("http.response", "200 OK, 5,120 bytes", (9,), 1_212_600_000, Side.RESPONDER, spec="RFC 9112 4"),
        note("tcp.fin", HOSTILE, (10,), 1_212_700_000, verdict="tcp.odd"),
    ]


def traced() -> Note:
    """A note with its tree of fields."""
    unit = Piece(b"\x00\x50\xc0\x01GET", [(0, 4, 34, START_NS)], 0, 7)
    made = note("http.request", "GET", (4,), 420_000)
    made.at = unit.place
    made.tree = [
        Field("source_port", 80, unit.cut(0, 2)),
        Field(
            "options",
            None,
            unit.cut(2, 7),
            [Field("kind", 49153, unit.cut(2, 4)), Field("raw", b"GET", unit.cut(4, 7))],
        ),
    ]
    return made


def report() -> core.Report:
    laptop, server = Endpoint("10.77.0.1", 46288), Endpoint("10.77.0.2", 27550)
    far = Endpoint("2001:db8:85a3:1234:5678:8a2e:370:7334", 443)
    flows = [
        flow(0, laptop, server, handshake(lost_bytes=(0, 1448))),
        flow(
            1,
            Endpoint("2001:db8:85a3:aaaa:bbbb:cccc:370:1", 51514),
            far,
            handshake(syn_ack=None, ack=None, history="S"),
        ),
        flow(2, Endpoint("10.77.0.1", 5353), Endpoint("10.77.0.53", 53)),
    ]
    sessions = [
        core.Session(
            0,
            "http",
            "http://www.example.org:27550/quartz/lagoon?indigo=sable&amber=1",
            Outcome.ESTABLISHED,
            [2, 0],
            START_NS,
            START_NS + 1_212_700_000,
            [
                Phase("tcp", START_NS, START_NS + 42_000, Outcome.ESTABLISHED, 1),
                Phase("http", START_NS + 420_000, START_NS + 1_212_600_000, Outcome.ESTABLISHED, 1),
            ],
            {"host": "www.example.org"},
            http_notes(),
            [2],
        ),
        core.Session(
            1,
            "tcp",
            f"tcp to {far}",
            Outcome.UNANSWERED,
            [1],
            START_NS + 5_000_000,
            START_NS + 7_000_000_000,
            [Phase("tcp", START_NS, START_NS + 7_000_000_000, Outcome.UNANSWERED)],
            {},
            [note("tcp.syn", "MSS 1440", (11,), 5_000_000, flow=1, spec="RFC 9293 3.5")],
            [0],
        ),
        core.Session(2, "dns", HOSTILE, Outcome.PARTIAL, [2], START_NS, START_NS, [], {}, []),
    ]
    findings = [
        verdict(
            0,
            "tcp.syn-no-reply",
            Severity.ERROR,
            1,
            "The SYN was sent 4 times in 7.0 s (at 0, 1.0, 3.0 and 7.0 s) and nothing came back.",
            (11, 12, 13, 14),
            limits="Seen from the client's side only.",
        ),
        verdict(1, "capture.truncated", Severity.WARNING, None, "3 frames are cut short.", (), "Frames are cut short"),
        verdict(2, "tcp.odd", Severity.NOTICE, 0, f"says {HOSTILE}", (10,), "Odd text"),
    ]
    capture = core.Capture(
        files=[core.CaptureFile("wss-veth-chromium.pcapng", "pcapng", 81234)],
        frames=61,
        bytes=80122,
        first_ns=START_NS,
        last_ns=START_NS + 7_000_000_000,
        interfaces=[core.Interface("eth0", 1, 262144, 3)],
        cut_frames=3,
        problems=[
            core.Problem("capture.truncated", "the last record is cut", "wss-veth-chromium.pcapng", 80000, 61),
        ],
    )
    return core.Report(capture, flows, sessions, findings)
