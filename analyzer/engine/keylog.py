"""Key logs: lines of secrets from files that may still grow, and from the capture itself (RFC 9850)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzer.core import CaptureError, Problem

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from analyzer.core import Limits, Secrets

#: What a line names its connection by: client random (RFC 9850 §2), as 32 bytes.
RANDOM_BYTES: Final = 32
MAX_SECRET_BYTES: Final = 2000  # a configuration of Encrypted ClientHello is the longest
MAX_LINE_BYTES: Final = 4096
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # which some editors put before the first line
READ_BYTES: Final = 1 << 20


def add_lines(secrets: Secrets, text: bytes, limits: Limits) -> int:
    """Remember the secrets of whole lines; gives how many lines were neither those nor comments."""
    broken = 0
    found = False
    for line in text.splitlines():
        parts = line.split()
        if not parts or parts[0].startswith(b"#"):
            continue
        if len(parts) != 3 or len(line) > MAX_LINE_BYTES:
            broken += 1
            continue
        try:
            label, random, secret = (
                parts[0].removeprefix(BYTE_ORDER_MARK).decode("ascii"),
                bytes.fromhex(_text(parts[1])),
                bytes.fromhex(_text(parts[2])),
            )
        except ValueError:
            broken += 1
            continue
        if len(random) != RANDOM_BYTES or not 0 < len(secret) <= MAX_SECRET_BYTES:
            broken += 1
            continue
        entry = secrets.lines.get(random)
        if entry is None:
            if len(secrets.lines) >= limits.secrets:
                broken += 1
                continue
            entry = secrets.lines[random] = {}
        if len(entry) < 64:
            entry[label] = secret
            found = True
    if found:
        secrets.version += 1
    return broken


def _text(value: bytes) -> str:
    return value.decode("ascii")


class KeyLog:
    """One key log file, which may still be written: `poll` reads what was added.

    Raises `CaptureError` where it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], secrets: Secrets, limits: Limits) -> None:
        self.path = Path(path)
        self._secrets = secrets
        self._limits = limits
        self._at = 0
        self._rest = b""
        self.broken = 0
        self.poll()

    def poll(self, last: bool = False) -> None:
        """Read the lines that were added; `last` takes an unfinished one too."""
        try:
            size = self.path.stat().st_size
            if size < self._at:  # it was begun anew
                self._at, self._rest = 0, b""
            if size > self._at:
                self._read(size)
        except OSError as why:
            raise CaptureError(f"{self.path}: the key log cannot be read: {why.strerror}") from why
        if last and self._rest:
            self.broken += add_lines(self._secrets, self._rest, self._limits)
            self._rest = b""

    def _read(self, size: int) -> None:
        with self.path.open("rb") as file:
            file.seek(self._at)
            for _ in range((size - self._at) // READ_BYTES + 1):
                text = file.read(READ_BYTES)
                self._at += len(text)
                lines, end, rest = (self._rest + text).rpartition(b"\n")
                self.broken += add_lines(self._secrets, lines, self._limits) if end else 0
                self._rest = rest[-MAX_LINE_BYTES:]


class KeyLogs:
    """Everything that was given to open a capture: key logs, private keys, and the secrets inside the capture."""

    def __init__(
        self,
        secrets: Secrets,
        limits: Limits,
        paths: Iterable[str | os.PathLike[str]] = (),
        private_keys: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        self._secrets = secrets
        self._limits = limits
        self._taken = 0  # blocks of the capture
        self._files = [KeyLog(path, secrets, limits) for path in paths]
        for path in private_keys:
            secrets.private_keys.append(self._key(path))
        secrets.given = bool(self._files or secrets.private_keys)

    def _key(self, path: str | os.PathLike[str]) -> bytes:
        try:
            with Path(path).open("rb") as file:
                return file.read(READ_BYTES)
        except OSError as why:
            raise CaptureError(f"{path}: the private key cannot be read: {why.strerror}") from why

    def poll(self, last: bool = False) -> None:
        for file in self._files:
            file.poll(last)

    @property
    def problems(self) -> list[Problem]:
        """Which files have lines that name no secret: what belongs to them stays closed."""
        return [
            Problem(
                "keylog.lines",
                f"{file.broken:,} line{'' if file.broken == 1 else 's'} of the key log could not be used (RFC 9850 2)",
                str(file.path),
            )
            for file in self._files
            if file.broken
        ]

    def take(self, blocks: list[bytes]) -> None:
        """Secrets that the capture itself brings, by order of appearance; those of earlier calls are known."""
        for block in blocks[self._taken :]:
            add_lines(self._secrets, block, self._limits)
            self._secrets.given = True
        self._taken = len(blocks)
