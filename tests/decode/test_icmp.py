"""What ICMP errors quote."""

import pytest

from analyzer.decode.icmp import Quoted, quoted
from tests.decode import frames as f
from tests.decode.frames import decoded

SEGMENT = f.tcp(b"payload", ports=(40000, 443))


def icmp(rest: bytes, kind: int = 3, code: int = 1, mtu: int = 0, version: int = 4) -> bytes:
    """The packet of an error that quotes `rest`."""
    message = bytes([kind, code, 0, 0]) + f.u32(mtu) + rest
    return f.ipv4(message, 1) if version == 4 else f.ipv6(message, 58)


def read(*packets: bytes) -> Quoted | None:
    """What the last of `packets` quotes."""
    batch, columns = decoded([(101, packet) for packet in packets])
    return quoted(columns, batch, len(packets) - 1)


def test_an_unreachable_host() -> None:
    found = read(icmp(f.ipv4(SEGMENT)[:28]))
    assert found == Quoted(4, 3, 1, 0, 4, 6, 0, 0x0A000001, 0, 0x0A000002, 40000, 443, 0xFFFFFFF0, 64)


def test_mtus() -> None:
    four, six = f.ipv4(f.udp(b"x"), 17), f.ipv6(f.udp(b"x"), 17)
    for packet, mtu in [
        (icmp(four, 3, 4, 1400), 1400),
        (icmp(four, 3, 1, 1400), 0),
        (icmp(six, 2, 0, 1280, 6), 1280),
        (icmp(six, 1, 4, 1280, 6), 0),
    ]:
        found = read(packet)
        assert found is not None
        assert (found.mtu, found.source_port, found.target_port, found.seq) == (mtu, 5000, 53, -1)


def test_addresses_of_ipv6() -> None:
    found = read(icmp(f.ipv6(SEGMENT), 1, 0, 0, 6))
    assert found is not None
    assert (found.source_high, found.source_low, found.target_low) == (0x20010DB8 << 32, 1, 2)


@pytest.mark.parametrize(
    ("packet", "transport", "port"),
    [
        (f.ipv4(SEGMENT)[:24], 6, 40000),
        (f.ipv4(SEGMENT)[:23], 6, -1),
        (f.ipv4(SEGMENT, offset=8), 6, -1),
        (f.ipv4(SEGMENT, options=bytes(8)), 6, 40000),
        (f.ipv4(bytes(8), 1), 1, -1),
        (f.ipv4(f.authentication(SEGMENT), 51), 6, 40000),
        (f.ipv6(SEGMENT), 6, 40000),
        (f.ipv6(f.extension(f.extension(SEGMENT, 6), 60), 0), 6, 40000),
        (f.ipv6(f.fragment_header(SEGMENT, 6, 0, True), 44), 6, 40000),
        (f.ipv6(f.fragment_header(SEGMENT, 6, 8, True), 44), 6, -1),
        (f.ipv6(f.extension(SEGMENT, 6)[:3], 0), 0, -1),
        (f.ipv6(f.extension(b"", 6, 9), 0)[:48], 6, -1),
    ],
)
def test_quotes(packet: bytes, transport: int, port: int) -> None:
    found = read(icmp(packet))
    assert found is not None
    assert (found.transport, found.source_port) == (transport, port)


@pytest.mark.parametrize(
    "packet",
    [
        icmp(f.ipv4(SEGMENT), 8),
        icmp(f.ipv6(SEGMENT), 128, version=6),
        icmp(f.ipv4(SEGMENT)[:19]),
        icmp(f.ipv6(SEGMENT)[:39]),
        icmp(b"\x70" * 40),
        icmp(b""),
        f.ipv4(bytes(7), 1),
        f.ipv4(bytes(3), 1),
        f.ipv4(SEGMENT),
        f.ipv6(bytes([3, 1]) + bytes(6) + f.ipv4(SEGMENT), 1),
    ],
)
def test_what_quotes_nothing(packet: bytes) -> None:
    assert read(packet) is None


def test_an_error_in_fragments() -> None:
    message = bytes([3, 1]) + bytes(6) + f.ipv4(SEGMENT)
    found = read(f.ipv4(message[:16], 1, more=True), f.ipv4(message[16:], 1, offset=16))
    assert found is not None
    assert found.source_port == 40000
