"""The tracker: what it reads from frames, how it counts them, and the corpus and lab captures as a whole."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analyzer.capture import open_source
from analyzer.core import CaptureError, Endpoint, Event, Limits, Piece, Side, Span
from analyzer.flows.reassembly import Connection
from analyzer.flows.tracker import Tracker

from ..conftest import CORPUS, LAB, corpus_file, lab_file
from ..decode.frames import batch_of, ethernet, ipv4, ipv6, tcp, u16, u32, udp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..decode.frames import Frame

ALL = (1 << 31) - 1
MS = 1_000_000
KNOWN = Path(__file__).resolve().parent.parent / "known_differences.tsv"


def tracked(
    frames: Sequence[Frame], times: Sequence[int] | None = None, limits: Limits | None = None
) -> tuple[Tracker, Any]:
    tracker = Tracker(limits or Limits(), ALL)
    batch = batch_of(frames, times=times)
    tracker.take(batch)
    return tracker, batch


def framed(payload: bytes, protocol: int = 6, **more: Any) -> Frame:
    return 1, ethernet(ipv4(payload, protocol, **more))


def read(path: Path, mask: int = ALL, block_bytes: int = 4 << 20, limits: Limits | None = None) -> Tracker:
    tracker = Tracker(limits or Limits(), mask)
    source = open_source([path], limits=limits or Limits(), block_bytes=block_bytes)
    for batch in source:
        tracker.take(batch)
    source.close()
    tracker.finish()
    return tracker


# --- single frames ----------------------------------------------------------------------------------------------------


def test_a_segment_and_its_payload() -> None:
    tracker, batch = tracked([framed(tcp(b"hello", options=b"\1\1\1\0"), ident=77)])
    assert tracker.rows.tolist() == [0]
    segment = tracker.segment(batch, 0)
    assert (segment.sender, segment.flags, segment.seq, segment.ack) == (Side.INITIATOR, 0x18, 0xFFFFFFF0, 7)
    assert (segment.window, segment.payload_bytes, segment.ttl, segment.ip_id) == (512, 5, 64, 77)
    assert segment.events == Event.NEW_FLOW | Event.FIRST_PAYLOAD
    assert segment.header.spans == (Span(1, 34, 58),)
    assert (segment.frame, segment.time_ns) == (1, 0)
    payload = tracker.payload(batch, 0)
    assert bytes(payload) == b"hello"
    assert payload.spans == (Span(1, 58, 63),)


def test_bytes_are_copied_out_of_the_batch() -> None:
    tracker = Tracker(Limits(), ALL)
    batch = batch_of([framed(tcp(b"hello"))])
    batch.data = bytearray(batch.data)
    tracker.take(batch)
    payload = tracker.payload(batch, 0)
    batch.data[:] = bytes(len(batch.data))
    assert bytes(payload) == b"hello"


def test_a_datagram_put_together_from_fragments() -> None:
    whole = udp(b"x" * 64)
    frames = [framed(whole[:32], 17, more=True), framed(whole[32:], 17, offset=32)]
    tracker, batch = tracked(frames)
    assert tracker.rows.tolist() == [1]
    payload = tracker.payload(batch, 1)
    assert bytes(payload) == b"x" * 64
    assert payload.spans == (Span(1, 42, 66), Span(2, 34, 74))
    assert tracker.flow(0).transport == "udp"


def test_a_flow() -> None:
    frames = [
        (1, ethernet(ipv6(udp(b"ask", ports=(5353, 53)), 17), 0x86DD)),
        framed(tcp(flags=2)),
        framed(tcp(flags=2)),
    ]
    tracker, _ = tracked(frames)
    assert tracker.flow_count == 2
    asked, opened = tracker.flow(0), tracker.flow(1)
    assert asked.initiator.port == 5353
    assert ":" in asked.initiator.address
    assert asked.tcp is None
    assert (opened.first_frame, opened.last_frame, opened.packets) == (2, 3, (2, 0))
    assert opened.initiator == Endpoint("10.0.0.1", 1025)
    assert opened.bytes == (108, 0)
    assert opened.tcp is not None
    assert opened.tcp.syn == 2
    assert opened.community_id.startswith("1:")


def unreachable(quoted: bytes, kind: int = 3, code: int = 4, mtu: int = 1400) -> bytes:
    return bytes([kind, code, 0, 0]) + u16(0) + u16(mtu) + quoted


def test_an_icmp_error_is_joined_to_its_flow() -> None:
    inner = ipv4(tcp(flags=2))
    tracker, batch = tracked([framed(tcp(flags=2)), framed(unreachable(inner[:28]), 1)])
    assert tracker.rows.tolist() == [0, 1]
    found = tracker.icmp(batch, 1)
    assert found is not None
    flow, error = found
    assert flow == 0
    assert (error.version, error.type, error.code, error.mtu) == (4, 3, 4, 1400)
    assert error.source == "10.0.0.1"
    assert error.sender is Side.INITIATOR
    assert error.at.spans == (Span(2, 34, 70),)


def test_icmp_errors_of_no_flow() -> None:
    inner = ipv4(udp(ports=(1, 2)), 17)
    frames = [framed(unreachable(inner), 1), framed(unreachable(ipv4(bytes(9), 50)), 1), framed(bytes([3]), 1)]
    tracker, batch = tracked(frames)
    assert [tracker.icmp(batch, row) for row in range(3)] == [None] * 3


def test_unwanted_payload_is_not_listed() -> None:
    tracker = Tracker(Limits(), Event.SYN)
    tracker.take(batch_of([framed(tcp(b"a"))]))
    assert tracker.rows.tolist() == [0]
    tracker.unwant(0)
    tracker.take(batch_of([framed(tcp(b"b"))], first_frame=2))
    assert tracker.rows.tolist() == []


# --- counts over all frames -------------------------------------------------------------------------------------------


def test_frames_are_counted() -> None:
    arp = (1, ethernet(bytes(28), 0x0806))
    strange = (147, b"whatever this is")
    short = (1, ethernet(ipv4(bytes(3))))
    cut = (1, ethernet(ipv4(tcp(b"x" * 50)))[:60], 104)
    tracker, _ = tracked([arp, strange, short, cut, (1, ethernet(ipv4(udp(), 17)), 9019)], [5, 3, 9, 7, 8])
    stats = tracker.stats
    assert (stats.frames, stats.cut_frames, stats.undecoded_frames) == (5, 2, 2)
    assert (stats.first_ns, stats.last_ns) == (3, 9)
    assert stats.oversize_frames == 1
    assert stats.bytes == 42 + 16 + 37 + 104 + 9019
    assert stats.clock_steps == 0
    assert tracker.problems == []


def test_an_empty_batch_counts_nothing() -> None:
    tracker, _ = tracked([])
    assert tracker.stats.frames == 0


def test_clock_steps_also_between_batches() -> None:
    tracker = Tracker(Limits())
    frames = [framed(tcp())] * 2
    tracker.take(batch_of(frames, 1, [10 * MS, 9 * MS]))  # within what two queues may do
    assert tracker.stats.clock_steps == 0
    tracker.take(batch_of(frames, 3, [5 * MS, 20 * MS]))
    tracker.take(batch_of(frames, 5, [20 * MS, 2 * MS]))
    stats = tracker.stats
    assert (stats.clock_steps, stats.clock_step_frame, stats.clock_step_ns) == (2, 3, 18 * MS)
    assert (stats.first_ns, stats.last_ns) == (2 * MS, 20 * MS)


def test_too_many_flows_are_told_once() -> None:
    tracker = Tracker(Limits(flows=1))
    for start in (1, 4):
        tracker.take(batch_of([framed(tcp(ports=(port, 80))) for port in (1, 2, 3)], start))
    assert [problem.code for problem in tracker.problems] == ["flows.limit"]
    assert tracker.flow_count == 1


def test_what_never_became_whole_is_told_at_the_end() -> None:
    tracker, _ = tracked([framed(udp(b"x" * 64)[:32], 17, more=True)])
    tracker.finish()
    assert tracker.problems


# --- whole captures ---------------------------------------------------------------------------------------------------


def facts(tracker: Tracker) -> dict[int, tuple[Any, ...]]:
    """By first frame of each TCP flow with a SYN: ends and handshake."""
    found = {}
    for number in range(tracker.flow_count):
        flow = tracker.flow(number)
        if flow.tcp is not None and flow.tcp.syn is not None:
            found[flow.first_frame] = (flow.initiator, flow.responder, flow.tcp.syn, flow.tcp.syn_ack, flow.tcp.ack)
    return found


def differences() -> dict[str, set[str]]:
    with KNOWN.open(encoding="utf-8", newline="") as lines:
        known: dict[str, set[str]] = {}
        for row in csv.DictReader(lines, delimiter="\t"):
            known.setdefault(row["capture"], set()).add(row["fact"])
        return known


def truth_files() -> list[str]:
    folder = CORPUS / "truth"
    return sorted(path.name.removesuffix(".json") for path in folder.glob("*.json")) if folder.exists() else []


@pytest.mark.parametrize("name", truth_files())
def test_handshakes_of_the_corpus(name: str) -> None:
    truth = json.loads((CORPUS / "truth" / f"{name}.json").read_text())
    try:
        tracker = read(corpus_file(name))
    except CaptureError:
        assert not truth.get("tcp")
        return
    found = facts(tracker)
    expected = {}
    for stream in truth.get("tcp", []):
        hand = stream["handshake"]
        if stream["roles_from"] == "syn" and hand["syn"]:
            ends = Endpoint(*stream["client"]), Endpoint(*stream["server"])
            expected[stream["first_frame"]] = (*ends, hand["syn"], hand["synack"], hand["ack"])
    differing = {
        f"tcp-handshake {frame}" for frame in expected.keys() | found.keys() if expected.get(frame) != found.get(frame)
    }
    assert differing == {fact for fact in differences().get(name, set()) if fact.startswith("tcp-handshake ")}


@pytest.mark.parametrize("name", ["rtsp-sdp.pcap", "teams-call.pcap", "encap-pppoe-qinq-tls.pcap"])
def test_batches_of_any_size_give_the_same(name: str) -> None:
    whole, parts = read(corpus_file(name)), read(corpus_file(name), block_bytes=3000)
    assert [parts.flow(number) for number in range(parts.flow_count)] == [
        whole.flow(number) for number in range(whole.flow_count)
    ]
    assert parts.stats == whole.stats


def lab_names() -> list[str]:
    folder = LAB / "captures"
    return sorted(path.stem for path in folder.glob("tcp-*.pcapng")) if folder.exists() else []


@pytest.mark.parametrize("name", lab_names())
def test_lab_captures_are_followed(name: str) -> None:
    tracker = read(lab_file(f"{name}.pcapng"))
    flows = [tracker.flow(number) for number in range(tracker.flow_count)]
    summaries = [flow.tcp for flow in flows if flow.tcp is not None]
    assert len(summaries) == len(flows) == (2 if name == "tcp-refused" else 1)
    summary = summaries[0]
    refused = name in {"tcp-refused", "tcp-syn-timeout", "tcp-unreachable-icmp"}
    assert (summary.ack is None) == refused
    assert (summary.initial_rtt_ns is None) == refused
    ends = {"tcp-refused": "rst", "tcp-half-open": "rst", "tcp-reset-midstream": "rst"}
    if name not in {"tcp-syn-timeout", "tcp-unreachable-icmp"}:
        assert summary.end == ends.get(name, "fin")
    assert summary.lost_bytes == (0, 0)


def streams(path: Path, block_bytes: int = 4 << 20) -> dict[Side, bytes]:
    """The bytes of the only connection of a capture."""
    tracker = Tracker(Limits(), ALL)
    connection = Connection(Limits())
    found = {Side.INITIATOR: b"", Side.RESPONDER: b""}
    for batch in open_source([path], limits=Limits(), block_bytes=block_bytes):
        columns = tracker.take(batch)
        for row in tracker.rows.tolist():
            segment = tracker.segment(batch, row)
            deliveries = connection.take(
                segment.sender,
                segment.flags,
                segment.seq,
                segment.ack,
                segment.events,
                tracker.payload(batch, row),
                int(columns.payload_wire[row]),
            )
            for side, delivery in deliveries:
                assert isinstance(delivery, Piece)
                found[side] += bytes(delivery)
    assert connection.flush() == []
    return found


@pytest.mark.parametrize("block_bytes", [4 << 20, 4000])
def test_what_arrived_in_the_lab_is_put_in_order(block_bytes: int) -> None:
    truth = json.loads(lab_file("tcp-basic.json").read_text())["truth"]
    found = streams(lab_file("tcp-basic.pcapng"), block_bytes)
    assert found[Side.INITIATOR].decode() == "".join(truth["sent"]["client"])
    assert found[Side.RESPONDER].decode() == "".join(truth["sent"]["server"])
    for name, side, size in (("loss-reorder", 1, 60_000), ("zero-window", 0, 60_000), ("veth-large", 1, 160_000)):
        assert len(streams(lab_file(f"tcp-{name}.pcapng"), block_bytes)[Side(side)]) == size
    digests = {
        hashlib.sha256(streams(lab_file("tcp-loss-reorder.pcapng"), size)[Side(1)]).digest() for size in (2000, 99999)
    }
    assert len(digests) == 1


def test_the_icmp_of_the_lab_belongs_to_the_syn() -> None:
    tracker = Tracker(Limits(), ALL)
    found = []
    for batch in open_source([lab_file("tcp-unreachable-icmp.pcapng")], limits=Limits()):
        tracker.take(batch)
        found += [tracker.icmp(batch, row) for row in tracker.rows.tolist()]
    errors = [error for error in found if error is not None]
    assert [(flow, error.type, error.code, error.sender) for flow, error in errors] == [(0, 3, 13, Side.INITIATOR)]
    assert u32(0) == bytes(4)
