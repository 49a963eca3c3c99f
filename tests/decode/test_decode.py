"""Kernel and slow path together: they agree with each other, with tshark's tables and with dpkt."""

import ipaddress
import json
from collections import Counter
from functools import cache
from pathlib import Path

import dpkt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import open_source
from analyzer.core import Batch, Limits
from analyzer.decode import decode, kernel
from analyzer.decode.columns import COLUMNS, Columns, Option, Status
from analyzer.decode.slow import SlowPath
from tests.conftest import CORPUS, corpus_files
from tests.decode import frames as f
from tests.decode.frames import NAMES, Frame, batch_of, by_kernel, by_slow_path, decoded, row_of
from tests.decode.test_kernel import MODULES

# --- made and mutated frames ------------------------------------------------------------------------------------------

TCP_OPTIONS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\1",
                b"\0",
                f.TIMESTAMPS,
                bytes([2, 4, 5, 180]),
                bytes([3, 3, 7]),
                bytes([4, 2]),
                bytes([5, 10]) + bytes(8),
                bytes([34, 2]),
                bytes([254, 4, 0xF9, 0x89]),
            ]
        ),
        st.binary(min_size=1, max_size=6),
    ),
    max_size=6,
).map(lambda parts: (b"".join(parts) + bytes(3))[: len(b"".join(parts)) // 4 * 4 + 4][:40])
PORTS = st.tuples(*[st.sampled_from([53, 443, 1701, 2152, 3544, 4754, 4789, 4790, 6080, 6081, 6635, 8472])] * 2)
PAYLOADS = st.binary(max_size=24)
SEGMENTS = st.builds(f.tcp, PAYLOADS, options=TCP_OPTIONS, flags=st.integers(0, 0x1FF))
DATAGRAMS = st.builds(f.udp, PAYLOADS, ports=PORTS)


def packets(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """IP packets with tunnels, extension headers and transport headers in them; `inner` are packets."""
    bits = st.sampled_from([0, 0xB000, 0x2000, 0x4000, 0x3081])
    bodies = st.one_of(
        st.tuples(st.just(6), SEGMENTS),
        st.tuples(st.just(17), DATAGRAMS),
        st.tuples(st.sampled_from([1, 47, 50, 58, 59, 97, 115, 132, 137]), PAYLOADS),
        st.tuples(st.just(4), inner),
        st.tuples(st.just(41), inner),
        st.tuples(st.just(47), st.builds(f.gre, inner, st.sampled_from([0x0800, 0x86DD, 0x88BE]), bits)),
        st.tuples(st.just(47), st.builds(f.gre, inner.map(f.ethernet), st.just(0x6558), bits)),
        st.tuples(st.just(17), st.builds(f.udp, inner.map(f.ethernet).map(f.vxlan), ports=PORTS)),
        st.tuples(st.just(17), st.builds(f.udp, inner.map(f.ethernet).map(f.geneve), ports=PORTS)),
        st.tuples(st.just(17), st.builds(f.udp, st.builds(f.gtp, inner, st.sampled_from([48, 50])), ports=PORTS)),
    )
    extended = st.one_of(
        bodies,
        bodies.map(lambda body: (0, f.extension(body[1], body[0]))),
        bodies.map(lambda body: (43, f.extension(f.extension(body[1], body[0], 1), 60))),
        bodies.map(lambda body: (44, f.fragment_header(body[1], body[0], 0, False))),
        bodies.map(lambda body: (51, f.authentication(body[1], body[0]))),
    )
    totals = st.one_of(st.none(), st.sampled_from([0, 19, 30, 2000]))
    return st.one_of(
        st.builds(lambda body, total: f.ipv4(body[1], body[0], total=total), extended, totals),
        st.builds(lambda body, total: f.ipv6(body[1], body[0], total=total), extended, totals),
    )


PACKETS = packets(packets(packets(st.just(f.ipv4(f.tcp(b"inside"))))))
FRAMES = st.one_of(
    PACKETS.map(lambda packet: (101, packet)),
    PACKETS.map(lambda packet: (1, f.ethernet(packet, 0x0800 if packet[0] >> 4 == 4 else 0x86DD) + bytes(5))),
    PACKETS.map(lambda packet: (1, f.ethernet(f.vlan(f.vlan(packet), 0x8100), 0x88A8))),
    PACKETS.map(lambda packet: (1, f.ethernet(f.mpls(packet, 2), 0x8847))),
    PACKETS.map(lambda packet: (1, f.ethernet(f.pppoe(packet), 0x8864))),
    PACKETS.map(lambda packet: (1, f.ethernet(bytes.fromhex("aaaa030000000800") + packet, len(packet) & 0x3FF))),
    PACKETS.map(lambda packet: (113, bytes(14) + b"\x08\0" + packet)),
    PACKETS.map(lambda packet: (276, b"\x86\xdd" + bytes(18) + packet)),
    PACKETS.map(lambda packet: (0, b"\2\0\0\0" + packet)),
    PACKETS.map(lambda packet: (9, b"\xff\3\0\x21" + packet)),
    st.tuples(
        st.sampled_from([0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 166, 192, 204, 228, 229, 239, 276, 7]),
        st.binary(max_size=80),
    ),
)


@cache
def corpus_sample() -> tuple[Frame, ...]:
    """A few frames of every capture of the corpus."""
    found: list[Frame] = []
    for path in corpus_files():
        for batch in source(path):
            for row in range(0, batch.count, max(1, batch.count // 12)):
                start, size = int(batch.start[row]), int(batch.captured[row])
                found.append((int(batch.link[row]), bytes(batch.data[start : start + min(size, 200)])))
    return tuple(found) or ((1, f.ethernet(f.ipv4(f.tcp()))),)


@st.composite
def mutated(draw: st.DrawFn) -> Frame:
    """A made or captured frame, with some bytes changed or cut off."""
    link, data = draw(st.one_of(FRAMES, st.deferred(lambda: st.sampled_from(corpus_sample()))))[:2]
    changed = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        if changed:
            changed[draw(st.integers(0, min(len(changed), 100) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        return (link, bytes(changed))
    kept = draw(st.integers(0, len(changed)))
    return (link, bytes(changed[:kept]), draw(st.sampled_from([len(data), kept, 0])))


def agree(batch: Batch) -> int:
    """Compare kernel and slow path; how many rows both can do."""
    by_one, by_other = by_kernel(batch), by_slow_path(batch)
    both = 0
    for row in range(batch.count):
        if by_one.status[row] != Status.SLOW:
            assert row_of(by_one, row) == row_of(by_other, row), batch.first_frame + row
            both += 1
    return both


@given(st.lists(mutated(), max_size=8))
@settings(max_examples=400, deadline=None)
def test_kernel_and_slow_path_agree(frames: list[Frame]) -> None:
    agree(batch_of(frames))


@given(st.lists(mutated(), max_size=8))
@settings(max_examples=200, deadline=None)
def test_all_forms_of_the_kernel_agree(frames: list[Frame]) -> None:
    batch = batch_of(frames)
    forms = [by_kernel(batch, module) for module in MODULES.values()]
    for name in NAMES:
        for other in forms[1:]:
            np.testing.assert_array_equal(getattr(forms[0], name), getattr(other, name), err_msg=name)


@given(st.lists(mutated(), max_size=8), st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_any_frame_has_a_row_within_its_bytes(frames: list[Frame], depth: int) -> None:
    slow = SlowPath(Limits(depth=depth))
    batch, columns = decoded(frames, slow)
    slow.finish()
    for row in range(batch.count):
        side = columns.side.get(row)
        start = int(batch.start[row]) if side is None else 0
        stop = start + int(batch.captured[row]) if side is None else len(side.data)
        found = row_of(columns, row)
        assert found["status"] != Status.SLOW
        if found["header_at"] or side is not None:
            assert start <= found["header_at"] <= found["payload_at"] <= stop
            assert 0 <= found["payload_bytes"] <= stop - found["payload_at"]
            assert found["payload_bytes"] <= found["payload_wire"] or found["status"] != Status.WHOLE


@given(st.lists(mutated(), min_size=1, max_size=8), st.data())
@settings(max_examples=100, deadline=None)
def test_any_batch_size_gives_the_same_rows(frames: list[Frame], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(frames)))
    _, whole = decoded(frames)
    slow = SlowPath(Limits())
    for offset, part in ((0, frames[:cut]), (cut, frames[cut:])):
        batch, columns = decoded(part, slow)
        shift = sum(len(frame[1]) for frame in frames[:offset])
        for row in range(batch.count):
            want, got = row_of(whole, offset + row), row_of(columns, row)
            if row not in columns.side and want["header_at"]:
                got["header_at"] += shift
                got["payload_at"] += shift
            assert got == want


# --- the door ---------------------------------------------------------------------------------------------------------


def test_columns_are_used_again() -> None:
    columns, slow = Columns(1), SlowPath(Limits())
    pieces = [(101, f.ipv4(f.udp(b"12345")[:8], 17, more=True)), (101, f.ipv4(f.udp(b"12345")[8:], 17, offset=8))]
    decode(batch_of(pieces), columns, slow)
    assert (columns.count, list(columns.side)) == (2, [1])
    decode(batch_of([(101, f.ipv4(f.tcp()))]), columns, slow)
    assert (columns.count, columns.side, columns.status[0]) == (1, {}, Status.WHOLE)
    decode(batch_of([]), columns, slow)
    assert columns.count == 0


def test_the_interpreted_kernel_serves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in MODULES.items():
        monkeypatch.setattr("analyzer.decode.kernel", module)
        _, columns = decoded([(101, f.ipv6(f.tcp(b"x")))])
        assert columns.payload_bytes[0] == 1, name


def test_names_and_numbers_are_those_of_the_columns() -> None:
    added = {"sender", "flow", "events"}  # by the flow table
    assert set(NAMES) | added == {name for name, _, _ in COLUMNS}
    assert [Status.OTHER, Status.WHOLE, Status.SLOW, Status.CUT] == [0, 1, 2, 4]
    bits = [Option.MSS, Option.WINDOW_SCALE, Option.SACK_PERMITTED, Option.SACK, Option.TIMESTAMPS, Option.FAST_OPEN]
    assert [*bits, Option.BROKEN] == [1, 2, 4, 8, 16, 32, 64]
    assert isinstance(kernel.COMPILED, bool)


# --- the corpus -------------------------------------------------------------------------------------------------------


def source(path: Path) -> list[Batch]:
    """The batches of a capture, each with a buffer of its own; none where it cannot be read."""
    from analyzer.core import CaptureError

    try:
        opened = open_source([path], limits=Limits())
    except CaptureError:
        return []
    batches = []
    for batch in opened:
        batch.data = bytes(batch.data)
        for name in ("time_ns", "start", "captured", "length", "interface", "link"):
            setattr(batch, name, np.array(getattr(batch, name)[: batch.count]))
        batches.append(batch)
    opened.close()
    return batches


def address(version: int, high: int, low: int) -> str:
    return str(ipaddress.IPv4Address(low) if version == 4 else ipaddress.IPv6Address(high << 64 | low))


Pair = tuple[tuple[str, int], ...]


def connections(path: Path) -> Counter[Pair]:
    """Frames with a TCP header, by pair of endpoints."""
    found: Counter[Pair] = Counter()
    columns, slow = Columns(), SlowPath(Limits())
    for batch in source(path):
        decode(batch, columns, slow)
        for row in range(batch.count):
            one = row_of(columns, row)
            if one["status"] == Status.WHOLE and one["transport"] == 6:
                ends = (
                    (address(one["version"], one["source_high"], one["source_low"]), one["source_port"]),
                    (address(one["version"], one["target_high"], one["target_low"]), one["target_port"]),
                )
                found[tuple(sorted(ends))] += 1
    return found


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_tcp_of_the_corpus(path: Path) -> None:
    table = CORPUS / "truth" / f"{path.name}.json"
    truth = json.loads(table.read_text())
    expected: Counter[Pair] = Counter()
    for stream in truth.get("tcp", []):
        expected[tuple(sorted((stream[end][0], stream[end][1]) for end in ("client", "server")))] += stream["frames"]
    found = connections(path)
    assert found == expected


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_kernel_and_slow_path_agree_on_the_corpus(path: Path) -> None:
    for batch in source(path):
        agree(batch)


def test_dpkt_sees_the_same() -> None:
    compared = 0
    for path in corpus_files():
        if path.name.startswith("bad-"):
            continue
        columns, slow = Columns(), SlowPath(Limits())
        for batch in source(path):
            decode(batch, columns, slow)
            for row in np.flatnonzero(columns.status[: batch.count] == Status.WHOLE):
                one, start = row_of(columns, int(row)), int(batch.start[row])
                if batch.link[row] != 1 or one["header_at"] != start + 34 or one["version"] != 4:
                    continue  # plain Ethernet and IPv4 only
                packet = dpkt.ethernet.Ethernet(batch.data[start : start + int(batch.captured[row])]).data
                segment = packet.data
                if isinstance(segment, dpkt.tcp.TCP):
                    compared += 1
                    theirs = (segment.sport, segment.dport, segment.seq, segment.ack, segment.win)
                    names = ("source_port", "target_port", "seq", "ack", "window")
                    assert tuple(one[name] for name in names) == theirs
                    assert one["payload_bytes"] == len(segment.data), (path.name, batch.first_frame + int(row))
                    assert one["flags"] & 0xFF == segment.flags & 0xFF
                elif isinstance(segment, dpkt.udp.UDP):
                    compared += 1
                    assert (one["source_port"], one["target_port"]) == (segment.sport, segment.dport)
                    assert one["payload_bytes"] == min(len(segment.data), segment.ulen - 8)
    assert compared > 10_000 or not corpus_files()


def test_fragments_of_the_corpus() -> None:
    for path in corpus_files():
        if path.name == "encap-gtp-ipfrag.pcap":
            columns, slow = Columns(), SlowPath(Limits())
            for batch in source(path):
                decode(batch, columns, slow)
                assert sum(columns.status[: batch.count] == Status.FRAGMENT) == 40
                for side in columns.side.values():
                    assert len({run[1] for run in side.runs}) == 2
            slow.finish()
            assert {problem.code for problem in slow.problems} == {"ip.fragment-lost"}
