"""Makes TLS for the captures: hellos, certificates and records, by hand and always the same.

No key exchange takes place: the shares are only there to be seen, and the traffic secrets of TLS 1.3 are made up.  The
records under them are sealed as the RFC says, so a key log with these secrets opens them.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from captures.maker import Capture, Talk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME: Final = "shop.example"
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)  # as the captures have it
DAY: Final = timedelta(days=1)
RTT_S: Final = 0.02
MSS: Final = 1460

# Content types.
CCS: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
DATA: Final = 23

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
SUITES_13: Final = (0x1301, 0x1302, 0x1303)
SUITES_12: Final = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8)
SUITES_OLD: Final = (0xC013, 0xC014, 0x002F, 0x0035)
GROUPS: Final = (29, 23, 24)
SCHEMES: Final = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501)
MLKEM: Final = 0x11EC  # X25519MLKEM768
SHARE_BYTES: Final = {29: 32, 23: 65, 24: 97, MLKEM: 1216, 0x0A0A: 1}
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def noise(name: str, size: int) -> bytes:
    """`size` bytes that look random, the same for each name."""
    return hashlib.shake_256(name.encode()).digest(size)


def u8(value: int) -> bytes:
    return struct.pack(">B", value)


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def vector(prefix: int, data: bytes) -> bytes:
    """`data` with its length before it, in `prefix` bytes."""
    return len(data).to_bytes(prefix, "big") + data


# --- hellos -----------------------------------------------------------------------------------------------------------


def message(kind: int, body: bytes) -> bytes:
    return u8(kind) + vector(3, body)


def record(kind: int, content: bytes, version: int = TLS12) -> bytes:
    return u8(kind) + u16(version) + vector(2, content)


def handshake(*messages: bytes, version: int = TLS12) -> bytes:
    """One record with these messages, or several where they don't fit."""
    content = b"".join(messages)
    return b"".join(record(HANDSHAKE, content[at : at + 16384], version) for at in range(0, len(content), 16384))


def extension(kind: int, data: bytes = b"") -> bytes:
    return u16(kind) + vector(2, data)


def shares(groups: Iterable[int]) -> bytes:
    parts = (u16(group) + vector(2, noise(f"share {group}", SHARE_BYTES[group])) for group in groups)
    return vector(2, b"".join(parts))


def client_hello(
    *,
    random: bytes | None = None,
    version: int = TLS12,
    versions: Sequence[int] = (TLS13, TLS12),
    suites: Sequence[int] = (*SUITES_13, *SUITES_12),
    name: str | None = NAME,
    alpn: Sequence[str] = ("h2", "http/1.1"),
    groups: Sequence[int] = GROUPS,
    share: Sequence[int] = (29,),
    schemes: Sequence[int] = SCHEMES,
    status: bool = True,
    renegotiation: bool = True,
    psk: bytes = b"",
    early: bool = False,
    cookie: bytes = b"",
    more: bytes = b"",
    first: bytes = b"",
    who: str = "",
) -> bytes:
    """A ClientHello as browsers send it; without `versions` one of TLS 1.2 or older."""
    new = TLS13 in versions
    parts = [first]
    if name is not None:
        parts.append(extension(0, vector(2, u8(0) + vector(2, name.encode()))))
    parts.append(extension(23))
    if renegotiation:
        parts.append(extension(0xFF01, b"\0"))
    parts.append(extension(10, vector(2, u16(*groups))))
    parts.append(extension(11, vector(1, b"\0")))
    if alpn:
        parts.append(extension(16, vector(2, b"".join(vector(1, one.encode()) for one in alpn))))
    if status:
        parts.append(extension(5, b"\1\0\0\0\0"))
    parts.append(extension(13, vector(2, u16(*schemes))))
    if versions:
        parts.append(extension(43, vector(1, u16(*versions))))
    if new:
        parts.append(extension(45, b"\1\1"))
        parts.append(extension(51, shares(share)))
    if cookie:
        parts.append(extension(44, vector(2, cookie)))
    if early:
        parts.append(extension(42))
    parts.append(more)
    if psk:
        identity = vector(2, vector(2, psk) + b"\0\0\0\1")
        parts.append(extension(41, identity + vector(2, vector(1, noise("binder", 32)))))
    body = u16(version) + (random or noise(f"client random {who}", 32))
    body += vector(1, noise("session", 32) if new else b"")
    body += vector(2, u16(*suites)) + b"\1\0" + vector(2, b"".join(parts))
    return message(1, body)


