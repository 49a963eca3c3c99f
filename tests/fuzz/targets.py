"""What is done with a case, and what must hold of it whatever its bytes are."""

import io
import json
import random

import numpy as np

from analyzer import core
from analyzer.capture import open_source
from analyzer.decode import decode
from analyzer.decode.columns import Columns, Status
from analyzer.decode.slow import SlowPath
from analyzer.engine.keylog import add_lines
from tests.fuzz import mutate

#: how the engine notes an exception in a room: it costs the flow its room, and here the case
MISTAKE = "engine.internal-error"
SMALL_BLOCK = 512


def read_and_decode(data: bytes) -> None:
    """Through the reader and the decoder: batches and columns keep what their docstrings promise."""
    limits = core.Limits()
    try:
        source = open_source([data], limits=limits)
    except core.CaptureError as why:
        _check_sentence(why)
        return
    columns, slow = Columns(), SlowPath(limits)
    frame = 1
    try:
        for batch in source:
            _check_batch(batch, frame, len(source.interfaces))
            frame += batch.count
            columns.reserve(batch.count)
            decode(batch, columns, slow)
            _check_columns(batch, columns)
    except core.CaptureError as why:
        _check_sentence(why)
    finally:
        source.close()


def _check_sentence(why: core.CaptureError) -> None:
    assert str(why)
    assert "\n" not in str(why)


def _check_batch(batch: core.Batch, frame: int, interfaces: int) -> None:
    count = batch.count
    assert count > 0
    assert batch.first_frame == frame
    arrays = (batch.time_ns, batch.start, batch.captured, batch.length, batch.interface, batch.link)
    assert all(len(array) == count for array in arrays)
    assert batch.start.min() >= 0
    assert batch.captured.min() >= 0
    assert (batch.start + batch.captured).max() <= len(batch.data)
    assert batch.length.min() >= 0
    assert batch.interface.min() >= 0
    assert batch.interface.max() < interfaces


def _check_columns(batch: core.Batch, columns: Columns) -> None:
    count = batch.count
    assert columns.count == count
    status = columns.status[:count]
    assert not np.any(status == Status.SLOW)
    whole = np.flatnonzero(status == Status.WHOLE)
    stop = batch.start + batch.captured
    for row in whole.tolist():
        side = columns.side.get(row)
        begin, end = (0, len(side.data)) if side is not None else (int(batch.start[row]), int(stop[row]))
        header_at, payload_at = int(columns.header_at[row]), int(columns.payload_at[row])
        payload_bytes = int(columns.payload_bytes[row])
        assert begin <= header_at <= end
        assert payload_bytes >= 0
        assert begin <= payload_at
        assert payload_at + payload_bytes <= end


def analyze(data: bytes) -> None:
    """Through everything, to the report as JSON and as text."""
    from analyzer.report.ink import Ink
    from analyzer.report.text import write_text

    report = _report(data)
    if report is None:
        return
    assert json.loads(_json(report))["capture"]["frames"] == report.capture.frames
    write_text(report, io.StringIO(), Ink())


def read_in_small_parts(data: bytes) -> None:
    """The report does not depend on how much is read at a time."""
    if len(data) % 4:  # costs as much as the rest together: a part of the cases is enough
        return
    whole, parts = _report(data), _report(data, block_bytes=SMALL_BLOCK)
    assert (whole is None) == (parts is None)
    if whole is not None and parts is not None:
        # A broken block larger than the buffer is passed over without a look at its end, so that problems may differ.
        assert whole.capture.frames == parts.capture.frames
        assert _told(whole) == _told(parts)


def _report(data: bytes, **options: int) -> core.Report | None:
    from analyzer import api

    mistakes: list[str] = []

    def listen(_: int, output: core.Note | core.Finding) -> None:
        if isinstance(output, core.Note) and output.kind == MISTAKE:
            mistakes.append(f"{output.text} {output.fields}")

    try:
        analysis = api.Analysis(open_source([data], limits=core.Limits(), **options), on_output=listen)
        if len(data) % 3:  # the others have to do without
            secrets = analysis.engine.shared.secrets
            add_lines(secrets, mutate.key_logs(), core.Limits())
            secrets.given = True
        analysis.run()
    except core.CaptureError as why:
        _check_sentence(why)
        return None
    report = analysis.report()
    assert not mistakes, mistakes[0]
    return report


def _told(report: core.Report) -> str:
    """What a report says of its flows and sessions, for comparison."""
    notes = [(note.kind, note.text, note.frames, note.fields) for session in report.sessions for note in session.notes]
    sessions = [(session.kind, session.title, session.outcome, session.phases) for session in report.sessions]
    findings = [(found.code, found.text, found.frames) for found in report.findings if found.session is not None]
    return repr((report.flows, sessions, notes, findings))


def _json(report: core.Report) -> bytes:
    from analyzer.report.json import write_json

    written = io.BytesIO()
    write_json(report, written)
    return written.getvalue()


def talk(data: bytes) -> None:
    """A conversation of HTTP and WebSocket that is made from the case: sound frames, broken here and there."""
    from analyzer.protocols import http1, http2, tls, websocket
    from tests.fuzz import talks
    from tests.play import again, play

    choice = random.Random(data)
    rooms = [http1.PROTOCOL, http2.PROTOCOL, websocket.PROTOCOL, tls.PROTOCOL]
    frames = talks.made(choice)
    said = play(rooms, *frames, over="tcp", late=choice.random() < 0.2, trace=choice.random() < 0.1)
    parts = play(rooms, *again(frames, [choice.randrange(1, 40) for _ in range(5)]), over="tcp")
    for one in (said, parts):
        mistakes = [note.text for note in one.notes if note.kind == MISTAKE]
        assert not mistakes, mistakes[0]


TARGETS = {"decode": read_and_decode, "analyze": analyze, "parts": read_in_small_parts, "talk": talk}
