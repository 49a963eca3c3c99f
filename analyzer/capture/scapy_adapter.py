"""All that is asked of scapy: interfaces and their addresses, capture filters by libpcap, and sockets off Linux.

The only module that imports scapy, so that a release of it reaches no further.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any, Final

from analyzer.capture.interfaces import LINKTYPE_ETHERNET, LINKTYPE_RAW, Found, not_allowed
from analyzer.capture.receiver import SNAP_BYTES, Frames
from analyzer.core import CaptureError

if TYPE_CHECKING:
    from types import ModuleType

ERROR_BYTES: Final = 256  # PCAP_ERRBUF_SIZE
OPTIMIZE: Final = 1
NETMASK_UNKNOWN: Final = -1
#: DLT number -> LINKTYPE number, where the two differ (on Linux, macOS and Windows).
LINK_TYPES: Final = {12: LINKTYPE_RAW, 14: LINKTYPE_RAW}


def _libpcap() -> ModuleType:
    try:
        from scapy.libs import winpcapy
    except OSError as why:
        raise CaptureError(
            "a capture filter needs libpcap, which is not here: install it (Debian: libpcap0.8) or leave the filter out"
        ) from why
    library: ModuleType = winpcapy
    return library


def compile_filter(bpf: str, link_type: int, snap_bytes: int, interface: str | None = None) -> bytes:
    """The filter `bpf` as instructions of 8 bytes, for frames of `link_type`; CaptureError where libpcap refuses it.

    With `interface` and the right to capture on it, libpcap asks the kernel for VLAN tags, which are not in the frame.
    """
    pcap = _libpcap()
    handle = None
    if interface is not None:
        handle = pcap.pcap_open_live(interface.encode(), snap_bytes, 0, 0, ctypes.create_string_buffer(ERROR_BYTES))
    if not handle:
        handle = pcap.pcap_open_dead(link_type, snap_bytes)
    program = pcap.bpf_program()
    try:
        text = ctypes.create_string_buffer(bpf.encode())
        if pcap.pcap_compile(handle, ctypes.byref(program), text, OPTIMIZE, NETMASK_UNKNOWN) != 0:
            why = bytes(bytearray(pcap.pcap_geterr(handle)).strip(b"\x00")).decode(errors="replace")
            raise CaptureError(f"the capture filter {bpf!r} is wrong: {why}")
        size = program.bf_len * ctypes.sizeof(program.bf_insns.contents)
        instructions = ctypes.string_at(program.bf_insns, size)
        pcap.pcap_freecode(ctypes.byref(program))
    finally:
        pcap.pcap_close(handle)
    return instructions


def _listed() -> list[Any]:
    import scapy.arch  # noqa: F401 - fills conf.ifaces
    from scapy.config import conf

    return list(conf.ifaces.values())


def _addresses(interface: Any) -> list[str]:
    return [*interface.ips.get(4, ()), *interface.ips.get(6, ())]


def addresses() -> dict[str, list[str]]:
    """The addresses of each interface by its name, IPv4 first."""
    return {interface.name: _addresses(interface) for interface in _listed()}


def interfaces() -> list[Found]:
    """The interfaces that scapy finds, each tried for whether it can be captured."""
    listed = []
    for interface in _listed():
        try:
            opened = ScapySocket(interface.name, None, promiscuous=False)
        except CaptureError:
            allowed, link_type = False, LINKTYPE_ETHERNET
        else:
            allowed, link_type = True, opened.link_type
            opened.close()
        state = "up" if interface.is_valid() else "down"
        listed.append(Found(interface.name, state, link_type, allowed, _addresses(interface)))
    return listed


class ScapySocket:
    """Frames from scapy's socket: BPF devices, Npcap, or whatever it finds."""

    def __init__(self, interface: str, bpf: str | None, promiscuous: bool) -> None:
        import scapy.layers.inet
        import scapy.layers.l2  # noqa: F401 - both tell scapy the link types
        from scapy.config import conf
        from scapy.error import Scapy_Exception

        there = [one.name for one in _listed()]
        if interface not in there:
            raise CaptureError(f"there is no interface {interface!r} here: there are {', '.join(there)}")
        try:
            self._socket = conf.L2listen(iface=interface, filter=bpf, promisc=promiscuous)
        except PermissionError as why:
            raise CaptureError(not_allowed(interface)) from why
        except (OSError, Scapy_Exception, ImportError) as why:
            raise CaptureError(f"cannot capture on {interface}: {why}") from why
        link_layer: Any = getattr(self._socket, "LL", None)
        number = conf.l2types.layer2num.get(link_layer, LINKTYPE_ETHERNET)
        self.link_type = LINK_TYPES.get(number, number)

    def wait(self, seconds: float) -> None:
        self._socket.select([self._socket], max(seconds, 0.0))

    def fill(self, frames: Frames, until_ns: int | None) -> bool:
        while not frames.full and self._socket.select([self._socket], 0):
            _, data, seconds = self._socket.recv_raw(SNAP_BYTES)
            if data is None:
                break
            time_ns = time.time_ns() if seconds is None else int(seconds * 1_000_000_000)
            if until_ns is not None and time_ns > until_ns:
                return False
            frames.view[frames.stop : frames.stop + len(data)] = data
            frames.add(time_ns, len(data), len(data))
        return True

    def dropped(self) -> int | None:
        return None  # scapy does not say

    def close(self) -> None:
        self._socket.close()
