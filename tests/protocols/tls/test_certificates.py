from __future__ import annotations

import json
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core import Malformed
from analyzer.protocols.tls import certificates
from analyzer.protocols.tls.certificates import certificate, decompress, ocsp_response, scts
from tests.protocols.tls.made import DAY, NOW, issue, key

ROOT = issue("Root", ca=True, path_length=3)
FULL = issue(
    "leaf",
    ROOT,
    names=["a.example", "*.B.example", "10.0.0.1", "2001:db8::1"],
    usages=[ExtendedKeyUsageOID.SERVER_AUTH, ObjectIdentifier("1.2.3")],
    extra=[
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.example/")
                    ),
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example/")
                    ),
                    x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.DNSName("ocsp.example")),
                ]
            ),
            False,
        ),
    ],
)


def wrapped(tag: int, content: bytes) -> bytes:
    return certificates._wrapped(tag, content)


def with_alternative_names(value: bytes) -> bytes:
    """A certificate whose subjectAltName holds these bytes."""
    extension = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), value)
    return issue("odd", ROOT, extra=[(extension, False)]).der


def test_all_that_is_told() -> None:
    one = certificate(FULL.der)
    fields = dict(one.fields)
    assert one.malformed is None
    assert fields.pop("sha256") == sha256(FULL.der).hexdigest()
    number = fields.pop("serial_number")
    assert int(number, 16) == FULL.made.serial_number
    assert len(number) % 2 == 0
    own, above = fields.pop("subject_key_identifier"), fields.pop("authority_key_identifier")
    assert own == x509.SubjectKeyIdentifier.from_public_key(FULL.key.public_key()).digest.hex() == one.key_id
    assert above == certificate(ROOT.der).key_id == one.authority_key_id
    assert fields == {
        "subject": "CN=leaf,O=Tests",
        "issuer": "CN=Root,O=Tests",
        "not_before": "2026-02-21T00:00:00Z",
        "not_after": "2026-09-09T00:00:00Z",
        "subject_alternative_names": ["a.example", "*.B.example", "10.0.0.1", "2001:db8::1"],
        "public_key": {"type": "EC", "bits": 256, "curve": "secp256r1"},
        "signature_algorithm": "ecdsa-with-SHA256",
        "is_ca": False,
        "key_usage": ["digitalSignature"],
        "extended_key_usage": ["serverAuth", "1.2.3"],
        "must_staple": True,
        "ca_issuers": ["http://ca.example/"],
        "ocsp": ["http://ocsp.example/"],
        "self_issued": False,
        "bytes": len(FULL.der),
    }
    assert one.subject_text == "a.example"
    assert one.issuer_text == "Root"
    assert one.common_name == "leaf"
    assert one.dns_names == {"a.example", "*.b.example"}
    assert len(one.addresses) == 2
    assert one.not_before_ns == int((NOW - 100 * DAY).timestamp()) * 10**9
    spki = FULL.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert one.spki_sha256 == sha256(spki).hexdigest()
    assert not one.weaknesses
    json.dumps(one.fields)


def test_root() -> None:
    one = certificate(ROOT.der)
    assert one.is_ca
    assert one.path_length == one.fields["path_length"] == 3
    assert one.self_issued
    assert one.key_usage == ("keyCertSign", "cRLSign")
    assert one.subject_text == "Root"


def test_same_bytes_give_the_same_object() -> None:
    assert certificate(bytes(bytearray(FULL.der))) is certificate(FULL.der)


def test_recent_forgets_by_count_and_by_size() -> None:
    kept: certificates.Recent[int] = certificates.Recent(2, 100)
    for number in range(6):
        kept.put(number, number, 1)
        assert kept.get(0, 1) == 0  # used again and again: stays
    assert kept.get(1) is None
    assert len(kept) <= 4
    kept.put("large", 1, 99)
    kept.put("larger", 2, 99)
    kept.put("largest", 3, 99)
    assert kept.get("large") is None
    assert kept.get("largest") == 3


