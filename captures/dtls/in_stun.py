"""SPED: the flights of DTLS 1.3 go along with the first checks of ICE; acknowledgement and data follow directly."""

from __future__ import annotations

import struct
import zlib

from captures.dtls import RANDOMS, Sealer13, answer13, certificate, extension, hello13, message, record, secrets13
from captures.maker import CLIENT, SERVER, Capture, main
from captures.stun import BINDING, REQUEST, SUCCESS, Attribute, Path, mapped, text, uint
from captures.stun import message as stun

SUITE = 0x1301
PORTS = (50_000, 50_001)


def carried(*datagrams: bytes, acknowledged: tuple[bytes, ...] = ()) -> list[Attribute]:
    """The datagram, if there is one, and the CRCs of those that have come."""
    crcs = b"".join(struct.pack(">I", zlib.crc32(datagram)) for datagram in acknowledged)
    return [*((0xC070, datagram) for datagram in datagrams), (0xC071, crcs)]


def check(number: int, controlling: bool, *more: Attribute) -> bytes:
    user = "a1b2:c3d4" if controlling else "c3d4:a1b2"
    role = (0x802A if controlling else 0x8029, struct.pack(">Q", 0x1122334455667788 + controlling))
    attributes = [text(0x0006, user), role, uint(0x0024, 1_853_824_767), *more]
    return stun(BINDING, REQUEST, number, *attributes, key=b"password", fingerprint=True)


def answered(number: int, host: str, port: int, *more: Attribute) -> bytes:
    return stun(BINDING, SUCCESS, number, mapped(host, port), *more, key=b"password", fingerprint=True)


def build() -> Capture:
    path = Path()
    path.ports = PORTS
    secrets = secrets13(SUITE)
    client, server = (
        [Sealer13(SUITE, secrets[f"{who}_{what}"], epoch) for what, epoch in kinds]
        for who, kinds in (
            ("CLIENT", (("HANDSHAKE_TRAFFIC_SECRET", 2), ("TRAFFIC_SECRET_0", 3))),
            ("SERVER", (("HANDSHAKE_TRAFFIC_SECRET", 2), ("TRAFFIC_SECRET_0", 3))),
        )
    )
    hello = record(22, message(1, hello13(), 0))
    srtp = extension(14, struct.pack(">HHB", 2, 7, 0))
    answer = record(22, message(2, answer13(SUITE), 0)) + server[0].seal(
        22, message(8, struct.pack(">H", len(srtp)) + srtp, 1)
    )
    signed = struct.pack(">HH", 0x0403, 70) + bytes(70)
    chain = certificate()
    listed = b"\0" + struct.pack(">I", len(chain) - 1)[1:] + chain[3:] + b"\0\0"
    proof = b"".join(
        server[0].seal(22, message(kind, body, number))
        for number, (kind, body) in enumerate(((11, listed), (15, signed), (20, bytes(32))), 2)
    )
    finished = client[0].seal(22, message(20, bytes(32), 1))
    path.client(0, check(1, True, *carried(hello)))
    path.server(0.02, answered(1, CLIENT, PORTS[0], *carried(answer, acknowledged=(hello,))))
    path.server(0.021, check(2, False, *carried(proof, acknowledged=(hello,))))
    path.client(0.022, answered(2, SERVER, PORTS[1], *carried(finished, acknowledged=(answer, proof))))
    nomination = (0x0025, b"")
    path.client(0.023, check(3, True, nomination, *carried(finished, acknowledged=(answer, proof))))
    path.server(0.043, answered(3, CLIENT, PORTS[0], *carried(acknowledged=(hello, finished))))
    path.server(0.044, server[1].seal(26, struct.pack(">HQQ", 16, 2, 0)))
    path.client(0.045, client[1].seal(23, b"hello"))
    path.server(0.065, server[1].seal(23, b"hello yourself"))
    path.capture.keys = "".join(f"{label} {RANDOMS[0].hex()} {value.hex()}\n" for label, value in secrets.items())
    return path.capture


if __name__ == "__main__":
    main(__file__, build)
