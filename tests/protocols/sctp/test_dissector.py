"""Associations played packet by packet: on IP, in UDP, inside of something that encrypts."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import core
from analyzer.core import Note, Outcome, Piece, Side
from analyzer.protocols.sctp import PROTOCOL
from analyzer.protocols.sctp.dissector import HEADER_BYTES, MAX_CHUNKS, crc32c, fits, probe
from captures.sctp import (
    ABORT,
    BEGINNING,
    COOKIE,
    COOKIE_ACK,
    COOKIE_ECHO,
    ENDING,
    ERROR,
    SHUTDOWN,
    SHUTDOWN_ACK,
    SHUTDOWN_COMPLETE,
    TAGS,
    UNORDERED,
    cause,
    chunk,
    data,
    i_data,
    init,
    init_ack,
    outgoing_reset,
    packet,
    parameter,
    reset_answer,
    sack,
    supported,
)
from captures.sctp import crc32c as checksum_of
from tests.play import START_NS, Frame, Said, play

A, B = Side.INITIATOR, Side.RESPONDER
PORTS = (5000, 5001)
SECOND = 1_000_000_000
ZERO = parameter(0x8001, b"\0\0\0\1")


class Inner(core.Dissector):
    """Tells what messages came, and as what."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        user = self.context
        order = "any order" if user.unordered else "in order"
        text = f"{sender.name[0]} {user.stream} {user.ppid} {order} {bytes(unit)[:40]!r}"
        yield Note("inner.reset" if user.sent_on else "inner.message", text, unit)


class Wrap(core.Dissector):
    """Stands for what encrypts."""

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        yield core.Pass("dtls", unit.derived(bytes(unit)), stream=False)


INNER = core.Protocol("inner", "Inner", "", ("sctp:webrtc", "sctp:3"), {}, {}, None, Inner)
WRAP = core.Protocol("wrap", "Wrap", "", ("ip:wrap",), {}, {}, lambda head: True, Wrap, secure=True)


def made(side: Side, *chunks: bytes, tag: int | None = None, checksum: int | None = None) -> tuple[Side, bytes]:
    ports = PORTS if side is A else PORTS[::-1]
    return side, packet(ports, TAGS[side.other] if tag is None else tag, *chunks, checksum=checksum)


def opened(*parameters: bytes) -> list[tuple[Side, bytes]]:
    return [
        made(A, init(0, *parameters), tag=0),
        made(B, init_ack(1, *parameters)),
        made(A, chunk(COOKIE_ECHO, COOKIE)),
        made(B, chunk(COOKIE_ACK)),
    ]


def sctp(*frames: Frame, over: str = "ip:sctp", end_ns: int | None = None, trace: bool = False) -> Said:
    rooms = [PROTOCOL, INNER] if over != "wrap" else [WRAP, PROTOCOL, INNER]
    return play(rooms, *frames, over="ip:wrap" if over == "wrap" else over, end_ns=end_ns, trace=trace)


def codes(said: Said) -> list[str]:
    return [finding.code for finding in said.findings]


def inner(said: Said) -> list[str]:
    return [note.text for note in said.notes if note.kind.startswith("inner.")]


# --- an ordinary association ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["ip:sctp", "udp", "wrap"])
def test_handshake_data_and_end(over: str) -> None:
    said = sctp(
        *opened(),
        made(A, data(1000, b"hello", ppid=3)),
        made(B, sack(1000), data(7000, b"you too", stream=1, ppid=3, flags=UNORDERED | 3)),
        made(A, sack(7000), chunk(SHUTDOWN, struct.pack(">I", 7000))),
        made(B, chunk(SHUTDOWN_ACK)),
        made(A, chunk(SHUTDOWN_COMPLETE)),
        over=over,
    )
    assert [note.kind for note in said.notes] == [
        *("sctp.init", "sctp.init-ack", "sctp.cookie-echo", "sctp.cookie-ack", "sctp.data", "inner.message"),
        *("sctp.sack", "sctp.data", "inner.message", "sctp.sack", "sctp.shutdown", "sctp.shutdown-ack"),
        "sctp.shutdown-complete",
    ]
    assert inner(said) == ["I 0 3 in order b'hello'", "R 1 3 any order b'you too'"]
    assert codes(said) == []
    assert [(phase.name, phase.outcome, phase.round_trips) for phase in said.phases if phase.name == "sctp"] == [
        ("sctp", Outcome.ESTABLISHED, 2)
    ]
    assert said.facts["sctp_messages"] == [1, 1]
    assert said.facts["sctp_bytes"] == [5, 7]
    assert said.facts["sctp_ports"] == [5000, 5001]
    assert said.facts["sctp_streams"] == [1024, 1024]
    assert "sctp_without_handshake" not in said.facts
    assert said.notes[4].text == "stream 0, 5 bytes, M3UA"


