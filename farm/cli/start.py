"""The door of the `farm` program: light, so that Ctrl-C while the rest is still loading ends quietly.

Workers that it spawns go through this module again and not through the whole command line.
"""

import gc
import sys


def main() -> None:
    """Load the command line and run it."""
    gc.disable()  # what is loaded lives as long as the process; looking through it takes a fifth of the way
    try:
        from farm.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()
    gc.enable()
    run()
