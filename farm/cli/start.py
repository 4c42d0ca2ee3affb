"""The door of the `farm` program: light, so that Ctrl-C while the rest is still loading ends quietly."""

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from farm.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
