"""Records opened: those of RFC 8448, of Python's own TLS, of the lab, and some sealed here for what neither has."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import zlib
from functools import cache
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.tls import protection, schedule
from analyzer.protocols.tls.protection import DEFLATE, BlockOpener, Opener, Undecryptable, opener13, openers12
from analyzer.protocols.tls.schedule import DTLS12, SSL30, TLS10, TLS11, TLS12
from tests.conftest import LAB, lab_file
from tests.protocols.tls import rfc8448
from tests.protocols.tls.recorded import NO_ENCRYPT_THEN_MAC, Walk, connections, key_log, named, talk

if TYPE_CHECKING:
    from pathlib import Path

MASTER, CLIENT, SERVER = bytes(range(48)), b"c" * 32, b"s" * 32
GCM13 = "TLS_AES_128_GCM_SHA256"
GCM12 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CBC = "TLS_RSA_WITH_AES_128_CBC_SHA"
RC4 = "TLS_RSA_WITH_RC4_128_SHA"


# Sealing, written apart from the opening


class Sealer:
    """The client's side of `openers12`, the other way round."""

    def __init__(
        self, name: str, version: int, etm: bool = False, truncated: bool = False, compression: int = 0
    ) -> None:
        self.suite, self.version, self.etm, self.truncated = named(name), version, etm, truncated
        made = self.suite
        self.tls = {DTLS12: TLS12}.get(version, version)
        iv_bytes = made.fixed_iv_bytes or (made.block_bytes if self.tls <= TLS10 else 0)
        size = made.mac_bytes + made.key_bytes + iv_bytes
        block = schedule.key_block(version, made.prf_hash, MASTER, CLIENT, SERVER, 2 * size)
        self.mac_key = block[: made.mac_bytes]
        self.key = block[2 * made.mac_bytes :][: made.key_bytes]
        self.iv = block[2 * (made.mac_bytes + made.key_bytes) :][:iv_bytes]
        self.sequence = 0
        self.stream: Any = None
        if made.kind == "stream":
            self.stream = Cipher(protection._algorithm("ARC4")(self.key), None).encryptor()
        self.deflate = zlib.compressobj() if compression else None

    def mac(self, kind: int, text: bytes) -> bytes:
        name = self.suite.mac
        if self.tls == SSL30:
            pads = 48 if name == "MD5" else 40
            numbered = pack("!QBH", self.sequence, kind, len(text))
            inner = hashlib.new(name, self.mac_key + b"\x36" * pads + numbered + text).digest()
            return hashlib.new(name, self.mac_key + b"\x5c" * pads + inner).digest()
        numbered = pack("!QBHH", self.sequence, kind, self.version, len(text))
        mac = hmac.new(self.mac_key, numbered + text, name).digest()
        return mac[:10] if self.truncated else mac

    def aead(self, kind: int, text: bytes) -> bytes:
        header = pack("!QBHH", self.sequence, kind, self.version, len(text))
        if self.suite.cipher == "CHACHA20_POLY1305":
            nonce = bytes(a ^ b for a, b in zip(self.iv, pack("!IQ", 0, self.sequence), strict=True))
            return ChaCha20Poly1305(self.key).encrypt(nonce, text, header)
        explicit = (self.sequence + 77).to_bytes(8, "big")
        made: Any = AESGCM(self.key)
        if "CCM" in self.suite.cipher:
            made = AESCCM(self.key, tag_length=self.suite.tag_bytes)
        return explicit + bytes(made.encrypt(self.iv + explicit, text, header))

    def padding(self, size: int, padding: int) -> bytes:
        block = self.suite.block_bytes
        count = block - size % block + (0 if self.tls == SSL30 else padding * block)
        return b"\xee" * (count - 1) + bytes((count - 1,)) if self.tls == SSL30 else bytes((count - 1,)) * count

    def cbc(self, kind: int, text: bytes, padding: int) -> bytes:
        body = text if self.etm else text + self.mac(kind, text)
        body += self.padding(len(body), padding)
        names = {"3DES": "TripleDES", "DES": "TripleDES", "CAMELLIA": "Camellia"}
        first = self.suite.cipher.split("_")[0]
        key = self.key * 3 if first == "DES" else self.key
        iv = self.iv if self.tls <= TLS10 else bytes((7,)) * self.suite.block_bytes
        cipher = Cipher(protection._algorithm(names.get(first, first))(key), modes.CBC(iv))
        encryptor = cipher.encryptor()
        sealed = encryptor.update(body) + encryptor.finalize()
        self.iv = sealed[-self.suite.block_bytes :]
        if self.tls > TLS10:
            sealed = iv + sealed
        return sealed + (self.mac(kind, sealed) if self.etm else b"")

    def seal(self, text: bytes, kind: int = 23, padding: int = 0) -> bytes:
        if self.deflate is not None:
            text = self.deflate.compress(text) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        if self.suite.kind == "aead":
            found = self.aead(kind, text)
        elif self.suite.kind == "block":
            found = self.cbc(kind, text, padding)
        else:
            found = text + self.mac(kind, text)
            if self.stream is not None:
                found = self.stream.update(found)
        self.sequence += 1
        return found


