"""Which modules may be compiled, and which of the two forms of each runs.

`setup.py` reads the lists too, so this imports nothing that is not in the standard library.

`ANALYZER_PURE=1` makes their Python source run even where a compiled form lies beside it.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

#: The passes over columns, which Cython compiles.
PASSES: Final = ("analyzer.capture.walk", "analyzer.decode.kernel", "analyzer.flows.streams", "analyzer.flows.table")
#: What runs once a segment or a unit, which mypyc compiles.
UNITS: Final = (
    "analyzer.core",
    "analyzer.engine.channel",
    "analyzer.engine.conversation",
    "analyzer.engine.engine",
    "analyzer.engine.pending",
    "analyzer.engine.registry",
    "analyzer.engine.seat",
    "analyzer.engine.teller",
    "analyzer.flows.community_id",
    "analyzer.flows.reassembly",
    "analyzer.flows.tracker",
    "analyzer.protocols.dns",
    "analyzer.protocols.dtls.association",
    "analyzer.protocols.dtls.dissector",
    "analyzer.protocols.dtls.fragments",
    "analyzer.protocols.dtls.records",
    "analyzer.protocols.dtls.state",
    "analyzer.protocols.dtls.troubles",
    "analyzer.protocols.dtls.verdicts",
    "analyzer.protocols.http1.dissector",
    "analyzer.protocols.http1.heads",
    "analyzer.protocols.rtp.dissector",
    "analyzer.protocols.rtp.media",
    "analyzer.protocols.sdp.carriers",
    "analyzer.protocols.stun.checks",
    "analyzer.protocols.stun.dissector",
    "analyzer.protocols.stun.messages",
    "analyzer.protocols.stun.relay",
    "analyzer.protocols.stun.state",
    "analyzer.protocols.stun.verdicts",
    "analyzer.protocols.stun.wording",
    "analyzer.protocols.tcp.dissector",
    "analyzer.protocols.tcp.messages",
    "analyzer.protocols.tcp.names",
    "analyzer.protocols.tcp.state",
    "analyzer.protocols.tls.certificates",
    "analyzer.protocols.tls.dissector",
    "analyzer.protocols.tls.extensions",
    "analyzer.protocols.tls.fingerprints",
    "analyzer.protocols.tls.handshake",
    "analyzer.protocols.tls.hellos",
    "analyzer.protocols.tls.keys",
    "analyzer.protocols.tls.messages",
    "analyzer.protocols.tls.names",
    "analyzer.protocols.tls.protection",
    "analyzer.protocols.tls.schedule",
    "analyzer.protocols.tls.state",
    "analyzer.protocols.tls.suites",
    "analyzer.protocols.tls.trust",
    "analyzer.protocols.tls.verdicts",
    "analyzer.protocols.tls.wording",
    "analyzer.protocols.tcp.verdicts",
    "analyzer.protocols.websocket.deflate",
    "analyzer.protocols.websocket.dissector",
    "analyzer.protocols.websocket.frames",
    "analyzer.protocols.websocket.handshake",
    "analyzer.protocols.websocket.state",
    "analyzer.protocols.websocket.subprotocols",
    "analyzer.protocols.websocket.verdicts",
    "analyzer.report.plain",
    "analyzer.sessions.capture",
    "analyzer.sessions.join",
    "analyzer.sessions.proxies",
    "analyzer.sessions.tcp_joined",
    "analyzer.sessions.tls_joined",
)
NAMES: Final = PASSES + UNITS
VARIABLE: Final = "ANALYZER_PURE"


class SourceFirst:
    """Finds the Python source of the modules in `NAMES`, passing over compiled forms."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in NAMES:
            return None
        for folder in path or ():
            source = os.path.join(folder, f"{fullname.rpartition('.')[2]}.py")  # noqa: PTH118 - pathlib is slow to import
            if os.path.exists(source):  # noqa: PTH110
                return spec_from_file_location(fullname, source)
        return None


def install() -> None:
    """Make the interpreted forms run, if the environment asks for it."""
    if os.environ.get(VARIABLE) == "1" and not any(isinstance(finder, SourceFirst) for finder in sys.meta_path):
        sys.meta_path.insert(0, SourceFirst())


def forms(names: Sequence[str] = NAMES) -> dict[str, str]:
    """For each of these modules, which may be compiled: "compiled", "interpreted" or "missing"."""
    found = {}
    for name in names:
        try:
            spec = find_spec(name)
        except ImportError:
            spec = None
        if spec is None or spec.origin is None:
            found[name] = "missing"
        else:
            found[name] = "compiled" if spec.origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"
    return found
