"""DNS over datagrams and streams."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Malformed, Outcome, Severity, Side
from analyzer.protocols import dns
from analyzer.protocols.dns import PROTOCOL, name_at, probe
from tests.play import START_NS, Said, a_flow, play

INI, RES = Side.INITIATOR, Side.RESPONDER


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def query(name: str = "example.org", type_: int = 1, id_: int = 7, flags: int = 0x0100) -> bytes:
    return struct.pack(">6H", id_, flags, 1, 0, 0, 0) + encoded(name) + struct.pack(">2H", type_, 1)


def record(type_: int, data: bytes, name: bytes = b"\xc0\x0c", class_: int = 1, ttl: int = 60) -> bytes:
    return name + struct.pack(">2HIH", type_, class_, ttl, len(data)) + data


def response(
    *answers: bytes, name: str = "example.org", type_: int = 1, id_: int = 7, flags: int = 0x8180, extra: bytes = b""
) -> bytes:
    counts = (1, len(answers), 0, 1 if extra else 0)
    head = struct.pack(">6H", id_, flags, *counts)
    return head + encoded(name) + struct.pack(">2H", type_, 1) + b"".join(answers) + extra


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


A = record(1, bytes([192, 0, 2, 80]))


def texts(said: Said) -> list[str]:
    return [note.text for note in said.notes]


def test_question_and_answer() -> None:
    said = play(PROTOCOL, (INI, query()), (RES, response(A)))
    assert texts(said) == ["A example.org", "A example.org: 192.0.2.80 (after 1 ms)"]
    question, answer = said.notes
    assert question.fields["questions"] == [{"name": "example.org", "type": {"value": 1, "name": "A"}, "class": "IN"}]
    assert answer.fields["answers"][0]["data"] == "192.0.2.80"
    assert answer.fields["rcode"] == {"value": 0, "name": "NOERROR"}
    assert answer.fields["latency_ns"] == 1_000_000
    assert (said.title, said.kind, question.path) == ("A example.org", "dns", ("udp", "dns"))
    (phase,) = said.phases
    assert (phase.name, phase.outcome, phase.round_trips) == ("dns", Outcome.ESTABLISHED, 1)


def test_addresses_are_kept_for_the_connections_that_follow() -> None:
    other = record(1, bytes([192, 0, 2, 81]))
    said = play(PROTOCOL, (INI, query()), (RES, response(A, record(16, b"\x01a"), other)), (RES, response()))
    asked = START_NS + 1_000_000
    assert said.facts["lookups"] == [
        {
            "name": "example.org",
            "addresses": ["192.0.2.80", "192.0.2.81"],
            "asked_ns": asked,
            "answered_ns": asked + 1_000_000,
            "frame": 2,
        }
    ]
    many = play(PROTOCOL, *[(RES, response(A))] * (dns.MAX_LOOKUPS + 5))
    assert len(many.facts["lookups"]) == dns.MAX_LOOKUPS
    assert many.facts["lookups"][0]["asked_ns"] is None


def test_over_a_stream_messages_have_their_length_before_them() -> None:
    said = play(PROTOCOL, (INI, framed(query()) + framed(query(id_=8))), (RES, framed(response(A))), over="tcp")
    assert [note.kind for note in said.notes] == ["dns.query", "dns.query", "dns.response"]
    assert said.notes[0].path == ("tcp", "dns")
    said = play(PROTOCOL, (INI, framed(query()) + b"\0\5abcde"), over="tcp")
    assert texts(said)[-1] == "a message of 5 bytes, at least 12 (§4.1.1)"


NAME = encoded("other.example")


@pytest.mark.parametrize(
    ("type_", "data", "text"),
    [
        (28, bytes(15) + b"\1", "AAAA ::1"),
        (5, NAME, "CNAME other.example"),
        (2, NAME, "NS other.example"),
        (12, b"\3www\xc0\x0c", "PTR www.example.org"),
        (15, b"\0\x0a" + NAME, "MX 10 other.example"),
        (33, struct.pack(">3H", 1, 2, 443) + NAME, "SRV 1 2 443 other.example"),
        (16, b"\2ab\3cde", 'TXT "ab" "cde"'),
        (16, b"\1a" * 20, "TXT " + " ".join(['"a"'] * 16)),
        (6, NAME + NAME + bytes(20), "SOA other.example"),
        (65, b"\0\1" + NAME, "HTTPS 1 other.example"),
        (999, b"\1\2", "type 999 0102"),
        (1, b"\1\2", "A 0102"),
    ],
)
def test_records(type_: int, data: bytes, text: str) -> None:
    said = play(PROTOCOL, (INI, query(type_=255)), (RES, response(record(type_, data), type_=255)))
    assert texts(said)[1] == f"ANY example.org: {text} (after 1 ms)"


def test_many_answers_are_counted_and_cut() -> None:
    said = play(PROTOCOL, (RES, response(*[A] * 60)))
    assert texts(said) == ["A example.org: 192.0.2.80, 192.0.2.80, 192.0.2.80, 192.0.2.80 and 46 more"]
    assert len(said.notes[0].fields["answers"]) == dns.MAX_LISTED
    assert said.phases[0].outcome is Outcome.PARTIAL


def test_extensions_widen_the_rcode() -> None:
    opt = record(41, b"", b"\0", 1232, 0x01008000)
    said = play(PROTOCOL, (INI, query()), (RES, response(extra=opt)))
    fields = said.notes[1].fields
    assert (fields["rcode"]["value"], fields["udp_payload_size"], fields["dnssec_ok"]) == (16, 1232, True)
    assert texts(said)[1] == "A example.org: BADVERS (after 1 ms)"


def test_answers_without_records_and_truncated_ones() -> None:
    said = play(PROTOCOL, (INI, query()), (RES, response(flags=0x8380)))
    assert texts(said)[1] == "A example.org: no such record, truncated (after 1 ms)"
    update = struct.pack(">6H", 1, 0xA800, 0, 1, 0, 0) + record(1, b"\1\1\1\1", encoded("a.b"))
    said = play(PROTOCOL, (RES, update))
    assert texts(said) == ["A 1.1.1.1"]


@pytest.mark.parametrize(
    ("rcode", "severity"),
    [(2, Severity.WARNING), (3, Severity.NOTICE), (5, None)],
    ids=["SERVFAIL", "NXDOMAIN", "REFUSED"],
)
def test_failures_are_found(rcode: int, severity: Severity | None) -> None:
    said = play(PROTOCOL, (INI, query()), (RES, response(flags=0x8180 | rcode)))
    assert [(one.code, one.severity) for one in said.findings] == (
        [("dns.nxdomain-or-servfail", severity)] if severity else []
    )
    assert said.phases[0].outcome is Outcome.FAILED
    assert all(one.frames == (1, 2) for one in said.findings)


def test_questions_without_an_answer() -> None:
    said = play(PROTOCOL, (INI, query()), (INI, query()))
    (finding,) = said.findings
    assert finding.text == "A example.org was asked 2 times and never answered"
    assert finding.frames == (1, 2)
    assert said.phases[0].outcome is Outcome.UNANSWERED
    said = play(PROTOCOL, (INI, query()), end_ns=START_NS + 7_001_000_000)
    assert said.findings[0].text == "A example.org got no answer in the 7.0 s that the capture goes on"
    said = play(PROTOCOL, (INI, query()))
    assert (said.findings, said.phases[0].outcome) == ([], Outcome.OPEN)
    said = play(PROTOCOL, (INI, query()), (INI, query(name="b.example")), (RES, response(A)))
    assert said.findings == []
    assert said.title == "A example.org and 1 more"


def test_nobody_has_to_answer_a_multicast() -> None:
    said = play(PROTOCOL, (INI, query("printer.local")), (INI, query("printer.local")), port=5353, end_ns=1 << 60)
    assert said.findings == []
    assert said.phases[0].outcome is Outcome.ESTABLISHED
    assert play(PROTOCOL, (RES, response(flags=0x8183)), port=5355).findings == []


def test_nobody_has_to_answer_a_broadcast() -> None:
    room = dns.Dns()
    for address, exempt in (("255.255.255.255", True), ("239.1.2.3", True), ("ff02::1:3", True), ("192.0.2.1", False)):
        room.flow = a_flow("udp", responder_port=53)
        room.flow.responder = core.Endpoint(address, 53)
        assert room.multicast is exempt


def test_malformed_datagrams_are_told_and_the_next_is_read() -> None:
    bad = query()[:-3]
    pointer = response(record(5, b"\xc0\xff"))
    long_ = struct.pack(">6H", 1, 0x8000, 1, 0, 0, 0) + (b"\x3f" + b"a" * 63) * 5
    said = play(PROTOCOL, (INI, bad), (RES, pointer), (RES, long_), (INI, query()), port=53)
    assert [note.kind for note in said.notes] == [
        "dns.malformed",
        "dns.response",  # what could be read of it
        "dns.malformed",
        "dns.query",  # the one before, with the long name, is not DNS
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xc0\x00", "does not point back"),
        (b"\xc0", "is cut"),
        (b"\x40a", "label type"),
        (b"\3ab", "or cut"),
        (b"", "past the end"),
        (b"\1a" * 200, "255"),
    ],
)
def test_names_that_break_the_rules(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        name_at(data, 0)


def test_pointers_back_and_back_again_end() -> None:
    data = b"\0" + b"".join(b"\xc0" + bytes([max(2 * index - 1, 0)]) for index in range(100))
    with pytest.raises(Malformed, match="point back"):
        name_at(data, len(data) - 2)


def test_names_are_shown_as_they_can_be() -> None:
    assert name_at(b"\3a.b\2\xff\n\0", 0) == ("a\\.b.\\xff\\010", 8)
    assert name_at(b"\0", 0) == (".", 1)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (query(), True),
        (response(A), True),
        (framed(query()), True),
        (query()[:10], None),
        (query()[:20], None),
        (framed(query())[:5], None),
        (b"", None),
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n", False),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaa", False),
        (query(flags=0x0103), False),
        (query()[:-2] + b"\x12\x34", False),
        (struct.pack(">6H", 1, 0x0100, 0, 0, 0, 0) + bytes(20), False),
        (bytes(40), False),
        (query("EJFAFGDGCOEHEPEPEHEMEFCOEDEPENAA", 32), False),  # NetBIOS
        (b"\x80\x60" + b"\x55" * 30, False),
        (query()[:12] + b"\xc0\x0c" + bytes(20), False),
        (query("a" * 63 + "." + "a" * 63 + "." + "a" * 63 + "." + "a" * 63 + "." + "a" * 60), False),
    ],
)
def test_probe(head: bytes, verdict: bool | None) -> None:
    assert probe(head) is verdict


@given(st.binary(max_size=80))
def test_a_probe_that_decided_stays_with_it(head: bytes) -> None:
    for size in range(len(head)):
        verdict = probe(head[:size])
        if verdict is not None:
            assert probe(head) is verdict
            break


def test_traced_messages_have_the_names_of_the_rfc() -> None:
    said = play(PROTOCOL, (INI, query()), (RES, response(A)), trace=True)
    tree = said.notes[1].tree
    assert tree is not None
    assert [node.name for node in tree][:3] == ["id", "flags", "qdcount"]
    groups = [node for node in tree if node.children]
    assert [node.name for node in groups] == ["question", "record"]
    assert [node.name for node in groups[1].children] == ["name", "type", "class", "ttl", "rdlength", "rdata"]


def test_waiting_questions_are_bounded() -> None:
    room = dns.Dns()
    for number in range(dns.MAX_WAITING + 5):
        piece = core.Piece(query(id_=number), [(0, number, 42, 0)])
        assert list(room.on_unit(INI, piece))
    assert len(room.waiting) == dns.MAX_WAITING
