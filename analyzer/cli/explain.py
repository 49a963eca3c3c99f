"""`analyzer explain WORD`: what a message, code, flag or finding means, offline, with its RFC section."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import click

from analyzer.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzer import core
    from analyzer.report.ink import Ink, Line

#: More entries than this for one word are listed by name only.
TOLD_IN_FULL: Final = 6
LISTED: Final = 40
NEAR: Final = 5
#: Shorter parts of words are in too many others.
LEAST_PART: Final = 4
LABEL_WIDTH: Final = 13

#: Letters of a TCP connection's history, in the manner of Zeek: capitals are the initiator's.
HISTORY: Final = {
    "s": "SYN",
    "h": "SYN-ACK (the handshake's answer)",
    "a": "ACK without payload",
    "d": "payload",
    "f": "FIN",
    "r": "RST",
    "i": "FIN and RST in one segment",
    "q": "SYN and FIN, or SYN and RST, in one segment",
    "t": "bytes sent again (the letter comes again at the 10th, 100th, ... time, as w and g do)",
    "w": "zero window",
    "g": "gap: bytes that the capture lacks",
    "^": "the direction was turned round: the capture began with an answer",
}


#: What a title with a number looks like: "alert 40", "cipher suite 4865 (0x1301)".
NUMBERED: Final = re.compile(r"([a-z][a-z ]*?) (\d+)(?: \(0x[0-9a-f]+\))?", re.IGNORECASE)
#: A number as it is asked for: "40", "alert 40", "0x1301", "suite 0x1301".
NUMBER: Final = re.compile(r"(?:([a-z][a-z ]*?) )?(0x[0-9a-f]{1,8}|\d{1,10})", re.IGNORECASE)
#: All numbers from one to another: "4000-4999".
RANGE: Final = re.compile(r"(\d{3,5})-(\d{3,5})")
#: Two bytes, as registries and dumps write them: "0x13,0x01", "{0x13, 0x01}", "13 01", "13:01".
BYTES: Final = re.compile(r"\{?(?:0x)?([0-9a-f]{2})[,: ] ?(?:0x)?([0-9a-f]{2})\}?", re.IGNORECASE)
#: Words that say what kind of thing is asked for, or who says it ("received fatal alert: handshake_failure").
FILLERS: Final = frozenset(
    ("a", "an", "the", "alert", "alerts", "fatal", "received", "sent", "error", "code", "number", "extension",
     "suite", "cipher", "group", "curve", "scheme", "message", "type", "finding", "flag", "option", "attribute",
     "chunk", "status", "what", "is", "tls", "dtls", "ssl", "sslv3", "tlsv1", "tlsv1.2", "tlsv1.3", "tlsv13", "ssl3")
)  # fmt: skip
#: Of these "message 11" or "tls alert 48" may have some that the title has not.
GENERAL: Final = frozenset(("tls", "dtls", "ssl", "message", "code", "number", "fatal", "error", "iana"))
#: "TLSv1.2" is TLS 1.2.
V_BEFORE_NUMBER: Final = re.compile(r"\b((?:d?tls|ssl|http|ip))v(?=\d)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be explained: what it is called, what it is, and paragraphs by label."""

    name: str
    what: str
    title: str
    spec: str
    said: tuple[tuple[str, str], ...]
    aliases: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " ".join((self.name, self.title, *(text for _, text in self.said))).lower()


def entries() -> list[Entry]:
    """Everything that the rooms, the engine and the sessions have a word for."""
    from analyzer.engine import registry

    found = [
        Entry(name, "note", "", kind.spec, (("", kind.meaning),))
        for name, kind in registry.KINDS.items()
        if kind.meaning
    ]
    found += [_finding(code, kind, kind.spec) for code, kind in capture_findings().items()]
    for protocol in registry.protocols():
        found.append(Entry(protocol.name, "protocol", protocol.title, protocol.spec, ()))
        for name, kind in protocol.kinds.items():
            spec = protocol.reference(kind.spec)
            found.append(Entry(name, "line of a timeline", kind.label, spec, (("", kind.meaning),)))
        found += [_finding(code, kind, protocol.reference(kind.spec)) for code, kind in protocol.findings.items()]
        for name, word in protocol.words.items():
            spec = protocol.reference(word.spec)
            found.append(Entry(name, protocol.title, word.title, spec, (("", word.meaning),), word.aliases))
    return found


