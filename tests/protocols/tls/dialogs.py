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


def private_key() -> bytes:
    """Of the server, as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


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
