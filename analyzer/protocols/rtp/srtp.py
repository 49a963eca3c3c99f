"""SRTP with the keys of a DTLS handshake: checking packets, and opening SRTCP (RFC 3711, RFC 5764, RFC 7714).

No media is decrypted: of RTP only the authentication tag is checked, which for AEAD means to decrypt and forget.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from analyzer.core import Shared

#: The table in which DTLS rooms leave what they agreed on, by client random.
TABLE: Final = "srtp"
EXPORTER_LABEL: Final = b"EXTRACTOR-dtls_srtp"  # RFC 5764 §4.2
#: Who has it: the flow of the handshake, the profile, the side of the client there, and the exporter of RFC 5705: gives
#: so many bytes for a label, or None where the secrets are not known (yet).
Agreement = tuple[int, int, int, Callable[[bytes, int], bytes | None]]
MAX_TRIED: Final = 16  # agreements of other flows
INDEX_BYTES: Final = 4  # of SRTCP, RFC 3711 §3.4
ENCRYPTED: Final = 1 << 31
CLEAR_BYTES: Final = 8  # of SRTCP: the first header and its SSRC
MAX_ROLLOVERS: Final = 4  # that are tried beyond the last

# Labels of the key derivation, RFC 3711 §4.3.
RTP_AUTH: Final = 1
RTP_KEY: Final = 0
RTP_SALT: Final = 2
RTCP_KEY: Final = 3
RTCP_AUTH: Final = 4
RTCP_SALT: Final = 5


class Profile(NamedTuple):
    """A protection profile, RFC 5764 §4.1.2 and RFC 7714 §14.2; sizes in bytes."""

    name: str
    key_bytes: int
    salt_bytes: int
    rtp_tag_bytes: int
    rtcp_tag_bytes: int
    aead: bool


PROFILES: Final[dict[int, Profile]] = {
    0x0001: Profile("SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, 10, False),
    0x0002: Profile("SRTP_AES128_CM_HMAC_SHA1_32", 16, 14, 4, 10, False),
    0x0007: Profile("SRTP_AEAD_AES_128_GCM", 16, 12, 16, 16, True),
    0x0008: Profile("SRTP_AEAD_AES_256_GCM", 32, 12, 16, 16, True),
}


def aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """AES in counter mode (RFC 3711 §4.1.1); what encrypts also decrypts."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    worker = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return worker.update(data) + worker.finalize()


def derive(master: bytes, salt: bytes, label: int, size: int) -> bytes:
    """A session key of `size` bytes, with a key derivation rate of 0 (RFC 3711 §4.3.1, §4.3.3)."""
    padded = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48
    return aes_ctr(master, (padded << 16).to_bytes(16, "big"), bytes(size))


