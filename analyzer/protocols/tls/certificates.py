"""What a certificate says, as JSON-ready fields and as what judgments need (RFC 5280); OCSP staples, SCT lists and
compressed certificates (RFC 6960, RFC 6962, RFC 8879).

Every certificate is described once and kept by its bytes: captures show the same few again and again.
"""

from __future__ import annotations

import warnings
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from analyzer import core
from analyzer.core import Malformed, Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography import x509

MAX_CERTIFICATE_BYTES: Final = 1 << 16  # of one certificate or OCSP response; of larger ones only the hash is told
MAX_KEPT: Final = 2048  # descriptions kept; twice that at most
MAX_KEPT_BYTES: Final = 8 << 20  # of their DER; twice that at most
MAX_NAME_CHARACTERS: Final = 1024  # of a subject or an issuer
LARGE_BYTES: Final = 8192  # a certificate beyond it may grow far beyond its size when read, and is kept less readily
MAX_NAMES: Final = 100  # subject alternative names listed
MAX_MATCHED: Final = 2000  # subject alternative names that are matched
MAX_NAME_TEXT: Final = 256  # characters of one of them
MAX_LISTED: Final = 20  # addresses, usages and SCTs listed
MAX_EXTENSIONS: Final = 64  # taken one by one when they can't be read together
MAX_INFLATED_BYTES: Final = 1 << 20  # of a compressed Certificate message
MAX_WINDOW_BYTES: Final = 8 << 20  # of zstd, RFC 8878 §3.1.1.1.2

MIN_RSA_BITS: Final = 2048  # RFC 9325 §4.5
MIN_EC_BITS: Final = 224

#: Compression algorithms, RFC 8879 §7.3.
ZLIB: Final = 1
BROTLI: Final = 2
ZSTD: Final = 3

#: Names of signature algorithms: RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 9881.
SIGNATURES: Final = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.3.14.3.2.29": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10040.4.3": "dsa-with-SHA1",
    "2.16.840.1.101.3.4.3.1": "dsa-with-SHA224",
    "2.16.840.1.101.3.4.3.2": "dsa-with-SHA256",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
#: Names of public keys that have no size to tell.
KEYS: Final = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
}
USAGES: Final = (  # of the key, RFC 5280 §4.2.1.3
    ("digitalSignature", "digital_signature"),
    ("nonRepudiation", "content_commitment"),
    ("keyEncipherment", "key_encipherment"),
    ("dataEncipherment", "data_encipherment"),
    ("keyAgreement", "key_agreement"),
    ("keyCertSign", "key_cert_sign"),
    ("cRLSign", "crl_sign"),
)
PURPOSES: Final = {  # RFC 5280 §4.2.1.12
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}
ATTRIBUTES: Final = {  # of names, RFC 4514 §3; used where a name can't be read by the library
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}

# Extensions read here from their bytes: whatever strings they hold, they are read.
SUBJECT_ALTERNATIVE_NAMES: Final = b"\x55\x1d\x11"
CERTIFICATE_POLICIES: Final = b"\x55\x1d\x20"
EMBEDDED_SCTS: Final = b"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"
#: 2.23.140.1.2: the policies that only publicly trusted CAs write into certificates of servers.
PUBLIC_POLICY: Final = b"\x67\x81\x0c\x01\x02"

# DER, X.690 §8.
SEQUENCE: Final = 0x30
SET: Final = 0x31
OCTET_STRING: Final = 0x04
OID: Final = 0x06
VERSION: Final = 0xA0
EXTENSIONS: Final = 0xA3
GENERAL_NAMES: Final = {0x81: "email:", 0x82: "", 0x86: "uri:"}  # RFC 5280 §4.2.1.6
IP_ADDRESS: Final = 0x87
DIRECTORY_NAME: Final = 0xA4


T = TypeVar("T")


