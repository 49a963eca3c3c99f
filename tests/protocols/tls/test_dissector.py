"""The record layer: clear and protected records, secrets that come late, gaps, and whatever else may come."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.core import Limits, Note, Outcome, Shared, Side
from analyzer.engine.keylog import add_lines
from analyzer.protocols.tls import PROTOCOL
from analyzer.protocols.tls.dissector import MAX_MESSAGE_BYTES, probe
from tests.conftest import corpus_file
from tests.play import Frame, again, play
from tests.protocols.tls.dialogs import (
    CLIENT,
    EARLY,
    HANDSHAKE,
    RETRY_RANDOM,
    SERVER,
    TLS10,
    TLS12,
    TLS13,
    TRAFFIC,
    Dialog,
    Ends,
    Forged,
    client_hello,
    extension,
    heard,
    kinds,
    knowing,
    message,
    offers13,
    plain12,
    plain13,
    record,
    server_hello,
    takes13,
    vector,
)
from tests.protocols.tls.test_protection import CLIENT as CLIENT_RANDOM
from tests.protocols.tls.test_protection import MASTER, Sealer
from tests.protocols.tls.test_protection import SERVER as SERVER_RANDOM

if TYPE_CHECKING:
    from tests.play import Said

FULL13 = [
    "client-hello",
    "server-hello",
    "encrypted-extensions",
    "certificate",
    "certificate-verify",
    "finished",
    "finished",
    "new-session-ticket",
    "new-session-ticket",
    "application-data",
    "application-data",
    "alert",
    "alert",
]
FULL12 = [
    "client-hello",
    "server-hello",
    "certificate",
    "server-key-exchange",
    "server-hello-done",
    "client-key-exchange",
    "change-cipher-spec",
    "finished",
    "new-session-ticket",
    "change-cipher-spec",
    "finished",
    "application-data",
    "application-data",
    "alert",
    "alert",
]


def told(said: Said) -> list[tuple[str, str, Side | None]]:
    return sorted((note.kind, note.text, note.sender) for note in said.notes)


def without_ccs(said: Said) -> list[str]:
    return sorted(kind for kind in kinds(said) if kind != "change-cipher-spec")


# --- ordinary connections ---------------------------------------------------------------------------------------------


def test_opened_with_a_key_log() -> None:
    frames, keys = plain13()
    said = heard(frames, knowing(keys))
    assert without_ccs(said) == sorted(FULL13)
    assert said.facts["decrypted"] is True
    assert said.facts["data_bytes"] == [4, 4]
    assert [phase.outcome for phase in said.phases] == [Outcome.ESTABLISHED]
    frames, keys = plain12()
    said = heard(frames, knowing(keys))
    assert sorted(kinds(said)) == sorted(FULL12)
    assert said.facts["decrypted"] is True


@pytest.mark.parametrize("plain", [plain12, plain13])
def test_without_keys_the_rest_is_counted(plain: object) -> None:
    frames, _ = plain()  # type: ignore[operator]
    said = heard(frames)
    assert said.facts["decrypted"] is False
    assert said.facts["not_decrypted_because"] == "no key log was given"
    assert said.facts["encrypted_records"] > 4
    assert [phase.outcome for phase in said.phases] == [Outcome.ESTABLISHED]
    data = [note for note in said.notes if note.kind == "tls.application-data"]
    assert data
    assert not any(note.fields["decrypted"] for note in data)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=12), st.booleans(), st.booleans())
@example([1], True, True)
@example([5, 1], True, False)
def test_however_it_is_cut(cuts: list[int], newer: bool, trace: bool) -> None:
    frames, keys = plain13() if newer else plain12()
    whole, parts = heard(frames, knowing(keys)), heard(again(frames, cuts), knowing(keys), trace=trace)
    assert told(parts) == told(whole)
    assert [(one.code, one.text) for one in parts.findings] != [("", "")]
    assert parts.facts["decrypted"] is True
    assert told(heard(again(frames, cuts))) == told(heard(frames))


def records_of(frames: list[tuple[Side, bytes]]) -> list[tuple[Side, bytes]]:
    """Each record in a frame of its own."""
    found = []
    for side, data in frames:
        at = 0
        while at < len(data):
            size = 5 + int.from_bytes(data[at + 3 : at + 5], "big")
            found.append((side, data[at : at + size]))
            at += size
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300))
def test_handshake_messages_in_records_of_any_size(size: int) -> None:
    """Clear handshake messages may be spread over records at will."""
    frames, keys = plain12()
    spread: list[tuple[Side, bytes]] = []
    shut = [False, False]
    for side, data in records_of(frames):
        shut[side] = shut[side] or data[0] == 20
        if data[0] == 22 and not shut[side]:
            spread += [(side, record(22, data[5:][at : at + size])) for at in range(0, len(data) - 5, size)]
        else:
            spread.append((side, data))
    said = heard(spread, knowing(keys))
    assert sorted(kinds(said)) == sorted(FULL12)
    assert said.facts["decrypted"] is True


def test_several_messages_in_one_record() -> None:
    frames, keys = plain12()
    joined: list[tuple[Side, bytes]] = []
    flight, done = b"", False
    for side, data in records_of(frames):
        if side is SERVER and data[0] == 22 and not done and data[5] in (2, 11, 12):
            flight += data[5:]
        elif flight:
            joined += [(SERVER, record(22, flight + data[5:]))]
            flight, done = b"", True
        else:
            joined.append((side, data))
    assert sorted(kinds(heard(joined, knowing(keys)))) == sorted(FULL12)


# --- secrets that come late -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [plain12, plain13])
@pytest.mark.parametrize("trace", [False, True])
def test_secrets_may_come_at_any_time(plain: object, trace: bool) -> None:
    frames, keys = plain()  # type: ignore[operator]
    cut = records_of(frames)
    whole = told(heard(frames, knowing(keys)))
    for number in range(1, len(cut) + 1):
        shared = knowing(expected=True, given=True)
        said = heard(cut, shared, trace=trace, news={number: lambda shared=shared: bool(learn(shared, keys))})  # type: ignore[misc]
        assert told(said) == whole, number
        assert shared.waiting_bytes == 0
        if trace:
            assert all(note.tree for note in said.notes if note.kind == "tls.finished")


def learn(shared: Shared, keys: bytes) -> bool:
    """The key log has grown; more may come."""
    add_lines(shared.secrets, keys, shared.limits)
    return False


def test_secrets_that_come_line_by_line() -> None:
    frames, keys = plain13()
    cut = records_of(frames)
    lines = [line for line in keys.splitlines(keepends=True) if not line.startswith(b"#")]
    shared = knowing(expected=True, given=True)
    news = {
        number: (lambda line=line: learn(shared, line))
        for number, line in zip(range(4, len(cut) + 1), lines, strict=False)
    }
    assert len(news) == len(lines)
    said = heard(cut, shared, news=news)
    assert told(said) == told(heard(frames, knowing(keys)))


def test_after_a_while_nobody_waits() -> None:
    frames, _ = plain13()
    cut = records_of(frames)
    shared = knowing(expected=True, given=True)
    heard_late: list[int] = []

    def late() -> bool:
        heard_late.append(shared.waiting_bytes)
        return True

    said = heard(cut, shared, news={len(cut) - 2: late})
    assert heard_late[0] > 0
    assert shared.waiting_bytes == 0
    assert told(said) == told(heard(frames, knowing(given=True)))


@pytest.mark.parametrize("limits", [Limits(waiting_bytes=300), Limits(waiting_total_bytes=300)])
@pytest.mark.parametrize("plain", [plain12, plain13])
def test_the_limits_of_waiting(plain: object, limits: Limits) -> None:
    frames, keys = plain()  # type: ignore[operator]
    cut = records_of(frames)
    shared = knowing(expected=True, given=True, limits=limits)
    said = heard(cut, shared, news={len(cut): lambda: learn(shared, keys)})
    assert shared.waiting_bytes == 0
    assert said.facts["encrypted_records"] > 0
    closed = heard(frames, knowing(given=True))
    assert said.facts["data_bytes"][0] > 0
    assert len(said.notes) >= len(closed.notes) - 2


def test_a_large_first_record_waits_too() -> None:
    """Some servers send their whole flight in one record."""
    forged = Forged()
    forged.hellos()
    certificate = message(11, b"\0" + vector(vector(b"\x30" * 5000, 3) + b"\0\0", 3))
    forged.say(SERVER, HANDSHAKE, message(8, b"\0\0") + certificate + message(20, b"\x33" * 32))
    forged.say(CLIENT, HANDSHAKE, message(20, b"\x44" * 32))
    forged.data(SERVER, b"x" * 9000)
    forged.data(CLIENT, b"y" * 9000)
    whole = heard(forged.frames, knowing(forged.keys()))
    assert whole.facts["decrypted"] is True
    for number in range(3, len(forged.frames) + 1):
        shared = knowing(expected=True, given=True)
        said = heard(forged.frames, shared, news={number: lambda shared=shared: learn(shared, forged.keys())})  # type: ignore[misc]
        assert told(said) == told(whole), number
    shared = knowing(expected=True, given=True)
    said = heard(again(forged.frames, [1000]), shared, news={19: lambda: learn(shared, forged.keys())})
    assert told(said) == told(whole)


def test_what_waits_is_told_when_the_stream_turns_out_broken() -> None:
    frames, _ = plain13()
    cut = records_of(frames)
    shared = knowing(expected=True, given=True)
    said = heard([*cut[:-1], (CLIENT, b"no record at all")], shared)
    assert "malformed" in kinds(said)
    assert "encrypted-handshake" in kinds(said)
    assert "application-data" in kinds(said)
    assert shared.waiting_bytes == 0


# --- gaps -------------------------------------------------------------------------------------------------------------


def gapped(frames: list[tuple[Side, bytes]], *lost: int) -> list[tuple[Side, bytes] | tuple[Side, int]]:
    """The same with frames of these numbers (from 0) missing from the capture."""
    return [(side, len(data)) if number in lost else (side, data) for number, (side, data) in enumerate(frames)]


def several(plain_ends: Ends) -> tuple[list[tuple[Side, bytes]], int, bytes]:
    """A connection with five messages each way, each record a frame; where its data begins; its key log."""
    dialog = Dialog(plain_ends, sent=(b"first", b"second", b"third", b"fourth", b"fifth"))
    cut = records_of(dialog.frames)
    handshake = len(records_of(dialog.frames[: dialog.handshake]))
    return cut, handshake, plain_ends.keys


@pytest.mark.parametrize(
    "ends", [(TLS13, "DEFAULT"), (TLS12, "ECDHE-RSA-AES128-GCM-SHA256"), (TLS12, "ECDHE-RSA-CHACHA20-POLY1305")]
)
def test_records_behind_a_gap_are_opened(ends: tuple[object, str]) -> None:
    cut, start, keys = several(Ends(*ends))  # type: ignore[arg-type]
    said = heard(gapped(cut, start + 2, start + 4), knowing(keys))
    assert said.facts["decrypted"] is True
    # Client and server take turns: the client's second and third message are missing.
    assert said.facts["data_bytes"] == [len("first") + len("fourth") + len("fifth"), len("firstsecondthirdfourthfifth")]


def test_gap_in_the_middle_of_a_record() -> None:
    cut, start, keys = several(Ends())
    side, data = cut[start + 2]
    frames: list[tuple[Side, bytes] | tuple[Side, int]] = [
        *cut[: start + 2],
        (side, data[:7]),
        (side, len(data) - 7 - 3),
        (side, data[-3:]),
        *cut[start + 3 :],
    ]
    said = heard(frames, knowing(keys))
    assert said.facts["data_bytes"][0] == len("firstthirdfourthfifth")
    assert "malformed" not in kinds(said)


def test_chained_records_are_opened_from_the_second_on_behind_a_gap() -> None:
    """Before TLS 1.1 the end of a record is needed for the next one; data comes as two records, the first empty."""
    cut, start, keys = several(Ends(TLS10, "AES128-SHA"))
    said = heard(gapped(cut, start + 3, start + 4), knowing(keys))
    assert "missing from the capture" in said.facts["not_decrypted_because"]
    assert said.facts["encrypted_records"] == 2
    opened = [note for note in said.notes if note.kind == "tls.application-data" and note.fields["decrypted"]]
    sent = {side: sum(note.fields["bytes"] for note in opened if note.sender is side) for side in Side}
    assert sent == {CLIENT: len("firstthirdfourthfifth"), SERVER: len("secondthirdfourthfifth")}


def test_stream_ciphers_say_why_they_stay_closed_behind_a_gap() -> None:
    sealer = Sealer("TLS_RSA_WITH_RC4_128_SHA", 0x0303)
    frames: list[Frame] = [
        (CLIENT, record(22, client_hello(suites=(5,), random=CLIENT_RANDOM))),
        (SERVER, record(22, server_hello(suite=5, random=SERVER_RANDOM))),
        (CLIENT, record(20, b"\1")),
        (CLIENT, record(22, sealer.seal(message(20, bytes(12)), 22))),
    ]
    frames += [(CLIENT, record(23, sealer.seal(b"data"))) for _ in range(5)]
    keys = f"CLIENT_RANDOM {CLIENT_RANDOM.hex()} {MASTER.hex()}\n".encode()
    assert heard(frames, knowing(keys)).facts["decrypted"] is True
    lost = len(record(23, b"data" + bytes(20)))
    frames[6] = CLIENT, lost
    said = heard(frames, knowing(keys))
    assert said.facts["encrypted_records"] == 2
    assert said.facts["not_decrypted_because"] == (
        f"{lost} bytes are missing from the capture, and this cipher needs all before it"
    )
    # The same where the secrets come only afterwards.
    shared = knowing(expected=True, given=True)
    again_said = heard(frames, shared, news={9: lambda: learn(shared, keys)})
    assert told(again_said) == told(said)
    assert again_said.facts == said.facts


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 24), max_size=6), st.booleans(), st.booleans())
def test_any_frames_may_be_missing(lost: set[int], newer: bool, with_keys: bool) -> None:
    frames, keys = plain13() if newer else plain12()
    said = heard(gapped(records_of(frames), *lost), knowing(keys) if with_keys else None)
    assert "engine.internal-error" not in kinds(said)
    opened = [note for note in said.notes if note.kind == "tls.application-data" and note.fields["decrypted"]]
    assert sum(note.fields["bytes"] for note in opened) <= 8


def test_change_cipher_spec_may_be_missing() -> None:
    """What follows is protected whether its announcement was captured or not."""
    frames, keys = plain12()
    cut = records_of(frames)
    lost = [number for number, (_, data) in enumerate(cut) if data[0] == 20]
    for missing in ((lost[0],), (lost[1],), tuple(lost), (lost[0], lost[0] + 1), (lost[1], lost[1] + 1)):
        said = heard(gapped(cut, *missing), knowing(keys))
        opened = [note for note in said.notes if note.kind == "tls.application-data" and note.fields["decrypted"]]
        assert sum(note.fields["bytes"] for note in opened) == 8, missing
        closed = heard(gapped(cut, *missing))
        assert not any(note.fields.get("decrypted") for note in closed.notes), missing


@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("plain", [plain12, plain13])
def test_one_direction_only(side: Side, plain: object) -> None:
    frames, keys = plain()  # type: ignore[operator]
    said = heard([frame for frame in frames if frame[0] is side], knowing(keys))
    assert {note.sender for note in said.notes} == {side}
    assert said.facts["decrypted"] is False
    assert said.facts["not_decrypted_because"]
    assert said.notes[0].kind == ("tls.client-hello" if side is CLIENT else "tls.server-hello")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.booleans(), st.booleans())
def test_capture_that_starts_late(start: int, newer: bool, with_keys: bool) -> None:
    frames, keys = plain13() if newer else plain12()
    cut = records_of(frames)
    start = min(start, len(cut) - 1)
    said = heard(cut[start:], knowing(keys) if with_keys else None)
    assert not {"engine.internal-error", "malformed"} & set(kinds(said))
    assert said.facts.get("decrypted") is not True or start <= 1
    if "decrypted" in said.facts:
        assert said.facts["not_decrypted_because"]


def test_it_says_when_the_hello_is_missing() -> None:
    frames, keys = plain13()
    cut = records_of(frames)
    said = heard(cut[-4:], knowing(keys))
    assert said.facts["not_decrypted_because"].startswith("the capture started after the ClientHello")
    assert [phase.outcome for phase in said.phases] == [Outcome.PARTIAL]


# --- TLS 1.3 ----------------------------------------------------------------------------------------------------------


def test_key_updates_on_both_sides() -> None:
    forged = Forged()
    forged.hellos()
    forged.finish()
    for side in (CLIENT, SERVER, CLIENT):
        forged.data(side, b"before")
        forged.say(side, TRAFFIC, message(24, b"\1"))
        forged.update(side)
        forged.data(side, b"after")
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["decrypted"] is True
    assert said.facts["data_bytes"] == [22, 11]
    assert kinds(said).count("key-update") == 3


def test_early_data_accepted() -> None:
    forged = Forged()
    psk = extension(42) + extension(41, vector(vector(b"ticket") + bytes(4)) + vector(vector(b"b" * 32, 1)))
    forged.clear(CLIENT, client_hello(offers13() + psk))
    forged.say(CLIENT, EARLY, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 23)
    forged.clear(SERVER, server_hello(takes13() + extension(41, b"\0\0")))
    forged.finish(early=True)
    forged.data(CLIENT, b"more")
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["early_data"] == "accepted"
    assert said.facts["decrypted"] is True
    assert "end-of-early-data" in kinds(said)
    request = next(note for note in said.notes if note.kind == "http.request")
    assert request.path == ("tcp", "tls", "http1")


def test_early_data_refused_by_a_retry() -> None:
    forged = Forged()
    forged.clear(CLIENT, client_hello(offers13() + extension(42) + extension(51, vector(b""))))
    forged.say(CLIENT, EARLY, b"too early", 23)
    forged.say(CLIENT, EARLY, b"x" * 5000, 23)
    retry = server_hello(takes13() + extension(51, b"\0\x17"), random=RETRY_RANDOM)
    forged.clear(SERVER, retry)
    forged.clear(CLIENT, client_hello(offers13() + extension(21, bytes(3000))))
    forged.clear(SERVER, server_hello(takes13()))
    forged.finish()
    forged.data(CLIENT, b"late")
    for without in ((), ("CLIENT_EARLY_TRAFFIC_SECRET",)):
        said = heard(forged.frames, knowing(forged.keys(*without)))
        assert said.facts["early_data"] == "rejected"
        assert kinds(said).count("client-hello") == 2
        assert kinds(said).count("finished") == 2
        late = [note for note in said.notes if note.kind == "tls.application-data"][-1]
        assert (late.fields["bytes"], late.fields["decrypted"]) == (4, True)
        assert said.facts["decrypted"] is not bool(without)
    said = heard(forged.frames)
    assert kinds(said).count("client-hello") == 2


@pytest.mark.parametrize("lost", [2, 3])
@pytest.mark.parametrize("damaged", [False, True])
def test_early_data_with_a_record_missing_or_damaged(lost: int, damaged: bool) -> None:
    forged = Forged()
    forged.clear(CLIENT, client_hello(offers13() + extension(42)))
    for number in range(5):
        forged.say(CLIENT, EARLY, b"early %d" % number, 23)
    forged.clear(SERVER, server_hello(takes13()))
    forged.finish(early=True)
    frames: list[Frame] = [*forged.frames]
    if damaged:
        frames[lost] = CLIENT, forged.frames[lost][1][:-1] + bytes(1)
    else:
        frames = gapped(forged.frames, lost)
    said = heard(frames, knowing(forged.keys()))
    assert said.facts.get("encrypted_records", 0) == int(damaged)
    opened = [note for note in said.notes if note.kind == "tls.application-data" and note.fields["decrypted"]]
    assert sum(note.fields["bytes"] for note in opened) == 4 * len("early 0")
    assert "end-of-early-data" in kinds(said)
    assert kinds(said).count("finished") == 2


@pytest.mark.parametrize("records", [1, 63, 200])
def test_early_data_rejected_without_a_retry(records: int) -> None:
    """Its secret is mostly not logged: the handshake's records are found behind it."""
    forged = Forged()
    forged.clear(CLIENT, client_hello(offers13() + extension(42)))
    for _ in range(records):
        forged.say(CLIENT, EARLY, b"early", 23)
    forged.clear(SERVER, server_hello(takes13()))
    forged.finish()
    forged.data(CLIENT, b"late")
    said = heard(forged.frames, knowing(forged.keys("CLIENT_EARLY_TRAFFIC_SECRET")))
    assert said.facts["early_data"] == "rejected"
    assert said.facts["encrypted_records"] == records
    assert kinds(said).count("finished") == 2
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["decrypted"] is True
    data = [note for note in said.notes if note.kind == "tls.application-data"]
    early = [note for note in data if note.fields.get("early_data")]
    assert sum(note.fields["records"] for note in early) == records


