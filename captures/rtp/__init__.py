"""What the makers of this folder share: packets of RTP, RTCP and SRTP, built byte by byte."""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from captures import dtls
from captures.maker import CLIENT, SERVER, Capture, udp

PORTS: Final = (40_000, 50_000)
G729: Final = 18  # 20 bytes for 20 ms
NTP_1970: Final = 2_208_988_800
MASTER: Final = bytes(range(0x60, 0x90))  # master secret of the DTLS handshakes


def rtp(
    seq: int, stamp: int, ssrc: int, payload: bytes = b"\x5a" * 20, *, kind: int = G729, marker: bool = False,
    extension: bytes = b"", sources: tuple[int, ...] = (), padding: int = 0,
) -> bytes:  # fmt: skip
    """RFC 3550 5.1; `extension` is the whole of it, with its profile and length."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension else 0) | len(sources)
    head = struct.pack(">BBHII", first, marker << 7 | kind, seq & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return head + b"".join(struct.pack(">I", one) for one in sources) + extension + payload + tail


def one_byte_extension(*elements: tuple[int, bytes]) -> bytes:
    """RFC 8285 4.2"""
    body = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return struct.pack(">HH", 0xBEDE, len(body) // 4) + body


def rtcp(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0x80 | count, kind, len(body) // 4) + body


def block(
    ssrc: int, highest: int, *, fraction: int = 0, lost: int = 0, jitter: int = 20, last: int = 0, since: int = 0
) -> bytes:
    return struct.pack(">IIIIII", ssrc, fraction << 24 | lost & 0xFFFFFF, highest, jitter, last, since)


def sender_report(ssrc: int, at_s: float, stamp: int, packets: int, octets: int, *blocks: bytes) -> bytes:
    """RFC 3550 6.4.1; `at_s` in the sender's own clock, which counts from the first of January 2026."""
    now = NTP_1970 + 1_767_225_600 + at_s
    head = struct.pack(">IIIIII", ssrc, int(now), int(now % 1 * (1 << 32)), stamp, packets, octets)
    return rtcp(200, len(blocks), head + b"".join(blocks))


def middle(at_s: float) -> int:
    """The middle 32 bits of that time, as a receiver gives them back."""
    now = NTP_1970 + 1_767_225_600 + at_s
    return (int(now) & 0xFFFF) << 16 | int(now % 1 * 65536)


def receiver_report(ssrc: int, *blocks: bytes) -> bytes:
    return rtcp(201, len(blocks), struct.pack(">I", ssrc) + b"".join(blocks))


def description(ssrc: int, name: str) -> bytes:
    body = struct.pack(">I", ssrc) + bytes((1, len(name))) + name.encode() + b"\0"
    return rtcp(202, 1, body + bytes(-len(body) % 4))


def bye(ssrc: int, reason: str = "") -> bytes:
    body = struct.pack(">I", ssrc) + (bytes((len(reason),)) + reason.encode() if reason else b"")
    return rtcp(203, 1, body + bytes(-len(body) % 4))


class Call:
    """Two ends, 20 ms of G.729 in each packet."""

    def __init__(self) -> None:
        self.capture = Capture()
        self.ports = PORTS

    def send(self, at_s: float, side: int, data: bytes) -> None:
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = self.ports if side == 0 else (self.ports[1], self.ports[0])
        self.capture.add(at_s, udp(*ends, ports, data))

    def talk(
        self,
        side: int,
        start_s: float,
        count: int,
        ssrc: int,
        *,
        first: int = 0,
        without: range = range(0),
        ms: int = 20,
    ) -> None:
        """`count` packets of `ms` from `start_s` on; those of `without`, by index, are missing."""
        for index in range(count):
            if index not in without:
                packet = rtp(first + index, 8 * ms * index, ssrc, b"\x5a" * ms, marker=index == 0)
                self.send(start_s + ms / 1000 * index, side, packet)


# --- SRTP, by a way of its own: what the analyzer does is not asked ---------------------------------------------------


