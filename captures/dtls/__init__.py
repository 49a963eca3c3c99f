"""What the makers of this folder share: records and messages of DTLS, built byte by byte."""

from __future__ import annotations

import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from analyzer.protocols.tls import schedule
from analyzer.protocols.tls.suites import suite
from captures.maker import CLIENT, SERVER, Capture, udp

DTLS10: Final = 0xFEFF
DTLS12: Final = 0xFEFD
RANDOMS: Final = (bytes(range(0x20, 0x40)), bytes(range(0x40, 0x60)))
COOKIE: Final = bytes(range(0xC0, 0xD4))
SUITES: Final = (0xC02B, 0xC02F, 0xC00A)
SUITES_13: Final = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
}

MASTER: Final = bytes(range(48))

#: A self-signed certificate for P-256, as browsers make them for each call.
CERTIFICATE: Final = bytes.fromhex(
    "308201153081bca0030201020208672905c0516e52c1300a06082a8648ce3d0403023011310f300d06035504030c06576562"
    "525443301e170d3236313132313135313130305a170d3236313232323135313130305a3011310f300d06035504030c065765"
    "625254433059301306072a8648ce3d020106082a8648ce3d03010703420004e4359064847589d906e9443a80881226669bab"
    "dc1ee7545f98a125fb1ac27d60bf03d9559ceb8ebce10c884bea7b40096d8cd44410b5e588a02fe72f25c0ecae300a06082a"
    "8648ce3d0403020348003045022027f38a84a0abf877eb74eba3674aab2985726f35f3dff63e816edb819199494b0221009c"
    "819bba3c3d635d1a9574d2f1e357ce5328db86e4bb4d064941bd15787693c1"
)


def record(kind: int, body: bytes, number: int = 0, epoch: int = 0, version: int = DTLS12) -> bytes:
    """RFC 6347 4.1"""
    return struct.pack(">BHHHIH", kind, version, epoch, 0, number, len(body)) + body


def message(kind: int, body: bytes, sequence: int = 0, start: int = 0, stop: int | None = None) -> bytes:
    """A handshake message, or the fragment of it from `start` to `stop` (RFC 6347 4.2.2)."""
    part = body[start:stop]
    head = bytes((kind,)) + len(body).to_bytes(3, "big") + sequence.to_bytes(2, "big")
    return head + start.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def client_hello(
    version: int = DTLS12, cookie: bytes = b"", name: str = "", srtp: bool = True, random: bytes = RANDOMS[0]
) -> bytes:
    suites = b"".join(struct.pack(">H", suite) for suite in SUITES)
    more = extension(10, struct.pack(">HHH", 4, 29, 23)) + extension(11, b"\1\0") + extension(23, b"")
    more += extension(13, struct.pack(">HHH", 4, 0x0403, 0x0804))
    if name:
        more += extension(0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name.encode())
    if srtp:
        more += extension(14, struct.pack(">HHHB", 4, 7, 1, 0))
    return (
        struct.pack(">H", version) + random + b"\0" + bytes((len(cookie),)) + cookie
        + struct.pack(">H", len(suites)) + suites + b"\1\0" + struct.pack(">H", len(more)) + more
    )  # fmt: skip


def hello_verify_request(cookie: bytes = COOKIE) -> bytes:
    return struct.pack(">HB", DTLS10, len(cookie)) + cookie


def server_hello(version: int = DTLS12, suite: int = SUITES[0], srtp: bool = True) -> bytes:
    more = extension(23, b"") + (extension(14, struct.pack(">HHB", 2, 7, 0)) if srtp else b"")
    head = struct.pack(">H", version) + RANDOMS[1] + b"\0" + struct.pack(">HB", suite, 0)
    return head + struct.pack(">H", len(more)) + more


def certificate(der: bytes = CERTIFICATE) -> bytes:
    one = len(der).to_bytes(3, "big") + der
    return len(one).to_bytes(3, "big") + one


def server_key_exchange(version: int = DTLS12) -> bytes:
    scheme = struct.pack(">H", 0x0403) if version == DTLS12 else b""
    return b"\3" + struct.pack(">HB", 29, 32) + bytes(32) + scheme + struct.pack(">H", 70) + bytes(70)


def client_key_exchange() -> bytes:
    return b"\x20" + bytes(32)


# --- sealed records ---------------------------------------------------------------------------------------------------


class Sealer12:
    """Makes the records of one side of DTLS 1.2 with AES-128-GCM, with or without a connection id (RFC 9146)."""

    def __init__(self, side: int, randoms: tuple[bytes, bytes] = RANDOMS) -> None:
        block = schedule.key_block(0xFEFD, "SHA256", MASTER, *randoms, 40)
        self.key, self.salt = block[16 * side : 16 * side + 16], block[32 + 4 * side : 36 + 4 * side]
        self.number = 0

    def seal(self, kind: int, body: bytes, *, epoch: int = 1, cid: bytes | None = None) -> bytes:
        sequence = epoch << 48 | self.number
        self.number += 1
        numbered = sequence.to_bytes(8, "big")
        if cid is None:
            header = numbered + struct.pack(">BHH", kind, 0xFEFD, len(body))
            sealed = numbered + AESGCM(self.key).encrypt(self.salt + numbered, body, header)
            return struct.pack(">BH", kind, 0xFEFD) + numbered + struct.pack(">H", len(sealed)) + sealed
        text = body + bytes((kind,))
        header = b"\xff" * 8 + bytes((25, len(cid), 25)) + struct.pack(">H", 0xFEFD) + numbered + cid
        header += struct.pack(">H", len(text))
        sealed = numbered + AESGCM(self.key).encrypt(self.salt + numbered, text, header)
        return struct.pack(">BH", 25, 0xFEFD) + numbered + cid + struct.pack(">H", len(sealed)) + sealed


