"""`farm`: the command line. Each group of commands is a module of its own; this one puts them together."""

import os
import sys
from typing import Annotated

import typer

from farm import __version__
from farm.cli import (
    asking,
    checking,
    demo,
    exporting,
    looking,
    operating,
    report,
    running,
    standing,
    targets,
    web,
)
from farm.cli.shared import Exit, fail, unwrapped
from farm.cli.top import command as top
from farm.errors import FarmError, Misuse

HELP = """Turn report questions into SQL worth keeping.

Start here: [bold]farm demo[/] shows everything on a shop's database, with a model of its own.

With your own database:

  farm target add shop --dialect postgres --url postgresql://reader@host/shop
  farm enqueue questions.csv          columns: question, target
  farm up                             queue, workers and watchdog until Ctrl-C
  farm queries                        what was accepted
  farm run 1                          the rows of one of them

Settings come from FARM_… variables, farm.toml and secret files; [bold]farm doctor[/] shows and tests them.
Results go to standard output, everything else to standard error; --json prints what scripts read.

Exit codes:

  0    done
  1    done in part: bad rows, failed tests
  2    what was asked cannot be done: input, setting, database
  3    a server is away, or the farm could not go on
  130  stopped by Ctrl-C or SIGTERM before the end
"""

app = typer.Typer(
    help=unwrapped(HELP),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (
    demo,
    running,
    web,
    targets,
    asking,
    checking,
    standing,
    top,
    looking,
    exporting,
    report,
    operating,
):
    commands.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"farm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """Run the command line; every error of the farm's own becomes one clear line and an exit code."""
    sys.exit(_finished(_run()))


def _run() -> int:
    try:
        app(prog_name="farm")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.DONE
    except Misuse as error:
        fail(str(error))
        return Exit.MISUSE
    except FarmError as error:
        fail(str(error))
        return Exit.TROUBLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.PARTLY
    except UnicodeEncodeError as error:
        fail(f"{error.object!r:.80} is no UTF-8 text; write it anew, or check the terminal's encoding")
        return Exit.MISUSE
    except OSError as error:
        if error.filename is None and _finished(Exit.DONE) != Exit.DONE:
            return Exit.TROUBLE  # it was standard output, and that is said
        fail(f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}")
        return Exit.TROUBLE
    return Exit.DONE


def _finished(code: int) -> int:
    """Write out what is left; a reader that has gone away (`| head`) is no error of ours."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return Exit.PARTLY
    except OSError as error:
        _forget_stdout()
        fail(f"standard output cannot be written ({error.strerror})")
        return Exit.TROUBLE
    return code


def _forget_stdout() -> None:
    """Let the interpreter's own flush at exit find an open door."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