def _p_sha256(secret: bytes, seed: bytes, size: int) -> bytes:
    chain, found = seed, b""
    while len(found) < size:
        chain = hmac.digest(secret, chain, "sha256")
        found += hmac.digest(secret, chain + seed, "sha256")
    return found[:size]


class Keys:
    """What SRTP of one side is protected with: AEAD_AES_128_GCM, as dtls.server_hello chooses it (RFC 7714)."""

    def __init__(self, side: int) -> None:
        material = _p_sha256(MASTER, b"EXTRACTOR-dtls_srtp" + dtls.RANDOMS[0] + dtls.RANDOMS[1], 2 * (16 + 12))
        key, salt = material[16 * side : 16 * side + 16], material[32 + 12 * side : 44 + 12 * side]
        self.rtp, self.rtp_salt = AESGCM(_derived(key, salt, 0, 16)), _derived(key, salt, 2, 12)
        self.rtcp, self.rtcp_salt = AESGCM(_derived(key, salt, 3, 16)), _derived(key, salt, 5, 12)
        self.index = 0

    def media(self, packet: bytes, rollovers: int = 0) -> bytes:
        """An RTP packet without extension and sources, protected."""
        nonce = bytes(2) + packet[8:12] + struct.pack(">I", rollovers) + packet[2:4]
        nonce = bytes(one ^ other for one, other in zip(nonce, self.rtp_salt, strict=True))
        return packet[:12] + self.rtp.encrypt(nonce, packet[12:], packet[:12])

    def control(self, compound: bytes) -> bytes:
        self.index += 1
        nonce = bytes(2) + compound[4:8] + bytes(2) + struct.pack(">I", self.index)
        nonce = bytes(one ^ other for one, other in zip(nonce, self.rtcp_salt, strict=True))
        index = struct.pack(">I", 1 << 31 | self.index)
        return compound[:8] + self.rtcp.encrypt(nonce, compound[8:], compound[:8] + index) + index


def _derived(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 4.3.3, with the padding of RFC 7714 11."""
    start = bytearray(salt + bytes(16 - len(salt)))
    start[7] ^= label
    worker = Cipher(algorithms.AES(key), modes.CTR(bytes(start))).encryptor()
    return worker.update(bytes(size))


def handshake(call: Call) -> None:
    """DTLS 1.2 with use_srtp, in 50 ms; MASTER opens it."""
    peers = dtls.Peers(call.capture, call.ports)
    peers.send(0, 0, (22, dtls.message(1, dtls.client_hello(), 0)))
    peers.send(0.02, 1, (22, dtls.message(2, dtls.server_hello(), 0)), (22, dtls.message(11, dtls.certificate(), 1)))
    peers.send(0.02, 1, (22, dtls.message(12, dtls.server_key_exchange(), 2)), (22, dtls.message(14, b"", 3)))
    peers.send(0.03, 0, (22, dtls.message(16, dtls.client_key_exchange(), 1)), (20, b"\1"))
    peers.send(0.03, 0, (22, sealed(0)), epoch=1)
    peers.send(0.05, 1, (20, b"\1"))
    peers.send(0.05, 1, (22, sealed(1)), epoch=1)


def sealed(side: int) -> bytes:
    """A Finished under the keys of the handshake (RFC 5246 7.4.9, RFC 5288); nobody checks what it verifies."""
    block = _p_sha256(MASTER, b"key expansion" + dtls.RANDOMS[1] + dtls.RANDOMS[0], 40)
    key, iv = block[16 * side : 16 * side + 16], block[32 + 4 * side : 36 + 4 * side]
    explicit = struct.pack(">HHI", 1, 0, 0)
    plain = dtls.message(20, hashlib.sha256(bytes((side,))).digest()[:12], 4 if side else 2)
    known = explicit + bytes((22,)) + struct.pack(">HH", dtls.DTLS12, len(plain))
    return explicit + AESGCM(key).encrypt(iv + explicit, plain, known)


def key_log() -> str:
    return f"CLIENT_RANDOM {dtls.RANDOMS[0].hex()} {MASTER.hex()}\n"