def pair(
    name: str, version: int = TLS12, etm: bool = False, truncated: bool = False, compression: int = 0
) -> tuple[Sealer, Opener]:
    opener = openers12(
        version,
        named(name),
        MASTER,
        CLIENT,
        SERVER,
        encrypt_then_mac=etm,
        truncated_hmac=truncated,
        compression=compression,
    )[0]
    return Sealer(name, version, etm, truncated, compression), opener


class Sealer13:
    def __init__(self, secret: bytes, name: str = GCM13, prefix: str = "tls13 ", aad: bool = True) -> None:
        made = named(name)
        self.key, iv = schedule.traffic_keys(made.prf_hash, secret, made.key_bytes, 12, prefix)
        self.iv, self.suite, self.aad, self.sequence = int.from_bytes(iv, "big"), made, aad, 0

    def seal(self, text: bytes, kind: int = 23, padding: int = 0) -> bytes:
        inner = text + bytes((kind,)) + bytes(padding)
        header = pack("!BHH", 23, 0x0303, len(inner) + self.suite.tag_bytes) if self.aad else b""
        nonce = (self.iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        if self.suite.cipher == "SM4_GCM":
            encryptor = Cipher(algorithms.SM4(self.key), modes.GCM(nonce)).encryptor()
            encryptor.authenticate_additional_data(header)
            return encryptor.update(inner) + encryptor.finalize() + encryptor.tag
        made: Any
        if "CCM" in self.suite.cipher:
            made = AESCCM(self.key, tag_length=self.suite.tag_bytes)
        else:
            made = AESGCM(self.key) if "GCM" in self.suite.cipher else ChaCha20Poly1305(self.key)
        return bytes(made.encrypt(nonce, inner, header))


# What others sealed


def test_records_of_rfc_8448() -> None:
    suite = named(GCM13)

    def opened(secret: bytes, *sealed: bytes, skip: int = 0) -> list[tuple[int, bytes]]:
        opener = opener13(suite, secret)
        opener.skip(skip)
        return [opener.open(record[0], 0x0303, record[5:]) for record in sealed]

    data = bytes(range(50))
    assert opened(rfc8448.SERVER_HANDSHAKE, rfc8448.SERVER_FLIGHT_RECORD) == [(22, rfc8448.SERVER_FLIGHT)]
    assert opened(rfc8448.CLIENT_HANDSHAKE, rfc8448.CLIENT_FINISHED_RECORD) == [(22, rfc8448.CLIENT_FINISHED)]
    client = (rfc8448.CLIENT_DATA_RECORD, rfc8448.CLIENT_ALERT_RECORD)
    assert opened(rfc8448.CLIENT_APPLICATION, *client) == [(23, data), (21, b"\1\0")]
    # The server's first record under these keys is a NewSessionTicket.
    server = (rfc8448.SERVER_DATA_RECORD, rfc8448.SERVER_ALERT_RECORD)
    assert opened(rfc8448.SERVER_APPLICATION, *server, skip=1) == [(23, data), (21, b"\1\0")]


V10, V11, V12 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("options", [0, NO_ENCRYPT_THEN_MAC])
@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (V10, "AES128-SHA"),
        (V10, "NULL-MD5"),
        (V10, "CAMELLIA128-SHA"),
        (V11, "AES128-SHA"),
        (V11, "ECDHE-RSA-NULL-SHA"),
        (V12, "AES128-SHA"),
        (V12, "AES128-SHA256"),
        (V12, "ECDHE-RSA-AES256-SHA384"),
        (V12, "ECDHE-RSA-CAMELLIA256-SHA384"),
        (V12, "NULL-SHA256"),
        (V12, "ECDHE-RSA-AES128-GCM-SHA256"),
        (V12, "ECDHE-RSA-AES256-GCM-SHA384"),
        (V12, "ECDHE-RSA-CHACHA20-POLY1305"),
        (V12, "AES256-CCM"),
        (V12, "AES128-CCM8"),
        (V12, "ECDHE-ECDSA-AES128-CCM"),
        (ssl.TLSVersion.TLSv1_3, ""),
    ],
)
def test_connections_of_pythons_tls(tmp_path: Path, version: ssl.TLSVersion, ciphers: str, options: int) -> None:
    walk = Walk(*talk(tmp_path, version, ciphers, options))
    assert walk.done
    for side in (walk.client, walk.server):
        assert side.data == b"A" * 5000 + b"B" * 5000 + b"C" * 5000
        assert side.refused == 0


