"""TLS connections to try keys on: made here with Python's own TLS, or read from a capture, and walked with a key log.

The walk is a small reading of TLS of its own, just enough to know which keys open which record.
"""

from __future__ import annotations

import datetime
import ssl
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from struct import unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from analyzer.protocols.tls import protection
from analyzer.protocols.tls.protection import Opener, Undecryptable
from analyzer.protocols.tls.suites import Suite, suite

HRR_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SUPPORTED_VERSIONS = 22, 23, 43
NO_ENCRYPT_THEN_MAC = 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC

NAMES = {
    0x0001: "TLS_RSA_WITH_NULL_MD5",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    0x003B: "TLS_RSA_WITH_NULL_SHA256",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256",
    0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC010: "TLS_ECDHE_RSA_WITH_NULL_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xC077: "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384",
    0xC09D: "TLS_RSA_WITH_AES_256_CCM",
    0xC09F: "TLS_DHE_RSA_WITH_AES_256_CCM",
    0xC0A0: "TLS_RSA_WITH_AES_128_CCM_8",
    0xC0AC: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
    0xC0AE: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
}


def made(value: int) -> Suite:
    found = suite(value, NAMES[value])
    assert found is not None
    return found


def named(name: str) -> Suite:
    found = suite(0, name)
    assert found is not None
    return found


# Secrets and records


def key_log(text: str) -> dict[bytes, dict[str, bytes]]:
    """Client random -> label -> secret."""
    found: dict[bytes, dict[str, bytes]] = defaultdict(dict)
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 3 and not line.startswith("#"):
            found[bytes.fromhex(parts[1])][parts[0]] = bytes.fromhex(parts[2])
    return found


@dataclass
class Record:
    kind: int
    version: int
    fragment: bytes


def records(stream: bytes) -> list[Record]:
    found, at = [], 0
    while at + 5 <= len(stream):
        kind, version, length = unpack("!BHH", stream[at : at + 5])
        found.append(Record(kind, version, stream[at + 5 : at + 5 + length]))
        at += 5 + length
    return found


def messages(data: bytes) -> list[bytes]:
    """The whole handshake messages in `data`, headers included."""
    found, at = [], 0
    while at + 4 <= len(data):
        size = 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if at + size > len(data):
            break
        found.append(data[at : at + size])
        at += size
    return found


@dataclass
class Hello:
    random: bytes
    version: int
    suite: int = 0
    extensions: dict[int, bytes] = field(default_factory=dict)


def hello(message: bytes) -> Hello:
    version, random = unpack("!H32s", message[4:38])
    at = 39 + message[38]
    number = 0
    if message[0] == 2:
        number = int.from_bytes(message[at : at + 2], "big")
        at += 3
    else:
        at += 2 + int.from_bytes(message[at : at + 2], "big")
        at += 1 + message[at]
    at += 2
    extensions = {}
    while at + 4 <= len(message):
        kind, size = unpack("!HH", message[at : at + 4])
        extensions[kind] = message[at + 4 : at + 4 + size]
        at += 4 + size
    if message[0] == 2 and SUPPORTED_VERSIONS in extensions:
        version = int.from_bytes(extensions[SUPPORTED_VERSIONS], "big")
    return Hello(random, version, number, extensions)


@dataclass
class Side:
    """One direction of a walked connection."""

    client: bool
    records: list[Record]
    at: int = 0
    epoch: int = 0
    opener: Opener | None = None
    label: str = ""
    pending: bytes = b""
    told: list[bytes] = field(default_factory=list)  # handshake messages
    hellos: list[Hello] = field(default_factory=list)
    data: bytes = b""
    opened: int = 0
    refused: int = 0
    versions: set[int] = field(default_factory=set)


