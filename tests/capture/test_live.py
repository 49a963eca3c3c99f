import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from analyzer.capture import live, open_source
from analyzer.capture.live import LiveSource
from analyzer.capture.receiver import Frames
from analyzer.core import CaptureError, Limits
from tests.capture import traffic


class Imagined:
    """A receiver that gives made-up frames at made-up times."""

    link_type = 1

    def __init__(self, *steps: list[tuple[int, bytes]] | OSError) -> None:
        self.steps = list(steps)
        self.closed = 0

    def wait(self, seconds: float) -> None:
        time.sleep(min(max(seconds, 0), 0.001))

    def fill(self, frames: Frames, until_ns: int | None) -> bool:
        if not self.steps:
            return True
        step = self.steps[0]
        if isinstance(step, OSError):
            raise step
        while step and not frames.full:
            time_ns, data = step[0]
            if until_ns is not None and time_ns > until_ns:
                return False
            step.pop(0)
            frames.view[frames.stop : frames.stop + len(data)] = data
            frames.add(time_ns, len(data), len(data))
        if not step:
            self.steps.pop(0)
        return True

    def dropped(self) -> int | None:
        return 7

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def imagined(monkeypatch: pytest.MonkeyPatch) -> Imagined:
    receiver = Imagined()
    monkeypatch.setattr(live, "open_receiver", lambda interface, bpf, promiscuous: receiver)
    return receiver


def test_count_ends_the_capture_with_exactly_so_many_frames(imagined: Imagined) -> None:
    imagined.steps = [[(index, b"x") for index in range(10)]]
    source = LiveSource("made-up", count=7)
    taken = traffic.take(source)
    assert taken.times == list(range(7))
    assert imagined.closed == 1
    assert source.interfaces[0].dropped == 7


def test_count_larger_than_a_batch(imagined: Imagined) -> None:
    imagined.steps = [[(index, b"x") for index in range(10_000)]]
    taken = traffic.take(LiveSource("made-up", count=9_000))
    assert len(taken.frames) == 9_000
    assert taken.batches == 3


def test_a_batch_is_bounded_in_bytes(imagined: Imagined) -> None:
    imagined.steps = [[(index, bytes(60_000)) for index in range(40)]]
    taken = traffic.take(LiveSource("made-up", count=40))
    assert taken.batches == 3


def test_frames_after_the_end_are_left_out(imagined: Imagined) -> None:
    now = time.time_ns()
    imagined.steps = [[(now, b"in time"), (now + 3_600 * 10**9, b"late")]]
    assert traffic.take(LiveSource("made-up", duration=0.05)).frames == [b"in time"]


def test_what_arrived_before_the_end_is_read_for_a_bounded_time(
    imagined: Imagined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0.0)
    imagined.steps = [[(index, b"x") for index in range(1_000_000)]]
    source = LiveSource("made-up", duration=0.001)
    time.sleep(0.01)
    taken = traffic.take(source)
    assert len(taken.frames) < 1_000_000
    assert [problem.code for problem in source.problems] == ["capture.live-backlog"]


def test_an_interface_that_goes_away_ends_the_capture_and_is_told(imagined: Imagined) -> None:
    imagined.steps = [[(1, b"last words")], OSError(errno.ENETDOWN, "Network is down")]
    source = LiveSource("made-up")
    assert traffic.take(source).frames == [b"last words"]
    assert source.problems[0].code == "capture.interface-gone"
    assert "Network is down" in source.problems[0].text


def test_a_file_that_cannot_be_opened_is_one_sentence(imagined: Imagined, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"cannot write .*no/such"):
        LiveSource("made-up", write=tmp_path / "no" / "such")
    assert imagined.closed == 1


def test_a_full_disk_ends_the_capture_and_is_told(imagined: Imagined) -> None:
    imagined.steps = [[(1, bytes(60_000))] * 60]
    source = LiveSource("made-up", write="/dev/full", duration=5)
    taken = traffic.take(source)
    assert len(taken.frames) < 60
    assert [problem.code for problem in source.problems] == ["capture.write-failed"]


def test_a_disk_that_is_full_at_the_end_is_told(imagined: Imagined) -> None:
    source = LiveSource("made-up", write="/dev/full")
    source.close()
    assert [problem.code for problem in source.problems] == ["capture.write-failed"]


def test_closing_twice_is_closing_once(imagined: Imagined) -> None:
    source = LiveSource("made-up")
    source.close()
    source.close()
    assert imagined.closed == 1


