import struct
import sys
import threading
import time

import pytest

from analyzer.capture import scapy_adapter
from analyzer.capture.interfaces import LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL2
from analyzer.capture.receiver import SNAP_BYTES, Frames
from analyzer.core import CaptureError
from tests.capture import traffic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tried with Linux's libpcap")


def instructions(program: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", program))


def test_a_filter_is_compiled_and_keeps_whole_frames() -> None:
    program = instructions(scapy_adapter.compile_filter("udp port 53", LINKTYPE_ETHERNET, SNAP_BYTES))
    assert program[0] == (0x28, 0, 0, 12)  # load the EtherType
    assert {value for code, _, _, value in program if code == 0x06} == {0, SNAP_BYTES}


def test_a_filter_knows_the_link_type() -> None:
    ethernet = scapy_adapter.compile_filter("tcp", LINKTYPE_ETHERNET, SNAP_BYTES)
    cooked = scapy_adapter.compile_filter("tcp", LINKTYPE_LINUX_SLL2, SNAP_BYTES)
    assert ethernet != cooked


def test_a_wrong_filter_is_one_sentence_with_libpcaps_reason() -> None:
    with pytest.raises(CaptureError, match=r"'tcp prot 80' is wrong: .*syntax error"):
        scapy_adapter.compile_filter("tcp prot 80", LINKTYPE_ETHERNET, SNAP_BYTES)


def test_an_interface_that_libpcap_cannot_open_does_not_matter() -> None:
    assert scapy_adapter.compile_filter("tcp", LINKTYPE_ETHERNET, SNAP_BYTES, "nix")


def test_without_libpcap(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes.util

    monkeypatch.delitem(sys.modules, "scapy.libs.winpcapy", raising=False)
    monkeypatch.setattr("scapy.libs.winpcapy", None, raising=False)
    monkeypatch.delattr("scapy.libs.winpcapy", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(CaptureError, match="needs libpcap, which is not here"):
        scapy_adapter.compile_filter("tcp", LINKTYPE_ETHERNET, SNAP_BYTES)


def test_addresses() -> None:
    assert scapy_adapter.addresses()["lo"][0] == "127.0.0.1"


@pytest.mark.live
def test_scapys_socket_receives() -> None:
    with traffic.sink() as port:
        receiver = scapy_adapter.ScapySocket("lo", f"udp port {port}", promiscuous=False)
        try:
            frames = Frames()
            frames.clear(10)
            threading.Timer(0.1, traffic.send, (port, b"by scapy")).start()
            receiver.wait(5)
            assert receiver.fill(frames, None)
            assert bytes(frames.view[42 : frames.captured[0]]) == b"by scapy"
            assert abs(frames.time_ns[0] - time.time_ns()) < 10e9
            assert receiver.link_type == LINKTYPE_ETHERNET
            assert receiver.dropped() is None
            traffic.send(port, b"late")
            receiver.wait(5)
            assert not receiver.fill(frames, 1)
        finally:
            receiver.close()


@pytest.mark.live
def test_scapys_interfaces_are_tried() -> None:
    found = {interface.name: interface for interface in scapy_adapter.interfaces()}
    assert found["lo"].allowed
    assert found["lo"].link_type == LINKTYPE_ETHERNET


class Refusing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, **options: object) -> None:
        raise self.error


def test_scapys_refusals_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    from scapy.config import conf

    with pytest.raises(CaptureError, match=r"no interface 'nix' here: there are .*lo"):
        scapy_adapter.ScapySocket("nix", None, promiscuous=False)
    monkeypatch.setattr(conf, "L2listen", Refusing(PermissionError(1, "no")))
    with pytest.raises(CaptureError, match="you may not capture on lo: run this with sudo"):
        scapy_adapter.ScapySocket("lo", None, promiscuous=False)
    assert not scapy_adapter.interfaces()[0].allowed
    monkeypatch.setattr(conf, "L2listen", Refusing(OSError(5, "broken")))
    with pytest.raises(CaptureError, match=r"cannot capture on lo: .*broken"):
        scapy_adapter.ScapySocket("lo", None, promiscuous=False)


def test_a_socket_without_a_frame_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Npcap wakes up for nothing; frames without a time get ours."""

    class Sleepy:
        def __init__(self, **options: object) -> None:
            self.left = [(None, None, None), (None, b"frame", None)]

        def select(self, sockets: list[object], seconds: float) -> bool:
            return bool(self.left)

        def recv_raw(self, size: int) -> tuple[None, bytes | None, None]:
            return self.left.pop(0)

    from scapy.config import conf

    monkeypatch.setattr(conf, "L2listen", Sleepy)
    receiver = scapy_adapter.ScapySocket("lo", None, promiscuous=False)
    frames = Frames()
    frames.clear(10)
    assert receiver.fill(frames, None)
    assert frames.stop == 0
    assert receiver.fill(frames, None)
    assert bytes(frames.view[: frames.stop]) == b"frame"