@pytest.mark.parametrize(
    ("made", "told", "weak"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), {"type": "RSA", "bits": 2048}, ()),
        (lambda: rsa.generate_private_key(65537, 1024), {"type": "RSA", "bits": 1024}, ("an RSA key of 1024 bits",)),
        (lambda: dsa.generate_private_key(1024), {"type": "DSA", "bits": 1024}, ("a DSA key",)),
        (
            lambda: ec.generate_private_key(ec.SECP192R1()),
            {"type": "EC", "bits": 192, "curve": "secp192r1"},
            ("an EC key of 192 bits",),
        ),
        (ed25519.Ed25519PrivateKey.generate, {"type": "Ed25519"}, ()),
    ],
)
def test_keys(made: Any, told: dict[str, object], weak: tuple[str, ...]) -> None:
    one = certificate(issue("key", ROOT, with_key=made()).der)
    assert one.fields["public_key"] == told
    assert one.weaknesses == weak


def test_weak_signature_and_unknown_kinds() -> None:
    signer = issue("Rsa", ca=True, with_key=rsa.generate_private_key(65537, 2048))
    der = issue("x", signer).der
    good, sha1, unknown = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "05", "63"))
    one = certificate(der.replace(good, sha1))
    assert one.fields["signature_algorithm"] == "sha1WithRSAEncryption"
    assert one.weaknesses == ("a signature with SHA-1",)
    assert certificate(der.replace(good, unknown)).fields["signature_algorithm"] == "1.2.840.113549.1.1.99"
    assert not certificate(signer.der.replace(good, sha1)).weaknesses  # of a root nobody looks at it
    curve = certificate(FULL.der.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030163")))
    assert curve.fields["public_key"] == {"type": "EC"}
    assert curve.malformed is not None
    kind = certificate(FULL.der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0263")))
    assert kind.fields["public_key"]["type"].startswith("1.2.840.10045.2.")
    assert kind.malformed is None


def test_rsa_pss_tells_its_hash() -> None:
    from cryptography.hazmat.primitives.asymmetric import padding

    own = rsa.generate_private_key(65537, 2048)
    made = (
        x509.CertificateBuilder()
        .subject_name(ROOT.made.subject)
        .issuer_name(ROOT.made.subject)
        .public_key(own.public_key())
        .serial_number(255)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(own, hashes.SHA384(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA384()), 48))
    )
    fields = certificate(made.public_bytes(Encoding.DER)).fields
    assert fields["signature_algorithm"] == "RSASSA-PSS with sha384"
    assert fields["serial_number"] == "ff"


def test_names_of_every_kind() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dir")])
    listed = x509.SubjectAlternativeName(
        [
            x509.RFC822Name("a@b.example"),
            x509.UniformResourceIdentifier("spiffe://x"),
            x509.DirectoryName(name),
            x509.RegisteredID(ObjectIdentifier("1.2.3")),
            x509.OtherName(ObjectIdentifier("1.2.3"), b"\5\0"),
        ]
    )
    one = certificate(issue("kinds", ROOT, extra=[(listed, False)]).der)
    told = one.fields["subject_alternative_names"]
    assert told[:3] == ["email:a@b.example", "uri:spiffe://x", "directory:CN=dir"]
    assert told[3] == "other-8:2a03"
    assert told[4].startswith("other-0:")
    assert one.dns_names == frozenset()
    assert one.subject_text == "kinds"


def test_hostile_names_are_escaped_and_cut() -> None:
    hostile = wrapped(0x82, b"good.example\0.evil.example") + wrapped(0x82, b"\xff\x1b[2J") + wrapped(0x87, b"123")
    one = certificate(with_alternative_names(wrapped(0x30, hostile)))
    told = one.fields["subject_alternative_names"]
    assert told[0] == "good.example\\00.evil.example"
    assert "good.example" not in one.dns_names
    assert told[1] == "\\xff\\1B[2J"
    assert told[2] == "other-7:313233"
    many = certificate(with_alternative_names(wrapped(0x30, wrapped(0x82, b"x.example") * 3000)))
    assert len(many.fields["subject_alternative_names"]) == certificates.MAX_NAMES
    assert many.fields["subject_alternative_names_count"] == 3000
    long = certificate(with_alternative_names(wrapped(0x30, wrapped(0x82, b"x" * 40_000))))
    assert len(long.fields["subject_alternative_names"][0]) < 300


@pytest.mark.parametrize("value", [b"", b"\x30\x05\x82", b"\x30\x82", b"\x1f\x1f\x00", b"\x30\x80\0\0"])
def test_broken_alternative_names(value: bytes) -> None:
    one = certificate(with_alternative_names(value))
    assert one.malformed is not None
    assert one.fields["subject"] == "CN=odd,O=Tests"
    assert one.fields["key_usage"] == ["digitalSignature"]  # the rest is there


def test_broken_directory_name_inside_alternative_names() -> None:
    one = certificate(with_alternative_names(wrapped(0x30, wrapped(0xA4, b"\x30\x7f"))))
    assert one.fields["subject_alternative_names"] == ["directory:307f"]


def test_one_broken_extension_leaves_the_others() -> None:
    for broken in ("2.5.29.14", "2.5.29.35", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.24"):
        extension = x509.UnrecognizedExtension(ObjectIdentifier(broken), b"\xff\xff")
        der = issue("x", ROOT, names=["a.example"], ca=True, plain=True, extra=[(extension, False)]).der
        one = certificate(der)
        assert one.malformed is not None
        assert one.malformed.startswith("extensions")
        assert one.is_ca
        assert one.fields["subject_alternative_names"] == ["a.example"]


def test_extension_that_is_there_twice() -> None:
    der = issue("x", ROOT, plain=True, ca=True, names=["a.example"]).der
    shape = certificates.Shape(der)
    twice = b"".join(shape.raw(part) for part in (*shape.extensions, *shape.extensions))
    head = der[shape.tbs.start : shape.spki.stop]
    tbs = wrapped(0x30, head + wrapped(0xA3, wrapped(0x30, twice)))
    one = certificate(wrapped(0x30, tbs + shape.signature))
    assert one.malformed is not None
    assert one.is_ca


def patched_name(der: bytes, value: bytes, tag: int) -> bytes:
    """`der` with the subject's common name, "swap me", replaced by a string of another type."""
    return der.replace(b"\x0c\x07swap me", bytes((tag, 7)) + value)


def test_names_that_break_their_types_are_read_nevertheless() -> None:
    der = issue("swap me", ROOT).der
    one = certificate(patched_name(der, b"\xff\xfe swap", 0x0C))
    assert one.fields["subject"] == "CN=\\xff\\xfe swap,O=Tests"
    assert one.malformed is not None
    assert one.fields["issuer"] == "CN=Root,O=Tests"
    assert certificate(patched_name(der, b"\x1b[31mhi", 0x0C)).fields["subject"] == "CN=\\1B[31mhi,O=Tests"


def test_organisation_names_what_has_no_common_name() -> None:
    named = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Only")])
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(named)
        .public_key(key("o").public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(key("o"), hashes.SHA256())
    )
    one = certificate(made.public_bytes(Encoding.DER))
    assert one.issuer_text == "Only"
    assert one.subject_text == "a certificate without a name"
    assert one.fields["subject"] == ""


@pytest.mark.parametrize(
    ("serial", "told"), [(b"\x02\x01\xfb", "-05"), (b"\x02\x01\x00", "00"), (b"\x02\x01\x7f", "7f")]
)
def test_odd_serial_numbers(serial: bytes, told: str) -> None:
    der = FULL.der
    shape = certificates.Shape(der)
    tbs = der[shape.tbs.start : shape.serial.at] + serial + der[shape.serial.stop : shape.tbs.stop]
    one = certificate(wrapped(0x30, wrapped(0x30, tbs) + shape.signature))
    assert one.fields["serial_number"] == told
    assert one.fields["subject"] == "CN=leaf,O=Tests"


def test_dates_that_are_none() -> None:
    one = certificate(FULL.der.replace(b"260221000000Z", b"269921000000Z"))
    assert one.malformed is not None
    assert one.fields["sha256"]
    assert one.fields["subject"] == "CN=leaf,O=Tests"  # by hand: the library takes nothing of it
    assert "not_before" not in one.fields


def test_large_certificate_is_only_hashed() -> None:
    der = FULL.der + bytes(1 << 16)
    one = certificate(der)
    assert set(one.fields) == {"sha256", "bytes", "malformed"}


def test_deeply_nested_der_is_refused_quickly() -> None:
    nested = b""
    for _ in range(12_000):
        nested = wrapped(0x30, nested)
        if len(nested) > 60_000:
            break
    started = time.perf_counter()
    assert certificate(nested).malformed is not None
    assert certificate(with_alternative_names(nested[:50_000])).fields["sha256"]
    assert certificate(with_alternative_names(wrapped(0x30, wrapped(0xA4, nested[-20_000:])))).fields["sha256"]
    assert time.perf_counter() - started < 2


@given(st.binary(max_size=300))
def test_any_bytes_are_described(data: bytes) -> None:
    one = certificate(data)
    assert one.fields["sha256"] == sha256(data).hexdigest()
    assert one.malformed is not None
    json.dumps(one.fields)
    json.dumps(ocsp_response(data))


@given(st.lists(st.tuples(st.integers(0, len(FULL.der) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_certificates_are_described(changes: list[tuple[int, int]]) -> None:
    der = bytearray(FULL.der)
    for at, value in changes:
        der[at] = value
    json.dumps(certificate(bytes(der)).fields)


@given(st.integers(0, len(FULL.der)), st.binary(max_size=8))
def test_cut_certificates_are_described(at: int, more: bytes) -> None:
    json.dumps(certificate(FULL.der[:at] + more).fields)


# timestamps


def sct(version: int = 0) -> bytes:
    body = bytes((version,)) + bytes(32) + (1_700_000_000_000).to_bytes(8, "big") + bytes(2) + b"\4\3\0\2ab"
    return len(body).to_bytes(2, "big") + body


def test_scts() -> None:
    both = sct() + sct(1)
    told = scts(len(both).to_bytes(2, "big") + both)
    assert told == [{"log_id": "00" * 32, "timestamp": "2023-11-14T22:13:20Z"}, {"version": 1}]
    late = b"\0\x2b\0\x29\0" + bytes(32) + b"\xff" * 8
    assert scts(late)[0]["timestamp"] == str((1 << 64) - 1)
    with pytest.raises(Malformed):
        scts(b"\0\5\0")
    with pytest.raises(Malformed, match="1000"):
        scts((3 * 1001).to_bytes(2, "big") + b"\0\1\1" * 1001)


@given(st.binary(max_size=100))
def test_scts_of_any_bytes(data: bytes) -> None:
    try:
        scts(data)
    except Malformed:
        return


def test_embedded_scts_and_policies_tell_a_public_ca() -> None:
    inside = sct()
    value = wrapped(0x04, len(inside).to_bytes(2, "big") + inside)
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), value)
    one = certificate(issue("x", ROOT, extra=[(extension, False)]).der)
    assert one.fields["scts"] == 1
    assert one.publicly_issued
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\4\3\0\5\0")
    one = certificate(issue("x", ROOT, extra=[(extension, False)]).der)
    assert one.malformed is not None
    policy = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("2.23.140.1.2.1"), None)])
    assert certificate(issue("x", ROOT, extra=[(policy, False)]).der).publicly_issued
    assert not certificate(FULL.der).publicly_issued


# staples


def staple(status: ocsp.OCSPCertStatus, by_name: bool = True, ending: bool = True) -> bytes:
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=FULL.made,
        issuer=ROOT.made,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=NOW.replace(tzinfo=None),
        next_update=(NOW + DAY).replace(tzinfo=None) if ending else None,
        revocation_time=NOW.replace(tzinfo=None) if revoked else None,
        revocation_reason=None,
    )
    kind = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    return builder.responder_id(kind, ROOT.made).sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_staples() -> None:
    told = ocsp_response(staple(ocsp.OCSPCertStatus.GOOD))
    produced = datetime.fromisoformat(told.pop("produced_at"))
    assert abs(produced - datetime.now(UTC)) < timedelta(days=1)
    assert told.pop("bytes") > 100
    assert told == {
        "response_status": "successful",
        "certificate_status": "good",
        "this_update": "2026-06-01T00:00:00Z",
        "next_update": "2026-06-02T00:00:00Z",
        "responder": "CN=Root,O=Tests",
        "serial_number": certificate(FULL.der).fields["serial_number"],
    }
    told = ocsp_response(staple(ocsp.OCSPCertStatus.REVOKED, by_name=False, ending=False))
    assert told["certificate_status"] == "revoked"
    assert told["revoked_at"] == "2026-06-01T00:00:00Z"
    assert told["responder"].startswith("key ")
    assert "next_update" not in told