def server_hello(
    suite: int = 0xC02B,
    *,
    version: int = TLS12,
    random: bytes | None = None,
    renegotiation: bool = True,
    alpn: str = "",
    status: bool = False,
    group: int = 29,
    psk: bool = False,
    retry: bool = False,
) -> bytes:
    """A ServerHello; of TLS 1.3 (or a HelloRetryRequest) with the share of `group`."""
    parts = []
    if version == TLS13:
        share = u16(group) if retry else u16(group) + vector(2, noise("server share", SHARE_BYTES[group]))
        parts += [extension(43, u16(TLS13)), extension(51, share)]
        if psk:
            parts.append(extension(41, b"\0\0"))
    else:
        if renegotiation:
            parts.append(extension(0xFF01, b"\0"))
        if alpn:
            parts.append(extension(16, vector(2, vector(1, alpn.encode()))))
        if status:
            parts.append(extension(5))
    if retry:
        random = RETRY_RANDOM
    body = u16(min(version, TLS12)) + (random or noise("server random", 32))
    body += vector(1, noise("session", 32)) + u16(suite) + b"\0"
    return message(2, body + (vector(2, b"".join(parts)) if parts else b""))


def certificate_12(*chain: bytes) -> bytes:
    return message(11, vector(3, b"".join(vector(3, one) for one in chain)))


def certificate_13(*chain: bytes, staple: bytes = b"") -> bytes:
    first = extension(5, b"\1" + vector(3, staple)) if staple else b""
    parts = (vector(3, one) + vector(2, first if at == 0 else b"") for at, one in enumerate(chain))
    return message(11, b"\0" + vector(3, b"".join(parts)))


def certificate_status(staple: bytes) -> bytes:
    return message(22, b"\1" + vector(3, staple))


def key_exchange(scheme: int = 0x0403, signature_bytes: int = 71) -> bytes:
    """A ServerKeyExchange with an X25519 share."""
    share = b"\3" + u16(29) + vector(1, noise("server share", 32))
    return message(12, share + u16(scheme) + vector(2, noise("signature", signature_bytes)))


def finite_key_exchange(bits: int) -> bytes:
    """A ServerKeyExchange with finite field Diffie-Hellman of `bits`."""
    size = bits // 8
    prime, public = b"\xff" + noise("prime", size - 2) + b"\xef", noise("public", size)
    params = vector(2, prime) + vector(2, b"\2") + vector(2, public)
    return message(12, params + u16(0x0401) + vector(2, noise("signature", 256)))


def certificate_request_12() -> bytes:
    return message(13, vector(1, b"\1\x40") + vector(2, u16(*SCHEMES)) + vector(2, b""))


def certificate_request_13() -> bytes:
    return message(13, b"\0" + vector(2, extension(13, vector(2, u16(*SCHEMES)))))


DONE: Final = message(14, b"")
CHANGE: Final = record(CCS, b"\1")


def client_key_exchange() -> bytes:
    return message(16, vector(1, noise("client share", 32)))


def sealed_12(kind: int, size: int, name: str = "") -> bytes:
    """A record of TLS 1.2 under AES-GCM that nobody can open, with `size` bytes inside."""
    return record(kind, noise(f"sealed {kind} {size} {name}", 8 + size + 16))


def alert(description: int, level: int = 2, version: int = TLS12) -> bytes:
    return record(ALERT, bytes((level, description)), version)


# --- records of TLS 1.3 -----------------------------------------------------------------------------------------------


