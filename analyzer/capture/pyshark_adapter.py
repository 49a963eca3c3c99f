"""What we ask of pyshark, the only module that imports it: where tshark is, and how Wireshark reads a capture."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from analyzer.core import CaptureError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterator, Mapping


def find_tshark() -> str | None:
    """The path of the tshark command, on the search path or where pyshark looks for it."""
    found = shutil.which("tshark")
    if found is not None:
        return found
    try:
        from pyshark.tshark.tshark import TSharkNotFoundException, get_process_path
    except ImportError:
        return None
    try:
        return str(get_process_path())
    except TSharkNotFoundException:
        return None


def packets(path: str, display_filter: str, preferences: Mapping[str, str]) -> Iterator[Any]:
    """The packets of a capture that pass Wireshark's `display_filter`, as pyshark has them.

    Raises `CaptureError` where tshark is missing or gives up.
    """
    tshark = find_tshark()
    if tshark is None:
        raise CaptureError(
            "tshark, whose reading ours is compared with, is not installed: install it (Debian: apt install tshark)"
        )
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    loop = _loop()
    capture = pyshark.FileCapture(
        path,
        display_filter=display_filter,
        keep_packets=False,
        tshark_path=tshark,
        override_prefs=dict(preferences),
        eventloop=loop,
    )
    try:
        try:
            yield from capture
        finally:
            capture.close()
    except TSharkCrashException as error:
        capture._running_processes.clear()  # or it raises again when it is collected
        said = str(error).partition("Last error line: ")[2] or str(error)
        raise CaptureError(f"tshark gave up on {path}: {said.splitlines()[0]}") from error
    finally:
        if loop is not None:
            loop.close()


def _loop() -> AbstractEventLoop | None:
    """A loop to give to pyshark; its own way to one asks for what Python 3.12 deprecated and 3.14 removed.

    Before that its own way is the better one, as it also sees to it that the end of tshark is noticed.
    """
    if sys.version_info < (3, 12):
        return None
    from asyncio import new_event_loop

    return new_event_loop()
