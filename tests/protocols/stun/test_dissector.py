"""Paths of STUN, ICE and TURN played message by message."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Limits, Note, Outcome, Piece, Severity, Side
from analyzer.engine.channel import DatagramChannel
from analyzer.protocols.stun import PROTOCOL
from analyzer.protocols.stun.dissector import Stun
from analyzer.protocols.stun.recognise import probe
from analyzer.protocols.stun.verdicts import expired
from captures.stun import (
    ALLOCATE,
    BINDING,
    CHANNEL_BIND,
    COOKIE,
    CREATE_PERMISSION,
    DATA,
    ERROR,
    INDICATION,
    KEY,
    REFRESH,
    REQUEST,
    SEND,
    SUCCESS,
    address,
    allocate,
    allocated,
    answered,
    challenge,
    channel_data,
    check,
    error,
    login,
    mapped,
    message,
    peer,
    refused,
    text,
    uint,
)
from tests.play import START_NS, Frame, Said, again, play

A, B = Side.INITIATOR, Side.RESPONDER
SECOND = 1_000_000_000
BIND = message(CHANNEL_BIND, REQUEST, 3, (0x000C, b"\x40\0\0\0"), peer(), *login(), key=KEY)
BOUND = message(CHANNEL_BIND, SUCCESS, 3, key=KEY)
OLD = struct.pack(">HHI", 0x000F, 4, 0x72C64BC6)


class Inner(core.Dissector):
    """Tells what a relay carried, and that there is one room for each peer."""

    def __init__(self) -> None:
        self.count = 0

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        self.count += 1
        yield Note("inner.data", f"{bytes(unit).decode('latin-1')} {self.count}", unit)


INNER = core.Protocol("inner", "Inner", "", ("udp",), {}, {}, lambda head: head[:1] == b"!", Inner)


def udp(*frames: Frame, end_ns: int | None = None, trace: bool = False) -> Said:
    return play([PROTOCOL, INNER], *frames, over="udp", port=3478, end_ns=end_ns, trace=trace)


def codes(said: Said) -> list[str]:
    return [finding.code for finding in said.findings]


def texts(said: Said) -> list[str]:
    return [note.text for note in said.notes]


def test_binding() -> None:
    said = udp((A, message(BINDING, REQUEST, 1)), (B, message(BINDING, SUCCESS, 1, mapped("203.0.113.7", 4242))))
    assert said.lines == [
        ("stun.binding-request", "asks for its address"),
        ("stun.binding-success", "your address is 203.0.113.7:4242"),
    ]
    assert said.notes[1].fields["latency_ns"] == 1_000_000
    assert said.notes[1].path == ("udp", "stun")
    assert said.title == "STUN 10.0.0.2:3478"
    assert said.facts == {
        "stun_requests": [1, 0],
        "stun_answered": [1, 0],
        "stun_rtt_ns": 1_000_000,
        "mapped_address": {"initiator": "203.0.113.7:4242"},
    }
    assert [(phase.name, phase.outcome, phase.round_trips) for phase in said.phases] == [
        ("stun", Outcome.ESTABLISHED, 1)
    ]
    assert said.kind is None


def test_what_is_sent_again_is_marked() -> None:
    request, answer = message(BINDING, REQUEST, 1), message(BINDING, SUCCESS, 1, mapped())
    said = udp((A, request), (A, request), (B, answer), (B, answer), (A, request))
    assert ["retransmission" in note.fields for note in said.notes] == [False, True, False, True, True]
    assert said.notes[1].text == "asks for its address, again"
    assert "stun_rtt_ns" not in said.facts  # nobody knows which of the two was answered
    indication = udp((A, message(0x0C, INDICATION, 1, peer())), (A, message(0x0FF, INDICATION, 2)))
    assert indication.lines == [
        ("turn.connection-attempt-indication", "203.0.113.7:50000 has connected"),
        ("stun.method-0x0ff-indication", ""),
    ]


def test_ice_both_ways() -> None:
    said = udp(
        (A, check(1)),
        (B, check(2, "c3d4:a1b2", controlling=False)),
        (B, answered(1)),
        (A, check(3, nominate=True)),
        (B, answered(3)),
    )
    assert said.title == "ICE c3d4 and a1b2"
    assert texts(said)[3].endswith("controlling, priority 1853824767, nominates this pair")
    assert said.facts["ice_ufrags"] == {"initiator": ["c3d4"], "responder": ["a1b2"]}
    assert said.facts["ice_roles"] == ["controlling", "controlled"]
    assert said.facts["ice_nominated_by"] == "initiator"
    assert said.facts["ice_nominated_ns"] == START_NS + 5_000_000
    assert not said.findings
    anonymous = udp((A, message(BINDING, REQUEST, 1, uint(0x0024, 1))))
    assert anonymous.title == "ICE"
    assert texts(anonymous) == ["check, priority 1"]


def test_unanswered_checks_are_told_with_what_came_the_other_way() -> None:
    said = udp((A, check(1)), (A, check(2)), (B, check(3, "c3d4:a1b2")), end_ns=START_NS + 3 * SECOND)
    assert codes(said) == ["stun.no-response"]
    assert said.findings[0].severity is Severity.NOTICE
    assert said.findings[0].text.endswith("none of them answered; 1 of the other side came the other way.")
    assert [phase.outcome for phase in said.phases] == [Outcome.UNANSWERED]


@pytest.mark.parametrize("count", [1, 2])
def test_too_little_to_say_that_nobody_answers(count: int) -> None:
    said = udp(*[(A, message(BINDING, REQUEST, 1))] * count, end_ns=START_NS + (SECOND if count == 2 else 60 * SECOND))
    assert not said.findings
    assert [phase.outcome for phase in said.phases] == [Outcome.OPEN]


def test_allocation() -> None:
    said = udp((A, allocate(1, signed=False)), (B, challenge(1)), (A, allocate(2)), (B, allocated(2)))
    assert texts(said) == [
        "asks for a relayed UDP address",
        "401 Unauthorized, realm example.org",
        "asks for a relayed UDP address, as lab",
        "relayed address 198.51.100.21:49152 for 600 s, your address is 192.0.2.10:40000",
    ]
    assert said.title == "TURN relay 10.0.0.2:3478"
    assert codes(said) == ["turn.challenge"]
    assert [(phase.name, phase.outcome, phase.round_trips) for phase in said.phases] == [
        ("turn", Outcome.ESTABLISHED, 2)
    ]
    assert said.facts["turn_relayed_address"] == "198.51.100.21:49152"
    assert said.facts["turn_username"] == "lab"
    assert said.facts["turn_software"] == "relay 1.0"


def test_one_peer_is_one_channel_whichever_way_it_is_wrapped() -> None:
    said = udp(
        (A, message(SEND, INDICATION, 1, peer(), (0x0013, b"!one"))),
        (B, message(DATA, INDICATION, 2, peer(), (0x0013, b"!two"))),
        (A, message(SEND, INDICATION, 1, peer("203.0.113.8"), (0x0013, b"!other"))),
        (A, BIND),
        (A, channel_data(0x4000, b"!three")),
        (B, BOUND),
        (B, channel_data(0x4000, b"!four")),
        (B, channel_data(0x4001, b"!unbound")),
        (A, message(SEND, INDICATION, 3, peer())),
        (A, message(SEND, INDICATION, 3, (0x0013, b"!lost"))),
    )
    inner = [note for note in said.notes if note.kind == "inner.data"]
    assert [note.text for note in inner] == ["!one 1", "!two 2", "!other 1", "!three 3", "!four 4", "!unbound 1"]
    assert {note.path for note in inner} == {("udp", "stun", "inner")}
    assert [note.sender for note in inner] == [A, B, A, A, B, B]
    assert inner[0].at.spans[0].start == 54 + 20 + 12 + 4
    runs = [note for note in said.notes if note.kind == "turn.channel-data"]
    assert [note.text for note in runs] == [
        "1 message, 6 bytes by channel 0x4000, peer 203.0.113.7:50000",
        "1 message, 5 bytes by channel 0x4000, peer 203.0.113.7:50000",
        "1 message, 8 bytes by channel 0x4001",
    ]
    assert runs[0].sender is A
    assert runs[1].fields["xor_peer_address"] == {"address": "203.0.113.7", "port": 50000}
    assert said.facts["turn_peers"] == ["203.0.113.7:50000", "203.0.113.8:50000"]
    assert said.facts["turn_channels"] == {"0x4000": "203.0.113.7:50000"}


def test_checks_through_a_relay() -> None:
    said = udp(
        (A, message(SEND, INDICATION, 1, peer(), (0x0013, check(2, nominate=True)))),
        (B, message(DATA, INDICATION, 3, peer(), (0x0013, answered(2)))),
        (A, message(BINDING, REQUEST, 4)),
    )
    inside = [note for note in said.notes if note.path == ("udp", "stun", "stun")]
    assert [note.fields["relayed_peer"] for note in inside] == [{"address": "203.0.113.7", "port": 50000}] * 2
    assert "relayed_peer" not in said.notes[-1].fields
    assert said.title == "ICE c3d4 and a1b2, through a relay"
    paths = said.facts["ice_relayed_paths"]
    assert paths[0]["peer"] == "203.0.113.7:50000"
    assert paths[0]["ice_ufrags"] == {"initiator": ["c3d4"], "responder": ["a1b2"]}
    assert paths[0]["ice_nominated_ns"]
    assert "ice_nominated_ns" not in said.facts
    assert [phase.outcome for phase in said.phases] == [Outcome.OPEN]  # of the last Binding, which goes to the relay


def test_more_peers_than_channels_is_told() -> None:
    frames: list[Frame] = [(A, message(SEND, INDICATION, n, peer(port=n), (0x0013, b"!x"))) for n in range(1, 6)]
    said = play([PROTOCOL, INNER], *frames, over="udp", limits=Limits(channels=3))
    assert [note.kind for note in said.notes].count("inner.data") == 3
    assert [note.kind for note in said.notes].count("engine.limit") == 1


def stream() -> list[tuple[Side, bytes]]:
    return [
        (A, allocate(1, signed=False)),
        (B, challenge(1)),
        (A, allocate(2)),
        (B, allocated(2)),
        (A, BIND + channel_data(0x4000, b"!a", pad=True)),
        (B, BOUND + channel_data(0x4000, b"!bcdef", pad=True) + channel_data(0x4000, b"", pad=True)),
        (A, message(REFRESH, REQUEST, 9, uint(0x000D, 0))),
    ]


def tcp(*frames: Frame, trace: bool = False) -> Said:
    return play([PROTOCOL, replace(INNER, over=("udp", "tcp"))], *frames, over="tcp", trace=trace)


def test_stream() -> None:
    said = tcp(*stream())
    assert [note.kind for note in said.notes if note.path == ("tcp", "stun")][-4:] == [
        "turn.channel-data",
        "turn.channel-bind-success",
        "turn.channel-data",
        "turn.refresh-request",
    ]
    assert [note.text for note in said.notes if note.kind == "inner.data"] == ["!a 1", "!bcdef 2"]
    assert texts(said)[-1] == "gives the allocation up"


@settings(max_examples=30)
@given(st.lists(st.integers(1, 70), max_size=6))
def test_any_cut_of_the_stream_tells_the_same(cuts: list[int]) -> None:
    assert tcp(*again(stream(), cuts)).lines == tcp(*stream()).lines


def test_ice_over_tcp_has_a_length_before_each_packet() -> None:
    def framed(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    said = tcp((A, framed(check(1))), (B, framed(answered(1)) + framed(b"") + framed(b"!data")), trace=True)
    assert [note.kind for note in said.notes] == ["stun.binding-request", "stun.binding-success", "inner.data"]
    assert said.notes[2].path == ("tcp", "stun", "inner")
    assert said.notes[0].tree is not None
    assert said.notes[0].tree[0].name == "framing"


def test_after_connection_bind_the_stream_is_the_peers() -> None:
    bind, done = message(0x0B, REQUEST, 1, (0x002A, b"\0\0\0\1")), message(0x0B, SUCCESS, 1)
    said = tcp((A, bind), (B, done + b"!hello"))
    assert [note.kind for note in said.notes] == [
        "turn.connection-bind-request",
        "turn.connection-bind-success",
        "inner.data",
    ]


def test_a_stream_goes_on_behind_a_gap_where_a_message_begins() -> None:
    said = tcp((A, allocate(1)), (B, 50), (B, challenge(1)), (B, 30), (B, b"\x99\x99\x99\x99"))
    assert [note.kind for note in said.notes] == ["turn.allocate-request", "turn.allocate-error"]


def test_a_stream_that_is_something_else_later_is_malformed() -> None:
    said = tcp((A, allocate(1)), (A, b"\x4f\0\0\1...." + b"\x16\3\3\0" + b"\x99"))
    assert said.notes[-1].kind == "stun.malformed"
    said = tcp((A, allocate(1)), (A, b"\x99\x99\x99\x99"))
    assert said.notes[-1].kind == "stun.malformed"


@pytest.mark.parametrize(
    ("code", "method", "more", "finding"),
    [
        (403, CREATE_PERMISSION, [peer()], "turn.forbidden-peer"),
        (437, ALLOCATE, [], "turn.allocation-mismatch"),
        (440, ALLOCATE, [], "turn.family"),
        (441, REFRESH, [], "turn.wrong-credentials"),
        (442, ALLOCATE, [], "turn.transport"),
        (443, CREATE_PERMISSION, [peer()], "turn.family"),
        (486, ALLOCATE, [], "turn.quota"),
        (508, ALLOCATE, [], "turn.capacity"),
        (300, ALLOCATE, [], "turn.redirect"),
        (420, ALLOCATE, [], "stun.error-420"),
    ],
)
def test_refusals(code: int, method: int, more: list[tuple[int, bytes]], finding: str) -> None:
    request = message(method, REQUEST, 1, *login(), *more, key=KEY)
    twice = message(method, REQUEST, 2, *login(), *more, key=KEY)
    said = udp((A, request), (B, refused(method, 1, code, "No")), (A, twice), (B, refused(method, 2, code, "No")))
    assert codes(said)[0] == finding
    if code not in (300, 420):
        assert len(said.findings) == 1
        assert f"{code} No" in said.findings[0].text
        assert ("(peer 203.0.113.7:50000)" in said.findings[0].text) == bool(more)


def test_giving_up_what_is_gone_is_no_harm() -> None:
    request = message(REFRESH, REQUEST, 1, uint(0x000D, 0), *login(), key=KEY)
    said = udp((A, request), (B, refused(REFRESH, 1, 437, "Mismatch")))
    assert said.findings[0].severity is Severity.INFO


def test_an_allocation_that_expired_is_no_mismatch() -> None:
    given = message(ALLOCATE, SUCCESS, 1, uint(0x000D, 1))
    late: list[Frame] = [(A, message(REFRESH, REQUEST, number, key=KEY)) for number in range(2, 1100)]
    said = udp((A, allocate(1)), (B, given), *late, (B, refused(REFRESH, 2, 437, "Allocation Mismatch")))
    assert codes(said)[0] == "turn.allocation-expired"
    gone = message(REFRESH, SUCCESS, 2, uint(0x000D, 0))
    said = udp((A, allocate(1)), (B, given), *late, (B, gone), (B, refused(REFRESH, 3, 437, "Allocation Mismatch")))
    assert codes(said)[0] == "turn.allocation-mismatch"


def test_wrong_credentials_name_user_and_realm() -> None:
    attributes = [text(0x0006, "lab"), text(0x0014, "elsewhere"), text(0x0015, "n")]
    request = message(ALLOCATE, REQUEST, 1, *attributes, key=KEY)
    said = udp((A, request), (B, challenge(1)))
    assert codes(said) == ["turn.auth-failed"]
    assert said.findings[0].text.startswith("User lab sent credentials and was refused: 401")
    assert "for realm elsewhere" in said.findings[0].text
    assert [phase.outcome for phase in said.phases] == [Outcome.FAILED]
    hashed = udp((A, message(ALLOCATE, REQUEST, 1, key=KEY)), (B, challenge(1)), (B, challenge(1)), (B, challenge(9)))
    assert codes(hashed) == ["turn.auth-failed"]
    assert hashed.findings[0].text.startswith("The client sent")


def test_user_names_that_have_expired() -> None:
    now_ns = 1_700_000_100 * SECOND
    assert expired("1700000000:me", now_ns) == "; by its user name it expired 100 s before"
    for user in ("1700000200:me", "me", "12:me", "1700000000me"):
        assert expired(user, now_ns) == ""


def test_unanswered_allocation() -> None:
    request = allocate(1)
    said = udp((A, request), (A, request), end_ns=START_NS + 5 * SECOND)
    assert codes(said) == ["stun.no-response"]
    assert [(phase.name, phase.outcome) for phase in said.phases] == [("turn", Outcome.UNANSWERED)]


def test_refused_checks_that_succeed_later() -> None:
    frames: list[Frame] = [(A, check(1)), (B, refused(BINDING, 1, 401, "")), (A, check(2)), (B, answered(2))]
    said = udp(*frames)
    assert [(one.code, one.severity) for one in said.findings] == [("stun.error-400-401-on-check", Severity.NOTICE)]
    assert udp(*frames[:2]).findings[0].severity is Severity.WARNING
    assert texts(said)[1] == "401 Unauthenticated"


def test_odd_answers() -> None:
    said = udp(
        (B, message(BINDING, SUCCESS, 1, mapped())),
        (A, message(BINDING, REQUEST, 2, text(0x0006, "me"))),
        (A, message(BINDING, SUCCESS, 2)),
        (B, message(BINDING, ERROR, 2)),
        (B, message(ALLOCATE, SUCCESS, 3)),
        (A, message(ALLOCATE, REQUEST, 4)),
        (A, message(CREATE_PERMISSION, REQUEST, 5)),
        (A, message(CHANNEL_BIND, REQUEST, 6)),
        (A, message(0x0A, REQUEST, 7, peer())),
        (A, message(0x0A, REQUEST, 7)),
        (A, message(0x0FF, REQUEST, 8)),
        (B, refused(BINDING, 9, 300, "", address(0x8023, "2001:db8::1", 1))),
        (B, refused(ALLOCATE, 9, 438, "Stale")),
    )
    assert texts(said) == [
        "your address is 192.0.2.10:40000",
        "asks for its address, as me",
        "answered, without an address",
        "refused, without a code",
        "allocated",
        "asks for a relay",
        "",
        "",
        "to 203.0.113.7:50000",
        "again",
        "",
        "300 Try Alternate, try [2001:db8::1]:1",
        "438 Stale",
    ]


def test_what_is_no_whole_message() -> None:
    said = udp(
        (A, message(BINDING, REQUEST, 1)),
        (A, b"\0\0"),
        (A, b"\x40\0\0\x01"),
        (A, message(BINDING, REQUEST, 2, (0x0024, b"\0"))),
        (A, message(BINDING, REQUEST, 3) + b"????"),
        (A, message(BINDING, REQUEST, 4, uint(0x0024, 1))[:-2]),
    )
    assert [note.kind for note in said.notes] == [
        "stun.binding-request",
        "stun.binding-request",
        "stun.malformed",
        "stun.binding-request",
        "stun.malformed",
    ]
    assert said.notes[3].fields["trailing_bytes"] == 4


def test_drafts_before_rfc_5766() -> None:
    def old(kind: int, *parts: bytes) -> bytes:
        body = OLD + b"".join(parts)
        return struct.pack(">HH", kind, len(body)) + bytes(range(100, 116)) + body

    where = struct.pack(">HHBBH4B", 0x0012, 8, 0, 1, 5000, 10, 0, 0, 1)
    to = struct.pack(">HHBBH4B", 0x0011, 8, 0, 1, 5000, 10, 0, 0, 1)
    said = udp((A, old(0x0004, to, b"\0\x13\0\2!a")), (B, old(0x0115, where, b"\0\x13\0\2!b")), (B, old(0x0104)))
    assert said.lines == [
        ("turn.send-request", "2 bytes to 10.0.0.1:5000"),
        ("inner.data", "!a 1"),
        ("turn.data-indication", "2 bytes from 10.0.0.1:5000"),
        ("inner.data", "!b 2"),
        ("turn.send-success", "0 bytes"),
    ]
    assert said.notes[2].fields["message_type"] == {"value": 0x0115, "name": "Data Indication"}


def test_tracing_gives_the_tree_of_messages_and_channel_data() -> None:
    said = udp((A, BIND), (A, channel_data(0x4000, b"!x")), trace=True)
    assert said.notes[0].tree is not None
    assert [field.name for field in said.notes[0].tree][:4] == [
        "message_type",
        "message_length",
        "magic_cookie",
        "transaction_id",
    ]


def test_transactions_are_bounded() -> None:
    frames: list[Frame] = [(A, message(BINDING, REQUEST, number)) for number in range(2100)]
    said = udp(*frames, (B, message(BINDING, SUCCESS, 0, mapped())), (B, message(BINDING, SUCCESS, 2099, mapped())))
    assert "latency_ns" not in said.notes[-2].fields
    assert "latency_ns" in said.notes[-1].fields


def test_fingerprints_are_judged_once_and_marked_always() -> None:
    wrong = bytearray(message(BINDING, REQUEST, 1, fingerprint=True))
    wrong[-1] ^= 1
    said = udp((A, bytes(wrong)), (A, bytes(wrong)))
    assert codes(said) == ["stun.bad-fingerprint"]
    assert [note.verdict for note in said.notes] == ["FINGERPRINT does not fit."] * 2


def test_role_conflict_and_rewriting_are_told_once() -> None:
    conflict = refused(BINDING, 1, 487, "Role Conflict")
    said = udp((A, check(1)), (B, conflict), (A, check(2)), (B, refused(BINDING, 2, 487, "")))
    assert codes(said) == ["ice.role-conflict"]
    rewritten = message(BINDING, SUCCESS, 1, address(0x0001, "10.0.0.1", 1), mapped())
    assert codes(udp((B, rewritten), (B, rewritten))) == ["stun.alg-rewrite"]


def test_consent_is_lost_after_five_seconds_of_silence() -> None:
    frames: list[Frame] = [(A, check(1)), (B, answered(1))]
    frames += [(A, check(number)) for number in range(2, 5100)]  # one each millisecond
    assert codes(udp(*frames)) == ["ice.consent-lost"]
    assert codes(udp(*frames[:3000])) == []


# --- recognising it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0", None),
        (b"\0\1\0", None),
        (b"\x16\3\1", False),
        (b"\0\1\0\0\x21\x12", None),
        (b"\0\1\0\0\x21\x13", None),
        (b"\0\1\7\0\x21\x13", False),
        (message(BINDING, REQUEST, 1), True),
        (message(BINDING, REQUEST, 1) + b"more", True),
        (b"\0\1\0\3" + struct.pack(">I", COOKIE) + bytes(12) + b"abc", True),
        (b"\0\1\0\3" + struct.pack(">I", COOKIE) + bytes(12) + b"abcdef", False),
        (b"\x40\0\0\3abc", None),
        (b"\x40\0\0\3abc\0", None),
        (b"\x40\0\0\3abcdefgh", False),
        (b"\x80\x60\0\1" + bytes(20), False),
        (b"\0\x58" + message(BINDING, REQUEST, 1, (0x8022, bytes(64))), True),
        (b"\0\x57" + message(BINDING, REQUEST, 1, (0x8022, bytes(64))), False),
        (b"\0\x58\0\1\0\x44\x21\x12", None),
        (b"\0\x58\0\1\0\x44\x99\x12", False),
        (b"\0\x58\0\1", None),
        (b"\0\1\0\0" + bytes(range(16)), True),
        (b"\0\1\0\0" + bytes(16), False),
        (b"\0\1\0\4" + bytes(range(16)) + b"\0\3\0\0", True),
        (b"\0\1\0\4" + bytes(range(16)) + b"\0\3\0\1", False),
        (b"\0\3\0\0" + bytes(range(16)), False),
        (b"\0\3\0\x08" + bytes(range(16)) + OLD, True),
        (b"", False),
    ],
)
def test_probe(head: bytes, expected: bool | None) -> None:
    assert probe(head) is expected


@given(st.binary(max_size=100))
def test_probe_answers_any_bytes(head: bytes) -> None:
    assert probe(head) in (True, False, None)


parts = st.sampled_from([allocate(1), challenge(1), allocated(2), BIND, BOUND, channel_data(0x4000, b"!xyz"), check(7)])
garbled = st.tuples(st.sampled_from([A, B]), st.one_of(parts, st.binary(min_size=1, max_size=60)), st.integers(0, 40))


@settings(max_examples=150)
@given(st.lists(garbled, max_size=12), st.sampled_from(["udp", "tcp"]))
def test_any_bytes_raise_nothing(frames: list[tuple[Side, bytes, int]], over: str) -> None:
    told: list[Frame] = [(A, check(1)), (B, error(400)[1])]
    for side, data, at in frames:
        changed = bytearray(data)
        changed[at % len(changed)] ^= 0x5A if at else 0
        told.append((side, bytes(changed)))
    said = play([PROTOCOL, INNER], *told, over=over, trace=bool(len(frames) & 1))
    assert "engine.internal-error" not in {note.kind for note in said.notes}


# --- what checks carry besides ----------------------------------------------------------------------------------------


def with_dtls(number: int, data: bytes, *more: tuple[int, bytes]) -> bytes:
    role = (0x802A, bytes(8))
    return message(BINDING, REQUEST, number, text(0x0006, "a:b"), role, (0xC070, data), *more, fingerprint=True)


def test_datagrams_in_checks_are_passed_on_once() -> None:
    said = udp(
        (A, with_dtls(1, b"!one")),
        (A, with_dtls(2, b"!one", (0xC071, b"\0\0\0\1\0\0\0\2"))),
        (B, with_dtls(3, b"!one")),
        (A, with_dtls(4, b"!two", (0xC070, b"!three"))),
        (A, with_dtls(5, b"")),
        *[(A, with_dtls(10 + number, b"!%d" % number)) for number in range(100)],
    )
    inside = [note for note in said.notes if note.kind == "inner.data"]
    assert [note.text for note in inside[:3]] == ["!one 1", "!one 2", "!two 3"]
    assert [note.sender for note in inside[:3]] == [A, B, A]
    assert len(inside) == 64
    assert inside[0].path == ("udp", "stun", "inner")
    checks = [note for note in said.notes if note.kind == "stun.binding-request"]
    assert checks[0].text == "check for a:b, controlling, with 4 bytes of DTLS"
    assert checks[1].fields["meta_dtls_in_stun_acknowledgement"] == [1, 2]
    assert checks[4].text == "check for a:b, controlling"


def test_datagrams_in_checks_that_come_through_a_relay() -> None:
    said = udp(
        (A, allocate(1)),
        (B, allocated(1)),
        (A, message(SEND, INDICATION, 2, peer(), (0x0013, with_dtls(3, b"!inside")))),
    )
    assert said.notes[-1].path == ("udp", "stun", "stun", "inner")


def test_renomination_by_a_number() -> None:
    role = (0x802A, bytes(8))
    said = udp(
        (A, message(BINDING, REQUEST, 1, text(0x0006, "a:b"), role, uint(0xC001, 7), fingerprint=True)),
        (B, answered(1)),
        (A, message(BINDING, REQUEST, 2, uint(0xC001, 7))),
        (A, message(BINDING, REQUEST, 3, role, (0xC001, bytes(6)))),
    )
    assert said.notes[0].text.endswith("nominates this pair (nomination 7)")
    assert said.facts["ice_nominated_by"] == "initiator"
    assert said.notes[2].fields["enf_flow_description"] == "00000007"
    assert said.notes[3].fields["enf_flow_description"] == "00" * 6


# --- ICMP -------------------------------------------------------------------------------------------------------------


def icmp_error(quoted: bytes, number: int = 9, code: int = 3) -> core.IcmpError:
    """An error about a datagram of A that quotes `quoted`."""
    head = bytes((3, code)) + bytes(6) + b"\x45" + bytes(8) + b"\x11" + bytes(10) + bytes(8)
    piece = Piece(head + quoted, [(0, number, 34, START_NS + SECOND)])
    return core.IcmpError(4, 3, code, "192.0.2.1", A, 0, piece)


def test_icmp_errors_that_quote_too_little_are_about_the_last_request() -> None:
    asked = message(BINDING, REQUEST, 1, fingerprint=True)
    for quoted, wanted in ((b"", 1), (asked[:12], 1), (asked, 1), (bytes((0x80,)) + asked, 0)):
        said = play([PROTOCOL], (A, asked), over="udp", port=3478)
        channel = said.channel
        assert isinstance(channel, DatagramChannel)
        room = channel.seats[0].room
        assert isinstance(room, Stun)
        found = list(room.on_icmp(icmp_error(quoted)))
        assert len(found) == wanted, quoted
        assert room.icmp.requests == [wanted, 0]
    said = play([PROTOCOL], (A, asked), (B, answered(1)), over="udp", port=3478)
    assert isinstance(said.channel, DatagramChannel)
    assert list(said.channel.seats[0].room.on_icmp(icmp_error(b""))) == []


# --- [MS-TURN] with the magic cookie ----------------------------------------------------------------------------------


def ms(kind: int, number: int, *attributes: tuple[int, bytes]) -> bytes:
    made = bytearray(message(1, 0, number, (0x000F, b"\x72\xc6\x4b\xc6"), *attributes))
    made[:2] = struct.pack(">H", kind)
    return bytes(made)


def test_microsofts_relays_give_and_carry_by_other_names() -> None:
    inside = check(9)
    said = udp(
        (A, ms(0x0003, 1, (0x0006, b"\2\0\0\x24"))),
        (B, ms(0x0103, 1, address(0x0001, "198.51.100.9", 4000), address(0x8020, "192.0.2.1", 5000))),
        (A, ms(0x0004, 2, address(0x0011, "203.0.113.7", 50_000), (0x0013, inside))),
        (A, ms(0x0006, 3, address(0x0011, "203.0.113.7", 50_000))),
        (B, ms(0x0106, 3)),
    )
    assert [note.kind for note in said.notes] == [
        "turn.allocate-request", "turn.allocate-success", "turn.send-request", "stun.binding-request",
        "turn.set-active-destination-request", "turn.set-active-destination-success",
    ]  # fmt: skip
    assert said.notes[0].text == "asks for a relay, as 02000024"
    assert said.notes[1].text.startswith("relayed address 198.51.100.9:4000, your address is ")
    assert said.notes[3].fields["relayed_peer"] == {"address": "203.0.113.7", "port": 50_000}
    assert said.notes[4].fields["message_type"]["name"] == "Set Active Destination Request"
    assert said.facts["turn_relayed_address"] == "198.51.100.9:4000"
    (phase,) = said.phases
    assert (phase.name, phase.outcome) == ("turn", Outcome.ESTABLISHED)


def test_an_allocation_without_an_address_is_one() -> None:
    said = udp((A, message(ALLOCATE, REQUEST, 1)), (B, message(ALLOCATE, SUCCESS, 1)))
    assert [(phase.name, phase.outcome) for phase in said.phases] == [("turn", Outcome.ESTABLISHED)]
    assert "turn_relayed_address" not in said.facts


def test_a_connection_on_which_nobody_answers_is_not_blocked() -> None:
    said = play(
        [PROTOCOL], (A, message(BINDING, REQUEST, 1)), (A, message(BINDING, REQUEST, 2)), over="tcp", port=3478,
        end_ns=START_NS + 40 * SECOND,
    )  # fmt: skip
    (finding,) = said.findings
    assert finding.code == "stun.no-response"
    assert finding.cause.startswith("The connection is there")


def test_answers_whose_requests_are_not_there_are_a_part_of_something() -> None:
    said = udp((B, answered(1)), (B, answered(2)))
    assert [(phase.name, phase.outcome) for phase in said.phases] == [("stun", Outcome.PARTIAL)]