def capture_findings() -> Mapping[str, core.FindingKind]:
    """The verdicts on the capture itself, and on several connections together: they belong to no room."""
    from analyzer.sessions.join import TABLES

    return TABLES


def _finding(code: str, kind: core.FindingKind, spec: str) -> Entry:
    said = (("Most likely", kind.cause), ("What to do", kind.advice))
    return Entry(code, f"finding, {kind.severity.value}", kind.title, spec, said)


def find(word: str, among: list[Entry]) -> list[Entry]:
    """The entries for `word`: of that very name or number; or else named like it; or else that speak of it."""
    asked = word.strip().lower()
    same = [entry for entry in among if plain(asked) in (*map(plain, (entry.name, entry.title, *entry.aliases)),)]
    same += [entry for entry in numbered(asked, among) if entry not in same]
    if not same and squeezed(asked):
        wanted = (squeezed(asked), squeezed(asked) + "0")  # SSL 3 is SSL 3.0
        same = [entry for entry in among if squeezed(entry.name) in wanted or squeezed(entry.title) in wanted]
    if same:
        return same
    if set(asked) <= HISTORY.keys() and asked != word.strip():
        return [history(word.strip())]
    parts = asked.replace("_", "-").replace(" ", "-")
    events = [entry for entry in among if event(entry.name.lower()) == parts]
    if events and " " not in asked:
        return events
    # What is short is looked for where words begin: it is in the middle of too many.
    begin = rf"(?<![^\W_]){re.escape(plain(asked))}" if len(asked) < LEAST_PART else re.escape(plain(asked))
    part = re.compile(begin)
    named = [entry for entry in among if part.search(plain(entry.name)) or part.search(plain(entry.title))]
    if named:
        return named
    core_words = [word for word in re.split(r"[\s:]+", asked) if word not in FILLERS]
    if core_words and len(core_words) < len(asked.split()):
        rest = " ".join(core_words)
        found = find(rest, of_kind(asked, among)) or ([] if NUMBER.fullmatch(rest) else find(rest, among))
        if found:
            return found
    joined = squeezed(asked)
    whole = re.compile(rf"(?<![\w-]){re.escape(asked)}(?![\w-])")
    field, colon, _ = word.partition(":")
    return (
        ([entry for entry in among if joined in squeezed(entry.name)] if len(joined) >= LEAST_PART else [])
        or [entry for entry in among if whole.search(entry.text)]
        or (find(field, among) if colon and field.strip() else [])
        or ([entry for entry in among if asked in entry.text] if len(asked) >= LEAST_PART else [])
        or by_words(asked, among)
        or [entry for entry in among if plain(entry.name) in asked.split()]
    )


def merged(found: list[Entry]) -> list[Entry]:
    """Entries that say the same under several names, as those of TLS and DTLS do, are one."""
    names: dict[tuple[object, ...], list[str]] = {}
    for entry in found:
        names.setdefault((entry.what, entry.title, entry.spec, entry.said), []).append(entry.name)
    return [
        Entry(", ".join(sorted(same, key=lambda name: (len(name), name))), *about)  # type: ignore[arg-type]
        for about, same in names.items()
    ]


def of_kind(asked: str, among: list[Entry]) -> list[Entry]:
    """The entries whose title names the kind that is asked for: "alert", "extension"."""
    words = set(asked.split())
    return [entry for entry in among if words & set(entry.title.lower().split()[:3]) & FILLERS]


def by_words(asked: str, among: list[Entry]) -> list[Entry]:
    """The entries that have every word of what is asked, or one that begins like it ("cert expired")."""
    stems = [word[: max(len(word) - 2, LEAST_PART)] for word in re.split(r"[\W_]+", asked) if len(word) > 2]
    if len(stems) < 2:
        return []
    found = [entry for entry in among if all(stem in entry.text for stem in stems)]
    best = [entry for entry in found if all(stem in f"{entry.name} {entry.title}".lower() for stem in stems)]
    return best or found


def squeezed(word: str) -> str:
    """Letters and digits alone: "0rtt" is 0-RTT, "TLSv1.3" is TLS 1.3."""
    return re.sub(r"[\W_]+", "", V_BEFORE_NUMBER.sub(r"\1", word.lower()))


def plain(word: str) -> str:
    """`word` as it is compared: some write "handshake failure", some handshake_failure."""
    return word.lower().replace("_", " ").replace("-", " ")