def test_client_certificate_after_the_handshake() -> None:
    forged = Forged()
    forged.hellos(extension(49))
    forged.finish()
    forged.data(CLIENT, b"ask")
    forged.say(SERVER, TRAFFIC, message(13, b"\x04abcd" + vector(extension(13, vector(b"\4\3")))))
    forged.say(CLIENT, TRAFFIC, message(11, b"\x04abcd" + vector(b"", 3)) + message(20, b"\x55" * 32))
    forged.data(CLIENT, b"more")
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["decrypted"] is True
    assert said.facts["client_certificate"] == "none"
    request = next(note for note in said.notes if note.kind == "tls.certificate-request")
    assert request.fields["certificate_request_context"] == b"abcd".hex()


@pytest.mark.parametrize(
    ("version", "prefix", "headed", "short"),
    [
        (0x7F12, "TLS 1.3, ", False, True),
        (0x7F13, "TLS 1.3, ", False, True),
        (0x7F14, "tls13 ", False, True),
        (0x7F15, "tls13 ", False, True),
        (0x7F17, "tls13 ", False, False),
        (0x7F1A, "tls13 ", True, False),
        (0x7F1C, "tls13 ", True, False),
    ],
)
def test_drafts(version: int, prefix: str, headed: bool, short: bool) -> None:
    forged = Forged(prefix, headed)
    forged.clear(CLIENT, client_hello(offers13(version)))
    forged.clear(SERVER, server_hello(version=version) if short else server_hello(takes13(version)))
    forged.finish()
    forged.data(CLIENT, b"draft")
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.facts["tls_version"] == f"TLS 1.3 draft {version & 0xFF}"
    assert said.facts["decrypted"] is True


