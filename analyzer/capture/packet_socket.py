"""Frames from Linux's AF_PACKET socket: packet(7)."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import time
from typing import Final

from analyzer.capture import interfaces
from analyzer.capture.receiver import SNAP_BYTES, Frames
from analyzer.core import CaptureError

RECEIVE_BUFFER_BYTES: Final = 64 << 20

# From Linux's if_packet.h, if_ether.h, filter.h and asm-generic/socket.h, where the socket module has no name for it.
ETH_P_ALL: Final = 0x0003
ETH_P_8021Q: Final = 0x8100
SOL_PACKET: Final = 263
PACKET_ADD_MEMBERSHIP: Final = 1
PACKET_STATISTICS: Final = 6
PACKET_AUXDATA: Final = 8
PACKET_IGNORE_OUTGOING: Final = 23
PACKET_MR_PROMISC: Final = 1
SO_ATTACH_FILTER: Final = 26
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 35
AUXDATA: Final = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
TIMESPEC: Final = struct.Struct("@ll")
STATISTICS: Final = struct.Struct("=II")  # packets, drops (since it was last asked)
STATUS_VLAN_VALID: Final = 1 << 4
STATUS_VLAN_TPID_VALID: Final = 1 << 6
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(AUXDATA.size) + socket.CMSG_SPACE(TIMESPEC.size)

ADDRESSES_BYTES: Final = 12  # of an Ethernet header: a VLAN tag follows them
VLAN_BYTES: Final = 4
COOKED: Final = struct.Struct(">HHIHBB8s")  # LINKTYPE_LINUX_SLL2
COOKED_BYTES: Final = COOKED.size
#: What is received of a frame: with what we put before and into it, it keeps the snap length.
RECEIVED_BYTES: Final = SNAP_BYTES - COOKED_BYTES - VLAN_BYTES


class PacketSocket:
    """Linux's AF_PACKET socket: one system call a frame, times from the kernel."""

    def __init__(self, interface: str, bpf: str | None, promiscuous: bool) -> None:
        everywhere = interface == interfaces.ANY
        hardware = interfaces.ARPHRD_VOID if everywhere else interfaces.hardware_type(interface)
        self.link_type = interfaces.link_type(hardware)
        self._cooked = self.link_type == interfaces.LINKTYPE_LINUX_SLL2
        self._tags = self.link_type == interfaces.LINKTYPE_ETHERNET or self._cooked
        self._loopbacks = interfaces.loopbacks() if everywhere else frozenset()
        self._lost = 0
        # Protocol 0: nothing arrives until bind, so that no frame slips in before the filter is attached.
        kind = socket.SOCK_DGRAM if self._cooked else socket.SOCK_RAW
        try:
            self._socket = socket.socket(socket.AF_PACKET, kind | socket.SOCK_NONBLOCK, 0)
        except PermissionError as why:
            raise CaptureError(interfaces.not_allowed(interface)) from why
        try:
            self._prepare(interface, hardware, bpf, promiscuous and not everywhere)
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def _prepare(self, interface: str, hardware: int, bpf: str | None, promiscuous: bool) -> None:
        door = self._socket
        try:
            door.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        except PermissionError:  # CAP_NET_RAW is enough to capture, this takes CAP_NET_ADMIN
            door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        door.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        door.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        if hardware == interfaces.ARPHRD_LOOPBACK:
            # Each packet passes a loopback twice, going out and coming in.
            self._loopbacks = frozenset((interface,))
            try:
                door.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
                self._loopbacks = frozenset()
            except OSError:  # before Linux 4.20: `fill` leaves them out
                pass
        if bpf:
            _attach(door, self._program(interface, bpf))
        try:
            if interface == interfaces.ANY:
                _bind_to_all(door)
            else:
                door.bind((interface, ETH_P_ALL))
            if promiscuous and hardware == interfaces.ARPHRD_ETHER:
                index = socket.if_nametoindex(interface)
                door.setsockopt(
                    SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b"")
                )
        except OSError as why:
            raise CaptureError(f"cannot capture on {interface}: {why.strerror}") from why

    def _program(self, interface: str, bpf: str) -> bytes:
        from analyzer.capture import scapy_adapter

        if self._cooked:
            return below_cooked(scapy_adapter.compile_filter(bpf, self.link_type, SNAP_BYTES), bpf)
        # The interface is named so that libpcap knows that VLAN tags stand beside the frame and not in it.
        return scapy_adapter.compile_filter(bpf, self.link_type, SNAP_BYTES, interface)

    def wait(self, seconds: float) -> None:
        self._poll.poll(max(seconds, 0.0) * 1000)

    def fill(self, frames: Frames, until_ns: int | None) -> bool:
        view, receive = frames.view, self._socket.recvmsg_into
        ahead = COOKED_BYTES if self._cooked else 0
        while not frames.full:
            at = frames.stop + ahead
            try:
                captured, ancillary, _, address = receive([view[at : at + RECEIVED_BYTES]], ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return True
            if self._loopbacks and address[2] == socket.PACKET_OUTGOING and address[0] in self._loopbacks:
                continue
            time_ns, length, status, tag, tag_type = -1, captured, 0, 0, ETH_P_8021Q
            for level, kind, data in ancillary:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, length, _, _, _, tag, named_type = AUXDATA.unpack_from(data)
                    if status & STATUS_VLAN_TPID_VALID:
                        tag_type = named_type
                elif level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = TIMESPEC.unpack_from(data)
                    time_ns = seconds * 1_000_000_000 + nanoseconds
            if time_ns < 0:
                time_ns = time.time_ns()
            if until_ns is not None and time_ns > until_ns:
                return False
            tagged = bool(status & STATUS_VLAN_VALID) and self._tags
            if self._cooked:
                captured, length = captured + COOKED_BYTES, length + COOKED_BYTES
                _put_cooked(frames, captured, address, (tag_type, tag) if tagged else None)
            elif tagged and captured >= ADDRESSES_BYTES:
                begin = frames.stop + ADDRESSES_BYTES
                view[begin + VLAN_BYTES : frames.stop + captured + VLAN_BYTES] = bytes(
                    view[begin : frames.stop + captured]
                )
                struct.pack_into(">HH", frames.data, begin, tag_type, tag)
            if tagged:
                captured, length = captured + VLAN_BYTES, length + VLAN_BYTES
            frames.add(time_ns, captured, max(length, captured))
        return True

    def dropped(self) -> int | None:
        try:
            _, lost = STATISTICS.unpack(self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, STATISTICS.size))
        except OSError:
            return self._lost
        self._lost += lost
        return self._lost

    def close(self) -> None:
        self._socket.close()