def test_chunks_point_at_their_bytes() -> None:
    said = sctp(*opened(), made(A, data(1000, b"hello"), data(1001, b"you", ssn=1)))
    one, other = said.notes[-2:]
    assert one.spans == ((5, 66, 87),)
    assert other.spans == ((5, 90, 109),)


def test_fields_are_traced_by_the_names_of_the_standard() -> None:
    said = sctp(*opened(), trace=True)
    names = [field.name for field in said.notes[0].tree or []]
    assert names[:4] == ["source_port", "destination_port", "verification_tag", "checksum"]
    assert "chunk_type" in names
    assert sctp(*opened()).lines == said.lines


def test_cut_off_chunk_is_read_as_far_as_it_goes() -> None:
    side, whole = made(A, data(1000, bytes(100), ppid=3))
    said = sctp(*opened(), (side, whole[:60]))
    assert said.notes[-2].text.startswith("stream 0, 32 bytes")
    assert codes(said) == []  # nobody can tell the checksum


def test_a_capture_that_begins_later() -> None:
    said = sctp(made(A, data(1000, b"hello", ppid=3)), made(B, sack(1000)))
    assert said.facts["sctp_without_handshake"] is True
    assert said.phases == []
    assert codes(said) == []
    late = sctp(made(B, chunk(COOKIE_ACK)), made(A, data(1000, b"hello")))
    assert [(phase.outcome, phase.round_trips) for phase in late.phases] == [(Outcome.PARTIAL, None)]


# --- messages ---------------------------------------------------------------------------------------------------------


def test_parts_with_loss_and_retransmission() -> None:
    parts = [data(1000, b"one ", ppid=3, flags=BEGINNING), data(1001, b"two ", ppid=3, flags=0)]
    parts.append(data(1002, b"three", ppid=3, flags=ENDING))
    said = sctp(*opened(), made(A, parts[0]), made(A, parts[2]), made(B, sack(1000, (2, 2))), made(A, parts[1]))
    assert inner(said) == ["I 0 3 in order b'one two three'"]
    assert said.notes[-1].frames == (5, 6, 8)
    again = sctp(*opened(), *[made(A, part) for part in (parts[0], parts[0], *parts[1:], parts[0])])
    assert inner(again) == ["I 0 3 in order b'one two three'"]
    repeated = [note for note in again.notes if note.fields.get("retransmission")]
    assert [note.text[-22:] for note in repeated] == [", sent again (2 times)", ", sent again (3 times)"]


def test_i_data_interleaved() -> None:
    said = sctp(
        *opened(),
        made(A, i_data(1000, b"one ", stream=1, ppid=51, flags=BEGINNING)),
        made(A, i_data(1001, b"quick", stream=2, ppid=53)),
        made(A, i_data(1002, b"three", stream=1, fsn=2, flags=ENDING), i_data(1003, b"two ", stream=1, fsn=1, flags=0)),
        over="udp",
    )
    assert inner(said) == ["I 2 53 in order b'quick'", "I 1 51 in order b'one two three'"]
    (third,) = [note for note in said.notes if note.fields.get("tsn") == 1002]
    assert third.text == "stream 1, 5 bytes (end of a message)"
    assert third.fields["fragment_sequence_number"] == 2
    assert "ppid" not in third.fields