def test_padding_and_empty_records() -> None:
    forged = Forged()
    forged.hellos()
    forged.finish()
    forged.say(CLIENT, TRAFFIC, b"", 23, padding=300)
    forged.say(CLIENT, TRAFFIC, b"data", 23, padding=1000)
    said = heard(forged.frames, knowing(forged.keys()))
    (data,) = (note for note in said.notes if note.kind == "tls.application-data")
    assert (data.fields["records"], data.fields["bytes"]) == (2, 4)


def test_heartbeats_and_unknown_types_of_records() -> None:
    forged = Forged()
    forged.hellos()
    forged.finish()
    forged.say(CLIENT, TRAFFIC, b"\1\0\3abc" + bytes(16), 24)
    forged.say(CLIENT, TRAFFIC, b"ack", 26)
    said = heard(forged.frames, knowing(forged.keys()))
    assert kinds(said)[-2:] == ["heartbeat", "record-26"]
    assert said.notes[-2].text == "request, 3 bytes of payload"
    assert said.notes[-2].fields["type"] == {"value": 1, "name": "heartbeat_request"}
    assert not said.findings or all(one.code != "tls.heartbleed" for one in said.findings)
    forged.say(CLIENT, TRAFFIC, b"\1", 24)
    said = heard(forged.frames, knowing(forged.keys()))
    assert said.notes[-1].text == "malformed: 1 bytes"


