"""The door of the `farm` program: light, so that Ctrl-C while the rest is still loading ends quietly.

Workers that it spawns go through this module again and not through the whole command line.
"""

import gc
import io
import os
import sys


def main() -> None:
    """Load the command line and run it."""
    _settle_streams()
    gc.disable()  # what is loaded lives as long as the process; looking through it takes a fifth of the way
    try:
        from farm.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()
    gc.enable()
    run()


def _settle_streams() -> None:
    """Let a closed stream lead nowhere, and what a terminal's encoding lacks be written as an escape."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
