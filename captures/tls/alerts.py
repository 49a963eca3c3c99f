"""Handshakes that an alert ended: one capture for each, by who sent it, when, and in answer to what."""

from collections.abc import Callable
from functools import partial
from typing import Any

from captures import handshakes as tls
from captures.handshakes import TLS10, TLS11, TLS12, TLS13, Wire, alert, handshake
from captures.maker import Capture, main

OLD: dict[str, Any] = {"versions": (), "suites": tls.SUITES_12}


def after_hello(description: int, level: int = 2, **offer: Any) -> Capture:
    """The server answers the ClientHello with the alert."""
    return tls.refused(alert(description, level), **offer)


def of_client(description: int, *, flight: bytes = b"", **offer: Any) -> Capture:
    """The client answers the server's flight (of TLS 1.2) with the alert."""
    wire = Wire()
    wire.client(handshake(tls.client_hello(**{**OLD, **offer}), version=TLS10))
    wire.server(flight or tls.flight_12())
    wire.client(alert(description))
    return wire.close()


def of_server(description: int) -> Capture:
    """The server wants a client certificate, gets it (or none), and answers it with the alert."""
    wire = Wire()
    wire.client(handshake(tls.client_hello(**OLD), version=TLS10))
    wire.server(tls.flight_12(extra=b"", exchange=tls.key_exchange() + tls.certificate_request_12()))
    sent = () if description == 40 else (tls.issue("till 7", tls.intermediate(), client=True).der,)
    wire.client(handshake(tls.certificate_12(*sent), tls.client_key_exchange()), tls.CHANGE, tls.sealed_12(22, 16))
    wire.server(alert(description))
    return wire.close(1, 0.0001)


def sealed(description: int, *, by_client: bool, log: bool = True, asks: bool = False) -> Capture:
    """TLS 1.3: the alert is encrypted; with a key log it can be read."""
    wire, secrets = Wire(), tls.Secrets()
    wire.client(handshake(tls.client_hello(), version=TLS10))
    wire.server(tls.flight_13(secrets, asks=asks))
    if by_client:
        wire.client(tls.CHANGE, secrets.client_handshake.record(tls.ALERT, bytes((2, description))))
        wire.close()
    else:
        answer = tls.certificate_13() + tls.finished("client")
        wire.client(tls.CHANGE, secrets.client_handshake.record(tls.HANDSHAKE, answer))
        wire.server(secrets.server.record(tls.ALERT, bytes((2, description))))
        wire.close(1, 0.0001)
    wire.capture.keys = secrets.lines if log else ""
    return wire.capture


def alpn_elsewhere() -> Capture:
    """One client asks for http/1.1 and gets it; another wants h2 and is refused."""
    capture = tls.whole_12(tls.flight_12(hello=tls.server_hello(alpn="http/1.1")), alpn=("h2", "http/1.1"))
    wire = Wire(capture, at=1.0, client_port=50_001)
    wire.client(handshake(tls.client_hello(alpn=("h2",), who="second"), version=TLS10))
    wire.server(alert(120))
    return wire.close(1, 0.0001)


CASES: dict[str, Callable[[], Capture]] = {
    "alert_unexpected_message": partial(after_hello, 10),
    "alert_bad_record_mac": partial(of_client, 20),
    "alert_certificate_expired_clock": partial(of_client, 45),
    "alert_no_overlap": partial(after_hello, 40, suites=(0xC02B,), versions=(TLS12,)),
    "alert_no_overlap_unsafe": partial(after_hello, 40, suites=(0x003B, 0xC018, 0x0005), versions=(), version=TLS12),
    "alert_no_overlap_tls13": partial(after_hello, 40, suites=tls.SUITES_13, versions=(TLS13,)),
    "alert_failure_no_renegotiation_info": partial(
        of_client, 40, flight=tls.flight_12(hello=tls.server_hello(renegotiation=False))
    ),
    "alert_failure_small_group": partial(
        of_client,
        40,
        flight=tls.flight_12(hello=tls.server_hello(0x009E), exchange=tls.finite_key_exchange(1024)),
        suites=(0x009E, *tls.SUITES_12),
    ),
    "alert_failure_no_client_certificate": partial(of_server, 40),
    "alert_bad_certificate": partial(of_client, 42),
    "alert_unsupported_certificate": partial(of_client, 43),
    "alert_certificate_revoked": partial(of_server, 44),
    "alert_certificate_unknown": partial(of_client, 46),
    "alert_illegal_parameter": partial(after_hello, 47, share=(tls.MLKEM, 29), groups=(tls.MLKEM, 29, 23)),
    "alert_unknown_ca_of_server": partial(of_server, 48),
    "alert_access_denied": partial(of_server, 49),
    "alert_decode_error": partial(after_hello, 50),
    "alert_decrypt_error": partial(of_client, 51),
    "alert_decrypt_error_binder": partial(after_hello, 51, psk=tls.noise("ticket", 64)),
    "alert_version_old_client": partial(after_hello, 70, version=TLS10, versions=(), suites=tls.SUITES_OLD),
    "alert_version_tls13_only_server": partial(after_hello, 70, **OLD),
    "alert_version_tls13_only_client": partial(after_hello, 70, versions=(TLS13,), suites=tls.SUITES_13),
    "alert_version_of_client": partial(of_client, 70, flight=tls.flight_12(hello=tls.server_hello(version=TLS10))),
    "alert_insufficient_security": partial(after_hello, 71, suites=(0x002F, 0x0035), versions=(TLS12,)),
    "alert_internal_error": partial(after_hello, 80),
    "alert_inappropriate_fallback": partial(
        after_hello, 86, version=TLS11, versions=(), suites=(*tls.SUITES_OLD, 0x5600)
    ),
    "alert_missing_extension": partial(after_hello, 109),
    "alert_unsupported_extension": partial(of_client, 110),
    "alert_unrecognized_name": partial(after_hello, 112, name="shopp.example"),
    "alert_no_name": partial(after_hello, 112, name=None),
    "alert_status_response": partial(of_client, 113),
    "alert_unknown_psk_identity": partial(after_hello, 115, psk=b"sensor-17"),
    "alert_certificate_required": partial(sealed, 116, by_client=False, asks=True),
    "alert_no_protocol_elsewhere": alpn_elsewhere,
    "alert_ech_required": partial(sealed, 121, by_client=True),
    "alert_without_a_name": partial(after_hello, 99),
    "alert_unreadable": partial(sealed, 48, by_client=True, log=False),
}

if __name__ == "__main__":
    main(__file__, CASES)
