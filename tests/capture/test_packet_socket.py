import errno
import json
import shutil
import socket
import struct
import subprocess
import sys
import time

import pytest

from analyzer.capture import interfaces, packet_socket
from analyzer.capture.packet_socket import PacketSocket, below_cooked
from analyzer.capture.receiver import Frames
from analyzer.core import CaptureError
from tests.capture import traffic

if sys.platform != "linux":
    pytest.skip("AF_PACKET is Linux's", allow_module_level=True)

LD_HALF, LD_BYTE, LD_WORD, LDX_MSH, LD_INDIRECT, LD_LENGTH, JUMP, RETURN = (
    0x28,
    0x30,
    0x20,
    0xB1,
    0x48,
    0x80,
    0x15,
    0x06,
)


def packed(*program: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def test_a_filter_for_cooked_frames_reads_below_the_cooked_header() -> None:
    program = packed(
        (LD_BYTE, 0, 0, 29), (LDX_MSH, 0, 0, 20), (LD_INDIRECT, 0, 0, 22), (JUMP, 0, 1, 53), (RETURN, 0, 0, 9)
    )
    moved = packed((LD_BYTE, 0, 0, 9), (LDX_MSH, 0, 0, 0), (LD_INDIRECT, 0, 0, 2), (JUMP, 0, 1, 53), (RETURN, 0, 0, 9))
    assert below_cooked(program, "udp port 53") == moved


def test_a_filter_on_the_cooked_header_asks_the_kernel() -> None:
    program = packed((LD_HALF, 0, 0, 0), (LD_WORD, 0, 0, 4), (LD_BYTE, 0, 0, 10), (LD_LENGTH, 0, 0, 0))
    offsets = [value for _, _, _, value in struct.iter_unpack("=HBBI", below_cooked(program, ""))]
    assert offsets == [0xFFFFF000, 0xFFFFF008, 0xFFFFF004, 0]
    assert below_cooked(packed((LD_HALF, 0, 0, 0xFFFFF02C)), "") == packed((LD_HALF, 0, 0, 0xFFFFF02C))


def test_a_filter_that_the_kernel_cannot_answer() -> None:
    with pytest.raises(CaptureError, match="'link\\[12\\]' cannot be used on several interfaces"):
        below_cooked(packed((LD_BYTE, 0, 0, 12)), "link[12]")


def test_a_program_that_the_kernel_refuses() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door,
        pytest.raises(CaptureError, match="refuses the filter"),
    ):
        packet_socket._attach(door, packed((0xFFFF, 0, 0, 0)))


def test_without_the_right_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def refuse(family: int, *arguments: int) -> socket.socket:
        if family == socket.AF_PACKET:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(family, *arguments)

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(interfaces, "hardware_type", lambda name: interfaces.ARPHRD_LOOPBACK)
    with pytest.raises(CaptureError, match=r"you may not capture on lo: run this with sudo, or .*setcap.*dumpcap"):
        PacketSocket("lo", None, promiscuous=True)


def received(receiver: PacketSocket, until_ns: int | None = None, count: int = 1) -> Frames:
    frames = Frames()
    frames.clear(count)
    end = time.monotonic() + 5
    while len(frames.start) < count and time.monotonic() < end:
        receiver.wait(0.1)
        if not receiver.fill(frames, until_ns):
            break
    return frames


@pytest.mark.live
@pytest.mark.parametrize("old_kernel", [False, True])
def test_the_loopback_gives_each_packet_once(monkeypatch: pytest.MonkeyPatch, old_kernel: bool) -> None:
    if old_kernel:
        monkeypatch.setattr(packet_socket, "PACKET_IGNORE_OUTGOING", 9999)
    with traffic.sink() as port:
        receiver = PacketSocket("lo", f"udp port {port}", promiscuous=True)
        try:
            traffic.send(port, b"one", b"two")
            frames = received(receiver, count=2)
        finally:
            receiver.close()
    assert receiver.link_type == interfaces.LINKTYPE_ETHERNET
    assert [
        bytes(frames.view[at + 42 : at + size]) for at, size in zip(frames.start, frames.captured, strict=True)
    ] == [
        b"one",
        b"two",
    ]
    assert receiver.dropped() == 0


@pytest.mark.live
def test_any_gives_cooked_frames() -> None:
    with traffic.sink() as port:
        receiver = PacketSocket("any", f"udp port {port}", promiscuous=True)
        try:
            traffic.send(port, b"cooked")
            frames = received(receiver)
        finally:
            receiver.close()
    header = struct.unpack_from(">HHIHBB8s", frames.data)
    assert header[:6] == (0x0800, 0, socket.if_nametoindex("lo"), interfaces.ARPHRD_LOOPBACK, socket.PACKET_HOST, 6)
    assert bytes(frames.view[48 : frames.captured[0]]) == b"cooked"
    assert frames.length == frames.captured


@pytest.mark.live
def test_a_frame_after_the_end_is_not_taken() -> None:
    with traffic.sink() as port:
        receiver = PacketSocket("lo", f"udp port {port}", promiscuous=False)
        try:
            traffic.send(port, b"late")
            assert received(receiver, until_ns=time.time_ns() - 10**9).start == []
        finally:
            receiver.close()