def test_staples_without_an_answer() -> None:
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    assert ocsp_response(later) == {"bytes": len(later), "response_status": "try_later"}
    assert "malformed" in ocsp_response(b"\x30\0")
    assert "malformed" in ocsp_response(bytes(1 << 17))


@given(st.integers(0, 400), st.integers(0, 255))
def test_changed_staples(at: int, value: int) -> None:
    data = bytearray(STAPLE)
    data[at % len(data)] = value
    json.dumps(ocsp_response(bytes(data)))


STAPLE = staple(ocsp.OCSPCertStatus.GOOD)


# compression


def squeezed(algorithm: int, plain: bytes) -> bytes:
    if algorithm == certificates.ZLIB:
        return zlib.compress(plain)
    if algorithm == certificates.BROTLI:
        return bytes(brotli.compress(plain))
    return zstandard.ZstdCompressor().compress(plain)


@pytest.mark.parametrize("algorithm", [certificates.ZLIB, certificates.BROTLI, certificates.ZSTD])
def test_decompress(algorithm: int) -> None:
    plain = FULL.der * 20
    data = squeezed(algorithm, plain)
    assert decompress(algorithm, data, len(plain)) == plain
    for wrong in (len(plain) - 1, len(plain) + 1):
        with pytest.raises(Malformed, match="announced"):
            decompress(algorithm, data, wrong)
    for broken in (b"", b"\xff" * 50, data[: len(data) // 2]):
        with pytest.raises(Malformed):
            decompress(algorithm, broken, len(plain))


@given(st.integers(0, 4), st.binary(max_size=200), st.integers(0, 1 << 24))
def test_any_bytes_decompress_or_are_malformed(algorithm: int, data: bytes, size: int) -> None:
    try:
        assert len(decompress(algorithm, data, size)) == size
    except Malformed:
        return


def test_what_is_refused_unread() -> None:
    with pytest.raises(Malformed, match="not known"):
        decompress(9, b"", 1)
    with pytest.raises(Malformed, match="at most 1048576"):
        decompress(certificates.ZLIB, b"", 1 << 24)


def bomb(algorithm: int, blocks: int = 1024) -> bytes:
    """A mebibyte of zeros, `blocks` times over, compressed."""
    zeros = bytes(1 << 20)
    if algorithm == certificates.ZLIB:
        packer = zlib.compressobj(1)
        return b"".join(packer.compress(zeros) for _ in range(blocks)) + packer.flush()
    if algorithm == certificates.BROTLI:
        shrinker = brotli.Compressor(quality=1)
        return b"".join(shrinker.process(zeros) for _ in range(blocks)) + bytes(shrinker.finish())
    writer = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join(writer.compress(zeros) for _ in range(blocks)) + writer.flush()


@pytest.mark.parametrize("algorithm", [certificates.ZLIB, certificates.BROTLI, certificates.ZSTD])
def test_bombs_cost_what_is_announced(algorithm: int) -> None:
    data = bomb(algorithm)
    spent: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        with pytest.raises(Malformed, match="more came"):
            decompress(algorithm, data, 10_000)
        spent.append(time.perf_counter() - started)
    assert min(spent) < 0.05
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="more came"):
            decompress(algorithm, data, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_zstd_window_is_bounded() -> None:
    far = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    wide = zstandard.ZstdCompressor(compression_params=far).compressobj()
    data = wide.compress(bytes(1000)) + wide.flush()
    with pytest.raises(Malformed):
        decompress(certificates.ZSTD, data, 1000)