class Sealer:
    """Seals the records of one side under a made-up traffic secret, with TLS_AES_128_GCM_SHA256."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.key = AESGCM(expand(secret, "key", 16))
        self.iv = int.from_bytes(expand(secret, "iv", 12), "big")
        self.sequence = 0

    def record(self, kind: int, content: bytes) -> bytes:
        head = u8(DATA) + u16(TLS12, len(content) + 1 + 16)
        nonce = (self.iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return head + self.key.encrypt(nonce, content + u8(kind), head)


def expand(secret: bytes, label: str, size: int) -> bytes:
    info = u16(size) + vector(1, b"tls13 " + label.encode()) + b"\0"
    return hmac.new(secret, info + b"\1", "sha256").digest()[:size]


class Secrets:
    """The secrets of one connection of TLS 1.3, by its client random."""

    LABELS: Final = (
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "CLIENT_EARLY_TRAFFIC_SECRET",
    )

    def __init__(self, who: str = "") -> None:
        self.random = noise(f"client random {who}", 32)
        self.secrets = {label: noise(f"{label} {who}", 32) for label in self.LABELS}
        self.client_handshake, self.server_handshake, self.client, self.server, self.early = (
            Sealer(self.secrets[label]) for label in self.LABELS
        )

    @property
    def lines(self) -> str:
        """The key log."""
        return "".join(f"{label} {self.random.hex()} {secret.hex()}\n" for label, secret in self.secrets.items())


def encrypted_extensions(alpn: str = "", *more: bytes) -> bytes:
    parts = extension(16, vector(2, vector(1, alpn.encode()))) if alpn else b""
    return message(8, vector(2, parts + b"".join(more)))


def certificate_verify(scheme: int = 0x0403) -> bytes:
    return message(15, u16(scheme) + vector(2, noise("signature", 71)))


def finished(name: str) -> bytes:
    return message(20, noise(f"finished {name}", 32))


# --- certificates -----------------------------------------------------------------------------------------------------


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(noise(f"key {name}", 31), "big"), ec.SECP256R1())


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    p, q = prime(f"{name} p", bits // 2), prime(f"{name} q", bits // 2)
    public = 65537
    private = pow(public, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        private,
        rsa.rsa_crt_dmp1(private, p),
        rsa.rsa_crt_dmq1(private, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(public, p * q),
    )
    return numbers.private_key()


def prime(name: str, bits: int) -> int:
    """The first prime from a number that `name` stands for (its two highest bits are set)."""
    at = int.from_bytes(noise(name, bits // 8), "big") | 3 << (bits - 2) | 1
    small = [number for number in range(3, 2000, 2) if all(number % other for other in range(3, number, 2))]
    while any(at % number == 0 for number in small) or pow(2, at - 1, at) != 1 or at % 65537 == 1:
        at += 2
    return at


class Issued:
    """A certificate and its key."""

    def __init__(self, made: x509.Certificate, key: Any) -> None:
        self.made = made
        self.key = key
        self.der = made.public_bytes(Encoding.DER)


def called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue(
    subject: str,
    issuer: Issued | None = None,
    *,
    names: Sequence[str] = (),
    ca: bool = False,
    key: Any = None,
    start: datetime = NOW - 30 * DAY,
    end: datetime = NOW + 60 * DAY,
    fetch_from: str = "",
    public: bool = False,
    staple: bool = False,
    client: bool = False,
    more: Sequence[x509.ExtensionType] = (),
) -> Issued:
    """A certificate for a server (or an authority, `ca`), signed with RSA so that it is always the same."""
    own = key or (rsa_key(subject) if ca else ec_key(subject))
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(called(subject))
        .issuer_name(issuer.made.subject if issuer else called(subject))
        .public_key(own.public_key())
        .serial_number(int.from_bytes(noise(f"serial {subject}", 8), "big") | 1)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(usage(ca), critical=True)
    )
    if not ca:
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        listed = [x509.DNSName(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
    if fetch_from:
        place = x509.UniformResourceIdentifier(fetch_from)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if public:  # as the CA/Browser Forum's rules want it: domain validated
        policy = x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)
        builder = builder.add_extension(x509.CertificatePolicies([policy]), critical=False)
    if staple:
        builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
    for one in more:
        builder = builder.add_extension(one, critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), own)


def with_sha1(of: Issued, issuer: Issued) -> bytes:
    """The certificate signed anew with SHA-1, which libraries no longer do."""
    new, old = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    signed = of.made.tbs_certificate_bytes.replace(new, old)
    numbers = issuer.key.private_numbers()
    size = issuer.key.key_size // 8
    digest = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(signed).digest()
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    signature = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")
    body: bytes = of.der.replace(of.made.tbs_certificate_bytes, signed).replace(new, old)[:-size]
    return body + bytes(signature)


def usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


@cache
def root(name: str = "Example Root CA") -> Issued:
    return issue(name, ca=True, start=NOW - 1000 * DAY, end=NOW + 4000 * DAY)


@cache
def intermediate(name: str = "Example Issuing CA") -> Issued:
    return issue(name, root(), ca=True, start=NOW - 500 * DAY, end=NOW + 1000 * DAY)


@cache
def shop() -> Issued:
    """The certificate of the server, good but for its private authority."""
    return issue(NAME, intermediate(), names=(NAME, f"www.{NAME}"))


def chain() -> tuple[bytes, bytes]:
    return shop().der, intermediate().der


def staple(of: Issued, issuer: Issued, *, revoked: bool = False) -> bytes:
    """An OCSP response that says that `of` is good or revoked."""
    built = ocsp.OCSPResponseBuilder().add_response(
        cert=of.made,
        issuer=issuer.made,
        algorithm=hashes.SHA1(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update=NOW - DAY,
        next_update=NOW + 6 * DAY,
        revocation_time=NOW - 3 * DAY if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    signed = built.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.made).sign(issuer.key, hashes.SHA256())
    # It says when it was made: put the capture's time there, and sign it anew.
    now = signed.tbs_response_bytes
    made_at = now.index(b"\x18\x0f") + 2
    then = now[:made_at] + NOW.strftime("%Y%m%d%H%M%SZ").encode() + now[made_at + 15 :]
    signature = issuer.key.sign(then, padding.PKCS1v15(), hashes.SHA256())
    return signed.public_bytes(Encoding.DER).replace(now, then).replace(signed.signature, signature)


# --- conversations ----------------------------------------------------------------------------------------------------


class Wire:
    """One TCP connection that is open, seen at the client; `at` is the time in seconds.

    What a side says goes out in full segments; the other acknowledges it.  A server's answer takes a round trip.
    """

    def __init__(self, capture: Capture | None = None, *, at: float = 0.0, rtt: float = RTT_S, **how: Any) -> None:
        self.talk = Talk(capture, **how)
        self.rtt = rtt
        self.talk.open(at, rtt)
        self.at = at + rtt + 0.0005

    @property
    def capture(self) -> Capture:
        return self.talk.capture

    def client(self, *records: bytes, wait: float = 0.001) -> None:
        self.at += wait
        self._send(0, b"".join(records))

    def server(self, *records: bytes, wait: float = 0.001) -> None:
        """`wait`: what the server needs beyond the round trip."""
        self.at += self.rtt + wait
        self._send(1, b"".join(records))
        self.talk.client(self.at + 0.00002)

    def more(self, *records: bytes, wait: float = 0.0) -> None:
        """The server goes on without hearing from the client."""
        self.at += wait
        self._send(1, b"".join(records))
        self.talk.client(self.at + 0.00002)

    def _send(self, side: int, data: bytes) -> None:
        for start in range(0, len(data), MSS):
            part = data[start : start + MSS]
            last = start + MSS >= len(data)
            self.talk.send(side, self.at, "PA" if last else "A", part)
            self.at += 0.00001

    def acked(self) -> None:
        """The server's bare ACK, a round trip later."""
        self.talk.server(self.at + self.rtt)

    def reset(self, side: int = 1, wait: float = 0.0) -> None:
        self.at += wait + (self.rtt if side else 0)
        self.talk.send(side, self.at, "RA")

    def close(self, side: int = 0, wait: float = 0.001) -> Capture:
        """FIN of `side`, FIN of the other, the last ACK."""
        self.at += wait
        if side:
            self.at += self.rtt
            self.talk.server(self.at, "FA")
            self.talk.client(self.at + 0.0001, "FA")
            self.talk.server(self.at + self.rtt + 0.0001)
        else:
            self.talk.close(self.at, self.rtt)
        return self.talk.capture


