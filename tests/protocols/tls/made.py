"""Certificates made for the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 1_000_000_000
DAY = timedelta(days=1)
DAY_NS = 86_400_000_000_000


class Issued:
    """A certificate and its key."""

    def __init__(self, made: x509.Certificate, key: Any) -> None:
        self.made = made
        self.key = key
        self.der = made.public_bytes(Encoding.DER)
        self.pem = made.public_bytes(Encoding.PEM)


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def named(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def issue(
    subject: str,
    issuer: Issued | None = None,
    *,
    names: Sequence[str] = (),
    ca: bool = False,
    path_length: int | None = None,
    start: datetime = NOW - 100 * DAY,
    end: datetime = NOW + 100 * DAY,
    with_key: Any = None,
    hashed: bool = True,
    fetch_from: str | None = None,
    usages: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.SERVER_AUTH,),
    signs: bool = True,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
    plain: bool = False,
) -> Issued:
    """A certificate as public CAs write it; `plain` leaves out all that isn't named."""
    own = with_key or key(subject)
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(issuer.made.subject if issuer else named(subject))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if names:
        listed: list[x509.GeneralName] = []
        for name in names:
            try:
                from ipaddress import ip_address

                listed.append(x509.IPAddress(ip_address(name)))
            except ValueError:
                listed.append(x509.DNSName(name))
        builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
    if ca or not plain:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if not plain:
        builder = builder.add_extension(
            x509.KeyUsage(not ca, False, False, False, False, ca and signs, ca, False, False), critical=True
        )
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        if usages is not None and not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    if fetch_from is not None:
        place = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(fetch_from)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(signer, hashes.SHA256() if hashed else None), own)
