"""What sections, interfaces, names, statistics and secrets say, and what is said of damaged ones."""

import struct

import pytest

from analyzer.capture import pcapng, walk
from analyzer.capture.gathered import ENTRY_BYTES, Gathered
from analyzer.core import Interface, Limits
from tests.capture import made


def opened(*, big: bool = False, limits: Limits | None = None) -> tuple[pcapng.Section, Gathered]:
    gathered = Gathered(limits or Limits())
    section = pcapng.Section(gathered)
    assert section.read(pcapng.SECTION, made.section(big=big)) is None
    return section, gathered


@pytest.mark.parametrize("big", [False, True])
def test_an_interface_and_its_clock(big: bool) -> None:
    section, gathered = opened(big=big)
    options = (
        made.option(3, b"the cable", big=big)
        + made.option(2, b"eth0\0", big=big)
        + made.option(3, b"ignored", big=big)
        + made.option(9, b"\x09", big=big)
        + made.option(14, (5).to_bytes(8, "big" if big else "little"), big=big)
        + made.option(0, b"")
        + b"junk"
    )
    assert section.read(pcapng.INTERFACE, made.interface(113, 96, options, big=big)) is None
    assert gathered.interfaces == [Interface("eth0", 113, 96)]
    assert section.interfaces[0].tolist() == [0, 113, 96, 1, 0, 0, 5 * made.SECOND, 0]


def test_description_serves_where_there_is_no_name() -> None:
    section, gathered = opened()
    section.read(pcapng.INTERFACE, made.interface(options=made.option(3, b"the cable") + b"\x02\0\xff\0cut"))
    assert gathered.interfaces[0].name == "the cable"


@pytest.mark.parametrize(
    ("resolution", "units"),
    [
        (6, (1000, 0, 0)),
        (0, (10**9, 0, 0)),
        (9, (1, 0, 0)),
        (12, (0, 1000, 0)),
        (127, (0, 10**18, 0)),
        (138, (0, 0, 10)),
    ],
)
def test_units_of_time(resolution: int, units: tuple[int, int, int]) -> None:
    section, _ = opened()
    section.read(pcapng.INTERFACE, made.interface(options=made.option(9, bytes([resolution]))))
    assert tuple(section.interfaces[0, walk.MULTIPLIER : walk.SHIFT + 1].tolist()) == units


def test_an_absurd_clock_offset_is_told_and_bounded() -> None:
    section, _ = opened()
    said = section.read(pcapng.INTERFACE, made.interface(options=made.option(14, struct.pack("<q", -(1 << 62)))))
    assert said is not None
    assert "clock" in said
    assert section.interfaces[0, walk.OFFSET_NS] == -pcapng.MAX_OFFSET_SECONDS * made.SECOND


def test_interfaces_beyond_the_limit_are_told() -> None:
    section, gathered = opened(limits=Limits(interfaces=6))
    for number in range(6):
        assert section.read(pcapng.INTERFACE, made.interface(number)) is None
    said = section.read(pcapng.INTERFACE, made.interface(99))
    assert said is not None
    assert "limit" in said
    assert section.count == len(gathered.interfaces) == 6


def names(*records: tuple[int, bytes]) -> bytes:
    return made.block(pcapng.NAMES, b"".join(made.option(kind, value) for kind, value in records))


def test_names_of_both_families() -> None:
    section, gathered = opened()
    six = bytes.fromhex("20010db8000000000000000000000001")
    block = names(
        (1, b"\xc0\0\2\1host.example\0alias\0"), (2, six + b"six.example\0"), (9, b"other"), (1, b"abc"), (0, b"")
    )
    assert section.read(pcapng.NAMES, block) is None
    assert gathered.names == {"192.0.2.1": "host.example", "2001:db8::1": "six.example"}


def test_damaged_names_are_told() -> None:
    section, _ = opened(limits=Limits(resolved_names=0))
    assert section.read(pcapng.NAMES, names()) is None
    assert section.read(pcapng.NAMES, made.block(4, b"\1\0\xff\0\1\2\3\4")) is not None
    assert section.read(pcapng.NAMES, made.block(4, b"\1\0")) is not None
    said = section.read(pcapng.NAMES, names((1, b"\xc0\0\2\1host\0")))
    assert said is not None
    assert "limit" in said


def test_statistics_give_drops() -> None:
    section, gathered = opened()
    section.read(pcapng.INTERFACE, made.interface())
    options = made.option(5, struct.pack("<Q", 3)) + made.option(7, struct.pack("<Q", 4)) + made.option(4, bytes(8))
    assert section.read(pcapng.STATISTICS, made.block(5, bytes(12) + options)) is None
    assert gathered.interfaces[0].dropped == 7
    assert section.read(pcapng.STATISTICS, made.block(5, bytes(12))) is None
    assert gathered.interfaces[0].dropped == 7
    assert section.read(pcapng.STATISTICS, made.block(5, bytes(4))) is not None
    assert section.read(pcapng.STATISTICS, made.block(5, b"\1" + bytes(11))) is not None


def test_drops_of_packets_count_where_there_are_no_statistics() -> None:
    section, gathered = opened()
    for _ in range(2):
        section.read(pcapng.INTERFACE, made.interface())
    section.interfaces[:2, walk.DROPPED] = 9
    gathered.interfaces[1].dropped = 5
    section.tell_drops()
    assert [interface.dropped for interface in gathered.interfaces] == [9, 5]


def secrets(text: bytes, kind: int = pcapng.TLS_KEY_LOG, size: int | None = None) -> bytes:
    head = struct.pack("<II", kind, len(text) if size is None else size)
    return made.block(pcapng.SECRETS, head + text + bytes(-len(text) & 3))


def test_secrets_are_kept_in_order() -> None:
    section, gathered = opened(limits=Limits(secrets_bytes=20 + 2 * ENTRY_BYTES))
    assert section.read(pcapng.SECRETS, secrets(b"CLIENT_RANDOM a")) is None
    assert section.read(pcapng.SECRETS, secrets(b"SSH", kind=0x5353484B)) is None
    assert section.read(pcapng.SECRETS, secrets(b"B")) is None
    assert gathered.secrets == [b"CLIENT_RANDOM a", b"B"]
    assert section.read(pcapng.SECRETS, secrets(b"x" * 20)) is not None
    assert section.read(pcapng.SECRETS, secrets(b"x", size=9)) is not None
    assert section.read(pcapng.SECRETS, made.block(10, b"")) is not None


def test_short_and_strange_headers_are_told() -> None:
    section, _ = opened()
    assert section.read(pcapng.INTERFACE, made.block(1, b"\1\0\0\0")) is not None
    assert section.count == 0
    said = section.read(pcapng.SECTION, made.section(major=7))
    assert said is not None
    assert "7.0" in said
    assert section.read(pcapng.SECTION, made.block(pcapng.SECTION, struct.pack("<I", 0x1A2B3C4D))) is not None