@pytest.mark.live
def test_an_interface_that_cannot_be_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "hardware_type", lambda name: interfaces.ARPHRD_ETHER)
    with pytest.raises(CaptureError, match="cannot capture on nix: No such device"):
        PacketSocket("nix", None, promiscuous=True)


@pytest.mark.live
def test_binding_to_all_may_fail() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door, pytest.raises(OSError, match=r"."):
        packet_socket._bind_to_all(door)


class Made:
    """In place of the socket: gives one frame, with what the kernel says beside it."""

    def __init__(self, data: bytes, ancillary: list[tuple[int, int, bytes]], interface: str = "lo") -> None:
        self.data, self.ancillary, self.interface = data, ancillary, interface

    def recvmsg_into(
        self, buffers: list[memoryview], size: int
    ) -> tuple[int, list[tuple[int, int, bytes]], int, object]:
        if not self.data:
            raise BlockingIOError
        data, self.data = self.data, b""
        buffers[0][: len(data)] = data
        return len(data), self.ancillary, 0, (self.interface, 0x0800, 0, 1, bytes(6))

    def getsockopt(self, *arguments: int) -> bytes:
        raise OSError(errno.EBADF, "closed")

    def close(self) -> None:
        pass


def made(link_type: int, door: Made) -> PacketSocket:
    receiver = PacketSocket.__new__(PacketSocket)
    receiver.link_type = link_type
    receiver._socket = door  # type: ignore[assignment]
    receiver._cooked = link_type == interfaces.LINKTYPE_LINUX_SLL2
    receiver._tags = True
    receiver._loopbacks = frozenset()
    receiver._lost = 3
    return receiver


def beside(status: int, length: int, tag: int, tag_type: int) -> tuple[int, int, bytes]:
    data = packet_socket.AUXDATA.pack(status, length, 0, 0, 0, tag, tag_type)
    return packet_socket.SOL_PACKET, packet_socket.PACKET_AUXDATA, data


FRAME = bytes(range(12)) + b"\x08\x00" + b"payload"


@pytest.mark.parametrize(("status", "tag_type"), [(0x10, 0x8100), (0x50, 0x88A8)])
def test_a_vlan_tag_is_put_back(status: int, tag_type: int) -> None:
    receiver = made(1, Made(FRAME, [beside(status, len(FRAME), 0x2005, tag_type), (1, 2, b"other")]))
    frames = Frames()
    frames.clear(5)
    before = time.time_ns()
    assert receiver.fill(frames, None)
    expected = FRAME[:12] + tag_type.to_bytes(2, "big") + b"\x20\x05" + FRAME[12:]
    assert bytes(frames.view[: frames.stop]) == expected
    assert frames.length == frames.captured == [len(expected)]
    assert before <= frames.time_ns[0] <= time.time_ns()  # without a time of the kernel's, ours
    assert receiver.dropped() == 3


def test_a_vlan_tag_in_a_cooked_frame() -> None:
    receiver = made(276, Made(b"payload", [beside(0x50, 7, 5, 0x8100)], "gone0"))
    frames = Frames()
    frames.clear(5)
    receiver.fill(frames, None)
    header = struct.unpack_from(">HHIHBB8s", frames.data)
    assert (header[0], header[2]) == (0x8100, 0)
    assert bytes(frames.view[20 : frames.stop]) == b"\x00\x05\x08\x00payload"


def test_the_length_on_the_wire_is_kept() -> None:
    receiver = made(1, Made(FRAME, [beside(0, 9_000, 0, 0)]))
    frames = Frames()
    frames.clear(5)
    receiver.fill(frames, None)
    assert (frames.captured, frames.length) == ([len(FRAME)], [9_000])


#: Run in a network namespace of its own: a tagged frame over a veth pair, seen at its other end.
TAGGED = """
import json, socket, subprocess
from analyzer.capture.live import LiveSource
for command in ("add left type veth peer name right", "set left up", "set right up"):
    subprocess.run(["ip", "link", *command.split()], check=True)
source = LiveSource("right", "vlan 5 and udp port 9", count=1, duration=5)
frame = bytes(12) + b"\\x81\\x00\\x00\\x05\\x08\\x00" + bytes.fromhex(
    "45000020000000004011f8cb7f0000017f000001" "000900090008000061626364")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
    sender.bind(("left", 0))
    sender.send(frame.replace(b"\\x00\\x05\\x08", b"\\x00\\x06\\x08"))
    sender.send(frame)
taken = [bytes(batch.data[:batch.captured[0]]).hex() for batch in source]
print(json.dumps([frame.hex(), taken]))
"""


@pytest.mark.live
def test_a_tagged_frame_over_a_real_link() -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs unshare and ip")
    command = ["unshare", "--net", sys.executable, "-c", TAGGED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if "Operation not" in done.stderr:
        pytest.skip("needs a network namespace with a veth pair")
    sent, taken = json.loads(done.stdout)
    assert taken == [sent]
