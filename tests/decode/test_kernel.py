"""The kernel by itself, both as it was built and interpreted."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import analyzer
from analyzer.decode import kernel
from analyzer.decode.columns import Option, Status
from tests.decode import frames as f
from tests.decode.frames import Frame, batch_of, by_kernel, row_of

SOURCE = Path(analyzer.__file__).parent / "decode" / "kernel.py"


def interpreted(name: str) -> ModuleType:
    """The kernel's source, run as it stands."""
    spec = importlib.util.spec_from_file_location(name, SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_cython() -> ModuleType:
    """The same where the cython package is missing."""
    before = sys.modules.get("cython")
    sys.modules["cython"] = None  # type: ignore[assignment]
    try:
        return interpreted("kernel_without_cython")
    finally:
        del sys.modules["cython"]
        if before is not None:
            sys.modules["cython"] = before


MODULES = {"built": kernel, "interpreted": interpreted("kernel_interpreted"), "without cython": without_cython()}


@pytest.fixture(params=list(MODULES))
def module(request: pytest.FixtureRequest) -> ModuleType:
    return MODULES[request.param]


def rows(module: ModuleType, *frames: Frame, depth: int = 16) -> list[dict[str, int]]:
    batch = batch_of(frames)
    columns = by_kernel(batch, module, depth)
    return [row_of(columns, row) for row in range(batch.count)]


def some(row: dict[str, int], *names: str) -> tuple[int, ...]:
    return tuple(row[name] for name in names)


def test_a_tcp_segment(module: ModuleType) -> None:
    frame = f.ethernet(f.ipv4(f.tcp(b"hello", flags=0x1D2, options=f.TIMESTAMPS), ident=77)) + bytes(9)
    (row,) = rows(module, (1, frame))
    assert some(row, "status", "version", "transport", "ttl", "ip_id") == (Status.WHOLE, 4, 6, 64, 77)
    assert some(row, "source_low", "target_low", "source_high", "target_high") == (0x0A000001, 0x0A000002, 0, 0)
    assert some(row, "source_port", "target_port", "seq", "ack", "window") == (1025, 80, 0xFFFFFFF0, 7, 512)
    assert some(row, "flags", "options", "ts_value", "ts_echo") == (0x1D2, Option.TIMESTAMPS, 1, 2)
    assert some(row, "header_at", "payload_at", "payload_bytes", "payload_wire") == (34, 66, 5, 5)
    assert some(row, "sack_start", "sack_stop", "mss", "scale") == (-1, -1, 0, 0)


def test_an_ipv6_address_keeps_its_upper_bits(module: ModuleType) -> None:
    packet = bytearray(f.ipv6(f.udp(b"x"), 17))
    packet[8:24] = b"\xff" * 16
    (row,) = rows(module, (101, bytes(packet)))
    assert some(row, "version", "source_high", "source_low", "ip_id") == (6, 2**64 - 1, 2**64 - 1, -1)
    assert some(row, "target_high", "target_low", "payload_bytes") == (0x20010DB800000000, 2, 1)


SACK = bytes([1, 1, 5, 18]) + f.u32(100) + f.u32(200) + f.u32(300) + f.u32(400)


OPTIONS: list[tuple[bytes, int, dict[str, int]]] = [
    (bytes([2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 7]), 7, {"mss": 1460, "scale": 7}),
    (SACK, Option.SACK, {"sack_start": 100, "sack_stop": 200}),
    (bytes([8, 10]) + f.u32(5) + f.u32(6) + bytes([0, 9]), Option.TIMESTAMPS, {"ts_value": 5, "ts_echo": 6}),
    (bytes([34, 2, 1, 1]), Option.FAST_OPEN, {}),
    (bytes([254, 6, 0xF9, 0x89, 1, 2, 0, 0]), Option.FAST_OPEN, {}),
    (bytes([254, 4, 1, 2]), 0, {}),
    (bytes([254, 2, 1, 1]), 0, {}),
    (bytes([30, 4, 1, 2]), 0, {}),
    (bytes([2, 3, 5, 1]), Option.BROKEN, {"mss": 0}),
    (bytes([3, 4, 5, 1]), Option.BROKEN, {"scale": 0}),
    (bytes([4, 4, 5, 1]), Option.BROKEN, {}),
    (bytes([5, 2, 1, 1]), Option.BROKEN, {"sack_start": -1}),
    (bytes([5, 12]) + bytes(10), Option.BROKEN, {"sack_start": -1}),
    (bytes([8, 4, 1, 1]), Option.BROKEN, {"ts_value": -1}),
    (bytes([1, 1, 1, 2]), Option.BROKEN, {}),
    (bytes([2, 1, 0, 0]), Option.BROKEN, {}),
    (bytes([2, 5, 0, 0]), Option.BROKEN, {}),
]


@pytest.mark.parametrize(("options", "bits", "found"), OPTIONS)
def test_tcp_options(module: ModuleType, options: bytes, bits: int, found: dict[str, int]) -> None:
    (row,) = rows(module, (101, f.ipv4(f.tcp(b"x", options=options))))
    assert some(row, "status", "options", "payload_bytes") == (Status.WHOLE, bits, 1)
    assert {name: row[name] for name in found} == found


@pytest.mark.parametrize("cut", range(21, 37))
def test_a_capture_that_ends_in_the_options_still_has_the_segment(module: ModuleType, cut: int) -> None:
    options = bytes([2, 4, 5, 180, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1])
    packet = f.ipv4(f.tcp(b"payload", options=options))
    (row,) = rows(module, (101, packet[: 20 + cut], len(packet)))
    assert some(row, "status", "payload_bytes", "payload_wire") == (Status.WHOLE, 0, 7)
    assert row["payload_at"] == 20 + min(cut, 36)
    assert row["options"] == (cut >= 24) * Option.MSS + (cut >= 34) * Option.TIMESTAMPS


PACKETS: list[tuple[bytes, int]] = [
    (b"", Status.CUT),
    (b"\x10", Status.OTHER),
    (f.ipv4(b"")[:19], Status.CUT),
    (f.ipv6(b"")[:39], Status.CUT),
    (f.ipv4(f.tcp(), options=bytes(4))[:22], Status.CUT),
    (f.ipv4(f.tcp())[:39], Status.CUT),
    (f.ipv4(f.tcp())[:22], Status.CUT),
    (f.ipv4(f.tcp(), total=19), Status.CUT),
    (b"\x44" + f.ipv4(f.tcp())[1:], Status.CUT),
    (f.ipv4(f.tcp(size=16)), Status.CUT),
    (f.ipv4(f.tcp(size=24)), Status.WHOLE),
    (f.ipv4(f.udp(), 17)[:27], Status.CUT),
    (f.ipv4(f.udp(), 17)[:22], Status.CUT),
    (f.ipv4(f.udp(size=7), 17), Status.CUT),
    (f.ipv4(bytes(11), 132), Status.CUT),
    (f.ipv4(bytes(3), 132), Status.CUT),
    (f.ipv4(bytes(12), 132), Status.WHOLE),
    (f.ipv4(bytes(3), 1), Status.CUT),
    (f.ipv4(bytes(4), 1), Status.WHOLE),
    (f.ipv4(bytes(9), 1), Status.WHOLE),
    (f.ipv6(bytes(9), 58), Status.WHOLE),
    (f.ipv6(bytes(9), 1), Status.WHOLE),
    (f.ipv4(bytes(9), 50), Status.WHOLE),
    (f.ipv6(b"", 59), Status.WHOLE),
    (f.ipv6(f.extension(f.tcp()), 0), Status.WHOLE),
    (f.ipv6(f.extension(f.extension(f.tcp(), 6, 1), 43), 60), Status.WHOLE),
    (f.ipv6(f.extension(b"", 6)[:7], 0), Status.CUT),
    (f.ipv6(f.extension(b"", 6, 1)[:15], 0), Status.CUT),
    (f.ipv4(f.authentication(f.tcp()), 51), Status.WHOLE),
    (f.ipv4(f.authentication(b"")[:7], 51), Status.CUT),
    (f.ipv6(f.fragment_header(f.tcp(), 6, 0, False), 44), Status.WHOLE),
    (f.ipv6(f.fragment_header(f.tcp(), 6, 0, True), 44), Status.SLOW),
    (f.ipv6(f.fragment_header(f.tcp(), 6, 8, False), 44), Status.SLOW),
    (f.ipv6(bytes(7), 44), Status.CUT),
    (f.ipv4(f.tcp(), offset=8), Status.SLOW),
    (f.ipv4(f.tcp(), more=True), Status.SLOW),
    (f.ipv4(f.ipv4(f.tcp()), 4), Status.WHOLE),
    (f.ipv4(f.ipv6(f.tcp()), 41), Status.WHOLE),
    (f.ipv4(f.ipv6(f.tcp()), 4), Status.SLOW),
    (f.ipv4(f.ipv4(f.tcp()[:19]), 4), Status.SLOW),
    (f.ipv4(bytes(8), 115), Status.SLOW),
    (f.ipv4(f.gre(f.ipv4(f.tcp())), 47), Status.WHOLE),
    (f.ipv4(f.gre(f.ipv6(f.tcp()), 0x86DD, 0xB000), 47), Status.WHOLE),
    (f.ipv4(f.gre(f.ethernet(f.ipv4(f.tcp())), 0x6558, 0x2000), 47), Status.WHOLE),
    (f.ipv4(f.gre(bytes(13), 0x6558), 47), Status.SLOW),
    (f.ipv4(f.gre(f.ipv4(f.tcp()), 0x0800, 0x4000), 47), Status.SLOW),
    (f.ipv4(f.gre(f.ipv4(f.tcp()), 0x88BE), 47), Status.SLOW),
    (f.ipv4(bytes(3), 47), Status.SLOW),
]


@pytest.mark.parametrize(("packet", "status"), PACKETS)
def test_what_becomes_of_a_packet(module: ModuleType, packet: bytes, status: int) -> None:
    (row,) = rows(module, (101, packet))
    assert row["status"] == status


def test_a_row_left_to_the_slow_path_is_empty(module: ModuleType) -> None:
    (row,) = rows(module, (101, f.ipv4(f.ipv4(f.tcp()[:19]), 4)))
    empty = dict.fromkeys(row, 0) | dict.fromkeys(("ip_id", "ts_value", "ts_echo", "sack_start", "sack_stop"), -1)
    assert row == empty | {"status": Status.SLOW}


INNER = f.ethernet(f.ipv4(f.tcp(b"inside", ports=(1, 2))))


@pytest.mark.parametrize(
    ("datagram", "inside"),
    [
        (f.udp(f.vxlan(INNER), ports=(9999, 4789)), True),
        (f.udp(f.vxlan(INNER), ports=(8472, 9999)), True),
        (f.udp(f.vxlan(INNER, 9), ports=(9999, 4789)), False),
        (f.udp(f.vxlan(INNER)[:21], ports=(9999, 4789)), False),
        (f.udp(f.geneve(INNER), ports=(9999, 6081)), True),
        (f.udp(f.geneve(INNER[14:], 0x0800, 2), ports=(9999, 6081)), True),
        (f.udp(f.geneve(INNER[14:], 0x86DD, 2), ports=(9999, 6081)), False),
        (f.udp(f.geneve(INNER, 0x1234), ports=(9999, 6081)), False),
        (f.udp(f.geneve(INNER, 0x6558, 64), ports=(9999, 6081)), False),
        (f.udp(f.geneve(INNER[:8], 0x6558), ports=(9999, 6081)), False),
        (f.udp(f.gtp(INNER[14:]), ports=(2152, 2152)), True),
        (f.udp(f.gtp(INNER[14:], 0x32), ports=(2152, 2152)), False),
        (f.udp(f.gtp(INNER), ports=(2152, 2152)), False),
        (f.udp(bytes(7), ports=(2152, 2152)), False),
        (f.udp(bytes(70), ports=(3544, 9999)), False),
    ],
)
def test_tunnels_in_udp(module: ModuleType, datagram: bytes, inside: bool) -> None:
    (row,) = rows(module, (101, f.ipv4(datagram, 17)))
    if inside:
        assert some(row, "status", "transport", "source_port", "payload_bytes") == (Status.WHOLE, 6, 1, 6)
    else:
        assert row["status"] == Status.SLOW


def test_nesting_is_bounded(module: ModuleType) -> None:
    packet = f.ipv4(f.ipv4(f.ipv4(f.tcp()), 4), 4)
    assert [rows(module, (101, packet), depth=depth)[0]["status"] for depth in (2, 3)] == [Status.SLOW, Status.WHOLE]


def test_udp_lengths(module: ModuleType) -> None:
    sizes = [(8, 0), (10, 2), (0, 5), (99, 5)]
    found = rows(module, *((101, f.ipv4(f.udp(b"12345", size=size), 17)) for size, _ in sizes))
    assert [row["payload_bytes"] for row in found] == [left for _, left in sizes]
    assert [row["payload_wire"] for row in found] == [left for _, left in sizes]


def test_a_total_length_of_zero_is_the_rest_of_the_frame(module: ModuleType) -> None:
    four, six = f.ipv4(f.tcp(b"12345"), total=0), f.ipv6(f.tcp(b"12345"), total=0)
    assert [row["payload_bytes"] for row in rows(module, (1, f.ethernet(four)), (101, six))] == [5, 5]
    (nothing,) = rows(module, (101, f.ipv6(b"padding", 59, total=0)))
    assert some(nothing, "transport", "payload_bytes") == (59, 0)


def test_a_packet_that_the_capture_cuts(module: ModuleType) -> None:
    packet = f.ethernet(f.ipv4(f.tcp(b"12345")))
    (row,) = rows(module, (1, packet[:-3], len(packet)))
    assert some(row, "payload_bytes", "payload_wire") == (2, 5)
    (row,) = rows(module, (101, f.ipv4(bytes(4), 1, total=32), 32))
    assert some(row, "payload_at", "payload_bytes", "payload_wire") == (24, 0, 4)
    packet = f.ipv6(f.udp(b"12345", size=11), 17)
    (row,) = rows(module, (101, packet[:-4], len(packet) + 9))
    assert some(row, "payload_bytes", "payload_wire") == (1, 3)
    (row,) = rows(module, (101, f.ipv6(f.udp(b"12345"), 17), 1))
    assert some(row, "payload_bytes", "payload_wire") == (5, 5)


def test_a_frame_beyond_the_buffer_is_cut(module: ModuleType) -> None:
    batch = batch_of([(101, f.ipv4(f.tcp(b"12345")))])
    batch.captured[0] += 1000
    batch.length[0] += 1000
    assert row_of(by_kernel(batch, module), 0)["payload_bytes"] == 5


IP = f.ipv4(f.tcp())
SIX = f.ipv6(f.tcp())


LINKS: list[tuple[int, bytes, int]] = [
    (1, f.ethernet(b"", 0x0806), Status.OTHER),
    (1, bytes(13), Status.CUT),
    (1, f.ethernet(f.vlan(f.vlan(f.vlan(SIX, 0x86DD), 0x9100), 0x8100), 0x88A8), Status.WHOLE),
    (1, f.ethernet(f.vlan(IP), 0x9200), Status.WHOLE),
    (1, f.ethernet(b"\0\0\0", 0x8100), Status.CUT),
    (1, f.ethernet(f.mpls(IP), 0x8847), Status.WHOLE),
    (1, f.ethernet(f.mpls(SIX, 3), 0x8848), Status.WHOLE),
    (1, f.ethernet(f.mpls(b"\0", 3), 0x8847), Status.SLOW),
    (1, f.ethernet(f.mpls(b""), 0x8847), Status.CUT),
    (1, f.ethernet(f.mpls(b"", 3)[:8], 0x8847), Status.CUT),
    (1, f.ethernet(b"\0\0\0", 0x8847), Status.CUT),
    (1, f.ethernet(f.pppoe(IP), 0x8864), Status.WHOLE),
    (1, f.ethernet(f.pppoe(SIX, 0x57), 0x8864), Status.WHOLE),
    (1, f.ethernet(f.pppoe(IP, size=41), 0x8864), Status.SLOW),
    (1, f.ethernet(f.pppoe(SIX, 0x57, size=61), 0x8864), Status.SLOW),
    (1, f.ethernet(f.pppoe(f.ipv4(b"", total=4), size=17), 0x8864), Status.SLOW),
    (1, f.ethernet(f.pppoe(b"", 0xC021), 0x8864), Status.SLOW),
    (1, f.ethernet(f.pppoe(IP)[:7], 0x8864), Status.CUT),
    (1, f.ethernet(b"\x21" + f.pppoe(IP)[1:], 0x8864), Status.OTHER),
    (1, f.ethernet(bytes.fromhex("aaaa030000000800") + IP, 60), Status.WHOLE),
    (1, f.ethernet(bytes.fromhex("aaaa03000000"), 60), Status.OTHER),
    (1, f.ethernet(bytes.fromhex("aaab030000000800") + IP, 60), Status.OTHER),
    (1, f.ethernet(bytes.fromhex("aaaa040000000800") + IP, 60), Status.OTHER),
    (1, f.ethernet(bytes.fromhex("aaaa03000c000800") + IP, 60), Status.OTHER),
    (1, f.ethernet(bytes.fromhex("4242030000000000"), 60), Status.OTHER),
    (1, f.ethernet(SIX), Status.OTHER),
    (1, f.ethernet(f.ipv4(bytes(40)), 0x86DD), Status.OTHER),
    (12, IP, Status.WHOLE),
    (14, SIX, Status.WHOLE),
    (228, IP, Status.WHOLE),
    (229, SIX, Status.WHOLE),
    (113, bytes(14) + f.u16(0x0800) + IP, Status.WHOLE),
    (113, bytes(15), Status.CUT),
    (276, f.u16(0x86DD) + bytes(18) + SIX, Status.WHOLE),
    (276, bytes(19), Status.CUT),
    (0, bytes([2, 0, 0, 0]) + IP, Status.WHOLE),
    (0, bytes([0, 0, 0, 2]) + IP, Status.WHOLE),
    (108, bytes([0, 0, 0, 24]) + SIX, Status.WHOLE),
    (0, bytes([30, 0, 0, 0]) + SIX, Status.WHOLE),
    (0, bytes([28, 0, 0, 0]) + SIX, Status.WHOLE),
    (0, bytes([23, 0, 0, 0]) + SIX, Status.WHOLE),
    (0, bytes([10, 0, 0, 0]) + SIX, Status.WHOLE),
    (0, bytes([7, 0, 0, 0]) + SIX, Status.OTHER),
    (0, bytes(3), Status.CUT),
    (9, bytes.fromhex("ff030021") + IP, Status.WHOLE),
    (9, bytes.fromhex("0057") + SIX, Status.WHOLE),
    (9, bytes.fromhex("21") + IP, Status.SLOW),
    (9, b"\0", Status.CUT),
    (127, b"", Status.SLOW),
    (239, b"", Status.SLOW),
    (999, IP, Status.OTHER),
]


@pytest.mark.parametrize(("link", "frame", "status"), LINKS)
def test_links(module: ModuleType, link: int, frame: bytes, status: int) -> None:
    (row,) = rows(module, (link, frame))
    assert row["status"] == status


def test_how_many_rows_are_left_to_the_slow_path(module: ModuleType) -> None:
    batch = batch_of([(101, f.ipv4(b"12345678", more=True)), (101, IP), (127, b"")])
    columns = by_kernel(batch, module)
    assert columns.status[:3].tolist() == [Status.SLOW, Status.WHOLE, Status.SLOW]
