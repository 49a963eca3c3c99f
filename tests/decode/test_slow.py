"""What only the slow path reads: rare links, tunnels, fragments on their way to a row."""

import pytest

from analyzer.core import Limits
from analyzer.decode.columns import Columns, Status
from analyzer.decode.slow import SlowPath
from tests.decode import frames as f
from tests.decode.frames import batch_of, by_kernel, by_slow_path, decoded, one, row_of
from tests.decode.test_kernel import LINKS, OPTIONS, PACKETS

IP = f.ipv4(f.tcp(b"inside", ports=(1, 2)))
SIX = f.ipv6(f.tcp(b"inside", ports=(1, 2)))
LLC = bytes.fromhex("aaaa030000000800")


def slowly(link: int, frame: bytes, limits: Limits | None = None) -> dict[str, int]:
    """The row of a frame by the slow path alone."""
    columns = Columns(1)
    SlowPath(limits or Limits()).decode(batch_of([(link, frame)]), columns, 0)
    return row_of(columns, 0)


@pytest.mark.parametrize(
    ("link", "frame", "length"),
    [
        *((link, frame, len(frame)) for link, frame, _ in LINKS),
        *((101, packet, len(packet)) for packet, _ in PACKETS),
        *((101, f.ipv4(f.tcp(b"x", options=options)), 100) for options, _, _ in OPTIONS),
        *(
            (101, f.ipv4(f.tcp(b"x", options=options))[:size], 60)
            for options, _, _ in OPTIONS
            for size in range(40, 60)
        ),
        *((101, f.ipv4(f.udp(b"12345", size=size), 17), 60) for size in (0, 7, 8, 10, 99)),
    ],
)
def test_what_the_kernel_reads_is_read_the_same(link: int, frame: bytes, length: int) -> None:
    batch = batch_of([(link, frame, length)])
    ours, theirs = row_of(by_slow_path(batch), 0), row_of(by_kernel(batch), 0)
    assert ours == theirs or theirs["status"] == Status.SLOW


def wlan(payload: bytes, control: int = 0x08, flags: int = 1, extra: bytes = b"") -> bytes:
    return bytes([control, flags]) + bytes(22) + extra + payload


def radiotap(payload: bytes, fields: bytes = b"", present: int = 0) -> bytes:
    return (
        (bytes(2) + (8 + len(fields)).to_bytes(2, "little") + (present & 0xFFFFFFFF).to_bytes(4, "little"))
        + fields
        + payload
    )


def nflog(payload: bytes, family: int = 2, order: str = "little") -> bytes:
    def attribute(kind: int, value: bytes) -> bytes:
        pair = (len(value) + 4).to_bytes(2, "little"), kind.to_bytes(2, "little")
        if order == "big":
            pair = pair[0][::-1], pair[1][::-1]
        return b"".join(pair) + value + bytes(-len(value) % 4)

    return bytes([family, 0, 0, 0]) + attribute(1, b"12345") + attribute(9, payload) + attribute(11, bytes(4))


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (9, b"\x21" + IP),
        (9, b"\xff\x03\x57" + SIX),
        (9, b"\x02\x81" + f.mpls(IP)),
        (50, bytes.fromhex("ff030021") + IP),
        (50, bytes.fromhex("0f000800") + IP),
        (51, f.pppoe(IP)),
        (104, bytes.fromhex("8f0086dd") + SIX),
        (105, wlan(LLC + IP)),
        (105, wlan(LLC + IP, 0x88, 1, bytes(2))),
        (105, wlan(LLC + IP, 0x88, 0x81, bytes(6))),
        (105, wlan(LLC + IP, 0x08, 3, bytes(6))),
        (105, wlan(LLC + IP, 0x88, 1, bytes([0x80, 0]) + bytes(14))),
        (127, radiotap(wlan(LLC + IP))),
        (127, radiotap(wlan(LLC + IP, 0x88, 1, bytes(4)), bytes([0x20]), 2)),
        (127, radiotap(wlan(LLC + IP, 0x88, 1, bytes(4)), bytes(8) + bytes([0x20]), 3)),
        (127, radiotap(wlan(LLC + IP, 0x88, 1, bytes(4)), bytes(4) + bytes([0x20]), 2 | 1 << 31)),
        (127, radiotap(wlan(LLC + IP), b"\0", 2)),
        (166, bytes.fromhex("00030021") + IP),
        (192, bytes.fromhex("0000080001000000") + f.ethernet(IP)),
        (192, bytes.fromhex("00000c00") + (105).to_bytes(4, "little") + bytes(4) + wlan(LLC + IP)),
        (204, bytes.fromhex("01ff030021") + IP),
        (239, nflog(IP)),
        (239, nflog(SIX, 10)),
        (239, nflog(IP, 2, "big")),
        (1, f.ethernet(f.mpls(bytes(4) + f.ethernet(IP)), 0x8847)),
        (1, f.ethernet(f.mpls(f.ethernet(IP)), 0x8847)),
        (1, f.ethernet(f.mpls(f.ethernet(f.vlan(IP), 0x8100)), 0x8847)),
        (1, f.ethernet(f.pppoe(b"\x21" + IP, 0)[: -len(IP) - 3] + b"\x21" + IP, 0x8864)),
    ],
)
def test_links_that_carry_ip(link: int, frame: bytes) -> None:
    row = one(link, frame)
    assert (row["status"], row["transport"], row["source_port"], row["payload_bytes"]) == (Status.WHOLE, 6, 1, 6)
    assert frame[row["payload_at"] : row["payload_at"] + 6] == b"inside"