def test_off_linux_scapy_receives(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.capture import scapy_adapter

    asked = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(scapy_adapter, "ScapySocket", lambda *arguments: asked.append(arguments))
    live.open_receiver("en0", "tcp", False)
    assert asked == [("en0", "tcp", False)]


# --- on the loopback --------------------------------------------------------------------------------------------------


@pytest.mark.live
def test_each_packet_on_the_loopback_comes_once_and_in_order() -> None:
    with traffic.sink() as port:
        payloads = [b"packet %d" % number for number in range(50)]
        source = LiveSource("lo", f"udp port {port}", count=50, duration=10)
        begin_ns = time.time_ns()
        taken = traffic.take(source, lambda: traffic.send(port, *payloads))
    assert [frame[42:] for frame in taken.frames] == payloads
    assert taken.times == sorted(taken.times)
    assert begin_ns < taken.times[0] < time.time_ns()
    assert source.interfaces[0].dropped == 0
    assert source.problems == []


@pytest.mark.live
def test_the_filter_holds_from_the_first_packet() -> None:
    busy = threading.Event()

    def noise(port: int) -> None:
        while not busy.is_set():
            traffic.send(port, b"noise")

    with traffic.sink() as loud, traffic.sink() as port:
        noisy = threading.Thread(target=noise, args=(loud,))
        noisy.start()
        try:
            source = LiveSource("lo", f"udp port {port}", count=1, duration=10)
            taken = traffic.take(source, lambda: traffic.send(port, b"wanted"))
        finally:
            busy.set()
            noisy.join()
    assert [frame[42:] for frame in taken.frames] == [b"wanted"]


@pytest.mark.live
def test_frames_are_told_soon() -> None:
    with traffic.sink() as port:
        source = LiveSource("lo", f"udp port {port}", duration=10)
        batches = iter(source)
        threading.Timer(0.1, traffic.send, (port, b"soon")).start()
        batch = next(batch for batch in batches if batch.count)
        waited = time.time_ns() - int(batch.time_ns[0])
        batches.close()
    assert waited < 0.5e9  # 50 ms on a machine that is not busy


@pytest.mark.live
def test_duration_ends_a_silent_capture() -> None:
    begin = time.monotonic()
    assert traffic.take(LiveSource("lo", "udp port 1", duration=0.3)).frames == []
    assert 0.25 < time.monotonic() - begin < 3


@pytest.mark.live
def test_stop_gives_what_arrived_before_it() -> None:
    with traffic.sink() as port:
        source = LiveSource("lo", f"udp port {port}")
        traffic.send(port, b"one", b"two")

        def interrupt(number: int, frame: object) -> None:
            source.stop()

        before = signal.signal(signal.SIGUSR1, interrupt)
        try:
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            taken = traffic.take(source)
        finally:
            signal.signal(signal.SIGUSR1, before)
    assert [frame[42:] for frame in taken.frames] == [b"one", b"two"]


@pytest.mark.live
def test_what_the_kernel_drops_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.capture import packet_socket

    monkeypatch.setattr(packet_socket, "RECEIVE_BUFFER_BYTES", 1)
    with traffic.sink() as port:
        source = LiveSource("lo", f"udp port {port}", duration=0.2)
        traffic.send(port, *[bytes(1000)] * 500)
        taken = traffic.take(source)
    dropped = source.interfaces[0].dropped
    assert dropped
    assert len(taken.frames) + dropped == 500


@pytest.mark.live
def test_the_written_file_has_the_same_frames(tmp_path: Path) -> None:
    path = tmp_path / "written.pcapng"
    with traffic.web_server() as port:
        source = LiveSource("lo", f"tcp port {port}", duration=0.5, write=path)
        taken = traffic.take(source, lambda: traffic.visit(port))
    read = traffic.Taken()
    written = open_source([path], limits=Limits())
    for batch in written:
        read.add(batch)
    assert len(taken.frames) > 5
    assert (read.frames, read.times, read.lengths) == (taken.frames, taken.times, taken.lengths)
    assert written.interfaces == source.interfaces
    assert source.files[0].bytes == path.stat().st_size == written.files[0].bytes
    assert written.problems == []


@pytest.mark.live
@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="needs tcpdump")
@pytest.mark.parametrize("interface", ["lo", "any"])
def test_tcpdump_sees_the_same_frames(tmp_path: Path, interface: str) -> None:
    path = tmp_path / "tcpdump.pcap"
    with traffic.web_server() as port:
        bpf = f"tcp port {port}"
        command = ["tcpdump", "-U", "-y", "LINUX_SLL2" if interface == "any" else "EN10MB"]
        command += ["-i", interface, "-w", str(path), "--time-stamp-precision=nano", bpf]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as dump:
            assert dump.stderr is not None
            while "listening on" not in (line := dump.stderr.readline()):
                assert line, "tcpdump ended"
            source = LiveSource(interface, bpf, duration=1)
            taken = traffic.take(source, lambda: traffic.visit(port))
            time.sleep(0.2)
            dump.terminate()
            dump.stderr.read()
    frames, times = _pcap(path.read_bytes())
    # The two sockets were opened one after the other, so each may see a stray frame alone at the ends; none did.
    assert taken.frames == frames
    assert max(abs(ours - theirs) for ours, theirs in zip(taken.times, times, strict=True)) < 5_000_000


def _pcap(data: bytes) -> tuple[list[bytes], list[int]]:
    """Frames and times of a little-endian pcap file with nanoseconds."""
    assert data[:4] == b"\x4d\x3c\xb2\xa1"
    frames, times, at = [], [], 24
    while at < len(data):
        seconds, nanoseconds, captured, _ = struct.unpack_from("<IIII", data, at)
        frames.append(data[at + 16 : at + 16 + captured])
        times.append(seconds * 10**9 + nanoseconds)
        at += 16 + captured
    return frames, times
