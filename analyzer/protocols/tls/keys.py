"""From the secrets that were given to what opens one connection; or why there is nothing (RFC 9850 §2)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from analyzer.core import Malformed, Piece, Reader
from analyzer.protocols.tls import ech, names, schedule
from analyzer.protocols.tls.messages import DTLS13, EXTENDED_MASTER_SECRET, TLS13, client_hello, is_13
from analyzer.protocols.tls.protection import Opener, Undecryptable, opener13, openers12
from analyzer.protocols.tls.suites import Suite
from analyzer.protocols.tls.suites import suite as suite_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from analyzer.core import Secrets, Shared
    from analyzer.protocols.tls.messages import ClientHello
    from analyzer.protocols.tls.state import Link

MASTER_LABEL: Final = "CLIENT_RANDOM"
#: Epochs of TLS 1.3, by side: client, server.
EARLY: Final = 0
HANDSHAKE: Final = 1
TRAFFIC: Final = 2
LABELS: Final = {
    EARLY: ("CLIENT_EARLY_TRAFFIC_SECRET", ""),
    HANDSHAKE: ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    TRAFFIC: ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"),
}
#: Table of master secrets that a private key opened, for the connections that resume them.
SESSIONS: Final = "tls.sessions"

# Why a connection stays closed.
NO_KEY_LOG: Final = "no key log was given"
NO_HELLO: Final = "the capture started after the ClientHello, so nothing tells which secrets are its own"
NO_LINE: Final = "the key log has no line for the random of this ClientHello"
NO_LINE_ECH: Final = f"{NO_LINE}; with Encrypted ClientHello its lines name the inner one"
NO_INNER_LINE: Final = "the key log has no line for the random of the inner ClientHello, which it opens"
NO_ANSWER: Final = "the ServerHello is not in the capture, so the cipher is not known"
FORWARD_SECRECY: Final = "its key exchange has forward secrecy: a private key does not open it, a key log does"
PRE_SHARED: Final = "its keys come from a pre-shared key: a private key does not open it, a key log does"


def suite(value: int) -> Suite | None:
    """What the suite of this number is made of; None where its name is not known."""
    return suite_of(value, names.suite_name(value))


@lru_cache(maxsize=16)
def rsa_keys(data: bytes) -> tuple[tuple[str, RSAPrivateKey], ...]:
    """The RSA keys of a file, each with the SHA-256 of its public key (hex)."""
    return tuple((schedule.key_identity(key).hex(), key) for key in schedule.private_keys(data))


@mypyc_attr(acyclic=True)
class Keys:
    """The secrets of one connection.  `why` says why records can't be opened; empty while nothing is wrong."""

    __slots__ = ("_master", "_pair", "_renewed", "_secrets", "_shared", "_tried", "link", "why")

    def __init__(self, shared: Shared, link: Link) -> None:
        self._shared = shared
        self._secrets: Secrets = shared.secrets
        self.link = link
        self.why = ""
        self._pair: tuple[Opener, Opener] | None = None
        self._master = b""  # found by a private key
        self._renewed = b""  # a ticket that came before it
        self._tried = -1  # the version of the secrets that the inner hello was tried with

    def lines(self) -> Mapping[str, bytes] | None:
        """The key log's secrets for this connection, by label."""
        hello = self.link.client_random
        found = None if not hello else self._secrets.find(hello)
        if found is None or ech.SECRET_LABEL not in found:
            return found
        inner = self._inner(found)
        return found if inner is None else self._secrets.find(inner.random) or found

    def _inner(self, lines: Mapping[str, bytes]) -> ClientHello | None:
        """The hello inside an encrypted one, if the key log has what opens it."""
        link = self.link
        if link.inner is None and link.outer and self._tried != self._secrets.version:
            self._tried = self._secrets.version
            hello = ech.inner_hello(link.outer, lines[ech.SECRET_LABEL], lines.get(ech.CONFIG_LABEL, b""))
            if hello is not None:
                with suppress(Malformed):
                    link.inner = client_hello(Reader(Piece(hello, [(0, 0, 0, 0)])))
        return link.inner

    @property
    def accepted(self) -> ClientHello | None:
        """The inner hello, where the server took it: all secrets go by its random then (RFC 9850 §2)."""
        inner = self.link.inner
        return inner if inner is not None and self._secrets.find(inner.random) is not None else None

    def _lacks(self, label: str) -> str:
        inner = self.link.inner
        if inner is not None and self._secrets.find(inner.random) is None:
            return NO_INNER_LINE
        return f"the key log lacks {label} for this connection"

    def _absent(self) -> str:
        if not self._secrets.given:
            return NO_KEY_LOG
        if not self.link.client_random:
            return NO_HELLO
        if self._secrets.private_keys and not self._secrets.lines:
            return FORWARD_SECRECY
        return NO_LINE_ECH if self.link.ech_offered else NO_LINE

    def _no_suite(self) -> str:
        value = self.link.suite_value
        return f"the cipher suite 0x{value:04x} is not known" if value else NO_ANSWER

    @property
    def opened_with(self) -> str:
        """What it was that opened the first record, as a sentence."""
        if self._master:
            return "Opened with the server's private key."
        return "Opened with the key log."

    @property
    def hopeful(self) -> bool:
        """Whether secrets may still come that would open what is closed for want of them."""
        return self._secrets.expected and bool(self.link.client_random)

    # --- TLS 1.3 ---

    def opener(self, by_client: bool, epoch: int) -> Opener | None:
        """For the records of one side in an epoch of TLS 1.3."""
        lines = self.lines()
        if lines is None:
            self.why = self._absent()
            return None
        label = LABELS[epoch][0 if by_client else 1]
        secret = lines.get(label)
        if secret is None:
            self.why = self._lacks(label)
            return None
        link = self.link
        if link.suite is None:
            self.why = self._no_suite()
            return None
        return self._opener13(link.suite, secret)

    def early_openers(self) -> list[Opener]:
        """One for each suite that may protect early data: the one of the session it resumes, which nobody names."""
        lines = self.lines()
        if lines is None:
            self.why = self._absent()
            return []
        secret = lines.get(LABELS[EARLY][0])
        if secret is None:
            self.why = self._lacks(LABELS[EARLY][0])
            return []
        found = []
        for value in self.link.offered_suites:
            made = suite(value)
            if made is not None and made.version13:
                opener = self._opener13(made, secret)
                if opener is not None:
                    found.append(opener)
        return found

    @property
    def _offers_dtls13(self) -> bool:
        hello = self.link.hello
        return hello is not None and DTLS13 in hello.versions

    def _opener13(self, made: Suite, secret: bytes) -> Opener | None:
        version = self.link.version or (DTLS13 if self._offers_dtls13 else 0)
        draft = version & 0xFF if version not in (TLS13, DTLS13) and is_13(version) else 99
        prefix = schedule.TLS13_PREFIX if draft >= 20 else schedule.DRAFT13_PREFIX
        if version == DTLS13:
            prefix = schedule.DTLS13_PREFIX
        try:
            return opener13(made, secret, prefix=prefix, aad=draft >= 25)
        except Undecryptable as why:
            self.why = str(why)
            return None

    # --- up to TLS 1.2 ---

    def pair(self) -> tuple[Opener, Opener] | None:
        """For both sides, with the keys that the present handshake agrees on."""
        if self._pair is None:
            self._pair = self._pair12()
        return self._pair

    def renew(self) -> None:
        """A new handshake began: it will have keys of its own."""
        self._pair = None
        self._master = self._renewed = b""

    def _pair12(self) -> tuple[Opener, Opener] | None:
        link = self.link
        if not link.client_random:
            self.why = NO_HELLO if self._secrets.given else NO_KEY_LOG
            return None
        master = self._master_secret()
        if master is None:
            return None
        if link.suite is None or not link.server_random:
            self.why = self._no_suite()
            return None
        try:
            return openers12(
                link.version,
                link.suite,
                master,
                link.client_random,
                link.server_random,
                encrypt_then_mac=link.encrypt_then_mac,
                truncated_hmac=link.truncated_hmac,
                compression=link.compression,
            )
        except Undecryptable as why:
            self.why = str(why)
            return None

    def _master_secret(self) -> bytes | None:
        lines = self.lines()
        master = None if lines is None else lines.get(MASTER_LABEL)
        if master is not None:
            return master
        if self._secrets.private_keys:
            return self._by_private_key()
        self.why = self._absent() if lines is None else f"the key log lacks {MASTER_LABEL} for this connection"
        return None

    def _by_private_key(self) -> bytes | None:
        """The master secret by a server's RSA key, or of the session that this one resumes."""
        link, shared = self.link, self._shared
        if link.resumed:
            for name in (link.ticket, link.session_id):
                found = shared.recall(SESSIONS, hashlib.sha256(name).digest()) if name else None
                if isinstance(found, bytes):
                    self._master = found
                    if self._renewed:
                        self.remember(self._renewed)
                    return found
            self.why = "it resumes a session whose own handshake was not opened"
            return None
        if link.suite is None:
            self.why = self._no_suite()
            return None
        if link.suite.key_exchange != "RSA":
            self.why = PRE_SHARED if link.suite.key_exchange in ("PSK", "RSA_PSK") else FORWARD_SECRECY
            return None
        if not link.encrypted_premaster:
            self.why = "the ClientKeyExchange is not in the capture"
            return None
        leaf = link.chains[1][0].spki_sha256 if link.chains[1] else ""
        for data in self._secrets.private_keys:
            for identity, key in rsa_keys(data):
                if leaf and leaf != identity:
                    continue
                premaster = schedule.premaster_by_private_key(key, link.encrypted_premaster, link.offered_version)
                if premaster is not None:
                    return self._remember(premaster)
        self.why = "none of the private keys belongs to the server's certificate"
        return None

    def _remember(self, premaster: bytes) -> bytes:
        link = self.link
        assert link.suite is not None
        hashed = None
        if link.agreed(EXTENDED_MASTER_SECRET):
            hashed = schedule.session_hash(link.version, link.suite.prf_hash, bytes(link.transcript))
        self._master = schedule.master_secret(
            link.version, link.suite.prf_hash, premaster, link.client_random, link.server_random, hashed
        )
        if link.session_id:
            self.remember(link.session_id)
        return self._master

    def remember(self, name: bytes) -> None:
        """Later connections may resume this session by `name`: a session id or a ticket."""
        if self._master:
            self._shared.remember(SESSIONS, hashlib.sha256(name).digest(), self._master)
        else:
            self._renewed = name
