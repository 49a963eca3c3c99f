"""The bytes of a capture, wherever they lie: a file, a pipe, memory, compressed or not.

An `Input` reads into a buffer of its caller, so what it takes is bounded whatever a compressed stream would swell to.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast

from analyzer.core import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES: Final = 1 << 16  # compressed bytes taken at a time
ZSTD_WINDOW_BYTES: Final = 1 << 27  # what zstd's own command accepts without being asked
PIPE_BYTES: Final = 1 << 20  # asked of the kernel for a pipe, so that its writer waits less

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC: Final = b"\x04\x22\x4d\x18"
MAGIC_BYTES: Final = 4


class Broken(Exception):  # noqa: N818 - it reads as what became of the stream
    """The bytes cannot be read further; says why, as the rest of a sentence about the file."""


class Raw:
    """Bytes as they lie in a file or come through a pipe, counted in `done_bytes`.

    `size` is known for what is not a pipe.  A file that was opened elsewhere is not closed here.
    """

    def __init__(self, file: BinaryIO, *, owned: bool) -> None:
        self._file: Any = file
        self._owned = owned
        self._head = b""
        self._pipe = -1  # descriptor that can be asked whether more has come
        self.done_bytes = 0
        self.size: int | None = None
        self.regular = False  # more is there without waiting, until the end
        self._read = self._reader()
        self._describe()

    def _reader(self) -> Callable[[memoryview], int | None]:
        # The `1` forms return after one read of what lies below: on a pipe they do not wait for a full buffer.
        for name in ("readinto1", "readinto"):
            read = getattr(self._file, name, None)
            if read is not None:
                return read  # type: ignore[no-any-return]
        read = getattr(self._file, "read1", None) or self._file.read

        def copy(view: memoryview) -> int:
            data = read(len(view))
            view[: len(data)] = data
            return len(data)

        return copy

    def _describe(self) -> None:
        if isinstance(self._file, io.BytesIO):
            self.size, self.regular = len(self._file.getbuffer()), True
            return
        try:
            descriptor = self._file.fileno()
            mode = os.fstat(descriptor)
        except (AttributeError, OSError, TypeError, ValueError):
            return
        if stat.S_ISREG(mode.st_mode):
            self.size, self.regular = mode.st_size, True
        elif isinstance(self._file, io.RawIOBase):
            self._pipe = descriptor
            _widen(descriptor)

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, fewer if there are no more; they are read again by `readinto`."""
        while len(self._head) < size:
            space = memoryview(bytearray(size - len(self._head)))
            got = self._take(space)
            if got == 0:
                break
            self._head += bytes(space[:got])
        return self._head

    def readinto(self, view: memoryview) -> int:
        """The number of bytes read to the front of `view`, which is not empty; 0 at the end."""
        if self._head:
            size = min(len(view), len(self._head))
            view[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        return self._take(view)

    def _take(self, view: memoryview) -> int:
        try:
            got = self._read(view)
            while got is None:  # a descriptor that does not block
                select.select([self._file], [], [])
                got = self._read(view)
        except (OSError, ValueError) as why:
            raise Broken(f"cannot be read further: {getattr(why, 'strerror', None) or why}") from why
        self.done_bytes += got
        return got

    def chunk(self) -> bytes:
        """Some more bytes, none at the end."""
        space = memoryview(bytearray(CHUNK_BYTES))
        return bytes(space[: self.readinto(space)])

    def ready(self) -> bool:
        """Tell whether a read would return at once."""
        if self.regular or self._head:
            return True
        if self._pipe < 0:
            return False
        try:
            return bool(select.select([self._pipe], [], [], 0)[0])
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        if self._owned:
            self._file.close()


def _widen(descriptor: int) -> None:
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            return


class Gunzip:
    """What gzip packed: one member or several, one after the other (RFC 1952 2.2)."""

    name: Final = "gzip"

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._packed = b""
        self._fresh = True  # at the beginning of a member
        self._first = True
        self._inflate = zlib.decompressobj(wbits=31)
        self._damage: zlib.error | None = None

    def readinto(self, view: memoryview) -> int:
        while True:
            if self._damage is not None:
                raise Broken(f"is damaged in its gzip stream ({self._damage})") from self._damage
            if not self._packed:
                self._packed = self._raw.chunk()
                if not self._packed:
                    if self._fresh:
                        return 0
                    raise Broken("ends inside its gzip stream")
            before = self._inflate.copy()
            try:
                plain = self._inflate.decompress(self._packed, len(view))
            except zlib.error as why:
                if self._fresh and not self._first:
                    raise Broken("has bytes after its gzip stream that are not gzip") from why
                self._damage = why
                plain = _before_damage(before, self._packed, len(view))
                view[: len(plain)] = plain
                if plain:
                    return len(plain)
                continue
            self._fresh = False
            self._packed = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._packed = self._inflate.unused_data
                self._inflate = zlib.decompressobj(wbits=31)
                self._fresh, self._first = True, False
            if plain:
                view[: len(plain)] = plain
                return len(plain)


def _before_damage(inflate: Any, packed: bytes, size: int) -> bytes:
    """At most `size` bytes that a damaged chunk still gives: zlib keeps none of them when it fails."""
    plain = bytearray()
    try:
        for at in range(len(packed)):
            plain += inflate.decompress(packed[at : at + 1], size - len(plain))
            if len(plain) >= size:
                break
    except zlib.error:
        pass
    return bytes(plain)


class Unlz4:
    """What lz4 packed: one frame or several."""

    name: Final = "lz4"

    def __init__(self, raw: Raw) -> None:
        import lz4.frame

        self._make = lz4.frame.LZ4FrameDecompressor
        self._raw = raw
        self._packed = b""
        self._fresh = True
        self._unpack = self._make()

    def readinto(self, view: memoryview) -> int:
        while True:
            if not self._packed and self._unpack.needs_input:
                self._packed = self._raw.chunk()
                if not self._packed:
                    if self._fresh:
                        return 0
                    raise Broken("ends inside its lz4 stream")
            try:
                plain = self._unpack.decompress(self._packed, max_length=len(view))
            except (RuntimeError, EOFError) as why:
                raise Broken(f"is damaged in its lz4 stream ({why})") from why
            self._fresh = False
            self._packed = b""
            if self._unpack.eof:
                self._packed = self._unpack.unused_data or b""
                self._unpack = self._make()
                self._fresh = True
            if plain:
                view[: len(plain)] = plain
                return len(plain)


class Unzstd:
    """What zstd packed: one frame or several."""

    name: Final = "zstd"

    def __init__(self, raw: Raw) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).stream_reader(
            cast("IO[bytes]", _Chunks(raw)), read_size=CHUNK_BYTES, read_across_frames=True, closefd=False
        )

    def readinto(self, view: memoryview) -> int:
        try:
            return self._reader.readinto1(view)
        except self._error as why:
            raise Broken(f"is damaged in its zstd stream ({why})") from why


