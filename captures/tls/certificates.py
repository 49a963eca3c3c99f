"""Certificates that something is wrong with, or odd: one capture for each, all of TLS 1.2, where they are in clear."""

from collections.abc import Callable
from typing import Any

from captures import handshakes as tls
from captures.handshakes import DAY, NAME, NOW, Issued
from captures.maker import Capture, main


def shown(*chain: Issued, of: str = NAME, extra: bytes = b"", status: bool = False, **offer: Any) -> Capture:
    """A connection of TLS 1.2 whose server shows these certificates; all goes well."""
    hello = tls.server_hello(status=status, alpn="h2")
    flight = tls.flight_12(*(one.der for one in chain), hello=hello, extra=extra)
    return tls.whole_12(flight, name=of or None, **offer)


def with_chain(**how: Any) -> Capture:
    """The server's own certificate made as `how` says, and its intermediate."""
    how.setdefault("names", (NAME,))
    return shown(tls.issue(NAME, tls.intermediate(), **how), tls.intermediate())


def expired() -> Capture:
    return with_chain(start=NOW - 92 * DAY, end=NOW - 2 * DAY)


def not_yet_valid() -> Capture:
    return with_chain(start=NOW + 3 * DAY / 24, end=NOW + 90 * DAY)


def name_mismatch() -> Capture:
    return with_chain(names=("mail.example", "*.mail.example"))


def wildcard_depth() -> Capture:
    leaf = tls.issue(f"*.{NAME}", tls.intermediate(), names=(f"*.{NAME}", NAME))
    return shown(leaf, tls.intermediate(), of=f"eu.pay.{NAME}")


def default_certificate() -> Capture:
    leaf = tls.issue("hosting.example", tls.intermediate(), names=("hosting.example",))
    return shown(leaf, tls.intermediate(), of="")


def incomplete_chain() -> Capture:
    """A certificate as public authorities make them, alone."""
    public = tls.intermediate("Example Public CA R3")
    return shown(tls.issue(NAME, public, names=(NAME,), public=True, fetch_from="http://ca.example/r3.cer"))


def incomplete_chain_refused() -> Capture:
    """The same, and the client refuses it."""
    public = tls.intermediate("Example Public CA R3")
    leaf = tls.issue(NAME, public, names=(NAME,), public=True, fetch_from="http://ca.example/r3.cer")
    wire = tls.Wire()
    wire.client(tls.handshake(tls.client_hello(versions=(), suites=tls.SUITES_12), version=tls.TLS10))
    wire.server(tls.flight_12(leaf.der))
    wire.client(tls.alert(48))
    return wire.close()


def bad_signature() -> Capture:
    """The intermediate has the right name and another key."""
    other = tls.issue("Example Issuing CA", tls.root(), ca=True, key=tls.rsa_key("another"), end=NOW + 900 * DAY)
    return shown(tls.shop(), other)


def weak_key() -> Capture:
    return with_chain(key=tls.rsa_key("small", 1024))


def weak_signature() -> Capture:
    leaf = tls.issue(NAME, tls.intermediate(), names=(NAME,))
    flight = tls.flight_12(tls.with_sha1(leaf, tls.intermediate()), tls.intermediate().der)
    return tls.whole_12(flight)


def self_signed() -> Capture:
    return shown(tls.issue(NAME, names=(NAME,), key=tls.rsa_key("alone")))


def intercepted() -> Capture:
    inspector = tls.issue("Zscaler Intermediate Root CA (example)", tls.root("Zscaler Root CA"), ca=True)
    return shown(tls.issue(NAME, inspector, names=(NAME,)), inspector)


def staple_missing() -> Capture:
    return with_chain(staple=True)


def revoked() -> Capture:
    answer = tls.staple(tls.shop(), tls.intermediate(), revoked=True)
    extra = tls.certificate_status(answer)
    return shown(tls.shop(), tls.intermediate(), status=True, extra=extra)


def healthy_staple() -> Capture:
    """A certificate that demands a staple, and has one."""
    leaf = tls.issue(NAME, tls.intermediate(), names=(NAME,), staple=True)
    extra = tls.certificate_status(tls.staple(leaf, tls.intermediate()))
    return shown(leaf, tls.intermediate(), status=True, extra=extra)


CASES: dict[str, Callable[[], Capture]] = {
    "certificate_expired": expired,
    "certificate_not_yet_valid": not_yet_valid,
    "certificate_name_mismatch": name_mismatch,
    "certificate_wildcard_depth": wildcard_depth,
    "certificate_default": default_certificate,
    "certificate_incomplete_chain": incomplete_chain,
    "certificate_incomplete_chain_refused": incomplete_chain_refused,
    "certificate_bad_signature": bad_signature,
    "certificate_weak_key": weak_key,
    "certificate_weak_signature": weak_signature,
    "certificate_self_signed": self_signed,
    "certificate_intercepted": intercepted,
    "certificate_staple_missing": staple_missing,
    "certificate_revoked": revoked,
    "healthy_staple": healthy_staple,
}

if __name__ == "__main__":
    main(__file__, CASES)
