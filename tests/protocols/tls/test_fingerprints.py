"""JA3 and JA4 give what others give."""

import pytest

from analyzer.protocols.tls.fingerprints import ja3, ja3_string, ja3s, ja3s_string, ja4

SUITES = [
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0xC013,
    0xC014,
    0x9C,
    0x9D,
    0x2F,
    0x35,
]
SCHEMES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
#: Chrome 143 with the extensions shuffled
CHROME = [45, 51, 16, 65037, 23, 17613, 0, 11, 10, 43, 65281, 35, 18, 5, 13, 27]
#: Chrome 100 or so, as in the description of JA4
OLDER = [0x1B, 0, 0x33, 0x10, 0x4469, 0x17, 0x2D, 0xD, 5, 0x23, 0x12, 0x2B, 0xFF01, 0xB, 0xA, 0x15]


def test_ja3() -> None:
    grease = [0x2A2A, *CHROME, 0x5A5A]
    said = ja3_string(771, [0x0A0A, *SUITES], grease, [0xFAFA, 4588, 29, 23, 24], [0])
    assert said == (
        "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
        "45-51-16-65037-23-17613-0-11-10-43-65281-35-18-5-13-27,4588-29-23-24,0"
    )
    assert ja3(771, SUITES, CHROME, [4588, 29, 23, 24], [0]) == "98487aa16281980e7d1120d399efb6a4"
    assert ja3_string(769, [4, 5], [], [], []) == "769,4-5,,,"


def test_ja3s() -> None:
    assert ja3s_string(771, 4866, [43, 51]) == "771,4866,43-51"
    assert ja3s(771, 4866, [43, 51]) == "15af977ce25de452b96affa2addb1036"


def test_ja4() -> None:
    versions = [0x1A1A, 0x0304, 0x0303]
    assert ja4("t", 771, versions, SUITES, CHROME, SCHEMES, b"h2") == "t13d1516h2_8daaf6152771_d8a2da3f94cd"
    greased = ja4("t", 771, versions, [0x0A0A, *SUITES], [0x0A0A, *OLDER, 0x1A1A], [0x3A3A, *SCHEMES], b"h2")
    assert greased == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_of_little() -> None:
    assert ja4("t", 0x0301, [], [], [], [], None) == "t10i000000_000000000000_000000000000"
    assert ja4("q", 0x0303, [0x1A1A], [0x0A0A], [16], [], b"h3") == "q12i0001h3_000000000000_000000000000"
    assert ja4("t", 0x9999, [], list(range(200)), list(range(200)), [], b"")[:10] == "t00d999900"
    assert ja4("t", 771, [], [5], [13], [], None).endswith("_" + ja4("t", 771, [], [5], [13], [0x0A0A], None)[-12:])


@pytest.mark.parametrize(
    ("version", "versions", "said"),
    [(0xFEFD, [], "d2"), (0xFEFD, [0xFEFC, 0xFEFD], "d3"), (0xFEFF, [], "d1"), (0x0300, [], "s3"), (0x0002, [], "s2")],
)
def test_versions_of_ja4(version: int, versions: list[int], said: str) -> None:
    assert ja4("d", version, versions, [], [], [], None)[1:3] == said


@pytest.mark.parametrize(
    ("alpn", "said"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"q", "qq"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ],
)
def test_ends_of_a_protocol(alpn: bytes, said: str) -> None:
    assert ja4("t", 771, [], [], [], [], alpn)[8:10] == said