@pytest.mark.parametrize(
    ("link", "frame", "status"),
    [
        (9, b"\xc0\x21", Status.OTHER),
        (50, b"", Status.CUT),
        (104, b"\x0f\0\x08", Status.CUT),
        (105, bytes(23), Status.CUT),
        (105, wlan(LLC + IP, 0x80), Status.OTHER),
        (105, wlan(LLC + IP, 0x48), Status.OTHER),
        (105, wlan(LLC + IP, 0x08, 0x41), Status.OTHER),
        (105, wlan(b"", 0x88, 1), Status.CUT),
        (127, b"", Status.CUT),
        (127, bytes(8), Status.CUT),
        (127, radiotap(b"", bytes(9))[:-1], Status.CUT),
        (127, radiotap(b"", b"\xff" * 4, 1 << 31)[:12], Status.CUT),
        (166, b"\0", Status.CUT),
        (192, bytes(7), Status.CUT),
        (192, bytes(8), Status.CUT),
        (192, bytes.fromhex("0000090001000000"), Status.CUT),
        (192, bytes.fromhex("00000800ff000000"), Status.OTHER),
        (204, b"", Status.CUT),
        (239, b"\2\0\0", Status.CUT),
        (239, b"\2\0\0\0" + bytes(4), Status.OTHER),
        (239, b"\2\0\0\0\4\0\1\0", Status.CUT),
        (239, nflog(IP, 77), Status.OTHER),
        (1, f.ethernet(f.mpls(bytes(20)), 0x8847), Status.OTHER),
        (1, f.ethernet(f.mpls(b"\1"), 0x8847), Status.OTHER),
        (1, f.ethernet(f.pppoe(b"", 0xC021), 0x8864), Status.OTHER),
    ],
)
def test_links_without_ip(link: int, frame: bytes, status: int) -> None:
    assert one(link, frame)["status"] == status


def test_the_length_of_pppoe_is_the_true_one() -> None:
    row = one(1, f.ethernet(f.pppoe(f.ipv4(f.tcp(b"\0" * 6)), size=42), 0x8864))
    assert (row["status"], row["payload_bytes"], row["payload_wire"]) == (Status.WHOLE, 0, 0)