class Half:
    """What opens the packets of one sender."""

    __slots__ = (
        "profile",
        "rtcp_auth",
        "rtcp_gcm",
        "rtcp_key",
        "rtcp_salt",
        "rtp_auth",
        "rtp_gcm",
        "rtp_salt",
    )

    def __init__(self, profile: Profile, master: bytes, salt: bytes) -> None:
        self.profile = profile
        size = profile.key_bytes
        self.rtcp_key = derive(master, salt, RTCP_KEY, size)
        self.rtcp_salt = derive(master, salt, RTCP_SALT, profile.salt_bytes)
        self.rtp_salt = derive(master, salt, RTP_SALT, profile.salt_bytes)
        self.rtp_auth = self.rtcp_auth = b""
        self.rtp_gcm: AESGCM | None = None
        self.rtcp_gcm: AESGCM | None = None
        if profile.aead:
            from cryptography.hazmat.primitives.ciphers import aead

            self.rtp_gcm = aead.AESGCM(derive(master, salt, RTP_KEY, size))
            self.rtcp_gcm = aead.AESGCM(self.rtcp_key)
        else:
            self.rtp_auth = derive(master, salt, RTP_AUTH, 20)
            self.rtcp_auth = derive(master, salt, RTCP_AUTH, 20)

    def open_rtcp(self, data: bytes) -> bytes | None:
        """The compound in an SRTCP packet; None where it does not prove authentic.  RFC 3711 §3.4, RFC 7714 §9."""
        tag = self.profile.rtcp_tag_bytes
        if len(data) < CLEAR_BYTES + INDEX_BYTES + tag:
            return None
        if self.rtcp_gcm is not None:
            index = int.from_bytes(data[-INDEX_BYTES:], "big")
            head, body = data[:CLEAR_BYTES], data[CLEAR_BYTES:-INDEX_BYTES]
            nonce = bytes(2) + data[4:8] + bytes(2) + (index & ~ENCRYPTED).to_bytes(4, "big")
            if index & ENCRYPTED:
                plain = _gcm(self.rtcp_gcm, _xored(nonce, self.rtcp_salt), body, head + data[-INDEX_BYTES:])
                return None if plain is None else head + plain
            known = data[:-INDEX_BYTES][:-tag] + data[-INDEX_BYTES:]
            plain = _gcm(self.rtcp_gcm, _xored(nonce, self.rtcp_salt), body[-tag:], known)
            return None if plain is None else data[: -INDEX_BYTES - tag]
        if not hmac.compare_digest(hmac.digest(self.rtcp_auth, data[:-tag], "sha1")[:tag], data[-tag:]):
            return None
        rest = data[:-tag]
        index = int.from_bytes(rest[-INDEX_BYTES:], "big")
        body = rest[CLEAR_BYTES:-INDEX_BYTES]
        if index & ENCRYPTED:
            number = int.from_bytes(self.rtcp_salt, "big") << 16
            number ^= int.from_bytes(data[4:8], "big") << 64 ^ (index & ~ENCRYPTED) << 16
            body = aes_ctr(self.rtcp_key, number.to_bytes(16, "big"), body)
        return data[:CLEAR_BYTES] + body

    def check_rtp(self, data: bytes, header_bytes: int, rollovers: int) -> bool:
        """Whether an SRTP packet proves authentic with this rollover counter (RFC 3711 §4.2, RFC 7714 §8)."""
        tag, counter = self.profile.rtp_tag_bytes, rollovers.to_bytes(4, "big")
        if len(data) < header_bytes + tag:
            return False
        if self.rtp_gcm is not None:
            nonce = bytes(2) + data[8:12] + counter + data[2:4]
            return (
                _gcm(self.rtp_gcm, _xored(nonce, self.rtp_salt), data[header_bytes:], data[:header_bytes]) is not None
            )
        return hmac.compare_digest(hmac.digest(self.rtp_auth, data[:-tag] + counter, "sha1")[:tag], data[-tag:])


def _gcm(worker: AESGCM, nonce: bytes, sealed: bytes, known: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return worker.decrypt(nonce, sealed, known)
    except InvalidTag:
        return None


def _xored(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


class Association:
    """The keys of both sides of one handshake.  `client` is the side that was the client, in the flow it was in."""

    __slots__ = ("client", "flow", "halves", "profile")

    def __init__(self, flow: int, client: int, profile: Profile, material: bytes) -> None:
        self.flow = flow
        self.client = client
        self.profile = profile
        key, salt = profile.key_bytes, profile.salt_bytes
        # RFC 5764 §4.2: the client's key, the server's, the client's salt, the server's.
        keys = material[:key], material[key : 2 * key]
        salts = material[2 * key : 2 * key + salt], material[2 * key + salt : 2 * (key + salt)]
        made = [Half(profile, keys[0], salts[0]), Half(profile, keys[1], salts[1])]
        self.halves: tuple[Half, Half] = (made[0], made[1]) if client == 0 else (made[1], made[0])


def agreements(shared: Shared, flow: int) -> list[Agreement]:
    """What DTLS agreed on, the latest first: in this flow, or where there was none in it, in others."""
    found: list[Agreement] = list(reversed(shared.recall(TABLE, flow.to_bytes(8, "big")) or ()))
    if found:
        return found
    for agreed in reversed((shared.tables.get(TABLE) or {}).values()):
        found.extend(reversed(agreed))
        if len(found) >= MAX_TRIED:
            break
    return found[:MAX_TRIED]


def association(agreement: Agreement) -> Association | None:
    """The keys of an agreement; None where the profile or the secrets are not known."""
    flow, number, client, exporter = agreement
    profile = PROFILES.get(number)
    if profile is None:
        return None
    material = exporter(EXPORTER_LABEL, 2 * (profile.key_bytes + profile.salt_bytes))
    return None if material is None else Association(flow, client, profile, material)
