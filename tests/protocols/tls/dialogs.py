"""TLS connections of Python's own TLS, in memory: what each side sent, frame by frame, and the key log."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.core import Limits, Secrets, Shared, Side
from analyzer.engine.keylog import add_lines
from tests.play import Said, play
from tests.protocols.tls.recorded import certified, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.play import Frame

CLIENT, SERVER = Side.INITIATOR, Side.RESPONDER
TLS10, TLS11, TLS12, TLS13 = (
    ssl.TLSVersion.TLSv1,
    ssl.TLSVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3,
)
NO_EXTENDED_MASTER_SECRET = 1 << 0
NO_ENCRYPT_THEN_MAC = 1 << 19
NAME = "tls.example"


class Ends:
    """Contexts of both sides, which may have several connections."""

    def __init__(
        self,
        version: ssl.TLSVersion = TLS13,
        ciphers: str = "DEFAULT",
        options: int = 0,
        alpn: tuple[str, ...] = (),
        kind: str = "",
        client_certificate: bool = False,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp())
        pem = self.folder / "server.pem"
        pem.write_bytes(certified(kind or ("ecdsa" if "ECDSA" in ciphers else "rsa")))
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for context in (self.client, self.server):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old versions are what this is about
                context.maximum_version = version
                context.minimum_version = version
            context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
            context.options |= options
            if alpn:
                context.set_alpn_protocols(list(alpn))
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        self.client.keylog_filename = str(self.folder / "keys")
        self.server.load_cert_chain(pem)
        if client_certificate:
            self.client.load_cert_chain(pem)
            self.server.verify_mode = ssl.CERT_REQUIRED
            self.server.load_verify_locations(pem)

    @property
    def keys(self) -> bytes:
        return (self.folder / "keys").read_bytes()


class Dialog:
    """One connection: `frames` are what was sent, in order."""

    def __init__(self, ends: Ends, session: ssl.SSLSession | None = None, sent: tuple[bytes, ...] = (b"ping",)) -> None:
        self.ends = ends
        self.frames: list[tuple[Side, bytes]] = []
        wires, taps = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
        client = ends.client.wrap_bio(wires[0], taps[0], server_hostname=NAME, session=session)
        server = ends.server.wrap_bio(wires[1], taps[1], server_side=True)
        both = (client, server)

        def deliver() -> None:
            for side in (CLIENT, SERVER):
                data = taps[side].read()
                if data:
                    self.frames.append((side, data))
                    wires[1 - side].write(data)

        for _ in range(6):
            for end in both:
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                deliver()
        self.handshake = len(self.frames)
        for data in sent:
            for side in (CLIENT, SERVER):
                both[side].write(data)
                deliver()
                got = b""
                while len(got) < len(data):
                    got += both[1 - side].read(1 << 16)
        self.session = client.session
        for end in both:
            with suppress(ssl.SSLWantReadError):
                end.unwrap()
            deliver()


def private_key(password: bytes = b"") -> bytes:
    """Of the server, as PEM."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def knowing(
    keys: bytes = b"",
    *,
    private: tuple[bytes, ...] = (),
    limits: Limits | None = None,
    expected: bool = False,
    given: bool | None = None,
) -> Shared:
    """What the engine hands to rooms, with these secrets."""
    shared = Shared(limits)
    secrets: Secrets = shared.secrets
    add_lines(secrets, keys, shared.limits)
    secrets.private_keys = list(private)
    secrets.given = bool(keys or private) if given is None else given
    secrets.expected = expected
    return shared


def heard(
    frames: list[tuple[Side, bytes]] | list[Frame],
    shared: Shared | None = None,
    *,
    trace: bool = False,
    news: Mapping[int, Callable[[], bool]] | None = None,
) -> Said:
    """What the room says of a connection, and the rooms inside it."""
    from analyzer.engine.registry import registry

    rooms = [one for one in registry().protocols if one.name in ("tls", "http1")]
    return play(rooms, *frames, over="tcp", trace=trace, shared=shared, news=news)


def kinds(said: Said) -> list[str]:
    """Kinds of notes without their room's name."""
    return [note.kind.removeprefix("tls.") for note in said.notes]


@cache
def plain13() -> tuple[list[tuple[Side, bytes]], bytes]:
    """Frames and key log of an ordinary TLS 1.3 connection."""
    ends = Ends()
    return Dialog(ends).frames, ends.keys


@cache
def plain12() -> tuple[list[tuple[Side, bytes]], bytes]:
    """The same of TLS 1.2 with an AEAD."""
    ends = Ends(TLS12, "ECDHE-RSA-AES128-GCM-SHA256")
    return Dialog(ends).frames, ends.keys


def record(kind: int, fragment: bytes, version: int = 0x0303) -> bytes:
    return bytes((kind, version >> 8, version & 0xFF)) + len(fragment).to_bytes(2, "big") + fragment


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


# --- connections made by hand -----------------------------------------------------------------------------------------

EARLY, HANDSHAKE, TRAFFIC = 0, 1, 2
LABELS = {
    (CLIENT, EARLY): "CLIENT_EARLY_TRAFFIC_SECRET",
    (CLIENT, HANDSHAKE): "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    (SERVER, HANDSHAKE): "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    (CLIENT, TRAFFIC): "CLIENT_TRAFFIC_SECRET_0",
    (SERVER, TRAFFIC): "SERVER_TRAFFIC_SECRET_0",
}
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def extension(kind: int, body: bytes = b"") -> bytes:
    return kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def vector(body: bytes, size: int = 2) -> bytes:
    return len(body).to_bytes(size, "big") + body