class Walk:
    """All records of one connection, opened as far as the key log allows."""

    def __init__(self, client: bytes, server: bytes, keys: dict[bytes, dict[str, bytes]]) -> None:
        self.keys = keys
        self.client = Side(True, records(client))
        self.server = Side(False, records(server))
        self.retried = False
        progress = True
        while progress:
            progress = self.run(self.client) | self.run(self.server)

    def negotiated(self, epoch: int) -> tuple[Hello, Hello] | None:
        if epoch < len(self.client.hellos) and epoch < len(self.server.hellos):
            return self.client.hellos[epoch], self.server.hellos[epoch]
        return None

    @property
    def done(self) -> bool:
        return all(side.at == len(side.records) for side in (self.client, self.server))

    def run(self, side: Side) -> bool:
        start = side.at
        while side.at < len(side.records) and self.step(side, side.records[side.at]):
            side.at += 1
        return side.at > start

    def step(self, side: Side, record: Record) -> bool:
        both = self.negotiated(side.epoch)
        if record.kind == 20 and (both is None or both[1].version < 0x0304):
            if both is None:
                return self.retried
            return self.change(side, *both)
        if record.kind == 20:
            return True
        if record.kind == 23 and side.opener is None:
            if both is None:
                return False
            self.start13(side, *both)
        if side.opener is None:
            self.take(side, record.kind, record.fragment)
            return True
        if record.kind != 23 and side.label:
            return True  # an alert in the clear
        kind, text = 0, b""
        try:
            kind, text = side.opener.open(record.kind, record.version, record.fragment)
        except Undecryptable:
            if side.label == "EARLY" and both is not None:
                self.secret13(side, *both, "HANDSHAKE")
                return self.step(side, record)
            side.refused += 1
            return True
        side.opened += 1
        self.take(side, kind, text)
        return True

    def change(self, side: Side, client: Hello, server: Hello) -> bool:
        master = self.keys[client.random]["CLIENT_RANDOM"]
        pair = protection.openers12(
            server.version,
            made(server.suite),
            master,
            client.random,
            server.random,
            encrypt_then_mac=ENCRYPT_THEN_MAC in server.extensions,
        )
        side.opener = pair[0] if side.client else pair[1]
        side.epoch += 1
        side.pending = b""
        return True

    def start13(self, side: Side, client: Hello, server: Hello) -> None:
        early = side.client and "CLIENT_EARLY_TRAFFIC_SECRET" in self.keys[client.random]
        self.secret13(side, client, server, "EARLY" if early else "HANDSHAKE")

    def secret13(self, side: Side, client: Hello, server: Hello, label: str) -> None:
        who = "CLIENT" if side.client else "SERVER"
        full = f"{who}_TRAFFIC_SECRET_0" if label == "APPLICATION" else f"{who}_{label}_TRAFFIC_SECRET"
        side.opener = protection.opener13(made(server.suite), self.keys[client.random][full])
        side.label, side.pending = label, b""

    def take(self, side: Side, kind: int, text: bytes) -> None:
        if kind == 23:
            side.data += text
        if kind != 22:
            return
        side.pending += text
        for message in messages(side.pending):
            side.pending = side.pending[len(message) :]
            side.told.append(message)
            both = self.negotiated(side.epoch)
            if message[0] == (1 if side.client else 2):
                said = hello(message)
                self.retried |= said.random == HRR_RANDOM
                if said.random != HRR_RANDOM and not (side.hellos and side.hellos[-1].random == said.random):
                    side.hellos.append(said)
            elif side.label and both is not None:
                if message[0] == 5:
                    self.secret13(side, *both, "HANDSHAKE")
                elif message[0] == 20:
                    self.secret13(side, *both, "APPLICATION")
                elif message[0] == 24:
                    assert side.opener is not None
                    side.opener = side.opener.next()


# Captures


def connections(path: Path) -> list[tuple[bytes, bytes]]:
    """What client and server sent in each TCP connection of a capture of IPv4 over Ethernet, from the first TLS record."""
    import dpkt

    sides: dict[tuple[bytes, int, bytes, int], dict[int, bytes]] = defaultdict(dict)
    first: list[tuple[bytes, int, bytes, int]] = []
    with path.open("rb") as file:
        for _, frame in dpkt.pcapng.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            tcp = packet.data
            key = (packet.src, tcp.sport, packet.dst, tcp.dport)
            if tcp.flags & dpkt.tcp.TH_SYN and not tcp.flags & dpkt.tcp.TH_ACK:
                first.append(key)
            if tcp.data:
                pieces = sides[key]
                if len(tcp.data) > len(pieces.get(tcp.seq, b"")):
                    pieces[tcp.seq] = bytes(tcp.data)
    found = []
    for key in first:
        back = (key[2], key[3], key[0], key[1])
        found.append((tls_of(sides[key]), tls_of(sides[back])))
    return found


def tls_of(pieces: dict[int, bytes]) -> bytes:
    stream = b"".join(pieces[start] for start in sorted(pieces))
    return stream[max(stream.find(b"\x16\x03"), 0) :]


# Python's own TLS


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certified(kind: str) -> bytes:
    """Key and self-signed certificate, PEM."""
    key = rsa_key() if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tls.example")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=9999))
        .not_valid_after(now + datetime.timedelta(days=9999))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def talk(
    folder: Path, version: ssl.TLSVersion, ciphers: str = "", options: int = 0, rounds: int = 3
) -> tuple[bytes, bytes, dict[bytes, dict[str, bytes]]]:
    """A connection with `rounds` messages of 5,000 bytes each way: what the two sides sent, and its key log."""
    pem = folder / "server.pem"
    pem.write_bytes(certified("ecdsa" if "ECDSA" in ciphers else "rsa"))
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
    log = folder / "keys"
    for context in contexts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old versions are what this is about
            context.maximum_version = version
            context.minimum_version = version
        context.set_ciphers(f"{ciphers or 'DEFAULT'}:@SECLEVEL=0")
        context.options |= options
    contexts[0].check_hostname = False
    contexts[0].verify_mode = ssl.CERT_NONE
    contexts[0].keylog_filename = str(log)
    contexts[1].load_cert_chain(pem)
    wires = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    sent = [b"", b""]
    # Each end writes into the other's incoming wire; what passes is noted on its way.
    taps = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    ends = [contexts[0].wrap_bio(wires[0], taps[0]), contexts[1].wrap_bio(wires[1], taps[1], server_side=True)]

    def deliver() -> None:
        for side in (0, 1):
            data = taps[side].read()
            sent[side] += data
            wires[1 - side].write(data)

    for _ in range(8):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            deliver()
    for count in range(rounds):
        for side in (0, 1):
            ends[side].write(bytes((65 + count,)) * 5000)
            deliver()
            assert len(ends[1 - side].read(5000)) == 5000
    return sent[0], sent[1], key_log(log.read_text())
