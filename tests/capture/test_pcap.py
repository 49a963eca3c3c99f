import pytest

from analyzer.capture import pcap
from tests.capture import made


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("magic", sorted(pcap.VARIANTS))
def test_every_variant_in_both_byte_orders(magic: int, big: bool) -> None:
    head = made.pcap(magic=magic, big=big, snap=77, link=113)
    assert pcap.is_pcap(head[:4])
    header = pcap.parse_header(head)
    assert (header.big, header.snap_bytes, header.link_type, header.swapped) == (big, 77, 113, False)
    form, unit_ns, record_header_bytes, extra_bytes = pcap.VARIANTS[magic]
    assert (header.format, header.unit_ns, header.record_header_bytes) == (form, unit_ns, record_header_bytes)
    assert header.extra_bytes == extra_bytes


def test_other_magics_are_none() -> None:
    assert not pcap.is_pcap(b"\x0a\x0d\x0d\x0a")
    assert not pcap.is_pcap(b"")


def test_frame_check_sequence_bits_are_not_link_type() -> None:
    assert pcap.parse_header(made.pcap(link=0x54000001)).link_type == 1


@pytest.mark.parametrize(("snap", "most"), [(0, 0xFFFFFFFF), (96, 262144), (1 << 20, 1 << 20)])
def test_what_a_record_may_hold(snap: int, most: int) -> None:
    assert pcap.parse_header(made.pcap(snap=snap)).record_bytes == most


def test_lengths_of_old_versions_are_swapped() -> None:
    assert pcap.parse_header(made.pcap(minor=2)).swapped
    found, _ = made.read(made.pcap(made.record(b"abcd", length=9)[:8] + b"\x09\0\0\0\x04\0\0\0abcd", minor=2))
    assert [(frame.data, frame.length) for frame in found] == [(b"abcd", 9)]