def refused(*alerts: bytes, **offer: Any) -> Capture:
    """A ClientHello, and an alert in answer to it."""
    wire = Wire()
    wire.client(handshake(client_hello(**offer), version=TLS10))
    wire.server(*alerts)
    return wire.close(1, 0.0001)


def flight_12(*chain_sent: bytes, hello: bytes = b"", extra: bytes = b"", exchange: bytes = b"") -> bytes:
    """What the server sends of TLS 1.2 before it waits; `extra` goes behind the certificates."""
    certificates = certificate_12(*(chain_sent or chain()))
    return handshake(hello or server_hello(), certificates, extra, exchange or key_exchange(), DONE)


def finish_12(wire: Wire, *, data: bool = True) -> None:
    """The end of a handshake of TLS 1.2 with AES-GCM, a request and its answer."""
    wire.client(handshake(client_key_exchange()), CHANGE, sealed_12(HANDSHAKE, 16, "client"))
    wire.server(CHANGE, sealed_12(HANDSHAKE, 16, "server"))
    if data:
        wire.client(sealed_12(DATA, 300))
        wire.server(sealed_12(DATA, 900))


def whole_12(flight: bytes, *, capture: Capture | None = None, **offer: Any) -> Capture:
    """A connection of TLS 1.2 from end to end, closed in order."""
    wire = Wire(capture)
    offer.setdefault("versions", (TLS12,))
    offer.setdefault("suites", SUITES_12)
    wire.client(handshake(client_hello(**offer), version=TLS10))
    wire.server(flight)
    finish_12(wire)
    wire.client(sealed_12(ALERT, 2, "client"))
    return wire.close()


def flight_13(
    secrets: Secrets, *chain_sent: bytes, asks: bool = False, alpn: str = "", group: int = 29, stapled: bytes = b""
) -> bytes:
    """What the server sends of TLS 1.3, its Finished included."""
    seal = secrets.server_handshake
    parts = [handshake(server_hello(0x1301, version=TLS13, group=group)), CHANGE]
    parts.append(seal.record(HANDSHAKE, encrypted_extensions(alpn) + (certificate_request_13() if asks else b"")))
    parts.append(seal.record(HANDSHAKE, certificate_13(*(chain_sent or chain()), staple=stapled)))
    parts.append(seal.record(HANDSHAKE, certificate_verify() + finished("server")))
    return b"".join(parts)
