"""The options that mean the same in every command, and what they come to."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import click

from analyzer.core import Limits, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from analyzer.report.ink import Ink
    from analyzer.report.model import Detail

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMATS: Final = ("text", "json", "jsonl", "markdown", "csv")
DETAILS: Final = ("full", "summary", "bytes")
#: What a limit's value may end with.
UNITS: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
DEFAULT_WIDTH: Final = 80
#: A message that is asked for is kept up to this size.
WHOLE_MESSAGE_BYTES: Final = 16 << 20
KEYLOG_VARIABLE: Final = "SSLKEYLOGFILE"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for, checked."""

    format: str = "text"
    output: Path | None = None
    keylog: tuple[Path, ...] = ()
    private_key: tuple[Path, ...] = ()
    ca: Path | None = None
    turn_password: tuple[str, ...] = ()
    filter: str | None = None
    jobs: int | None = None
    limits: Limits = field(default_factory=Limits)
    color: str = "auto"
    quiet: bool = False
    fail_on: str | None = None
    detail: Detail = "full"
    notices: bool = False
    everything: bool = False
    messages: bool = False
    export_messages: Path | None = None

    def __post_init__(self) -> None:
        if self.messages or self.export_messages is not None:
            size = max(self.limits.message_bytes, WHOLE_MESSAGE_BYTES)
            unit_bytes = max(self.limits.unit_bytes, size)  # a message may be one frame
            object.__setattr__(self, "limits", replace(self.limits, message_bytes=size, unit_bytes=unit_bytes))

    def met(self, severities: Iterable[Severity]) -> bool:
        """Whether some finding is as bad as `--fail-on` says."""
        if self.fail_on is None:
            return False
        wanted = {Severity.ERROR} if self.fail_on == "error" else {Severity.ERROR, Severity.WARNING}
        return any(severity in wanted for severity in severities)

    @contextmanager
    def text_output(self) -> Iterator[tuple[TextIO, Ink]]:
        """Where text goes, and the paper it is on: colours and width as the terminal has them."""
        from analyzer.report.ink import Ink

        if self.output is not None:
            with self.output.open("w", encoding="utf-8", newline="") as file:
                yield file, Ink(DEFAULT_WIDTH, colour=self.color == "always")
            return
        out = sys.stdout
        yield out, Ink(width_of(out), colour=coloured(self.color, out), unicode=has_unicode(out))
        out.flush()

    @contextmanager
    def binary_output(self) -> Iterator[BinaryIO]:
        if self.output is not None:
            with self.output.open("wb") as file:
                yield file
            return
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


def coloured(color: str, out: TextIO) -> bool:
    """Whether to colour: as told; by default on terminals, unless NO_COLOR (no-color.org) or TERM says otherwise."""
    if color != "auto":
        return color == "always"
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(out: TextIO) -> int:
    """The width of the terminal, `COLUMNS` where it is set, 80 where there is no terminal."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(out.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def has_unicode(out: TextIO) -> bool:
    try:
        "…·".encode(out.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# --- reading them -----------------------------------------------------------------------------------------------------


def read_limits(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Limits:
    """`NAME=VALUE` each: the limits with those changed."""
    limits = Limits()
    names = [limit.name for limit in fields(Limits)]
    for pair in given:
        name, _, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise click.BadParameter(f"there is no limit {name!r}: {hint}")
        limits = replace(limits, **{name: _number(name, value.strip().lower())})
    return limits


def _number(name: str, value: str) -> int:
    unit = UNITS.get(value[-1:], 1)
    digits = value[:-1] if unit > 1 else value
    if not digits.isdecimal() or not 0 < int(digits) * unit < 1 << 62:
        raise click.BadParameter(f"{name} wants a whole number above 0, perhaps with k, m or g, not {value!r}")
    return int(digits) * unit


def read_keylog(_context: click.Context, _parameter: click.Parameter, given: tuple[Path, ...]) -> tuple[Path, ...]:
    """The key logs named, or else the one that the environment names, if it exists."""
    told = os.environ.get(KEYLOG_VARIABLE)
    if given or not told or not Path(told).is_file():
        return given
    return (Path(told),)


def read_passwords(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """What was given, each with a user and a password."""
    from analyzer import api

    for one in given:
        try:
            api.password_of(one)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return given


def read_filter(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    """The expression, if it is one."""
    if given is not None:
        from analyzer.sessions.filter import Filter

        try:
            Filter(given)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return given


CAPTURES: Final = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
FORMAT: Final = click.option(
    "--format", type=click.Choice(FORMATS), default="text", show_default=True, help="How to write."
)
OUTPUT: Final = click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write, instead of standard output.",
)
KEYLOG: Final = click.option(
    "--keylog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    callback=read_keylog,
    help="A key log (repeatable); default: $SSLKEYLOGFILE, if it exists.",
)
PRIVATE_KEY: Final = click.option(
    "--private-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A server's RSA private key, for RSA key exchange (PEM, DER or PKCS #12; repeatable).",
)
CA: Final = click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates to trust, in place of those that are commonly trusted (PEM or DER).",
)
TURN_PASSWORD: Final = click.option(
    "--turn-password",
    metavar="USER:PASSWORD",
    multiple=True,
    callback=read_passwords,
    help="A user of a TURN relay, to verify what the user signed (repeatable).",
)
FILTER: Final = click.option(
    "--filter",
    metavar="EXPR",
    callback=read_filter,
    help="Sessions to tell of: 'kind == http and outcome != established'.",
)
JOBS: Final = click.option(
    "--jobs", "-j", type=click.IntRange(1), help="Processes to use; by default one, and another for many flows."
)
LIMIT: Final = click.option(
    "--limit", "limits", multiple=True, metavar="NAME=VALUE", callback=read_limits, help="Change a limit (repeatable)."
)
COLOR: Final = click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True, help="Colours."
)
QUIET: Final = click.option("--quiet", "-q", is_flag=True, help="No progress and no warnings on standard error.")
FAIL_ON: Final = click.option(
    "--fail-on", type=click.Choice(("error", "warning")), help="Exit with status 3 if a finding is that bad."
)
DETAIL: Final = click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default="full",
    show_default=True,
    help="In JSON: without notes, with them, or with the bytes of every field.",
)
NOTICES: Final = click.option("--notices", is_flag=True, help="Tell also what is worth a notice only.")
ALL: Final = click.option("--all", "everything", is_flag=True, help="List every session and finding, however many.")

MESSAGES: Final = click.option("--messages", is_flag=True, help="Show messages whole (WebSocket, data channels).")
EXPORT_MESSAGES: Final = click.option(
    "--export-messages",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each message to a file of its own in this folder, and a list of them.",
)

COMMON: Final = (KEYLOG, PRIVATE_KEY, CA, TURN_PASSWORD, FILTER, JOBS, LIMIT, COLOR, QUIET, FAIL_ON)


def reading(*more: Decorator) -> Decorator:
    """Captures to read, the options of every command that reads them, and `more` of its own before those."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        decorators: tuple[Decorator, ...] = (CAPTURES, *more, OUTPUT, *COMMON)
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return add
