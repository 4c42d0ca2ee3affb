"""Whether the farm on this host lives: `python -m farm.watchdog.alive HOME` tells by its exit code.

The watchdog says so in a file every few seconds. Containers ask often, and `farm status` would load a whole
farm and count its tasks each time; this loads nothing but itself.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from farm.private import make_folder

EVERY_SECONDS = 5.0
FRESH_SECONDS = 30.0
FORGOTTEN_SECONDS = 24 * 3600.0
READY, STARTING = "ready", "starting"


class Alive:
    """The file of one farm, in a folder that the farms of several hosts may share."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path_of(home)
        self._clock = clock
        self._next_at = clock()

    def tell(self, *, ready: bool) -> None:
        """Note that the watchdog goes round, and whether it can work; a full disk is no trouble."""
        if self._clock() < self._next_at:
            return
        self._next_at = self._clock() + EVERY_SECONDS
        with contextlib.suppress(OSError):
            make_folder(self._path.parent)
            self._path.write_text(READY if ready else STARTING)

    def end(self) -> None:
        """Leave nothing behind, nor what hosts left that are long gone."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            for other in self._path.parent.iterdir():
                if time.time() - other.stat().st_mtime > FORGOTTEN_SECONDS:
                    other.unlink(missing_ok=True)


def path_of(home: Path) -> Path:
    """Where the farm of this host says that it lives."""
    return home / "alive" / socket.gethostname()


def trouble(home: Path, *, live: bool, now: float) -> str | None:
    """What is wrong with the farm of this host; None where nothing is. `live`: it need not be ready yet."""
    path = path_of(home)
    try:
        said, age_seconds = path.read_text(), now - path.stat().st_mtime
    except OSError as error:
        return f"no farm works here: {path} cannot be read ({error.strerror})"
    if age_seconds > FRESH_SECONDS:
        return f"the watchdog has said nothing for {age_seconds:.0f} s"
    if said != READY and not live:
        return "no worker is ready yet"
    return None


def main(arguments: Sequence[str]) -> int:
    """HOME is FARM_HOME. 0: it lives and works, or with `--live` at least goes round; 1 with the reason."""
    homes = [word for word in arguments if word != "--live"]
    if len(homes) != 1:
        print("python -m farm.watchdog.alive HOME [--live]: HOME is what FARM_HOME says", file=sys.stderr)
        return 2
    said = trouble(Path(homes[0]), live="--live" in arguments, now=time.time())
    if said is None:
        return 0
    print(said, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
