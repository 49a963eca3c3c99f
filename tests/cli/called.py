"""Calling the command, in this process and in one of its own, and small captures to call it on."""

import os
import pty
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from analyzer.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "analyzer"]


def frame(source: int, target: int, flags: int, seq: int, ack: int, payload: bytes = b"", back: bool = False) -> bytes:
    """An Ethernet frame with a TCP segment between 10.0.0.1 and 10.0.0.2."""
    ends = (b"\x0a\0\0\x01", b"\x0a\0\0\x02")
    tcp = struct.pack(">HHIIBBHHH", source, target, seq, ack, 0x50, flags, 1000, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, ends[back], ends[not back])
    return b"\2" * 12 + b"\x08\0" + ip + tcp


def datagram(source: int, target: int, payload: bytes, back: bool = False) -> bytes:
    """An Ethernet frame with a UDP datagram between 10.0.0.1 and 10.0.0.2."""
    ends = (b"\x0a\0\0\x01", b"\x0a\0\0\x02")
    udp = struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, ends[back], ends[not back])
    return b"\2" * 12 + b"\x08\0" + ip + udp


def pcap(frames: list[bytes]) -> bytes:
    """A capture of those frames, a millisecond apart."""
    made = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for index, data in enumerate(frames):
        made += struct.pack("<IIII", 1_700_000_000, index * 1000, len(data), len(data)) + data
    return made


HTTP = pcap(
    [
        frame(40000, 80, 0x02, 100, 0),
        frame(80, 40000, 0x12, 500, 101, back=True),
        frame(40000, 80, 0x10, 101, 501),
        frame(40000, 80, 0x18, 101, 501, b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        frame(80, 40000, 0x18, 501, 134, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", back=True),
        frame(40000, 80, 0x11, 134, 539),
        frame(80, 40000, 0x11, 539, 135, back=True),
        frame(40000, 80, 0x10, 135, 540),
    ]
)
REFUSED = pcap([frame(40000, 80, 0x02, 100, 0), frame(80, 40000, 0x14, 0, 101, back=True)])


def call(*arguments: object, **extra: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **extra)


def process(*arguments: object, **extra: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, timeout=60, check=False, cwd=ROOT, **extra
    )


def on_a_terminal(arguments: list[str], **variables: str) -> bytes:
    """What the command prints where standard output is a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **variables}
    environment = {name: value for name, value in environment.items() if value}
    with subprocess.Popen([*COMMAND, *arguments], stdout=follower, stderr=follower, cwd=ROOT, env=environment) as child:
        os.close(follower)
        seen = b""
        while True:
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break
        child.wait(60)
    os.close(leader)
    return seen
