"""What a cipher suite is made of, worked out from its registered name (RFC 5246 §A.5, RFC 9846 §B.5).

A name tells all there is to know: `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256` is a key exchange, a way to authenticate,
a cipher and a hash.  So there is no table of suites here, only one of ciphers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

#: The names of hashes as suites spell them -> how many bytes they give.
HASH_BYTES: Final = {"MD5": 16, "SHA1": 20, "SHA256": 32, "SHA384": 48, "SHA512": 64, "SM3": 32}


class Cipher(NamedTuple):
    """How a cipher is used in TLS: sizes in bytes, 0 for what it has not."""

    kind: str  # "aead", "block", "stream", "null"
    key_bytes: int
    block_bytes: int = 0
    fixed_iv_bytes: int = 0  # TLS 1.2; TLS 1.3 always has the whole nonce fixed
    explicit_nonce_bytes: int = 0  # the same
    tag_bytes: int = 0
    nonce_bytes: int = 12  # of an AEAD in TLS 1.3
    supported: bool = True


def _gcm(key_bytes: int, supported: bool = True) -> Cipher:
    return Cipher("aead", key_bytes, 0, 4, 8, 16, supported=supported)  # RFC 5288 §3


def _ccm(key_bytes: int, tag_bytes: int = 16, supported: bool = True) -> Cipher:
    return Cipher("aead", key_bytes, 0, 4, 8, tag_bytes, supported=supported)  # RFC 6655 §3


def _cbc(key_bytes: int, block_bytes: int = 16, supported: bool = True) -> Cipher:
    return Cipher("block", key_bytes, block_bytes, supported=supported)


CIPHERS: Final = {
    "AES_128_GCM": _gcm(16),
    "AES_256_GCM": _gcm(32),
    "AES_128_CCM": _ccm(16),
    "AES_256_CCM": _ccm(32),
    "AES_128_CCM_8": _ccm(16, 8),
    "AES_256_CCM_8": _ccm(32, 8),
    "CHACHA20_POLY1305": Cipher("aead", 32, 0, 12, 0, 16),  # RFC 7905 §2
    "AES_128_CBC": _cbc(16),
    "AES_256_CBC": _cbc(32),
    "CAMELLIA_128_CBC": _cbc(16),
    "CAMELLIA_256_CBC": _cbc(32),
    "SEED_CBC": _cbc(16),
    "IDEA_CBC": _cbc(16, 8),
    "3DES_EDE_CBC": _cbc(24, 8),
    "DES_CBC": _cbc(8, 8),
    "RC4_128": Cipher("stream", 16),
    "SM4_GCM": _gcm(16),  # RFC 8998
    "NULL": Cipher("null", 0),
    # What can be told of, and not opened.
    "SM4_CCM": _ccm(16, supported=False),
    "CAMELLIA_128_GCM": _gcm(16, False),
    "CAMELLIA_256_GCM": _gcm(32, False),
    "ARIA_128_GCM": _gcm(16, False),
    "ARIA_256_GCM": _gcm(32, False),
    "ARIA_128_CBC": _cbc(16, supported=False),
    "ARIA_256_CBC": _cbc(32, supported=False),
    "AES_128_OCB": Cipher("aead", 16, 0, 12, 0, 16, supported=False),
    "AES_256_OCB": Cipher("aead", 32, 0, 12, 0, 16, supported=False),
    "AEGIS_128L": Cipher("aead", 16, tag_bytes=16, nonce_bytes=16, supported=False),
    "AEGIS_128X2": Cipher("aead", 16, tag_bytes=16, nonce_bytes=16, supported=False),
    "AEGIS_256": Cipher("aead", 32, tag_bytes=16, nonce_bytes=32, supported=False),
    "AEGIS_256X2": Cipher("aead", 32, tag_bytes=16, nonce_bytes=32, supported=False),
    "RC4_40": Cipher("stream", 5, supported=False),
    "RC2_CBC_40": _cbc(5, 8, False),
    "DES40_CBC": _cbc(5, 8, False),
    "DES_CBC_40": _cbc(5, 8, False),
    "28147_CNT_IMIT": Cipher("stream", 32, supported=False),  # RFC 9189
    "KUZNYECHIK_CTR_OMAC": Cipher("stream", 32, supported=False),
    "MAGMA_CTR_OMAC": Cipher("stream", 32, supported=False),
    "KUZNYECHIK_MGM_L": Cipher("aead", 32, tag_bytes=16, nonce_bytes=16, supported=False),  # RFC 9367
    "KUZNYECHIK_MGM_S": Cipher("aead", 32, tag_bytes=16, nonce_bytes=16, supported=False),
    "MAGMA_MGM_L": Cipher("aead", 32, tag_bytes=8, nonce_bytes=8, supported=False),
    "MAGMA_MGM_S": Cipher("aead", 32, tag_bytes=8, nonce_bytes=8, supported=False),
}


class Suite(NamedTuple):
    """One cipher suite; sizes are in bytes, 0 for what it has not."""

    value: int
    name: str
    version13: bool  # for TLS 1.3, which negotiates key exchange and authentication apart from the suite
    key_exchange: str  # "RSA", "ECDHE_RSA", "DHE_PSK"; "" for TLS 1.3
    authentication: str  # "RSA", "ECDSA", "DSS", "PSK", "anon", ...; "" for TLS 1.3
    cipher: str  # "AES_128_GCM", "3DES_EDE_CBC", "NULL"
    kind: str  # "aead", "block", "stream", "null"
    key_bytes: int
    fixed_iv_bytes: int  # the part of an AEAD's nonce that comes from the secrets
    explicit_nonce_bytes: int  # the part that each record brings
    tag_bytes: int
    block_bytes: int
    mac: str  # "SHA1", "SHA256", "MD5"; "" for AEADs
    mac_bytes: int
    prf_hash: str  # of the key schedule since TLS 1.2; before it all suites had MD5 and SHA-1
    supported: bool  # records can be opened; a build of the library may still lack the cipher

    @property
    def export(self) -> bool:
        """Made weak on purpose, for the export rules of the 1990s."""
        return "EXPORT" in self.key_exchange


@lru_cache(maxsize=1024)
def suite(value: int, name: str) -> Suite | None:
    """The suite of a registered name; None for names of no suite (signals, reserved values) and unknown ciphers."""
    if not name.startswith("TLS_"):
        return None
    before, found, after = name[4:].partition("_WITH_")
    if not found:
        return _suite13(value, name, before)
    cipher, hash_name = _split(after)
    made = CIPHERS.get(cipher)
    if made is None:
        return None
    if cipher.endswith(("_MGM_L", "_MGM_S")):  # RFC 9367: TLS 1.3 with the old pattern of names
        return _made13(value, name, cipher, made, "")
    aead = made.kind == "aead" or cipher.endswith(("_IMIT", "_OMAC"))
    mac = "" if aead else hash_name
    return Suite(
        value=value,
        name=name,
        version13=False,
        key_exchange=before,
        authentication=_authentication(before),
        cipher=cipher,
        kind=made.kind,
        key_bytes=made.key_bytes,
        fixed_iv_bytes=made.fixed_iv_bytes,
        explicit_nonce_bytes=made.explicit_nonce_bytes,
        tag_bytes=made.tag_bytes,
        block_bytes=made.block_bytes,
        mac=mac,
        mac_bytes=HASH_BYTES.get(mac, 0),
        prf_hash=hash_name if hash_name in ("SHA384", "SM3") else "SHA256",
        # Nothing would tell whether a record without a MAC was read rightly.
        supported=made.supported and (aead or mac in HASH_BYTES) and "EXPORT" not in before,
    )


def _suite13(value: int, name: str, rest: str) -> Suite | None:
    """TLS 1.3 names a cipher and a hash, RFC 9846 §B.5."""
    cipher, hash_name = _split(rest)
    if cipher in ("SHA256", "SHA384"):  # RFC 9150: integrity alone, an HMAC for a tag
        size = HASH_BYTES[cipher]
        made = Cipher("null", size, tag_bytes=size, nonce_bytes=size, supported=False)
        return _made13(value, name, "NULL", made, hash_name)
    found = CIPHERS.get(cipher)
    if found is None or found.kind != "aead" or not hash_name:
        return None
    return _made13(value, name, cipher, found, hash_name)


def _made13(value: int, name: str, cipher: str, made: Cipher, hash_name: str) -> Suite:
    return Suite(
        value=value,
        name=name,
        version13=True,
        key_exchange="",
        authentication="",
        cipher=cipher,
        kind=made.kind,
        key_bytes=made.key_bytes,
        fixed_iv_bytes=made.nonce_bytes,
        explicit_nonce_bytes=0,
        tag_bytes=made.tag_bytes,
        block_bytes=0,
        mac="",
        mac_bytes=0,
        prf_hash=hash_name,
        supported=made.supported and hash_name in HASH_BYTES,
    )


def _split(text: str) -> tuple[str, str]:
    """Cipher and hash: "AES_128_CBC", "SHA1"; the hash is "" where a name has none."""
    cipher, _, last = text.rpartition("_")
    if last == "SHA":
        return cipher, "SHA1"
    if text == "NULL_NULL":
        return "NULL", ""
    return (cipher, last) if last in HASH_BYTES else (text, "")


def _authentication(key_exchange: str) -> str:
    parts = key_exchange.replace("_EXPORT", "").split("_")
    if parts[0] == "KRB5":
        return "Kerberos"
    if parts[0] == "ECCPWD":
        return "password"
    if parts[0] == "SRP":
        return parts[2] if len(parts) > 2 else "password"
    if parts[0].startswith("GOST"):
        return "GOST"
    if "PSK" in parts:
        return "RSA and PSK" if "RSA" in parts else "PSK"
    return parts[-1]


def forward_secrecy(suite: Suite) -> bool:
    """Whether a recording stays closed to who gets the long-term key later."""
    # TLS 1.3: unless a session is resumed with its key alone (psk_ke), which no suite tells.
    parts = suite.key_exchange.split("_")
    return suite.version13 or "anon" in parts or parts[-1] == "DHE" or parts[0] in ("DHE", "ECDHE", "SRP", "ECCPWD")


def weaknesses(suite: Suite) -> tuple[str, ...]:
    """What speaks against a suite, worst first; empty for what RFC 9325 §4.2 recommends."""
    found = []
    if suite.cipher == "NULL":
        found.append("no encryption: everybody in the path can read along")
    if suite.authentication == "anon":
        found.append("nobody is authenticated: anybody in the path can pass for the other side")
    if suite.authentication == "NULL":
        found.append("no key exchange and no authentication")
    if suite.export or suite.key_bytes == 5:
        found.append("export grade: keys of 40 bits, or weak RSA and Diffie-Hellman, broken in hours (FREAK, Logjam)")
    if suite.cipher.startswith("RC4"):
        found.append("RC4 is broken and forbidden (RFC 7465)")
    elif suite.cipher.startswith("RC2"):
        found.append("RC2 is broken")
    elif suite.cipher.startswith("DES"):
        found.append("DES has keys of 56 bits, which can be tried out (RFC 5469)")
    elif suite.block_bytes == 8:
        found.append("blocks of 64 bits repeat after some gigabytes (Sweet32)")
    if suite.mac == "MD5":
        found.append("the MAC is built on MD5")
    if not forward_secrecy(suite):
        found.append("no forward secrecy: who gets the long-term key later can read recordings")
    if suite.kind == "block":
        found.append("CBC with a separate MAC, which has been attacked by timing (Lucky Thirteen)")
    if suite.tag_bytes == 8 and suite.kind == "aead":
        found.append("a tag of 8 bytes, meant for small devices")
    return tuple(found)


def strength(suite: Suite) -> str:
    """How good a suite is, in a sentence or two for a reader who knows little of ciphers."""
    found = weaknesses(suite)
    if not found:
        return "Forward secrecy and authenticated encryption (AEAD): nothing known against it."
    good = [
        words
        for words, holds in (
            ("forward secrecy", forward_secrecy(suite)),
            ("authenticated encryption (AEAD)", suite.kind == "aead"),
        )
        if holds
    ]
    has = f"Has {' and '.join(good)}, but: " if good else "Weak: "
    return f"{has}{'; '.join(found)}."