def test_any_order_of_packets_gives_the_same_messages() -> None:
    frames = []
    expected = []
    for number in range(8):
        text = [b"%d-%d " % (number, part) for part in range(3)]
        expected.append(f"I {number % 3} 3 in order {b''.join(text)!r}")
        for part, flags in enumerate((BEGINNING, 0, ENDING)):
            frames.append(made(A, data(1000 + 3 * number + part, text[part], stream=number % 3, ppid=3, flags=flags)))
    for seed in range(5):
        mixed = list(frames)
        random.Random(seed).shuffle(mixed)
        assert sorted(inner(sctp(*opened(), *mixed))) == sorted(expected)


def test_what_is_never_complete_is_bounded_and_told() -> None:
    big = bytes(60_000)
    frames = [made(A, data(1000 + 2 * number, big, flags=0)) for number in range(80)]
    said = sctp(*opened(), *frames)
    assert said.facts["sctp_parts_given_up"] > 0
    assert said.facts["sctp_messages"] == [0, 0]


def test_resets_are_passed_on_where_there_are_data_channels() -> None:
    resets = [made(A, outgoing_reset(1, 3, 5)), made(B, reset_answer(1)), made(A, chunk(130, parameter(15, bytes(4))))]
    assert inner(sctp(*opened(), *resets)) == []
    said = sctp(*opened(), made(A, data(1000, b"x", ppid=51)), *resets)
    assert inner(said) == ["I 0 51 in order b'x'", "I 3 0 in order b''", "I 5 0 in order b''"]
    assert [note.frames for note in said.notes if note.kind == "inner.reset"] == [(6,), (6,)]
    assert len(inner(sctp(*opened(), *resets, over="wrap"))) == 2


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_init_unanswered() -> None:
    asked = made(A, init(), tag=0)
    said = sctp(asked, asked, end_ns=START_NS + 5 * SECOND)
    assert codes(said) == ["sctp.init-unanswered"]
    assert said.findings[0].text == "INIT was sent 2 times in 5 s, and never answered."
    assert said.notes[1].fields["retransmission"] is True
    assert [phase.outcome for phase in said.phases] == [Outcome.UNANSWERED]
    assert codes(sctp(asked, end_ns=START_NS + SECOND // 2)) == []  # too early to tell
    once = sctp(asked, end_ns=START_NS + 5 * SECOND)
    assert once.findings[0].text.startswith("INIT was sent 1 time in")


def test_answered_but_not_finished() -> None:
    said = sctp(*opened()[:2], end_ns=START_NS + 50 * SECOND)
    assert codes(said) == []
    assert [phase.outcome for phase in said.phases] == [Outcome.OPEN]


def test_collision() -> None:
    said = sctp(
        made(A, init(), tag=0),
        made(B, init(1), tag=0),
        made(A, init_ack(0)),
        made(A, chunk(COOKIE_ECHO, COOKIE)),
        made(B, chunk(COOKIE_ACK)),
        made(A, chunk(COOKIE_ACK)),
    )
    assert codes(said) == ["sctp.init-collision"]
    assert said.findings[0].frames == (1, 2)
    assert said.facts["sctp_init_collision"] is True
    assert len(said.phases) == 1
    # Nobody answered either of them: that is the finding of ICE or DTLS, not of a side that is silent.
    silent = sctp(made(A, init(), tag=0), made(B, init(1), tag=0), end_ns=START_NS + 9 * SECOND)
    assert codes(silent) == ["sctp.init-collision"]


@pytest.mark.parametrize(
    ("causes", "flags", "code"),
    [
        (b"", 0, "sctp.user-abort"),
        (b"", 1, "sctp.abort"),
        (cause(12), 0, "sctp.user-abort"),
        (cause(13, b"no"), 0, "sctp.abort"),
        (cause(3), 0, "sctp.stale-cookie"),
        (cause(1, bytes(4)), 0, "sctp.stream-out-of-range"),
        (cause(4242), 0, "sctp.abort"),
    ],
)
def test_abort(causes: bytes, flags: int, code: str) -> None:
    abort = made(B, chunk(ABORT, causes, flags), tag=TAGS[1] if flags else None)
    said = sctp(*opened(), abort, abort)
    assert codes(said) == [code]
    assert said.findings[0].frames == (5,)
    assert said.findings[0].text.startswith("10.0.0.2:9999 aborted the association in frame 5: ")
    assert ("does not know" in said.findings[0].text) == bool(flags)


def test_abort_of_an_association_whose_beginning_was_not_seen() -> None:
    assert codes(sctp(made(A, data(1000, b"x")), made(A, chunk(ABORT)))) == ["sctp.user-abort"]


def test_abort_in_place_of_an_answer() -> None:
    said = sctp(made(A, init(), tag=0), made(B, chunk(ABORT)), end_ns=START_NS + 9 * SECOND)
    assert codes(said) == ["sctp.abort"]
    assert [phase.outcome for phase in said.phases] == [Outcome.FAILED]


def test_errors_are_told_once() -> None:
    found = made(B, chunk(ERROR, cause(6, b"\xc0\0\0\x04") + cause(8) + cause(1, bytes(4))))
    said = sctp(*opened(), found, found)
    assert codes(said) == ["sctp.unsupported-chunk", "sctp.stream-out-of-range"]


def test_window_of_nothing() -> None:
    said = sctp(*opened(), made(B, sack(1000, window=0)), made(B, sack(1000, window=0)), made(B, sack(1000)))
    assert codes(said) == ["sctp.rwnd-zero"]


@pytest.mark.parametrize(
    ("times", "acked", "told"), [(7, None, True), (7, 1000, False), (7, 999, True), (5, None, False)]
)
def test_sent_again_and_again(times: int, acked: int | None, told: bool) -> None:
    frames = [made(A, data(1000, b"x"))] * times
    if acked is not None:
        frames.append(made(B, sack(acked)))
    said = sctp(*opened(), *frames)
    assert codes(said) == (["sctp.peer-failed"] if told else [])
    if told:
        assert said.findings[0].text == "The chunk with TSN 1000 was sent 7 times, the last time in frame 11."


def test_both_sides_are_looked_at() -> None:
    frames = [made(A, data(1000, b"x"))] * 7 + [made(B, data(7000, b"x"))] * 8
    assert "TSN 7000 was sent 8 times" in sctp(*opened(), *frames).findings[0].text
    assert "TSN 1000 was sent 7 times" in sctp(*opened(), *frames, made(A, sack(7000))).findings[0].text


def test_tags() -> None:
    strange = made(A, data(1000, b"x"), tag=0x0DDBA11)
    said = sctp(*opened(), strange, strange)
    assert codes(said) == ["sctp.bad-vtag"]
    assert "0x00ddba11" in said.findings[0].text
    assert codes(sctp(strange)) == []  # nobody knows which tags there are
    assert codes(sctp(*opened(), made(B, chunk(SHUTDOWN_COMPLETE, flags=1), tag=TAGS[1]))) == []


def test_checksums() -> None:
    wrong = made(A, data(1000, b"x"), checksum=0x12345678)
    said = sctp(*opened(), wrong, wrong)
    assert codes(said) == ["sctp.bad-checksum"]
    assert "frame 5 is 12345678; its bytes come to" in said.findings[0].text
    side, plain = made(A, data(1000, b"x"))
    old = made(side, data(1000, b"x"), checksum=zlib.adler32(plain[:8] + bytes(4) + plain[12:]))
    assert codes(sctp(*opened(), old)) == []


@pytest.mark.parametrize("over", ["ip:sctp", "wrap"])
def test_zero_checksums(over: str) -> None:
    zero = made(A, data(1000, b"x"), checksum=0)
    assert codes(sctp(*opened(ZERO), zero, over=over)) == []
    assert codes(sctp(*opened(), zero, over=over)) == ["sctp.bad-checksum"]
    assert codes(sctp(zero, over=over)) == []  # what was agreed on was not seen
    # What asks for an association, and the cookie, have theirs in any case.
    assert codes(sctp(made(A, init(0, ZERO), tag=0, checksum=0))) == ["sctp.bad-checksum"]
    late = made(A, chunk(COOKIE_ECHO, COOKIE), checksum=0)
    assert codes(sctp(*opened(ZERO)[:2], late, over=over)) == ["sctp.bad-checksum"]
    # It is the receiver that has to take them.
    one_sided = [made(A, init(0, ZERO), tag=0), *opened()[1:]]
    assert codes(sctp(*one_sided, zero, over=over)) == ["sctp.bad-checksum"]
    assert codes(sctp(*one_sided, made(B, data(7000, b"x"), checksum=0), over=over)) == []


def test_broken_packets_are_told_and_nothing_is_lost_with_them() -> None:
    said = sctp(
        *opened(),
        made(A, b"\0\3\0\2"),
        made(A, chunk(3, b"\0")),
        (A, b"\0\0" + made(A)[1][2:]),
        (A, b"\0"),
        made(A, b"\0\0"),
        made(A, data(1000, b"fine", ppid=3)),
    )
    wrong = [note.text for note in said.notes if note.kind == "sctp.malformed"]
    assert wrong[0] == "a chunk of 2 bytes (RFC 9260 §3.2)"
    assert wrong[1].startswith("SACK: ")
    assert wrong[2] == "a port of 0 (RFC 9260 §3.1)"
    assert len(wrong) == 4
    assert inner(said) == ["I 0 3 in order b'fine'"]


def test_unknown_chunks_have_their_number() -> None:
    said = sctp(*opened(), made(A, chunk(77, b"1234")))
    assert said.notes[-1].kind == "sctp.chunk-77"
    assert said.notes[-1].fields["chunk_type"] == {"value": 77, "name": "CHUNK-77"}


# --- recognising ------------------------------------------------------------------------------------------------------


def test_probe() -> None:
    for _, packet_ in opened():
        assert probe(packet_)
        assert not probe(packet_[:-4])
        assert not probe(packet_ + bytes(4))
        assert not probe(b"\0\0" + packet_[2:])
        assert not probe(packet_[:8] + b"\1\2\3\4" + packet_[12:])
    assert probe(packet(PORTS, 7, data(1, b"x"), checksum=0))
    assert not probe(packet(PORTS, 0, data(1, b"x"), checksum=0))
    assert not probe(packet(PORTS, 7, chunk(77)))
    assert not probe(packet(PORTS, 7, b"\0\0\0\0"))
    assert not probe(b"")
    assert fits(packet(PORTS, 7, chunk(14) * MAX_CHUNKS))
    assert not fits(packet(PORTS, 7, chunk(14) * (MAX_CHUNKS + 1)))


@given(st.binary(min_size=12, max_size=200))
def test_checksum_is_that_of_the_standard(packet_: bytes) -> None:
    value = checksum_of(packet_[:8] + bytes(4) + packet_[12:])
    assert crc32c(packet_) == int.from_bytes(value.to_bytes(4, "little"), "big")


# --- hostile input ----------------------------------------------------------------------------------------------------

CHUNK = st.builds(
    lambda kind, flags, value, size: (
        struct.pack(">BBH", kind, flags, size if size is not None else len(value) + 4) + value + bytes(-len(value) % 4)
    ),
    st.sampled_from([*range(16), 64, 130, 192, 194, 255]),
    st.integers(0, 255),
    st.binary(max_size=40),
    st.one_of(st.none(), st.none(), st.integers(0, 60)),
)
FRAME = st.one_of(
    st.tuples(st.sampled_from(Side), st.binary(min_size=1, max_size=80)),
    st.builds(
        lambda side, tag, chunks: (side, packet(PORTS, tag, *chunks)),
        st.sampled_from(Side),
        st.sampled_from([0, *TAGS]),
        st.lists(CHUNK, max_size=5),
    ),
)


@settings(max_examples=200)
@given(st.lists(FRAME, max_size=12), st.booleans())
def test_any_bytes_raise_nothing_but_malformed(frames: list[Frame], begun: bool) -> None:
    said = sctp(*(opened(supported(130)) if begun else []), *frames)
    kinds = {note.kind for note in said.notes}
    assert not any(kind.startswith("engine.") for kind in kinds)
    assert {finding.code for finding in said.findings} <= set(PROTOCOL.findings)
    assert sctp(*(opened(supported(130)) if begun else []), *frames, trace=True).lines == said.lines


def test_work_is_bounded_by_the_packet() -> None:
    said = sctp(*opened(), made(A, chunk(14) * 10_000))
    assert len([note for note in said.notes if note.kind == "sctp.shutdown-complete"]) == MAX_CHUNKS
    assert HEADER_BYTES == 12
