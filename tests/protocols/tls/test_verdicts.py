"""What is concluded of connections: by the captures that were made for it, and by conversations played here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

import analyzer
from analyzer.core import Finding, Outcome, Place, Severity, Shared, Side
from analyzer.protocols.tls import PROTOCOL, verdicts
from analyzer.protocols.tls.findings import FINDINGS
from analyzer.protocols.tls.state import Link
from captures import handshakes as tls
from captures.handshakes import TLS10, handshake
from tests.conftest import ROOT
from tests.play import play

if TYPE_CHECKING:
    from pathlib import Path

    from analyzer.core import Report

FOLDER = ROOT / "captures" / "tls"
CAPTURES = sorted(FOLDER.glob("*.pcapng"))
GOOD = ("healthy_", "lab_tls12", "lab_tls13", "lab_starttls", "lab_postgres")


@dataclass(frozen=True)
class Case:
    """A capture, the finding that comes first, and what its words have to contain."""

    name: str
    code: str
    text: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


ERROR, WARNING, NOTICE, INFO = Severity.ERROR, Severity.WARNING, Severity.NOTICE, Severity.INFO
CASES = [
    # alerts
    Case("alert_access_denied", "tls.alert-access-denied", ("the client's certificate: till 7, by",)),
    Case("alert_bad_certificate", "tls.alert-bad-certificate", ("Example Root CA",), ("A private authority",)),
    Case("alert_bad_record_mac", "tls.alert-bad-record-mac", ("The client refused", "had chosen TLS 1.2")),
    Case("alert_certificate_expired_clock", "tls.alert-certificate-expired", ("valid from 2025-12-02",), ("clock",)),
    Case("alert_certificate_required", "tls.alert-certificate-required", ("(frame 5)", "an empty list")),
    Case("alert_certificate_revoked", "tls.alert-certificate-revoked", ("the client's certificate: till 7",)),
    Case("alert_certificate_unknown", "tls.alert-certificate-unknown", ("certificate_unknown (46)",)),
    Case("alert_decode_error", "tls.alert-syntax", ("245 bytes with 11 extensions",), ("intolerance",)),
    Case("alert_decrypt_error", "tls.alert-decrypt-error", ("certificate of shop.example",), ("private key",)),
    Case("alert_decrypt_error_binder", "tls.alert-decrypt-error", ("its binder",), ("different pre-shared keys",)),
    Case("alert_ech_required", "tls.alert-ech-required", ("The client refused",)),
    Case("alert_failure_no_client_certificate", "tls.alert-handshake-failure", ("43.0 ms",), ("client certificate",)),
    Case("alert_failure_no_renegotiation_info", "tls.alert-handshake-failure", (), ("OpenSSL 3", "EC, 256 bits")),
    Case("alert_failure_small_group", "tls.alert-handshake-failure", (), ("1,024 bits, fewer",)),
    Case("alert_illegal_parameter", "tls.alert-syntax", ("1,465 bytes",)),
    Case("alert_inappropriate_fallback", "tls.alert-inappropriate-fallback", ("offered TLS 1.1", "fell back")),
    Case("alert_insufficient_security", "tls.alert-insufficient-security", ("TLS_RSA_WITH_",), ("A policy",)),
    Case("alert_internal_error", "tls.alert-internal-error"),
    Case("alert_missing_extension", "tls.alert-syntax", ("missing_extension (109)",)),
    Case("alert_no_name", "tls.alert-unrecognized-name", ("named no server",), ("insists on a name",)),
    Case(
        "alert_no_overlap", "tls.alert-handshake-failure", ("only this: TLS_ECDHE", "P-384"), ("an ECDSA certificate",)
    ),
    Case("alert_no_overlap_unsafe", "tls.alert-handshake-failure", (), ("without encryption",)),
    Case("alert_no_overlap_tls13", "tls.alert-handshake-failure", (), ("TLS 1.3 only",)),
    Case(
        "alert_no_protocol_elsewhere",
        "tls.alert-no-application-protocol",
        ("for the same name, it answered with http/1.1",),
    ),
    Case("alert_status_response", "tls.alert-bad-certificate-status-response"),
    Case("alert_unexpected_message", "tls.alert-syntax"),
    Case("alert_unknown_ca_of_server", "tls.alert-unknown-ca", ("which was not sent",), ("that the server does not",)),
    Case("alert_unknown_psk_identity", "tls.alert-unknown-psk-identity"),
    Case("alert_unreadable", "tls.alert-unreadable", ("The client sent", "no key log was given")),
    Case("alert_unrecognized_name", "tls.alert-unrecognized-name", ('"shopp.example"',)),
    Case("alert_unsupported_certificate", "tls.alert-unsupported-certificate", ("its key is EC, 256 bits",)),
    Case("alert_unsupported_extension", "tls.alert-syntax", ("had chosen",)),
    Case("alert_version_of_client", "tls.alert-protocol-version", ("names only the highest",), ("as old as TLS 1.0",)),
    Case("alert_version_old_client", "tls.alert-protocol-version", ("offered   TLS 1.0",), ("TLS 1.2 or newer",)),
    Case("alert_version_tls13_only_client", "tls.alert-protocol-version", (), ("does not speak TLS 1.3",)),
    Case("alert_version_tls13_only_server", "tls.alert-protocol-version", (), ("TLS 1.3 only",)),
    Case("alert_without_a_name", "tls.alert-other", ("alert 99",)),
    Case("lab_fail_expired", "tls.cert-validity", ("expired on",), ("renewed",)),
    Case("lab_fail_name_mismatch", "tls.alert-bad-certificate", ("certificate is for",), ("wrong virtual host",)),
    Case("lab_fail_no_cipher", "tls.alert-handshake-failure", ("only this: TLS_ECDHE",), ("that is all there is",)),
    Case("lab_fail_alpn", "tls.alert-no-application-protocol", ("does not say what it would take",)),
    # certificates
    Case("certificate_expired", "tls.cert-validity", ("2 days before this connection",), ("not renewed",)),
    Case("certificate_not_yet_valid", "tls.cert-validity", ("not valid before 2026-01-01T03",), ("clock is ahead",)),
    Case("certificate_name_mismatch", "tls.cert-name-mismatch", ("mail.example",), (), WARNING),
    Case("certificate_wildcard_depth", "tls.cert-name-mismatch", ("covers one label only",), (), WARNING),
    Case("certificate_incomplete_chain", "tls.cert-incomplete-chain", ("http://ca.example/r3.cer",), (), WARNING),
    Case(
        "certificate_incomplete_chain_refused", "tls.alert-unknown-ca", (), ("intermediate certificate was not sent",)
    ),
    Case("certificate_bad_signature", "tls.cert-invalid", ("not signed by the key",), ("put together",), WARNING),
    Case("certificate_weak_key", "tls.cert-weak", ("RSA key of 1024 bits",), (), WARNING),
    Case("certificate_weak_signature", "tls.cert-weak", ("a signature with SHA-1",), (), WARNING),
    Case("certificate_self_signed", "tls.cert-untrusted", ("signed by itself",), (), INFO),
    Case("certificate_intercepted", "tls.cert-intercepted", ("Zscaler",), (), NOTICE),
    Case("certificate_default", "tls.cert-default-vhost", ("hosting.example",), (), NOTICE),
    Case("certificate_staple_missing", "tls.ocsp-must-staple-missing", ("shop.example",), (), WARNING),
    Case("certificate_revoked", "tls.certificate-revoked", ("revoked since 2025-12-29",)),
    Case("certificate_revoked_tls13", "tls.certificate-revoked", ("revoked since 2025-12-29",)),
    # nothing, or something else, comes back
    Case(
        "no_server_hello_silence", "tls.no-server-hello", ("the client ended", "(FIN)", "after 30.0 s", "acknowledged")
    ),
    Case("no_server_hello_closed", "tls.no-server-hello", ("the server ended the connection (FIN)",)),
    Case("no_server_hello_reset", "tls.no-server-hello", ("the server ended the connection (RST)",)),
    Case("size_cliff", "tls.client-hello-size-cliff", ("of 1,467 bytes (frame 5)", "245 bytes (frame 13)")),
    Case("not_tls_http", "tls.not-tls", ('"HTTP/1.1 400 Bad Request"', "plain HTTP")),
    Case("not_tls_smtp", "tls.not-tls", ("STARTTLS first",)),
    Case("not_tls_ssh", "tls.not-tls", ("That is SSH.",)),
    Case("not_tls_bytes", "tls.not-tls", ("00 00 00 1a 0a",)),
    # it stops
    Case("broken_off_by_client", "tls.handshake-broken-off", ("FIN", "the client's turn"), ("does not accept it",)),
    Case("broken_off_by_server", "tls.handshake-broken-off", ("RST", "the client was through")),
    Case("broken_off_canceled", "tls.handshake-broken-off", ("user_canceled (90)",), ("nothing is wrong with TLS",)),
    Case("stalled", "tls.handshake-stalled", ("40.0 s", "its part was not complete"), (), WARNING),
    Case("stalled_in_first_record", "tls.handshake-stalled", ("1,460 bytes had come",), (), WARNING),
    # what was agreed, and what it cost
    Case("downgraded", "tls.downgrade-sentinel", ("44 4f 57 4e 47 52 44 01", "has TLS 1.3 too"), (), WARNING),
    Case("old_version", "tls.version-deprecated", ("it is the server that has nothing newer",), (), WARNING),
    Case("weak_suite_3des", "tls.suite-weak", ("Sweet32",), (), WARNING),
    Case("weak_suite_rc4", "tls.suite-weak", ("RFC 7465",), (), WARNING),
    Case("weak_suite_null", "tls.suite-weak", ("no encryption",), (), WARNING),
    Case("renegotiation_insecure", "tls.renegotiation-insecure", ("no renegotiation_info",), (), WARNING),
    Case("heartbleed", "tls.heartbleed", ("with 1,019 bytes", "memory"), ("CVE-2014-0160",)),
    Case("heartbleed_passed_over", "tls.heartbleed", ("claims 1,000 bytes", "1,000 too few"), (), WARNING),
    Case("slow_server", "tls.server-think-time", ("870 ms", "20.0 ms of that"), (), NOTICE),
    Case("long_chain", "tls.server-flight-exceeds-initcwnd", ("after 14,600 it stopped", "14,600 in all"), (), NOTICE),
    Case("retried_once", "tls.hrr-extra-rtt", ("P-256, the client sent X25519",), (), NOTICE),
    Case("retried_twice", "tls.hrr-second"),
    Case("lab_tls13_early_data_rejected", "tls.resumption-refused", ("pre-shared key",), (), NOTICE),
    # keys, and the end
    Case("key_log_of_another", "tls.keylog-no-match", ("9 encrypted records", "no line for the random"), (), NOTICE),
    Case("key_log_wrong", "tls.keylog-wrong", ("(frame 5) fails",), (), WARNING),
    Case("record_damaged", "tls.record-damaged", ("frame 11",), (), WARNING),
    Case("closed_without_notify", "tls.truncated-close", ("(FIN)", "300 bytes", "2,000"), (), NOTICE),
]


@cache
def report(path: Path) -> Report:
    keys = path.with_suffix(".keys")
    return analyzer.analyze(path, keylog=keys if keys.exists() else None)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_first_finding_is_the_cause(case: Case) -> None:
    found = report(FOLDER / f"{case.name}.pcapng").findings
    first = found[0]
    assert (first.code, first.severity) == (case.code, case.severity)
    for words in case.text:
        assert words in first.text
    for words in case.cause:
        assert words in first.cause
    assert finished(first.text), first.text
    assert ".." not in first.text


@pytest.mark.parametrize("path", [path for path in CAPTURES if path.stem.startswith(GOOD)], ids=lambda path: path.stem)
def test_nothing_is_wrong_with_what_works(path: Path) -> None:
    said = report(path)
    assert [one.code for one in said.findings if one.severity in (ERROR, WARNING)] == []
    assert {session.outcome for session in said.sessions} == {Outcome.ESTABLISHED}


def test_what_is_harmless_is_explained_once() -> None:
    codes = [one.code for one in report(FOLDER / "healthy_grease.pcapng").findings]
    for what in ("compat-ccs", "grease", "legacy-version"):
        assert codes.count(f"tls.harmless-{what}") == 1


def finished(text: str) -> bool:
    """Whether a text ends as a sentence, or in a row with a label (or one that goes on beside it)."""
    last = text.rpartition("\n")[2]
    return text.endswith(".") or (last != text and " " * verdicts.LABEL_GAP in last)


def test_every_text_is_a_sentence() -> None:
    for path in CAPTURES:
        for one in report(path).findings:
            if one.code.startswith("tls."):
                assert finished(one.text), (path.stem, one.text)
                assert "None" not in one.text, (path.stem, one.text)
                assert not one.cause or one.cause.endswith("."), (path.stem, one.cause)


def facts(name: str, session: int = 0) -> dict[str, object]:
    return report(FOLDER / f"{name}.pcapng").sessions[session].facts


def without_keys(name: str) -> Report:
    return analyzer.analyze(FOLDER / f"{name}.pcapng")


@pytest.mark.parametrize("name", ["alert_certificate_required", "lab_fail_client_cert_missing"])
def test_a_client_certificate_that_is_missing_is_seen_without_keys(name: str) -> None:
    told = without_keys(name)
    assert told.findings[0].code == "tls.alert-unreadable"
    assert "certificate_required (116)" in told.findings[0].cause
    assert told.sessions[0].outcome == Outcome.FAILED
    sealed = [note.text for note in told.sessions[0].notes if note.kind == "tls.encrypted-handshake"]
    assert sealed[-1].startswith("Certificate (without any) and Finished: ")


@pytest.mark.parametrize("name", ["lab_tls13_client_cert", "healthy_tls13", "lab_tls13_aes256"])
def test_without_keys_nothing_is_wrong_where_nothing_is(name: str) -> None:
    told = without_keys(name)
    assert not [one.code for one in told.findings if one.severity in (ERROR, WARNING)]
    assert told.sessions[0].outcome == Outcome.ESTABLISHED
    sealed = [note.text for note in told.sessions[0].notes if note.kind == "tls.encrypted-handshake"]
    begin = "Certificate, CertificateVerify and Finished" if "client_cert" in name else "Finished"
    assert sealed[-1].startswith(begin)


def test_facts_of_a_handshake() -> None:
    said = facts("slow_server")
    assert said["tls_version"] == "TLS 1.3"
    assert said["round_trips"] == 1
    assert "round_trips_avoidable" not in said
    assert said["server_think_ns"] == 850_000_000 - 10_000
    assert said["decrypted"] is True
    assert facts("retried_once")["round_trips_avoidable"] == ["a key share of the group that the server takes"]
    assert facts("long_chain")["round_trips_avoidable"] == [
        "TLS 1.3, or resuming a session",
        "a shorter chain of certificates",
    ]
    old = facts("old_version")
    assert (old["round_trips"], old["round_trips_avoidable"]) == (2, ["TLS 1.3, or resuming a session"])
    assert old["not_decrypted_because"] == "no key log was given"


def test_facts_of_resumption_and_early_data() -> None:
    assert facts("lab_tls13_early_data", 1)["early_data"] == "accepted"
    assert facts("lab_tls13_early_data_rejected", 1)["early_data"] == "rejected"
    assert facts("lab_tls12_resume_ticket", 1)["resumed"] is True
    assert facts("lab_tls12_resume_ticket", 1)["round_trips"] == 1
    assert facts("lab_tls12_dhe_gcm")["group"]
    assert facts("lab_tls12_client_cert")["client_certificate"]
    assert facts("alert_certificate_required")["client_certificate"] == "none"


# --- played -----------------------------------------------------------------------------------------------------------

CLIENT, SERVER = Side.INITIATOR, Side.RESPONDER
HELLO = (CLIENT, handshake(tls.client_hello(), version=TLS10))
OLD_HELLO = (CLIENT, handshake(tls.client_hello(versions=(), suites=tls.SUITES_12), version=TLS10))


def told(*frames: tuple[Side, bytes]) -> list[Finding]:
    return [one for one in play(PROTOCOL, *frames).findings if one.severity is not INFO]


def test_warnings_do_not_end_a_connection() -> None:
    for description in (90, 100, 112):
        assert told(HELLO, (SERVER, tls.alert(description, 1))) == []
    assert [one.code for one in told(OLD_HELLO, (SERVER, tls.alert(40, 1)))] == []


def test_an_alert_without_a_hello_before_it() -> None:
    found = told((SERVER, tls.alert(80)), (CLIENT, tls.alert(0)))
    assert [one.code for one in found] == ["tls.alert-internal-error"]
    assert found[0].text == "The server refused the handshake: fatal internal_error (80)."


def test_of_a_client_that_offers_old_suites_alone() -> None:
    hello = handshake(tls.client_hello(versions=(), suites=(0x002F, 0x0033, 0xC007, 0x0035, 0x0039, 0x009C)))
    (found,) = told((CLIENT, hello), (SERVER, tls.alert(40)))
    assert found.cause.startswith("It shares no cipher suite with the client.")
    hello = handshake(tls.client_hello(versions=(), suites=(0x002F, 0x0033, 0x0035, 0x0039, 0x009C)))
    (found,) = told((CLIENT, hello), (SERVER, tls.alert(40)))
    assert "has none with ECDHE" in found.cause


def test_of_a_client_that_refuses_before_there_was_an_answer() -> None:
    (found,) = told(HELLO, (CLIENT, tls.alert(40)))
    assert found.code == "tls.alert-handshake-failure"
    assert found.cause == FINDINGS[found.code].cause


def test_of_a_client_that_offers_every_version() -> None:
    (found,) = told(HELLO, (SERVER, tls.alert(70)))
    assert "takes older versions only" in found.cause
    (found,) = told(HELLO, (SERVER, handshake(tls.server_hello(version=TLS10), tls.DONE)), (CLIENT, tls.alert(70)))[:1]
    assert found.text.endswith("\nThe server chose     TLS 1.0") or found.code == "tls.version-deprecated"


def test_of_a_server_that_refuses_what_it_had_chosen() -> None:
    flight = (SERVER, tls.flight_12())
    (found,) = told(OLD_HELLO, flight, (SERVER, tls.alert(40)))
    assert found.cause.startswith("Versions and suites agree")
    (found,) = told(OLD_HELLO, (SERVER, handshake(tls.server_hello())), (CLIENT, tls.alert(40)))
    assert found.cause.startswith("Something that the server chose")


def test_a_refused_certificate_that_was_not_seen() -> None:
    (found,) = told(OLD_HELLO, (SERVER, tls.alert(48)))
    assert "The client's certificate, which it refuses, is not in this capture" in found.text
    (found,) = told((CLIENT, handshake(tls.client_hello())), (SERVER, tls.alert(48)))
    assert "which it refuses," in found.text


def test_a_server_that_wants_another_client_certificate() -> None:
    link = Link()
    assert verdicts._certificate_wanted(link)[0] == "That it asked for one can't be seen in this capture."
    request = tls.key_exchange() + tls.certificate_request_12()
    sent = tls.issue("till 7", tls.intermediate(), client=True).der
    frames = (OLD_HELLO, (SERVER, tls.flight_12(exchange=request)), (CLIENT, handshake(tls.certificate_12(sent))))
    (found,) = told(*frames, (SERVER, tls.alert(116)))
    assert "had sent the certificate of till 7" in found.text


def test_a_finished_that_the_server_can_not_verify() -> None:
    (found,) = told(OLD_HELLO, (SERVER, tls.flight_12()), (SERVER, tls.alert(51)))
    assert found.cause == FINDINGS[found.code].cause


def test_a_name_that_is_an_address() -> None:
    hello = handshake(tls.client_hello(versions=(), suites=tls.SUITES_12, name="192.0.2.7"))
    (found,) = told((CLIENT, hello), (SERVER, tls.flight_12()))
    assert (found.code, found.severity) == ("tls.cert-name-mismatch", NOTICE)
    assert "RFC 6066" in found.cause
    assert not verdicts.is_address("shop.example")
    assert verdicts.is_address("2001:db8::1")


def test_a_client_certificate_is_judged_as_one() -> None:
    own = tls.issue("till 8", tls.intermediate(), client=True).der
    frames = (OLD_HELLO, (SERVER, tls.flight_12()), (CLIENT, handshake(tls.certificate_12(own))))
    texts = [one.text for one in play(PROTOCOL, *frames).findings]
    assert [text for text in texts if text.startswith('Of the client: the certificate of "till 8"')]


def test_a_downgrade_to_what_the_client_offered_at_most_is_none() -> None:
    sentinel = tls.noise("server random", 24) + b"DOWNGRD\x01"
    assert told(OLD_HELLO, (SERVER, tls.flight_12(hello=tls.server_hello(random=sentinel)))) == []


def test_how_a_connection_ended() -> None:
    assert verdicts.ended(None) == ("", None)
    assert not verdicts.one_sided(None)
    assert verdicts.after(Link(), 5) == ""
    assert verdicts.offered(Link()) == ("The client offered", [])
    assert verdicts.places(Link()) == []
    assert verdicts.where(Place((), 0)) == "the capture"


def test_whether_the_hello_was_acknowledged() -> None:
    assert verdicts.acknowledged("ShADaF", CLIENT)
    assert not verdicts.acknowledged("ShADR", CLIENT)
    assert not verdicts.acknowledged("ShADr", CLIENT)
    assert verdicts.acknowledged("sHadA", SERVER)


def test_the_advice_fits_what_is_wrong_with_the_chain() -> None:
    (found, *_) = report(FOLDER / "certificate_incomplete_chain_refused.pcapng").findings
    assert found.advice.startswith("Configure the full chain")


def test_things_are_told_once() -> None:
    shared = Shared()
    assert verdicts.first_time(shared, b"x")
    assert not verdicts.first_time(shared, b"x")
