"""The TLS captures of the lab: opened with their keys they tell what the applications reported."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import analyzer
from analyzer import api, core
from analyzer.capture import open_source
from analyzer.core import Limits, Note, Outcome, Report, Session, Side
from analyzer.engine.registry import Registry, protocols
from tests.capture import made
from tests.conftest import LAB, ROOT, lab_file

if TYPE_CHECKING:
    from pathlib import Path

CAPTURES = sorted(path.stem for kind in ("tls*", "wss*") for path in (LAB / "captures").glob(f"{kind}.pcapng"))
#: Those whose secrets are known.
KEYED = [name for name in CAPTURES if (LAB / "captures" / f"{name}.keys").exists()]
#: OpenSSL's names of suites up to TLS 1.2; those of TLS 1.3 are IANA's.
SUITES = {
    "AES128-SHA": "TLS_RSA_WITH_AES_128_CBC_SHA",
    "AES128-SHA256": "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "AES256-SHA": "TLS_RSA_WITH_AES_256_CBC_SHA",
    "DHE-RSA-AES256-GCM-SHA384": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-AES128-CCM8": "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES128-SHA": "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES256-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
}
CURVES = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
#: Its client sent early data under a secret that OpenSSL did not log.
WITHOUT_EARLY_SECRET = "tls13-early-data-rejected"


def truth_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab_file(f"{name}.json").read_text())["truth"]
    return found


def reported(name: str) -> dict[str, Any]:
    """What OpenSSL's client reported; empty where there was none."""
    found: dict[str, Any] = truth_of(name).get("client", {})
    return found


def keys_of(name: str) -> Path | None:
    """The key log; None where the capture brings its secrets itself."""
    path = LAB / "captures" / f"{name}.keys"
    return path if path.exists() and name != "tls13-secrets-inside" else None


@cache
def analysed(name: str) -> Report:
    return analyzer.analyze(lab_file(f"{name}.pcapng"), keylog=keys_of(name))


@dataclass
class Told:
    """One TLS connection as it was told, and as an application reported it."""

    truth: dict[str, Any]
    session: Session

    def notes(self, kind: str) -> list[Note]:
        return [note for note in self.session.notes if note.kind == kind]

    def data(self, by: Side) -> list[int]:
        return [note.fields["bytes"] for note in self.notes("tls.application-data") if note.sender is by]


def connections(name: str) -> list[Told]:
    """The connections of one of OpenSSL's captures."""
    truth = truth_of(name)
    reported = truth.get("sessions") or [truth["client"]]
    told = [session for session in analysed(name).sessions if "tls_version" in session.facts]
    assert len(told) == len(reported)
    return [Told(said, session) for said, session in zip(reported, told, strict=True)]


def openssl(names: list[str]) -> list[str]:
    """Those whose client was OpenSSL's, and got through."""
    return [
        name
        for name in names
        if name.startswith("tls")
        and ("sessions" in truth_of(name) or reported(name).get("protocol"))
        and not name.startswith("tls-fail")
    ]


def lines(report: Report) -> list[tuple[Any, ...]]:
    """What must not depend on how the capture was read."""
    return [
        (session.id, session.title, note.kind, note.text, note.sender, note.frames, note.path)
        for session in report.sessions
        for note in session.notes
    ] + [(found.session, found.code, found.text, found.frames) for found in report.findings]


def unfinished(facts: list[dict[str, Any]]) -> list[str]:
    """The facts that change when a secret comes late; empty."""
    return [str(one["not_decrypted_because"]) for one in facts if "not_decrypted_because" in one]


