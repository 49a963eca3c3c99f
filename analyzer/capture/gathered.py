"""What a capture says beside its frames: interfaces, names, secrets, problems; each within its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import Interface, Limits, Problem

NAME_CHARACTERS: Final = 255  # RFC 1035 2.3.4
ENTRY_BYTES: Final = 64  # what an empty secret costs, so that many of them meet the limit too


@dataclass(slots=True)
class Gathered:
    """Filled by the readers of all files of a capture."""

    limits: Limits
    interfaces: list[Interface] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    secrets_bytes: int = 0
    _numbers: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def interface(self, interface: Interface) -> int | None:
        """Add an interface; gives back its number.

        When there are too many it is that of one just like it (a capture in thousands of files has the same in each),
        or None.
        """
        alike = (interface.name, interface.link_type, interface.snap_bytes)
        if len(self.interfaces) >= self.limits.interfaces:
            return self._numbers.get(alike)
        self.interfaces.append(interface)
        self._numbers.setdefault(alike, len(self.interfaces) - 1)
        return len(self.interfaces) - 1

    def name(self, address: str, name: str) -> bool:
        """Add a name, unless the address has one; False when there are too many."""
        if address not in self.names:
            if len(self.names) >= self.limits.resolved_names:
                return False
            self.names[address] = name[:NAME_CHARACTERS]
        return True

    def secret(self, text: bytes) -> bool:
        """Add a key log; False when there are too many."""
        if self.secrets_bytes + len(text) + ENTRY_BYTES > self.limits.secrets_bytes:
            return False
        self.secrets_bytes += len(text) + ENTRY_BYTES
        self.secrets.append(text)
        return True