class Recent(Generic[T]):
    """Values by key, of which about the last used `count` (and `size` bytes) are kept."""

    __slots__ = ("_bytes", "_count", "_older", "_size", "_young")

    def __init__(self, count: int, size: int = 1 << 62) -> None:
        self._count = count
        self._size = size
        self._bytes = 0
        self._young: dict[object, T] = {}
        self._older: dict[object, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._older)

    def get(self, key: object, size: int = 0) -> T | None:
        """The value of `key`; `size` is the one that it was put with."""
        found = self._young.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self.put(key, found, size)
        return found

    def put(self, key: object, value: T, size: int = 0) -> None:
        """Keep `value`.  Two generations: when the young one is full it becomes the old one, which is forgotten."""
        if len(self._young) >= self._count or self._bytes + size > self._size:
            self._older = self._young
            self._young = {}
            self._bytes = 0
        self._young[key] = value
        self._bytes += size


class Certificate:
    """One certificate.  `fields` is what is told of it: shared by all who ask, to be read only.

    `malformed` says why (a part of) it can't be read; what could be read is there nevertheless.  Times are ns since
    1970, both 0 where they can't be read.  Names are raw DER for comparing.  `dns_names` are in lower case.
    """

    __slots__ = (
        "addresses",
        "authority_key_id",
        "ca_issuers",
        "common_name",
        "dns_names",
        "extended_key_usage",
        "fields",
        "is_ca",
        "issuer_raw",
        "issuer_text",
        "key_id",
        "key_usage",
        "loaded",
        "malformed",
        "must_staple",
        "not_after_ns",
        "not_before_ns",
        "path_length",
        "publicly_issued",
        "self_issued",
        "sha256",
        "spki_sha256",
        "subject_raw",
        "subject_text",
        "weaknesses",
    )

    def __init__(self, digest: str) -> None:
        self.sha256 = digest
        self.fields: dict[str, Value] = {"sha256": digest}
        self.malformed: str | None = None
        self.loaded: x509.Certificate | None = None
        self.not_before_ns = 0
        self.not_after_ns = 0
        self.subject_raw = b""
        self.issuer_raw = b""
        self.subject_text = ""  # how a person names it: its first DNS name, else its common name, else its subject
        self.issuer_text = ""  # likewise: the issuer's common name or organisation
        self.common_name: str | None = None
        self.spki_sha256 = ""
        self.dns_names: frozenset[str] = frozenset()
        self.addresses: frozenset[bytes] = frozenset()  # packed
        self.is_ca = False
        self.path_length: int | None = None
        self.key_usage: tuple[str, ...] | None = None  # None: the extension is absent, all is allowed
        self.extended_key_usage: tuple[str, ...] | None = None
        self.key_id: str | None = None
        self.authority_key_id: str | None = None
        self.ca_issuers: tuple[str, ...] = ()
        self.must_staple = False
        self.self_issued = False
        self.publicly_issued = False  # signs of a publicly trusted CA: SCTs inside, or a policy of the CA/Browser Forum
        self.weaknesses: tuple[str, ...] = ()

    def wrong(self, part: str, why: str) -> None:
        """Note that `part` can't be read."""
        if self.malformed is None:
            self.malformed = f"{part}: {printable(why, 200)}"
            self.fields["malformed"] = self.malformed


_KEPT: Final[Recent[Certificate]] = Recent(MAX_KEPT, MAX_KEPT_BYTES)


def certificate(der: bytes) -> Certificate:
    """The description of a certificate, the same object for the same bytes.  Any bytes give one, nothing is raised."""
    weight = len(der) if len(der) <= LARGE_BYTES else 16 * len(der)
    found = _KEPT.get(der, weight)
    if found is None:
        found = Certificate(sha256(der).hexdigest())
        if len(der) > MAX_CERTIFICATE_BYTES:
            found.fields["bytes"] = len(der)
            found.wrong("certificate", f"{len(der)} bytes, more than {MAX_CERTIFICATE_BYTES} are not looked into")
            return found  # not kept: its bytes are worth more than what is known of it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _describe(found, der)
        _KEPT.put(der, found, weight)
    return found


# --- DER --------------------------------------------------------------------------------------------------------------


class Element:
    """A tag, where its header starts, and where its content starts and stops."""

    __slots__ = ("at", "start", "stop", "tag")

    def __init__(self, tag: int, at: int, start: int, stop: int) -> None:
        self.tag = tag
        self.at = at
        self.start = start
        self.stop = stop


