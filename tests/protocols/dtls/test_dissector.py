"""DTLS from datagrams to its timeline."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer
from analyzer import core
from analyzer.core import Outcome, Pass, Piece, Shared, Side
from analyzer.protocols.dtls import PROTOCOL
from analyzer.protocols.dtls.dissector import Dtls, arrived, probe
from analyzer.protocols.stun import PROTOCOL as STUN
from captures.dtls import (
    COOKIE,
    DTLS10,
    MASTER,
    RANDOMS,
    Sealer12,
    answer13,
    certificate,
    client_hello,
    client_key_exchange,
    extension,
    hello13,
    hello_verify_request,
    message,
    record,
    secrets13,
    server_hello,
    server_key_exchange,
)
from captures.stun import message as stun
from captures.stun import text as words
from tests.conftest import lab_file
from tests.play import play
from tests.protocols.dtls.made import (
    INI,
    RES,
    START_NS,
    Line,
    in_clear,
    sealers13,
    shared_with,
)

SECOND = 1_000_000_000
CLEAR12 = (
    (INI, in_clear(1, client_hello(name="example.org"))),
    (RES, in_clear(2, server_hello()) + in_clear(11, certificate(), 1, 1)),
    (RES, in_clear(12, server_key_exchange(), 2, 2) + in_clear(14, b"", 3, 3)),
    (INI, in_clear(16, client_key_exchange(), 1, 1) + record(20, b"\1", 2)),
)
CLIENT12 = {"CLIENT_RANDOM": MASTER}
EMPTY = b"\0\0"


def line12(lines: dict[str, bytes] | None = None, **how: Any) -> Line:
    line = Line(shared_with(lines), **how)
    for side, data in CLEAR12:
        line.send(side, data)
    return line


def line13(value: int = 0x1301, lines: dict[str, bytes] | None = None, *more: bytes) -> Line:
    line = Line(shared_with(secrets13(value) if lines is None else lines))
    line.send(INI, in_clear(1, hello13(*more)))
    return line.send(RES, in_clear(2, answer13(value, *more)))


# --- DTLS 1.2 ---------------------------------------------------------------------------------------------------------


def test_handshake_in_clear_and_what_stays_closed() -> None:
    line = line12()
    line.send(INI, record(22, bytes(40), 0, 1)).send(RES, record(20, b"\1", 9)).send(RES, record(22, bytes(40), 0, 1))
    line.send(INI, record(23, bytes(50), 1, 1)).send(INI, record(23, bytes(50), 2, 1))
    line.send(INI, record(24, bytes(9), 4, 1), record(25, bytes(50), 3, 1)).send(INI, record(21, bytes(26), 4, 1))
    line.end()
    assert line.kinds == [
        "client-hello", "server-hello", "certificate", "server-key-exchange", "server-hello-done",
        "client-key-exchange", "change-cipher-spec", "encrypted-handshake", "change-cipher-spec",
        "encrypted-handshake", "record-24", "application-data", "record-alert",
    ]  # fmt: skip
    assert line.notes[-2].fields["records"] == 3
    hello, answer = line.notes[0], line.notes[1]
    assert (hello.fields["server_name"], hello.fields["message_seq"]) == ("example.org", 0)
    assert hello.fields["ja4"].startswith("dd2d")
    assert hello.fields["use_srtp"]["protection_profiles"][0]["value"] == 7
    assert answer.fields["version"] == {"value": 0xFEFD, "name": "DTLS 1.2"}
    assert line.notes[3].fields["signature_algorithm"]["value"] == 0x0403
    (phase,) = line.teller.phases
    assert (phase.name, phase.outcome, phase.round_trips) == ("dtls", Outcome.ESTABLISHED, 2)
    facts = line.teller.facts
    assert facts["srtp_profile"] == "SRTP_AEAD_AES_128_GCM"
    assert facts["dtls_client"] == "initiator"
    assert list(facts["certificate_sha256"]) == ["responder"]
    assert facts["not_decrypted_because"] == "no key log was given"
    assert (line.teller.title, line.teller.kind) == ("example.org", None)


def test_with_the_master_secret_and_data_inside() -> None:
    inside: list[tuple[Side, bytes]] = []

    class Inside(core.Dissector):
        def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
            inside.append((sender, bytes(unit)))
            yield core.Note("inside.data", "data", unit)

    kinds = {"inside.data": core.Kind("§1", "")}
    room = core.Protocol("inside", "Inside", "RFC 0", ("dtls",), kinds, {}, lambda _: True, Inside)
    line = Line(shared_with(CLIENT12), PROTOCOL, room, trace=True)
    for side, data in CLEAR12:
        line.send(side, data)
    client, server = Sealer12(0), Sealer12(1)
    line.send(INI, client.seal(22, message(20, bytes(12), 2))).send(RES, record(20, b"\1", 4))
    line.send(RES, server.seal(22, message(20, bytes(12), 4)))
    late = client.seal(23, b"late")
    line.send(INI, client.seal(23, b"early")).send(INI, late).send(RES, server.seal(23, b""))
    line.send(RES, server.seal(24, b"\1\0\0")).send(INI, client.seal(21, b"\1\0")).end()
    assert line.kinds[-6:] == ["finished", "inside.data", "inside.data", "application-data", "heartbeat", "alert"]
    assert inside == [(INI, b"early"), (INI, b"late")]
    assert line.notes[-5].path == ("udp", "dtls", "inside")
    assert line.teller.facts["decrypted"] is True
    assert line.teller.facts["data_bytes"] == [9, 0]


def test_with_connection_ids() -> None:
    line = Line(shared_with(CLIENT12))
    asks, gives = extension(54, b"\2ab"), extension(54, b"\1x")
    hello = client_hello()
    more = int.from_bytes(hello[48:50], "big")
    assert more
    head, tail = hello[: -len(hello_extensions(hello))], hello_extensions(hello)
    line.send(INI, in_clear(1, head[:-2] + struct.pack(">H", len(tail) + len(asks)) + tail + asks))
    answer = server_hello()
    size = int.from_bytes(answer[38:40], "big")
    line.send(RES, in_clear(2, answer[:38] + struct.pack(">H", size + len(gives)) + answer[40:] + gives))
    line.send(INI, Sealer12(0).seal(23, b"to the server", cid=b"x")).send(RES, Sealer12(1).seal(23, b"hi", cid=b"ab"))
    line.end()
    assert line.kinds == ["client-hello", "server-hello", "application-data", "application-data"]
    assert line.teller.facts["data_bytes"] == [13, 2]
    assert line.teller.facts["decrypted"] is True


def hello_extensions(hello: bytes) -> bytes:
    at = 34 + 1 + hello[34]
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    return hello[at + 2 :]


def test_wrong_secrets_are_said_once_and_cost_a_bounded_number_of_trials() -> None:
    line = line12({"CLIENT_RANDOM": bytes(48)})
    client = Sealer12(0)
    for _ in range(70):
        line.send(INI, client.seal(23, b"data"))
    line.end()
    assert "don't fit" in line.teller.facts["not_decrypted_because"]
    assert line.teller.facts["encrypted_records"] == 70


def test_renegotiation_has_keys_of_its_own() -> None:
    line = line12(CLIENT12)
    client, server = Sealer12(0), Sealer12(1)
    line.send(INI, client.seal(22, message(20, bytes(12), 2))).send(RES, server.seal(22, message(20, bytes(12), 4)))
    again = client_hello(random=RANDOMS[1])
    line.send(INI, client.seal(22, message(1, again, 0))).send(INI, client.seal(23, b"old keys")).end()
    assert line.kinds[-2:] == ["client-hello", "application-data"]
    assert line.teller.facts["decrypted"] is True


def test_cookie_and_fragments_and_messages_sent_again() -> None:
    line = Line()
    first = in_clear(1, client_hello())
    line.send(INI, first).send(INI, first).send(RES, in_clear(3, hello_verify_request()))
    line.send(INI, in_clear(1, client_hello(cookie=COOKIE), 1, 1))
    line.send(RES, in_clear(2, server_hello(), 1, 1))
    parts = [record(22, message(11, certificate(), 2, at, at + 100), at) for at in (200, 0, 100)]
    line.send(RES, parts[0]).send(RES, parts[1]).send(RES, parts[1], parts[2]).send(RES, *parts).end()
    assert line.kinds == [
        "client-hello", "client-hello", "hello-verify-request", "client-hello", "server-hello", "certificate",
        "certificate",
    ]  # fmt: skip
    assert line.notes[1].fields["retransmission"] is True
    assert "retransmission" not in line.notes[0].fields
    assert line.notes[2].fields["cookie"] == line.notes[3].fields["cookie"] == COOKIE.hex()
    assert line.notes[3].text.endswith("with the server's cookie")
    assert line.notes[5].frames == (6, 7, 8)
    assert line.notes[6].fields["retransmission"] is True
    assert line.notes[6].fields["certificates"] == line.notes[5].fields["certificates"]
    assert line.teller.facts["hello_verify_requests"] == 1
    assert line.teller.facts["dtls_retransmissions"] == 2
    assert line.teller.phases[0].outcome is Outcome.OPEN


def test_malformed_messages_are_told_as_what_they_are() -> None:
    line = Line()
    line.send(INI, in_clear(1, b"\xfe\xfd")).send(RES, in_clear(3, b"\xfe\xff\x20"))
    line.send(RES, record(22, message(2, server_hello())[:5], 7))
    line.send(RES, record(21, b"\2\x28") + record(21, b"\2"))
    line.send(RES, in_clear(2, server_hello()) + b"junk").end()
    assert line.kinds[:2] == ["client-hello", "hello-verify-request"]
    assert all("malformed" in note.fields for note in line.notes[:2])
    assert line.kinds.count("malformed") == 2


def test_too_many_fragments_are_told_once() -> None:
    line = Line().send(INI, in_clear(1, client_hello()))
    for sequence in range(40):
        line.send(RES, record(22, message(11, certificate(), sequence, 0, 1)))
    assert line.kinds == ["client-hello", "malformed"]


def test_dtls10_says_no_signature_algorithm() -> None:
    line = Line().send(INI, in_clear(1, client_hello())).send(RES, in_clear(2, server_hello(DTLS10, 0xC00A)))
    line.send(RES, in_clear(12, server_key_exchange(DTLS10), 1)).end()
    assert "signature_algorithm" not in line.notes[2].fields
    assert line.codes == ["dtls.version-old"]


def test_only_one_side_was_captured() -> None:
    line = Line().send(INI, in_clear(1, client_hello())).send(INI, in_clear(11, certificate(), 1))
    line.send(INI, in_clear(16, client_key_exchange(), 2), record(20, b"\1"), record(22, bytes(40), 0, 1)).end(
        9 * SECOND
    )
    assert line.kinds[1:3] == ["certificate", "client-key-exchange"]
    assert (line.teller.phases[0].outcome, line.codes) == (Outcome.PARTIAL, [])


def test_started_late() -> None:
    line = Line().send(INI, record(23, bytes(50), 9, 1)).send(RES, record(23, bytes(50), 9, 1)).end(9 * SECOND)
    assert line.kinds == ["application-data", "application-data"]
    assert line.teller.phases[0].outcome is Outcome.PARTIAL
    assert line.teller.facts["not_decrypted_because"] == "no key log was given"
    line = Line(shared_with({})).send(INI, record(23, bytes(50), 9, 1)).end()
    assert "after the ClientHello" in line.teller.facts["not_decrypted_because"]


def test_runs_end_with_a_pause() -> None:
    line = line12()
    for at in (1, 1.5, 4, 4.5):
        line.send(INI, record(23, bytes(50), 9, 1), at_ns=START_NS + int(at * SECOND))
    line.end()
    assert [note.fields["records"] for note in line.notes if note.kind == "dtls.application-data"] == [2, 2]


# --- ends and failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("description", [10, 40, 42, 48, 70, 112, 120, 60])
def test_fatal_alerts(description: int) -> None:
    line = Line().send(INI, in_clear(1, client_hello(name="example.org")))
    line.send(RES, record(21, bytes((2, description)))).send(RES, record(21, bytes((2, description)), 1)).end(
        9 * SECOND
    )
    assert line.kinds == ["client-hello", "alert", "alert"]
    assert len(line.codes) == 1
    assert line.codes[0].startswith("dtls.alert-")
    assert line.notes[2].fields["retransmission"] is True
    assert line.notes[1].verdict is not None
    assert line.teller.phases[0].outcome is Outcome.FAILED
    assert "2 ms after" in line.teller.findings[0].text or "1.0 ms after" in line.teller.findings[0].text


def test_a_refused_certificate_is_named() -> None:
    line = line12().send(INI, record(21, b"\2\x2a", 9)).end()
    assert "WebRTC" in line.teller.findings[0].text
    line = Line().send(RES, record(21, b"\2\x0a")).end()
    assert line.codes == ["dtls.alert-syntax"]


def test_warnings_and_close_notify_are_no_findings() -> None:
    line = Line().send(INI, in_clear(1, client_hello())).send(RES, record(21, b"\1\x5a"), record(21, b"\1\0", 1)).end()
    assert line.kinds == ["client-hello", "alert", "alert"]
    assert line.codes == []


def test_an_encrypted_alert_in_the_handshake_ends_it() -> None:
    line = line12().send(RES, record(21, bytes(26), 0, 1)).end()
    assert line.notes[-1].text.endswith("refuses the handshake")
    assert line.teller.phases[0].outcome is Outcome.FAILED


def test_no_answer() -> None:
    line = Line()
    for at in (1, 2, 4):
        line.send(INI, in_clear(1, client_hello(), 0, at), at_ns=START_NS + at * SECOND)
    line.flow.packets = (3, 0)
    line.end(4 * SECOND)
    assert line.codes == ["dtls.no-answer"]
    assert "sent again after 1.0, 3.0 s" in line.teller.findings[0].text
    assert line.teller.findings[0].limits
    assert line.teller.phases[0].outcome is Outcome.UNANSWERED


def test_both_take_themselves_for_the_client() -> None:
    line = Line().send(INI, in_clear(1, client_hello())).send(RES, in_clear(1, client_hello(random=RANDOMS[1]))).end()
    assert line.notes[1].verdict is not None
    assert line.teller.facts["dtls_client"] == "initiator"


def test_another_connection_in_the_place_of_the_first() -> None:
    line = line12()
    line.send(INI, in_clear(1, client_hello(random=bytes(32)))).send(RES, in_clear(2, server_hello(srtp=False))).end()
    assert [phase.outcome for phase in line.teller.phases] == [Outcome.OPEN, Outcome.OPEN]
    assert line.teller.facts["srtp_profile"] is None


# --- DTLS 1.3 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0x1301, 0x1302, 0x1303])
def test_dtls13_with_keys(value: int) -> None:
    line, sealers = line13(value), sealers13(value)
    flight = message(8, extension_list(extension(14, struct.pack(">HHB", 2, 7, 0))), 1)
    line.send(
        RES, sealers[RES, 2].seal(22, flight), sealers[RES, 2].seal(22, message(20, bytes(32), 2), with_length=False)
    )
    line.send(INI, sealers[INI, 2].seal(26, struct.pack(">HQQ", 16, 2, 0)))
    line.send(INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1), long=False))
    line.send(RES, sealers[RES, 3].seal(26, EMPTY)).send(RES, sealers[RES, 3].seal(23, b"data", pad=9))
    line.send(RES, sealers[RES, 3].seal(22, message(24, b"\0", 3)))
    line.send(RES, sealers[RES, 3].next().seal(23, b"new keys")).send(INI, sealers[INI, 3].seal(21, b"\1\0")).end()
    assert line.kinds == [
        "client-hello", "server-hello", "encrypted-extensions", "finished", "ack", "finished", "ack",
        "application-data", "key-update", "alert", "application-data",
    ]  # fmt: skip
    assert line.notes[4].fields["record_numbers"] == [{"epoch": 2, "sequence_number": 0}]
    assert "none" in line.notes[6].text
    assert (line.teller.phases[0].outcome, line.teller.phases[0].round_trips) == (Outcome.ESTABLISHED, 1)
    facts = line.teller.facts
    assert (facts["dtls_version"], facts["decrypted"], facts["data_bytes"]) == ("DTLS 1.3", True, [0, 12])
    assert facts["srtp_profile"] == "SRTP_AEAD_AES_128_GCM"


def extension_list(*extensions: bytes) -> bytes:
    body = b"".join(extensions)
    return struct.pack(">H", len(body)) + body


def test_dtls13_without_keys() -> None:
    line, sealers = line13(lines={}), sealers13()
    line.send(RES, sealers[RES, 2].seal(22, message(8, EMPTY, 1)))
    line.send(INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1)))
    line.send(RES, sealers[RES, 3].seal(26, EMPTY)).send(INI, sealers[INI, 3].seal(23, b"data")).end()
    assert sorted(line.kinds) == [
        "application-data", "application-data", "client-hello", "encrypted-handshake", "encrypted-handshake",
        "server-hello",
    ]  # fmt: skip
    assert line.teller.phases[0].outcome is Outcome.ESTABLISHED
    assert "lacks" in line.teller.facts["not_decrypted_because"]


def test_early_data_of_dtls13() -> None:
    lines = {**secrets13(), "CLIENT_EARLY_TRAFFIC_SECRET": secrets13()["CLIENT_TRAFFIC_SECRET_0"]}
    line = Line(shared_with(lines)).send(INI, in_clear(1, hello13(extension(42, b""))))
    sealer = sealers13()[INI, 3]
    sealer.epoch = 1
    line.send(INI, sealer.seal(23, b"early")).send(RES, in_clear(2, answer13())).end()
    early = next(note for note in line.notes if note.kind == "dtls.application-data")
    assert (early.fields["early_data"], early.fields["decrypted"]) == (True, True)


def test_unified_headers_are_left_alone_where_nobody_spoke_of_dtls13() -> None:
    line = line12().send(INI, b"\x2f\0\0\0\x20" + bytes(32)).end()
    assert len(line.notes) == 7
    assert Line().send(INI, b"\x20" + bytes(20)).end().notes == []


# --- other paths ------------------------------------------------------------------------------------------------------


def test_an_answer_on_another_path() -> None:
    shared = shared_with(secrets13())
    one, other, sealers = Line(shared), Line(shared), sealers13()
    one.send(INI, in_clear(1, hello13()))
    other.send(INI, in_clear(2, answer13()))  # the server is the initiator of this flow
    other.send(INI, sealers[RES, 2].seal(22, message(20, bytes(32), 1)))
    one.send(INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1)))
    other.send(RES, sealers[INI, 3].seal(23, b"from the client"))
    for line in (one, other):
        line.end()
    assert one.kinds == ["client-hello", "finished"]
    assert other.kinds == ["server-hello", "finished", "application-data"]
    assert [note.sender for note in other.notes] == [INI, INI, RES]
    assert (one.teller.facts["dtls_client"], other.teller.facts["dtls_client"]) == ("initiator", "responder")
    assert one.teller.facts["data_bytes"] == [15, 0]
    assert other.teller.facts["data_bytes"] == [0, 15]
    assert shared.tables["dtls.associations"] == {}


def test_an_association_moves_to_another_path() -> None:
    shared = shared_with(CLIENT12)
    one, other = Line(shared), Line(shared)
    for side, data in CLEAR12:
        one.send(side, data)
    client, server = Sealer12(0), Sealer12(1)
    one.send(INI, client.seal(22, message(20, bytes(12), 2))).send(RES, server.seal(22, message(20, bytes(12), 4)))
    other.send(RES, client.seal(23, b"moved")).send(INI, server.seal(21, b"\1\0")).end()
    one.end()
    assert other.kinds == ["alert", "application-data"] or other.kinds == ["application-data", "alert"]
    assert other.teller.facts["decrypted"] is True
    stranger = Line(shared).send(INI, record(23, bytes(60), 1, 1)).end()
    assert stranger.teller.facts["decrypted"] is False


def test_a_hello_sent_again_on_another_path_and_a_copy_of_one() -> None:
    shared = Shared()
    one, other, copy = Line(shared), Line(shared), Line(shared)
    one.send(INI, in_clear(1, client_hello(), 0, 0))
    other.send(INI, in_clear(1, client_hello(), 0, 1))
    copy.send(INI, in_clear(1, client_hello(), 0, 0))
    assert other.notes[0].fields["retransmission"] is True
    assert "retransmission" not in copy.notes[0].fields


def test_an_answer_that_two_wait_for_is_nobodys() -> None:
    shared = Shared()
    for value in (0, 1):
        Line(shared).send(INI, in_clear(1, client_hello(random=bytes((value,)) * 32)))
    late = Line(shared).send(INI, in_clear(2, server_hello())).send(INI, in_clear(14, b"", 1)).end()
    assert "dtls_client" in late.teller.facts
    assert late.teller.phases[0].outcome is Outcome.PARTIAL
    for value in range(40):
        Line(shared).send(INI, in_clear(1, client_hello(random=bytes((value,)) * 32)))
    assert len(shared.tables["dtls.associations"]) == 32


# --- recognising it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (CLEAR12[0][1], True),
        (CLEAR12[0][1][:40], True),  # cut by the capture
        (record(20, b"\1"), True),
        (record(20, b"\1\0\1", version=0x0100), True),
        (record(20, b"\1\2"), False),
        (record(21, b"\2\x28"), True),
        (record(21, b"\2\x28\0"), False),
        (record(26, EMPTY), True),
        (record(26, b"\0"), False),
        (record(23, b"data", epoch=1), True),
        (record(23, b"data"), False),
        (record(23, b"data", epoch=1)[:-1], False),
        (record(23, b"data", epoch=999), False),
        (record(25, b"data", epoch=1), True),
        (record(22, b"data", version=0x0303), False),
        (record(22, b"\xfe\xff\xff\xa4" + bytes(20)), False),
        (record(22, b"short"), False),
        (b"\x00\x01\x00\x08" + bytes(20), False),  # STUN
        (b"\x80\x60" + bytes(20), False),  # RTP
        (b"\x2f\0\0\0\x11" + bytes(17), True),
        (b"\x2f\0\0\0\x11" + bytes(18), None),
        (b"\x20", None),
    ],
)
def test_probe(data: bytes, expected: bool | None) -> None:
    assert probe(data) is expected


def test_end_of_a_datagram_in_ip_fragments() -> None:
    runs = [(0, 1, 42, 10), (20, 3, 34, 30), (40, 2, 34, 20)]
    unit = Piece(bytes(60), runs)
    assert arrived(unit.cut(0, 10), unit).frames == (1, 3)
    assert arrived(unit.cut(0, 10), unit).time_ns == 30
    assert arrived(unit.cut(10, 30), unit) == unit.cut(10, 30).place


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((INI, RES)),
            st.one_of(
                st.binary(max_size=80),
                st.builds(
                    lambda kind, body, epoch: record(kind, body, 0, epoch),
                    st.integers(20, 26), st.binary(max_size=60), st.integers(0, 2),
                ),
                st.builds(
                    lambda kind, body, sequence, start: record(22, message(kind, body, sequence, start)),
                    st.sampled_from((0, 1, 2, 3, 4, 8, 11, 12, 13, 15, 16, 20, 22, 24, 25)),
                    st.binary(max_size=80), st.integers(0, 3), st.integers(0, 9),
                ),
                st.sampled_from([data for _, data in CLEAR12]),
                st.binary(max_size=40).map(lambda body: b"\x2e\0\0" + struct.pack(">H", len(body)) + body),
            ),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_bytes_raise_nothing(frames: list[tuple[Side, bytes]]) -> None:
    line = Line(shared_with(CLIENT12 | secrets13()))
    for side, data in frames:
        line.send(side, data)
    line.end(9 * SECOND)
    assert "engine.internal-error" not in {note.kind for note in line.notes}


@settings(max_examples=100)
@given(st.integers(0, 1 << 30), st.integers(0, 7), st.data())
def test_damaged_handshakes_raise_nothing(at: int, bit: int, data: st.DataObject) -> None:
    frames = [bytearray(frame) for _, frame in CLEAR12]
    frame = frames[at % len(frames)]
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << bit
    line = Line(shared_with(CLIENT12))
    for (side, _), changed in zip(CLEAR12, frames, strict=True):
        line.send(side, bytes(changed))
    line.send(INI, Sealer12(0).seal(23, b"x")).end()
    assert "engine.internal-error" not in {note.kind for note in line.notes}


def test_room_by_itself() -> None:
    said = play(PROTOCOL, (INI, CLEAR12[0][1]), over="udp")
    assert said.lines == [("dtls.client-hello", "offers DTLS 1.2 for example.org")]
    room = Dtls()
    outputs = list(room.on_unit(INI, Piece(record(23, b"x", 0, 1), [(0, 1, 42, 1)])))
    assert not any(isinstance(output, Pass) for output in outputs)


# --- the lab ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dc-aiortc-aiortc", "dc-chromium-aiortc", "dc-chromium-firefox-dtls12", "dc-firefox-chromium",
        "dc-firefox-dtls12",
        "dc-firefox-firefox", "dc-many-chromium-aiortc", "dc-many-chromium-firefox-dtls12", "dc-many-firefox-firefox",
        "media-chromium-aiortc", "media-firefox-chromium-dtls12", "media-firefox-firefox", "stun-srflx",
    ],
)  # fmt: skip
def test_lab_captures_are_opened_whole(name: str) -> None:
    path = lab_file(f"webrtc-{name}.pcapng")
    report = analyzer.analyze(path, keylog=path.with_suffix(".keys"))
    found = [session for session in report.sessions if any(note.kind.startswith("dtls.") for note in session.notes)]
    assert found
    for session in found:
        assert session.facts.get("decrypted") is True
        assert session.outcome is Outcome.ESTABLISHED


# --- inside of STUN ---------------------------------------------------------------------------------------------------


def checks_with(*datagrams: tuple[Side, bytes]) -> list[tuple[Side, bytes]]:
    role = (0x802A, bytes(8))
    return [
        (side, stun(1, 0, number, words(0x0006, "a:b"), role, (0xC070, data), fingerprint=True))
        for number, (side, data) in enumerate(datagrams)
    ]


def test_a_handshake_that_begins_in_checks_goes_on_beside_them() -> None:
    sealers = sealers13()
    frames = checks_with(
        (INI, in_clear(1, hello13())),
        (RES, in_clear(2, answer13(0x1301)) + sealers[RES, 2].seal(22, message(8, b"\0\0", 1))),
    )
    frames += [
        (RES, sealers[RES, 2].seal(22, message(20, bytes(32), 2))),
        (INI, sealers[INI, 2].seal(22, message(20, bytes(32), 1))),
        (INI, sealers[INI, 3].seal(23, b"data")),
    ]
    said = play([STUN, PROTOCOL], *frames, over="udp", shared=shared_with(secrets13(0x1301)))
    assert [(note.kind.removeprefix("dtls."), len(note.path)) for note in said.notes if "dtls" in note.path] == [
        ("client-hello", 3), ("server-hello", 3), ("encrypted-extensions", 3), ("finished", 2), ("finished", 2),
        ("application-data", 2),
    ]  # fmt: skip
    (phase,) = [phase for phase in said.phases if phase.name == "dtls"]
    assert (phase.outcome, phase.round_trips) == (Outcome.ESTABLISHED, 1)
    (finding,) = [finding for finding in said.findings if finding.code == "dtls.in-stun"]
    assert finding.text.startswith("2 datagrams of the handshake")
    assert said.facts["decrypted"] is True


def test_a_hello_that_goes_along_with_checks_of_several_pairs_is_one() -> None:
    shared = Shared()
    lines = [Line(shared, STUN, PROTOCOL), Line(shared, STUN, PROTOCOL)]
    for number, line in enumerate(lines):
        line.flow.id = line.teller.flow_id = number
        line.send(*checks_with((INI, in_clear(1, hello13())))[0])
    lines[1].send(*checks_with((RES, in_clear(2, answer13())))[0])
    for line in lines:
        line.end(10 * SECOND)
    assert [finding.code for line in lines for finding in line.teller.findings] == ["dtls.in-stun"]
    assert [note.kind for note in lines[1].notes if "dtls" in note.path] == ["dtls.client-hello", "dtls.server-hello"]
