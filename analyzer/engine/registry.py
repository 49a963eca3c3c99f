"""The rooms there are, and which of them claims what.

Rooms are found by listing the package `analyzer.protocols`, so that adding one touches no other file.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer import protocols as rooms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Kinds that the engine itself tells, for `explain`.
KINDS: Final[Mapping[str, core.Kind]] = {
    "engine.limit": core.Kind("", "A limit of the analysis was met (--limit NAME=VALUE): what follows is not read."),
    "engine.internal-error": core.Kind("", "A mistake in the analyzer: this room stopped reading this flow."),
}


class Entry:
    """A protocol as the channels use it, with what they look up worked out beforehand."""

    __slots__ = ("bit", "findings", "malformed", "name", "ports", "probe", "protocol", "room", "session", "specs")

    def __init__(self, protocol: core.Protocol, bit: int = 1) -> None:
        self.bit = bit  # stands for it in masks
        self.protocol = protocol
        self.name = protocol.name
        self.probe: core.Probe | None = protocol.probe
        self.room = protocol.room
        self.ports = protocol.ports
        self.session = protocol.session
        self.specs: dict[str, str] = {name: protocol.reference(kind.spec) for name, kind in protocol.kinds.items()}
        self.findings: dict[str, core.FindingKind] = dict(protocol.findings)
        #: the kind of note for bytes that break the protocol: "http.malformed"
        self.malformed = f"{next(iter(protocol.kinds), protocol.name).partition('.')[0]}.malformed"


class Registry:
    """Protocols by what they claim.  `labels` has the claimants of each label, in order of name.

    `closed` has for each label 256 masks: the bits of the claimants for which that byte can't be the first; `asked` the
    others with a probe, beginning with those that say which bytes they start with.
    """

    __slots__ = ("_securing", "asked", "closed", "entries", "labels", "late", "media", "protocols", "rows")

    def __init__(self, found: Iterable[core.Protocol]) -> None:
        self.protocols: tuple[core.Protocol, ...] = tuple(sorted(found, key=lambda protocol: protocol.name))
        self.entries: dict[str, Entry] = {}
        self.labels: dict[str, tuple[Entry, ...]] = {}
        #: by transport: the protocols whose rooms work on rows
        self.rows: dict[str, Entry] = {}
        self._securing = frozenset(protocol.name for protocol in self.protocols if protocol.secure)
        for protocol in self.protocols:
            if protocol.name in self.entries:
                raise ValueError(f"two rooms are called {protocol.name}")
            entry = Entry(protocol, 1 << len(self.entries))
            self.entries[protocol.name] = entry
            if protocol.rows is not None:
                self.rows[protocol.name] = entry
            if protocol.room is not None:
                for label in protocol.over:
                    self.labels[label] = (*self.labels.get(label, ()), entry)
        #: bits of those that claim only streams which began before the capture
        self.late = sum(entry.bit for entry in self.entries.values() if entry.protocol.late)
        #: whose room gets what is known to be RTP
        self.media: Entry | None = next((entry for entry in self.entries.values() if entry.protocol.media), None)
        self.closed: dict[str, tuple[int, ...]] = {label: masks(entries) for label, entries in self.labels.items()}
        self.asked = {label: probed(entries, self.closed[label]) for label, entries in self.labels.items()}

    def claimants(self, label: str) -> tuple[Entry, ...]:
        return self.labels.get(label, ())

    def secure(self, path: tuple[str, ...]) -> bool:
        """Whether a room on this path passes inwards what was encrypted."""
        return any(name in self._securing for name in path)

    def claimed(self, label: str) -> str:
        """`label`; or, where nobody claims "tls:h2", the "tls" that carries it, if somebody claims that."""
        if label not in self.labels:
            carrier = label.partition(":")[0]
            if carrier in self.labels:
                return carrier
        return label

    @property
    def wanted(self) -> int:
        """Bits of `core.Event` that some rows room asks for (all of them, where a room does not say)."""
        mask = 0
        for entry in self.rows.values():
            mask |= int(getattr(entry.protocol.rows, "wanted", 0x7FFFFFFF))
        return mask


def masks(entries: Iterable[Entry]) -> tuple[int, ...]:
    """For each first byte, the bits of those that can't begin with it."""
    found = [0] * 256
    for entry in entries:
        starts = entry.protocol.starts
        if starts is not None:
            for byte in range(256):
                if byte not in starts:
                    found[byte] |= entry.bit
    return tuple(found)


def probed(entries: Iterable[Entry], closed: Iterable[int]) -> tuple[tuple[Entry, ...], ...]:
    """For each first byte, those whose probes are to be asked, the surest first."""
    likeliest = sorted((entry for entry in entries if entry.probe is not None), key=starts_with_any)
    return tuple(tuple(entry for entry in likeliest if not mask & entry.bit) for mask in closed)


def starts_with_any(entry: Entry) -> bool:
    return entry.protocol.starts is None


def find() -> list[core.Protocol]:
    """The `PROTOCOL` of every module and folder in `analyzer.protocols` that has one; a broken module raises."""
    found = []
    for module in pkgutil.iter_modules(rooms.__path__):
        protocol = getattr(import_module(f"{rooms.__name__}.{module.name}"), "PROTOCOL", None)
        if isinstance(protocol, core.Protocol):
            found.append(protocol)
    return found


@cache
def registry() -> Registry:
    return Registry(find())


def protocols() -> tuple[core.Protocol, ...]:
    """All protocols there are rooms for, in order of name."""
    return registry().protocols


def labels() -> Mapping[str, tuple[Entry, ...]]:
    return registry().labels