LAB_NAMES = sorted(
    path.stem
    for pattern in ("tls1*.keys", "tls-starttls*.keys", "tls-postgres*.keys", "wss-tls*.keys")
    for path in (LAB / "captures").glob(pattern)
)


@pytest.mark.parametrize("name", LAB_NAMES)
def test_every_record_of_the_lab(name: str) -> None:
    keys = key_log(lab_file(f"{name}.keys").read_text())
    walks = [Walk(client, server, keys) for client, server in connections(lab_file(f"{name}.pcapng"))]
    assert walks
    for walk in walks:
        assert walk.done
        assert walk.client.opened
        assert walk.server.opened
        assert walk.server.refused == 0
    # A server that rejects early data has no keys for it, and so has to pass over it; its log may be all there is.
    assert sum(walk.client.refused for walk in walks) == (1 if "rejected" in name else 0)
    assert any(walk.client.data for walk in walks)


# What is sealed here

KINDS = [
    (GCM12, TLS12),
    ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", TLS12),
    ("TLS_RSA_WITH_AES_128_CCM", TLS12),
    ("TLS_RSA_WITH_AES_256_CCM_8", TLS12),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", TLS12),
    (GCM12, DTLS12),
    (CBC, SSL30),
    (CBC, TLS10),
    (CBC, TLS11),
    (CBC, TLS12),
    (CBC, DTLS12),
    ("TLS_RSA_WITH_AES_256_CBC_SHA256", TLS12),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", TLS12),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", SSL30),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", TLS12),
    ("TLS_RSA_WITH_DES_CBC_SHA", TLS10),
    ("TLS_RSA_WITH_SEED_CBC_SHA", TLS12),
    ("TLS_RSA_WITH_IDEA_CBC_SHA", TLS11),
    ("TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", TLS12),
    ("TLS_RSA_WITH_RC4_128_MD5", SSL30),
    ("TLS_RSA_WITH_RC4_128_MD5", TLS10),
    (RC4, SSL30),
    (RC4, TLS12),
    ("TLS_RSA_WITH_NULL_MD5", SSL30),
    ("TLS_RSA_WITH_NULL_SHA256", TLS12),
]
TEXTS = (b"", b"a", b"hello" * 100, bytes(16384), b"last")


@pytest.mark.parametrize(("name", "version"), KINDS)
def test_every_kind_of_protection(name: str, version: int) -> None:
    sealer, opener = pair(name, version)
    for text in TEXTS:
        assert opener.open(23, version, sealer.seal(text)) == (23, text)
    assert opener.sequence == len(TEXTS)


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("etm", [False, True])
@pytest.mark.parametrize(("name", "version"), [kind for kind in KINDS if named(kind[0]).mac and kind[1] != SSL30])
def test_extensions_of_the_mac(name: str, version: int, etm: bool, truncated: bool) -> None:
    # Encrypt-then-MAC is for CBC alone, RFC 7366 §3.
    sealer, opener = pair(name, version, etm and named(name).kind == "block", truncated)
    for text in TEXTS:
        assert opener.open(23, version, sealer.seal(text, padding=3)) == (23, text)


