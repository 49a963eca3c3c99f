"""The `analyzer` command: its subcommands, each loaded when it is called, and how it ends.

Exit statuses: 0 done, 1 a capture could not be read, 2 wrong usage, 3 `--fail-on` was met, 130 interrupted.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from analyzer import compiled
from analyzer.core import CaptureError
from analyzer.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

#: name -> where it is, and its line in `analyzer --help` (which must not load it to find out).
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "report": ("analyzer.cli.report:command", "Sessions, outcomes, latencies and findings of captures."),
    "timeline": ("analyzer.cli.timeline:command", "Annotated timelines: every step, in order, in words."),
    "live": ("analyzer.cli.live:command", "The same while it happens on an interface."),
    "interfaces": ("analyzer.cli.interfaces:command", "What can be captured here, and whether you may."),
    "crosscheck": ("analyzer.cli.crosscheck:command", "Our reading beside Wireshark's, message by message."),
    "explain": ("analyzer.cli.explain:command", "What a message, code, flag or finding means, offline."),
}

CANNOT_READ: Final = 1
WRONG_USAGE: Final = 2
FAILED_ON: Final = 3
INTERRUPTED: Final = 130

#: Set, it lets our own mistakes show where they happened.
DEBUG: Final = "ANALYZER_DEBUG"


class Analyzer(click.Group):
    """The group of subcommands; whatever goes wrong in one ends as a sentence and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {args[0]!r}: {hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line and leave with its status; without `standalone_mode`, return what it returns."""
        run: Callable[..., Any] = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        try:
            status = run(*args, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "analyzer"
            _say(f"{path}: {_sentence(error.format_message())} (see '{path} --help')")
            status = WRONG_USAGE
        except click.ClickException as error:
            _say(f"analyzer: {_sentence(error.format_message())}")
            status = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            status = INTERRUPTED
        except BrokenPipeError:
            status = _reader_left()
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            return _reader_left()
        except KeyboardInterrupt:
            return INTERRUPTED
        except CaptureError as error:
            _say(f"analyzer: {_sentence(str(error))}")
            return CANNOT_READ
        except Exception as error:
            if os.environ.get(DEBUG):
                raise
            return _last_resort(error)


def _last_resort(error: Exception) -> int:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"analyzer: {where}{error.strerror}")
    elif isinstance(error, MemoryError):
        _say("analyzer: there is not enough memory for this capture; give it fewer files, or lower a --limit")
    else:
        _say(
            f"analyzer: a mistake of the analyzer itself ({type(error).__name__}: {_sentence(str(error))}); "
            f"please report it with the output of 'analyzer --version' and, from {DEBUG}=1, where it happened"
        )
    return CANNOT_READ


def _say(sentence: str) -> None:
    click.echo("".join(char if char.isprintable() else repr(char)[1:-1] for char in sentence), err=True)


def _sentence(text: str) -> str:
    """`text` on one line, without the stop that some messages end with."""
    return " ".join(text.split()).removesuffix(".")


def _reader_left() -> int:
    """Nobody reads our output any more (`| head`): that is done, not an error.  What is buffered goes nowhere."""
    with suppress(OSError, ValueError):  # where standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(f"analyzer {VERSION}, Python {sys.version.split()[0]}")
    for title, names in (("passes over columns", compiled.PASSES), ("segments and units", compiled.UNITS)):
        click.echo(f"  {title:<20}  {_forms(compiled.forms(names))}")
    if os.environ.get(compiled.VARIABLE) == "1":
        click.echo(f"  {compiled.VARIABLE}=1 keeps compiled forms from being used")
    ctx.exit()


def _forms(forms: dict[str, str]) -> str:
    """Such as "compiled", or which modules are not."""
    found = sorted(set(forms.values()))
    if len(found) == 1:
        return found[0]
    return "; ".join(f"{form}: {', '.join(name for name in forms if forms[name] == form)}" for form in found)


@click.command(
    "analyzer",
    cls=Analyzer,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=False,
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version, and which modules run compiled.",
)
def main() -> None:
    """Explain every connection in a capture: what happened, in order, how long it took, and where it failed.

    Results go to standard output, all else to standard error.  Exit status: 0 done, 1 a capture could not be read,
    2 wrong usage, 3 --fail-on was met, 130 interrupted.
    """


def run() -> NoReturn:
    """Run the command as a process of its own.

    It leaves without taking what was found apart, object by object: that would take longer than to write it.
    """
    # numpy's library for matrices, of which there are none here, would wait for them in a busy loop on every processor.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        main.main(prog_name="analyzer")
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 0
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
