"""Messages as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.core import SIDES
from analyzer.report.messages import write_messages
from tests.report import sample

if TYPE_CHECKING:
    from pathlib import Path


def test_each_message_is_a_file(tmp_path: Path) -> None:
    report = sample.report()
    session = report.sessions[0]
    text, binary, frame, cut = (sample.note("websocket.text", "", (100 + at,), at, SIDES[at % 2]) for at in range(4))
    text.fields = {"message": "grüß\n", "message_type": "text", "message_bytes": 8}
    binary.fields = {"message": "00ff", "message_type": "binary", "message_bytes": 2}
    cut.fields = {"message": "abc", "message_type": "text", "message_bytes": 3000}
    session.notes = [text, binary, frame, cut]
    folder = tmp_path / "deep" / "down"
    assert write_messages(report, folder) == 3
    assert (folder / "session-1" / "000001-client.txt").read_bytes() == "grüß\n".encode()
    assert (folder / "session-1" / "000002-server.bin").read_bytes() == b"\x00\xff"
    rows = [line.split("\t") for line in (folder / "messages.tsv").read_text().splitlines()]
    assert rows[0] == ["session", "number", "frame", "time_ns", "sender", "kind", "bytes", "kept_bytes", "file"]
    assert [row[:3] + row[4:] for row in rows[1:]] == [
        ["1", "1", "100", "client", "websocket.text", "8", "7", "session-1/000001-client.txt"],
        ["1", "2", "101", "server", "websocket.text", "2", "2", "session-1/000002-server.bin"],
        ["1", "3", "103", "server", "websocket.text", "3000", "3", "session-1/000003-server.txt"],
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["messages.tsv", "session-1"]


def test_without_messages_there_is_an_empty_list(tmp_path: Path) -> None:
    assert write_messages(sample.report(), tmp_path) == 0
    assert len((tmp_path / "messages.tsv").read_text().splitlines()) == 1