@pytest.mark.parametrize(("name", "version"), KINDS)
def test_wrong_keys_and_changed_bytes(name: str, version: int) -> None:
    sealer, opener = pair(name, version)
    other = openers12(version, named(name), MASTER[::-1], CLIENT, SERVER)[0]
    sealed = sealer.seal(b"some text")
    with pytest.raises(Undecryptable):
        other.open(23, version, sealed)
    assert other.sequence == 0
    assert other.broken == (named(name).kind == "stream")
    for changed in (sealed[:-1] + bytes((sealed[-1] ^ 1,)), bytes((sealed[0] ^ 1,)) + sealed[1:]):
        fresh = pair(name, version)[1]
        with pytest.raises(Undecryptable):
            fresh.open(23, version, changed)
    if version != SSL30:
        with pytest.raises(Undecryptable):
            pair(name, version)[1].open(23, version ^ 1, sealed)
    with pytest.raises(Undecryptable):
        pair(name, version)[1].open(22, version, sealed)
    assert opener.open(23, version, sealed) == (23, b"some text")


@pytest.mark.parametrize(
    "name",
    [
        GCM13,
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
        "TLS_SM4_GCM_SM3",
    ],
)
def test_every_suite_of_tls_13(name: str) -> None:
    secret = bytes(range(48 if "384" in name else 32))
    try:
        opener = opener13(named(name), secret)
    except Undecryptable:
        assert name == "TLS_SM4_GCM_SM3"
        pytest.skip("the library has no SM4")
    sealer = Sealer13(secret, name)
    for count, text in enumerate(TEXTS):
        assert opener.open(23, 0x0303, sealer.seal(text, 20 + count, count * 50)) == (20 + count, text)
    sealed = sealer.seal(b"x")
    with pytest.raises(Undecryptable, match="tag"):
        opener.open(23, 0x0303, sealed[:-1] + bytes((sealed[-1] ^ 1,)))
    with pytest.raises(Undecryptable, match="few"):
        opener.open(23, 0x0303, sealed[: opener.tag_bytes])
    assert opener.open(23, 0x0303, sealed) == (23, b"x")


def test_key_updates_and_early_drafts() -> None:
    secret = bytes(32)
    opener: Opener = opener13(named(GCM13), secret)
    opener.skip(5)
    updated = schedule.next_traffic_secret("SHA256", secret)
    opener = opener.next()
    assert opener.open(23, 0x0303, Sealer13(updated).seal(b"new keys")) == (23, b"new keys")
    for prefix, aad in (("TLS 1.3, ", False), ("tls13 ", False), ("dtls13", True)):
        sealed = Sealer13(secret, GCM13, prefix, aad).seal(b"draft")
        assert opener13(named(GCM13), secret, prefix=prefix, aad=aad).open(23, 0x0303, sealed) == (23, b"draft")
        with pytest.raises(Undecryptable):
            opener13(named(GCM13), secret).open(23, 0x0303, sealed)
    draft = opener13(named(GCM13), secret, prefix="TLS 1.3, ", aad=False).next()
    assert draft.prefix == "TLS 1.3, "
    assert not draft.authenticates_header
    with pytest.raises(Undecryptable):
        pair(GCM12)[1].next()


def test_what_tls_13_does_not_allow() -> None:
    opener = opener13(named(GCM13), bytes(32))
    sealer = Sealer13(bytes(32))
    with pytest.raises(Undecryptable, match="never encrypted"):
        opener.open(22, 0x0303, sealer.seal(b""))
    with pytest.raises(Undecryptable, match="at most 16640"):
        opener.open(23, 0x0303, bytes(16641))
    sealer.sequence = 0
    with pytest.raises(Undecryptable, match="padding"):
        opener.open(23, 0x0303, sealer.seal(b"", 0))
    sealer.sequence = 0
    with pytest.raises(Undecryptable, match="more than 16384"):
        opener.open(23, 0x0303, sealer.seal(bytes(16384) + b"x", 23))
    sealer.sequence = 0
    assert opener.open(23, 0x0303, sealer.seal(bytes(16384))) == (23, bytes(16384))