class _Chunks:
    """The one method of a file that the zstd reader asks for."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        return self._raw.chunk()


class Input:
    """The bytes of one capture, unpacked; `name` is what messages call it, `path` where it can be opened again."""

    def __init__(self, name: str, file: BinaryIO, *, path: str | None = None, owned: bool = False) -> None:
        self.name = name
        self.path = path
        self.raw = Raw(file, owned=owned)
        magic = self.raw.peek(MAGIC_BYTES)
        self._stream: Raw | Gunzip | Unlz4 | Unzstd = self.raw
        self.packing = ""
        if magic.startswith(GZIP_MAGIC):
            self._stream = Gunzip(self.raw)
        elif magic == ZSTD_MAGIC:
            self._stream = Unzstd(self.raw)
        elif magic == LZ4_MAGIC:
            self._stream = Unlz4(self.raw)
        if not isinstance(self._stream, Raw):
            self.packing = self._stream.name
        self.readinto = self._stream.readinto
        self.close = self.raw.close

    def ready(self) -> bool:
        """Tell whether a read would return at once, with bytes or at the end."""
        return self.raw.regular if self.packing else self.raw.ready()


def open_input(name: str, place: str | BinaryIO | bytes | bytearray | memoryview) -> Input:
    """The input at a path, of an open file or of bytes.  Raises `CaptureError`."""
    try:
        if isinstance(place, str):
            return _input_of_path(name, place)
        if isinstance(place, (bytes, bytearray, memoryview)):
            return Input(name, io.BytesIO(place), owned=True)
        if isinstance(place, io.TextIOBase):
            raise CaptureError(f"{name} was opened as text: open it in binary mode")
        return Input(name, place)
    except Broken as why:
        raise CaptureError(f"{name} {why}") from why


def _input_of_path(name: str, path: str) -> Input:
    try:
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - the input closes it
    except (OSError, ValueError) as why:
        raise CaptureError(_refusal(name, why)) from why
    try:
        again = path if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
        return Input(name, file, path=again, owned=True)
    except BaseException:
        file.close()
        raise


def _refusal(name: str, why: Exception) -> str:
    if isinstance(why, FileNotFoundError):
        return f"{name} does not exist: check the path"
    if isinstance(why, PermissionError):
        return f"{name} may not be read by this user: change its permissions, or run as a user who may"
    if isinstance(why, IsADirectoryError):
        return f"{name} is a folder: name a file in it"
    return f"{name} cannot be opened: {getattr(why, 'strerror', None) or why}"


def standard_input() -> BinaryIO:
    """Standard input without a buffer in between, so that what came is seen at once."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise CaptureError("standard input is closed: pipe a capture into it, or name a file")
    raw: BinaryIO = getattr(stream, "raw", stream)
    return raw if isinstance(raw, io.FileIO) else stream