def test_wrong_secrets_are_told() -> None:
    frames, keys = plain13()
    wrong = b"".join(
        b" ".join((*line.split()[:2], b"00" * (len(line.split()[2]) // 2))) + b"\n"
        for line in keys.splitlines()
        if len(line.split()) == 3
    )
    said = heard(frames, knowing(wrong))
    assert said.facts["decrypted"] is False
    assert said.facts["not_decrypted_because"].startswith("the secrets in the key log don't fit")
    assert "tls.keylog-wrong" in {one.code for one in said.findings}


@pytest.mark.parametrize("plain", [plain12, plain13])
def test_a_damaged_record_costs_only_itself(plain: object) -> None:
    ends = Ends() if plain is plain13 else Ends(TLS12, "ECDHE-RSA-AES128-GCM-SHA256")
    cut, start, keys = several(ends)
    side, data = cut[start + 2]
    cut[start + 2] = side, data[:-1] + bytes((data[-1] ^ 1,))
    said = heard(cut, knowing(keys))
    assert said.facts["encrypted_records"] == 1
    assert "is damaged" in said.facts["not_decrypted_because"]
    assert "tls.record-damaged" in {one.code for one in said.findings}


@pytest.mark.parametrize("plain", [plain12, plain13])
def test_a_damaged_record_waits_for_nothing(plain: object) -> None:
    """No secret would open it: what comes after it must not be held up, nor its number be counted twice."""
    ends = Ends() if plain is plain13 else Ends(TLS12, "ECDHE-RSA-AES128-GCM-SHA256")
    cut, start, keys = several(ends)
    side, data = cut[start + 2]
    cut[start + 2] = side, data[:-1] + bytes((data[-1] ^ 1,))
    shared = knowing(keys, expected=True)
    waiting: list[int] = []

    def look() -> bool:
        waiting.append(shared.waiting_bytes)
        return False

    news = dict.fromkeys(range(start + 3, len(cut)), look)
    said = heard(cut, shared, news=news)
    assert set(waiting) == {0}
    assert told(said) == told(heard(cut, knowing(keys)))
    assert said.facts["encrypted_records"] == 1


def test_an_unreadable_alert_ends_a_handshake() -> None:
    forged = Forged()
    forged.hellos()
    forged.say(SERVER, HANDSHAKE, message(8, b"\0\0") + message(20, b"\x33" * 32))
    forged.say(CLIENT, HANDSHAKE, b"\2\x30", 21)
    said = heard(forged.frames)
    assert "record-alert" in kinds(said)
    assert said.phases[0].outcome is Outcome.FAILED
    said = heard(forged.frames, knowing(forged.keys()))
    assert [note.text for note in said.notes if note.kind == "tls.alert"] == ["fatal unknown_ca (48)"]
    assert said.phases[0].outcome is Outcome.FAILED
    assert "tls.alert-unknown-ca" in {one.code for one in said.findings}


# --- other versions ---------------------------------------------------------------------------------------------------


def ssl2_record(body: bytes) -> bytes:
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def ssl2_hello(version: int = 2) -> bytes:
    return ssl2_record(
        b"\1"
        + version.to_bytes(2, "big")
        + b"\0\6\0\0\0\x10"
        + bytes.fromhex("010080070 0c0".replace(" ", ""))
        + b"c" * 16
    )


def test_ssl_2() -> None:
    server = b"\4\0\1\0\2\0\0\0\3\0\x10" + bytes.fromhex("010080") + b"i" * 16
    frames = [
        (CLIENT, ssl2_hello()),
        (SERVER, ssl2_record(server)),
        (CLIENT, ssl2_record(b"\2" + bytes(20))),
        (SERVER, ssl2_record(b"\x99" * 17)),
    ]
    said = heard(frames)
    assert kinds(said)[:3] == ["ssl2-client-hello", "ssl2-server-hello", "ssl2-client-master-key"]
    assert "tls.version-deprecated" in {one.code for one in said.findings}
    assert said.facts["tls_version"] == "SSL 2.0"
    assert told(heard(again(frames, [3]))) == told(said)


def test_what_is_known_is_told_where_a_stream_breaks() -> None:
    frames, keys = plain13()
    for shared in (knowing(keys), knowing()):
        said = heard([*frames[:-2], (CLIENT, b"no record at all")], shared)
        assert said.facts["tls_version"] == "TLS 1.3"
        assert said.facts["decrypted"] is bool(shared.secrets.lines)
        assert "malformed" in kinds(said)


def test_ssl_2_hello_that_offers_tls() -> None:
    said = heard([(CLIENT, ssl2_hello(0x0301)), (SERVER, record(22, server_hello(None, suite=0x2F, version=0x0301)))])
    assert kinds(said) == ["ssl2-client-hello", "server-hello"]
    assert said.facts["tls_version"] == "TLS 1.0"


def test_plain_answer_to_a_hello() -> None:
    said = heard([(CLIENT, record(22, client_hello())), (SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n")])
    assert [one.code for one in said.findings] == ["tls.not-tls"]
    assert "HTTP in clear" in said.findings[0].text
    assert said.facts["server_name"] is None
    assert said.phases[0].outcome is Outcome.FAILED


def test_close_notify_and_other_alerts() -> None:
    hello = (CLIENT, record(22, client_hello()))
    said = heard([hello, (SERVER, record(21, b"\2\x28"))])
    assert [note.text for note in said.notes][-1] == "fatal handshake_failure (40)"
    assert said.phases[0].outcome is Outcome.FAILED
    said = heard([hello, (SERVER, record(21, b"\1\x70"))])
    assert [note.text for note in said.notes][-1] == "warning unrecognized_name (112)"
    assert not said.phases or said.phases[0].outcome is not Outcome.FAILED
    said = heard([hello, (SERVER, record(21, b"\1"))])
    assert kinds(said)[-1] == "malformed"


# --- hostile input ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=64))
def test_probe_takes_anything(head: bytes) -> None:
    verdict = probe(head)
    assert verdict in (True, False, None)
    if verdict is not None:
        assert all(probe(head[:size]) in (None, verdict) for size in range(len(head)))


def test_probe() -> None:
    frames, _ = plain13()
    assert probe(frames[0][1]) is True
    assert probe(frames[1][1]) is True
    assert probe(ssl2_hello()) is True
    assert probe(b"GET / HTTP/1.1\r\n") is False
    assert probe(b"\x16\x03\x01\xff\xff\1\0\0\0") is False
    assert probe(b"\x16\x03\x01\0\0") is False
    assert probe(b"\x15\x03\x01\0\2\2\x28") is True
    assert probe(b"\x14\x03\x01\0\1\1") is True


def no_mistakes(said: Said) -> None:
    wrong = [note.fields for note in said.notes if note.kind == "engine.internal-error"]
    assert wrong == []


FRAMES = st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.binary(min_size=1, max_size=80)), max_size=8)


@settings(max_examples=100, deadline=None)
@given(FRAMES, st.booleans())
def test_any_bytes_behind_a_hello(frames: list[tuple[Side, bytes]], with_keys: bool) -> None:
    hello = (CLIENT, record(22, client_hello(offers13())))
    no_mistakes(heard([hello, *frames], knowing(Forged().keys()) if with_keys else None))


RECORDS = st.lists(
    st.tuples(st.sampled_from([CLIENT, SERVER]), st.sampled_from([20, 21, 22, 22, 22, 23, 24]), st.binary(max_size=80)),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.booleans(), st.sampled_from([0x1301, 0xC02F, 0x002F, 0x0005, 0x000A, 0xBEEF]), st.booleans())
def test_any_records_behind_hellos(
    records: list[tuple[Side, int, bytes]], newer: bool, suite: int, waits: bool
) -> None:
    forged = Forged()
    forged.clear(CLIENT, client_hello(offers13() if newer else b""))
    forged.clear(SERVER, server_hello(takes13() if newer else b"", suite=suite))
    frames = [*forged.frames, *((side, record(kind, body)) for side, kind, body in records)]
    keys = forged.keys() + f"CLIENT_RANDOM {'11' * 32} {'ab' * 48}\n".encode()
    shared = knowing(expected=True, given=True) if waits else knowing(keys)
    no_mistakes(heard(frames, shared))
    assert shared.waiting_bytes == 0


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([CLIENT, SERVER]),
        st.sampled_from([0, 1, 2, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 22, 24, 25, 67, 99, 254]),
        st.binary(max_size=60),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(MESSAGES, st.sampled_from([HANDSHAKE, TRAFFIC]), st.booleans())
def test_any_messages_inside(messages: list[tuple[Side, int, bytes]], epoch: int, trace: bool) -> None:
    forged = Forged()
    forged.hellos()
    if epoch == TRAFFIC:
        forged.finish()
    for side, kind, body in messages:
        forged.say(side, epoch, message(kind, body))
    no_mistakes(heard(forged.frames, knowing(forged.keys()), trace=trace))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.integers(0, 10**9), st.booleans(), st.booleans(), st.booleans())
def test_mutated_connections(seed: int, newer: bool, with_keys: bool, waits: bool) -> None:
    choice = random.Random(seed)
    frames, keys = plain13() if newer else plain12()
    changed = [(side, bytearray(data)) for side, data in records_of(frames)]
    for _ in range(choice.choice((1, 1, 2, 5))):
        one = choice.choice(changed)
        data = one[1]
        action = choice.randrange(5)
        at = choice.randrange(min(len(data), choice.choice((6, 60, len(data)))) or 1)
        if action <= 1 and data:
            data[at % len(data)] ^= 1 << choice.randrange(8)
        elif action == 2:
            del data[at : at + choice.choice((1, 5, 50))]
        elif action == 3:
            data[at:at] = bytes(choice.choice((1, 3, 40)))
        else:
            changed.insert(choice.randrange(len(changed)), (one[0], bytearray(data)))
    mutated = [(side, bytes(data)) for side, data in changed if data]
    shared = knowing(expected=True, given=True) if waits else knowing(keys if with_keys else b"")
    no_mistakes(heard(mutated, shared, news={len(mutated): lambda: learn(shared, keys)} if waits else None))
    assert shared.waiting_bytes == 0


def test_a_message_longer_than_any_is_not_held() -> None:
    start = b"\x0b" + (MAX_MESSAGE_BYTES + 1).to_bytes(3, "big")
    hellos = [(CLIENT, record(22, client_hello())), (SERVER, record(22, server_hello()))]
    said = heard([*hellos, (SERVER, record(22, start + bytes(1000)))])
    (note,) = (note for note in said.notes if note.kind == "tls.encrypted-handshake")
    assert "at most 1,048,576 are read" in note.text


def test_a_message_of_one_byte_a_record_is_bounded() -> None:
    """Each fragment costs more than it brings: there is a limit to how many make a message."""
    body = record(22, client_hello())
    start = b"\x0b" + (500_000).to_bytes(3, "big")
    many = b"".join(record(22, bytes((byte,))) for byte in start + bytes(40_000))
    said = heard([(CLIENT, body), (SERVER, many)])
    room = said.channel.seat.room  # type: ignore[attr-defined]
    assert len(room.halves[SERVER].partial) <= 10_000
    no_mistakes(said)


@pytest.mark.parametrize("kind", [20, 21, 22, 23, 24])
def test_floods_of_empty_records_are_bounded(kind: int) -> None:
    hello = (CLIENT, record(22, client_hello()))
    said = heard([hello, (SERVER, record(22, b"\2\0")), (SERVER, record(kind, b"") * 40_000)])
    no_mistakes(said)
    assert len(said.notes) <= 40_010
    room = said.channel.seat.room  # type: ignore[attr-defined]
    assert len(room.halves[SERVER].partial) <= 10_000


def test_a_flood_of_alerts_is_bounded() -> None:
    limits = Limits(notes_per_flow=1000, findings_per_flow=10)
    said = heard([(CLIENT, record(22, client_hello())), (SERVER, record(21, b"\2\x28") * 20_000)], Shared(limits))
    no_mistakes(said)
    room = said.channel.seat.room  # type: ignore[attr-defined]
    assert len(room.link.alerts) <= 1000


@pytest.mark.parametrize("algorithm", [1, 2, 3])
def test_compressed_certificates_that_grow_without_end(algorithm: int) -> None:
    import zlib

    import brotli  # type: ignore[import-untyped]
    import zstandard

    pack = {1: zlib.compress, 2: brotli.compress, 3: zstandard.ZstdCompressor().compress}[algorithm]
    for announced in (0xFFFFFF, 1000):
        bomb = pack(bytes(8 << 20))
        body = algorithm.to_bytes(2, "big") + announced.to_bytes(3, "big") + vector(bomb, 3)
        forged = Forged()
        forged.hellos()
        forged.say(SERVER, HANDSHAKE, message(8, b"\0\0"))
        whole = message(25, body)
        for at in range(0, len(whole), 10_000):
            forged.say(SERVER, HANDSHAKE, whole[at : at + 10_000])
        said = heard(forged.frames, knowing(forged.keys()))
        (note,) = (note for note in said.notes if note.kind == "tls.compressed-certificate")
        assert "malformed" in note.fields
        no_mistakes(said)


def test_huge_certificate_lists_are_bounded() -> None:
    entries = b"".join(vector(number.to_bytes(3, "big"), 3) + b"\0\0" for number in range(20_000))
    forged = Forged()
    forged.hellos()
    body = message(11, b"\0" + vector(entries, 3))
    for at in range(0, len(body), 16_000):
        forged.say(SERVER, HANDSHAKE, body[at : at + 16_000])
    said = heard(forged.frames, knowing(forged.keys()))
    (note,) = (note for note in said.notes if note.kind == "tls.certificate")
    assert len(note.fields["certificates"]) <= 64
    assert "20,000 certificates" in note.text
    no_mistakes(said)


def test_traced_units_have_fields() -> None:
    frames, keys = plain13()
    said = heard(frames, knowing(keys), trace=True)
    trees = {note.kind: note.tree for note in said.notes if isinstance(note, Note)}
    assert all(trees[f"tls.{kind}"] for kind in ("client-hello", "server-hello", "certificate", "finished"))


# --- captures that others made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("ssl2.pcap", "SSL 2.0"),
        ("ssl2-hello-tls10.pcap", "TLS 1.0"),
        ("tls11.pcap", "TLS 1.1"),
        ("tls13-draft16.pcap", "TLS 1.3 draft 16"),
        ("tls13-draft19.pcap", "TLS 1.3 draft 19"),
        ("tls13-facebook-fizz.pcapng", "TLS 1.3 draft 26 (Facebook)"),
        ("tls13-hello-retry.pcap", "TLS 1.3"),
        ("tls13-kyber.pcap", "TLS 1.3"),
    ],
)
def test_versions_in_the_wild(name: str, version: str) -> None:
    report = analyzer.analyze(corpus_file(name))
    assert {session.facts["tls_version"] for session in report.sessions if session.kind == "tls"} == {version}


@pytest.mark.parametrize("name", ["tls-keylog-12-13", "tls12-keylog-stream"])
def test_captures_that_come_with_a_key_log(name: str) -> None:
    report = analyzer.analyze(corpus_file(f"{name}.pcap"), keylog=corpus_file(f"{name}.keylog"))
    assert report.sessions
    assert [session.facts["decrypted"] for session in report.sessions] == [True] * len(report.sessions)


def test_a_tunnel_of_another_protocol_carries_it_too() -> None:
    said = play(PROTOCOL, *plain13()[0], over="tunnel")
    (hello,) = [note for note in said.notes if note.kind == "tls.client-hello"]
    assert hello.path == ("tunnel", "tls")