# --- opened -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYED)
def test_everything_is_opened(name: str) -> None:
    closed = [
        (note.kind, note.text)
        for session in analysed(name).sessions
        for note in session.notes
        if note.kind in ("tls.encrypted-handshake", "tls.record-alert", "tls.malformed")
        or note.fields.get("decrypted") is False
    ]
    facts = [session.facts for session in analysed(name).sessions]
    if name == WITHOUT_EARLY_SECRET:
        size = len(truth_of(name)["early_data"].encode()) + 1 + 16  # with the content type and the tag
        assert closed == [("tls.application-data", f"1 record, {size} bytes, encrypted")]
        assert unfinished(facts) == ["the key log lacks CLIENT_EARLY_TRAFFIC_SECRET for this connection"]
        return
    if closed and name == "tls-fail-client-cert-missing":
        # A client that is quick sends data before it is refused; the server, who logs, did not come so far.
        assert b"CLIENT_TRAFFIC_SECRET_0" not in (LAB / "captures" / f"{name}.keys").read_bytes()
        assert [kind for kind, _ in closed] == ["tls.application-data"]
        assert unfinished(facts) == ["the key log lacks CLIENT_TRAFFIC_SECRET_0 for this connection"]
        return
    assert closed == []
    assert unfinished(facts) == []
    finished = Counter(note.kind for session in analysed(name).sessions for note in session.notes)["tls.finished"]
    # Browsers tell of the requests inside; their connections have the same messages.
    assert finished >= (1 if name.startswith("tls-fail") else 2)


@pytest.mark.parametrize("name", CAPTURES)
def test_no_mistakes(name: str) -> None:
    kinds = {note.kind for session in analysed(name).sessions for note in session.notes}
    assert not {"engine.internal-error", "engine.limit", "tls.malformed"} & kinds


@pytest.mark.parametrize("name", openssl(CAPTURES))
def test_what_was_agreed(name: str) -> None:
    for told in connections(name):
        facts, said = told.session.facts, told.truth
        assert told.session.outcome is Outcome.ESTABLISHED
        assert facts["tls_version"].replace("TLS ", "TLSv") == said["protocol"]
        assert facts["cipher_suite"] == SUITES.get(said["cipher"], said["cipher"])
        assert facts.get("alpn") == said.get("alpn")
        # OpenSSL calls a session with a pre-shared key of the application's own reused too.
        assert facts["resumed"] is (said["new"] == "Reused")
        if said["protocol"] == "TLSv1.3":
            early = {"accepted": "accepted", "rejected": "rejected", "not": None}[said["early_data"].split()[-1]]
            assert facts.get("early_data") == early
        kind, *rest = said.get("temp_key", "").split(", ")
        if kind == "DH":
            assert facts["group"] == f"finite field, {rest[0]}"
        elif kind:
            assert facts["group"].startswith(CURVES[rest[0]] if kind == "ECDH" else kind)


@pytest.mark.parametrize("name", openssl(CAPTURES))
def test_certificates(name: str) -> None:
    truth = truth_of(name)
    for told in connections(name):
        chains = {side: [one for one in told.notes("tls.certificate") if one.sender is side] for side in Side}
        if told.truth["new"] == "Reused":
            assert not chains[Side.RESPONDER]
            continue
        own = truth["certificate"]
        (leaf,) = {one.fields["certificates"][0]["sha256"] for one in chains[Side.RESPONDER]}
        assert leaf == own["sha256"] == told.session.facts["certificate"]["sha256"]
        described = chains[Side.RESPONDER][0].fields["certificates"][0]
        assert f"CN={told.session.facts['certificate']['subject']}" == own["subject"].split(",")[0]
        assert described["not_after"].replace("Z", "+00:00") == own["not_after"]
        if "client_certificate" in truth:
            (client,) = chains[Side.INITIATOR]
            assert client.fields["certificates"][0]["sha256"] == truth["client_certificate"]["sha256"]


@pytest.mark.parametrize("name", [name for name in openssl(CAPTURES) if "client_sent" in truth_of(name)])
def test_sizes_of_what_was_sent(name: str) -> None:
    (told,) = connections(name)
    # "K" and "R" ask OpenSSL's client for a key update and a renegotiation.
    sent = [line for line in truth_of(name)["client_sent"] if line not in ("K", "R")]
    assert sum(told.data(Side.INITIATOR)) == sum(len(line) + 1 for line in sent)
    assert told.session.facts["data_bytes"][0] == sum(told.data(Side.INITIATOR))


@pytest.mark.parametrize("name", [name for name in KEYED if name.startswith("wss-")])
def test_browsers(name: str) -> None:
    truth = truth_of(name)
    told = [session.facts for session in analysed(name).sessions if "tls_version" in session.facts]
    if "tls" in truth:
        said = [
            (one["version"].replace("v", " "), SUITES.get(one["cipher"], one["cipher"]), one["alpn"])
            for one in truth["tls"]
        ]
        assert Counter((one["tls_version"], one["cipher_suite"], one["alpn"]) for one in told) == Counter(said)
        # A server that resumes is told no name.
        assert {one["server_name"] for one in told} == {one["sni"] for one in truth["tls"]} - {False}
    paths = {note.path for session in analysed(name).sessions for note in session.notes}
    assert any(path[at : at + 2] == ("tls", "http1") for path in paths for at in range(len(path)))