# Missing records

AGAIN = [(GCM12, TLS12), (CBC, TLS11), (CBC, TLS12), ("TLS_RSA_WITH_NULL_SHA", TLS12)]


@pytest.mark.parametrize(("name", "version"), AGAIN)
def test_a_known_number_of_missing_records(name: str, version: int) -> None:
    sealer, opener = pair(name, version)
    sealed = [sealer.seal(b"%d" % count) for count in range(9)]
    assert opener.resumable
    opener.open(23, version, sealed[0])
    opener.skip(3)
    opener.skip(0)
    with pytest.raises(Undecryptable):
        opener.open(23, version, sealed[5])
    assert opener.open(23, version, sealed[4]) == (23, b"4")
    opener.skip()
    assert opener.open(23, version, sealed[6]) == (23, b"6")


@pytest.mark.parametrize(
    ("name", "version"), [*AGAIN, ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", TLS12), (GCM13, 0x0303)]
)
def test_an_unknown_number_of_missing_records(name: str, version: int) -> None:
    sealer: Sealer | Sealer13
    opener: Opener
    if name == GCM13:
        sealer, opener = Sealer13(bytes(32)), opener13(named(GCM13), bytes(32))
    else:
        sealer, opener = pair(name, version)
    sealed = [sealer.seal(b"%d" % count) for count in range(200)]
    assert opener.resync(23, version, sealed[0]) == (23, b"0")
    assert opener.resync(23, version, sealed[33]) == (23, b"33")
    assert opener.sequence == 34
    if name != GCM12:
        assert opener.resync(23, version, sealed[44], most=10) is None
    assert opener.sequence == 34
    assert opener.open(23, version, sealed[34]) == (23, b"34")
    assert opener.resync(23, version, sealed[199], most=1000) == (23, b"199")


def test_an_explicit_nonce_tells_the_number() -> None:
    sealer, opener = pair(GCM12)
    opener.open(23, TLS12, sealer.seal(b"first"))
    sealer.sequence = 5000
    assert opener.resync(23, TLS12, sealer.seal(b"later")) == (23, b"later")
    assert opener.sequence == 5001


@pytest.mark.parametrize("etm", [False, True])
def test_chained_records_need_the_block_before(etm: bool) -> None:
    sealer, opener = pair(CBC, TLS10, etm)
    sealed = [sealer.seal(b"%d" % count) for count in range(7)]
    assert opener.open(23, TLS10, sealed[0]) == (23, b"0")
    opener.skip(1, sealed[1])
    assert opener.open(23, TLS10, sealed[2]) == (23, b"2")
    opener.skip(1)
    with pytest.raises(Undecryptable, match="missing"):
        opener.open(23, TLS10, sealed[4])
    assert opener.resync(23, TLS10, sealed[4]) is None
    assert opener.resumable
    assert not opener.broken
    opener.skip(1, sealed[4])
    assert opener.resync(23, TLS10, sealed[5]) == (23, b"5")
    assert opener.open(23, TLS10, sealed[6]) == (23, b"6")


def test_a_keystream_is_lost_with_a_record() -> None:
    sealer, opener = pair(RC4)
    assert opener.open(23, TLS12, sealer.seal(b"0")) == (23, b"0")
    assert not opener.resumable
    opener.skip()
    assert opener.broken
    with pytest.raises(Undecryptable, match="missing"):
        opener.open(23, TLS12, sealer.seal(b"1"))
    assert opener.resync(23, TLS12, sealer.seal(b"2")) is None


def test_sequence_numbers_end() -> None:
    for opener in (pair(GCM12)[1], opener13(named(GCM13), bytes(32))):
        opener.skip(1 << 70)
        assert opener.sequence == protection.MAX_SEQUENCE
        with pytest.raises(Undecryptable):
            opener.open(23, TLS12, bytes(100))
        assert opener.resync(23, TLS12, bytes(100)) is None


# Compression


@pytest.mark.parametrize("name", [GCM12, CBC, RC4])
def test_compressed_records_share_their_history(name: str) -> None:
    sealer, opener = pair(name, compression=DEFLATE)
    text = bytes(range(256)) * 4
    sealed = [sealer.seal(text) for _ in range(3)]
    assert len(sealed[1]) < 100
    assert [opener.open(23, TLS12, record) for record in sealed] == [(23, text)] * 3
    assert not opener.resumable
    assert opener.resync(23, TLS12, sealer.seal(text)) is None


def test_decompression_is_bounded() -> None:
    sealer, opener = pair(GCM12, compression=DEFLATE)
    assert opener.open(23, TLS12, sealer.seal(bytes(16384))) == (23, bytes(16384))
    with pytest.raises(Undecryptable, match="decompressed"):
        opener.open(23, TLS12, sealer.seal(bytes(10_000_000)))
    assert opener.broken
    sealer, opener = pair(GCM12, compression=DEFLATE)
    sealer.deflate = None
    with pytest.raises(Undecryptable, match="DEFLATE"):
        opener.open(23, TLS12, sealer.seal(b"\xff\xff\xff\xff"))
    with pytest.raises(Undecryptable):
        opener.open(23, TLS12, sealer.seal(b"text"))


# Limits and refusals


@pytest.mark.parametrize("name", [GCM12, CBC, RC4, "TLS_RSA_WITH_NULL_SHA"])
@pytest.mark.parametrize("etm", [False, True])
def test_plaintext_is_bounded(name: str, etm: bool) -> None:
    sealer, opener = pair(name, TLS12, etm and name == CBC)
    with pytest.raises(Undecryptable, match="at most"):
        opener.open(23, TLS12, sealer.seal(bytes(16385)))
    sealer, opener = pair(name, TLS12, etm and name == CBC)
    with pytest.raises(Undecryptable, match="at most"):
        opener.open(23, TLS12, bytes(20000))


@pytest.mark.parametrize("etm", [False, True])
def test_padding(etm: bool) -> None:
    sealer, opener = pair(CBC, TLS12, etm)
    assert opener.open(23, TLS12, sealer.seal(b"text", padding=14)) == (23, b"text")
    with pytest.raises(Undecryptable, match="whole blocks"):
        opener.open(23, TLS12, b"")
    if not etm:
        sealed = sealer.seal(b"text")
        with pytest.raises(Undecryptable, match="whole blocks"):
            opener.open(23, TLS12, sealed[:-1])
        with pytest.raises(Undecryptable, match="whole blocks"):
            opener.open(23, TLS12, sealed[:16])

        class Careless(Sealer):
            def padding(self, size: int, padding: int) -> bytes:
                count = 16 - size % 16
                return bytes(count - 1) + bytes((count - 1,))

        opener = pair(CBC)[1]
        with pytest.raises(Undecryptable, match="padding"):
            opener.open(23, TLS12, Careless(CBC, TLS12).seal(b"text"))


def test_ssl_3_takes_no_more_padding_than_needed() -> None:
    class Wasteful(Sealer):
        def padding(self, size: int, padding: int) -> bytes:
            count = 32 - size % 16
            return bytes(count - 1) + bytes((count - 1,))

    with pytest.raises(Undecryptable, match="padding"):
        pair(CBC, SSL30)[1].open(23, SSL30, Wasteful(CBC, SSL30).seal(b"text"))


@pytest.mark.parametrize(
    ("version", "name", "compression"),
    [
        (TLS12, GCM13, 0),
        (TLS11, GCM12, 0),
        (0x0304, GCM12, 0),
        (0x0200, CBC, 0),
        (TLS12, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", 0),
        (TLS12, "TLS_RSA_WITH_ARIA_128_CBC_SHA256", 0),
        (TLS12, "TLS_NULL_WITH_NULL_NULL", 0),
        (TLS12, GCM12, 64),
    ],
)
def test_refused_before_any_record(version: int, name: str, compression: int) -> None:
    with pytest.raises(Undecryptable):
        openers12(version, named(name), MASTER, CLIENT, SERVER, compression=compression)


def test_secrets_of_the_wrong_size() -> None:
    with pytest.raises(Undecryptable, match="not 48"):
        openers12(TLS12, named(GCM12), bytes(47), CLIENT, SERVER)
    with pytest.raises(Undecryptable, match="does not belong"):
        opener13(named(GCM13), bytes(48))
    with pytest.raises(Undecryptable, match=r"in TLS 1\.3"):
        opener13(named(GCM12), bytes(32))
    with pytest.raises(Undecryptable, match=r"in TLS 1\.3"):
        opener13(named("TLS_AEGIS_128L_SHA256"), bytes(32))


def test_a_library_that_lacks_a_cipher_or_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise UnsupportedAlgorithm("none")

    monkeypatch.setattr("cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305", lacking)
    with pytest.raises(Undecryptable, match="has no CHACHA"):
        opener13(named("TLS_CHACHA20_POLY1305_SHA256"), bytes(32))
    monkeypatch.setattr("cryptography.hazmat.primitives.ciphers.Cipher", lacking)
    with pytest.raises(Undecryptable, match="has no SM4_GCM"):
        opener13(named("TLS_SM4_GCM_SM3"), bytes(32))
    with pytest.raises(Undecryptable, match="has no AES_128_CBC"):
        openers12(TLS12, named(CBC), MASTER, CLIENT, SERVER)
    with pytest.raises(Undecryptable, match="can't be opened"):
        protection._aead(named("TLS_SM4_CCM_SM3"), bytes(16))

    def forbidden(*_: object) -> bytes:
        raise ValueError("not in this mode")

    monkeypatch.setattr(hmac, "digest", forbidden)
    with pytest.raises(Undecryptable, match="hash"):
        openers12(TLS12, named(CBC), MASTER, CLIENT, SERVER)
    with pytest.raises(Undecryptable, match="SHA256"):
        opener13(named(GCM13), bytes(32))


def test_old_ciphers_are_looked_for_in_both_places() -> None:
    assert protection._algorithm("AES") is algorithms.AES
    assert protection._algorithm("ARC4") is not None
    assert protection._algorithm("Enigma") is None


# Any bytes


@cache
def ready(name: str, version: int, etm: bool) -> tuple[Sealer, Opener]:
    return pair(name, version, etm)


@given(
    st.sampled_from(KINDS),
    st.booleans(),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.binary(max_size=200) | st.integers(0, 20).map(lambda blocks: bytes(range(16)) * blocks),
)
def test_any_bytes_for_a_record(
    kind: tuple[str, int], etm: bool, content_type: int, version: int, fragment: bytes
) -> None:
    opener = ready(*kind, etm and named(kind[0]).kind == "block")[1]
    before = opener.sequence
    try:
        opener.open(content_type, version, fragment)
    except Undecryptable:
        assert opener.sequence == before
    opener.resync(content_type, version, fragment, most=3)
    opener.skip(1, fragment)


@given(st.binary(max_size=200), st.integers(0, 255), st.integers(0, 0xFFFF))
def test_any_bytes_for_a_record_of_tls_13(fragment: bytes, content_type: int, version: int) -> None:
    opener = opener13(named(GCM13), bytes(32))
    with pytest.raises(Undecryptable):
        opener.open(content_type, version, fragment)


@given(st.sampled_from(AGAIN), st.lists(st.tuples(st.booleans(), st.binary(max_size=50)), max_size=20))
def test_any_records_may_be_missing(kind: tuple[str, int], said: list[tuple[bool, bytes]]) -> None:
    sealer, opener = pair(*kind)
    for seen, text in said:
        sealed = sealer.seal(text)
        if seen:
            assert opener.open(23, kind[1], sealed) == (23, text)
        else:
            opener.skip(1, sealed)


def test_datagrams_in_any_order() -> None:
    """DTLS 1.2 counts epoch and number in one, RFC 6347 §4.1.2.1."""
    sealer, opener = pair(GCM12, DTLS12)
    sealer.sequence = 1 << 48
    sealed = [sealer.seal(b"%d" % count) for count in range(3)]
    for count in (2, 0, 1):
        assert opener.open_at((1 << 48) + count, 23, DTLS12, sealed[count]) == (23, b"%d" % count)
    assert opener.sequence == 0


def test_one_decryptor_serves_all_records() -> None:
    opener = pair(CBC)[1]
    assert isinstance(opener, BlockOpener)
    with pytest.raises(NotImplementedError):
        Opener().open(23, TLS12, b"")
