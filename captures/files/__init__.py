"""Captures that show what files may be like: packed, of every block, with another name than format, damaged."""

from __future__ import annotations

from dataclasses import dataclass

from captures.maker import Capture, Talk, text


@dataclass(frozen=True)
class File:
    """A capture file whose bytes a maker puts together itself."""

    data: bytes

    def bytes(self) -> bytes:
        return self.data


def exchange() -> Capture:
    """A connection that opens, asks, is answered and closes: 10 frames."""
    talk = Talk(capture=Capture())
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "PA", text(1200))
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture
