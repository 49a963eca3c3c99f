"""A live interface as a source of small batches.

`LiveSource` gathers, hands out and writes; a `Receiver` gets the frames.  On Linux that is our own AF_PACKET socket,
elsewhere scapy's.  A memory-mapped ring would be one more `Receiver`: it fills the same `Frames`.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from analyzer.capture.receiver import BATCH_FRAMES, SNAP_BYTES, Frames, Receiver
from analyzer.core import Batch, CaptureError, CaptureFile, Interface, Problem, Source

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from analyzer.capture.pcapng_writer import Writer

BATCH_SECONDS: Final = 0.05  # nothing that arrived waits longer than this to be told
WRITE_BYTES: Final = 1 << 20
DRAIN_SECONDS: Final = 30.0  # after the end: how long what arrived before it is still read (a second Ctrl-C is sooner)


def open_receiver(interface: str, bpf: str | None, promiscuous: bool) -> Receiver:
    """The best way that this machine has to receive frames."""
    if sys.platform == "linux":
        from analyzer.capture.packet_socket import PacketSocket

        return PacketSocket(interface, bpf, promiscuous)
    from analyzer.capture.scapy_adapter import ScapySocket

    return ScapySocket(interface, bpf, promiscuous)


class LiveSource(Source):
    """Frames of `interface` as they arrive, in batches that wait at most `BATCH_SECONDS`.

    Ends after `duration` seconds, `count` frames or `stop()`, which a signal handler may call.  `write` names a pcapng
    file that gets the very frames, times and counts that are analysed.
    """

    def __init__(
        self,
        interface: str,
        bpf: str | None = None,
        *,
        duration: float | None = None,
        count: int | None = None,
        write: str | os.PathLike[str] | None = None,
        promiscuous: bool = True,
    ) -> None:
        self._left = count
        self._receiver = open_receiver(interface, bpf, promiscuous)
        self._until_ns = None if duration is None else time.time_ns() + int(duration * 1e9)
        self._closed = False
        self.interfaces = [Interface(interface, self._receiver.link_type, SNAP_BYTES)]
        self.problems: list[Problem] = []
        self.secrets: list[bytes] = []
        self.names: dict[str, str] = {}
        self.done_bytes = 0
        self.total_bytes = None
        self.files = [CaptureFile(interface, "live", 0)]
        self._file: BinaryIO | None = None
        self._writer: Writer | None = None
        if write is not None:
            self._open_writer(Path(write))

    def _open_writer(self, path: Path) -> None:
        from analyzer.capture.pcapng_writer import Writer

        try:
            self._file = path.open("wb", buffering=WRITE_BYTES)
            self._writer = Writer(self._file, self.interfaces)
        except OSError as why:
            self._receiver.close()
            raise CaptureError(f"cannot write {path}: {why.strerror}") from why
        self.files = [CaptureFile(str(path), "pcapng", 0)]

    def stop(self) -> None:
        """End with the frames that have arrived by now."""
        now = time.time_ns()
        self._until_ns = now if self._until_ns is None else min(self._until_ns, now)

    def __iter__(self) -> Generator[Batch]:
        frames, first_frame, going = Frames(), 1, True
        try:
            while going:
                frames.clear(BATCH_FRAMES if self._left is None else self._left)
                going = self._gather(frames)
                count = len(frames.start)
                if self._left is not None:
                    self._left -= count
                    going = going and self._left > 0
                if count:
                    going = self._keep(frames) and going
                    self.interfaces[0].dropped = self._receiver.dropped()
                yield frames.batch(first_frame, self._receiver.link_type)  # also when nothing came: time goes on
                first_frame += count
        finally:
            self.close()

    def _gather(self, frames: Frames) -> bool:
        """Fill `frames` with what arrives in a while; False when these are the last."""
        give_at = time.monotonic() + BATCH_SECONDS
        try:
            while True:
                # The clock is read before the socket: what arrived until the end has then been read.
                until_ns, now_ns = self._until_ns, time.time_ns()
                if not self._receiver.fill(frames, until_ns):
                    return False
                if frames.full:
                    return self._in_time(until_ns, now_ns)
                if until_ns is not None and now_ns >= until_ns:
                    return False
                left = give_at - time.monotonic()
                if left <= 0:
                    return True
                self._receiver.wait(left if until_ns is None else min(left, (until_ns - now_ns) / 1e9))
        except OSError as why:
            text = f"{self.interfaces[0].name} went away while it was captured: {why.strerror}"
            self.problems.append(Problem("capture.interface-gone", text))
            return False

    def _in_time(self, until_ns: int | None, now_ns: int) -> bool:
        """Whether to go on; no, when reading what arrived before the end takes too long."""
        if until_ns is None or now_ns < until_ns + int(DRAIN_SECONDS * 1e9):
            return True
        text = f"more frames had arrived than could be read within {DRAIN_SECONDS:g} s of the end; the rest was left"
        self.problems.append(Problem("capture.live-backlog", text))
        return False

    def _keep(self, frames: Frames) -> bool:
        """Count the frames, and write them to the file; False when it cannot be written."""
        self.done_bytes += frames.stop
        self.files[0].bytes = self.done_bytes
        if self._writer is None:
            return True
        try:
            for time_ns, start, captured, length in zip(
                frames.time_ns, frames.start, frames.captured, frames.length, strict=True
            ):
                self._writer.packet(0, time_ns, frames.view[start : start + captured], length)
            self._writer.flush()
        except OSError as why:
            self._writer = None
            self._not_written(why)
            return False
        return True

    def _not_written(self, why: OSError) -> None:
        text = f"{self.files[0].name} could not be written ({why.strerror}), so it ends early, and the capture with it"
        self.problems.append(Problem("capture.write-failed", text, file=self.files[0].name))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.interfaces[0].dropped = self._receiver.dropped()
        self._receiver.close()
        if self._file is None:
            return
        try:
            if self._writer is not None:
                self._writer.close()
                self.files[0].bytes = self._file.tell()
            self._file.close()
        except OSError as why:
            if self._writer is not None:
                self._not_written(why)
        finally:
            with suppress(OSError):
                self._file.close()
