"""Reads the fields that one side compresses (RFC 7541), by the hpack library and within bounds of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from analyzer.core import Value

MAX_BLOCK_BYTES: Final = 1 << 17  # of compressed fields, over all CONTINUATIONs
MAX_FRAMES: Final = 256  # that these come in
MAX_LIST_BYTES: Final = 1 << 16  # of fields, as RFC 9113 §6.5.2 counts them
MAX_TABLE_BYTES: Final = 1 << 16  # of a decoder
MAX_SIZE_UPDATES: Final = 32  # of the table in one block; §4.2 has two at most
ENTRY_BYTES: Final = 32  # what the table counts for an entry beside its name and value, §4.1
KEPT_TEXTS: Final = 64
MAX_VALUE_CHARACTERS: Final = 1024
#: Fields that stand in notes, in snake_case.
SHOWN: Final = frozenset(
    {
        *("accept", "content-encoding", "content-length", "content-type", "location", "origin", "referer", "server"),
        *("sec-websocket-extensions", "sec-websocket-protocol", "sec-websocket-version", "user-agent", "via"),
    }
)


class Fields:
    """What one side compresses.  `why` tells, once fields can't be read any more, what made it so."""

    __slots__ = ("decoder", "large", "texts", "unknown", "why")

    def __init__(self) -> None:
        self.decoder: Any = None
        self.why = ""
        self.large = False  # a bound of ours was met: the fields were too large
        self.unknown = 0  # fields of the last block that refer to what was not captured
        self.texts: dict[bytes, str] = {}  # of values that come again and again

    def begin(self, late: bool) -> None:
        """Make the decoder.  `late`: what its table has at the beginning is not known.

        References count from the newest entry.  So fields that refer to what came since are right also then; what is
        older is stood for by entries without a name.  These take no room, and the table is as large as may be: it
        forgets nothing too early.
        """
        import hpack

        self.decoder = hpack.Decoder(max_header_list_size=MAX_LIST_BYTES)
        self.decoder.max_allowed_table_size = MAX_TABLE_BYTES
        if late:
            self.decoder.header_table_size = MAX_TABLE_BYTES
            self.decoder.header_table.dynamic_entries.extend([(b"", b"")] * (MAX_TABLE_BYTES // ENTRY_BYTES))

    def lose(self, why: str) -> None:
        """From here on nothing can be read: the table is not that of the sender any more."""
        if not self.why:
            self.why = why
        self.decoder = None

    def too_large(self, why: str) -> None:
        self.large = True
        self.lose(why)

    def read(self, data: bytes) -> dict[str, str] | None:
        """The fields by name, repeated ones in one value (RFC 9113 §8.2.3); None where they can't be read."""
        from hpack.exceptions import HPACKError, InvalidTableSizeError, OversizedHeaderListError

        if self.why:
            return None
        if self.decoder is None:
            self.begin(late=False)
        if len(data) > MAX_SIZE_UPDATES and all(byte & 0xE0 == 0x20 for byte in data[: MAX_SIZE_UPDATES + 1]):
            self.too_large(f"more than {MAX_SIZE_UPDATES} changes of the table's size in a row")
            return None
        found: dict[str, list[str]] = {}
        self.unknown = 0
        try:
            for name, value in self.decoder.decode(data, raw=True):
                if name:
                    found.setdefault(self._text(name), []).append(self._text(value))
                else:
                    self.unknown += 1
        except OversizedHeaderListError:
            self.too_large(f"fields of more than {MAX_LIST_BYTES:,} bytes, in {len(data):,} compressed ones")
            return None
        except InvalidTableSizeError:
            self.too_large(f"a table of more than {MAX_TABLE_BYTES:,} bytes")
            return None
        except HPACKError:
            self.lose("bytes that are not HPACK, or refer to what is not there")
            return None
        return {name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()}

    def _text(self, value: bytes) -> str:
        """`value` as text: the very same object for the same bytes, where they are repeated."""
        text = self.texts.get(value)
        if text is None:
            if len(self.texts) >= KEPT_TEXTS:
                self.texts.clear()
            text = self.texts[value] = text_of(value)
        return text


def text_of(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def shown(told: dict[str, str]) -> dict[str, Value]:
    """The fields that stand in notes; what may be a secret is not among them."""
    return {name.replace("-", "_"): told[name][:MAX_VALUE_CHARACTERS] for name in told if name in SHOWN}