def hello13(*more: bytes, random: bytes = RANDOMS[0]) -> bytes:
    """A ClientHello that offers DTLS 1.3 and 1.2."""
    extensions = extension(43, b"\4\xfe\xfc\xfe\xfd") + extension(14, struct.pack(">HHB", 2, 7, 0)) + b"".join(more)
    suites = struct.pack(">HHHH", 0x1301, 0x1302, 0x1303, SUITES[0])
    head = struct.pack(">H", 0xFEFD) + random + b"\0\0" + struct.pack(">H", len(suites)) + suites + b"\1\0"
    return head + struct.pack(">H", len(extensions)) + extensions


def answer13(value: int = 0x1301, *more: bytes) -> bytes:
    extensions = extension(43, b"\xfe\xfc") + b"".join(more)
    head = struct.pack(">H", 0xFEFD) + RANDOMS[1] + b"\0" + struct.pack(">HB", value, 0)
    return head + struct.pack(">H", len(extensions)) + extensions


def secret(label: str, size: int = 32) -> bytes:
    return (label.encode() * 64)[:size]


def secrets13(value: int = 0x1301) -> dict[str, bytes]:
    size = 48 if value == 0x1302 else 32
    labels = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0")
    return {label: secret(label, size) for label in (*labels, "SERVER_TRAFFIC_SECRET_0")}


class Sealer13:
    """Makes the records of one side and epoch of DTLS 1.3, RFC 9147 §4."""

    def __init__(self, value: int, key: bytes, epoch: int) -> None:
        made = suite(value, SUITES_13[value])
        assert made is not None
        self.name, self.secret, self.epoch, self.value = made.prf_hash, key, epoch, value
        self.key, iv = schedule.traffic_keys(self.name, key, made.key_bytes, 12, schedule.DTLS13_PREFIX)
        self.iv = int.from_bytes(iv, "big")
        self.sn = schedule.hkdf_expand_label(self.name, key, "sn", b"", made.key_bytes, schedule.DTLS13_PREFIX)
        self.number = 0

    def seal(
        self, kind: int, body: bytes, *, long: bool = True, with_length: bool = True, cid: bytes = b"", pad: int = 0
    ) -> bytes:
        aead = ChaCha20Poly1305(self.key) if self.value == 0x1303 else AESGCM(self.key)
        text = body + bytes((kind,)) + bytes(pad)
        first = 0x20 | (0x10 if cid else 0) | (8 if long else 0) | (4 if with_length else 0) | self.epoch & 3
        size = 2 if long else 1
        low = (self.number & (0xFFFF if long else 0xFF)).to_bytes(size, "big")
        tail = struct.pack(">H", len(text) + 16) if with_length else b""
        nonce = (self.iv ^ self.number).to_bytes(12, "big")
        sealed = aead.encrypt(nonce, text, bytes((first,)) + cid + low + tail)
        if self.value == 0x1303:
            mask = Cipher(algorithms.ChaCha20(self.sn, sealed[:16]), None).encryptor().update(bytes(2))
        else:
            mask = Cipher(algorithms.AES(self.sn), modes.ECB()).encryptor().update(sealed[:16])
        self.number += 1
        hidden = bytes(one ^ other for one, other in zip(low, mask, strict=False))
        return bytes((first,)) + cid + hidden + tail + sealed

    def next(self) -> Sealer13:
        key = schedule.next_traffic_secret(self.name, self.secret, schedule.DTLS13_PREFIX)
        return Sealer13(self.value, key, self.epoch + 1)


class Peers:
    """A client and a server, each with the numbers of its records."""

    def __init__(self, capture: Capture, ports: tuple[int, int] = (50_000, 4433), version: int = DTLS12) -> None:
        self.capture = capture
        self.ports = ports
        self.version = version
        self.numbers = [[0, 0], [0, 0]]  # by side and epoch

    def send(self, at_s: float, side: int, *records: tuple[int, bytes], epoch: int = 0, seen: bool = True) -> None:
        """A datagram of these records: content type and body."""
        data = b""
        for kind, body in records:
            data += record(kind, body, self.numbers[side][epoch], epoch, self.version)
            self.numbers[side][epoch] += 1
        self.raw(at_s, side, data, seen=seen)

    def raw(self, at_s: float, side: int, data: bytes, *, seen: bool = True) -> None:
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = self.ports if side == 0 else (self.ports[1], self.ports[0])
        if seen:
            self.capture.add(at_s, udp(*ends, ports, data))
