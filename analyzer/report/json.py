"""The report as one JSON object, written piece by piece: no second copy of the notes is ever in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.report import model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from analyzer import core

#: Pieces are gathered up to this size before they are written.
WRITE_BYTES: Final = 1 << 17


def write_json(report: core.Report, out: BinaryIO, detail: model.Detail = "full") -> None:
    """Write the whole report and a newline to `out`."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces(report, detail):
        gathered.append(piece)
        size += len(piece)
        if size >= WRITE_BYTES:
            out.write(b"".join(gathered))
            gathered.clear()
            size = 0
    out.write(b"".join(gathered))


def pieces(report: core.Report, detail: model.Detail) -> Iterator[bytes]:
    yield b'{"schema":"%s","capture":' % model.SCHEMA.encode()
    yield model.encode(model.capture(report.capture))
    yield b',"flows":['
    for index, flow in enumerate(report.flows):
        yield (b",\n" if index else b"\n") + model.flow(flow)
    yield b'],"sessions":['
    for index, session in enumerate(report.sessions):
        yield b",\n" if index else b"\n"
        yield from model.session_bytes(session, detail)
    yield b'],"findings":['
    for index, finding in enumerate(report.findings):
        yield (b",\n" if index else b"\n") + model.finding(finding)
    yield b"]}\n"
