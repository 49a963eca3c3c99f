"""The TCP header as its fields (RFC 9293 §3.1), and how its parts are put into words."""

from dataclasses import dataclass, field
from typing import Final

from mypy_extensions import mypyc_attr

from analyzer import core
from analyzer.protocols.tcp.names import OPTION_WORDS, OptionKind

NS: Final = 1_000_000_000
MS: Final = 1_000_000
FIXED_BYTES: Final = 20


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Header:
    """Options of a TCP header; what was not there is None.  `broken` says that they break their own lengths.

    Headers that differ in the values of their timestamps only may share one of these.
    """

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    timestamps_at: int = -1  # offset of the option in the header
    fast_open: bytes | None = None
    sack_blocks: list[tuple[int, int]] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    broken: bool = False
    words: str = ""

    @property
    def timestamps(self) -> bool:
        return self.timestamps_at >= 0


#: Headers by their options: those of a host are the same in all its SYNs, but for the values of the timestamps.
_read: Final[dict[tuple[int, bytes, bytes], Header]] = {}
MOST_READ: Final = 1024
TIMESTAMPS_START: Final = b"\x08\x0a"
TIMESTAMPS_BYTES: Final = 10


def read_header(piece: core.Piece) -> Header:
    """The options of the header; a header cut short gives those that are whole."""
    if piece.trace is not None:
        return parsed(piece)
    options = bytes(piece)[FIXED_BYTES:]
    at = options.find(TIMESTAMPS_START)
    key = (at, options, b"") if at < 0 else (at, options[:at], options[at + TIMESTAMPS_BYTES :])
    header = _read.get(key)
    if header is None:
        header = parsed(piece)
        # Where the two bytes were found by chance, inside another option, what was cut out may mean something.
        if header.timestamps_at == (at if at < 0 else FIXED_BYTES + at) and len(_read) < MOST_READ:
            _read[key] = header
    return header


def parsed(piece: core.Piece) -> Header:
    header = Header()
    reader = core.Reader(piece)
    try:
        reader.uint("source_port", 2)
        reader.uint("destination_port", 2)
        reader.uint("sequence_number", 4)
        reader.uint("acknowledgment_number", 4)
        reader.uint("data_offset_and_control_bits", 2)
        reader.uint("window", 2)
        reader.uint("checksum", 2)
        reader.uint("urgent_pointer", 2)
        for _ in reader.each("options"):
            if read_option(reader, header):
                break
    except core.Malformed:
        header.broken = True
    header.words = listed(option_words(header))
    return header


def read_option(reader: core.Reader, header: Header) -> bool:
    """Read one option into `header`; True when it was the last.  §3.2"""
    with reader.group("option"):
        kind = reader.uint("kind", 1)
        if kind == OptionKind.END:
            return True
        if kind == OptionKind.NO_OPERATION:
            return False
        length = reader.uint("length", 1)
        size = length - 2
        if size < 0 or size > reader.left:
            raise core.Malformed(f"option {kind} of {length} bytes")
        header.kinds.append(kind)
        if kind == OptionKind.MAXIMUM_SEGMENT_SIZE and size == 2:
            header.mss = reader.uint("maximum_segment_size", 2)
        elif kind == OptionKind.WINDOW_SCALE and size == 1:
            header.window_scale = reader.uint("shift_count", 1)
        elif kind == OptionKind.SACK_PERMITTED and size == 0:
            header.sack_permitted = True
        elif kind == OptionKind.TIMESTAMPS and size == 8:
            header.timestamps_at = reader.at - 2
            reader.uint("ts_value", 4)
            reader.uint("ts_echo_reply", 4)
        elif kind == OptionKind.SACK and size % 8 == 0:
            for _ in range(size // 8):
                left_edge = reader.uint("left_edge", 4)
                header.sack_blocks.append((left_edge, reader.uint("right_edge", 4)))
        elif kind == OptionKind.FAST_OPEN:
            header.fast_open = reader.raw("cookie", size)
        else:
            header.others.append(kind)
            reader.skip("data", size)
    return False


def option_fields(header: Header) -> dict[str, core.Value]:
    """The options as fields of a note."""
    fields: dict[str, core.Value] = {
        "mss": header.mss,
        "window_scale": header.window_scale,
        "sack_permitted": header.sack_permitted,
        "timestamps": header.timestamps,
        "options": header.kinds,
    }
    if header.fast_open is not None:
        fields["fast_open_cookie"] = header.fast_open.hex()
    return fields


def option_words(header: Header) -> list[str]:
    """What the SYN offers, for the timeline: "MSS 1460", "window scale 10", "SACK", "timestamps", ..."""
    words = []
    if header.mss is not None:
        words.append(f"MSS {header.mss}")
    if header.window_scale is not None:
        words.append(f"window scale {header.window_scale}")
    if header.sack_permitted:
        words.append("SACK")
    if header.timestamps:
        words.append("timestamps")
    if header.fast_open is not None:
        words.append("Fast Open with a cookie" if header.fast_open else "asks for a Fast Open cookie")
    words += [OPTION_WORDS.get(kind, f"option {kind}") for kind in header.others]
    if header.broken:
        words.append("options that break their own lengths")
    return words


def not_returned(offered: Header, answer: Header) -> list[str]:
    """The options that the SYN offered and the SYN-ACK does not have, in words."""
    lacking = []
    if offered.window_scale is not None and answer.window_scale is None:
        lacking.append("window scale")
    if offered.sack_permitted and not answer.sack_permitted:
        lacking.append("SACK")
    if offered.timestamps and not answer.timestamps:
        lacking.append("timestamps")
    return lacking


def answer_words(offered: Header, answer: Header) -> str:
    """What the SYN-ACK says of the options of the SYN."""
    if not answer.kinds and not offered.kinds:
        return "no options on either side"
    lacking = not_returned(offered, answer)
    if lacking:
        return f"{answer.words or 'no options'}; not returned: {listed(lacking)}"
    if (answer.mss, answer.window_scale) == (offered.mss, offered.window_scale):
        return "same options: nothing on the path strips them"
    own = [word for word in option_words(answer) if word.startswith(("MSS", "window scale"))]
    return f"{listed(own) or 'no options'}; all options offered came back"


def listed(words: list[str]) -> str:
    return ", ".join(words)


def span_text(ns: int) -> str:
    """A duration with as many digits as are of use: "0.042 ms", "3.0 ms", "1.01 s", "2 min 5 s"."""
    if ns < 0:
        return f"-{span_text(-ns)}"
    # Not f-strings: compiled, those cost four times as much, and this is called for most notes of TCP.
    if ns < MS:
        return "%.3f ms" % (ns / MS)
    if ns < 10 * MS:
        return "%.2f ms" % (ns / MS)
    if ns < 100 * MS:
        return "%.1f ms" % (ns / MS)
    if ns < NS:
        return "%.0f ms" % (ns / MS)
    if ns < 10 * NS:
        return "%.2f s" % (ns / NS)
    if ns < 120 * NS:
        return "%.1f s" % (ns / NS)
    minutes, seconds = divmod(ns // NS, 60)
    return f"{minutes} min {seconds} s"


def count(number: int, thing: str, plural: str = "") -> str:
    """The number with its thing: "1 byte", "2,048 bytes"."""
    if number == 1:
        return f"1 {thing}"
    told = str(number) if 0 <= number < 1000 else f"{number:,}"
    return f"{told} {plural or thing + 's'}"


def times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
