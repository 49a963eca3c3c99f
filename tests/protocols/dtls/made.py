"""DTLS made for the tests: sealed records, and flows that share what the engine shares."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from analyzer.core import Endpoint, Flow, Note, Piece, Shared, Side
from analyzer.engine.channel import DatagramChannel
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller
from analyzer.protocols.dtls import PROTOCOL
from analyzer.protocols.tls import schedule
from analyzer.protocols.tls.suites import suite
from captures.dtls import RANDOMS, extension, message, record

if TYPE_CHECKING:
    from analyzer import core

INI, RES = Side.INITIATOR, Side.RESPONDER
START_NS: Final = 1_000_000_000
STEP_NS: Final = 1_000_000
SUITES: Final = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
}
GCM12: Final = 0xC02B
MASTER: Final = bytes(range(48))


def secret(label: str, size: int = 32) -> bytes:
    return (label.encode() * 64)[:size]


class Sealer13:
    """Makes the records of one side and epoch of DTLS 1.3, RFC 9147 §4."""

    def __init__(self, value: int, key: bytes, epoch: int) -> None:
        made = suite(value, SUITES[value])
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


class Sealer12:
    """Makes the records of one side of DTLS 1.2 with AES-128-GCM, with or without a connection id (RFC 9146)."""

    def __init__(self, side: int) -> None:
        block = schedule.key_block(0xFEFD, "SHA256", MASTER, *RANDOMS, 40)
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
    suites = struct.pack(">HHHH", 0x1301, 0x1302, 0x1303, GCM12)
    head = struct.pack(">H", 0xFEFD) + random + b"\0\0" + struct.pack(">H", len(suites)) + suites + b"\1\0"
    return head + struct.pack(">H", len(extensions)) + extensions


def answer13(value: int = 0x1301, *more: bytes) -> bytes:
    extensions = extension(43, b"\xfe\xfc") + b"".join(more)
    head = struct.pack(">H", 0xFEFD) + RANDOMS[1] + b"\0" + struct.pack(">HB", value, 0)
    return head + struct.pack(">H", len(extensions)) + extensions


def in_clear(kind: int, body: bytes, sequence: int = 0, number: int = 0) -> bytes:
    return record(22, message(kind, body, sequence), number)


def secrets13(value: int = 0x1301) -> dict[str, bytes]:
    size = 48 if value == 0x1302 else 32
    labels = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0")
    return {label: secret(label, size) for label in (*labels, "SERVER_TRAFFIC_SECRET_0")}


def sealers13(value: int = 0x1301) -> dict[tuple[Side, int], Sealer13]:
    """By side and epoch; the initiator is the client."""
    found = secrets13(value)
    return {
        (INI, 2): Sealer13(value, found["CLIENT_HANDSHAKE_TRAFFIC_SECRET"], 2),
        (RES, 2): Sealer13(value, found["SERVER_HANDSHAKE_TRAFFIC_SECRET"], 2),
        (INI, 3): Sealer13(value, found["CLIENT_TRAFFIC_SECRET_0"], 3),
        (RES, 3): Sealer13(value, found["SERVER_TRAFFIC_SECRET_0"], 3),
    }


def shared_with(lines: dict[str, bytes] | None) -> Shared:
    shared = Shared()
    if lines is not None:
        shared.secrets.given = True
        shared.secrets.lines[RANDOMS[0]] = lines
    return shared


class Line:
    """A flow of datagrams; several may share what the engine shares."""

    def __init__(self, shared: Shared | None = None, *protocols: core.Protocol, trace: bool = False) -> None:
        self.flow = Flow(
            0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 4433), "", 1, 1, 0, 0, (1, 1), (0, 0)
        )
        self.teller = Teller(self.flow, shared or Shared(), trace, None)
        registry = Registry(protocols or [PROTOCOL])
        self.channel = DatagramChannel(registry, self.teller, "udp", ("udp",), (40000, 4433))
        self.last = Piece(b"", [(0, 1, 42, START_NS)])
        self.number = 0

    def send(self, side: Side, *records: bytes, at_ns: int | None = None) -> Line:
        self.number += 1
        when = START_NS + self.number * STEP_NS if at_ns is None else at_ns
        self.last = Piece(b"".join(records), [(0, self.number, 42, when)])
        self.channel.feed(side, self.last)
        return self

    def end(self, after_ns: int = 0) -> Line:
        self.teller.end_ns = self.last.runs[0][3] + after_ns
        self.channel.end(self.last)
        return self

    @property
    def notes(self) -> list[Note]:
        return self.teller.notes

    @property
    def kinds(self) -> list[str]:
        return [note.kind.removeprefix("dtls.") for note in self.notes]

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.teller.findings]