def client_hello(
    extensions: bytes | None = b"",
    *,
    suites: tuple[int, ...] = (0x1301, 0xC02F),
    random: bytes = b"\x11" * 32,
    version: int = 0x0303,
    session_id: bytes = b"",
    compression: bytes = b"\0",
) -> bytes:
    """A ClientHello message; `extensions` None leaves the list out."""
    listed = b"".join(value.to_bytes(2, "big") for value in suites)
    body = version.to_bytes(2, "big") + random + vector(session_id, 1) + vector(listed) + vector(compression, 1)
    return message(1, body + (b"" if extensions is None else vector(extensions)))


def server_hello(
    extensions: bytes | None = b"",
    *,
    suite: int = 0x1301,
    random: bytes = b"\x22" * 32,
    version: int = 0x0303,
    session_id: bytes = b"",
    compression: int = 0,
) -> bytes:
    body = version.to_bytes(2, "big") + random
    if version >> 8 != 0x7F:
        body += vector(session_id, 1)
    body += suite.to_bytes(2, "big") + (b"" if version >> 8 == 0x7F else bytes((compression,)))
    return message(2, body + (b"" if extensions is None else vector(extensions)))


def offers13(version: int = 0x0304) -> bytes:
    """supported_versions of a ClientHello."""
    return extension(43, vector(version.to_bytes(2, "big"), 1))


def takes13(version: int = 0x0304) -> bytes:
    """supported_versions of a ServerHello."""
    return extension(43, version.to_bytes(2, "big"))


class Forged:
    """A TLS 1.3 connection with TLS_AES_128_GCM_SHA256 and secrets of our own; `frames` are what was said."""

    def __init__(self, prefix: str = "tls13 ", headed: bool = True) -> None:
        self.prefix = prefix
        self.headed = headed  # the header is authenticated, as of draft 25
        self.frames: list[tuple[Side, bytes]] = []
        self.secrets = {key: bytes((number,)) * 32 for number, key in enumerate(LABELS, 65)}
        self.sequence: dict[tuple[Side, int], int] = {}

    def keys(self, *without: str, random: bytes = b"\x11" * 32) -> bytes:
        lines = [
            f"{label} {random.hex()} {(bytes((number,)) * 32).hex()}\n"
            for number, label in enumerate(LABELS.values(), 65)
        ]
        return "".join(line for line in lines if line.split()[0] not in without).encode()

    def clear(self, side: Side, content: bytes, kind: int = 22) -> None:
        self.frames.append((side, record(kind, content)))

    def hellos(self, offered: bytes = b"", taken: bytes = b"") -> None:
        self.clear(CLIENT, client_hello(offers13() + offered))
        self.clear(SERVER, server_hello(takes13() + taken))

    def update(self, side: Side) -> None:
        from analyzer.protocols.tls.schedule import next_traffic_secret

        self.secrets[side, TRAFFIC] = next_traffic_secret("SHA256", self.secrets[side, TRAFFIC], self.prefix)
        self.sequence[side, TRAFFIC] = 0

    def sealed(self, side: Side, epoch: int, content: bytes, kind: int = 22, padding: int = 0) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        from analyzer.protocols.tls.schedule import traffic_keys

        key, iv = traffic_keys("SHA256", self.secrets[side, epoch], 16, 12, self.prefix)[:2]
        number = self.sequence.get((side, epoch), 0)
        self.sequence[side, epoch] = number + 1
        nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
        text = content + bytes((kind,)) + bytes(padding)
        header = b"\x17\x03\x03" + (len(text) + 16).to_bytes(2, "big")
        return header + AESGCM(key).encrypt(nonce, text, header if self.headed else b"")

    def say(self, side: Side, epoch: int, content: bytes, kind: int = 22, padding: int = 0) -> None:
        self.frames.append((side, self.sealed(side, epoch, content, kind, padding)))

    def finish(self, *, early: bool = False) -> None:
        """EncryptedExtensions and both Finished."""
        flight = message(8, vector(extension(42) if early else b"")) + message(20, b"\x33" * 32)
        self.say(SERVER, HANDSHAKE, flight)
        if early:
            self.say(CLIENT, EARLY, message(5, b""))
        self.say(CLIENT, HANDSHAKE, message(20, b"\x44" * 32))

    def data(self, side: Side, content: bytes) -> None:
        self.say(side, TRAFFIC, content, 23)


def capture(*dialogs: list[tuple[Side, bytes]]) -> bytes:
    """Connections as a pcapng file; each is a flow of its own."""
    from captures.maker import Talk

    talk: Talk | None = None
    for number, frames in enumerate(dialogs):
        talk = Talk(client_port=50_000 + number, server_port=443, capture=None if talk is None else talk.capture)
        at = float(number)
        talk.open(at)
        for side, data in frames:
            at += 0.01
            (talk.client if side is CLIENT else talk.server)(at, "PA", data)
        talk.close(at + 0.1)
    assert talk is not None
    return talk.capture.bytes()
