"""The interfaces of this machine: which there are, what they give, and whether this user may capture on them."""

from __future__ import annotations

import os
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analyzer.core import CaptureError

ANY: Final = "any"  # all interfaces at once, as libpcap calls it

# Link-layer header types, the registry of the pcap file format.
LINKTYPE_ETHERNET: Final = 1
LINKTYPE_RAW: Final = 101
LINKTYPE_IEEE802_11: Final = 105
LINKTYPE_IEEE802_11_RADIOTAP: Final = 127
LINKTYPE_LINUX_SLL2: Final = 276

LINK_NAMES: Final = {
    0: "BSD loopback",
    LINKTYPE_ETHERNET: "Ethernet",
    9: "PPP",
    LINKTYPE_RAW: "raw IP",
    LINKTYPE_IEEE802_11: "802.11",
    LINKTYPE_IEEE802_11_RADIOTAP: "802.11 with radiotap",
    LINKTYPE_LINUX_SLL2: "Linux cooked, version 2",
}

# Linux's hardware types, if_arp.h.
ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772
ARPHRD_VOID: Final = 0xFFFF
#: Hardware type -> link type of what a raw packet socket gives.  All others are captured cooked.
LINK_TYPES: Final = {
    ARPHRD_ETHER: LINKTYPE_ETHERNET,
    ARPHRD_LOOPBACK: LINKTYPE_ETHERNET,  # with addresses of zeros
    519: LINKTYPE_RAW,  # ARPHRD_RAWIP
    768: LINKTYPE_RAW,  # ARPHRD_TUNNEL
    769: LINKTYPE_RAW,  # ARPHRD_TUNNEL6
    776: LINKTYPE_RAW,  # ARPHRD_SIT
    801: LINKTYPE_IEEE802_11,
    803: LINKTYPE_IEEE802_11_RADIOTAP,
    65534: LINKTYPE_RAW,  # ARPHRD_NONE: tun, WireGuard
}

SIOCGIFFLAGS: Final = 0x8913
SIOCGIFHWADDR: Final = 0x8927
IFF_UP: Final = 0x1
IFF_RUNNING: Final = 0x40
REQUEST: Final = struct.Struct("16sH22x")  # struct ifreq: name, and what the answer begins with


@dataclass(slots=True)
class Found:
    """An interface, and whether it can be captured."""

    name: str
    state: str  # "up", "no carrier" or "down"
    link_type: int  # LINKTYPE number
    allowed: bool  # by the rights of this process
    addresses: list[str] = field(default_factory=list)

    @property
    def link_name(self) -> str:
        return LINK_NAMES.get(self.link_type, f"link type {self.link_type}")


def found() -> list[Found]:
    """All interfaces of this machine; on Linux also `any`."""
    from analyzer.capture import scapy_adapter

    if sys.platform != "linux":
        return scapy_adapter.interfaces()
    allowed = may_capture()
    addresses = scapy_adapter.addresses()
    listed = [Found(name, _state(name), _link_type(name), allowed, addresses.get(name, [])) for name in names()]
    return [*listed, Found(ANY, "up", LINKTYPE_LINUX_SLL2, allowed)]


def names() -> list[str]:
    """The names of the interfaces, in the order of the system."""
    return [name for _, name in socket.if_nameindex()]


def _request(name: str, number: int) -> int:
    """What the kernel answers to an interface request: the first 16 bits."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        answer = fcntl.ioctl(door, number, REQUEST.pack(name.encode()[:15], 0))
    return int(REQUEST.unpack(answer)[1])


def hardware_type(name: str) -> int:
    """Linux's ARPHRD number of interface `name`; CaptureError where there is no such interface, or it is down."""
    try:
        if not _request(name, SIOCGIFFLAGS) & IFF_UP:
            raise CaptureError(f"the interface {name} is down: bring it up with `ip link set {name} up`")
        return _request(name, SIOCGIFHWADDR)
    except OSError as why:
        there = ", ".join([*names(), ANY])
        raise CaptureError(f"there is no interface {name!r} here: there are {there}") from why


def _link_type(name: str) -> int:
    try:
        return link_type(_request(name, SIOCGIFHWADDR))
    except OSError:  # gone since it was listed
        return LINKTYPE_LINUX_SLL2


def _state(name: str) -> str:
    try:
        flags = _request(name, SIOCGIFFLAGS)
    except OSError:
        return "down"
    if not flags & IFF_UP:
        return "down"
    return "up" if flags & IFF_RUNNING else "no carrier"


def link_type(hardware: int) -> int:
    """LINKTYPE number of the frames of an interface with this hardware type."""
    return LINK_TYPES.get(hardware, LINKTYPE_LINUX_SLL2)


def loopbacks() -> frozenset[str]:
    """The names of the loopback interfaces."""
    found = set()
    for name in names():
        try:
            if _request(name, SIOCGIFHWADDR) == ARPHRD_LOOPBACK:
                found.add(name)
        except OSError:  # gone since it was listed
            continue
    return frozenset(found)


def may_capture() -> bool:
    """Whether this process may open a packet socket."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return False
    return True


def not_allowed(name: str) -> str:
    """What to do for somebody who may not capture on `name`, in one sentence."""
    python = Path(os.path.realpath(sys.executable))
    return (
        f"you may not capture on {name}: run this with sudo, or allow it for good with "
        f"`sudo setcap cap_net_raw+ep {python}`, or capture with dumpcap and report the file it writes"
    )
