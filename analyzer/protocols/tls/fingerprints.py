"""Fingerprints of hellos: JA3 and JA3S (Salesforce), and JA4 (FoxIO; only the client's, which is free to use).

A fingerprint says how a hello was made, not by whom: programs with the same library and settings share one.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Final

from analyzer.protocols.tls.names import GREASE_VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Fingerprints that are kept: most clients of a network say the same thing again and again.
MAX_KEPT: Final = 4096
#: Values of one list that go into a JA3 string, which may have been made long on purpose.
MAX_SHOWN: Final = 1024

#: How JA4 writes a version, and their order: DTLS counts down.
_JA4_VERSIONS: Final = {
    0x0002: "s2",
    0x0300: "s3",
    0x0301: "10",
    0x0302: "11",
    0x0303: "12",
    0x0304: "13",
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
}
_ORDER: Final = {version: place for place, version in enumerate(_JA4_VERSIONS, 1)}
_SERVER_NAME: Final = 0
_ALPN: Final = 16
_NO_HASH: Final = "000000000000"


def _joined(values: Sequence[int]) -> str:
    return "-".join([str(value) for value in values[:MAX_SHOWN] if value not in GREASE_VALUES])


def ja3_string(
    version: int, suites: Sequence[int], extensions: Sequence[int], groups: Sequence[int], point_formats: Sequence[int]
) -> str:
    """`771,4865-4866,0-23-65281,29-23-24,0`: the legacy version and the lists in the order sent, without GREASE."""
    formats = "-".join([str(value) for value in point_formats[:MAX_SHOWN]])
    return f"{version},{_joined(suites)},{_joined(extensions)},{_joined(groups)},{formats}"


def ja3s_string(version: int, suite: int, extensions: Sequence[int]) -> str:
    """`771,4865,43-51`: what the server chose, and its extensions in the order sent."""
    return f"{version},{suite},{'-'.join([str(value) for value in extensions[:MAX_SHOWN]])}"


@lru_cache(MAX_KEPT)
def _md5(text: str) -> str:
    return md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


@lru_cache(MAX_KEPT)
def _hashed(values: tuple[int, ...], schemes: tuple[int, ...]) -> str:
    """The first 12 digits of the SHA-256 of `values` in hexadecimal, then `schemes`; zeros for no values."""
    if not values:
        return _NO_HASH
    text = ",".join([f"{value:04x}" for value in values])
    if schemes:
        text += "_" + ",".join([f"{value:04x}" for value in schemes])
    return sha256(text.encode("ascii")).hexdigest()[:12]


def ja3(
    version: int, suites: Sequence[int], extensions: Sequence[int], groups: Sequence[int], point_formats: Sequence[int]
) -> str:
    """The MD5 (32 hexadecimal digits) of `ja3_string`; `version` is the hello's legacy_version."""
    return _md5(ja3_string(version, suites, extensions, groups, point_formats))


def ja3s(version: int, suite: int, extensions: Sequence[int]) -> str:
    """The MD5 of `ja3s_string`; `version` is the hello's legacy_version."""
    return _md5(ja3s_string(version, suite, extensions))


def ja4(
    transport: str,
    version: int,
    versions: Sequence[int],
    suites: Sequence[int],
    extensions: Sequence[int],
    schemes: Sequence[int],
    alpn: bytes | None,
) -> str:
    """JA4 of a ClientHello: `t13d1516h2_8daaf6152771_e5627efa2ab1`.

    `transport` is "t" (TCP), "q" (QUIC) or "d" (DTLS); `version` the legacy one, `versions` those of
    supported_versions, `schemes` those of signature_algorithms, `alpn` the first protocol offered, as bytes.
    GREASE counts nowhere.
    """
    # Hexadecimal numbers of four digits sort as numbers do.
    shown_suites = [value for value in suites if value not in GREASE_VALUES]
    shown = [value for value in extensions if value not in GREASE_VALUES]
    name = "d" if _SERVER_NAME in shown else "i"
    first = f"{min(len(shown_suites), 99):02}{min(len(shown), 99):02}{_ends(alpn)}"
    hashed = tuple(sorted([value for value in shown if value not in (_SERVER_NAME, _ALPN)]))
    signed = tuple([value for value in schemes if value not in GREASE_VALUES])
    return (
        f"{transport}{_ja4_version(version, versions)}{name}{first}"
        f"_{_hashed(tuple(sorted(shown_suites)), ())}_{_hashed(hashed, signed)}"
    )


def _ja4_version(version: int, versions: Sequence[int]) -> str:
    """The highest version offered, as JA4 writes it."""
    offered = [value for value in versions if value not in GREASE_VALUES]
    if offered:
        version = max(offered, key=lambda value: _ORDER.get(value, 0))
    return _JA4_VERSIONS.get(version, "00")


def _ends(alpn: bytes | None) -> str:
    """The first and the last character of a protocol's name, of its hexadecimal form where either is no letter."""
    if not alpn:
        return "00"
    ends = alpn[:1] + alpn[-1:]
    if ends.isalnum():
        return ends.decode("ascii")
    digits = ends.hex()
    return digits[0] + digits[-1]
