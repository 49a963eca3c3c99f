"""A progress bar on standard error, for what takes more than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import TracebackType

    from analyzer.core import Source

AFTER_SECONDS: Final = 1.0
EVERY_SECONDS: Final = 0.1


class Progress:
    """Shows how much of a source was read: call it now and then.  rich is loaded when there is something to show."""

    def __init__(self, quiet: bool = False) -> None:
        self.wanted = not quiet and sys.stderr.isatty()
        self.started = self.next = time.monotonic()
        self.next += AFTER_SECONDS
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __call__(self, source: Source) -> None:
        now = time.monotonic()
        if not self.wanted or now < self.next:
            return
        self.next = now + EVERY_SECONDS
        if self.bar is None:
            self._start()
        self.bar.update(self.task, completed=source.done_bytes, total=source.total_bytes)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        self.bar = Progress(
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task("reading", total=None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
