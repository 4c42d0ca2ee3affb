"""`farm`: the command line. Each group of commands is a module of its own; this one puts them together."""

import sys
from typing import Annotated

import typer

from farm import __version__
from farm.cli import asking, demo, looking, operating, running, targets
from farm.cli.shared import Exit, fail
from farm.errors import FarmError, Misuse

HELP = """Turn report questions into SQL worth keeping.

Start here: [bold]farm demo[/] shows everything on a shop's database, with a model of its own.

With your own database:

  farm target add shop --dialect postgres --url postgresql://reader@host/shop
  farm enqueue questions.csv          columns: question, target
  farm up                             queue, workers and watchdog until Ctrl-C
  farm queries                        what was accepted

Settings come from FARM_… variables, farm.toml and secret files; [bold]farm doctor[/] shows and tests them.

Exit codes: 0 done; 1 done in part (bad rows, failed tests); 2 something asked cannot be done; 3 a server is
away or the farm could not go on; 130 interrupted.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (demo, running, targets, asking, looking, operating):
    commands.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"farm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """Run the command line; every error of the farm's own becomes one clear line and an exit code."""
    try:
        app()
    except Misuse as error:
        fail(str(error))
        sys.exit(Exit.MISUSE)
    except FarmError as error:
        fail(str(error))
        sys.exit(Exit.TROUBLE)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.DONE)


if __name__ == "__main__":
    main()
