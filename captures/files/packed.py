"""Packed by gzip in two members, as `cat a.gz b.gz` gives, under a name that does not say so."""

import zlib

from captures.files import File, exchange
from captures.maker import main


def build() -> File:
    plain = exchange().bytes()
    half = len(plain) // 2
    return File(b"".join(pack(part) for part in (plain[:half], plain[half:])))


def pack(part: bytes) -> bytes:
    """A gzip member; the module gzip names another system in it from one version of Python to the next."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush()


if __name__ == "__main__":
    main(__file__, build)