def element(data: bytes, at: int, stop: int) -> Element:
    """The DER element at `at`, which has to end at `stop` or before; raises `Malformed`."""
    if at + 2 > stop:
        raise Malformed(f"an element is cut short at byte {at}")
    tag, size, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise Malformed(f"a tag of several bytes at byte {at}")
    if size >= 0x80:
        more = size & 0x7F
        if not 1 <= more <= 4:
            raise Malformed(f"a length that is not DER at byte {at}")
        size = int.from_bytes(data[start : start + more], "big")
        start += more
    if start + size > stop:
        raise Malformed(f"an element of {size} bytes at byte {at} is longer than what holds it")
    return Element(tag, at, start, start + size)


def elements(data: bytes, start: int, stop: int, most: int = 1 << 15) -> list[Element]:
    """The elements of `data[start:stop]`, at most `most`; raises `Malformed`."""
    found: list[Element] = []
    at = start
    for _ in range(most):
        if at >= stop:
            break
        found.append(element(data, at, stop))
        at = found[-1].stop
    return found


def _wrapped(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes((size,)) if size < 0x80 else b"\x83" + size.to_bytes(3, "big")
    if 0x80 <= size < 0x100:
        length = bytes((0x81, size))
    elif 0x100 <= size < 0x10000:
        length = b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


class Shape:
    """Where the parts of a certificate are (RFC 5280 §4.1), read without looking into them; raises `Malformed`."""

    __slots__ = ("der", "extensions", "issuer", "serial", "signature", "spki", "subject", "tbs", "validity")

    def __init__(self, der: bytes) -> None:
        outer = element(der, 0, len(der))
        parts = elements(der, outer.start, outer.stop, 4)
        if outer.tag != SEQUENCE or len(parts) < 3 or parts[0].tag != SEQUENCE:
            raise Malformed("not a certificate")
        inner = elements(der, parts[0].start, parts[0].stop, 12)
        if inner and inner[0].tag == VERSION:
            del inner[0]
        if len(inner) < 6:
            raise Malformed("not a certificate")
        self.der = der
        self.tbs = parts[0]
        self.signature = der[parts[1].at : outer.stop]  # its algorithm and its value
        self.serial = inner[0]
        self.issuer = inner[2]
        self.validity = inner[3]
        self.subject = inner[4]
        self.spki = inner[5]
        self.extensions: list[Element] = []
        for part in inner[6:]:
            if part.tag == EXTENSIONS:
                listed = element(der, part.start, part.stop)
                self.extensions = elements(der, listed.start, listed.stop, MAX_EXTENSIONS)

    def raw(self, part: Element) -> bytes:
        return self.der[part.at : part.stop]

    def extension(self, identifier: bytes) -> bytes | None:
        """The value of the extension with this (encoded) object identifier."""
        for part in self.extensions:
            inner = elements(self.der, part.start, part.stop, 3)
            if inner and inner[0].tag == OID and self.der[inner[0].start : inner[0].stop] == identifier:
                value = inner[-1]
                return self.der[value.start : value.stop] if value.tag == OCTET_STRING else None
        return None

    def alone(self, extension: Element) -> bytes:
        """The certificate with `extension` as its only one: so a broken one doesn't spoil the others."""
        listed = _wrapped(EXTENSIONS, _wrapped(SEQUENCE, self.raw(extension)))
        return _wrapped(
            SEQUENCE, _wrapped(SEQUENCE, self.der[self.tbs.start : self.spki.stop] + listed) + self.signature
        )


# --- text -------------------------------------------------------------------------------------------------------------


def printable(text: str, most: int) -> str:
    r"""`text` with what doesn't print as `\XX` (RFC 4514 §2.4), cut after `most` characters."""
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(
            letter if letter.isprintable() else "".join(f"\\{byte:02X}" for byte in letter.encode("utf-8", "replace"))
            for letter in cut
        )
    return cut if len(text) <= most else f"{cut}… ({len(text)} characters)"


def _name_by_hand(der: bytes, name: Element) -> str:
    """A name whose strings break their types, written as RFC 4514 does."""
    found: list[str] = []
    for relative in elements(der, name.start, name.stop, 100):
        both = elements(der, relative.start, relative.stop, 1)
        pair = elements(der, both[0].start, both[0].stop, 2) if both else []
        if len(pair) == 2:
            kind = der[pair[0].start : pair[0].stop]
            label = ATTRIBUTES.get(kind, f"OID.{kind.hex()}")
            found.append(f"{label}={der[pair[1].start : pair[1].stop].decode('utf-8', 'backslashreplace')}")
    return ",".join(reversed(found))


def moment(when: datetime) -> str:
    """A time (UTC) as ISO 8601, to the second."""
    return f"{when.isoformat()[:19]}Z"


def nanoseconds(when: datetime) -> int:
    """A time (with its zone) as ns since 1970."""
    return int(when.timestamp()) * 1_000_000_000


# --- the certificate --------------------------------------------------------------------------------------------------


def _describe(found: Certificate, der: bytes) -> None:
    from cryptography import x509

    fields = found.fields
    shape: Shape | None = None
    try:
        shape = Shape(der)
    except Malformed as why:
        found.wrong("certificate", str(why))
    if shape is not None:
        found.subject_raw = shape.raw(shape.subject)
        found.issuer_raw = shape.raw(shape.issuer)
        found.self_issued = found.subject_raw == found.issuer_raw
        found.spki_sha256 = sha256(shape.raw(shape.spki)).hexdigest()
    try:
        found.loaded = x509.load_der_x509_certificate(der)
    except Exception as refused:
        found.wrong("certificate", str(refused))
    loaded = found.loaded
    _names(found, loaded, shape)
    if loaded is not None:
        _validity(found, loaded)
    if shape is not None:
        _alternative_names(found, shape)
        fields.setdefault("subject_alternative_names", [])
    if loaded is not None:
        _key(found, loaded)
        _signature(found, loaded)
        fields["is_ca"] = False
        if shape is not None:
            _extensions(found, loaded, shape)
        fields["self_issued"] = found.self_issued
    fields["bytes"] = len(der)
    if not found.subject_text:
        found.subject_text = found.common_name or fields.get("subject") or "a certificate without a name"


def _names(found: Certificate, loaded: x509.Certificate | None, shape: Shape | None) -> None:
    fields = found.fields
    for part in ("subject", "issuer"):
        text = ""
        short = ""
        try:
            if loaded is None:
                raise Malformed("unread")
            name = loaded.subject if part == "subject" else loaded.issuer
            text = name.rfc4514_string()
            short = _short(name)
        except Exception as why:
            if loaded is not None:
                found.wrong(part, str(why))
            if shape is None:
                continue
            try:
                text = short = _name_by_hand(shape.der, shape.subject if part == "subject" else shape.issuer)
            except Malformed:
                continue
        fields[part] = printable(text, MAX_NAME_CHARACTERS)
        if part == "issuer":
            found.issuer_text = printable(short or text, MAX_NAME_TEXT)
        elif loaded is not None and short:
            found.common_name = printable(short, MAX_NAME_TEXT)
    if shape is not None:
        digits = shape.der[shape.serial.start : shape.serial.stop][:64]
        number = int.from_bytes(digits, "big", signed=True)
        text = f"{abs(number):x}"
        text = f"0{text}" if len(text) % 2 else text
        fields["serial_number"] = f"-{text}" if number < 0 else text


def _short(name: x509.Name) -> str:
    """The common name of a name, else its unit or organisation, else nothing."""
    from cryptography.x509.oid import NameOID

    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        values = name.get_attributes_for_oid(kind)
        if values and isinstance(values[-1].value, str):
            return values[-1].value
    return ""


def _validity(found: Certificate, loaded: x509.Certificate) -> None:
    try:
        not_before, not_after = loaded.not_valid_before_utc, loaded.not_valid_after_utc
        found.not_before_ns, found.not_after_ns = nanoseconds(not_before), nanoseconds(not_after)
        found.fields["not_before"], found.fields["not_after"] = moment(not_before), moment(not_after)
    except Exception as why:
        found.wrong("validity", str(why))


def _alternative_names(found: Certificate, shape: Shape) -> None:
    """Names that the certificate is for: DNS names and addresses plain, others with what they are before them."""
    try:
        value = shape.extension(SUBJECT_ALTERNATIVE_NAMES)
        if value is None:
            return
        outer = element(value, 0, len(value))
        parts = elements(value, outer.start, outer.stop)
    except Malformed as why:
        found.wrong("subject_alternative_names", str(why))
        return
    listed: list[Value] = []
    names: set[str] = set()
    addresses: set[bytes] = set()
    for part in parts[:MAX_MATCHED]:
        raw = value[part.start : part.stop]
        if part.tag in GENERAL_NAMES:
            text = raw.decode("ascii", "backslashreplace")
            if part.tag == 0x82:
                names.add(text.lower())
                found.subject_text = found.subject_text or printable(text, MAX_NAME_TEXT)
            text = GENERAL_NAMES[part.tag] + printable(text, MAX_NAME_TEXT)
        elif part.tag == IP_ADDRESS and len(raw) in (4, 16):
            addresses.add(raw)
            text = str(ip_address(raw))
        elif part.tag == DIRECTORY_NAME:
            try:
                text = f"directory:{printable(_name_by_hand(value, element(value, part.start, part.stop)), 256)}"
            except Malformed:
                text = f"directory:{raw[:32].hex()}"
        else:
            text = f"other-{part.tag & 0x1F}:{raw[:32].hex()}"
        if len(listed) < MAX_NAMES:
            listed.append(text)
    found.dns_names = frozenset(names)
    found.addresses = frozenset(addresses)
    found.fields["subject_alternative_names"] = listed
    if len(parts) > MAX_NAMES:
        found.fields["subject_alternative_names_count"] = len(parts)


def _key(found: Certificate, loaded: x509.Certificate) -> None:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    weak: list[str] = []
    told: dict[str, Value]
    try:
        key = loaded.public_key()
    except Exception as why:
        told = {"type": "unknown"}
        try:
            kind = loaded.public_key_algorithm_oid.dotted_string
            told = {"type": KEYS.get(kind) or SIGNATURES.get(kind, kind)}
            if kind in KEYS:
                found.wrong("public_key", str(why))
        except Exception:
            found.wrong("public_key", str(why))
        found.fields["public_key"] = told
        return
    if isinstance(key, rsa.RSAPublicKey):
        told = {"type": "RSA", "bits": key.key_size}
        if key.key_size < MIN_RSA_BITS:
            weak.append(f"an RSA key of {key.key_size} bits")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        told = {"type": "EC", "bits": key.key_size, "curve": key.curve.name}
        if key.key_size < MIN_EC_BITS:
            weak.append(f"an EC key of {key.key_size} bits")
    elif isinstance(key, dsa.DSAPublicKey):
        told = {"type": "DSA", "bits": key.key_size}
        weak.append("a DSA key")
    else:
        kind = type(key).__name__.removesuffix("PublicKey")
        told = {"type": f"ML-DSA-{kind[5:]}" if kind.startswith("MLDSA") else kind}
    found.fields["public_key"] = told
    found.weaknesses = tuple(weak)


def _signature(found: Certificate, loaded: x509.Certificate) -> None:
    try:
        kind = loaded.signature_algorithm_oid.dotted_string
        name = SIGNATURES.get(kind, kind)
        if name == "RSASSA-PSS" and loaded.signature_hash_algorithm is not None:
            name = f"RSASSA-PSS with {loaded.signature_hash_algorithm.name}"
    except Exception as why:
        found.wrong("signature_algorithm", str(why))
        return
    found.fields["signature_algorithm"] = name
    lower = name.lower()
    if not found.self_issued:  # nobody checks the signature of a root
        for broken in ("md2", "md5", "sha1"):
            if broken in lower:
                found.weaknesses = (*found.weaknesses, f"a signature with {broken.upper().replace('SHA1', 'SHA-1')}")


def _extensions(found: Certificate, loaded: x509.Certificate, shape: Shape) -> None:
    from cryptography import x509

    values: list[x509.ExtensionType] = []
    try:
        values = [extension.value for extension in loaded.extensions]
    except Exception as why:
        found.wrong("extensions", str(why))
        for part in shape.extensions:
            try:
                alone = x509.load_der_x509_certificate(shape.alone(part)).extensions
                values += [extension.value for extension in alone]
            except Exception:
                continue
    for value in values:
        try:
            _extension(found, value)
        except Exception as why:
            found.wrong("extensions", str(why))
    try:
        policies = shape.extension(CERTIFICATE_POLICIES)
        found.publicly_issued = policies is not None and PUBLIC_POLICY in policies
        timestamps = shape.extension(EMBEDDED_SCTS)
        if timestamps is not None:
            inner = element(timestamps, 0, len(timestamps))
            found.fields["scts"] = len(scts(timestamps[inner.start : inner.stop]))
            found.publicly_issued = found.publicly_issued or found.fields["scts"] > 0
    except Malformed as broken:
        found.wrong("scts", str(broken))


def _extension(found: Certificate, value: x509.ExtensionType) -> None:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    fields = found.fields
    if isinstance(value, x509.BasicConstraints):
        found.is_ca = value.ca
        found.path_length = value.path_length
        fields["is_ca"] = value.ca
        if value.path_length is not None:
            fields["path_length"] = value.path_length
    elif isinstance(value, x509.KeyUsage):
        found.key_usage = tuple(name for name, attribute in USAGES if getattr(value, attribute))
        fields["key_usage"] = list(found.key_usage)
    elif isinstance(value, x509.ExtendedKeyUsage):
        found.extended_key_usage = tuple(
            PURPOSES.get(purpose.dotted_string, purpose.dotted_string) for purpose in list(value)[:MAX_LISTED]
        )
        fields["extended_key_usage"] = list(found.extended_key_usage)
    elif isinstance(value, x509.SubjectKeyIdentifier):
        found.key_id = value.digest[:64].hex()
        fields["subject_key_identifier"] = found.key_id
    elif isinstance(value, x509.AuthorityKeyIdentifier):
        if value.key_identifier is not None:
            found.authority_key_id = value.key_identifier[:64].hex()
            fields["authority_key_identifier"] = found.authority_key_id
    elif isinstance(value, x509.TLSFeature):
        if x509.TLSFeatureType.status_request in list(value):
            found.must_staple = fields["must_staple"] = True
    elif isinstance(value, x509.AuthorityInformationAccess):
        places: dict[str, list[str]] = {"ca_issuers": [], "ocsp": []}
        for access in list(value)[:MAX_LISTED]:
            if isinstance(access.access_location, x509.UniformResourceIdentifier):
                issuers = access.access_method == AuthorityInformationAccessOID.CA_ISSUERS
                ocsp = access.access_method == AuthorityInformationAccessOID.OCSP
                if issuers or ocsp:
                    url = printable(access.access_location.value, MAX_NAME_TEXT)
                    places["ca_issuers" if issuers else "ocsp"].append(url)
        found.ca_issuers = tuple(places["ca_issuers"])
        for name, urls in places.items():
            if urls:
                fields[name] = urls


# --- staples and timestamps -------------------------------------------------------------------------------------------


def ocsp_response(der: bytes) -> dict[str, Value]:
    """What an OCSP response says (RFC 6960 §4.2): its first answer, its times, who signed it.

    `malformed` says what can't be read; nothing is raised.
    """
    told: dict[str, Value] = {"bytes": len(der)}
    if len(der) > MAX_CERTIFICATE_BYTES:
        told["malformed"] = f"{len(der)} bytes, more than {MAX_CERTIFICATE_BYTES} are not looked into"
        return told
    from cryptography.x509 import ocsp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            response = ocsp.load_der_ocsp_response(der)
            told["response_status"] = response.response_status.name.lower()
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                return told
            single = next(iter(response.responses), None)
        except Exception as why:
            told["malformed"] = printable(str(why), 200)
            return told
        parts: list[tuple[str, Callable[[], Value]]] = [
            ("produced_at", lambda: moment(response.produced_at_utc)),
            ("responder", lambda: _responder(response)),
        ]
        if single is not None:
            answer = single
            parts += [
                ("certificate_status", lambda: answer.certificate_status.name.lower()),
                ("this_update", lambda: moment(answer.this_update_utc)),
                ("next_update", lambda: None if answer.next_update_utc is None else moment(answer.next_update_utc)),
                (
                    "revoked_at",
                    lambda: None if answer.revocation_time_utc is None else moment(answer.revocation_time_utc),
                ),
                ("serial_number", lambda: _hex(answer.serial_number)),
            ]
        for name, read in parts:
            try:
                value = read()
            except Exception as why:
                told.setdefault("malformed", f"{name}: {printable(str(why), 200)}")
                continue
            if value is not None:
                told[name] = value
    return told


def _responder(response: object) -> str | None:
    from cryptography.x509 import ocsp

    if not isinstance(response, ocsp.OCSPResponse):
        return None
    if response.responder_name is not None:
        return printable(response.responder_name.rfc4514_string(), MAX_NAME_CHARACTERS)
    return None if response.responder_key_hash is None else f"key {response.responder_key_hash[:64].hex()}"


def _hex(number: int) -> str:
    text = f"{abs(number):x}"
    text = f"0{text}" if len(text) % 2 else text
    return f"-{text}" if number < 0 else text


def scts(data: bytes) -> list[dict[str, Value]]:
    """The entries of a SignedCertificateTimestampList (RFC 6962 §3.3): `log_id` (hex) and `timestamp`.

    An entry of another version has `version` only.  Raises `Malformed`.
    """
    reader = core.Reader(core.Piece(data, []))
    found: list[dict[str, Value]] = []
    listed = reader.sub("sct_list", reader.uint("length", 2))
    for index in listed.each("sct_list"):
        entry = listed.sub("sct", listed.uint("length", 2))
        if index >= 1000:
            raise Malformed("sct_list: more than 1000 entries")
        version = entry.uint("version", 1)
        if version:
            found.append({"version": version})
            continue
        log = entry.raw("id", 32)
        found.append({"log_id": log.hex(), "timestamp": _milliseconds(entry.uint("timestamp", 8))})
    return found


def _milliseconds(number: int) -> str:
    """Milliseconds since 1970 as ISO 8601; the number itself where no calendar goes so far."""
    from datetime import UTC, datetime, timedelta

    try:
        return f"{(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)).isoformat()[:19]}Z"
    except OverflowError:
        return str(number)


# --- compressed certificates ------------------------------------------------------------------------------------------


def decompress(algorithm: int, data: bytes, uncompressed_length: int, limit: int = MAX_INFLATED_BYTES) -> bytes:
    """The Certificate message inside a CompressedCertificate (RFC 8879 §4); raises `Malformed`.

    More than `limit` bytes are refused unread; memory and time are bounded by it, not by what the data would become.
    """
    name = {ZLIB: "zlib", BROTLI: "brotli", ZSTD: "zstd"}.get(algorithm)
    if name is None:
        raise Malformed(f"compression algorithm {algorithm} is not known (RFC 8879 §7.3)")
    if uncompressed_length > limit:
        raise Malformed(f"{uncompressed_length} bytes uncompressed, at most {limit} are taken")
    most = uncompressed_length + 1  # one byte more tells that there is more
    try:
        plain = _inflated(algorithm, data, most)
    except Malformed:
        raise
    except Exception as why:
        raise Malformed(f"{name}: {printable(str(why), 200)}") from None
    if len(plain) != uncompressed_length:
        more = "more" if len(plain) > uncompressed_length else f"only {len(plain)}"
        raise Malformed(f"{name}: {uncompressed_length} bytes announced, {more} came (RFC 8879 §4)")
    return plain


def _inflated(algorithm: int, data: bytes, most: int) -> bytes:
    if algorithm == ZLIB:
        import zlib

        return zlib.decompressobj().decompress(data, most)
    if algorithm == BROTLI:
        import brotli  # type: ignore[import-untyped]

        return bytes(brotli.Decompressor().process(data, output_buffer_limit=most))
    import zstandard

    with zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(data) as reader:
        return reader.read(most)