def test_negotiated_protocol_is_read_inside() -> None:
    (session,) = analysed("tls12-alpn").sessions
    assert session.facts["alpn"] == "http/1.1"
    # What the client sends is no HTTP, whatever was agreed: nobody may claim that it is.
    assert not any(note.kind.startswith("http") and note.kind != "http.malformed" for note in session.notes)


# --- single scenarios -------------------------------------------------------------------------------------------------


def only(name: str) -> Told:
    (told,) = connections(name)
    return told


def test_hello_retry() -> None:
    told = only("tls13-hello-retry")
    (retry,) = told.notes("tls.hello-retry-request")
    assert "wants a key share for P-384" in retry.text
    assert len(told.notes("tls.client-hello")) == 2
    assert told.session.facts["round_trips"] == 2


def test_key_update() -> None:
    told = only("tls13-key-update")
    updates = told.notes("tls.key-update")
    assert updates
    after = [note for note in told.notes("tls.application-data") if note.frames > updates[0].frames]
    assert after
    assert all(note.fields["decrypted"] for note in after)


def test_renegotiation() -> None:
    told = only("tls12-renegotiation")
    assert told.session.facts["renegotiations"] == 1
    assert len(told.notes("tls.finished")) == 4
    assert not [note for note in told.notes("tls.application-data") if "early_data" in note.fields]


def test_early_data_is_told_as_such_and_nothing_else_is() -> None:
    first, second = connections("tls13-early-data")
    early = truth_of("tls13-early-data")["early_data"]
    assert [note.fields["bytes"] for note in second.notes("tls.application-data") if "early_data" in note.fields] == [
        len(early)
    ]
    assert len(second.notes("tls.end-of-early-data")) == 1
    assert not [note for note in first.notes("tls.application-data") if "early_data" in note.fields]


@pytest.mark.parametrize("name", openssl(CAPTURES))
def test_early_data_only_in_tls_13(name: str) -> None:
    for told in connections(name):
        if "early_data" not in told.session.facts:
            assert not [note for note in told.notes("tls.application-data") if "early_data" in note.fields]


@pytest.mark.parametrize("name", [name for name in CAPTURES if "long-chain" in name])
def test_long_chain(name: str) -> None:
    told = only(name)
    (chain,) = told.notes("tls.certificate")
    sizes = [one["bytes"] for one in chain.fields["certificates"]]
    assert f"{sum(sizes):,} bytes" in chain.text
    assert len(chain.frames) > 5


def test_small_records_are_told_in_one_line() -> None:
    told = only("tls13-small-records")
    answer = [note for note in told.notes("tls.application-data") if note.sender is Side.RESPONDER]
    assert [note.fields["records"] for note in answer] == [4]
    assert answer[0].fields["bytes"] == sum(told.data(Side.INITIATOR))


@pytest.mark.parametrize(
    "name", [name for name in CAPTURES if name.startswith("tls-fail") and "alert_received" in reported(name)]
)
def test_alert_is_the_one_the_application_got(name: str) -> None:
    (session,) = (one for one in analysed(name).sessions if any(note.kind == "tls.alert" for note in one.notes))
    alerts = [note.fields["description"]["value"] for note in session.notes if note.kind == "tls.alert"]
    assert reported(name)["alert_received"] in alerts


# --- however it is read -----------------------------------------------------------------------------------------------

#: One of each kind of opening: AEAD, CBC, chained IVs, early data, renegotiation, several connections, HTTP inside.
SAMPLES = [
    name
    for name in (
        "tls10", "tls11-rsa", "tls12-rsa-cbc", "tls12-rsa-cbc-noetm", "tls12-ecdhe-chacha", "tls12-renegotiation",
        "tls12-resume-ticket", "tls13-early-data", "tls13-early-data-rejected", "tls13-hello-retry",
        "tls13-key-update", "tls13-client-cert", "tls13-long-chain-veth", "tls13-secrets-inside",
        "tls-fail-client-cert-missing", "wss-tls12-firefox", "wss-tls13-chromium", "wss-connect-proxy-chromium",
    )
    if name in CAPTURES
]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("block_bytes", [512, 4096])
def test_any_batch_size(name: str, block_bytes: int) -> None:
    keys = keys_of(name)
    material = api.Material(keylog=() if keys is None else (str(keys),))
    source = open_source([lab_file(f"{name}.pcapng")], limits=Limits(), block_bytes=block_bytes)
    analysis = api.Analysis(source, material=material)
    analysis.run()
    assert lines(analysis.report()) == lines(analysed(name))