def event(name: str) -> str:
    """`tcp.syn-ack` -> `syn-ack`; "" for what is not named in that manner."""
    room, _, found = name.partition(".")
    return found if room.isalnum() and found[:1].isalpha() else ""


def numbered(asked: str, among: list[Entry]) -> list[Entry]:
    """The entries whose title (or name) has the number that `asked` is, alone or with its category ("alert 40")."""
    pair = BYTES.fullmatch(asked)
    match = NUMBER.fullmatch(f"0x{pair[1]}{pair[2]}" if pair else asked)
    if match is None:
        return []
    category, value = (match[1] or "").lower(), int(match[2], 0) if match[2][:2] == "0x" else int(match[2])
    found = []
    for entry in among:
        title = NUMBERED.fullmatch(entry.title) or NUMBERED.fullmatch(entry.name)
        if title is not None and int(title[2]) == value:
            words = set(title[1].lower().split())
            asked_words = set(category.split())
            if words >= (asked_words - GENERAL or asked_words) or category == "".join(title[1].lower().split()):
                found.append(entry)
    return found or [entry for entry in among if (several := RANGE.fullmatch(entry.name)) and within(value, several)]


def within(value: int, several: re.Match[str]) -> bool:
    return int(several[1]) <= value <= int(several[2])


def history(letters: str) -> Entry:
    """A history string, letter by letter."""
    told = dict.fromkeys(letters)
    said = [
        (
            letter,
            ("initiator: " if letter.isupper() else "responder: " if letter != "^" else "") + HISTORY[letter.lower()],
        )
        for letter in told
    ]
    return Entry(letters, "history of a TCP connection; capitals are the initiator's", "", "", tuple(said))


def lines(entry: Entry, paper: Ink) -> Iterator[Line]:
    """An entry as it is printed."""
    from analyzer.report import ink
    from analyzer.report.ink import Line
    from analyzer.report.text import prose

    line = Line(entry.name, ink.STRONG)
    if entry.title and entry.title.lower() != entry.name.lower():
        line.add("  ").add(ink.cut(entry.title, max(paper.width - line.at - 4, 20)))
    yield line
    about = "   ".join(word for word in (entry.what, entry.spec) if word)
    yield Line("  ").add(about, ink.FAINT)
    for label, text in entry.said:
        column = (6 if len(label) == 1 else LABEL_WIDTH + 2) if label else 2
        for index, piece in enumerate(ink.wrap(text, prose(paper) - column) if text else ()):
            yield Line("  ").add("" if index else label, ink.FAINT).to(column).add(piece)


@click.command("explain")
@click.argument("words", nargs=-1, metavar="WORD...")
@options.COLOR
@click.option("--list", "listed", is_flag=True, help="List every word there is.")
def command(words: tuple[str, ...], color: str, listed: bool) -> int:
    """What a message, code, flag or finding means.

    WORD is a name as the report has it (tcp.syn-no-reply, server_name), a flag, code or number (RST, "icmp 3/13", 404,
    "alert 40", 0x1301), or a part of any.
    """
    from analyzer.report import ink
    from analyzer.report.ink import Line

    known = entries()
    wanted = options.Options(color=color)
    if listed:
        with wanted.text_output() as (out, paper):
            for entry in known:
                line = Line(entry.name, ink.STRONG)
                line.to(max(36, line.at + 2))
                out.write(line.add(ink.cut(entry.title, 60)).painted(paper) + "\n")
        return 0
    if not words:
        raise click.UsageError("say which word to explain, or --list")
    word = " ".join(words)
    found = merged(find(word, known))
    if not found:
        near = get_close_matches(word.lower(), [entry.name.lower() for entry in known], NEAR, 0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "'analyzer explain --list' has all there is"
        click.echo(f"analyzer explain: nothing is known of {word!r}: {hint}", err=True)
        return 2
    with wanted.text_output() as (out, paper):
        if len(found) > TOLD_IN_FULL:
            for entry in found[:LISTED]:
                about = entry.title or (entry.said[0][1] if entry.said else "")
                line = Line(entry.name, ink.STRONG)
                line.to(max(36, line.at + 2))
                out.write(line.add(ink.cut(about, max(paper.width - line.at, 20))).painted(paper) + "\n")
            if len(found) > LISTED:
                print(f"and {len(found) - LISTED} more", file=sys.stderr)
            return 0
        for index, entry in enumerate(found):
            out.writelines(
                line.painted(paper) + "\n" for line in ([Line()] if index else []) + list(lines(entry, paper))
            )
    return 0