ETHERNET = f.ethernet(IP)
ERSPAN_II = f.gre(bytes(8) + ETHERNET, 0x88BE, 0x1000)
ERSPAN_III = f.gre(bytes(12) + ETHERNET, 0x22EB, 0x1000)
ERSPAN_III_LONG = f.gre(bytes(11) + b"\1" + bytes(8) + ETHERNET, 0x22EB, 0x1000)


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        (4, IP),
        (41, SIX),
        (47, f.gre(IP)),
        (47, f.gre(SIX, 0x86DD, 0xB000)),
        (47, f.gre(ETHERNET, 0x6558)),
        (47, f.gre(f.vlan(IP), 0x8100)),
        (47, f.gre(ETHERNET, 0x88BE)),
        (47, ERSPAN_II),
        (47, ERSPAN_III),
        (47, ERSPAN_III_LONG),
        (47, f.gre(b"\xff\x03\0\x21" + IP, 0x880B, 0x3081)),
        (97, b"\x30\0" + ETHERNET),
        (137, f.mpls(IP)),
    ],
)
def test_tunnels_in_ip(protocol: int, payload: bytes) -> None:
    for packet in (f.ipv4(payload, protocol), f.ipv6(payload, protocol)):
        for row in (one(101, packet), slowly(101, packet)):
            assert (row["status"], row["transport"], row["source_port"], row["payload_bytes"]) == (1, 6, 1, 6)
            assert packet[row["payload_at"] :] == b"inside"


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        (4, b""),
        (4, SIX),
        (4, IP[:19]),
        (4, f.ipv4(b"", total=19)),
        (41, IP),
        (41, SIX[:39]),
        (47, b"\0\0\x08"),
        (47, f.gre(IP, 0x0800, 0x4000)),
        (47, f.gre(IP, 0x0800, 2)),
        (47, f.gre(b"", 0x0800, 0xB000)[:-1]),
        (47, f.gre(b"", 0x1234)),
        (47, f.gre(b"1234567", 0x88BE, 0x1000)),
        (47, f.gre(b"1234567", 0x22EB)),
        (97, b"\x20\0" + ETHERNET),
        (97, b""),
        (115, bytes(20)),
        (137, b"123"),
    ],
)
def test_what_is_no_tunnel_leaves_the_outer_packet(protocol: int, payload: bytes) -> None:
    row = one(101, f.ipv4(payload, protocol))
    assert (row["status"], row["transport"], row["payload_bytes"]) == (Status.WHOLE, protocol, len(payload))


L2TP = b"\0\2" + bytes(4)


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (4789, f.vxlan(ETHERNET)),
        (8472, f.vxlan(ETHERNET, 0x88)),
        (4790, b"\x0c\0\0\1" + bytes(4) + IP),
        (4790, b"\x0c\0\0\2" + bytes(4) + SIX),
        (4790, b"\x0c\0\0\3" + bytes(4) + ETHERNET),
        (4790, b"\x0c\0\0\5" + bytes(4) + f.mpls(IP)),
        (4790, f.vxlan(ETHERNET)),
        (6081, f.geneve(ETHERNET)),
        (6081, f.geneve(ETHERNET, 0x6558, 3)),
        (6081, f.geneve(f.vlan(IP), 0x8100)),
        (2152, f.gtp(IP)),
        (2152, f.gtp(SIX, 0x32, bytes(4))),
        (2152, f.gtp(IP, 0x34, bytes([0, 0, 0, 0x85, 1, 0, 0, 0]))),
        (2152, f.gtp(IP, 0x36, bytes([0, 0, 0, 0xC0, 1, 0, 0, 0x40, 2, 0, 0, 0, 0, 0, 0, 0]))),
        (3544, SIX),
        (3544, b"\0\0" + bytes(6) + SIX),
        (3544, b"\0\1\2\1" + bytes(12) + b"\0\0" + bytes(6) + SIX),
        (1701, L2TP + bytes.fromhex("ff030021") + IP),
        (1701, b"\x4a\2\0\0" + bytes(8) + b"\0\2zz\x57" + SIX),
        (4754, f.gre(IP)),
        (6080, IP),
        (6080, SIX),
        (6080, b"\0\4\0\0" + IP),
        (6080, b"\1\x29\0\0" + bytes(4) + SIX),
        (6080, b"\0\x2f\0\0" + f.gre(IP)),
        (6635, f.mpls(IP)),
    ],
)
def test_tunnels_in_udp(port: int, payload: bytes) -> None:
    for ports in ((port, 999), (999, port), (port, port)):
        packet = f.ipv4(f.udp(payload, ports=ports), 17)
        for row in (one(101, packet), slowly(101, packet)):
            assert (row["status"], row["transport"], row["source_port"], row["payload_bytes"]) == (1, 6, 1, 6)
            assert packet[row["payload_at"] :] == b"inside"


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (4789, b""),
        (4789, f.vxlan(ETHERNET, 0)),
        (4789, f.vxlan(b"")[:7]),
        (4789, f.vxlan(f.ethernet(b"", 0x0806))),
        (4789, f.vxlan(ETHERNET[:20])),
        (4790, b"\x0c\0\0\x09" + bytes(60)),
        (4790, b""),
        (6081, b""),
        (6081, b"\x40" + bytes(60)),
        (6081, f.geneve(b"", 0x6558, 1)[:-1]),
        (6081, f.geneve(bytes(9), 0x1234)),
        (2152, b"\x30\xff"),
        (2152, b"\x30\x01" + bytes(60)),
        (2152, b"\x50\xff" + bytes(60)),
        (2152, f.gtp(b"", 0x34, bytes([0, 0, 0, 0x85, 9]))),
        (2152, f.gtp(b"", 0x34, bytes([0, 0, 0, 0x85, 0, 0, 0, 0]))),
        (2152, f.gtp(b"", 0x34, bytes(3))),
        (2152, f.gtp(b"\x99")),
        (3544, b""),
        (3544, b"\0\1\xff\xff" + bytes(30)),
        (3544, f.ipv6(b"", 59, total=100)),
        (1701, b""),
        (1701, b"\xc0\2" + bytes(60)),
        (1701, b"\0\3" + bytes(60)),
        (1701, b"\2\2" + bytes(4)),
        (1701, b"\x40\2" + bytes(5)),
        (1701, L2TP + b"\xc0\x21" + bytes(20)),
        (1701, L2TP),
        (4754, b""),
        (6080, b"\0\4"),
        (6080, b"\x80" + bytes(60)),
        (6080, b"\x20" + bytes(60)),
        (6080, b"\0\x11\0\0" + bytes(60)),
        (6080, b"\5\4\0\0" + bytes(8)),
        (6635, b""),
    ],
)
def test_what_is_no_tunnel_leaves_the_datagram(port: int, payload: bytes) -> None:
    row = one(101, f.ipv4(f.udp(payload, ports=(9, port)), 17))
    assert (row["status"], row["transport"]) == (Status.WHOLE, 17)
    assert (row["target_port"], row["payload_bytes"]) == (port, len(payload))


