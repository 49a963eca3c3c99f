"""Packed by gzip in two members, as `cat a.gz b.gz` gives, under a name that does not say so."""

import gzip

from captures.files import File, exchange
from captures.maker import main


def build() -> File:
    plain = exchange().bytes()
    half = len(plain) // 2
    return File(b"".join(gzip.compress(part, mtime=0) for part in (plain[:half], plain[half:])))


if __name__ == "__main__":
    main(__file__, build)
