"""Whole calls, for the makers of this folder: signalling over WebSocket, checks of ICE, and DTLS on the path.

A is at 192.0.2.10 and B at 198.51.100.20; the capture sees both, and the signalling server between them.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from hashlib import md5, sha1, sha256
from typing import TYPE_CHECKING, Any, Final

from captures import dtls
from captures.maker import CLIENT, CLIENT_6, SERVER, SERVER_6, Capture, Talk, text, udp
from captures.sctp import Association, packet
from captures.stun import (
    BINDING,
    ERROR,
    REQUEST,
    SUCCESS,
    error,
    message,
    uint,
    xored,
)
from captures.stun import text as attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS: Final = (CLIENT, SERVER)
HOSTS_6: Final = (CLIENT_6, SERVER_6)
PORTS: Final = (50_000, 60_000)
SIGNALLING: Final = "203.0.113.5"
STUN_SERVERS: Final = ("203.0.113.20", "203.0.113.21")
UFRAGS: Final = ("aB3d", "Xy7z")
PASSWORDS: Final = ("passwordOfAgentA0123456789", "passwordOfAgentB0123456789")
SERIAL: Final = bytes.fromhex("672905c0516e52c1")
CERTIFICATES: Final = (dtls.CERTIFICATE, dtls.CERTIFICATE.replace(SERIAL, SERIAL[::-1]))
KEY: Final = b64encode(bytes(range(16)))
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK: Final = b"\x37\xfa\x21\x3d"

End = tuple[str, int]


def fingerprint(side: int) -> str:
    digest = sha256(CERTIFICATES[side]).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def candidate(
    host: str, port: int, kind: str = "host", *, related: End | None = None, transport: str = "udp", priority: int = 0
) -> str:
    preference = {"host": 126, "srflx": 100, "relay": 0}[kind]
    number = priority or preference << 24 | 65535 << 8 | 255
    more = f" raddr {related[0]} rport {related[1]}" if related else ""
    tcp = " tcptype active" if transport == "tcp" else ""
    return f"candidate:1 1 {transport} {number} {host} {port} typ {kind}{more}{tcp}"


def own(side: int) -> list[str]:
    """The host candidate of a side."""
    return [candidate(HOSTS[side], PORTS[side])]


def description(
    side: int,
    *,
    candidates: Sequence[str] = (),
    setup: str = "",
    ufrag: str = "",
    prints: str | None = None,
    session: Sequence[str] = (),
    lines: Sequence[str] = (),
    default: End | None = None,
    media: str = "application",
    version: int = 2,
    sctp_port: int = 5000,
) -> str:
    """An offer or an answer, as a browser writes it; `lines` are added to the medium, `session` before it."""
    host, port = default or ("0.0.0.0", 9)
    head = ["v=0", f"o=- {4_611_686_018_427_387_900 + side} {version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
    head += ["a=group:BUNDLE 0", *session]
    first = {
        "application": f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
        "audio": f"m=audio {port} UDP/TLS/RTP/SAVPF 111",
    }[media]
    known = fingerprint(side) if prints is None else prints
    body = [first, f"c=IN IP{6 if ':' in host else 4} {host}", *(f"a={one}" for one in candidates)]
    body += [f"a=ice-ufrag:{ufrag or UFRAGS[side]}", f"a=ice-pwd:{PASSWORDS[side]}", "a=ice-options:trickle"]
    body += [f"a=fingerprint:sha-256 {known}"] if known else []
    body += [f"a=setup:{setup or ('active' if side else 'actpass')}", "a=mid:0"]
    if media == "application":
        body += [f"a=sctp-port:{sctp_port}", "a=max-message-size:262144"]
    else:
        body += ["a=sendrecv", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2"]
    return "\r\n".join([*head, *body, *lines]) + "\r\n"


class Call:
    """Two ends and their signalling server, told in order; times are seconds, sides 0 for A and 1 for B."""

    def __init__(self, *, signalling: bool = True) -> None:
        self.capture = Capture()
        self.numbers = 0
        self.records = [[0, 0], [0, 0]]  # DTLS records by side and epoch
        self.sealers: list[dtls.Sealer12] = []  # by side, once there are keys
        self.sockets: list[Talk] = []
        if signalling:
            for side in (0, 1):
                talk = Talk(
                    self.capture, client=HOSTS[side], server=SIGNALLING, client_port=41_000 + side, server_port=80
                )
                self.sockets.append(talk)
                begin = side / 100
                talk.open(begin, 0.001)
                request = b"GET /call HTTP/1.1\r\nHost: call.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                request += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
                accept = b64encode(sha1(KEY + GUID, usedforsecurity=False).digest())
                response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                response += b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                talk.client(begin + 0.0011, "PA", request)
                talk.server(begin + 0.0021, "PA", response)

    # --- signalling ---

    def signal(self, at_s: float, side: int, body: dict[str, Any], passed_on: dict[str, Any] | None = None) -> None:
        """A message of `side`, which the server passes to the other 2 ms later, as it is or as `passed_on`."""
        self.sockets[side].client(at_s, "PA", frame(json.dumps(body), masked=True))
        self.sockets[1 - side].server(at_s + 0.002, "PA", frame(json.dumps(passed_on or body)))

    def offer(self, at_s: float, sdp: str, side: int = 0) -> None:
        self.signal(at_s, side, {"type": "offer", "sdp": sdp})

    def answer(self, at_s: float, sdp: str, passed_on: str = "", side: int = 1) -> None:
        other = {"type": "answer", "sdp": passed_on} if passed_on else None
        self.signal(at_s, side, {"type": "answer", "sdp": sdp}, other)

    def trickle(self, at_s: float, side: int, found: str, ufrag: str = "") -> None:
        inner = {"candidate": found, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": ufrag or UFRAGS[side]}
        self.signal(at_s, side, {"type": "candidate", "candidate": inner})

    def agree(self, at_s: float = 0.1) -> None:
        """Offer and answer with the host candidates of both."""
        self.offer(at_s, description(0, candidates=own(0), default=(HOSTS[0], PORTS[0])))
        self.answer(at_s + 0.05, description(1, candidates=own(1), default=(HOSTS[1], PORTS[1])))

    # --- the path ---

    def datagram(self, at_s: float, source: End, target: End, data: bytes) -> None:
        self.capture.add(at_s, udp(source[0], target[0], (source[1], target[1]), data))

    def check(
        self,
        at_s: float,
        side: int,
        *,
        nominate: bool = False,
        answer: bool = True,
        ends: tuple[End, End] | None = None,
        answered_from: End | None = None,
        ufrags: tuple[str, str] = UFRAGS,
        role: int | None = None,
        refused: int = 0,
        rtt_s: float = 0.02,
        password: str = "",
    ) -> None:
        """A check of `side` between `ends` (A's first), and its answer; `role` 0 is controlling, as A's is."""
        self.numbers += 1
        number = self.numbers
        a_b = ends or ((HOSTS[0], PORTS[0]), (HOSTS[1], PORTS[1]))
        source, target = a_b[side], a_b[1 - side]
        controlled = side if role is None else role
        user = f"{ufrags[1 - side]}:{ufrags[side]}"
        body = [attribute(0x0006, user), (0x802A - controlled, struct.pack(">Q", 0x1122334455667788 + side))]
        body += [uint(0x0024, 1_853_824_767), *([(0x0025, b"")] if nominate else [])]
        key = (password or PASSWORDS[1 - side]).encode()
        self.datagram(at_s, source, target, message(BINDING, REQUEST, number, *body, key=key, fingerprint=True))
        if not answer:
            return
        own_key = PASSWORDS[1 - side].encode()
        if refused:
            reply = message(BINDING, ERROR, number, error(refused), key=own_key, fingerprint=True)
        else:
            mapped = xored(0x0020, *source, of=number)
            reply = message(BINDING, SUCCESS, number, mapped, key=own_key, fingerprint=True)
        self.datagram(at_s + rtt_s, answered_from or target, source, reply)

    def ask(self, at_s: float, source: End, server: str, mapped: End | None = None, *, rtt_s: float = 0.02) -> None:
        """A question to a STUN server, and its answer where there is one."""
        self.numbers += 1
        number = self.numbers
        self.datagram(at_s, source, (server, 3478), message(BINDING, REQUEST, number))
        if mapped is not None:
            reply = message(BINDING, SUCCESS, number, xored(0x0020, *mapped, of=number))
            self.datagram(at_s + rtt_s, (server, 3478), source, reply)

    def ice(self, at_s: float = 0.2, *, ends: tuple[End, End] | None = None) -> None:
        """A check each way, and the nomination by A."""
        self.check(at_s, 0, ends=ends)
        self.check(at_s + 0.03, 1, ends=ends)
        self.check(at_s + 0.06, 0, nominate=True, ends=ends)

    # --- DTLS ---

    def records_of(
        self, at_s: float, side: int, *bodies: tuple[int, bytes], epoch: int = 0, ends: tuple[End, End] | None = None
    ) -> None:
        a_b = ends or ((HOSTS[0], PORTS[0]), (HOSTS[1], PORTS[1]))
        data = b""
        for kind, body in bodies:
            data += dtls.record(kind, body, self.records[side][epoch], epoch)
            self.records[side][epoch] += 1
        self.datagram(at_s, a_b[side], a_b[1 - side], data)

    def hello(self, at_s: float, side: int = 1, ends: tuple[End, End] | None = None) -> None:
        self.records_of(at_s, side, (22, dtls.message(1, dtls.client_hello(random=random(side)), 0)), ends=ends)

    def certified(self, at_s: float, client: int = 1, *, hello: bool = True) -> None:
        """The handshake until both certificates are there."""
        server = 1 - client
        if hello:
            self.hello(at_s, client)
        chains = [dtls.certificate(one) for one in CERTIFICATES]
        request = b"\1\x40" + struct.pack(">HHH", 2, 0x0403, 0)
        self.records_of(
            at_s + 0.02,
            server,
            (22, dtls.message(2, dtls.server_hello(), 0)),
            (22, dtls.message(11, chains[server], 1)),
            (22, dtls.message(12, dtls.server_key_exchange(), 2)),
            (22, dtls.message(13, request, 3)),
            (22, dtls.message(14, b"", 4)),
        )
        verify = struct.pack(">HH", 0x0403, 70) + bytes(70)
        self.records_of(
            at_s + 0.021,
            client,
            (22, dtls.message(11, chains[client], 1)),
            (22, dtls.message(16, dtls.client_key_exchange(), 2)),
            (22, dtls.message(15, verify, 3)),
        )

    def secure(self, at_s: float = 0.3, client: int = 1, *, hello: bool = True) -> None:
        """A whole handshake, and some data both ways."""
        self.certified(at_s, client, hello=hello)
        for side, later in ((client, 0.021), (1 - client, 0.041)):
            self.records_of(at_s + later, side, (20, b"\1"))
            self.records_of(at_s + later, side, (22, text(48)), epoch=1)
        self.data(at_s + 0.05)

    def unlock(self, at_s: float = 0.3, client: int = 1) -> None:
        """A whole handshake, which the key log opens: what goes `inside` can be read."""
        self.certified(at_s, client)
        randoms = random(client), dtls.RANDOMS[1]
        client_sealer, server_sealer = (dtls.Sealer12(side, randoms) for side in (0, 1))
        self.sealers = [server_sealer, client_sealer] if client else [client_sealer, server_sealer]
        for side, later in ((client, 0.021), (1 - client, 0.041)):
            self.records_of(at_s + later, side, (20, b"\1"))
            self.inside(at_s + later, side, dtls.message(20, bytes(12), 4), kind=22)
        self.capture.keys = f"CLIENT_RANDOM {randoms[0].hex()} {dtls.MASTER.hex()}\n"

    def inside(self, at_s: float, side: int, data: bytes, *, kind: int = 23) -> None:
        """Something of `side` in DTLS."""
        a_b = (HOSTS[0], PORTS[0]), (HOSTS[1], PORTS[1])
        self.datagram(at_s, a_b[side], a_b[1 - side], self.sealers[side].seal(kind, data))

    def data(self, at_s: float, number: int = 4, *, ends: tuple[End, End] | None = None) -> None:
        for at in range(number):
            self.records_of(at_s + at / 100, at % 2, (23, text(100)), epoch=1, ends=ends)

    def refuse(self, at_s: float, side: int, description_: int = 42) -> None:
        """A fatal alert, by default bad_certificate."""
        self.records_of(at_s, side, (21, bytes((2, description_))))

    def done(self) -> Capture:
        self.capture.sort()
        return self.capture


class Inside(Association):
    """SCTP in the DTLS of a call, A at its side 0 (RFC 8261)."""

    def __init__(self, call: Call, ports: tuple[int, int] = (5000, 5000)) -> None:
        super().__init__(ports=ports)
        self.call = call

    def send(self, at_s: float, side: int, *chunks: bytes, tag: int | None = None, checksum: int | None = None) -> None:
        ports = self.ports if side == 0 else (self.ports[1], self.ports[0])
        made = packet(ports, self.tags[1 - side] if tag is None else tag, *chunks, checksum=checksum)
        self.call.inside(at_s, side, made)


def random(side: int) -> bytes:
    """What stands in the ClientHello of a side."""
    return md5(b"%d" % side, usedforsecurity=False).digest() * 2


def frame(words: str, *, masked: bool = False) -> bytes:
    """A text frame of WebSocket (RFC 6455 5.2)."""
    data = words.encode()
    size = (
        bytes((len(data) | 0x80 * masked,)) if len(data) < 126 else struct.pack(">BH", 126 | 0x80 * masked, len(data))
    )
    if masked:
        data = MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data))
    return b"\x81" + size + data