@pytest.mark.parametrize("name", SAMPLES)
def test_traced_or_not(name: str) -> None:
    report = analyzer.analyze(lab_file(f"{name}.pcapng"), keylog=keys_of(name), trace=True)
    assert lines(report) == lines(analysed(name))
    hellos = [note for one in report.sessions for note in one.notes if note.kind == "tls.client-hello"]
    assert hellos
    assert all(note.tree for note in hellos)
    finished = [note for one in report.sessions for note in one.notes if note.kind == "tls.finished"]
    assert all(note.tree for note in finished)


@pytest.mark.parametrize("name", SAMPLES[:3] + SAMPLES[-2:])
def test_from_a_pipe(name: str) -> None:
    keys = keys_of(name)
    command = [sys.executable, "-m", "analyzer", "report", "-", "--format", "json"]
    if keys is not None:
        command += ["--keylog", str(keys)]
    with lab_file(f"{name}.pcapng").open("rb") as capture:
        done = subprocess.run(command, stdin=capture, capture_output=True, cwd=ROOT, timeout=60, check=True)
    told = json.loads(done.stdout)
    expected = io.BytesIO()
    from analyzer.report.json import write_json

    write_json(analysed(name), expected)
    assert told["sessions"] == json.loads(expected.getvalue())["sessions"]


def unrepeated(report: Report) -> list[tuple[Any, ...]]:
    """Without what is explained once for all flows that one process looks into."""
    return [line for line in lines(report) if not str(line[1]).startswith("tls.harmless")]


@pytest.mark.parametrize("name", SAMPLES[-4:])
def test_several_processes_find_the_same(name: str) -> None:
    paths = [lab_file(f"{name}.pcapng"), lab_file(f"{SAMPLES[0]}.pcapng")]
    keys = [str(found) for found in (keys_of(name), keys_of(SAMPLES[0])) if found is not None]
    one = analyzer.analyze(paths, keylog=keys)
    two = analyzer.analyze(paths, keylog=keys, jobs=2)
    assert unrepeated(two) == unrepeated(one)
    remarks = [[note.remark for session in report.sessions for note in session.notes] for report in (one, two)]
    assert remarks[0] == remarks[1]


# --- whenever the secrets come ----------------------------------------------------------------------------------------


def blocks(name: str) -> list[bytes]:
    """The blocks of a capture, but for those that have secrets."""
    data, found, at = lab_file(f"{name}.pcapng").read_bytes(), [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind != 0x0A:
            found.append(data[at : at + size])
        at += size
    return found


def with_secrets(name: str, at: float, distance: int = 0) -> bytes:
    """The capture with its key log inside, after that part of its packets and so many blocks that mean nothing."""
    path = LAB / "captures" / f"{name}.keys"
    text = path.read_bytes()
    found = blocks(name)
    first = next(index for index, block in enumerate(found) if block[:4] == b"\6\0\0\0")
    place = first + round(at * (len(found) - first))
    secrets = made.block(0x0A, struct.pack("<II", 0x544C534B, len(text)) + text + bytes(-len(text) & 3))
    return b"".join([*found[:place], *[made.block(0x0BAD0000, bytes(400))] * distance, secrets, *found[place:]])


@pytest.mark.parametrize("name", [name for name in SAMPLES if name in KEYED])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_secrets_in_the_capture_may_come_late(name: str, at: float) -> None:
    capture = with_secrets(name, at)
    source = open_source([capture], limits=Limits(), block_bytes=512)
    analysis = api.Analysis(source)
    analysis.run()
    report = analysis.report()
    assert sorted(lines(report), key=repr) == sorted(lines(analysed(name)), key=repr)
    assert [one.facts for one in report.sessions] == [one.facts for one in analysed(name).sessions]
    assert [one.phases for one in report.sessions] == [one.phases for one in analysed(name).sessions]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name in KEYED])
