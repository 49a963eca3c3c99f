import socket
import subprocess
import sys

import pytest

from analyzer.capture import interfaces
from analyzer.core import CaptureError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's interfaces")


def test_the_loopback_is_found() -> None:
    found = {interface.name: interface for interface in interfaces.found()}
    assert found["lo"].link_type == interfaces.LINKTYPE_ETHERNET
    assert found["lo"].link_name == "Ethernet"
    assert "127.0.0.1" in found["lo"].addresses
    assert found["lo"].state == "up"
    assert found["lo"].allowed == interfaces.may_capture()
    assert list(found)[-1] == "any"
    assert found["any"].link_name == "Linux cooked, version 2"


def test_link_types_without_a_name_keep_their_number() -> None:
    assert interfaces.Found("x", "up", 9999, True).link_name == "link type 9999"


def test_hardware_that_is_not_known_is_captured_cooked() -> None:
    assert interfaces.link_type(interfaces.ARPHRD_ETHER) == 1
    assert interfaces.link_type(65534) == 101
    assert interfaces.link_type(280) == interfaces.LINKTYPE_LINUX_SLL2


def test_an_unknown_interface_is_told_with_those_there_are() -> None:
    with pytest.raises(CaptureError, match=r"no interface 'nix' here: there are .*lo.*any"):
        interfaces.hardware_type("nix")


def test_a_name_longer_than_names_are() -> None:
    with pytest.raises(CaptureError, match="no interface"):
        interfaces.hardware_type("n" * 300)


def test_an_interface_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "_request", lambda name, number: 0)
    with pytest.raises(CaptureError, match="lo is down: bring it up"):
        interfaces.hardware_type("lo")
    assert interfaces._state("lo") == "down"


def test_no_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "_request", lambda name, number: interfaces.IFF_UP)
    assert interfaces._state("eth7") == "no carrier"


def test_an_interface_may_go_while_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "names", lambda: ["gone"])
    assert interfaces.loopbacks() == frozenset()
    gone = interfaces.found()[0]
    assert (gone.name, gone.state, gone.link_type) == ("gone", "down", interfaces.LINKTYPE_LINUX_SLL2)


def test_loopbacks() -> None:
    assert interfaces.loopbacks() == {"lo"}


def test_without_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        allowed = interfaces.may_capture()
    assert not allowed
    text = interfaces.not_allowed("eth0")
    assert "sudo" in text
    assert "setcap cap_net_raw+ep /" in text
    assert "dumpcap" in text


def test_off_linux_scapy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.capture import scapy_adapter

    listed = [interfaces.Found("en0", "up", 1, True)]
    monkeypatch.setattr(scapy_adapter, "interfaces", lambda: listed)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert interfaces.found() == listed


def test_names_as_ip_has_them() -> None:
    try:
        listed = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True, timeout=10).stdout
    except FileNotFoundError:
        pytest.skip("needs ip")
    assert interfaces.names() == [line.split(": ")[1].partition("@")[0] for line in listed.splitlines()]