def test_a_packet_inside_another_may_be_cut() -> None:
    whole = f.ipv4(f.ipv4(f.tcp(b"inside", ports=(1, 2))), 4)
    row = row_of(decoded([(101, whole[:50], len(whole))])[1], 0)
    assert (row["status"], row["transport"], row["source_port"]) == (Status.CUT, 6, 1)


@pytest.mark.parametrize(("version", "protocol"), [(4, 4), (6, 41)])
def test_nesting_is_bounded_and_told(version: int, protocol: int) -> None:
    packet = f.ipv4(f.tcp()) if version == 4 else f.ipv6(f.tcp())
    for _ in range(5):
        packet = f.ipv4(packet, protocol) if version == 4 else f.ipv6(packet, protocol)
    slow = SlowPath(Limits(depth=3))
    _, columns = decoded([(101, packet)] * 200, slow)
    assert columns.status[:200].tolist() == [Status.WHOLE] * 200
    assert (columns.version[0], columns.transport[0]) == (version, protocol)
    assert slow.counts["too-deep"] == 200
    assert len(slow.problems) == 100
    assert (slow.problems[0].code, slow.problems[0].frame) == ("ip.nested-too-deep", 1)


def fragments(payload: bytes, protocol: int, cut: int, ident: int = 1) -> list[bytes]:
    return [
        f.ipv4(payload[:cut], protocol, more=True, ident=ident),
        f.ipv4(payload[cut:], protocol, offset=cut, ident=ident),
    ]