def _bind_to_all(door: socket.socket) -> None:
    """Bind to interface 0, which is every interface: `socket.bind` has no name for it."""
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0, 0, 0, 0, b"")
    if ctypes.CDLL(None, use_errno=True).bind(door.fileno(), address, len(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _put_cooked(
    frames: Frames, captured: int, address: tuple[str, int, int, int, bytes], tag: tuple[int, int] | None
) -> None:
    """Write the cooked header before the packet; a VLAN tag moves the packet's protocol behind itself."""
    name, protocol, kind, hardware, hardware_address = address
    try:
        index = socket.if_nametoindex(name)
    except OSError:  # gone since the frame arrived
        index = 0
    if tag is not None:
        begin = frames.stop + COOKED_BYTES
        frames.view[begin + VLAN_BYTES : frames.stop + captured + VLAN_BYTES] = bytes(
            frames.view[begin : frames.stop + captured]
        )
        struct.pack_into(">HH", frames.data, begin, tag[1], protocol)
        protocol = tag[0]
    COOKED.pack_into(
        frames.data,
        frames.stop,
        protocol,
        0,
        index,
        hardware,
        kind,
        min(len(hardware_address), 8),
        hardware_address[:8],
    )


# --- capture filters --------------------------------------------------------------------------------------------------

INSTRUCTION: Final = struct.Struct("=HBBI")  # Linux's struct sock_filter: code, jt, jf, k
BPF_CLASS: Final = 0x07
BPF_LD, BPF_LDX = 0x00, 0x01
BPF_MODE: Final = 0xE0
BPF_ABS, BPF_IND, BPF_MSH = 0x20, 0x40, 0xA0
#: Offset in the cooked header -> the kernel's SKF_AD_PROTOCOL, SKF_AD_IFINDEX, SKF_AD_HATYPE, SKF_AD_PKTTYPE.
BESIDE: Final = {0: 0xFFFFF000, 4: 0xFFFFF008, 8: 0xFFFFF01C, 10: 0xFFFFF004}
BESIDE_START: Final = 0xFFFFF000  # SKF_AD_OFF: offsets from here on already name what stands beside the packet


def below_cooked(program: bytes, bpf: str) -> bytes:
    """`program`, compiled for cooked frames, for a socket whose packets begin at the network header.

    The kernel runs a filter before we write the cooked header, so what the filter reads there is asked of the kernel.
    """
    done = bytearray()
    for code, true, false, value in INSTRUCTION.iter_unpack(program):
        mode, offset = code & BPF_MODE, value
        loads = code & BPF_CLASS in (BPF_LD, BPF_LDX) and mode in (BPF_ABS, BPF_IND, BPF_MSH)
        if loads and value < BESIDE_START:
            if value >= COOKED_BYTES:
                offset = value - COOKED_BYTES
            elif mode == BPF_ABS and value in BESIDE:
                offset = BESIDE[value]
            else:
                raise CaptureError(
                    f"the filter {bpf!r} cannot be used on several interfaces at once: name one interface"
                )
        done += INSTRUCTION.pack(code, true, false, offset)
    return bytes(done)


def _attach(door: socket.socket, program: bytes) -> None:
    """Let the kernel drop what `program` does not match."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HP", len(program) // INSTRUCTION.size, ctypes.addressof(instructions))
    try:
        door.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
    except OSError as why:
        raise CaptureError(f"the kernel refuses the filter ({why.strerror}): make it shorter") from why
