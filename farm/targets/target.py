"""A named database that queries are written for."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Dialect = Literal["sqlite", "postgres", "mysql", "duckdb"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres", "mysql", "duckdb")
"""Those whose databases the farm can read, prepare and run queries on."""


def fingerprint(ddl: str) -> str:
    """Digest of a schema (SHA-256, first 16 hex digits); equal for equal DDL up to white space."""
    return hashlib.sha256(" ".join(ddl.split()).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """`ddl` is the schema as CREATE statements; `url`, a secret, comes from the settings, not the store, and
    so does `evidence`: whether accepted queries are run once, for their results. `output_dialect`: in what
    else than its own dialect its queries are wanted."""

    name: str
    dialect: Dialect
    ddl: str
    notes: str = ""
    url: str | None = None
    output_dialect: Dialect | None = None
    evidence: bool = False

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.ddl)

    def __repr__(self) -> str:
        return f"Target(name={self.name!r}, dialect={self.dialect!r}, fingerprint={self.fingerprint!r})"