def test_a_datagram_is_the_row_of_the_frame_that_completes_it() -> None:
    datagram = f.udp(b"a datagram of some length")
    packets = [f.ethernet(packet) for packet in fragments(datagram, 17, 16)]
    for order in ((0, 1), (1, 0)):
        _, columns = decoded([(1, packets[index]) for index in order], times=[10, 20])
        first, second = row_of(columns, 0), row_of(columns, 1)
        assert (first["status"], first["transport"], first["source_port"]) == (Status.FRAGMENT, 17, 0)
        assert first["payload_bytes"] == (16, len(datagram) - 16)[order[0]]
        assert first["header_at"] == 34
        assert (second["status"], second["source_port"], second["payload_bytes"]) == (Status.WHOLE, 5000, 25)
        side = columns.side[1]
        assert side.data == datagram
        assert side.data[second["payload_at"] :] == b"a datagram of some length"
        frames = {order[0]: (1, 10), order[1]: (2, 20)}
        assert side.runs == [(0, frames[0][0], 34, frames[0][1]), (16, frames[1][0], 34, frames[1][1])]
        assert 0 not in columns.side


def test_fragments_of_ipv6_and_what_follows_them() -> None:
    payload = f.extension(f.tcp(b"inside"), 6)
    packets = [
        f.ipv6(f.extension(f.fragment_header(payload[:16], 60, 0, True), 44), 0),
        f.ipv6(f.fragment_header(payload[16:], 0, 16, False), 44),
    ]
    _, columns = decoded([(229, packet) for packet in packets])
    row = row_of(columns, 1)
    assert columns.status[0] == Status.FRAGMENT
    assert (row["status"], row["transport"], row["header_at"], row["payload_bytes"]) == (Status.WHOLE, 6, 8, 6)
    assert columns.side[1].data == payload


def test_fragments_inside_fragments() -> None:
    inner = f.udp(b"the innermost datagram, in pieces")
    outer = []
    for index, packet in enumerate(fragments(inner, 17, 24)):
        outer += fragments(f.gre(packet), 47, 24, ident=10 + index)
    _, columns = decoded([(101, packet) for packet in outer])
    assert columns.status[:4].tolist() == [Status.FRAGMENT] * 3 + [Status.WHOLE]
    assert columns.side[1].data == f.gre(fragments(inner, 17, 24)[0])  # an inner fragment, put together itself
    side = columns.side[3]
    assert side.data == inner
    assert [run[:3] for run in side.runs] == [(0, 2, 20), (24, 4, 20)]
    assert columns.source_port[3] == 5000


def test_a_tunnel_inside_a_reassembled_datagram() -> None:
    datagram = f.udp(f.vxlan(ETHERNET), ports=(9, 4789))
    _, columns = decoded([(101, packet) for packet in fragments(datagram, 17, 32)])
    row = row_of(columns, 1)
    assert (row["status"], row["transport"], row["source_port"]) == (Status.WHOLE, 6, 1)
    assert columns.side[1].data[row["payload_at"] :] == b"inside"


def test_a_first_fragment_that_the_capture_cut_is_read_as_it_stands() -> None:
    first, second = fragments(f.udp(bytes(64)), 17, 48)
    slow = SlowPath(Limits())
    _, columns = decoded([(101, first[:40], len(first)), (101, second[:24], len(second))], slow)
    assert columns.status[:2].tolist() == [Status.WHOLE, Status.FRAGMENT]
    assert (columns.source_port[0], columns.payload_bytes[0], columns.payload_wire[0]) == (5000, 12, 40)
    assert not slow.fragments.counts
    _, columns = decoded([(101, first[:-8])])  # the frame has fewer bytes than the header says
    assert columns.status[0] == Status.WHOLE


@pytest.mark.parametrize(
    "packet",
    [
        f.ipv4(b"", 17, more=True),
        f.ipv4(b"1234567", 17, more=True),
        f.ipv4(bytes(16), 17, offset=65528),
        f.ipv6(f.fragment_header(b"1234567", 17, 0, True), 44),
    ],
)
def test_fragments_that_cannot_be(packet: bytes) -> None:
    slow = SlowPath(Limits())
    _, columns = decoded([(101, packet)], slow)
    assert columns.status[0] == Status.CUT
    assert not slow.fragments.counts


def test_the_end_of_the_capture_tells_what_was_lost() -> None:
    slow = SlowPath(Limits())
    decoded([(101, fragments(bytes(64), 17, 48)[0])], slow)
    assert not slow.problems
    slow.finish()
    assert [(problem.code, problem.frame) for problem in slow.problems] == [("ip.fragment-lost", 1)]
