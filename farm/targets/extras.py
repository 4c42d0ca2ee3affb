"""Drivers that not everybody needs, as extras of the package."""

import contextlib
from collections.abc import Iterator

from farm.errors import TargetTrouble

DRIVERS = {"pymysql": "mysql", "duckdb": "duckdb"}
"""The driver's module, and the extra that installs it."""


@contextlib.contextmanager
def optional(dialect: str) -> Iterator[None]:
    """Imports in the block may need an extra; raises TargetTrouble that tells how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = DRIVERS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise TargetTrouble(
            f"{dialect} targets need the package {error.name}, which is not installed here; "
            f"install it with: pip install 'sqlfarm[{extra}]'"
        ) from None
