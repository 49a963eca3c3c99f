"""What a handshake gives to other protocols: keying material by label (RFC 5705; RFC 9846 §7.5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from analyzer.protocols.tls import schedule
from analyzer.protocols.tls.keys import MASTER_LABEL
from analyzer.protocols.tls.messages import is_13

if TYPE_CHECKING:
    from analyzer.core import Secrets, Shared, Side
    from analyzer.protocols.tls.state import Link

#: The table of agreements on SRTP, by flow (8 bytes): of each its flow, profile, side of the client, exporter.
SRTP: Final = "srtp"
MAX_AGREEMENTS: Final = 16  # of a flow, the latest
EXPORTER_SECRET: Final = "EXPORTER_SECRET"  # RFC 9850 §2.1


class Exporter:
    """Remembers of a handshake what its exporter needs, and no more."""

    __slots__ = ("client_random", "hash", "secrets", "server_random", "version")

    def __init__(self, secrets: Secrets, link: Link) -> None:
        self.secrets = secrets
        self.version = link.version
        self.hash = "" if link.suite is None else link.suite.prf_hash
        self.client_random = link.client_random
        self.server_random = link.server_random

    def material(self, label: bytes, size: int) -> bytes | None:
        """`size` bytes for `label`, without a context; None where the secrets are not known."""
        lines = self.secrets.find(self.client_random)
        if lines is None or not self.hash or not self.server_random:
            return None
        if is_13(self.version):
            secret = lines.get(EXPORTER_SECRET)
            if secret is None:
                return None
            empty = hashlib.new(self.hash, b"").digest()
            prefix = schedule.DTLS13_PREFIX
            derived = schedule.hkdf_expand_label(self.hash, secret, label.decode(), empty, len(empty), prefix)
            return schedule.hkdf_expand_label(self.hash, derived, "exporter", empty, size, prefix)
        master = lines.get(MASTER_LABEL)
        if master is None:
            return None
        seed = self.client_random + self.server_random
        return schedule.prf(self.version, self.hash, master, label, seed, size)


def agree(shared: Shared, flow: int, profile: int, client: Side, link: Link) -> None:
    """Let rooms of SRTP find the keys that come from this handshake (RFC 5764 §4.2)."""
    key = flow.to_bytes(8, "big")
    before = shared.recall(SRTP, key) or ()
    agreed = (flow, profile, int(client), Exporter(shared.secrets, link).material)
    shared.remember(SRTP, key, (*before[1 - MAX_AGREEMENTS :], agreed))
