"""Messages as files: what the peers said over WebSockets and data channels, each message in a file of its own.

    DIR/messages.tsv                      a list: session, number, frame, time, sender, kind, bytes, file
    DIR/session-1/000001-client.txt       text as UTF-8
    DIR/session-1/000002-server.bin       anything else

Names are made of numbers only: nothing of a capture can lead out of the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.core import Side
from analyzer.report import words

if TYPE_CHECKING:
    from pathlib import Path

    from analyzer.core import Report

COLUMNS = ("session", "number", "frame", "time_ns", "sender", "kind", "bytes", "kept_bytes", "file")


def write_messages(report: Report, folder: Path) -> int:
    """Write the messages of all sessions of `report`; gives how many.  OSError where the folder can't be written.

    A message is as whole as the report has it: up to `Limits.message_bytes`, which the list shows by `kept_bytes`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    with (folder / "messages.tsv").open("w", encoding="utf-8", newline="\n") as listing:
        listing.write("\t".join(COLUMNS) + "\n")
        for session in report.sessions:
            number = 0
            place = f"session-{words.number_of(session.id)}"
            for note in session.notes:
                message = note.fields.get("message")
                if not isinstance(message, str):
                    continue
                if not number:
                    (folder / place).mkdir(exist_ok=True)
                number += 1
                binary = note.fields.get("message_type") == "binary"
                data = bytes.fromhex(message) if binary else message.encode("utf-8", "backslashreplace")
                sender = "client" if note.sender is Side.INITIATOR else "server"
                name = f"{place}/{number:06d}-{sender}.{'bin' if binary else 'txt'}"
                (folder / name).write_bytes(data)
                size = note.fields.get("message_bytes", len(data))
                row = (words.number_of(session.id), number, note.frames[-1], note.time_ns, sender, note.kind, size)
                listing.write("\t".join(map(str, (*row, len(data), name))) + "\n")
            total += number
    return total
