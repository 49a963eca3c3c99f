"""Whole files through the reader: healthy, damaged, and of any bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import open_source, pcap
from analyzer.core import CaptureError, Interface, Limits
from tests.capture import made
from tests.conftest import CORPUS, ROOT, corpus_files

PCAPNG = (
    made.section()
    + made.interface(1, 0, made.option(2, b"eth0"))
    + made.block(4, made.option(1, b"\xc0\0\2\1host\0") + bytes(4))
    + made.enhanced(b"first", time=1_000_000, options=made.option(1, b"a comment") + made.option(0, b""))
    + made.block(10, b"KSLT" + (4).to_bytes(4, "little") + b"KEYS")
    + made.interface(113, 40, made.option(9, b"\x09"))
    + made.enhanced(b"second", time=1_500_000_000, number=1, length=60)
    + made.block(0xBAD, b"\0\0\1\2custom")
    + made.old(b"third", time=1_600_000, drops=2)
    + made.simple(b"fourth")
    + made.block(5, bytes(12) + made.option(5, b"\7" + bytes(7)))
)
PCAP = made.pcap(*(made.record(data, seconds=number) for number, data in enumerate(made.many(20))))


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: str(path.name))
def test_corpus_is_read_as_its_tables_say(path: Path) -> None:
    truth = json.loads((CORPUS / "truth" / f"{path.name}.json").read_text())
    if truth["capture"]["format"] == "other":
        with pytest.raises(CaptureError, match="is text, not a capture"):
            open_source([path], limits=Limits())
        return
    source = open_source([path], limits=Limits())
    found = made.frames(source)
    # tshark takes the damaged record of one file for a frame of a million bytes; its own table counts no such record.
    assert len(found) == truth["capture"].get("records", truth["frames"]) or len(found) == truth["frames"]
    assert [interface.link_type for interface in source.interfaces] == truth["capture"]["linktypes"]
    if truth["capture"].get("version", "2.4") == "2.4":
        assert sum(len(frame.data) < frame.length for frame in found) == truth["capture"]["records_caplen_lt_len"]
    assert len(source.secrets) == truth["capture"].get("decryption_secrets_blocks", 0)
    assert source.files[0].format.startswith(truth["capture"]["format"])
    damaged = truth["tshark_exit"] != 0
    assert any(code in {"capture.truncated", "capture.damaged"} for code in made.codes(source)) >= damaged


def test_every_kind_of_block() -> None:
    found, source = made.read(PCAPNG)
    assert found == [
        made.Frame(made.SECOND, b"first", 5, 0, 1),
        made.Frame(1_500_000_000, b"second", 60, 1, 113),
        made.Frame(1_600_000_000, b"third", 5, 0, 1),
        made.Frame(1_600_000_000, b"fourth", 6, 0, 1),
    ]
    assert source.interfaces == [Interface("eth0", 1, 0, 7), Interface("", 113, 40)]
    assert source.names == {"192.0.2.1": "host"}
    assert source.secrets == [b"KEYS"]
    assert made.codes(source) == ["capture.no-time"]
    problem = source.problems[0]
    assert (problem.file, problem.frame) == ("bytes", 4)
    assert problem.offset is not None
    assert PCAPNG[problem.offset :].startswith(b"fourth")


def test_sections_of_both_byte_orders_have_interfaces_of_their_own() -> None:
    data = (
        made.section()
        + made.interface(1)
        + made.old(b"one", time=1, drops=1)
        + made.section(big=True)
        + made.interface(113, big=True)
        + made.enhanced(b"two", time=2, big=True)
    )
    found, source = made.read(data)
    assert [(frame.time_ns, frame.data, frame.interface, frame.link) for frame in found] == [
        (1000, b"one", 0, 1),
        (2000, b"two", 1, 113),
    ]
    assert [interface.dropped for interface in source.interfaces] == [1, None]
    assert source.problems == []


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("magic", "unit_ns"), [(pcap.MICROSECONDS, 1000), (pcap.NANOSECONDS, 1), (pcap.MODIFIED, 1000)]
)
def test_pcap_variants(magic: int, unit_ns: int, big: bool) -> None:
    extra = bytes(8) if magic == pcap.MODIFIED else b""
    records = [made.record(data, seconds=3, part=7, length=99, big=big, extra=extra) for data in (b"one", b"twotwo")]
    found, source = made.read(made.pcap(*records, magic=magic, big=big, link=101))
    when = 3 * made.SECOND + 7 * unit_ns
    assert found == [made.Frame(when, b"one", 99, 0, 101), made.Frame(when, b"twotwo", 99, 0, 101)]
    assert source.problems == []


def test_lcap_has_the_size_of_its_records_after_the_header() -> None:
    head = made.pcap(magic=pcap.IXIA_HARDWARE)
    found, source = made.read(head + b"\x14\0\0\0" + made.record(b"abcd", part=5))
    assert [(frame.time_ns, frame.data) for frame in found] == [(made.SECOND + 5, b"abcd")]
    assert source.files[0].format == "lcap"
    assert made.codes(made.read(head + b"\x14\0")[1]) == ["capture.empty"]


@pytest.mark.parametrize("size", [1, 15, 16, 40, 75])
def test_a_cut_last_record_is_told(size: int) -> None:
    found, source = made.read(PCAP[: len(PCAP) - 76 + size])
    assert len(found) == 19
    (problem,) = source.problems
    assert (problem.code, problem.offset, problem.frame) == ("capture.truncated", len(PCAP) - 76, 19)
    assert problem.text == (
        f"bytes, byte {len(PCAP) - 76}, after frame 19: the file ends inside a record, {size} bytes after its beginning"
    )


def test_a_cut_block_is_told() -> None:
    found, source = made.read(PCAPNG[:-1])
    assert len(found) == 4
    assert made.codes(source) == ["capture.no-time", "capture.truncated"]
    _, source = made.read(made.section() + b"\x99\0\0\0\xf0\xff\xff\xff" + bytes(10_000))
    assert made.codes(source) == ["capture.unknown-block", "capture.truncated", "capture.empty"]
    _, source = made.read(made.section()[:20])
    assert made.codes(source) == ["capture.truncated", "capture.empty"]


def test_an_impossible_record_ends_the_file() -> None:
    found, source = made.read(PCAP + made.record(b"")[:8] + b"\xff\xff\xff\x7f" * 2 + bytes(100) + PCAP[24:])
    assert len(found) == 20
    assert made.codes(source) == ["capture.damaged"]
    assert "holds 2147483647 bytes" in source.problems[0].text
    swapped = made.pcap(minor=0) + bytes(8) + b"\0\0\0\0\xff\xff\xff\x7f"
    assert "holds 2147483647 bytes" in made.read(swapped)[1].problems[0].text


def test_a_record_may_be_as_large_as_the_file_promises_and_no_larger() -> None:
    large = made.record(bytes(300_000))
    assert len(made.read(made.pcap(large, snap=400_000), block_bytes=4096)[0]) == 1
    assert len(made.read(made.pcap(large, snap=0))[0]) == 1
    assert made.codes(made.read(made.pcap(large, snap=96))[1]) == ["capture.damaged", "capture.empty"]
    tight = Limits(record_bytes=200_000)
    assert made.codes(made.read(made.pcap(large, snap=0), limits=tight)[1]) == ["capture.damaged", "capture.empty"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (made.enhanced(b"abcd")[:-4] + b"\0\0\0\0", "impossible length"),
        (b"\6\0\0\0\1\0\0\0" + bytes(40), "impossible length"),
        (b"\1\0\0\0\1\0\0\0" + bytes(40), "is 1 bytes long"),
        (made.interface()[:-4] + b"\0\0\0\0", "two different lengths"),
        (b"\n\r\r\n" + bytes(40), "no byte order"),
    ],
)
def test_a_broken_block_ends_the_file(broken: bytes, said: str) -> None:
    good = made.section() + made.interface() + made.enhanced(b"abcd")
    found, source = made.read(good + broken + good)
    assert made.payloads(found) == [b"abcd"]
    assert made.codes(source) == ["capture.damaged"]
    assert said in source.problems[0].text
    assert (source.problems[0].offset, source.problems[0].frame) == (len(good), 1)


def test_a_packet_that_contradicts_itself_is_left_out_and_counted() -> None:
    good = made.enhanced(b"abcd", time=1)
    bad = made.enhanced(b"abcd", number=7)
    worse = made.enhanced(b"abcd", captured=900, length=900)
    found, source = made.read(made.section() + made.interface() + good + bad + good + bad + worse)
    assert len(found) == 2
    assert made.codes(source) == ["capture.damaged"]
    assert source.problems[0].frame == 1
    assert source.problems[0].text.endswith("it was left out (and 2 more like this)")


def test_oddities_of_frames_are_told_with_the_first_of_them() -> None:
    odd = made.enhanced(b"abcd", length=2, time=5)
    late = made.enhanced(b"efgh", time=(1 << 64) - 1)
    data = made.section() + made.interface() + made.enhanced(b"good") + odd * 3
    found, source = made.read(data)
    assert [frame.length for frame in found] == [4, 4, 4, 4]
    (problem,) = source.problems
    assert (problem.frame, problem.offset) == (2, data.index(b"abcd"))
    assert problem.text.endswith("by its own lengths (and 2 more like this)")
    _, source = made.read(made.section() + made.interface() + late)
    assert "after the year 2115" in source.problems[0].text


def test_unknown_blocks_are_told_once_and_custom_ones_not() -> None:
    unknown = made.block(0x77, b"abcd") * 3
    custom = made.block(0x40000BAD, b"abcd") + made.block(0x80000123, b"abcd")
    found, source = made.read(made.section() + unknown + custom + made.interface() + made.enhanced(b"abcd"))
    assert len(found) == 1
    assert made.codes(source) == ["capture.unknown-block"]
    assert "0x77 was passed over (and 2 more" in source.problems[0].text


def test_large_blocks_are_passed_over_without_being_held() -> None:
    unknown = made.block(0x77, bytes(100_000))
    names = made.block(4, bytes(300_000))
    limits = Limits(record_bytes=1000)
    data = made.section() + made.interface() + made.enhanced(b"a") + unknown + names + made.enhanced(b"b")
    found, source = made.read(data, block_bytes=4096, limits=limits)
    assert made.payloads(found) == [b"a", b"b"]
    assert made.codes(source) == ["capture.unknown-block", "capture.limit"]


def test_kinds_of_problems_are_bounded() -> None:
    blocks = b"".join(made.block(0x100000 + number, b"") for number in range(500))
    _, source = made.read(made.section() + blocks)
    assert len(source.problems) == 64


def test_an_interface_beyond_the_limit_is_refused() -> None:
    with pytest.raises(CaptureError, match="interfaces=N"):
        made.read(PCAP, limits=Limits(interfaces=0))
    found, source = made.read(made.section() + made.interface() + made.enhanced(b"a"), limits=Limits(interfaces=0))
    assert found == []
    assert made.codes(source) == ["capture.damaged", "capture.damaged", "capture.empty"]


@settings(deadline=None)
@given(st.sampled_from([PCAP, PCAPNG, PCAPNG * 3]), st.integers(1, 5000))
def test_blocks_of_any_size_give_the_same_frames(data: bytes, block_bytes: int) -> None:
    data += made.record(bytes(9000)) if data == PCAP else made.enhanced(bytes(9000)) + made.block(10, bytes(9000))
    found, source = made.read(data, block_bytes=block_bytes)
    expected, whole = made.read(data)
    assert found == expected
    assert (source.problems, source.interfaces, source.names) == (whole.problems, whole.interfaces, whole.names)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", PCAP[:24], made.section(), made.section(big=True), b"\x1f\x8b"]))
def test_any_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    assert "\n" not in made.refusal(head + data, Limits(record_bytes=1000, interfaces=2))


@settings(deadline=None)
@given(st.sampled_from([PCAP, PCAPNG]), st.data())
def test_any_mutation_is_read_or_refused(data: bytes, draws: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draws.draw(st.integers(1, 4))):
        at = draws.draw(st.integers(0, len(changed) - 1))
        what = draws.draw(st.sampled_from(["set", "cut", "copy", "words"]))
        if what == "set":
            changed[at] = draws.draw(st.integers(0, 255))
        elif what == "words":
            changed[at : at + 4] = draws.draw(st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\0\0\0\x80", b"\x20\0\0\0"]))
        elif what == "cut":
            del changed[at : at + draws.draw(st.integers(1, 40))]
        else:
            changed[at:at] = changed[at : at + 60]
        if not changed:
            return
    assert "\n" not in made.refusal(bytes(changed))


def test_a_capture_with_every_kind_of_block() -> None:
    source = open_source([ROOT / "captures" / "files" / "every_block.pcapng"], limits=Limits())
    found = made.frames(source)
    assert [frame.interface for frame in found] == [0, 0, 0, 0, 1, 1, 0, 2, 2]
    started = found[0].time_ns
    after = [frame.time_ns - started for frame in found]
    # Units of 2^-30 s hold these times to the last ns but one; the seventh frame has no time of its own.
    assert after == [
        0,
        20_000_000,
        20_020_000,
        30_000_000,
        59_999_999,
        60_019_999,
        60_019_999,
        120_000_000,
        120_020_000,
    ]
    assert [(interface.name, interface.dropped) for interface in source.interfaces] == [
        ("eth0", 2),
        ("the mirror port", 7),
        ("", None),
    ]
    assert source.names == {"192.0.2.10": "client.example", "198.51.100.20": "server.example"}
    assert source.secrets == [b"# no secret yet\n"]
    assert sorted(made.codes(source)) == ["capture.no-time", "capture.unknown-block"]


def test_content_counts_and_not_the_name() -> None:
    folder = ROOT / "captures" / "files"
    packed = open_source([folder / "packed.pcapng"], limits=Limits())
    assert len(made.frames(packed)) == 9
    assert (packed.files[0].format, packed.problems) == ("pcapng+gzip", [])
    cut = open_source([folder / "old_and_cut.pcapng"], limits=Limits())
    assert len(made.frames(cut)) == 8
    assert (cut.files[0].format, made.codes(cut)) == ("pcap", ["capture.truncated"])