@pytest.mark.parametrize("limit", ["waiting_bytes", "waiting_total_bytes"])
def test_what_can_wait_no_longer_is_told_as_encrypted(name: str, limit: str) -> None:
    limits = Limits()
    setattr(limits, limit, 100)
    # Far behind the packets: when they are read, nobody can know of the secrets yet.
    capture = with_secrets(name, 1.0, distance=300)
    analysis = api.Analysis(open_source([capture], limits=limits, block_bytes=512), limits=limits)
    analysis.run()
    report = analysis.report()
    plain = analyzer.analyze(b"".join(blocks(name)))
    counted = [sum(one.facts.get("data_bytes", [0])) > 0 for one in report.sessions]
    assert counted == [sum(one.facts.get("data_bytes", [0])) > 0 for one in plain.sessions]
    assert analysis.engine.shared.waiting_bytes == 0


@pytest.mark.parametrize("name", [name for name in SAMPLES if name in KEYED])
def test_nothing_is_lost_where_no_secrets_come(name: str) -> None:
    """A capture that might bring secrets and brings none tells what one tells that can't."""
    pcapng = b"".join(blocks(name))
    waiting = analyzer.analyze(pcapng)
    parts: list[tuple[int, bytes]] = []
    for batch in open_source([pcapng], limits=Limits()):
        for row in range(batch.count):
            start, size = int(batch.start[row]), int(batch.captured[row])
            parts.append((int(batch.time_ns[row]), bytes(batch.data[start : start + size])))
    link = open_source([pcapng], limits=Limits())
    list(link)
    records = [made.record(data, seconds=ns // 10**9, part=ns % 10**9) for ns, data in parts]
    pcap = made.pcap(*records, magic=0xA1B23C4D, link=link.interfaces[0].link_type)
    assert sorted(lines(analyzer.analyze(pcap)), key=repr) == sorted(lines(waiting), key=repr)


# --- what was inside --------------------------------------------------------------------------------------------------


class Sink(core.Dissector):
    """Takes all that comes out of TLS."""

    heard: tuple[bytearray, bytearray] = (bytearray(), bytearray())

    def on_unit(self, sender: Side, unit: core.Piece) -> core.Outputs:
        self.heard[sender].extend(bytes(unit))
        return ()


def plaintext(name: str) -> tuple[bytes, bytes]:
    """What both sides of all connections sent, as the room found it."""
    from analyzer.engine.engine import Engine
    from analyzer.engine.keylog import KeyLogs

    Sink.heard = (bytearray(), bytearray())
    kinds = {"sink.unit": core.Kind("", "bytes")}
    sink = core.Protocol("sink", "Sink", "", ("tls", "tls:http/1.1"), kinds, {}, lambda head: True, Sink)
    rooms = [one for one in protocols() if one.name in ("tcp", "tls", "smtp", "postgresql")]
    limits = Limits()
    engine = Engine(limits, rooms=Registry([*rooms, sink]))
    keys = keys_of(name)
    logs = KeyLogs(engine.shared.secrets, limits, [] if keys is None else [keys])
    source = open_source([lab_file(f"{name}.pcapng")], limits=limits)
    logs.poll(last=True)
    for batch in source:
        logs.take(source.secrets)
        engine.feed(batch)
    engine.finish()
    return bytes(Sink.heard[0]), bytes(Sink.heard[1])


@pytest.mark.parametrize("name", [name for name in openssl(KEYED) if "client_sent" in truth_of(name)])
def test_the_very_bytes(name: str) -> None:
    sent = [line for line in truth_of(name)["client_sent"] if line not in ("K", "R")]
    client, server = plaintext(name)
    assert client == "".join(f"{line}\n" for line in sent).encode()
    if server:  # it answers with each line reversed
        assert server == "".join(f"{line[::-1]}\n" for line in sent).encode()


@pytest.mark.parametrize("name", [name for name in KEYED if "server_received" in truth_of(name)])
def test_the_very_bytes_behind_starttls(name: str) -> None:
    client, _ = plaintext(name)
    assert client == "".join(truth_of(name)["server_received"]).encode()


def test_early_data_comes_first() -> None:
    client, _ = plaintext("tls13-early-data")
    assert truth_of("tls13-early-data")["early_data"].encode() in client
